//! The line on top: each figure with its change, and each shows itself as the graph.

use super::change::Change;
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
    let shown = move || value.with(|value| value.text(text::short, unit));
    let exact = move || value.with(|value| value.text(text::exact, unit));
    platform::erased(view! {
        <li class="strip__item">
            <a class="strip__figure" href=head.href title=head.hint aria-current=head.chosen.then_some("true")>
                <span class="strip__label">{head.label}</span>
                <span class="strip__value" title=exact data-testid=["figure-", &head.metric].concat()>{shown}</span>
                <span class="strip__change">
                    <Change value unit less_is_better />
                    {head.note}
                </span>
            </a>
        </li>
    })
}
