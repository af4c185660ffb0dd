//! Funnels: how far visitors got.

use super::{Viewpoint, asks::Asks};
use pulsecast_app::board::{
    BoardState, Links,
    filters::{Atom, Clause, Op},
    links::segment,
    model::Row,
    text,
};
use pulsecast_protocol::stats::{Filter, Funnel, FunnelResult, Goal, Operator};

/// Where a funnel is shown in full.
pub(super) fn href(links: &Links, from: &Viewpoint, id: i64) -> String {
    let here = Links {
        base: format!("{}/funnels", from.base),
        state: links.state.clone(),
    };
    here.to(|state| {
        state.funnel = Some(id);
        state.details = None;
        state.tabs.clear();
    })
}

/// How far visitors of the shown period got along a funnel.
pub(super) async fn result(asks: &Asks<'_>, from: &Viewpoint, id: i64) -> Result<FunnelResult, String> {
    let Some(funnel) = from.funnels.iter().find(|funnel| funnel.id == id) else {
        return Err("There is no such funnel.".to_owned());
    };
    let steps = goals(funnel, &asks.scope.goals)?;
    let range = asks.range();
    let stats = &asks.board.stats;
    let answer = stats
        .funnel(asks.scope, &steps, range, &of_visits(asks.state))
        .await;
    answer.map_err(|error| super::words(&error))
}

/// The filters of what is shown, asked of visits instead of events: whoever looks for people who did something wants to see all else that
/// they did.
fn of_visits(state: &BoardState) -> Vec<Filter> {
    let of_visit = |atom: &Atom| match atom.op {
        Op::Of(operator) if atom.dimension.is_of_event() => {
            let (operator, done): (_, fn(Box<Filter>) -> Filter) = match operator {
                Operator::IsNot => (Operator::Is, Filter::HasNotDone),
                Operator::ContainsNot => (Operator::Contains, Filter::HasNotDone),
                Operator::MatchesNot => (Operator::Matches, Filter::HasNotDone),
                positive => (positive, Filter::HasDone),
            };
            let plain = Atom {
                op: Op::Of(operator),
                ..atom.clone()
            };
            done(Box::new(plain.filter()))
        }
        _ => atom.filter(),
    };
    let clause = |Clause(atoms): &Clause| Filter::Or(atoms.iter().map(of_visit).collect());
    let mut filters: Vec<Filter> = state.clauses.iter().map(clause).collect();
    filters.extend(state.segment.map(segment));
    filters
}

fn goals(funnel: &Funnel, goals: &[Goal]) -> Result<Vec<Goal>, String> {
    let found = |id: &i64| goals.iter().find(|goal| goal.id == *id).cloned();
    let steps: Option<Vec<Goal>> = funnel.steps.iter().map(found).collect();
    steps.ok_or_else(|| "A goal of this funnel was removed: edit the funnel.".to_owned())
}

/// Its steps as the rows of a card.
pub(super) fn rows(result: &FunnelResult) -> Vec<Row> {
    let entered = result.steps.first().map_or(0, |step| step.visitors);
    let row = |step: &pulsecast_protocol::stats::FunnelStepResult| Row {
        name: step.label.clone(),
        label: None,
        figures: vec![hundredths(step.visitors), share(step.visitors, entered)],
    };
    result.steps.iter().map(row).collect()
}

fn hundredths(n: u64) -> Option<i64> {
    i64::try_from(n.saturating_mul(100)).ok()
}

#[allow(clippy::cast_precision_loss, reason = "no number of visitors comes near 2^53")]
fn share(n: u64, all: u64) -> Option<i64> {
    (all > 0).then(|| text::hundredths(n as f64 * 100.0 / all as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_on_events_asks_for_the_visits_that_have_such_an_event() {
        let filters = |search| serde_json::to_string(&of_visits(&BoardState::parse(search).0)).unwrap();
        assert_eq!(
            filters("f=is_not,page,/a;is,country,DE"),
            r#"[["or",[["has_not_done",["is","event:page",["/a"]]],["is","visit:country",["DE"]]]]]"#
        );
        assert_eq!(
            filters("f=is,goal,Signup"),
            r#"[["or",[["has_done",["is","event:goal",["Signup"]]]]]]"#
        );
    }
}
