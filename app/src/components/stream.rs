//! Events as they happen, newest on top. Can be held still: what arrives meanwhile waits and is counted.

use super::{stream_row::StreamRowView, time::Zone};
use crate::{format, platform};
use leptos::prelude::*;
use pulsecast_protocol::live::StreamRow;

/// The stream.
#[component]
pub fn EventStream(
    /// The rows, oldest first.
    rows: RwSignal<Vec<StreamRow>>,
) -> impl IntoView {
    // Rows that came with the page stand still; only later ones make an entrance.
    let first_new = rows.with_untracked(|rows| rows.last().map_or(0, |row| row.seq + 1));
    let held = RwSignal::new(None::<Vec<StreamRow>>);
    let shown = move || held.get().unwrap_or_else(|| rows.get()).into_iter().rev();
    let is_empty = Memo::new(move |_| rows.with(Vec::is_empty));
    let zone = Zone::expect();
    platform::erased(view! {
        <section class="panel stream" aria-labelledby="stream-title">
            <header class="panel__head">
                <h2 class="panel__title" id="stream-title">"Events"</h2>
                <PauseButton rows held />
            </header>
            <div class="stream__columns" aria-hidden="true">
                <span>{move || if zone.is_utc() { "Time (UTC)" } else { "Time" }}</span>
                <span>"Page"</span>
                <span>"Place"</span>
                <span>"Browser"</span>
                <span>"Source"</span>
            </div>
            <div class="stream__scroll" tabindex="0" role="region" aria-label="Events, newest first">
                <ol class="stream__rows" data-testid="stream">
                    <For each=shown key=|row| row.seq let:row>
                        <StreamRowView is_new={row.seq >= first_new} row />
                    </For>
                </ol>
                {move || is_empty.get().then(|| view! {
                    <p class="stream__empty">"No event in the last 30 minutes. The next one appears here the moment it happens."</p>
                })}
            </div>
        </section>
    })
}

/// Holds the rows still and lets them go again.
#[component]
fn PauseButton(rows: RwSignal<Vec<StreamRow>>, held: RwSignal<Option<Vec<StreamRow>>>) -> impl IntoView {
    let waiting = Memo::new(move |_| {
        held.with(|held| {
            held.as_ref()
                .map_or(0, |held| rows.with(|rows| newer(rows, held)))
        })
    });
    let is_held = Memo::new(move |_| held.with(Option::is_some));
    let toggle = move |_| {
        let now = if is_held.get_untracked() {
            None
        } else {
            Some(rows.get_untracked())
        };
        held.set(now);
    };
    platform::erased(view! {
        <div class="stream__hold">
            <span class="stream__waiting" role="status" data-testid="held">
                {move || is_held.get().then(|| format!("{} new", format::number(waiting.get())))}
            </span>
            <button class="button button--small" type="button" data-testid="pause" aria-pressed=move || is_held.get().to_string() on:click=toggle>
                <span class="icon" class:icon--play=move || is_held.get() class:icon--pause=move || !is_held.get() aria-hidden="true"></span>
                {move || if is_held.get() { "Resume" } else { "Pause" }}
            </button>
        </div>
    })
}

/// How many rows came after the held ones.
fn newer(rows: &[StreamRow], held: &[StreamRow]) -> u32 {
    let last = held.last().map_or(0, |row| row.seq);
    u32::try_from(rows.iter().rev().take_while(|row| row.seq > last).count()).unwrap_or(u32::MAX)
}
