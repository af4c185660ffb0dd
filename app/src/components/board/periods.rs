//! Which part of history, and with what it is compared.

use super::menu::{Days, Item, Items, Rest};
use crate::board::{
    BoardState, Links, Period,
    page::SiteView,
    period::{days_text, first_of_month, times_text},
    state::{Compare, Weekday},
};
use chrono::NaiveDate;
use leptos::prelude::*;

/// Another period: what belonged to the old one is left behind.
fn with(state: &mut BoardState, period: Period, date: Option<NaiveDate>) {
    (state.period, state.date, state.interval) = (period, date, None);
    if let Some(details) = &mut state.details {
        details.page = 1;
    }
}

/// The period and the ways to others.
#[component]
pub fn PeriodPicker(
    /// Makes addresses.
    links: Links,
    /// The site.
    site: SiteView,
) -> impl IntoView {
    let (state, today) = (&links.state, site.today);
    let step = |by: i32| {
        let (period, date) = state.period.step(state.date, today, by)?;
        Some(links.to(|state| with(state, period, date)))
    };
    let (back, forth) = (step(-1), step(1));
    let days = state.period.days(state.date.unwrap_or(today), site.first_day);
    let (from, to) = days.unwrap_or((today, today));
    let label = label(state, today, from, to);
    let groups = groups(&links, today);
    let (base, rest) = (links.base.clone(), links.state.clone());
    let (begin, end) = match state.period {
        Period::Times(..) => state.period.ends().unwrap_or_default(),
        _ => (format!("{from}T00:00"), format!("{}T23:59", to.min(today))),
    };
    let (times_base, times_rest) = (base.clone(), rest.clone());
    let arrow = |href: Option<String>, class: &'static str, key: &'static str, label: &'static str| match href
    {
        Some(href) => view! { <a class=class href=href data-key=key aria-label=label></a> }.into_any(),
        None => view! { <span class=format!("{class} step--off") aria-hidden="true"></span> }.into_any(),
    };
    view! {
        <div class="periods">
            {arrow(back, "step step--back", "ArrowLeft", "One period back")}
            {arrow(forth, "step step--forth", "ArrowRight", "One period forth")}
            <details class="menu menu--right" name="menu" data-menu>
                <summary class="menu__button" data-testid="period">{label}</summary>
                <div class="menu__list">
                    {groups.into_iter().map(|items| view! { <Items items /> }).collect_view()}
                    <form class="menu__form" action=base method="get">
                        <Rest state=rest except=&["period", "from", "to", "date", "interval", "page"] />
                        <input type="hidden" name="period" value="custom" />
                        <p class="menu__title">"Custom period" <kbd class="menu__key" aria-hidden="true">"C"</kbd></p>
                        <Days from=("from", from.to_string()) to=("to", to.min(today).to_string()) most=today.to_string() key="c" />
                    </form>
                    <form class="menu__form" action=times_base method="get">
                        <Rest state=times_rest except=&["period", "from", "to", "date", "interval", "page"] />
                        <input type="hidden" name="period" value="custom" />
                        <p class="menu__title">{format!("Custom times, {}", site.timezone)}</p>
                        <Days from=("from", begin) to=("to", end) most=format!("{today}T23:59") kind="datetime-local" />
                    </form>
                </div>
            </details>
        </div>
    }
    .into_any()
}

/// What is shown, in words.
fn label(state: &BoardState, today: NaiveDate, from: NaiveDate, to: NaiveDate) -> String {
    match (state.period, state.date) {
        (Period::Realtime, _) => "Last 30 minutes".to_owned(),
        (Period::Last24h, _) => "Last 24 hours".to_owned(),
        (Period::All, _) => "All time".to_owned(),
        (Period::Day, None) => "Today".to_owned(),
        (Period::Days(n), None) => format!("Last {n} days"),
        (Period::Months(n), None) => format!("Last {n} months"),
        (Period::Times(from, to), _) => times_text(from, to, today),
        (Period::Month, _) => from.format("%B %Y").to_string(),
        (Period::Year, _) => from.format("%Y").to_string(),
        _ => days_text(from, to, today),
    }
}

