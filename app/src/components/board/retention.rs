//! Returns as bars, cohorts as a table whose cells are darker the more came back.

use crate::{
    board::{
        labels::{self, Bucket},
        page::Cohorted,
    },
    format,
};
use leptos::prelude::*;
use pulsecast_protocol::stats::{Cohort, CohortUnit, Returns};

/// How often visitors came within their day, and how long they were away.
#[component]
pub fn ReturnsView(
    /// The counts.
    returns: Returns,
) -> impl IntoView {
    let visitors: u64 = returns.visits.iter().sum();
    let again: u64 = returns.visits.iter().skip(1).sum();
    let often = |n: usize| match n {
        0 => "Once".to_owned(),
        1 => "Twice".to_owned(),
        n if n + 1 == Returns::VISITS => format!("{} times or more", n + 1),
        n => format!("{} times", n + 1),
    };
    let hours = |n: usize| match (n.checked_sub(1).map(|n| Returns::HOURS[n]), Returns::HOURS.get(n)) {
        (None, Some(hours)) => format!("Within {}", format::count(*hours, "hour")),
        (Some(from), Some(to)) => format!("After {from} to {to} hours"),
        (Some(from), None) => format!("After more than {from} hours"),
        (None, None) => String::new(),
    };
    view! {
        <p class="retention__figure" data-testid="returned">
            <b>{format::percent(again, visitors)}</b>
            {format!(" of {} came back on the same day", format::count(visitors, "visitor"))}
        </p>
        <div class="retention__lists">
            <Bars title="Visits of a visitor in a day" rows=(0..returns.visits.len()).map(often).zip(returns.visits.clone()).collect() />
            <Bars title="Time until the next visit" rows=(0..returns.gaps.len()).map(hours).zip(returns.gaps).collect() />
        </div>
    }
    .into_any()
}

#[component]
fn Bars(title: &'static str, rows: Vec<(String, u64)>) -> impl IntoView {
    let all: u64 = rows.iter().map(|(_, n)| n).sum();
    let most = rows.iter().map(|(_, n)| *n).max().unwrap_or_default().max(1);
    let row = |(label, n): (String, u64)| {
        view! {
            <li class="row" style=format!("--share:{}", n * 1000 / most)>
                <span class="row__head">{label}</span>
                <span class="row__figure">{format::number(n)}</span>
                <span class="row__figure">{format::percent(n, all)}</span>
            </li>
        }
    };
    view! {
        <div>
            <h3 class="retention__label">{title}</h3>
            <ul>{rows.into_iter().map(row).collect_view()}</ul>
        </div>
    }
    .into_any()
}

/// A row a cohort, a column a step.
#[component]
pub fn CohortTable(
    /// The cohorts.
    cohorts: Cohorted,
) -> impl IntoView {
    let (unit, word) = match cohorts.unit {
        CohortUnit::Day => (Bucket::Day, "Day"),
        CohortUnit::Week => (Bucket::Week, "Week"),
    };
    let rows = cohorts.cohorts.rows;
    if rows.is_empty() {
        return view! { <p class="retention__text">"Nobody carries that name in this period."</p> }
            .into_any();
    }
    let steps = rows.iter().map(|row| row.seen.len()).max().unwrap_or_default();
    let cell = |first: u64, seen: u64| {
        let share = seen * 100 / first.max(1);
        view! { <td style=format!("--share:{share}") title=format::count(seen, "person").replace("persons", "people")>{format::percent(seen, first)}</td> }
    };
    let row = |row: Cohort| {
        let first = row.seen.first().copied().unwrap_or_default();
        view! {
            <tr>
                <th scope="row">{labels::full(&row.label, unit)}</th>
                <td class="cohorts__size">{format::number(first)}</td>
                {row.seen.into_iter().skip(1).map(|seen| cell(first, seen)).collect_view()}
            </tr>
        }
    };
    view! {
        <div class="cohorts" tabindex="0" role="region" aria-label="Cohorts">
            <table class="cohorts__table">
                <thead>
                    <tr>
                        <th scope="col">"First seen"</th>
                        <th scope="col">"People"</th>
                        {(1..steps).map(|n| view! { <th scope="col">{format!("{word} {n}")}</th> }).collect_view()}
                    </tr>
                </thead>
                <tbody>{rows.into_iter().map(row).collect_view()}</tbody>
            </table>
        </div>
    }
    .into_any()
}
