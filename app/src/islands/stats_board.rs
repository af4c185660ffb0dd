//! The stats dashboard, moving: figures, graph and cards follow their queries while the period includes now, under any filter.

use super::follow::Follow;
use crate::{
    board::{
        chart::OVER,
        model::{self, BoardData, Card, Motion},
    },
    components::{
        board::{card::CardView, graph::GraphView, strip::Strip},
        offline::OfflineBanner,
    },
    format, platform,
};
use leptos::prelude::*;
use std::time::Duration;

/// How often the graph looks at the clock.
const MINUTE: Duration = Duration::from_secs(60);

/// The dashboard below its toolbar.
#[island]
pub fn StatsBoard(
    /// What the server made of the answers.
    data: BoardData,
) -> impl IntoView {
    let (motion, offset) = (data.motion, data.offset);
    let follow = Follow::provide(data.token, data.domain, motion);
    let socket = follow.socket;
    let now = format::wall(data.at, offset);
    let is_over = motion == Motion::Still && data.graph.line.labels.last() < Some(&now);
    let now = RwSignal::new(if is_over { OVER.to_owned() } else { now });
    let current = RwSignal::new(data.visitors);
    let values = RwSignal::new(data.figures.values);
    let line = RwSignal::new(data.graph.line.clone());
    let unit = data.graph.unit;
    follow.panel(data.current, move |answer| {
        current.set(model::count(&answer.rows))
    });
    follow.panel(data.figures.panel.clone(), move |answer| {
        values.update(|values| model::renew(values, &answer.rows));
    });
    follow.panel(data.graph.panel.clone(), move |answer| {
        line.update(|line| *line = model::line(&answer.rows, &answer.meta, &line.labels, unit));
    });
    if motion == Motion::Live {
        tick(now, offset);
    }
    let nothing = RwSignal::new(0);
    let card = |mut card: Card| {
        let rows = follow.card(&mut card, nothing);
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

/// The site's clock, by the viewer's.
fn tick(now: RwSignal<String>, offset: i32) {
    Effect::new(move || {
        let read = move || now.set(format::wall(platform::now(), offset));
        read();
        let ticking = set_interval_with_handle(read, MINUTE);
        on_cleanup(move || {
            if let Ok(ticking) = ticking {
                ticking.clear();
            }
        });
    });
}
