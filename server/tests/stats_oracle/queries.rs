//! Random questions, all of them valid by docs/metrics.md.

use super::{check::Question, dice::Dice, history::*};
use chrono::{Days, NaiveDate};
use pulsecast_protocol::{
    Timestamp,
    stats::{
        CohortUnit, Comparison, ComparisonMode, Condition, DateRange, Dimension, Direction, Filter, Goal,
        GoalKind, Include, Metric, Operator, OrderBy, OrderKey, Pagination, Query, Segment, Subject,
        TimeUnit,
    },
};
use pulsecast_server::{event::SiteId, stats::Scope};
use std::sync::Arc;

/// A site with goals, segments and, sometimes, a filter that all its askers are under.
pub fn scope(dice: &mut Dice, history: &History) -> Scope {
    let goals = goals(dice);
    let mut scope = Scope {
        site: SiteId(1),
        domain: "example.com".parse().unwrap(),
        timezone: history.zone,
        goals: goals.into(),
        segments: Arc::new([]),
        forced: None,
    };
    let segments: Vec<Segment> = (1..=2)
        .map(|id| Segment {
            id,
            name: format!("segment {id}"),
            shared: true,
            filters: (0..dice.places(1, 2))
                .map(|_| filter(dice, &scope, 1, Allow::all()))
                .collect(),
        })
        .collect();
    if dice.percent(12) {
        scope.forced = Some(filter(dice, &scope, 1, Allow::all()));
    }
    scope.segments = segments.into();
    scope
}

fn goals(dice: &mut Dice) -> Vec<Goal> {
    let page = |path: &str| GoalKind::Page {
        path: path.to_owned(),
    };
    let event = |name: &str, props: &[(&str, &str)]| GoalKind::Event {
        event: name.to_owned(),
        props: props
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect(),
    };
    let scroll = |path: &str, threshold| GoalKind::Scroll {
        path: path.to_owned(),
        threshold,
    };
    let all = [
        ("Visit /blog/*", page("/blog/*")),
        ("Anything", page("/**")),
        ("Home", page("/")),
        ("Dot", page("/a.b")),
        ("Signup", event("Signup", &[])),
        ("Big signup", event("Signup", &[("plan", "big")])),
        (
            "yes download",
            event("Download", &[("logged in?", "yes"), ("plan", "small")]),
        ),
        ("Buy now", event("Buy now", &[])),
        ("Read blog", scroll("/blog/**", 50)),
        ("Read all", scroll("/*", 90)),
    ];
    let many = dice.places(2, 8);
    dice.some(many, &all)
        .into_iter()
        .enumerate()
        .map(|(place, (name, kind))| Goal {
            id: i64::try_from(place).unwrap() + 1,
            name: name.to_owned(),
            kind,
            currency: None,
        })
        .collect()
}