fn groups(links: &Links, today: NaiveDate) -> Vec<Vec<Item>> {
    let state = &links.state;
    let item = |label: &str, key: &'static str, period: Period, date: Option<NaiveDate>| {
        let current = state.period == period && state.date == date;
        Item::new(label, links.to(|state| with(state, period, date)), key, current)
    };
    let last_month = first_of_month(today).pred_opt().map(first_of_month);
    vec![
        vec![
            item("Today", "d", Period::Day, None),
            item("Yesterday", "e", Period::Day, today.pred_opt()),
            item("Last 24 hours", "h", Period::Last24h, None),
            item("Realtime", "r", Period::Realtime, None),
        ],
        vec![
            item("Last 7 days", "w", Period::Days(7), None),
            item("Last 28 days", "f", Period::Days(28), None),
            item("Last 30 days", "t", Period::Days(30), None),
            item("Last 91 days", "n", Period::Days(91), None),
        ],
        vec![
            item("Month to date", "m", Period::Month, None),
            item("Last month", "p", Period::Month, last_month),
            item("Year to date", "y", Period::Year, None),
            item("Last 6 months", "s", Period::Months(6), None),
            item("Last 12 months", "l", Period::Months(12), None),
            item("All time", "a", Period::All, None),
        ],
    ]
}

/// With what it is compared.
#[component]
pub fn ComparePicker(
    /// Makes addresses.
    links: Links,
    /// The site.
    site: SiteView,
    /// The compared days in words.
    compared: String,
) -> impl IntoView {
    let state = links.state.clone();
    if matches!(state.period, Period::All | Period::Realtime) {
        return ().into_any();
    }
    let to = |compare: Option<Compare>| {
        links.to(|state| {
            state.compare = compare;
            if compare.is_none() {
                state.match_day = Weekday::AsItIs;
            }
        })
    };
    let toggled = state.compare.is_none().then_some(Compare::Previous);
    let is = |compare| state.compare == compare;
    // One key turns it on and off.
    let key = |on: bool| if on == toggled.is_some() { "x" } else { "" };
    let items = vec![
        Item::new("No comparison", to(None), key(false), is(None)),
        Item::new(
            "Previous period",
            to(Some(Compare::Previous)),
            key(true),
            is(Some(Compare::Previous)),
        ),
        Item::new(
            "Year over year",
            to(Some(Compare::Year)),
            "",
            is(Some(Compare::Year)),
        ),
    ];
    let weekday = state.compare.map(|_| {
        let matched = state.match_day == Weekday::Matched;
        let href = links.to(|state| {
            state.match_day = if matched {
                Weekday::AsItIs
            } else {
                Weekday::Matched
            };
        });
        vec![Item::new("Match day of the week", href, "", matched)]
    });
    let label = match state.compare {
        None => "Compare".to_owned(),
        Some(_) => format!("vs. {compared}"),
    };
    let (from, till) = match state.compare {
        Some(Compare::Custom(from, till)) => (from.to_string(), till.to_string()),
        _ => (String::new(), String::new()),
    };
    view! {
        <details class="menu menu--right" name="menu" data-menu>
            <summary class="menu__button" data-testid="compare">{label}</summary>
            <div class="menu__list">
                <Items items />
                {weekday.map(|items| view! { <Items items /> })}
                <form class="menu__form" action=links.base.clone() method="get">
                    <Rest state except=&["compare", "compare_from", "compare_to"] />
                    <input type="hidden" name="compare" value="custom" />
                    <p class="menu__title">"Compare with"</p>
                    <Days from=("compare_from", from) to=("compare_to", till) most=site.today.to_string() />
                </form>
            </div>
        </details>
    }
    .into_any()
}
