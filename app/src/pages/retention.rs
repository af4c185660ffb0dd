//! Who comes back, and what of that can be known.

use super::stats_page::{Frame, links_of, stats_page};
use crate::{
    board::{
        Links,
        page::{Cohorted, RetentionPage},
    },
    components::{
        board::retention::{CohortTable, ReturnsView},
        site_head::Tab,
    },
    fns::board::load_retention,
};
use leptos::prelude::*;
use pulsecast_protocol::{Domain, stats::CohortUnit};

/// `/sites/{domain}/retention`
#[component]
pub fn RetentionView() -> impl IntoView {
    stats_page(load_retention, |page, sites| {
        view! { <Retention page sites /> }.into_any()
    })
}

/// Who comes back, to a site or as a shared link shows it.
#[component]
pub fn Retention(
    /// What the server says.
    page: RetentionPage,
    /// The viewer's sites.
    sites: Vec<Domain>,
) -> impl IntoView {
    let RetentionPage {
        frame,
        returns,
        cohorts,
        csv,
        cohorts_csv,
        as_of,
    } = page;
    let links = links_of(&frame, "retention");
    let as_of = as_of.map(|time| {
        view! { <p class="retention__text" data-testid="as-of">{format!("As of {time}. It does not move by itself: load the page again for what is later.")}</p> }
    });
    let props = frame.site.props.clone();
    let across = view! { <Across links=links.clone() props cohorts csv=cohorts_csv /> };
    view! {
        <Frame frame links sites tab=Tab::Retention>
            <section class="panel retention" aria-labelledby="within-title">
                <h2 class="retention__title" id="within-title">"Within a day"</h2>
                <p class="retention__text">
                    "A visitor is known by a hash whose key is deleted after 48 hours: who comes back on another day is somebody new, and nobody can tell otherwise. "
                    "What can be known is who comes back on the same day (in UTC)."
                </p>
                {as_of}
                {match returns {
                    Ok(returns) => view! {
                        <ReturnsView returns />
                        <p class="retention__out"><a class="card__more" href=csv download="">"CSV"</a></p>
                    }
                    .into_any(),
                    Err(error) => view! { <p class="notice notice--bad" role="alert">{error}</p> }.into_any(),
                }}
            </section>
            {across}
        </Frame>
    }
    .into_any()
}

/// Cohorts, of those whom the site names.
#[component]
fn Across(
    links: Links,
    props: Vec<String>,
    cohorts: Option<Result<Cohorted, String>>,
    csv: String,
) -> impl IntoView {
    let chosen = links.state.prop.clone();
    let option = |prop: &String| {
        let here = chosen.as_ref() == Some(prop);
        let href = links.to(|state| state.prop = (!here).then(|| prop.clone()));
        view! { <a class="choice__link" href=href aria-current=here.then_some("true")>{prop.clone()}</a> }
    };
    let unit = |unit: CohortUnit, label: &'static str, name: &'static str| {
        let here = links
            .state
            .interval
            .map(crate::board::state::unit_name)
            .unwrap_or("week")
            == name;
        let href = links.to(|state| {
            state.interval = (unit == CohortUnit::Day).then_some(pulsecast_protocol::stats::TimeUnit::Day);
        });
        view! { <a class="choice__link" href=href aria-current=here.then_some("true")>{label}</a> }
    };
    let body = match cohorts {
        None => ().into_any(),
        Some(Err(error)) => view! { <p class="notice notice--bad" role="alert">{error}</p> }.into_any(),
        Some(Ok(cohorts)) => view! {
            <CohortTable cohorts />
            <p class="retention__out"><a class="card__more" href=csv download="">"CSV"</a></p>
        }
        .into_any(),
    };
    view! {
        <section class="panel retention" aria-labelledby="across-title">
            <header class="retention__head">
                <h2 class="retention__title" id="across-title">"Across days"</h2>
                <nav class="choice" aria-label="Cohorts by">{unit(CohortUnit::Day, "Day", "day")}{unit(CohortUnit::Week, "Week", "week")}</nav>
            </header>
            <p class="retention__text">
                "A site that knows its people can send a name of its own along with its events, such as " <code>r#"pulse("Open", {props: {user: "7f3a"}})"#</code>
                ". Choose that property, and people are followed by it from when they were first seen within the period. "
                "Whoever came before the period began counts as new in it."
            </p>
            {if props.is_empty() {
                view! { <p class="retention__text">"No event of this period carries a property."</p> }.into_any()
            } else {
                view! { <nav class="choice retention__props" aria-label="Property that names people">{props.iter().map(option).collect_view()}</nav> }.into_any()
            }}
            {body}
        </section>
    }
    .into_any()
}