/// A question.
pub fn query(dice: &mut Dice, scope: &Scope, history: &History) -> Query {
    let date_range = range(dice, history);
    let mut dimensions = dimensions(dice, date_range);
    let mut metrics: Vec<Metric> = {
        let many = dice.places(1, 6);
        dice.some(many, &Metric::ALL)
    };
    let exit_rate = metrics.contains(&Metric::ExitRate) && dice.percent(50);
    if exit_rate {
        dimensions.retain(|d| !d.is_of_event());
        if !dimensions.contains(&Dimension::ExitPage) {
            dimensions.truncate(2);
            dimensions.push(Dimension::ExitPage);
        }
        if scope.forced.is_some() {
            metrics.retain(|m| *m != Metric::ExitRate);
        }
    } else {
        metrics.retain(|m| *m != Metric::ExitRate);
    }
    let allow = if metrics.contains(&Metric::ExitRate) {
        Allow {
            events: false,
            segments: false,
            has_done: false,
        }
    } else if dice.percent(40) {
        Allow {
            events: false,
            segments: true,
            has_done: false,
        }
    } else {
        Allow::all()
    };
    let many = dice.one(&[0, 0, 0, 1, 1, 1, 2]);
    let filters: Vec<Filter> = (0..many).map(|_| filter(dice, scope, 2, allow)).collect();

    let by = |wanted: &Dimension| dimensions.contains(wanted) || filters.iter().any(|f| names(f, wanted));
    let (page, goal) = (by(&Dimension::Page), by(&Dimension::Goal));
    let entry_stands_in = |d: &Dimension| matches!(d, Dimension::Page | Dimension::Hostname);
    let of_event = dimensions.iter().any(|d| d.is_of_event() && !entry_stands_in(d));
    metrics.retain(|metric| match metric {
        Metric::TimeOnPage | Metric::ScrollDepth => page,
        Metric::ConversionRate | Metric::GroupConversionRate => goal,
        Metric::ViewsPerVisit | Metric::BounceRate | Metric::VisitDuration => !of_event,
        _ => true,
    });
    if metrics.is_empty() {
        metrics.push(dice.one(&[Metric::Visitors, Metric::Events]));
    }
    // A comparison of minutes with days has more buckets than one may ask for.
    let by_minute = dimensions.contains(&Dimension::Time(TimeUnit::Minute))
        || (matches!(date_range, DateRange::Realtime | DateRange::Realtime30)
            && dimensions.contains(&Dimension::Time(TimeUnit::Auto)));
    let by_time = dimensions.iter().any(Dimension::is_time);
    Query {
        site_id: scope.domain.clone(),
        order_by: order_by(dice, &metrics, &dimensions),
        include: Include {
            imports: dice.percent(30),
            time_labels: by_time && dice.percent(30),
            total_rows: dice.percent(30),
            comparisons: (!by_minute && dice.percent(25)).then(|| comparison(dice, history)),
        },
        pagination: if dice.percent(30) {
            Pagination {
                limit: u32::try_from(dice.between(1, 5)).unwrap(),
                offset: u32::try_from(dice.between(0, 4)).unwrap(),
            }
        } else {
            Pagination::default()
        },
        date: dated(date_range)
            .then(|| dice.percent(30).then(|| day(dice, history)))
            .flatten(),
        metrics,
        date_range,
        dimensions,
        filters,
    }
}

fn order_by(dice: &mut Dice, metrics: &[Metric], dimensions: &[Dimension]) -> Vec<OrderBy> {
    if dice.percent(60) {
        return Vec::new();
    }
    let keys: Vec<OrderKey> = metrics
        .iter()
        .map(|m| OrderKey::Metric(*m))
        .chain(dimensions.iter().map(|d| OrderKey::Dimension(d.clone())))
        .collect();
    let many = dice.places(1, 2);
    dice.some(many, &keys)
        .into_iter()
        .map(|key| OrderBy(key, dice.one(&[Direction::Asc, Direction::Desc])))
        .collect()
}

fn comparison(dice: &mut Dice, history: &History) -> Comparison {
    let mode = dice.one(&[
        ComparisonMode::PreviousPeriod,
        ComparisonMode::YearOverYear,
        ComparisonMode::Custom,
    ]);
    let first = day(dice, history);
    let custom = (first, first + Days::new(dice.one(&[0, 1, 6])));
    Comparison {
        mode,
        date_range: (mode == ComparisonMode::Custom).then_some(custom),
        match_day_of_week: mode != ComparisonMode::Custom && dice.percent(40),
    }
}

/// Whether the period is named relative to a day.
fn dated(range: DateRange) -> bool {
    matches!(
        range,
        DateRange::Day
            | DateRange::LastDays(_)
            | DateRange::Month
            | DateRange::LastMonths(_)
            | DateRange::Year
            | DateRange::All
    )
}

