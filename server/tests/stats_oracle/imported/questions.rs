//! Questions that one report of imported figures can answer, asked of both.

use crate::{
    check::{self, Both, Question},
    dice::Dice,
    history::History,
    naive::day_begins,
    queries, setting,
    smaller::{Case, smaller},
    subject::Subject,
};
use chrono::{Days, NaiveDate};
use pulsecast_protocol::{
    Timestamp,
    stats::{
        Comparison, ComparisonMode, DateRange, Dimension, Direction, Filter, Include, Metric, OrderBy,
        OrderKey, Pagination, Query, QueryResult, TimeUnit,
    },
};
use pulsecast_server::{event::SiteId, store::Daily};
use std::collections::BTreeSet;

/// Dimensions that go together.
const GROUPS: &[&[Dimension]] = &[
    &[],
    &[
        Dimension::Source,
        Dimension::Referrer,
        Dimension::Channel,
        Dimension::UtmCampaign,
        Dimension::UtmTerm,
    ],
    &[Dimension::Page, Dimension::Hostname],
    &[Dimension::EntryPage],
    &[Dimension::ExitPage],
    &[Dimension::EventName],
    &[Dimension::Country, Dimension::Region],
    &[Dimension::Device],
    &[Dimension::Browser, Dimension::BrowserVersion],
    &[Dimension::Os, Dimension::OsVersion],
];

const METRICS: [Metric; 11] = [
    Metric::Visitors,
    Metric::Visits,
    Metric::Pageviews,
    Metric::Events,
    Metric::Percentage,
    Metric::ViewsPerVisit,
    Metric::BounceRate,
    Metric::VisitDuration,
    Metric::TimeOnPage,
    Metric::ScrollDepth,
    Metric::ExitRate,
];

fn filter(dice: &mut Dice, of: &[Dimension]) -> Filter {
    let one = |dice: &mut Dice| {
        let dimension = dice.one(of);
        queries::condition_on(dice, dimension)
    };
    match dice.between(0, 9) {
        0 => Filter::Not(Box::new(one(dice))),
        1 | 2 => Filter::Or((0..dice.places(1, 3)).map(|_| one(dice)).collect()),
        3 => Filter::And((0..2).map(|_| one(dice)).collect()),
        _ => one(dice),
    }
}

/// One in which there are imported figures, whole days or cut ones.
fn range(dice: &mut Dice, history: &History) -> DateRange {
    let day = dice.one(&history.imported).1.day;
    let first = day - Days::new(dice.one(&[0, 0, 1, 3, 40]));
    let last = day + Days::new(dice.one(&[0, 0, 1, 6, 30]));
    match dice.between(0, 9) {
        0..6 => DateRange::Dates(first, last),
        6 => DateRange::All,
        7 => DateRange::LastMonths(12),
        _ => {
            let midnight = |day| day_begins(day, history.zone);
            let hours = dice.one(&[0, 0, 5, 24]) * Timestamp::HOUR;
            DateRange::Times(
                midnight(first).plus(-dice.one(&[0, 0, 1, 3_600_000])),
                midnight(last + Days::new(1)).plus(hours - dice.one(&[0, 0, 1])),
            )
        }
    }
}

/// A question that a report can answer, most of the time.
fn question(dice: &mut Dice, history: &History) -> Query {
    let group = dice.one(GROUPS);
    let mut dimensions: Vec<Dimension> = match group {
        [] => Vec::new(),
        group => {
            let many = dice.one(&[0, 1, 1, 1, 2]).min(group.len());
            dice.some(many, group)
        }
    };
    if dice.percent(35) {
        let unit = dice.one(&[TimeUnit::Day, TimeUnit::Week, TimeUnit::Month, TimeUnit::Auto]);
        let at = dice.places(0, dimensions.len());
        dimensions.insert(at, Dimension::Time(unit));
    }
    let filters: Vec<Filter> = match group {
        [] => Vec::new(),
        group => (0..dice.one(&[0, 0, 1, 1, 2]))
            .map(|_| filter(dice, group))
            .collect(),
    };
    let named: BTreeSet<&Dimension> = group
        .iter()
        .filter(|_| !filters.is_empty())
        .chain(&dimensions)
        .collect();
    let by_page =
        dimensions.contains(&Dimension::Page) || filters.iter().any(|f| queries::names(f, &Dimension::Page));
    let by_event = named.contains(&Dimension::EventName);
    let of_events = by_event || named.iter().any(|dimension| dimension.is_of_event());
    let mut metrics: Vec<Metric> = {
        let many = dice.places(1, 6);
        dice.some(many, &METRICS)
    };
    metrics.retain(|metric| match metric {
        Metric::TimeOnPage | Metric::ScrollDepth => by_page,
        Metric::ExitRate => dimensions.contains(&Dimension::ExitPage) && !of_events,
        Metric::ViewsPerVisit | Metric::BounceRate | Metric::VisitDuration => {
            !dimensions.contains(&Dimension::EventName)
        }
        _ => true,
    });
    if metrics.is_empty() {
        metrics.push(Metric::Visitors);
    }
    let keys: Vec<OrderKey> = metrics
        .iter()
        .map(|metric| OrderKey::Metric(*metric))
        .chain(dimensions.iter().cloned().map(OrderKey::Dimension))
        .collect();
    let many = dice.one(&[0, 1, 1, 2]);
    let order_by = dice
        .some(many, &keys)
        .into_iter()
        .map(|key| OrderBy(key, dice.one(&[Direction::Asc, Direction::Desc])))
        .collect();
    let date_range = match dice.percent(70) {
        true => range(dice, history),
        false => queries::range(dice, history),
    };
    let is_short = matches!(date_range, DateRange::Realtime | DateRange::Realtime30);
    let comparison = Comparison {
        mode: dice.one(&[ComparisonMode::PreviousPeriod, ComparisonMode::YearOverYear]),
        date_range: None,
        match_day_of_week: dice.percent(30),
    };
    Query {
        site_id: "example.com".parse().unwrap(),
        metrics,
        date_range,
        date: None,
        include: Include {
            imports: dice.percent(95),
            time_labels: false,
            total_rows: dice.percent(40),
            comparisons: (!is_short && dice.percent(30)).then_some(comparison),
        },
        dimensions,
        filters,
        order_by,
        pagination: match dice.percent(50) {
            true => Pagination {
                limit: u32::try_from(dice.between(1, 4)).unwrap(),
                offset: u32::try_from(dice.between(0, 5)).unwrap(),
            },
            false => Pagination::default(),
        },
    }
}

