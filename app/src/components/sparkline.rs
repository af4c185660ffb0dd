//! The last 24 hours at a glance.

use crate::{format, platform};
use leptos::prelude::*;
use pulsecast_protocol::live::HOURS;

/// A bar an hour, oldest first.
#[component]
pub fn Sparkline(
    /// Pageviews by hour.
    hours: Memo<Vec<u32>>,
    /// All of them.
    sum: Memo<u32>,
) -> impl IntoView {
    let label = move || format!("{} in the last 24 hours", format::count(sum.get(), "pageview"));
    platform::erased(view! {
        <svg class="sparkline" viewBox="0 0 240 1000" preserveAspectRatio="none" role="img" aria-label=label>
            {(0..HOURS).map(|i| bar(i, hours)).collect_view()}
        </svg>
    })
}

fn bar(i: usize, hours: Memo<Vec<u32>>) -> impl IntoView {
    // An empty hour is a line: there is an hour, and nothing happened in it.
    let height = Memo::new(move |_| {
        hours.with(|hours| {
            let most = hours.iter().copied().max().unwrap_or_default();
            format::permille(hours.get(i).copied().unwrap_or_default(), most, 60).max(20)
        })
    });
    view! {
        <rect
            class="sparkline__bar"
            class:sparkline__bar--quiet=move || height.get() == 20
            x=(i * 10 + 1).to_string()
            width="8"
            y=move || (1000 - height.get()).to_string()
            height=move || height.get().to_string()
        />
    }
}
