//! The stats dashboard, moving: figures, graph and cards follow their queries while the period includes now, under any filter.

use crate::{
    board::model::{BoardData, Card, Motion},
    components::{
        board::{card::CardView, graph::GraphView, strip::Strip},
        offline::OfflineBanner,
        time::Zone,
    },
    format,
    live::Socket,
    platform,
};
use leptos::prelude::*;

/// The dashboard below its toolbar.
#[island]
pub fn StatsBoard(
    /// What the server made of the answers.
    data: BoardData,
) -> impl IntoView {
    Zone::provide();
    let socket = Socket::provide();
    let motion = data.motion;
    let now = RwSignal::new(format::wall(data.at, data.offset));
    let current = RwSignal::new(data.visitors);
    let values = RwSignal::new(data.figures.values);
    let line = RwSignal::new(data.graph.line.clone());
    let card = |card: Card| {
        let rows = RwSignal::new(card.rows.clone());
        let card = Card {
            rows: Vec::new(),
            ..card
        };
        view! { <CardView card rows /> }
    };
    platform::erased(view! {
        <div class="stats" data-motion=match motion { Motion::Live => "live", Motion::Still => "still" }>
            <Strip heads=data.figures.heads values current error=data.figures.panel.error motion socket />
            <GraphView graph=data.graph line now />
            <div class="cards">{data.cards.into_iter().map(card).collect_view()}</div>
            <OfflineBanner socket />
        </div>
    })
}
