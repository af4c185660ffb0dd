//! The line on top: each figure with its change, and each shows itself as the graph.

use crate::{
    board::{
        model::{Head, Motion, Value},
        text,
    },
    components::status_pill::StatusPill,
    format,
    live::Socket,
    platform,
};
use leptos::prelude::*;

/// The line.
#[component]
pub fn Strip(
    /// What is counted.
    heads: Vec<Head>,
    /// How much, in the same order.
    values: RwSignal<Vec<Value>>,
    /// Visitors of the last five minutes.
    current: RwSignal<i64>,
    /// Why there are no figures.
    error: Option<String>,
    /// Whether it moves.
    motion: Motion,
    /// The page's connection.
    socket: Socket,
) -> impl IntoView {
    let figure = move |(i, head): (usize, Head)| {
        let value = Memo::new(move |_| values.with(|values| values.get(i).cloned().unwrap_or_default()));
        view! { <Figure head value /> }
    };
    platform::erased(view! {
        <section class="panel strip" aria-label="Figures">
            <div class="strip__now">
                <p class="strip__label">"Current visitors"</p>
                <p class="strip__value strip__value--now" data-testid="current-visitors">
                    {move || format::number(u64::try_from(current.get()).unwrap_or_default())}
                </p>
                {(motion == Motion::Live).then(|| view! { <StatusPill socket /> })}
            </div>
            <ul class="strip__figures">{heads.into_iter().enumerate().map(figure).collect_view()}</ul>
            {error.map(|error| view! { <p class="strip__error" role="alert">{error}</p> })}
        </section>
    })
}

#[component]
fn Figure(head: Head, value: Memo<Value>) -> impl IntoView {
    let unit = head.unit;
    let less_is_better = head.less_is_better;
    let shown = move || read(value, |now| text::short(now, unit));
    let exact = move || read(value, |now| text::exact(now, unit));
    let change = move || value.with(|v| v.change(unit));
    let mood = move || match change() {
        Some(n) if n != 0 => match (n > 0) != less_is_better {
            true => "strip__change strip__change--good",
            false => "strip__change strip__change--bad",
        },
        _ => "strip__change",
    };
    let before = move || {
        value.with(|v| {
            v.before
                .map(|before| format!("before: {}", text::exact(before, unit)))
                .unwrap_or_default()
        })
    };
    platform::erased(view! {
        <li class="strip__item">
            <a class="strip__figure" href=head.href title=head.hint aria-current=head.chosen.then_some("true")>
                <span class="strip__label">{head.label}</span>
                <span class="strip__value" title=exact data-testid=format!("figure-{}", head.metric)>{shown}</span>
                <span class=mood title=before>{move || change().map(|n| change_text(n, unit))}</span>
            </a>
        </li>
    })
}

/// The figure as it is now, in its currency if it has one.
fn read(value: Memo<Value>, text: impl Fn(i64) -> String) -> String {
    value.with(|value| match value.now {
        Some(now) => text::in_currency(text(now), value.currency.as_deref()),
        None => "–".to_owned(),
    })
}

/// `↑ 12%`; of percentages the points.
fn change_text(change: i64, unit: text::Unit) -> String {
    let arrow = match change {
        0 => "",
        1.. => "↑ ",
        _ => "↓ ",
    };
    match unit {
        text::Unit::Percent => format!("{arrow}{} pt", text::exact(change.abs(), text::Unit::Decimal)),
        _ => format!("{arrow}{}", text::change(change)),
    }
}
