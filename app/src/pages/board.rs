//! The stats dashboard of a site.

use super::{layout::SiteNames, not_found::no_such_site};
use crate::{
    board::{
        BoardState, Links,
        page::{BoardPage, Content},
    },
    components::{
        board::{details::DetailsView, dialog::FilterDialog, help::Help, toolbar::Toolbar},
        problem::Problem,
        site_head::{SiteHead, Tab},
    },
    fns::board::load_board,
    islands::{keys::Keys, stats_board::StatsBoard},
};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::{
    components::Redirect,
    hooks::{use_location, use_params_map},
};
use pulsecast_protocol::Domain;

/// `/sites/{domain}`
#[component]
pub fn StatsPage() -> impl IntoView {
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
                    Some(domain) => load_board(domain, search).await,
                    None => Err(no_such_site()),
                }
            }
        },
    );
    let body = move || {
        Suspend::new(async move {
            match page.await {
                Ok(page) => view! { <Loaded page sites=names.get().await /> }.into_any(),
                Err(failure) => view! { <Problem failure /> }.into_any(),
            }
        })
    };
    view! { <Suspense fallback=|| ()>{body}</Suspense> }.into_any()
}

#[component]
fn Loaded(page: BoardPage, sites: Vec<Domain>) -> impl IntoView {
    let BoardPage {
        site,
        search,
        notices,
        names,
        compared,
        content,
        choices,
    } = page;
    if content == Content::Waiting {
        return view! { <Redirect path=format!("{}/live", site.base) /> }.into_any();
    }
    let state = BoardState::parse(&search).0;
    let links = Links {
        base: site.base.clone(),
        state: state.clone(),
    };
    let notice = |text: String| view! { <p class="notice notice--bad" role="status">{text}</p> };
    let dialog = state.edit.clone().zip(choices).map(|(edit, choices)| {
        view! { <FilterDialog links=links.clone() site=site.clone() edit choices names=names.clone() /> }
    });
    let content = match (content, state.details) {
        (Content::Details(table), Some(details)) => {
            view! { <DetailsView links=links.clone() details table=*table /> }.into_any()
        }
        (Content::Board(data), _) => view! { <StatsBoard data=*data /> }.into_any(),
        _ => ().into_any(),
    };
    view! {
        <Title text=site.domain.to_string() />
        <SiteHead domain=site.domain.clone() sites current=Tab::Stats right=() />
        {notices.into_iter().map(notice).collect_view()}
        <Toolbar links site names compared />
        {content}
        {dialog}
        <Help />
        <Keys />
    }
    .into_any()
}
