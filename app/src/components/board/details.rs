//! One tab in full: every figure of its rows, searched, ordered by any column, page by page.

use super::menu::Rest;
use crate::{
    board::{
        Links,
        links::encode_value,
        model::Row,
        page::{SortColumn, Table},
        state::{Details, Sort},
        text,
    },
    format,
};
use leptos::prelude::*;
use pulsecast_protocol::stats::{Direction, Metric};

/// The table and what is around it.
#[component]
pub fn DetailsView(
    /// Makes addresses.
    links: Links,
    /// Which tab, and how.
    details: Details,
    /// What it holds.
    table: Table,
) -> impl IntoView {
    let close = links.to(|state| state.details = None);
    let title = details.tab.label();
    let (from, to) = span(&details, &table);
    let count = match table.total {
        0 => "Nothing found".to_owned(),
        total => format!(
            "{}–{} of {}",
            format::number(from),
            format::number(to),
            format::number(total)
        ),
    };
    let (state, base) = (links.state.clone(), links.base.clone());
    view! {
        <section class="panel details" aria-labelledby="details-title" data-testid="details">
            <header class="details__head">
                <a class="details__back" href=close data-key="Escape" aria-label="Back to the dashboard"></a>
                <h2 class="details__title" id="details-title">{title}</h2>
                <form class="details__search" action=base method="get" role="search">
                    <Rest state except=&["search", "page"] />
                    <input class="input input--small" type="search" name="search" value=details.search.clone() placeholder=format!("Search {}", title.to_lowercase()) aria-label="Search" data-key="/" />
                </form>
                <p class="details__count" data-testid="details-count">{count}</p>
                {(!table.csv.is_empty()).then(|| view! { <a class="button button--small" href=table.csv.clone() download>"CSV"</a> })}
            </header>
            {table.panel.error.clone().map(|error| view! { <p class="details__error" role="alert">{error}</p> })}
            <Rows links=links.clone() details=details.clone() table=table.clone() />
            <Paging links details table />
        </section>
    }
    .into_any()
}

/// Which rows these are, counted from 1.
fn span(details: &Details, table: &Table) -> (u64, u64) {
    let before = u64::from(details.page - 1) * u64::from(table.size);
    (before + 1, before + table.rows.len() as u64)
}

#[component]
fn Rows(links: Links, details: Details, table: Table) -> impl IntoView {
    let first = table
        .columns
        .first()
        .map(|column| column.metric.clone())
        .unwrap_or_default();
    let (sorted, way) = match details.sort {
        Some((sort, way)) => (Some(sort), way),
        None => (first.parse().ok().map(Sort::Figure), Direction::Desc),
    };
    // A column's heading, which orders by it: at first this way, then the other.
    let sorting = |by: Sort, first: Direction, label: String, hint: Option<String>| {
        let here = sorted == Some(by);
        let other = match first {
            Direction::Asc => Direction::Desc,
            Direction::Desc => Direction::Asc,
        };
        let next = if here && way == first { other } else { first };
        let href = links.to(|state| {
            if let Some(details) = &mut state.details {
                (details.sort, details.page) = (Some((by, next)), 1);
            }
        });
        let sort = match (here, way) {
            (false, _) => "none",
            (true, Direction::Asc) => "ascending",
            (true, Direction::Desc) => "descending",
        };
        view! { <th scope="col" aria-sort=sort title=hint><a class="details__sort" href=href>{label}</a></th> }
    };
    let name = sorting(Sort::Name, Direction::Asc, table.what.clone(), None);
    let head = |column: &SortColumn| {
        let metric: Option<Metric> = column.metric.parse().ok();
        metric.map(|metric| {
            let (label, hint) = (column.column.label.clone(), column.hint.clone());
            sorting(Sort::Figure(metric), Direction::Desc, label, Some(hint))
        })
    };
    let units: Vec<text::Unit> = table.columns.iter().map(|column| column.column.unit).collect();
    let most = table.rows.iter().map(Row::first).max().unwrap_or_default().max(1);
    let row = |row: &Row| {
        let mut href = table.href.clone();
        encode_value(&row.name, &mut href);
        let flag = table.flags.then(|| format::flag(&row.name)).flatten();
        let out = (!table.site.is_empty()).then(|| format!("{}{}", table.site, row.name));
        let cell = |(i, unit): (usize, &text::Unit)| {
            let value = row.figures.get(i).copied().flatten();
            view! { <td>{value.map_or_else(|| "–".to_owned(), |value| text::exact(value, *unit))}</td> }
        };
        let label = row.label().to_owned();
        view! {
            <tr style=format!("--share:{}", row.first().saturating_mul(1000) / most) data-testid="details-row">
                <th scope="row">
                    <span class="row__name" title=label.clone()>
                        {flag.map(|flag| view! { <span class="flag" aria-hidden="true">{flag}</span> })}
                        <a class="row__link" href=href>{label.clone()}</a>
                        {out.map(|out| view! { <a class="row__out" href=out target="_blank" rel="noopener noreferrer" aria-label=format!("Open {label}")></a> })}
                    </span>
                </th>
                {units.iter().enumerate().map(cell).collect_view()}
            </tr>
        }
    };
    view! {
        <div class="details__scroll" tabindex="0" role="region" aria-label="Rows">
            <table class="details__table">
                <thead><tr>{name}{table.columns.iter().map(head).collect_view()}</tr></thead>
                <tbody>{table.rows.iter().map(row).collect_view()}</tbody>
            </table>
        </div>
    }
    .into_any()
}

#[component]
fn Paging(links: Links, details: Details, table: Table) -> impl IntoView {
    let pages = table.total.div_ceil(u64::from(table.size.max(1)));
    if pages < 2 {
        return ().into_any();
    }
    let to = |page: u32| {
        links.to(|state| {
            if let Some(details) = &mut state.details {
                details.page = page;
            }
        })
    };
    let here = details.page;
    let back = (here > 1)
        .then(|| view! { <a class="button button--small" href=to(here - 1) rel="prev">"Previous"</a> });
    let forth = (u64::from(here) < pages)
        .then(|| view! { <a class="button button--small" href=to(here + 1) rel="next">"Next"</a> });
    view! {
        <nav class="details__pages" aria-label="Pages">
            {back}
            <span>{format!("Page {} of {}", format::number(here), format::number(pages))}</span>
            {forth}
        </nav>
    }
    .into_any()
}
