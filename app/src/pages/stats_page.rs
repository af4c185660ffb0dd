//! What the stats pages of a site have in common: a state in the address, and the toolbar that changes it.

use super::{layout::SiteNames, not_found::no_such_site};
use crate::{
    board::{BoardState, Links, page::FrameView},
    components::{
        board::{dialog::FilterDialog, help::Help, toolbar::Toolbar},
        problem::Problem,
        site_head::{SiteHead, Tab},
    },
    failure::Failure,
    islands::keys::Keys,
};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::{
    components::Redirect,
    hooks::{use_location, use_params_map},
};
use pulsecast_protocol::Domain;
use serde::{Serialize, de::DeserializeOwned};
use std::future::Future;

/// Shows what `load` gives for the site and the state in the address.
pub(super) fn stats_page<T, F>(
    load: fn(Domain, String) -> F,
    show: fn(T, Vec<Domain>) -> AnyView,
) -> impl IntoView
where
    T: Clone + Send + Sync + Serialize + DeserializeOwned + 'static,
    F: Future<Output = Result<T, Failure>> + Send + 'static,
{
    let domain = use_params_map().with_untracked(|params| {
        params
            .get_str("domain")
            .and_then(|text| text.parse::<Domain>().ok())
    });
    let location = use_location();
    let search = location.search.get_untracked();
    // The form of a filter leads to the address of the state that it makes.
    if let Some(state) = BoardState::parse(&search).0.with_added(&search) {
        let path = format!("{}{}", location.pathname.get_untracked(), state.search());
        return view! { <Redirect path /> }.into_any();
    }
    let names = SiteNames::expect();
    let page = Resource::new_blocking(
        || (),
        move |()| {
            let (domain, search) = (domain.clone(), search.clone());
            async move {
                match domain {
                    Some(domain) => load(domain, search).await,
                    None => Err(no_such_site()),
                }
            }
        },
    );
    let body = move || {
        Suspend::new(async move {
            match page.await {
                Ok(page) => show(page, names.get().await),
                Err(failure) => view! { <Problem failure /> }.into_any(),
            }
        })
    };
    view! { <Suspense fallback=|| ()>{body}</Suspense> }.into_any()
}

/// Makes the addresses of a page that has a path of its own. Whoever has a shared link stays on its address.
pub(super) fn links_of(frame: &FrameView, name: &str) -> Links {
    let base = &frame.site.base;
    Links {
        base: match frame.site.mode.is_member() {
            true => format!("{base}/{name}"),
            false => base.clone(),
        },
        state: BoardState::parse(&frame.search).0,
    }
}

/// What stands around the content of such a page.
#[component]
pub fn Frame(
    /// What the server says of it.
    frame: FrameView,
    /// Makes addresses.
    links: Links,
    /// The viewer's sites.
    sites: Vec<Domain>,
    /// Which page this is.
    tab: Tab,
    /// The content.
    children: Children,
) -> impl IntoView {
    let FrameView {
        site,
        notices,
        names,
        compared,
        choices,
        filters,
        wrong,
        hint,
        ..
    } = frame;
    let notice = |text: String| view! { <p class="notice notice--bad" role="status">{text}</p> };
    let dialog = links.state.edit.clone().zip(choices).map(|(edit, choices)| {
        view! { <FilterDialog links=links.clone() site=site.clone() edit choices names=names.clone() wrong=wrong.clone() /> }
    });
    let (domain, mode) = (site.domain.clone(), site.mode);
    let title = match tab {
        Tab::Funnels => format!("Funnels of {domain}"),
        Tab::Retention => format!("Retention of {domain}"),
        _ => domain.to_string(),
    };
    let head = match mode.is_member() {
        true => view! { <SiteHead domain sites current=tab right=() /> }.into_any(),
        // The page around an embedded dashboard says whose it is.
        false if links.state.embed.is_some() => view! { <h1 class="visually-hidden">{domain.to_string()}</h1> }.into_any(),
        false => view! { <header class="site-head"><h1 class="site-head__title">{domain.to_string()}</h1></header> }.into_any(),
    };
    let is_page = links
        .state
        .details
        .as_ref()
        .is_some_and(|details| details.tab.has_page());
    let back = is_page.then(|| {
        let href = links.to(|state| state.details = None);
        view! { <p class="share-note"><a href=href data-key="Escape">"Back to the dashboard"</a></p> }
    });
    let hint = (!hint.is_empty()).then(|| view! { <p class="hint" data-testid="hint">{hint}</p> });
    view! {
        <Title text=title />
        {head}
        {back}
        {notices.into_iter().map(notice).collect_view()}
        // What lies behind a dialog is out of reach until that is left, for keys too.
        <div class="behind" inert=dialog.is_some()>
            <Toolbar links site names filters compared=(tab == Tab::Stats).then_some(compared) />
            {hint}
            {children()}
        </div>
        {dialog}
        <Help />
        <Keys />
    }
    .into_any()
}
