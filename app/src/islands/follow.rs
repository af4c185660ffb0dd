//! What an island's questions become while it is looked at: they are followed over the page's one connection.

use crate::{
    board::model::{self, Card, Look, Motion, Panel, Row},
    components::time::Zone,
    live::{Socket, rows::Answer},
    platform,
};
use leptos::prelude::*;
use pulsecast_protocol::Domain;

/// Follows questions about a site, while the period includes now.
#[derive(Clone, Copy)]
pub(super) struct Follow {
    pub(super) socket: Socket,
    domain: StoredValue<Domain>,
    motion: Motion,
}

impl Follow {
    /// Makes the page's connection, of whoever this token speaks for.
    pub(super) fn provide(token: String, domain: Domain, motion: Motion) -> Self {
        Zone::provide();
        Self {
            socket: Socket::provide_for(token),
            domain: StoredValue::new(domain),
            motion,
        }
    }

    pub(super) fn panel(self, panel: Panel, news: impl Fn(&Answer) + Clone + 'static) {
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

    /// The rows of a card, as they are at any time; and how many there are on all pages of a table.
    pub(super) fn card(self, card: &mut Card, total: RwSignal<u64>) -> RwSignal<Vec<Row>> {
        let rows = RwSignal::new(std::mem::take(&mut card.rows));
        let places = matches!(card.look, Look::Flags | Look::Map | Look::FlagTable);
        self.panel(card.panel.clone(), move |answer| {
            let name = |code: &str| if places { platform::place_name(code) } else { None };
            rows.update(|rows| *rows = model::rows(&answer.rows, rows, &name));
            if let Some(now) = answer.meta.total_rows {
                total.set(now);
            }
        });
        rows
    }
}