#[test]
fn imported_figures_are_added_as_the_page_defines() {
    let (histories, questions) = (
        setting("ORACLE_CASES", 20).div_ceil(2),
        setting("ORACLE_QUESTIONS", 25),
    );
    let first = setting("ORACLE_SEED", 1);
    let (mut rows, mut added) = (0, 0);
    for seed in first..first + histories {
        let dice = &mut Dice::new(seed ^ 0x1_4909);
        let mut history = History::random(dice);
        while history.imported.is_empty() {
            history.imported = super::random(dice, &history);
        }
        let mut scope = queries::scope(dice, &history);
        scope.forced = None;
        let both = Both::of(&history, &scope);
        rows += history.imported.len();
        for _ in 0..questions {
            let query = question(dice, &history);
            added += u32::from(both.naive.query(&query).meta.imports_included == Some(true));
            let question = Question::Query(Box::new(query));
            if let Some(difference) = both.differ(&question) {
                let case = smaller(Case {
                    history: history.clone(),
                    scope: scope.clone(),
                    question,
                    difference,
                });
                panic!(
                    "seed {seed}: {}",
                    check::told(&case.history, &case.scope, &case.question, &case.difference)
                );
            }
        }
    }
    assert!(added > 0, "no question was answered with imported figures");
    println!(
        "{histories} histories ({rows} imported rows), {} questions, {added} with imported figures in the answer: no difference",
        histories * questions
    );
}

/// A site with nothing but this many imported pages on each of so many days, seen by one visitor each, asked now.
fn with_pages(pages: usize, days: u64) -> History {
    let first: NaiveDate = "2024-01-01".parse().unwrap();
    let at = |name: &str, of: &[&str]| of.iter().position(|known| *known == name).unwrap();
    let row = |day: NaiveDate, page: usize| {
        let mut row = Daily {
            day,
            report: "pages",
            group: Default::default(),
            figures: Default::default(),
        };
        row.group[at("page", &Daily::COLUMNS)] = Some(format!("/{page:05}"));
        row.figures[at("visitors", &Daily::FIGURES)] = 1;
        (SiteId(1), row)
    };
    let now = day_begins(first + Days::new(days), chrono_tz::Tz::UTC);
    History {
        zone: chrono_tz::Tz::UTC,
        steps: Vec::new(),
        now,
        around: now,
        rolled: false,
        imported: (0..days)
            .flat_map(|day| (0..pages).map(move |page| (day, page)))
            .map(|(day, page)| row(first + Days::new(day), page))
            .collect(),
    }
}

fn by_page(pagination: Pagination) -> Query {
    Query {
        site_id: "example.com".parse().unwrap(),
        metrics: vec![Metric::Visitors],
        date_range: DateRange::All,
        date: None,
        dimensions: vec![Dimension::Page],
        filters: Vec::new(),
        order_by: Vec::new(),
        include: Include {
            imports: true,
            total_rows: true,
            ..Include::default()
        },
        pagination,
    }
}

fn ask(history: &History, query: &Query) -> QueryResult {
    let mut scope = queries::scope(&mut Dice::new(1), history);
    scope.forced = None;
    let (subject, _) = Subject::of(history);
    subject.query(&scope, query).unwrap().swap_remove(0)
}

#[test]
fn two_years_of_three_hundred_pages_are_not_too_much_to_ask() {
    let history = with_pages(300, 730);
    let answer = ask(&history, &by_page(Pagination { limit: 9, offset: 0 }));
    assert_eq!((answer.results.len(), answer.meta.total_rows), (9, Some(300)));
    assert_eq!(answer.results[0].metrics[0].number(), Some(730.0));
}

#[test]
fn rows_beyond_the_ten_thousandth_are_there() {
    let history = with_pages(10_050, 1);
    let last = Pagination {
        limit: 100,
        offset: 10_000,
    };
    let answer = ask(&history, &by_page(last));
    assert_eq!((answer.results.len(), answer.meta.total_rows), (50, Some(10_050)));
    assert_eq!(answer.results[49].dimensions, ["/10049"]);
}
