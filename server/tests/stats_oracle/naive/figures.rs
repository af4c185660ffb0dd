//! The figures of one group.

use super::{
    Asked, Names,
    groups::{Group, Level, OfAll, stays},
    imported,
};
use pulsecast_protocol::stats::{Metric, MetricValue};
use pulsecast_server::event::{Event, Kind};
use std::collections::{BTreeMap, BTreeSet};

/// One figure a metric.
pub fn of(asked: &Asked<'_>, of_all: &OfAll, names: &Names, group: &Group<'_>) -> Vec<MetricValue> {
    let figure = |metric: &Metric| one(*metric, asked, of_all, names, group);
    asked.query.metrics.iter().map(figure).collect()
}

fn one(metric: Metric, asked: &Asked<'_>, of_all: &OfAll, names: &Names, group: &Group<'_>) -> MetricValue {
    let has = asked
        .added
        .is_some_and(|added| imported::has(added.report, metric));
    // What was imported of a figure.
    let plus = |figure: &str| -> i128 {
        let rows = group.imported.iter().filter(|_| has);
        rows.map(|row| whole(row.figure(figure))).sum()
    };
    let visits = whole(group.visits.len()) + plus("visits");
    let visitors = match asked.level {
        Level::Visits => distinct(group.visits.iter().map(|visit| visit.visitor)),
        Level::Events => distinct(group.events.iter().map(|event| event.visitor)),
    };
    let visitors = whole(visitors) + plus("visitors");
    match metric {
        Metric::Visitors => count(visitors),
        Metric::Visits => match asked.level {
            Level::Visits => count(visits),
            Level::Events => {
                count(whole(distinct(group.events.iter().map(|event| event.visit))) + plus("visits"))
            }
        },
        Metric::Pageviews => count(whole(pageviews(group)) + plus("pageviews")),
        Metric::Events => count(whole(events(group)) + plus("events")),
        Metric::ViewsPerVisit => {
            let views: u64 = group.visits.iter().map(|visit| visit.pageviews).sum();
            or_zero(quotient(whole(views) + plus("pageviews"), visits, 2))
        }
        Metric::BounceRate => {
            let bounces = group.visits.iter().filter(|visit| visit.bounced).count();
            or_zero(quotient(100 * (whole(bounces) + plus("bounces")), visits, 0))
        }
        Metric::VisitDuration => {
            let millis: i64 = group.visits.iter().map(|visit| visit.duration()).sum();
            quotient(whole(millis) + plus("duration_ms"), 1000 * visits, 0)
        }
        Metric::TimeOnPage => {
            let engaged: Vec<_> = group
                .engagements
                .iter()
                .filter(|event| event.hit.engaged.is_some_and(|millis| millis > 0))
                .collect();
            let millis: u64 = engaged
                .iter()
                .map(|event| u64::from(event.hit.engaged.unwrap()))
                .sum();
            let visits = distinct(engaged.iter().map(|event| event.visit));
            quotient(
                whole(millis) + plus("engaged_ms"),
                1000 * (whole(visits) + plus("engaged_visits")),
                0,
            )
        }
        Metric::ScrollDepth => {
            let mut deepest = BTreeMap::new();
            for event in &group.engagements {
                if let Some(depth) = event.hit.scroll_depth {
                    let so_far = deepest.entry(event.visit).or_insert(0);
                    *so_far = depth.max(*so_far);
                }
            }
            let sum: u64 = deepest.values().map(|depth| u64::from(*depth)).sum();
            quotient(
                whole(sum) + plus("scroll_sum"),
                whole(deepest.len()) + plus("scroll_visits"),
                0,
            )
        }
        Metric::ExitRate => quotient(100 * visits, whole(group.exit_page_views), 1),
        Metric::ConversionRate => {
            let all = of_all.by_time.get(&kept(asked, names, |d| d.is_time()));
            or_zero(quotient(100 * visitors, whole(*all.unwrap_or(&0)), 2))
        }
        Metric::GroupConversionRate => {
            let all = of_all.by_group.get(&kept(asked, names, stays));
            or_zero(quotient(100 * visitors, whole(*all.unwrap_or(&0)), 2))
        }
        Metric::Percentage => or_zero(quotient(100 * visitors, whole(of_all.visitors), 1)),
        Metric::TotalRevenue => money(group, |sum, _| sum),
        Metric::AverageRevenue => money(group, |sum, events| sum / events),
    }
}

fn pageviews(group: &Group<'_>) -> usize {
    let is_view = |event: &&&Event| event.hit.kind == Kind::Pageview;
    group.events.iter().filter(is_view).count()
}

/// Counted events, and of those about reading one for each visit and page.
fn events(group: &Group<'_>) -> usize {
    let (reading, counted): (Vec<&Event>, Vec<&Event>) = group
        .events
        .iter()
        .partition(|event| event.hit.kind == Kind::Engagement);
    counted.len() + distinct(reading.iter().map(|event| (event.visit, &event.hit.path)))
}

fn money(group: &Group<'_>, figure: impl Fn(f64, f64) -> f64) -> MetricValue {
    let revenue: Vec<&(f64, String)> = group
        .events
        .iter()
        .filter_map(|event| event.hit.revenue.as_ref())
        .collect();
    let currencies: BTreeSet<&String> = revenue.iter().map(|(_, currency)| currency).collect();
    let sum: f64 = revenue.iter().map(|(amount, _)| amount).sum();
    match currencies.iter().next() {
        Some(currency) if currencies.len() == 1 => MetricValue::Money {
            #[allow(clippy::cast_precision_loss)]
            value: figure(sum, revenue.len() as f64),
            currency: (*currency).clone(),
        },
        _ => MetricValue::None,
    }
}

/// The names of the dimensions that are kept.
fn kept(
    asked: &Asked<'_>,
    names: &Names,
    keep: impl Fn(&pulsecast_protocol::stats::Dimension) -> bool,
) -> Names {
    asked
        .query
        .dimensions
        .iter()
        .zip(names)
        .filter(|(dimension, _)| keep(dimension))
        .map(|(_, name)| name.clone())
        .collect()
}

fn distinct<T: Ord>(all: impl Iterator<Item = T>) -> usize {
    all.collect::<BTreeSet<T>>().len()
}

fn whole<T: TryInto<i128>>(number: T) -> i128 {
    number.try_into().ok().unwrap()
}

fn count(number: i128) -> MetricValue {
    MetricValue::Count(i64::try_from(number).unwrap())
}

fn or_zero(value: MetricValue) -> MetricValue {
    match value {
        MetricValue::None => MetricValue::Number(0.0),
        value => value,
    }
}

/// The exact quotient, rounded half away from zero; none if there is nothing to divide by.
fn quotient(of: i128, by: i128, decimals: u32) -> MetricValue {
    if by == 0 {
        return MetricValue::None;
    }
    let scale = 10_i128.pow(decimals);
    #[allow(clippy::cast_precision_loss)]
    MetricValue::Number(rounded(of * scale, by) as f64 / scale as f64)
}

/// `of ÷ by` (which is above 0), half away from zero.
pub fn rounded(of: i128, by: i128) -> i128 {
    (2 * of.abs() + by) / (2 * by) * of.signum()
}

/// `of` in percent of `by`, two decimals; 0 if there is nothing to divide by.
pub fn percent(of: u64, by: u64) -> f64 {
    or_zero(quotient(100 * whole(of), whole(by), 2)).number().unwrap()
}
