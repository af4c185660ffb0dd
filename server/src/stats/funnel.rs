//! How far visitors got along some goals.

use super::{
    Scope, StatsError,
    plan::{conditions, wrong},
    range::Span,
    run, sql,
    sums::rounded,
};
use crate::store::{Cell, StatsSession};
use pulsecast_protocol::{
    Timestamp,
    stats::{DateRange, Filter, Funnel, FunnelResult, FunnelStepResult, Goal},
};

/// Counts the visitors of each step.
///
/// # Errors
/// When it is wrong, costs too much, or the store does not answer.
pub fn answer(
    session: &mut dyn StatsSession,
    scope: &Scope,
    steps: &[Goal],
    range: DateRange,
    filters: &[Filter],
    now: Timestamp,
) -> Result<FunnelResult, StatsError> {
    if !(Funnel::LEAST..=Funnel::MOST).contains(&steps.len()) {
        return wrong(
            "steps",
            format!("has to be {} to {} goals", Funnel::LEAST, Funnel::MOST),
        );
    }
    let conditions = conditions(filters, scope)?;
    let mut asking = run::begin(session, scope)?;
    asking.check_patterns(&conditions.patterns)?;
    let first_event = match range {
        DateRange::All => asking.first_event(scope.site)?,
        _ => None,
    };
    let span = Span::of(range, None, now, scope.timezone, first_event)
        .or_else(|error| wrong("date_range", error.to_string()))?;
    let filter = conditions.all();
    let statement = sql::funnel(scope, steps, &filter, span, asking.snapshot);
    let rows = asking.session.ask(&statement.sql, &statement.texts)?;
    let counts: Vec<i128> = rows
        .first()
        .map(|row| row.iter().map(Cell::int).collect())
        .unwrap_or_default();
    let count = |place: usize| counts.get(place).copied().unwrap_or(0);
    let results = steps.iter().enumerate().map(|(i, goal)| {
        let (before, visitors) = (count(i), count(i + 1));
        let rate = if before == 0 {
            0
        } else {
            rounded(10_000 * visitors, before)
        };
        #[allow(clippy::cast_precision_loss, reason = "a rate is small")]
        let conversion_rate = rate as f64 / 100.0;
        FunnelStepResult {
            label: goal.name.clone(),
            visitors: u64::try_from(visitors).unwrap_or(0),
            conversion_rate,
            dropoff: u64::try_from(before - visitors).unwrap_or(0),
        }
    });
    Ok(FunnelResult {
        all_visitors: u64::try_from(count(0)).unwrap_or(0),
        steps: results.collect(),
    })
}
