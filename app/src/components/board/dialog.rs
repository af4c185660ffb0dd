//! The filter that is being made: how, with which values, and how it goes together with the others.

use super::menu::Rest;
use crate::{
    board::{
        Links,
        filters::{Atom, Case, Clause, MOST, Op},
        form::{Edit, Place},
        model::Row,
        page::{Choices, Names, SiteView},
        text::{self, Unit},
        words,
    },
    format,
};
use leptos::prelude::*;
use pulsecast_protocol::stats::{Dimension, Operator};

/// Fields of the address that the form has fields of its own for.
const OWN: &[&str] = &["edit", "at", "like", "page"];

/// The dialog; over the dashboard, which stays as it was.
#[component]
pub fn FilterDialog(
    /// Makes addresses.
    links: Links,
    /// The site.
    site: SiteView,
    /// What is made.
    edit: Edit,
    /// What can be chosen.
    choices: Choices,
    /// What values are called.
    names: Names,
    /// Why it cannot be asked for.
    wrong: Option<String>,
) -> impl IntoView {
    let what = words::singular(&edit.dimension);
    let remove = edit.at.map(|at| links.to(|state| state.drop_atom(at)));
    // What cannot be asked for does not come back once it was left.
    let close = match (&wrong, &remove) {
        (Some(_), Some(remove)) => remove.clone(),
        _ => links.to(|_| ()),
    };
    let old = edit.at.and_then(|at| links.state.atom(at)).cloned();
    let old = old.filter(|atom| atom.dimension == edit.dimension);
    let (state, base) = (links.state.clone(), links.base.clone());
    let (dimension, at) = (words::short(&edit.dimension), edit.at);
    view! {
        <div class="sheet">
            <a class="sheet__ground" href=close.clone() aria-label="Leave without a filter" tabindex="-1"></a>
            <section class="sheet__box panel" role="dialog" aria-modal="true" aria-labelledby="sheet-title" data-testid="filter-dialog">
                <header class="sheet__head">
                    <h2 class="sheet__title" id="sheet-title">{format!("Filter by {}", what.to_ascii_lowercase())}</h2>
                    <a class="sheet__close" href=close.clone() data-key="Escape" aria-label="Close"></a>
                </header>
                {edit.at.map(|at| view! { <Beside links=links.clone() at names=names.clone() /> })}
                <form class="sheet__search" action=base.clone() method="get" role="search">
                    <Rest state=state.clone() except=&["like"] />
                    <input class="input input--small" type="search" name="like" value=edit.search.clone() placeholder="Find a value" aria-label="Find a value" />
                    <button class="button button--small" type="submit">"Find"</button>
                </form>
                <form action=base method="get">
                    <Rest state=state except=OWN />
                    <input type="hidden" name="add" value=dimension />
                    {at.map(|at| view! { <input type="hidden" name="at" value=at.to_string() /> })}
                    <Operators dimension=edit.dimension.clone() chosen=old.as_ref().map(|atom| atom.op) />
                    <Values edit=edit.clone() choices site old=old.clone() names=names.clone() wrong />
                    <Capitals chosen=old.map(|atom| atom.case).unwrap_or_default() />
                    {at.is_none().then(|| view! { <Join links=links.clone() names /> })}
                    <p class="sheet__actions">
                        {remove.map(|href| view! { <a class="button button--quiet" href=href>"Remove"</a> })}
                        <a class="button button--quiet" href=close>"Cancel"</a>
                        <button class="button button--main" type="submit">"Apply"</button>
                    </p>
                </form>
            </section>
        </div>
    }
    .into_any()
}

#[component]
fn Operators(dimension: Dimension, chosen: Option<Op>) -> impl IntoView {
    let chosen = chosen.unwrap_or(Op::Of(Operator::Is));
    let option = |(op, name, words): (Op, &'static str, &'static str)| {
        op.suits(&dimension)
            .then(|| view! { <option value=name selected=op == chosen>{words}</option> })
    };
    view! {
        <label class="sheet__field">
            <span class="field__label">{words::singular(&dimension)}</span>
            <select class="input input--small" name="op">{Op::ALL.into_iter().map(option).collect_view()}</select>
        </label>
    }
    .into_any()
}

/// The conditions of which this is one; one of them is enough.
#[component]
fn Beside(links: Links, at: Place, names: Names) -> impl IntoView {
    let atoms = links.state.clauses.get(at.clause).map(|clause| clause.0.clone());
    let atoms = atoms.filter(|atoms| atoms.len() > 1);
    let name = |dimension: &Dimension, value: &str| names.of(dimension, value).to_owned();
    let link = |(atom, condition): (usize, &Atom)| {
        let place = Place { atom, ..at };
        let href = links.to(|state| state.edit = Edit::of(state, place));
        let here = (place == at).then_some("true");
        view! { <li><a class="menu__item" href=href aria-current=here>{condition.words(&name)}</a></li> }
    };
    atoms.map(|atoms| {
        view! {
            <p class="sheet__note" id="sheet-beside">"One of these is enough; the others stay as they are:"</p>
            <ul class="sheet__values" aria-labelledby="sheet-beside" data-testid="beside">{atoms.iter().enumerate().map(link).collect_view()}</ul>
        }
    })
    .into_any()
}

