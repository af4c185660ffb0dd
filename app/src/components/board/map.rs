//! Where visitors of the period are. The shapes are those of the live page's map; each leads to the dashboard filtered by its country.

use crate::{
    board::model::{Card, Row},
    components::world_map::{VIEW_BOX, shade},
    format, platform,
};
use leptos::{prelude::*, svg};

/// The map.
#[component]
pub fn MapView(
    /// The card around it.
    card: StoredValue<Card>,
    /// Countries and their visitors.
    rows: RwSignal<Vec<Row>>,
) -> impl IntoView {
    let most = Memo::new(move |_| rows.with(|rows| rows.iter().map(visitors).max().unwrap_or_default()));
    let places = move || {
        rows.with(|rows| {
            rows.iter()
                .filter(|row| format::flag(&row.name).is_some())
                .cloned()
                .collect::<Vec<_>>()
        })
    };
    let label = move || {
        rows.with(|rows| {
            format!(
                "World map of visitors from {} countries; the tab Countries lists them",
                rows.len()
            )
        })
    };
    platform::erased(view! {
        <svg class="map__world" viewBox=VIEW_BOX role="group" aria-label=label data-testid="stats-map">
            <use href="/world.svg#land" class="map__land"></use>
            <For each=places key=|row| (row.name.clone(), row.first()) let:row>
                <Country card most row />
            </For>
        </svg>
    })
}

fn visitors(row: &Row) -> u32 {
    u32::try_from(row.first() / 100).unwrap_or(u32::MAX)
}

#[component]
fn Country(card: StoredValue<Card>, most: Memo<u32>, row: Row) -> impl IntoView {
    let visitors = visitors(&row);
    let class = move || format!("map__country map__country--{}", shade(visitors, most.get()));
    let text = format!("{}: {}", row.label(), format::count(visitors, "visitor"));
    let href = card
        .with_value(|card| card.href_of(&row.name))
        .unwrap_or_default();
    let shape = svg::r#use().attr("href", format!("/world.svg#{}", row.name));
    platform::erased(
        svg::a()
            .attr("class", class)
            .attr("href", href)
            .attr("aria-label", text.clone())
            .child((svg::title().child(text), shape)),
    )
}
