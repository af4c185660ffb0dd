//! Where visitors are. The shapes live in `/world.svg` (made by `scripts/build-map.mjs`), one element a country; this file only
//! points at them, which keeps them out of the program.

use crate::{format, platform};
use leptos::{prelude::*, svg};
use pulsecast_protocol::live::TopRow;

/// The map's size in its own units; `scripts/build-map.mjs` writes the same.
pub(crate) const VIEW_BOX: &str = "0 0 960 440";
/// Shades from few visitors to many.
const SHADES: u32 = 5;

/// The map, with a shade for each country that has visitors.
#[component]
pub fn WorldMap(
    /// Visitors by country, most first.
    countries: RwSignal<Vec<TopRow>>,
) -> impl IntoView {
    let most =
        Memo::new(move |_| countries.with(|rows| rows.iter().map(|r| r.visitors).max().unwrap_or_default()));
    let places = move || {
        countries.with(|rows| {
            rows.iter()
                .filter(|r| format::flag(&r.key).is_some())
                .cloned()
                .collect::<Vec<_>>()
        })
    };
    let label = move || countries.with(|rows| summary(rows));
    platform::erased(view! {
        <section class="panel map" aria-labelledby="map-title">
            <header class="panel__head">
                <h2 class="panel__title" id="map-title">"Where they are"</h2>
                <span class="panel__note">"last 30 minutes"</span>
            </header>
            <svg class="map__world" viewBox=VIEW_BOX role="img" aria-label=label data-testid="world-map">
                <use href="/world.svg#land" class="map__land"></use>
                <For each=places key=|row| (row.key.clone(), row.visitors) let:row>
                    <Country most row />
                </For>
            </svg>
        </section>
    })
}

#[component]
fn Country(most: Memo<u32>, row: TopRow) -> impl IntoView {
    let visitors = row.visitors;
    let class = move || format!("map__country map__country--{}", shade(visitors, most.get()));
    platform::erased(view! {
        <g class=class data-country=row.key.clone()>
            {svg::title().child(format!("{}: {}", row.label, format::count(visitors, "visitor")))}
            <use href=format!("/world.svg#{}", row.key)></use>
        </g>
    })
}

/// 1 for few to [`SHADES`] for the most, by the square root: one country must not hide the others.
pub(crate) fn shade(visitors: u32, most: u32) -> u32 {
    let share = format::permille(visitors, most, 1);
    let reaches = |shade: &u32| shade * shade * 1000 >= share * SHADES * SHADES;
    (1..=SHADES).find(reaches).unwrap_or(SHADES)
}

fn summary(rows: &[TopRow]) -> String {
    if rows.is_empty() {
        return "World map: no visitor in the last 30 minutes".to_owned();
    }
    let named: Vec<String> = rows
        .iter()
        .take(5)
        .map(|r| format!("{} {}", r.label, format::number(r.visitors)))
        .collect();
    let more = if rows.len() > named.len() {
        ", and others"
    } else {
        ""
    };
    format!("World map of visitors: {}{more}", named.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_busiest_country_is_darkest_and_a_single_visitor_still_shows() {
        assert_eq!(
            (shade(100, 100), shade(25, 100), shade(1, 100), shade(0, 0)),
            (5, 3, 1, 1)
        );
    }

    #[test]
    fn the_map_says_what_it_shows() {
        let rows = [TopRow {
            key: "DE".into(),
            label: "Germany".into(),
            visitors: 3,
        }];
        assert_eq!(summary(&rows), "World map of visitors: Germany 3");
    }
}
