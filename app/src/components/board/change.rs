//! The change of a figure from the compared period: which way, how much, and whether that is good news.

use crate::{
    board::{
        model::Value,
        text::{self, Unit},
    },
    platform,
};
use leptos::prelude::*;

/// The change; nothing where there is none.
#[component]
pub fn Change(
    /// The figure and what it was.
    value: Memo<Value>,
    /// How it reads.
    unit: Unit,
    /// Whether a fall is good news.
    less_is_better: bool,
) -> impl IntoView {
    let change = move || value.with(|value| value.change(unit));
    let mood = move || match change() {
        Some(n) if n != 0 => match (n > 0) != less_is_better {
            true => "change change--good",
            false => "change change--bad",
        },
        _ => "change",
    };
    let before = move || {
        value.with(|value| {
            let before = Value {
                now: value.before,
                ..value.clone()
            };
            match value.before {
                Some(_) => ["before: ", &before.text(text::exact, unit)].concat(),
                None => String::new(),
            }
        })
    };
    let text = move || match change() {
        Some(change) => in_words(change, unit),
        None => value.with(|value| match (value.now, value.before) {
            (Some(1..), Some(0)) => "new".to_owned(),
            _ => String::new(),
        }),
    };
    platform::erased(view! { <span class=mood title=before>{text}</span> })
}

/// `↑ 12%`; of percentages the points.
fn in_words(change: i64, unit: Unit) -> String {
    let arrow = match change {
        0 => "",
        1.. => "↑\u{202f}",
        _ => "↓\u{202f}",
    };
    let (much, points) = match unit {
        Unit::Percent => (text::exact(change.abs(), Unit::Decimal), "\u{202f}pt"),
        _ => (text::change(change), ""),
    };
    [arrow, &much, points].concat()
}
