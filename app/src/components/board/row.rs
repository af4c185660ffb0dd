//! A row of a card or of a table: its name leads to the dashboard filtered by it, its bar shows its share of the first.

use super::change::Change;
use crate::{
    board::{
        model::{Card, Column, Look, Row},
        text,
    },
    format, platform,
};
use leptos::{html::custom, prelude::*};

/// All rows, in their order.
#[component]
pub fn Rows(
    /// What is around them, without rows.
    card: StoredValue<Card>,
    /// The rows.
    rows: RwSignal<Vec<Row>>,
) -> impl IntoView {
    let none = StoredValue::new(card.with_value(|card| card.none.clone()));
    let keys = move || {
        rows.with(|rows| {
            if !none.with_value(|none| any_known(rows, none)) {
                return Vec::new();
            }
            rows.iter()
                .map(|row| (row.name.clone(), row.label().to_owned()))
                .collect()
        })
    };
    view! {
        <For each=keys key=|(name, _)| name.clone() let:row>
            <RowView card rows name=row.0 label=row.1 />
        </For>
    }
}

/// Whether there is a row but that of those without a value, where they are called `none`.
pub(super) fn any_known(rows: &[Row], none: &str) -> bool {
    rows.iter().any(|row| none.is_empty() || row.name != none)
}

/// The row of this name: of a list, or of a table. The tags are all that differs: as views of their own they would be twice the program.
#[component]
fn RowView(card: StoredValue<Card>, rows: RwSignal<Vec<Row>>, name: String, label: String) -> impl IntoView {
    let (look, href, out, columns, none, compared) = card.with_value(|card| {
        let out = (!card.site.is_empty()).then(|| [card.site.as_str(), &name].concat());
        (
            card.look,
            card.href_of(&name),
            out,
            card.columns.clone(),
            card.none.clone(),
            card.compared,
        )
    });
    let is_table = matches!(look, Look::Table | Look::FlagTable);
    let flag = matches!(look, Look::Flags | Look::FlagTable)
        .then(|| format::flag(&name))
        .flatten();
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
    let (line, head, cell, testid) = if is_table {
        ("tr", "th", "td", "details-row")
    } else {
        ("li", "div", "span", "row")
    };
    let figure = move |(i, column): (usize, Column)| {
        let value = Memo::new(move |_| row.with(|row| row.value(i)));
        let (unit, less_is_better) = (column.unit, column.less_is_better);
        let text = move || value.with(|value| value.text(text::exact, unit));
        // On a card the first figure says enough.
        let change =
            (compared && (is_table || i == 0)).then(|| view! { <Change value unit less_is_better /> });
        custom(cell).attr("class", "row__figure").child((text, change))
    };
    let class = if is_none { "row row--none" } else { "row" };
    let name = view! {
        <span class="row__name" title=label.clone()>
            {flag.map(|flag| view! { <span class="flag" aria-hidden="true">{flag}</span> })}
            <a class="row__link" href=href>{label.clone()}</a>
            {out.map(|out| view! { <a class="row__out" href=out target="_blank" rel="noopener noreferrer" aria-label=["Open ", &label].concat()></a> })}
        </span>
    };
    let head = custom(head)
        .attr("class", "row__head")
        .attr("scope", is_table.then_some("row"))
        .child(name);
    let figures = columns.into_iter().enumerate().map(figure).collect_view();
    platform::erased(
        custom(line)
            .attr("class", if is_table { "line" } else { class })
            .attr("style", share)
            .attr("data-testid", testid)
            .child((head, figures)),
    )
}
