//! Funnels: how far visitors got.

use super::{Viewpoint, asks::Asks};
use crate::stats::of_visits;
use pulsecast_app::board::{Links, model::Row, text};
use pulsecast_protocol::stats::FunnelResult;

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

/// The same as CSV.
pub(super) fn csv(links: &Links, from: &Viewpoint, id: i64) -> String {
    let here = Links {
        base: format!("{}/funnel.csv", from.files),
        state: links.state.clone(),
    };
    here.to(|state| state.funnel = Some(id))
}

/// How far visitors of the shown period got along a funnel.
pub(super) async fn result(asks: &Asks<'_>, from: &Viewpoint, id: i64) -> Result<FunnelResult, String> {
    let Some(funnel) = from.funnels.iter().find(|funnel| funnel.id == id) else {
        return Err("There is no such funnel.".to_owned());
    };
    let steps = asks.scope.steps(funnel).map_err(|error| super::words(&error))?;
    let range = asks.range();
    let stats = &asks.board.stats;
    let answer = stats
        .funnel(asks.scope, &steps, range, &of_visits(&asks.state.filters()))
        .await;
    answer.map_err(|error| super::words(&error))
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
