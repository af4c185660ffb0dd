//! Questions that sums of days can answer: asked of a store whose days are summed up as far as they can be, part of them before the rest of
//! the history came.

use super::{
    check::{self, Both, Question},
    dice::Dice,
    history::History,
    naive::day_begins,
    queries,
    smaller::{Case, smaller},
};
use chrono::{Days, NaiveDate};
use pulsecast_protocol::Timestamp;
use pulsecast_protocol::stats::{
    Comparison, ComparisonMode, Condition, DateRange, Dimension, Filter, Include, Metric, Operator,
    Pagination, Query, Subject, TimeUnit,
};

const OF_VISITS: [Metric; 8] = [
    Metric::Visitors,
    Metric::Visits,
    Metric::Pageviews,
    Metric::Events,
    Metric::ViewsPerVisit,
    Metric::BounceRate,
    Metric::VisitDuration,
    Metric::Percentage,
];

const OF_EVENTS: [Metric; 5] = [
    Metric::Visitors,
    Metric::Visits,
    Metric::Pageviews,
    Metric::Events,
    Metric::Percentage,
];

const DIMENSIONS: [Dimension; 20] = [
    Dimension::Time(TimeUnit::Day),
    Dimension::Time(TimeUnit::Day),
    Dimension::Time(TimeUnit::Week),
    Dimension::Time(TimeUnit::Month),
    Dimension::Page,
    Dimension::Hostname,
    Dimension::EntryPage,
    Dimension::ExitPage,
    Dimension::Source,
    Dimension::Referrer,
    Dimension::Channel,
    Dimension::UtmCampaign,
    Dimension::Device,
    Dimension::Browser,
    Dimension::OsVersion,
    Dimension::Country,
    Dimension::Region,
    Dimension::City,
    Dimension::Language,
    Dimension::Screen,
];

/// What visitors are.
const OWN: [Dimension; 10] = [
    Dimension::Device,
    Dimension::Browser,
    Dimension::BrowserVersion,
    Dimension::Os,
    Dimension::OsVersion,
    Dimension::Country,
    Dimension::Region,
    Dimension::City,
    Dimension::Language,
    Dimension::Screen,
];

/// Where they came from, and their pages.
const OTHER: [Dimension; 7] = [
    Dimension::Source,
    Dimension::Referrer,
    Dimension::Channel,
    Dimension::UtmCampaign,
    Dimension::EntryPage,
    Dimension::ExitPage,
    Dimension::Page,
];

/// On one of these, negated, one of several, or something of both.
fn part(dice: &mut Dice, of: &[Dimension]) -> Filter {
    let one = |dice: &mut Dice| {
        let dimension = dice.one(of);
        queries::condition_on(dice, dimension)
    };
    match dice.between(0, 9) {
        0 => Filter::Not(Box::new(one(dice))),
        1 | 2 => Filter::Or((0..dice.places(1, 3)).map(|_| one(dice)).collect()),
        3 => Filter::And((0..dice.places(0, 2)).map(|_| one(dice)).collect()),
        4 => Filter::Not(Box::new(Filter::Or((0..2).map(|_| one(dice)).collect()))),
        _ => one(dice),
    }
}

/// Filters that marks can answer, most of them.
fn filters(dice: &mut Dice, dimensions: &[Dimension]) -> Vec<Filter> {
    let many = dice.one(&[0, 1, 1, 2]);
    let mut filters: Vec<Filter> = (0..many).map(|_| part(dice, &OWN)).collect();
    let other = match dice.between(0, 9) {
        0..3 => dimensions
            .first()
            .filter(|dimension| OTHER.contains(dimension))
            .cloned(),
        3..6 => Some(dice.one(&OTHER)),
        _ => None,
    };
    if let Some(other) = other {
        let mut filter = part(dice, &[other]);
        if let Filter::Condition(Condition { operator, values, .. }) = &mut filter
            && dice.percent(50)
            && matches!(operator, Operator::Is | Operator::IsNot)
        {
            *operator = Operator::Is;
            values.truncate(1);
        }
        filters.push(filter);
    }
    if dice.percent(8) {
        filters.push(part(dice, &[Dimension::Device, Dimension::Source]));
    }
    filters
}

fn names_page(filter: &Filter) -> bool {
    match filter {
        Filter::And(all) | Filter::Or(all) => all.iter().any(names_page),
        Filter::Not(one) | Filter::HasDone(one) | Filter::HasNotDone(one) => names_page(one),
        Filter::Condition(condition) => condition.subject == Subject::Dimension(Dimension::Page),
    }
}

fn question(dice: &mut Dice, history: &History) -> Query {
    let mut date_range = queries::range(dice, history);
    while matches!(
        date_range,
        DateRange::Realtime | DateRange::Realtime30 | DateRange::Last24h | DateRange::Times(..)
    ) {
        date_range = queries::range(dice, history);
    }
    if dice.percent(15) {
        // As dashboards compare with as much of the period before as has passed of the shown one.
        let day = queries::day(dice, history);
        let begins = |day: NaiveDate| day_begins(day, history.zone);
        let from = begins(day);
        let until = begins(day + Days::new(dice.one(&[0, 1, 2, 3, 7])));
        date_range = DateRange::Times(
            from,
            until.plus(dice.between(0, 24) * Timestamp::HOUR + dice.one(&[0, 1, 30 * 60_000])),
        );
    }
    let dimensions: Vec<Dimension> = if dice.percent(25) {
        Vec::new()
    } else {
        vec![dice.one(&DIMENSIONS)]
    };
    let many = dice.places(1, 5);
    let filters = if dice.percent(70) {
        filters(dice, &dimensions)
    } else {
        Vec::new()
    };
    let of_events = dimensions.iter().any(Dimension::is_of_event) || filters.iter().any(names_page);
    let comparisons = dice.percent(20).then(|| Comparison {
        mode: dice.one(&[ComparisonMode::PreviousPeriod, ComparisonMode::YearOverYear]),
        date_range: None,
        match_day_of_week: dice.percent(30),
    });
    Query {
        site_id: "example.com".parse().unwrap(),
        metrics: if of_events {
            dice.some(many, &OF_EVENTS)
        } else {
            dice.some(many, &OF_VISITS)
        },
        date_range,
        date: None,
        dimensions,
        filters,
        order_by: Vec::new(),
        include: Include {
            comparisons,
            total_rows: dice.percent(20),
            ..Include::default()
        },
        pagination: Pagination::default(),
    }
}

#[test]
fn sums_of_days_answer_what_events_do() {
    let (histories, questions) = (
        super::setting("ORACLE_CASES", 20).div_ceil(4),
        super::setting("ORACLE_QUESTIONS", 25),
    );
    let first = super::setting("ORACLE_SEED", 1);
    let mut named = 0;
    for seed in first..first + histories {
        let dice = &mut Dice::new(seed ^ 0x5_0115);
        let history = History {
            rolled: true,
            ..History::random(dice)
        };
        let mut scope = queries::scope(dice, &history);
        scope.forced = None;
        let both = Both::of(&history, &scope);
        for _ in 0..questions.div_ceil(5) {
            let range = queries::range(dice, &history);
            let names = both.subject.props(&scope, range).unwrap();
            assert_eq!(
                names[0], names[1],
                "seed {seed}: names of properties in {range:?}"
            );
            named += u64::from(!names[0].is_empty());
        }
        for _ in 0..questions {
            let question = Question::Query(Box::new(question(dice, &history)));
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
    assert_ne!(named, 0, "no history has properties");
    println!(
        "{histories} histories, {} questions, names of properties in {named} periods: no difference",
        histories * questions
    );
}
