//! Funnels: how far visitors got.

use super::{Viewpoint, asks::Asks};
use crate::stats::{funnel, of_visits};
use pulsecast_app::board::{
    BoardState, Links, Tab,
    model::{self, Panel, Row},
    state::Details,
};
use pulsecast_protocol::stats::FunnelResult;
use serde_json::json;

/// Where a funnel is shown in full.
pub(super) fn href(links: &Links, from: &Viewpoint, id: i64) -> String {
    page(links, from, Tab::Funnels, |state| state.funnel = Some(id))
}

/// Where a tab is shown that has a page of its own. Whoever has a shared link stays on its address: to them it is one of its details.
pub(super) fn page(
    links: &Links,
    from: &Viewpoint,
    tab: Tab,
    change: impl FnOnce(&mut BoardState),
) -> String {
    let (base, details) = match from.mode.is_member() {
        true => (format!("{}/{}", from.base, tab.name()), None),
        false => (links.base.clone(), Some(Details::of(tab))),
    };
    let here = Links {
        base,
        state: links.state.clone(),
    };
    here.to(|state| {
        state.details = details;
        state.tabs.clear();
        change(state);
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
    let steps = funnel::steps(asks.scope, &from.funnels, id).map_err(|error| super::words(&error))?;
    let range = asks.range();
    let stats = &asks.board.stats;
    let answer = stats
        .funnel(asks.scope, &steps, range, &of_visits(&asks.state.filters()))
        .await;
    answer.map_err(|error| super::words(&error))
}

/// Its steps as the rows of a card.
pub(super) fn rows(result: &FunnelResult) -> Vec<Row> {
    model::rows(&funnel::rows(result), &[], &|_| None)
}

/// The same to be followed, as a client asks it.
pub(super) fn panel(asks: &Asks<'_>, key: &str, id: i64) -> Panel {
    let question = json!({
        "site_id": asks.scope.domain,
        "funnel": id,
        "date_range": asks.range(),
        "filters": of_visits(&asks.state.filters()),
    });
    asks.followed(key, &question)
}
