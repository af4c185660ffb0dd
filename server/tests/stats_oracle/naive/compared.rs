//! A row beside the same row of another period.

use super::{Asked, Naive, Names, figures::rounded};
use pulsecast_protocol::stats::{ComparedRow, Metric, MetricValue, ResultRow};
use std::collections::BTreeMap;

/// The compared period's figures of a row; `None` where its bucket of time has no counterpart:
/// `ours` and `theirs` are all buckets of the two.
pub fn of_row(
    naive: &Naive,
    asked: &Asked<'_>,
    compared: &Asked<'_>,
    figures: &BTreeMap<Names, Vec<MetricValue>>,
    (ours, theirs): (&[String], &[String]),
    row: &ResultRow,
) -> Option<ComparedRow> {
    let mut dimensions = row.dimensions.clone();
    if let Some(time) = asked.query.dimensions.iter().position(|d| d.is_time()) {
        let place = ours.iter().position(|label| *label == dimensions[time]).unwrap();
        dimensions[time] = theirs.get(place)?.clone();
    }
    let metrics = figures
        .get(&dimensions)
        .cloned()
        .unwrap_or_else(|| naive.nothing(compared, &dimensions));
    let change = asked
        .query
        .metrics
        .iter()
        .zip(row.metrics.iter().zip(&metrics))
        .map(|(metric, (now, then))| change(*metric, now, then))
        .collect();
    Some(ComparedRow {
        dimensions,
        metrics,
        change,
    })
}

#[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)]
fn change(metric: Metric, now: &MetricValue, then: &MetricValue) -> Option<f64> {
    if let (MetricValue::Money { currency: now, .. }, MetricValue::Money { currency: then, .. }) = (now, then)
        && now != then
    {
        return None;
    }
    // Figures have at most two decimals; money of the tests is in quarters.
    let hundredths = |figure: f64| (figure * 100.0).round() as i128;
    let (now, then) = (hundredths(now.number()?), hundredths(then.number()?));
    Some(match metric {
        Metric::BounceRate | Metric::ExitRate => rounded(now - then, 100),
        _ if then == 0 => i128::from(now > 0) * 100,
        _ => rounded((now - then) * 100, then),
    } as f64)
}
