//! A card of a breakdown: tabs, rows, and the way to all of it.

use super::{
    graph::Choice,
    map::MapView,
    row::{Rows, any_known},
};
use crate::{
    board::model::{Card, Column, Link, Look, Row},
    platform,
};
use leptos::{either::Either, prelude::*};

/// The card.
#[component]
pub fn CardView(
    /// What it is; its rows are in `rows`.
    card: Card,
    /// Its rows, as they are now.
    rows: RwSignal<Vec<Row>>,
) -> impl IntoView {
    let id = format!("card-{}", card.panel.key);
    let kind = match card.look {
        Look::Map => "panel card card--map",
        Look::Steps => "panel card card--steps",
        _ => "panel card",
    };
    let is_map = card.look == Look::Map;
    let (title, tabs, menu) = (card.title.clone(), card.tabs.clone(), card.menu.clone());
    let (error, empty, note) = (card.panel.error.clone(), card.empty.clone(), card.note.clone());
    let details = (!card.details.is_empty()).then(|| card.details.clone());
    let csv = (!card.csv.is_empty()).then(|| card.csv.clone());
    let none = StoredValue::new(card.none.clone());
    let is_empty = Memo::new(move |_| rows.with(|rows| none.with_value(|none| !any_known(rows, none))));
    let testid = id.clone();
    let columns = (card.what.clone(), card.columns.clone());
    let card = StoredValue::new(card);
    let body = match is_map {
        true => Either::Left(view! { <MapView card rows /> }),
        false => Either::Right(view! {
            <Heads what=columns.0 columns=columns.1 />
            <ol class="card__rows"><Rows card rows /></ol>
        }),
    };
    let labelled = id.clone();
    let by = ["Tabs of ", &title].concat();
    platform::erased(view! {
        <section class=kind aria-labelledby=labelled data-testid=testid>
            <header class="card__head">
                <h2 class="card__title" id=id>{title}</h2>
                <Choice links=tabs label=by />
                {(!menu.is_empty()).then(|| view! { <More links=menu /> })}
            </header>
            {body}
            {move || is_empty.get().then(|| view! { <p class="card__empty">{error.clone().unwrap_or_else(|| empty.clone())}</p> })}
            <footer class="card__foot">
                {note.map(|note| view! { <a class="card__more" href=(!note.href.is_empty()).then_some(note.href)>{note.label}</a> })}
                {csv.map(|href| view! { <a class="card__more" href=href download="">"CSV"</a> })}
                {details.map(|href| view! { <a class="card__more" href=href>"Details"</a> })}
            </footer>
        </section>
    })
}

#[component]
fn Heads(what: String, columns: Vec<Column>) -> impl IntoView {
    let head = |column: Column| view! { <span class="row__figure">{column.label}</span> };
    platform::erased(view! {
        <p class="card__columns">
            <span class="row__head">{what}</span>
            {columns.into_iter().map(head).collect_view()}
        </p>
    })
}

/// Tabs that stand in a menu: it says which one is shown.
#[component]
fn More(links: Vec<Link>) -> impl IntoView {
    let current = links.iter().find(|link| link.current);
    let label = current.map_or_else(|| "More".to_owned(), |link| link.label.clone());
    let is_here = current.is_some();
    let link = |link: Link| view! { <li><a class="menu__item" href=link.href aria-current=link.current.then_some("true")>{link.label}</a></li> };
    platform::erased(view! {
        <details class="menu menu--right" data-menu>
            <summary class="menu__button menu__button--bare" class:menu__button--on=is_here>{label}</summary>
            <ul class="menu__list">{links.into_iter().map(link).collect_view()}</ul>
        </details>
    })
}
