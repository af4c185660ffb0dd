//! The last 24 hours at a glance.

use leptos::prelude::*;

/// A bar an hour, oldest first.
#[component]
pub fn Sparkline(
    /// Pageviews by hour.
    #[prop(into)]
    hours: Signal<Vec<u32>>,
    /// The same in words.
    #[prop(into)]
    label: Signal<String>,
) -> impl IntoView {
    let most = Memo::new(move |_| hours.with(|hours| hours.iter().copied().max().unwrap_or_default().max(1)));
    let bar = move |i: usize| {
        let height = move || {
            let n = hours.with(|hours| hours.get(i).copied().unwrap_or_default());
            if n == 0 {
                2.0
            } else {
                f64::from(n) * 94.0 / f64::from(most.get()) + 6.0
            }
        };
        let x = format!("{:.2}", i as f64 + 0.1);
        let quiet = move || hours.with(|hours| hours.get(i).copied().unwrap_or_default() == 0);
        view! {
            <rect
                class="sparkline__bar"
                class:sparkline__bar--quiet=quiet
                x=x
                width="0.8"
                y=move || format!("{:.1}", 100.0 - height())
                height=move || format!("{:.1}", height())
            />
        }
    };
    view! {
        <svg class="sparkline" viewBox="0 0 24 100" preserveAspectRatio="none" role="img" aria-label=move || label.get()>
            {(0..24).map(bar).collect_view()}
        </svg>
    }
    .into_any()
}
