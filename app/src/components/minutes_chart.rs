//! Pageviews per minute for the last 30 minutes: bars to look at, exact numbers to point at, and a table for those who listen.

use super::time::Zone;
use crate::{
    format,
    live::store::{Bar, bars},
    platform,
};
use leptos::prelude::*;
use pulsecast_protocol::live::{MINUTES, MinuteCount};

/// The chart.
#[component]
pub fn MinutesChart(
    /// The minutes with anything in them.
    minutes: RwSignal<Vec<MinuteCount>>,
    /// The last minute to show.
    now: RwSignal<i64>,
) -> impl IntoView {
    let bars = Memo::new(move |_| minutes.with(|minutes| bars(minutes, now.get())));
    let top = Memo::new(move |_| {
        ceiling(bars.with(|bars| bars.iter().map(|b| b.pageviews).max().unwrap_or_default()))
    });
    let pointed = RwSignal::new(None::<usize>);
    platform::erased(view! {
        <figure class="chart" data-testid="minutes-chart">
            <figcaption class="chart__title">"Pageviews per minute"</figcaption>
            <div class="chart__plot" on:pointerleave=move |_| pointed.set(None)>
                <span class="chart__scale" aria-hidden="true">{move || format::number(top.get())}</span>
                <svg class="chart__bars" viewBox="0 0 300 1000" preserveAspectRatio="none" role="img" aria-label=move || bars.with(|b| summary(b))>
                    <line class="chart__grid" x1="0" x2="300" y1="0" y2="0" />
                    <line class="chart__grid" x1="0" x2="300" y1="500" y2="500" />
                    <line class="chart__base" x1="0" x2="300" y1="1000" y2="1000" />
                    {(0..MINUTES).map(|i| bar_view(i, bars, top, pointed)).collect_view()}
                </svg>
                <Pointed bars pointed />
            </div>
            <div class="chart__axis" aria-hidden="true">
                <span>"30 min ago"</span>
                <span>"15 min"</span>
                <span>"now"</span>
            </div>
            <Table bars />
        </figure>
    })
}

fn bar_view(
    i: usize,
    bars: Memo<Vec<Bar>>,
    top: Memo<u32>,
    pointed: RwSignal<Option<usize>>,
) -> impl IntoView {
    let height = Memo::new(move |_| {
        let n = bars.with(|bars| bars.get(i).map_or(0, |b| b.pageviews));
        format::permille(n, top.get(), 20)
    });
    platform::erased(view! {
        <g class="chart__minute" class:chart__minute--pointed=move || pointed.get() == Some(i)>
            <rect class="chart__hit" x=(i * 10).to_string() width="10" y="0" height="1000" on:pointerenter=move |_| pointed.set(Some(i)) />
            <rect
                class="chart__bar"
                x=(i * 10 + 1).to_string()
                width="8"
                y=move || (1000 - height.get()).to_string()
                height=move || height.get().to_string()
            />
        </g>
    })
}

/// The exact numbers of the minute under the pointer.
#[component]
fn Pointed(bars: Memo<Vec<Bar>>, pointed: RwSignal<Option<usize>>) -> impl IntoView {
    let zone = Zone::expect();
    let text = move || {
        let bar = bars.with(|bars| pointed.get().and_then(|i| bars.get(i).copied()))?;
        Some(format!(
            "{} · {} · {}",
            zone.clock_short(bar.from),
            format::count(bar.pageviews, "pageview"),
            format::count(bar.visitors, "visitor")
        ))
    };
    let left = move || format!("--at:{}", pointed.get().unwrap_or_default() * 2 + 1);
    view! { <p class="chart__tip" aria-hidden="true" style=left class:chart__tip--shown=move || pointed.get().is_some()>{text}</p> }
}

/// The same for those who cannot see or point.
#[component]
fn Table(bars: Memo<Vec<Bar>>) -> impl IntoView {
    let zone = Zone::expect();
    let row = move |i: usize| {
        let bar = Memo::new(move |_| bars.with(|bars| bars.get(i).copied().unwrap_or_default()));
        view! {
            <tr>
                <th scope="row">{move || zone.clock_short(bar.get().from)}</th>
                <td>{move || format::number(bar.get().pageviews)}</td>
                <td>{move || format::number(bar.get().visitors)}</td>
            </tr>
        }
    };
    platform::erased(view! {
        <table class="visually-hidden">
            <caption>"Pageviews and visitors per minute"</caption>
            <thead>
                <tr>
                    <th scope="col">"Minute"</th>
                    <th scope="col">"Pageviews"</th>
                    <th scope="col">"Visitors"</th>
                </tr>
            </thead>
            <tbody>{(0..MINUTES).map(row).collect_view()}</tbody>
        </table>
    })
}

fn summary(bars: &[Bar]) -> String {
    let all: u32 = bars.iter().map(|b| b.pageviews).sum();
    let most = bars.iter().map(|b| b.pageviews).max().unwrap_or_default();
    format!(
        "Bar chart: {} in the last 30 minutes, at most {} in one minute. A table follows.",
        format::count(all, "pageview"),
        format::number(most)
    )
}

/// The top of the scale: the next round number, so that the bars do not jump with each pageview.
fn ceiling(most: u32) -> u32 {
    let mut step = 1_u32;
    loop {
        for factor in [1, 2, 4, 6, 8] {
            let top = step.saturating_mul(factor);
            if top >= most.max(4) {
                return top;
            }
        }
        step = step.saturating_mul(10);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_ends_at_a_round_number_that_halves_well() {
        assert_eq!(
            [0, 4, 5, 9, 11, 61, 1234].map(ceiling),
            [4, 4, 6, 10, 20, 80, 2000]
        );
        assert!(ceiling(u32::MAX) >= u32::MAX / 2);
    }
}
