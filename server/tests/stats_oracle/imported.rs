//! Figures that came as figures: random reports by day, as an import writes them, and questions that one of them can answer.

use super::{
    check::{self, Both, Question},
    dice::Dice,
    history::*,
    queries,
    smaller::{Case, smaller},
};
use chrono::{Days, NaiveDate};
use pulsecast_protocol::{
    Timestamp,
    stats::{
        Comparison, ComparisonMode, DateRange, Dimension, Direction, Filter, Include, Metric, OrderBy,
        OrderKey, Pagination, Query, TimeUnit,
    },
};
use pulsecast_server::{
    event::SiteId,
    store::{Change, Daily, Import, ImportId},
};
use std::collections::{BTreeMap, BTreeSet};

/// An imported row: of the site that is asked about, or of another.
pub type Row = (SiteId, Daily);

const OF_VISITS: &[&str] = &["visitors", "visits", "pageviews", "bounces", "duration_ms"];
const OF_PAGES: &[&str] = &[
    "visitors",
    "visits",
    "pageviews",
    "engaged_ms",
    "engaged_visits",
    "scroll_sum",
    "scroll_visits",
];
const TAGGED: &[(&str, &[&str])] = &[
    ("source", &SOURCES),
    ("referrer", &REFERRERS),
    ("channel", &CHANNELS),
    ("utm_source", &TAGS),
    ("utm_medium", &TAGS),
    ("utm_campaign", &TAGS),
    ("utm_content", &TAGS),
    ("utm_term", &TAGS),
];

/// A report's name, its columns with what may stand in them, and its figures.
type Report = (
    &'static str,
    &'static [(&'static str, &'static [&'static str])],
    &'static [&'static str],
);

const REPORTS: &[Report] = &[
    ("visitors", &[], OF_VISITS),
    ("sources", TAGGED, OF_VISITS),
    ("pages", &[("page", &PATHS), ("hostname", &HOSTS)], OF_PAGES),
    ("entry_pages", &[("page", &PATHS)], OF_VISITS),
    ("exit_pages", &[("page", &PATHS)], OF_VISITS),
    (
        "custom_events",
        &[("event", &NAMES), ("page", &PATHS)],
        &["visitors", "events"],
    ),
    (
        "locations",
        &[("country", &COUNTRIES), ("region", &REGIONS)],
        OF_VISITS,
    ),
    ("devices", &[("device", &DEVICES)], OF_VISITS),
    (
        "browsers",
        &[("browser", &BROWSERS), ("browser_version", &VERSIONS)],
        OF_VISITS,
    ),
    (
        "operating_systems",
        &[("os", &SYSTEMS), ("os_version", &VERSIONS)],
        OF_VISITS,
    ),
];

/// What was imported into a history's sites. Days that the first has events of are left out, as an import leaves them out that is made when they
/// are there; one that was made before them knows of none.
pub fn random(dice: &mut Dice, history: &History) -> Vec<Row> {
    if dice.percent(30) {
        return Vec::new();
    }
    let around = super::naive::wall(history.around, history.zone).date();
    let own: BTreeSet<NaiveDate> = match dice.percent(25) {
        true => BTreeSet::new(),
        false => history
            .hits()
            .map(|hit| super::naive::wall(hit.at, history.zone).date())
            .collect(),
    };
    let days: BTreeSet<NaiveDate> = (0..dice.places(1, 12))
        .map(|_| {
            let back = match dice.between(0, 9) {
                0..5 => dice.between(0, 6),
                5..9 => dice.between(0, 60),
                _ => dice.between(330, 400),
            };
            around + Days::new(2) - Days::new(back.unsigned_abs())
        })
        .filter(|day| !own.contains(day))
        .collect();
    let mut rows = Vec::new();
    for day in days {
        let site = SiteId(if dice.percent(90) { 1 } else { 2 });
        for report in REPORTS {
            if dice.percent(85) {
                let many = if report.1.is_empty() { 1 } else { dice.places(1, 4) };
                rows.extend((0..many).map(|_| (site, row(dice, day, report))));
            }
        }
    }
    rows
}

fn row(dice: &mut Dice, day: NaiveDate, (report, columns, figures): &Report) -> Daily {
    let mut row = Daily {
        day,
        report,
        group: Default::default(),
        figures: Default::default(),
    };
    for (column, values) in *columns {
        let at = Daily::COLUMNS.iter().position(|known| known == column).unwrap();
        row.group[at] = dice.maybe(25, values);
    }
    for figure in *figures {
        let at = Daily::FIGURES.iter().position(|known| known == figure).unwrap();
        let many = dice.between(0, 12).unsigned_abs();
        row.figures[at] = if figure.ends_with("_ms") {
            many * 7_000
        } else {
            many
        };
    }
    if *report == "visitors" {
        // Of whoever counted elsewhere, pageviews are all the events that are known by day.
        let at = |name: &str| Daily::FIGURES.iter().position(|known| *known == name).unwrap();
        row.figures[at("events")] = row.figures[at("pageviews")];
    }
    row
}

/// The changes that bring them into a store.
pub fn changes(rows: &[Row], at: Timestamp) -> Vec<Change> {
    let mut changes = Vec::new();
    for site in [SiteId(1), SiteId(2)] {
        let import = Import {
            id: ImportId(i64::from(site.0)),
            site,
            kind: "plausible".to_owned(),
            name: "plausible.zip".to_owned(),
            started: at,
            ended: None,
            days: None,
            rows: 0,
            events: 0,
            visits: 0,
            skipped: BTreeMap::new(),
        };
        let of_site = rows.iter().filter(|(of, _)| *of == site);
        let rows: Vec<Daily> = of_site.map(|(_, row)| row.clone()).collect();
        changes.push(Change::ImportBegins(Box::new(import.clone())));
        changes.push(Change::ImportDaily {
            import: import.id,
            site,
            part: 1,
            rows: rows.into(),
        });
        changes.push(Change::ImportEnds(Box::new(Import {
            ended: Some(at),
            ..import
        })));
    }
    changes
}

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
            let midnight = |day| super::naive::day_begins(day, history.zone);
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
        super::setting("ORACLE_CASES", 20).div_ceil(2),
        super::setting("ORACLE_QUESTIONS", 25),
    );
    let first = super::setting("ORACLE_SEED", 1);
    let (mut rows, mut added) = (0, 0);
    for seed in first..first + histories {
        let dice = &mut Dice::new(seed ^ 0x1_4909);
        let mut history = History::random(dice);
        while history.imported.is_empty() {
            history.imported = random(dice, &history);
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
