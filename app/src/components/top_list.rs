//! Who is active now, by page, source, country, device or browser.

use crate::{format, platform};
use leptos::prelude::*;
use pulsecast_protocol::live::{Tile, TopRow};

/// What a list is called, and how its rows are kept apart from the other lists'.
struct Words {
    title: &'static str,
    testid: &'static str,
    empty: &'static str,
    /// Rows shown at most.
    rows: usize,
    /// Rows whose room is kept, so that nothing below moves while a small site lives.
    room: usize,
}

fn words(tile: Tile) -> Words {
    let (title, testid, empty, rows, room) = match tile {
        Tile::Pages => ("Top pages", "top-pages", "No page in the last 30 minutes", 8, 5),
        Tile::Sources => ("Sources", "top-sources", "No visit in the last 30 minutes", 6, 4),
        Tile::Countries => (
            "Countries",
            "top-countries",
            "No known country in the last 30 minutes",
            6,
            4,
        ),
        Tile::Devices => ("Devices", "top-devices", "No device in the last 30 minutes", 3, 3),
        Tile::Browsers => (
            "Browsers",
            "top-browsers",
            "No browser in the last 30 minutes",
            5,
            4,
        ),
    };
    Words {
        title,
        testid,
        empty,
        rows,
        room,
    }
}

/// A top list with proportional bars. Keeps the room of its rows, so that nothing below it moves.
#[component]
pub fn TopList(
    /// What it counts by.
    tile: Tile,
    /// Its rows, most visitors first.
    rows: RwSignal<Vec<TopRow>>,
) -> impl IntoView {
    let Words {
        title,
        testid,
        empty,
        rows: shown,
        room,
    } = words(tile);
    let most = Memo::new(move |_| {
        rows.with(|rows| rows.iter().map(|r| r.visitors).max().unwrap_or_default().max(1))
    });
    let keys = move || {
        rows.with(|rows| {
            rows.iter()
                .take(shown)
                .map(|r| (r.key.clone(), r.label.clone()))
                .collect::<Vec<_>>()
        })
    };
    let is_empty = Memo::new(move |_| rows.with(Vec::is_empty));
    platform::erased(view! {
        <section class="panel top" aria-labelledby=testid style=format!("--room:{room}")>
            <header class="panel__head">
                <h2 class="panel__title" id=testid>{title}</h2>
                <span class="panel__note">"visitors"</span>
            </header>
            <ol class="top__rows" data-testid=testid>
                <For each=keys key=|(key, _)| key.clone() let:row>
                    <Row tile rows most key=row.0 label=row.1 />
                </For>
            </ol>
            {move || is_empty.get().then(|| view! { <p class="top__empty">{empty}</p> })}
        </section>
    })
}

#[component]
fn Row(
    tile: Tile,
    rows: RwSignal<Vec<TopRow>>,
    most: Memo<u32>,
    key: String,
    label: String,
) -> impl IntoView {
    let flag = (tile == Tile::Countries).then(|| format::flag(&key)).flatten();
    let label = if label.is_empty() {
        "Unknown".to_owned()
    } else {
        label
    };
    let visitors =
        Memo::new(move |_| rows.with(|rows| rows.iter().find(|r| r.key == key).map_or(0, |r| r.visitors)));
    let share = move || format!("--share:{}", format::permille(visitors.get(), most.get(), 0));
    platform::erased(view! {
        <li class="row" style=share>
            <span class="row__head row__link" title=label.clone()>
                {flag.map(|flag| view! { <span class="flag" aria-hidden="true">{flag}</span> })}
                {label.clone()}
            </span>
            <span class="row__figure">{move || format::number(visitors.get())}</span>
        </li>
    })
}
