//! The graph: a line by time, the compared period's beside it, and the exact figures under the pointer. Plain SVG, drawn by the server first.

use crate::{
    board::{
        chart::{self, Drawing},
        labels::{self, Bucket},
        model::{Graph, Line, Link},
        text::{self, Unit},
    },
    platform,
};
use leptos::prelude::*;

/// Points up to which there is a table for those who listen.
const TABLE: usize = 100;

/// The graph.
#[component]
pub fn GraphView(
    /// What it is of.
    graph: Graph,
    /// The line, as it is now.
    line: RwSignal<Line>,
    /// The site's clock, written as the labels are.
    now: RwSignal<String>,
) -> impl IntoView {
    let Graph {
        panel,
        label,
        unit,
        bucket,
        before,
        before_label,
        intervals,
        opens,
        note,
        csv,
        ..
    } = graph;
    let before = StoredValue::new(before);
    let drawing = Memo::new(move |_| {
        line.with(|line| {
            before.with_value(|before| now.with(|now| chart::draw(line, before, unit, bucket, now)))
        })
    });
    let ticks = Memo::new(move |_| line.with(|line| chart::ticks(line, bucket)));
    let count = move || line.with_untracked(|line| line.labels.len());
    // Whoever comes by keys begins where it is now.
    let now_at = line.with_untracked(|line| now.with_untracked(|now| chart::open_bucket(line, bucket, now)));
    let pointed = RwSignal::new(now_at.unwrap_or(count().saturating_sub(1)));
    let point = move |event| pointed.set(chart::nearest(platform::across(&event), count()));
    let step = move |event: leptos::ev::KeyboardEvent| {
        let at = pointed.get_untracked();
        match event.key().as_str() {
            "ArrowLeft" if at > 0 => pointed.set(at - 1),
            "ArrowRight" if at + 1 < count() => pointed.set(at + 1),
            _ => {}
        }
    };
    let opened = move || {
        line.with(|line| {
            let bucket = line.labels.get(pointed.get()).filter(|_| !opens.is_empty())?;
            Some([opens.as_str(), bucket.get(..16).unwrap_or(bucket)].concat())
        })
    };
    let of = label.clone();
    let summary = move || line.with(|line| summary(line, &of, unit));
    let grid = move |quarter: i64| {
        view! { <span class="graph__mark" style=format!("--at:{}", quarter * 250)>{move || drawing.with(|d| text::short(d.top * (4 - quarter) / 4, unit))}</span> }
    };
    let tick = |(at, text): (i64, String)| view! { <span class="graph__tick" style=format!("--at:{at}")>{text}</span> };
    platform::erased(view! {
        <figure class="panel graph" data-testid="graph">
            <figcaption class="graph__head">
                <span class="graph__key">{label}</span>
                {(!before_label.is_empty()).then(|| view! { <span class="graph__key graph__key--before">{before_label}</span> })}
                <span class="graph__note">{note}</span>
                <Choice links=intervals label="Interval" />
                {(!csv.is_empty()).then(|| view! { <a class="graph__csv" href=csv download="">"CSV"</a> })}
            </figcaption>
            <div class="graph__plot">
                <div class="graph__marks" aria-hidden="true">{(0..4).map(grid).collect_view()}</div>
                <a
                    class="graph__area"
                    tabindex="0"
                    href=opened
                    on:pointermove=point
                    on:pointerdown=point
                    on:keydown=step
                >
                    <Lines drawing summary />
                    <Pointed line before drawing pointed unit bucket />
                </a>
                <div class="graph__ticks" aria-hidden="true">{move || ticks.get().into_iter().map(tick).collect_view()}</div>
            </div>
            {panel.error.map(|error| view! { <p class="graph__error" role="alert">{error}</p> })}
            <Table line unit bucket />
        </figure>
    })
}

