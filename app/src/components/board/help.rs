//! The keys that do what clicks do.

use leptos::prelude::*;

const KEYS: [(&str, &str); 21] = [
    ("D", "Today"),
    ("E", "Yesterday"),
    ("H", "Last 24 hours"),
    ("R", "Realtime"),
    ("W", "Last 7 days"),
    ("F", "Last 28 days"),
    ("T", "Last 30 days"),
    ("N", "Last 91 days"),
    ("M", "Month to date"),
    ("P", "Last month"),
    ("Y", "Year to date"),
    ("S", "Last 6 months"),
    ("L", "Last 12 months"),
    ("A", "All time"),
    ("C", "Choose the days"),
    ("X", "Comparison on and off"),
    (
        "← →",
        "One period back, forth; along the graph that has the focus",
    ),
    ("↵", "Open the graph’s day or hour"),
    ("/", "Filter; in details: search"),
    (
        "Esc",
        "Close what is open; leave the field, then the details; then clear the filters",
    ),
    ("?", "This sheet"),
];

/// The sheet; the browser opens and closes it.
#[component]
pub fn Help() -> impl IntoView {
    let row = |(key, what): (&'static str, &'static str)| {
        view! { <div class="help__row"><dt><kbd>{key}</kbd></dt><dd>{what}</dd></div> }
    };
    view! {
        <div class="help panel" id="help" popover="auto" role="dialog" aria-labelledby="help-title">
            <h2 class="help__title" id="help-title">"Keyboard shortcuts"</h2>
            <dl class="help__rows">{KEYS.into_iter().map(row).collect_view()}</dl>
        </div>
    }
    .into_any()
}
