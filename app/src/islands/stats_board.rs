//! The stats dashboard, moving: figures, graph and cards follow their queries while the period includes now, under any filter.

use crate::{
    board::model::{self, BoardData, Card, Look, Motion, Panel},
    components::{
        board::{card::CardView, graph::GraphView, strip::Strip},
        offline::OfflineBanner,
        time::Zone,
    },
    format,
    live::{Socket, rows::Answer},
    platform,
};
use leptos::prelude::*;
use pulsecast_protocol::Domain;
use std::time::Duration;

/// How often the graph looks at the clock.
const MINUTE: Duration = Duration::from_secs(60);

/// The dashboard below its toolbar.
#[island]
pub fn StatsBoard(
    /// What the server made of the answers.
    data: BoardData,
) -> impl IntoView {
    Zone::provide();
    let socket = Socket::provide_for(data.token);
    let (motion, offset) = (data.motion, data.offset);
    let follow = Follow {
        socket,
        domain: StoredValue::new(data.domain),
        motion,
    };
    let now = RwSignal::new(format::wall(data.at, offset));
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
    let card = |card: Card| {
        let rows = RwSignal::new(card.rows.clone());
        let places = matches!(card.look, Look::Flags | Look::Map);
        follow.panel(card.panel.clone(), move |answer| {
            let name = |code: &str| if places { platform::place_name(code) } else { None };
            rows.update(|rows| *rows = model::rows(&answer.rows, rows, &name));
        });
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

/// Follows questions over the page's connection.
#[derive(Clone, Copy)]
struct Follow {
    socket: Socket,
    domain: StoredValue<Domain>,
    motion: Motion,
}

impl Follow {
    fn panel(self, panel: Panel, news: impl Fn(&Answer) + Clone + 'static) {
        if self.motion == Motion::Still || panel.query.is_empty() {
            return;
        }
        Effect::new(move || {
            let (query, news) = (panel.query.clone(), news.clone());
            // What cannot be brought up to date stays as it was.
            let news = move |answer: &Answer| {
                if answer.version > 0 {
                    news(answer);
                }
            };
            self.domain
                .with_value(|domain| self.socket.follow_query(domain, &panel.key, query, news));
        });
    }
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