/// When something happened, or nearly.
fn moment(dice: &mut Dice, history: &History) -> Timestamp {
    let times: Vec<Timestamp> = history
        .steps
        .iter()
        .filter_map(|step| match step {
            Step::Arrives(arrival) if arrival.hit.site == SiteId(1) => Some(arrival.hit.at),
            _ => None,
        })
        .collect();
    if times.is_empty() || dice.percent(15) {
        history.around
    } else {
        dice.one(&times)
    }
}

/// A day on which something may have happened.
pub fn day(dice: &mut Dice, history: &History) -> NaiveDate {
    let day = super::naive::wall(moment(dice, history), history.zone).date();
    day + Days::new(1) - Days::new(dice.one(&[0, 1, 1, 1, 1, 1, 1, 2, 2, 3, 7, 31, 365]))
}

pub fn range(dice: &mut Dice, history: &History) -> DateRange {
    match dice.between(0, 15) {
        0 => dice.one(&[DateRange::Realtime, DateRange::Realtime30]),
        1 | 2 => DateRange::Day,
        3 | 4 => DateRange::Last24h,
        5 | 6 => DateRange::LastDays(dice.one(&[7, 28, 30, 91])),
        7 => DateRange::Month,
        8 => DateRange::LastMonths(dice.one(&[6, 12])),
        9 => DateRange::Year,
        10 => DateRange::All,
        11..14 => {
            let first = day(dice, history);
            DateRange::Dates(first, first + Days::new(dice.one(&[0, 0, 1, 2, 3, 7, 30])))
        }
        _ => {
            let from = moment(dice, history)
                .plus(dice.between(-24, 0) * Timestamp::HOUR + dice.one(&[0, 30 * 60_000, 1]));
            DateRange::Times(
                from,
                from.plus(dice.one(&[
                    1,
                    60_000,
                    Timestamp::HOUR,
                    5 * Timestamp::HOUR,
                    49 * Timestamp::HOUR,
                ])),
            )
        }
    }
}

fn dimensions(dice: &mut Dice, range: DateRange) -> Vec<Dimension> {
    let many = dice.one(&[0, 1, 1, 1, 2, 2, 3]);
    let mut dimensions: Vec<Dimension> = Vec::new();
    for _ in 0..many {
        let next = match dice.between(0, 9) {
            0..3 => Dimension::Time(unit(dice, range)),
            3 => Dimension::Goal,
            _ => subject(dice, true),
        };
        let twice =
            dimensions.contains(&next) || (next.is_time() && dimensions.iter().any(Dimension::is_time));
        if !twice {
            dimensions.push(next);
        }
    }
    dimensions
}

fn unit(dice: &mut Dice, range: DateRange) -> TimeUnit {
    let short = match range {
        DateRange::Dates(first, last) => last - first <= chrono::Duration::days(2),
        DateRange::Times(..)
        | DateRange::Day
        | DateRange::Last24h
        | DateRange::Realtime
        | DateRange::Realtime30 => true,
        _ => false,
    };
    if short {
        dice.one(&[
            TimeUnit::Minute,
            TimeUnit::Hour,
            TimeUnit::Hour,
            TimeUnit::Auto,
            TimeUnit::Day,
            TimeUnit::Week,
        ])
    } else {
        dice.one(&[
            TimeUnit::Hour,
            TimeUnit::Day,
            TimeUnit::Auto,
            TimeUnit::Week,
            TimeUnit::Month,
        ])
    }
}

