//! One tab in full: every figure of its rows, searched, ordered by any column, page by page. What moves of it is an island.

use super::menu::Rest;
use crate::{
    board::{Links, page::Table, state::Details},
    format,
    islands::details::DetailsTable,
};
use leptos::prelude::*;
use pulsecast_protocol::Domain;

/// The table and what is around it.
#[component]
pub fn DetailsView(
    /// Makes addresses.
    links: Links,
    /// The site.
    domain: Domain,
    /// Which tab, and how.
    details: Details,
    /// What it holds.
    table: Table,
) -> impl IntoView {
    let close = links.to(|state| state.details = None);
    let title = details.tab.label();
    let before = u64::from(details.page - 1) * u64::from(table.size);
    let (state, base) = (links.state.clone(), links.base.clone());
    let Table {
        card,
        heads,
        motion,
        token,
        total,
        size,
        csv,
        note,
    } = table;
    view! {
        <section class="panel details" aria-labelledby="details-title" data-testid="details">
            <header class="details__head">
                <a class="details__back" href=close data-key="Escape" aria-label="Back to the dashboard"></a>
                <h2 class="details__title" id="details-title">{title}</h2>
                <form class="details__search" action=base method="get" role="search">
                    <Rest state except=&["search", "page"] />
                    <input class="input input--small" type="search" name="search" value=details.search.clone() placeholder=format!("Search {}", title.to_ascii_lowercase()) aria-label="Search" data-key="/" />
                </form>
                {(!csv.is_empty()).then(|| view! { <a class="button button--small" href=csv download>"CSV"</a> })}
            </header>
            {card.panel.error.clone().map(|error| view! { <p class="details__error" role="alert">{error}</p> })}
            {(!note.is_empty()).then(|| view! { <p class="details__note">{note}</p> })}
            <DetailsTable domain motion token card heads total before />
            <Paging links details pages=total.div_ceil(u64::from(size.max(1))) />
        </section>
    }
    .into_any()
}

/// The way through the pages, and to any one of them.
#[component]
fn Paging(links: Links, details: Details, pages: u64) -> impl IntoView {
    let here = u64::from(details.page);
    if pages < 2 && here < 2 {
        return ().into_any();
    }
    let to = |page: u64| {
        links.to(|state| {
            if let Some(details) = &mut state.details {
                details.page = u32::try_from(page).unwrap_or(1);
            }
        })
    };
    // Whoever is beyond the last page is led back to it.
    let back = (here > 1).then(|| (here - 1).clamp(1, pages.max(1)));
    let forth = (here < pages).then_some(here + 1);
    let step = |page: Option<u64>, rel: &'static str, word: &'static str| {
        page.map(|page| view! { <a class="button button--small" href=to(page) rel=rel>{word}</a> })
    };
    let (state, base) = (links.state.clone(), links.base.clone());
    view! {
        <nav class="details__pages" aria-label="Pages">
            {step((here > 2).then_some(1), "first", "First")}
            {step(back, "prev", "Previous")}
            <form class="details__page" action=base method="get">
                <Rest state except=&["page"] />
                <label>
                    "Page "
                    <input class="input input--small" type="number" name="page" min="1" max=pages.max(here).to_string() value=here.to_string() required />
                    {format!(" of {}", format::number(pages))}
                </label>
            </form>
            {step(forth, "next", "Next")}
            {step((here + 1 < pages).then_some(pages), "last", "Last")}
        </nav>
    }
    .into_any()
}