/// Whether capitals matter.
#[component]
fn Capitals(chosen: Case) -> impl IntoView {
    let option = |(case, name, words): (Case, &'static str, &'static str)| {
        view! { <option value=name selected=case == chosen>{words}</option> }
    };
    view! {
        <label class="sheet__field">
            <span class="field__label">"Capitals"</span>
            <select class="input input--small" name="case">{Case::ALL.into_iter().map(option).collect_view()}</select>
        </label>
    }
    .into_any()
}

/// What there is to choose from, and a field for what is not there. What had been chosen stays so.
#[component]
fn Values(
    edit: Edit,
    choices: Choices,
    site: SiteView,
    old: Option<Atom>,
    names: Names,
    wrong: Option<String>,
) -> impl IntoView {
    let mut rows = choices.rows;
    let is_code = |value: &String| names.of(&edit.dimension, value) != value;
    let mut add = |name: &String| {
        if !rows.iter().any(|row| row.name == *name) {
            rows.push(Row {
                name: name.clone(),
                label: is_code(name).then(|| names.of(&edit.dimension, name).to_owned()),
                figures: Vec::new(),
                ..Row::default()
            });
        }
    };
    // What was chosen is in the list; the one text that something is searched by is in its field, to be changed.
    let is_text = |atom: &Atom| !atom.op.is_equal() && !matches!(atom.op, Op::Done | Op::NotDone);
    let (mut typed, mut chosen) = (None, Vec::new());
    match old {
        Some(atom) if is_text(&atom) && atom.values.len() == 1 && !is_code(&atom.values[0]) => {
            typed = atom.values.into_iter().next();
        }
        Some(atom) => chosen = atom.values,
        None => {}
    }
    chosen.iter().for_each(&mut add);
    if edit.dimension == Dimension::Goal {
        site.goals.iter().for_each(&mut add);
    }
    let flags = edit.dimension == Dimension::Country;
    let row = |row: Row| {
        let checked = chosen.contains(&row.name);
        let flag = flags.then(|| format::flag(&row.name)).flatten();
        let count = row
            .figures
            .first()
            .copied()
            .flatten()
            .map(|n| text::exact(n, Unit::Count));
        view! {
            <li>
                <label class="sheet__value">
                    <input type="checkbox" name="v" value=row.name.clone() checked=checked />
                    <span class="sheet__name">{flag.map(|flag| view! { <span class="flag" aria-hidden="true">{flag}</span> })}{row.label().to_owned()}</span>
                    <span class="sheet__count">{count}</span>
                </label>
            </li>
        }
    };
    let is_empty = rows.is_empty();
    let is_wrong = wrong.as_ref().map(|_| "true");
    view! {
        <ul class="sheet__values">{rows.into_iter().map(row).collect_view()}</ul>
        {is_empty.then(|| view! { <p class="sheet__note">{choices.error.unwrap_or_else(|| "No such value in this period.".to_owned())}</p> })}
        <label class="sheet__field">
            <span class="field__label">"Or type"</span>
            <input class="input input--small" name="v" value=typed autocomplete="off" autocapitalize="none" spellcheck="false" autofocus aria-invalid=is_wrong aria-describedby=is_wrong.map(|_| "sheet-wrong") />
        </label>
        {wrong.map(|wrong| view! { <p class="field__error" id="sheet-wrong" role="alert">{wrong}</p> })}
    }
    .into_any()
}

/// Whether it narrows what is shown, or widens one of the filters.
#[component]
fn Join(links: Links, names: Names) -> impl IntoView {
    let clauses = links.state.clauses.clone();
    if clauses.is_empty() {
        return ().into_any();
    }
    let name = |dimension: &Dimension, value: &str| names.of(dimension, value).to_owned();
    let option = |(at, clause): (usize, &Clause)| {
        view! { <option value=at.to_string()>{format!("or, instead of: {}", clause.words(&name))}</option> }
    };
    let has_room = |(_, clause): &(usize, &Clause)| clause.0.len() < MOST;
    view! {
        <label class="sheet__field">
            <span class="field__label">"Applies"</span>
            <select class="input input--small" name="join">
                <option value="">"and, in addition to the others"</option>
                {clauses.iter().enumerate().filter(has_room).map(option).collect_view()}
            </select>
        </label>
    }
    .into_any()
}
