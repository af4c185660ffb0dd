//! One tab in full, moving: its rows follow their query with its search, order and page.

use super::follow::Follow;
use crate::{
    board::model::{Card, Head, Motion},
    components::{board::row::Rows, offline::OfflineBanner, status_pill::StatusPill},
    format, platform,
};
use leptos::prelude::*;
use pulsecast_protocol::Domain;

/// The table.
#[island]
pub fn DetailsTable(
    /// The site.
    domain: Domain,
    /// Whether the period includes now.
    motion: Motion,
    /// Who follows it, where that is not whoever is signed in.
    token: String,
    /// The rows.
    card: Card,
    /// Heads of the columns.
    heads: Vec<Head>,
    /// Rows of all pages.
    total: u64,
    /// Rows of the pages before this one.
    before: u64,
) -> impl IntoView {
    let follow = Follow::provide(token, domain, motion);
    let total = RwSignal::new(total);
    let mut card = card;
    let rows = follow.card(&mut card, total);
    let moves = motion == Motion::Live && !card.panel.query.is_empty();
    let card = StoredValue::new(card);
    let count = move || match (rows.with(Vec::len) as u64, total.get()) {
        (0, _) => "Nothing found".to_owned(),
        (here, total) => [
            format::number(before + 1),
            "–".to_owned(),
            format::number(before + here),
            " of ".to_owned(),
            format::number(total.max(before + here)),
        ]
        .concat(),
    };
    let head = |head: Head| {
        view! { <th scope="col" aria-sort=head.note title=head.hint><a class="details__sort" href=head.href>{head.label}</a></th> }
    };
    platform::erased(view! {
        <div class="details__scroll" tabindex="0" role="region" aria-label="Rows">
            <table class="details__table">
                <caption class="details__count">
                    <span data-testid="details-count">{count}</span>
                    {moves.then(|| view! { <StatusPill socket=follow.socket /> })}
                </caption>
                <thead><tr>{heads.into_iter().map(head).collect_view()}</tr></thead>
                <tbody><Rows card rows /></tbody>
            </table>
        </div>
        <OfflineBanner socket=follow.socket />
    })
}
