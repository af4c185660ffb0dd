//! A number that matters, with its name.

use crate::format;
use leptos::prelude::*;

/// One entry of a `<dl class="figures">`.
#[component]
pub fn Figure(
    /// What is counted.
    label: &'static str,
    /// What exactly that means.
    hint: &'static str,
    /// How many.
    #[prop(into)]
    value: Signal<u32>,
    /// For tests.
    testid: &'static str,
    /// The class that sets it apart.
    #[prop(optional)]
    class: &'static str,
) -> impl IntoView {
    view! {
        <div class=format!("figure {class}")>
            <dt class="figure__label">{label}</dt>
            <dd class="figure__body">
                <span class="figure__value" data-testid=testid>{move || format::number(value.get())}</span>
                <span class="figure__hint">{hint}</span>
            </dd>
        </div>
    }
}
