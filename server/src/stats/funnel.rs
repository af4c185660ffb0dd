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
    stats::{
        Condition, DateRange, Filter, Funnel, FunnelResult, FunnelStepResult, Goal, MetricValue, Operator,
        ResultRow, Subject,
    },
};

/// The goals of the funnel of this number, in its order.
///
/// # Errors
/// When there is no such funnel, or one of its goals has been removed.
pub fn steps(scope: &Scope, funnels: &[Funnel], id: i64) -> Result<Vec<Goal>, StatsError> {
    match funnels.iter().find(|funnel| funnel.id == id) {
        Some(funnel) => scope.steps(funnel),
        None => wrong("funnel", "there is no such funnel"),
    }
}

/// Those of a site's funnels that somebody under a filter that all they ask is under may know of: all of whose goals were reached under it.
/// `reached` is the answer to which goals were.
#[must_use]
pub fn within(scope: &Scope, funnels: &[Funnel], reached: &[ResultRow]) -> Vec<Funnel> {
    let is_known = |step: &i64| {
        let goal = scope.goals.iter().find(|goal| goal.id == *step);
        goal.is_some_and(|goal| {
            reached
                .iter()
                .any(|row| row.dimensions.first() == Some(&goal.name))
        })
    };
    let known = |funnel: &&Funnel| funnel.steps.iter().all(is_known);
    funnels.iter().filter(known).cloned().collect()
}

/// An answer as rows, a step each: visitors, in percent of those who entered, in percent of the step before (of all visitors for the first), and
/// how many of those did not come this far.
#[must_use]
pub fn rows(result: &FunnelResult) -> Vec<ResultRow> {
    let entered = result.steps.first().map_or(0, |step| step.visitors);
    let count = |n: u64| MetricValue::Count(i64::try_from(n).unwrap_or(i64::MAX));
    let row = |step: &FunnelStepResult| ResultRow {
        dimensions: vec![step.label.clone()],
        metrics: vec![
            count(step.visitors),
            MetricValue::Number(percent(step.visitors, entered)),
            MetricValue::Number(step.conversion_rate),
            count(step.dropoff),
        ],
        comparison: None,
    };
    result.steps.iter().map(row).collect()
}

/// Two decimals.
fn percent(n: u64, of: u64) -> f64 {
    let rate = match of {
        0 => 0,
        of => rounded(10_000 * i128::from(n), i128::from(of)),
    };
    #[allow(clippy::cast_precision_loss, reason = "a rate is small")]
    let rate = rate as f64;
    rate / 100.0
}

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
        let (before, visitors) = (
            u64::try_from(before).unwrap_or(0),
            u64::try_from(visitors).unwrap_or(0),
        );
        FunnelStepResult {
            label: goal.name.clone(),
            visitors,
            conversion_rate: percent(visitors, before),
            dropoff: before.saturating_sub(visitors),
        }
    });
    Ok(FunnelResult {
        all_visitors: u64::try_from(count(0)).unwrap_or(0),
        steps: results.collect(),
    })
}

/// Filters on events, asked of visits instead: whoever looks along a funnel for people who did something wants to see all else that they did.
#[must_use]
pub fn of_visits(filters: &[Filter]) -> Vec<Filter> {
    filters.iter().map(of_visit).collect()
}

fn of_visit(filter: &Filter) -> Filter {
    let condition = match filter {
        Filter::And(all) => return Filter::And(of_visits(all)),
        Filter::Or(all) => return Filter::Or(of_visits(all)),
        Filter::Not(one) => return Filter::Not(Box::new(of_visit(one))),
        Filter::HasDone(_) | Filter::HasNotDone(_) => return filter.clone(),
        Filter::Condition(condition) => condition,
    };
    if !matches!(&condition.subject, Subject::Dimension(dimension) if dimension.is_of_event()) {
        return filter.clone();
    }
    let (operator, done): (_, fn(Box<Filter>) -> Filter) = match condition.operator {
        Operator::IsNot => (Operator::Is, Filter::HasNotDone),
        Operator::ContainsNot => (Operator::Contains, Filter::HasNotDone),
        Operator::MatchesNot => (Operator::Matches, Filter::HasNotDone),
        positive => (positive, Filter::HasDone),
    };
    done(Box::new(Filter::Condition(Condition {
        operator,
        ..condition.clone()
    })))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_on_events_asks_for_the_visits_that_have_such_an_event() {
        let filters = |search: &str| {
            let state = pulsecast_app::board::BoardState::parse(search).0;
            serde_json::to_string(&of_visits(&state.filters())).unwrap()
        };
        assert_eq!(
            filters("f=is_not,page,/a;is,country,DE&segment=5"),
            r#"[["or",[["has_not_done",["is","event:page",["/a"]]],["is","visit:country",["DE"]]]],["is","segment",[5]]]"#
        );
        assert_eq!(
            filters("f=is,goal,Signup"),
            r#"[["has_done",["is","event:goal",["Signup"]]]]"#
        );
    }
}