/// A dimension that can be filtered on, without goals.
fn subject(dice: &mut Dice, events: bool) -> Dimension {
    let of_visit = [
        Dimension::EntryPage,
        Dimension::EntryHostname,
        Dimension::ExitPage,
        Dimension::ExitHostname,
        Dimension::Source,
        Dimension::Referrer,
        Dimension::Channel,
        Dimension::UtmSource,
        Dimension::UtmMedium,
        Dimension::UtmCampaign,
        Dimension::UtmContent,
        Dimension::UtmTerm,
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
    let of_event = [
        Dimension::EventName,
        Dimension::Page,
        Dimension::Page,
        Dimension::Hostname,
        Dimension::Prop("plan".into()),
        Dimension::Prop("logged in?".into()),
        Dimension::Prop(ODD.into()),
    ];
    if events && dice.percent(40) {
        dice.one(&of_event)
    } else {
        dice.one(&of_visit)
    }
}

/// What filters may name.
#[derive(Clone, Copy)]
pub struct Allow {
    pub events: bool,
    pub segments: bool,
    pub has_done: bool,
}

impl Allow {
    pub const fn all() -> Self {
        Self {
            events: true,
            segments: true,
            has_done: true,
        }
    }
}

/// A filter, nested at most so deep.
pub fn filter(dice: &mut Dice, scope: &Scope, depth: usize, allow: Allow) -> Filter {
    let several = |dice: &mut Dice| -> Vec<Filter> {
        (0..dice.places(1, 3))
            .map(|_| filter(dice, scope, depth - 1, allow))
            .collect()
    };
    match dice.between(0, 99) {
        0..12 if depth > 0 => Filter::And(several(dice)),
        12..28 if depth > 0 => Filter::Or(several(dice)),
        28..40 if depth > 0 => Filter::Not(Box::new(filter(dice, scope, depth - 1, allow))),
        40..50 if depth > 0 && allow.has_done => {
            let inner = Allow {
                has_done: false,
                segments: false,
                ..allow
            };
            let inner = Box::new(filter(dice, scope, depth - 1, inner));
            if dice.percent(50) {
                Filter::HasDone(inner)
            } else {
                Filter::HasNotDone(inner)
            }
        }
        50..55 if allow.segments && !scope.segments.is_empty() => {
            let many = dice.places(1, 2);
            Filter::Condition(Condition {
                operator: Operator::Is,
                subject: Subject::Segment,
                values: dice
                    .some(many, &scope.segments)
                    .iter()
                    .map(|s| s.id.to_string())
                    .collect(),
                case_sensitive: true,
            })
        }
        55..68 if allow.events => of_goals(dice, scope),
        _ => condition(dice, allow),
    }
}

fn of_goals(dice: &mut Dice, scope: &Scope) -> Filter {
    let names: Vec<String> = scope.goals.iter().map(|goal| goal.name.clone()).collect();
    let operator = dice.one(&[
        Operator::Is,
        Operator::Is,
        Operator::IsNot,
        Operator::Contains,
        Operator::ContainsNot,
        Operator::Matches,
    ]);
    let values = match operator {
        Operator::Is | Operator::IsNot => {
            let many = dice.places(1, 3);
            dice.some(many, &names)
        }
        Operator::Contains | Operator::ContainsNot => vec![dice.one(&["Read", "sign", "o"]).to_owned()],
        _ => vec![dice.one(&["^Read", "(Sign|Buy)", "e$"]).to_owned()],
    };
    Filter::Condition(Condition {
        operator,
        subject: Subject::Dimension(Dimension::Goal),
        values,
        case_sensitive: dice.percent(85),
    })
}

fn condition(dice: &mut Dice, allow: Allow) -> Filter {
    let dimension = subject(dice, allow.events);
    condition_on(dice, dimension)
}

/// A condition on this dimension.
pub fn condition_on(dice: &mut Dice, dimension: Dimension) -> Filter {
    let operator = dice.one(&Operator::ALL);
    let many = dice.places(1, 2);
    let values = (0..many).map(|_| match operator {
        Operator::Is | Operator::IsNot => a_value(dice, &dimension),
        Operator::Contains | Operator::ContainsNot => dice
            .one(&[
                "e", "o", "/b", "%", "_", "Z", "ü", "(", "1", "not", "'", "\\", "\"$",
            ])
            .to_owned(),
        Operator::Matches | Operator::MatchesNot => dice
            .one(&[
                "^/b",
                "[0-9]+$",
                "(oo|er)",
                "^.$",
                "a.*b",
                "\\.",
                "^D",
                "\\(n",
                "Ü",
                "'s?",
                "^$",
                "[[:upper:]]",
                "\\bBlog\\b",
                "^\\S+$",
                "\\D\\W",
                "^(?:de|us)$",
                "\\\\",
            ])
            .to_owned(),
    });
    Filter::Condition(Condition {
        operator,
        values: values.collect(),
        subject: Subject::Dimension(dimension),
        case_sensitive: dice.percent(70),
    })
}

fn a_value(dice: &mut Dice, dimension: &Dimension) -> String {
    let of: &[&str] = match dimension {
        Dimension::Page | Dimension::EntryPage | Dimension::ExitPage => &PATHS,
        Dimension::Hostname | Dimension::EntryHostname | Dimension::ExitHostname => &HOSTS,
        Dimension::EventName => &["pageview", "Signup", "signup", "Download", "engagement"],
        Dimension::Prop(key) if key == "plan" => &PLANS,
        Dimension::Prop(key) if key == ODD => &TAGS,
        Dimension::Prop(_) => &["yes", "no"],
        Dimension::Source => &SOURCES,
        Dimension::Referrer => &REFERRERS,
        Dimension::Channel => &CHANNELS,
        Dimension::Device => &DEVICES,
        Dimension::Browser => &BROWSERS,
        Dimension::BrowserVersion | Dimension::OsVersion => &VERSIONS,
        Dimension::Os => &SYSTEMS,
        Dimension::Country => &COUNTRIES,
        Dimension::Region => &REGIONS,
        Dimension::City => &CITIES,
        Dimension::Language => &LANGUAGES,
        Dimension::Screen => &SCREENS,
        _ => &TAGS,
    };
    match dice.between(0, 9) {
        0 | 1 => dimension.none_label().to_owned(),
        2 => "nowhere".to_owned(),
        3 => dice.one(of).to_uppercase(),
        _ => dice.one(of).to_owned(),
    }
}

/// Whether the filter names the dimension outside `has_done` and segments.
pub fn names(filter: &Filter, wanted: &Dimension) -> bool {
    match filter {
        Filter::And(filters) | Filter::Or(filters) => filters.iter().any(|f| names(f, wanted)),
        Filter::Not(inner) => names(inner, wanted),
        Filter::HasDone(_) | Filter::HasNotDone(_) => false,
        Filter::Condition(condition) => condition.subject == Subject::Dimension(wanted.clone()),
    }
}

/// A question that is not a query: a funnel, who returns, cohorts.
pub fn other(dice: &mut Dice, scope: &Scope, history: &History) -> Question {
    let many = dice.one(&[0, 0, 1]);
    let filters = (0..many).map(|_| filter(dice, scope, 1, Allow::all())).collect();
    let range = range(dice, history);
    match dice.between(0, 9) {
        0..6 => Question::Funnel {
            steps: (0..dice.places(2, 8)).map(|_| dice.one(&scope.goals)).collect(),
            range,
            filters,
        },
        6 | 7 => Question::Returns { range, filters },
        _ => Question::Cohorts {
            prop: dice.one(&["plan", ODD]).to_owned(),
            unit: dice.one(&[CohortUnit::Day, CohortUnit::Week]),
            range,
            filters,
        },
    }
}

#[test]
fn a_question_reads_back_from_the_json_it_is_written_as() {
    for seed in 0..200 {
        let dice = &mut Dice::new(seed);
        let history = History::random(dice);
        let scope = scope(dice, &history);
        for _ in 0..30 {
            let query = query(dice, &scope, &history);
            let json = serde_json::to_value(&query).unwrap();
            match pulsecast_server::stats::parse::query(&json) {
                Ok(read) => assert_eq!(read, query, "{json}"),
                Err(error) => panic!("seed {seed}: {error}\n{json}"),
            }
        }
    }
}
