//! From sums to the answer: figures, labels, changes, and the query as it was understood.

use super::{
    Scope,
    plan::{Order, Plan},
    range::Span,
    sums::{Figure, Key, SumRow, figure, rounded},
};
use chrono::{Offset, SecondsFormat, TimeZone};
use chrono_tz::Tz;
use pulsecast_protocol::{
    Timestamp,
    stats::{ComparedRow, Direction, Metric, MetricValue, Query, ResultRow},
};
use serde_json::{Value, json};

/// A figure of a row.
#[must_use]
pub fn value(metric: Metric, row: &SumRow) -> MetricValue {
    match figure(metric) {
        Figure::Count(sum) => MetricValue::Count(whole(row.get(sum))),
        Figure::Quotient(quotient) => match quotient.of(row) {
            None => MetricValue::None,
            Some(n) if quotient.decimals == 0 => MetricValue::Count(whole(n)),
            Some(n) => MetricValue::Number(decimal(n, quotient.decimals)),
        },
        Figure::Total => money(row, decimal(row.get(super::sums::Sum::Revenue), 3)),
        Figure::Average => {
            #[allow(clippy::cast_precision_loss, reason = "there are fewer events than 2^53")]
            let events = row.get(super::sums::Sum::RevenueEvents) as f64;
            money(row, decimal(row.get(super::sums::Sum::Revenue), 3) / events)
        }
    }
}

fn whole(n: i128) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

#[allow(
    clippy::cast_precision_loss,
    reason = "figures that people read are below 2^53"
)]
fn decimal(n: i128, decimals: u32) -> f64 {
    n as f64 / 10f64.powi(i32::try_from(decimals).unwrap_or(0))
}

fn money(row: &SumRow, value: f64) -> MetricValue {
    match &row.currency {
        Some((first, last)) if first == last => MetricValue::Money {
            value,
            currency: first.clone(),
        },
        _ => MetricValue::None,
    }
}

/// Whether revenue of this row is of several currencies.
#[must_use]
pub fn is_mixed(row: &SumRow) -> bool {
    row.currency.as_ref().is_some_and(|(first, last)| first != last)
}

/// A row's names.
#[must_use]
pub fn names(plan: &Plan, keys: &[Key]) -> Vec<String> {
    keys.iter()
        .map(|key| match (key, &plan.buckets) {
            (Key::Name(name), _) => name.clone(),
            (Key::Bucket(number), Some(buckets)) => buckets.label(*number),
            (Key::Bucket(number), None) => number.to_string(),
        })
        .collect()
}

/// A row as it is answered.
#[must_use]
pub fn row(plan: &Plan, row: &SumRow) -> ResultRow {
    ResultRow {
        dimensions: names(plan, &row.keys),
        metrics: plan.metrics.iter().map(|metric| value(*metric, row)).collect(),
        comparison: None,
    }
}

/// The compared period's part of a row.
#[must_use]
pub fn compared(plan: &Plan, now: &SumRow, before: &SumRow) -> ComparedRow {
    let change = |metric: &Metric| change(*metric, &value(*metric, now), &value(*metric, before));
    ComparedRow {
        dimensions: names(plan, &before.keys),
        metrics: plan.metrics.iter().map(|metric| value(*metric, before)).collect(),
        change: plan.metrics.iter().map(change).collect(),
    }
}

/// From the compared figure to this one: in percent, of rates in points.
fn change(metric: Metric, now: &MetricValue, before: &MetricValue) -> Option<f64> {
    // In thousandths all figures are whole, but for averages of money, for which that is close enough.
    #[allow(
        clippy::cast_possible_truncation,
        reason = "figures that people read are below 2^53"
    )]
    let thousandths = |value: f64| (value * 1000.0).round() as i128;
    if let (MetricValue::Money { currency: a, .. }, MetricValue::Money { currency: b, .. }) = (now, before)
        && a != b
    {
        return None;
    }
    let (now, before) = (thousandths(now.number()?), thousandths(before.number()?));
    let change = match (metric, before) {
        (Metric::BounceRate | Metric::ExitRate, _) => rounded(now - before, 1000),
        (_, 0) => {
            if now == 0 {
                0
            } else {
                100
            }
        }
        _ => rounded(100 * (now - before), before),
    };
    Some(decimal(change, 0))
}

/// An instant as the site's clock shows it: `2026-03-01T00:00:00+01:00`.
fn rfc3339(at: Timestamp, zone: Tz) -> String {
    let utc = chrono::DateTime::from_timestamp_millis(at.millis())
        .unwrap_or_default()
        .naive_utc();
    let offset = zone.offset_from_utc_datetime(&utc).fix();
    let form = if at.millis() % 1000 == 0 {
        SecondsFormat::Secs
    } else {
        SecondsFormat::Millis
    };
    offset.from_utc_datetime(&utc).to_rfc3339_opts(form, false)
}

/// The query as it was understood: dates resolved, defaults filled in.
#[must_use]
pub fn echo(query: &Query, scope: &Scope, plan: &Plan) -> Value {
    let Span { from, to, .. } = plan.span;
    let order: Vec<Value> = plan
        .order
        .iter()
        .map(|order| {
            let (name, direction) = match order {
                Order::Metric(metric, direction) => (metric.to_string(), direction),
                Order::Dimension(place, direction) => (
                    plan.dimensions
                        .get(*place)
                        .map(ToString::to_string)
                        .unwrap_or_default(),
                    direction,
                ),
            };
            json!([
                name,
                if *direction == Direction::Asc {
                    "asc"
                } else {
                    "desc"
                }
            ])
        })
        .collect();
    json!({
        "site_id": query.site_id,
        "metrics": plan.metrics,
        "date_range": [rfc3339(from, scope.timezone), rfc3339(to, scope.timezone)],
        "dimensions": plan.dimensions,
        "filters": query.filters,
        "order_by": order,
        "include": query.include,
        "pagination": plan.pagination,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_in_percent_and_of_rates_in_points() {
        let number = |n| MetricValue::Count(n);
        assert_eq!(change(Metric::Visitors, &number(150), &number(100)), Some(50.0));
        assert_eq!(
            change(Metric::Visitors, &number(1), &number(8)),
            Some(-88.0),
            "-87.5, away from zero"
        );
        assert_eq!(change(Metric::Visitors, &number(0), &number(0)), Some(0.0));
        assert_eq!(change(Metric::Visitors, &number(3), &number(0)), Some(100.0));
        assert_eq!(change(Metric::BounceRate, &number(40), &number(50)), Some(-10.0));
        assert_eq!(
            change(Metric::VisitDuration, &MetricValue::None, &number(50)),
            None
        );
    }

    #[test]
    fn an_instant_has_the_sites_offset() {
        let at = Timestamp(1_780_264_800_000);
        assert_eq!(rfc3339(at, Tz::Europe__Berlin), "2026-06-01T00:00:00+02:00");
    }
}
