//! The name and its mark.

use leptos::prelude::*;

/// The mark: a pulse that leaves a point.
#[component]
pub fn Mark() -> impl IntoView {
    view! {
        <svg class="mark" viewBox="0 0 24 24" width="24" height="24" aria-hidden="true">
            <circle class="mark__ring" cx="12" cy="12" r="10" />
            <path class="mark__line" d="M3.5 12h4l2.5-5.5 4 11 2.5-5.5h4" />
        </svg>
    }
}

/// The mark with the name, leading home.
#[component]
pub fn Brand() -> impl IntoView {
    view! {
        <a class="brand" href="/">
            <Mark />
            <span>"Pulsecast"</span>
        </a>
    }
}
