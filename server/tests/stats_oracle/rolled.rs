//! Questions that sums of days can answer: asked of a store whose days are summed up as far as they can be, part of them before the rest of
//! the history came.

use super::{
    check::{self, Both, Question},
    dice::Dice,
    history::History,
    queries,
    smaller::{Case, smaller},
};
use pulsecast_protocol::stats::{
    Comparison, ComparisonMode, DateRange, Dimension, Include, Metric, Pagination, Query, TimeUnit,
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

fn question(dice: &mut Dice, history: &History) -> Query {
    let mut date_range = queries::range(dice, history);
    while matches!(
        date_range,
        DateRange::Realtime | DateRange::Realtime30 | DateRange::Last24h | DateRange::Times(..)
    ) {
        date_range = queries::range(dice, history);
    }
    let dimensions: Vec<Dimension> = if dice.percent(25) {
        Vec::new()
    } else {
        vec![dice.one(&DIMENSIONS)]
    };
    let many = dice.places(1, 5);
    let of_events = dimensions.iter().any(Dimension::is_of_event);
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
        filters: Vec::new(),
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
    for seed in first..first + histories {
        let dice = &mut Dice::new(seed ^ 0x5_0115);
        let history = History {
            rolled: true,
            ..History::random(dice)
        };
        let mut scope = queries::scope(dice, &history);
        scope.forced = None;
        let both = Both::of(&history, &scope);
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
    println!(
        "{histories} histories, {} questions: no difference",
        histories * questions
    );
}
