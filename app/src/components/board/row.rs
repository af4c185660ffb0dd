//! A row of a card: its name leads to the dashboard filtered by it, its bar shows its share of the first.

use crate::{
    board::{
        model::{Card, Look, Row},
        text,
    },
    format, platform,
};
use leptos::prelude::*;

/// The row of this name.
#[component]
pub fn RowView(
    /// The card around it, without rows.
    card: StoredValue<Card>,
    /// All rows.
    rows: RwSignal<Vec<Row>>,
    /// Its name.
    name: String,
    /// What it is called.
    label: String,
) -> impl IntoView {
    let (look, href, out, units, none) = card.with_value(|card| {
        let units: Vec<text::Unit> = card.columns.iter().map(|column| column.unit).collect();
        let out = (!card.site.is_empty()).then(|| format!("{}{name}", card.site));
        (card.look, card.href_of(&name), out, units, card.none.clone())
    });
    let flag = (look == Look::Flags).then(|| format::flag(&name)).flatten();
    let key = StoredValue::new(name);
    let row = Memo::new(move |_| {
        rows.with(|rows| {
            key.with_value(|name| {
                rows.iter()
                    .find(|row| row.name == *name)
                    .cloned()
                    .unwrap_or_default()
            })
        })
    });
    let none = StoredValue::new(none);
    let is_none = key.with_value(|name| none.with_value(|none| !none.is_empty() && name == none));
    let most = move || {
        let known = |row: &&Row| none.with_value(|none| none.is_empty() || row.name != *none);
        rows.with(|rows| {
            rows.iter()
                .filter(known)
                .map(Row::first)
                .max()
                .unwrap_or_default()
        })
    };
    let share = move || {
        let share = if is_none { 0 } else { row.with(Row::first) };
        format!("--share:{}", share.saturating_mul(1000) / most().max(1))
    };
    let figure = move |(i, unit): (usize, text::Unit)| {
        let text = move || {
            let value = row.with(|row| row.figures.get(i).copied().flatten());
            value.map_or_else(|| "–".to_owned(), |value| text::exact(value, unit))
        };
        view! { <span class="row__figure">{text}</span> }
    };
    platform::erased(view! {
        <li class="row" class:row--none=is_none style=share data-testid="row">
            <span class="row__name" title=label.clone()>
                {flag.map(|flag| view! { <span class="flag" aria-hidden="true">{flag}</span> })}
                <a class="row__link" href=href>{label.clone()}</a>
                {out.map(|out| view! { <a class="row__out" href=out target="_blank" rel="noopener noreferrer" aria-label=format!("Open {label}")></a> })}
            </span>
            <span class="row__figures">{units.into_iter().enumerate().map(figure).collect_view()}</span>
        </li>
    })
}