#[component]
fn Lines(drawing: Memo<Drawing>, summary: impl Fn() -> String + Send + Sync + 'static) -> impl IntoView {
    platform::erased(view! {
        <svg class="graph__lines" viewBox="0 0 1000 1000" preserveAspectRatio="none" role="img" aria-label=summary>
            <path class="graph__grid" d="M0 0H1000M0 250H1000M0 500H1000M0 750H1000" />
            <path class="graph__base" d="M0 1000H1000" />
            <path class="graph__fill" d=move || drawing.with(|d| d.area.clone()) />
            <path class="graph__line graph__line--before" d=move || drawing.with(|d| d.before.clone()) />
            <path class="graph__line" d=move || drawing.with(|d| d.line.clone()) data-testid="graph-line" />
            <path class="graph__line graph__line--open" d=move || drawing.with(|d| d.open.clone()) />
        </svg>
    })
}

/// A bucket's figure and the compared one, written out.
fn reading(line: &Line, before: &Line, i: usize, unit: Unit, bucket: Bucket) -> [String; 3] {
    let figure = |line: &Line| {
        let value = line.points.get(i).copied().flatten();
        value.map_or_else(|| "–".to_owned(), |value| text::exact(value, unit))
    };
    let label = |line: &Line| {
        line.labels
            .get(i)
            .map(|raw| labels::full(raw, bucket))
            .unwrap_or_default()
    };
    let compared = match before.labels.get(i) {
        Some(_) => format!("{} · {}", figure(before), label(before)),
        None => String::new(),
    };
    [label(line), figure(line), compared]
}

/// The exact figures under the pointer.
#[component]
fn Pointed(
    line: RwSignal<Line>,
    before: StoredValue<Line>,
    drawing: Memo<Drawing>,
    pointed: RwSignal<usize>,
    unit: Unit,
    bucket: Bucket,
) -> impl IntoView {
    let place = move || {
        let i = pointed.get();
        let (x, value) = line.with(|line| {
            let value = line.points.get(i).copied().flatten().unwrap_or_default();
            (chart::across(i, line.points.len()), value)
        });
        let top = drawing.with(|d| d.top).max(1);
        format!("--at:{x};--up:{}", 1000 - value.saturating_mul(1000) / top)
    };
    let reads = Memo::new(move |_| {
        line.with(|line| before.with_value(|before| reading(line, before, pointed.get(), unit, bucket)))
    });
    let part = move |n: usize| reads.with(|reads| reads[n].clone());
    platform::erased(view! {
        <div class="graph__pointer" style=place aria-hidden="true">
            <span class="graph__dot"></span>
            <p class="graph__tip">
                <span class="graph__when">{move || part(0)}</span>
                <b>{move || part(1)}</b>
                <span class="graph__then">{move || part(2)}</span>
            </p>
        </div>
    })
}

/// Links of which one is where we are.
#[component]
pub fn Choice(
    /// The links.
    links: Vec<Link>,
    /// What is chosen.
    #[prop(into)]
    label: String,
) -> impl IntoView {
    let link = |link: Link| {
        view! { <a class="choice__link" href=link.href aria-current=link.current.then_some("true")>{link.label}</a> }
    };
    platform::erased(view! {
        <nav class="choice" aria-label=label>{links.into_iter().map(link).collect_view()}</nav>
    })
}

/// The same for those who cannot see or point; long ones are told in a sentence.
#[component]
fn Table(line: RwSignal<Line>, unit: Unit, bucket: Bucket) -> impl IntoView {
    let rows = move || {
        line.with(|line| {
            let all = line
                .labels
                .iter()
                .zip(&line.points)
                .take(if line.labels.len() > TABLE { 0 } else { TABLE });
            let row = |(label, point): (&String, &Option<i64>)| {
                let value = point.map_or_else(|| "–".to_owned(), |point| text::exact(point, unit));
                view! { <tr><th scope="row">{labels::full(label, bucket)}</th><td>{value}</td></tr> }
            };
            all.map(row).collect_view()
        })
    };
    platform::erased(view! {
        <table class="visually-hidden">
            <caption>"The graph as a table"</caption>
            <tbody>{rows}</tbody>
        </table>
    })
}

fn summary(line: &Line, label: &str, unit: Unit) -> String {
    let most = line.points.iter().flatten().copied().max().unwrap_or_default();
    format!(
        "Line graph of {label} by time, {} at most",
        text::exact(most, unit)
    )
}
