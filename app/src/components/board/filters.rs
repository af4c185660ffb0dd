//! What is filtered by: a pill each, and the menu that makes more.

use super::menu::{Item, Items};
use crate::board::{
    Links,
    filters::Clause,
    form::{Edit, Place},
    page::{Names, SiteView},
    words,
};
use leptos::prelude::*;
use pulsecast_protocol::stats::Dimension;

/// The menu of what can be filtered by.
#[component]
pub fn FilterMenu(
    /// Makes addresses.
    links: Links,
    /// The site.
    site: SiteView,
) -> impl IntoView {
    let item = |dimension: &Dimension| {
        let edit = Edit {
            dimension: dimension.clone(),
            at: None,
            search: String::new(),
        };
        Item::new(
            words::singular(dimension),
            links.to(|state| state.edit = Some(edit)),
            "",
            false,
        )
    };
    let group = |(title, items): (&'static str, Vec<Item>)| {
        (!items.is_empty()).then(|| {
            view! {
                <div class="menu__group">
                    <p class="menu__title">{title}</p>
                    <Items items />
                </div>
            }
        })
    };
    let mut groups: Vec<(&'static str, Vec<Item>)> = words::FILTERS
        .iter()
        .map(|(title, dimensions)| (*title, dimensions.iter().map(item).collect()))
        .collect();
    let props: Vec<Dimension> = site.props.iter().cloned().map(Dimension::Prop).collect();
    groups.push(("Properties", props.iter().map(item).collect()));
    let segments = site.segments.iter().map(|segment| {
        let chosen = links.state.segment == Some(segment.id);
        let href = links.to(|state| state.segment = (!chosen).then_some(segment.id));
        Item::new(segment.name.clone(), href, "", chosen)
    });
    groups.push(("Segments", segments.collect()));
    view! {
        <details class="menu" name="menu" data-menu>
            <summary class="menu__button menu__button--filter" data-key="/" data-testid="filter">"Filter"</summary>
            <div class="menu__list menu__list--wide">{groups.into_iter().map(group).collect_view()}</div>
        </details>
    }
    .into_any()
}

/// What is filtered by now.
#[component]
pub fn Pills(
    /// Makes addresses.
    links: Links,
    /// The site.
    site: SiteView,
    /// What values are called.
    names: Names,
    /// What a segment of it would hold.
    filters: String,
) -> impl IntoView {
    let state = &links.state;
    if state.clauses.is_empty() && state.segment.is_none() {
        return ().into_any();
    }
    let name = |dimension: &Dimension, value: &str| names.of(dimension, value).to_owned();
    let pill = |(clause, conditions): (usize, &Clause)| {
        let text = conditions.words(&name);
        let change = links.to(|state| state.edit = Edit::of(state, Place { clause, atom: 0 }));
        let remove = links.to(|state| state.drop_clause(clause));
        view! { <Pill text change=Some(change) remove /> }
    };
    let pills = state.clauses.iter().enumerate().map(pill).collect_view();
    let segment = state
        .segment
        .and_then(|id| site.segments.iter().find(|segment| segment.id == id))
        .map(|segment| {
            let remove = links.to(|state| state.segment = None);
            view! { <Pill text=format!("Segment {}", segment.name) change=None remove /> }
        });
    let clear = links.to(|state| {
        while !state.clauses.is_empty() {
            state.drop_clause(0);
        }
        state.segment = None;
    });
    let save = (site.mode.is_member() && !filters.is_empty()).then(|| {
        let applied = state.segment;
        let narrowed = links.to(|state| {
            while !state.clauses.is_empty() {
                state.drop_clause(0);
            }
        });
        view! { <li><SaveSegment site filters next=links.to(|_| ()) applied narrowed /></li> }
    });
    view! {
        <ul class="pills" aria-label="Filters">
            {segment}
            {pills}
            <li><a class="pills__clear" href=clear data-key="Escape">"Clear all"</a></li>
            {save}
        </ul>
    }
    .into_any()
}

/// Keeps what is filtered by under a name.
#[component]
fn SaveSegment(
    site: SiteView,
    filters: String,
    next: String,
    applied: Option<i64>,
    narrowed: String,
) -> impl IntoView {
    let applied = applied.and_then(|id| site.segments.iter().find(|segment| segment.id == id));
    // A button of the same form: it takes the filters to the segment that is applied, and leaves them out of the address.
    let narrow = applied.map(|segment| {
        view! {
            <input type="hidden" name="narrowed" value=narrowed />
            <button class="button button--small" type="submit" formaction="/fn/narrow-segment" formnovalidate name="id" value=segment.id.to_string()>
                {format!("Add to {}", segment.name)}
            </button>
        }
    });
    let shared = site.mode.edits().then(|| {
        view! { <label class="check"><input type="checkbox" name="shared" value="on" />"For all members"</label> }
    });
    view! {
        <details class="menu" name="menu" data-menu>
            <summary class="menu__button menu__button--bare">"Save"</summary>
            <form class="menu__list menu__form menu__save" action="/fn/save-segment" method="post">
                <input type="hidden" name="domain" value=site.domain.to_string() />
                <input type="hidden" name="filters" value=filters />
                <input type="hidden" name="next" value=next />
                <label class="field__label" for="segment-name">"Save as segment"</label>
                <input class="input input--small" id="segment-name" name="name" required maxlength="100" autocomplete="off" />
                {shared}
                <button class="button button--small" type="submit">"Save"</button>
                {narrow}
            </form>
        </details>
    }
    .into_any()
}

#[component]
fn Pill(text: String, change: Option<String>, remove: String) -> impl IntoView {
    let label = format!("Remove: {text}");
    let words = match change {
        Some(href) => {
            view! { <a class="pill__text" href=href title=text.clone()>{text.clone()}</a> }.into_any()
        }
        None => view! { <span class="pill__text" title=text.clone()>{text.clone()}</span> }.into_any(),
    };
    view! {
        <li class="pill" data-testid="pill">
            {words}
            <a class="pill__remove" href=remove aria-label=label></a>
        </li>
    }
    .into_any()
}
