//! What whoever holds a shared link sees: the dashboard, the question for its password, or that it is over.

use super::{board::Dashboard, funnels::Funnels, login::AddressError, retention::Retention};
use crate::{
    board::{
        BoardState, Tab,
        page::{Content, FunnelPage},
    },
    components::{brand::Mark, problem::Problem},
    failure::Failure,
    fns::{
        access::load_shared,
        board::{load_board, load_funnels, load_retention},
    },
    platform,
};
use leptos::prelude::*;
use leptos_meta::{Html, Title};
use leptos_router::{
    components::Redirect,
    hooks::{use_location, use_query_map},
};
use pulsecast_protocol::access::{Shared, SharedSite};

/// `/share/{slug}`
#[component]
pub fn SharePage() -> impl IntoView {
    let shared = Resource::new_blocking(|| (), |()| load_shared());
    let theme = use_query_map().with_untracked(|query| query.get("theme"));
    // Nothing but the two that there are gets into the page; "system" is what it does anyway.
    let theme = theme.filter(|theme| matches!(theme.as_str(), "light" | "dark"));
    let search = use_location().search.get_untracked();
    let body = move || {
        let search = search.clone();
        Suspend::new(async move {
            match shared.await {
                Ok(Shared::Open(site)) => dashboard(site, search).await,
                Ok(Shared::Password) => view! { <Closed title="This dashboard has a password"><PasswordForm /></Closed> }.into_any(),
                Ok(Shared::Expired) => view! {
                    <Closed title="This link has expired"><p class="door__text">"Ask whoever gave it to you for a new one."</p></Closed>
                }
                .into_any(),
                Ok(Shared::Nothing) => view! { <NoLink /> }.into_any(),
                Err(failure) => view! { <main class="page" id="main" tabindex="-1"><Problem failure /></main> }.into_any(),
            }
        })
    };
    view! {
        {theme.map(|theme| view! { <Html attr:data-theme=theme /> })}
        <Suspense>{body}</Suspense>
    }
    .into_any()
}

/// The dashboard, as much of it as the link shows.
async fn dashboard(site: SharedSite, search: String) -> AnyView {
    // The form of a filter leads to the address of the state that it makes.
    if let Some(state) = BoardState::parse(&search).0.with_added(&search) {
        let path = format!("{}{}", use_location().pathname.get_untracked(), state.search());
        return view! { <Redirect path /> }.into_any();
    }
    let limited = site
        .segment
        .clone()
        .map(|segment| view! { <p class="share-note">"Shows only: " {segment}</p> });
    let tab = BoardState::parse(&search).0.details.map(|details| details.tab);
    let board = match shown(site, search, tab).await {
        Ok(board) => board,
        Err(failure) => view! { <Problem failure /> }.into_any(),
    };
    view! {
        <main class="page" id="main" tabindex="-1" data-testid="shared">
            {limited}
            {board}
        </main>
    }
    .into_any()
}

/// The dashboard, or what of it has a page of its own; all of them move by the link's token.
async fn shown(site: SharedSite, search: String, tab: Option<Tab>) -> Result<AnyView, Failure> {
    Ok(match tab {
        Some(Tab::Funnels) => {
            let page = FunnelPage {
                token: site.token,
                ..load_funnels(site.domain, search).await?
            };
            view! { <Funnels page sites=Vec::new() /> }.into_any()
        }
        Some(Tab::Retention) => {
            let page = load_retention(site.domain, search).await?;
            view! { <Retention page sites=Vec::new() /> }.into_any()
        }
        _ => {
            let mut page = load_board(site.domain, search).await?;
            match &mut page.content {
                Content::Board(data) => data.token = site.token,
                Content::Details(table) => table.token = site.token,
                Content::Waiting => {}
            }
            view! { <Dashboard page sites=Vec::new() /> }.into_any()
        }
    })
}

#[component]
fn Closed(title: &'static str, children: Children) -> impl IntoView {
    view! {
        <Title text=title />
        <main class="door" id="main" tabindex="-1">
            <div class="door__brand"><Mark /><span>"Pulsecast"</span></div>
            <section class="panel door__card">
                <h1 class="door__title">{title}</h1>
                {children()}
            </section>
        </main>
    }
}

#[component]
fn NoLink() -> impl IntoView {
    platform::mark_not_found();
    view! { <Closed title="There is no such link"><p class="door__text">"It may have been removed. Ask whoever gave it to you."</p></Closed> }
}

/// A plain form to the link's own address, so that its parameters stay.
#[component]
fn PasswordForm() -> impl IntoView {
    let (path, search) = {
        let location = use_location();
        (location.pathname.get_untracked(), location.search.get_untracked())
    };
    let action = if search.is_empty() {
        path
    } else {
        format!("{path}?{}", search.trim_start_matches('?'))
    };
    view! {
        <AddressError />
        <form method="post" action=action class="form">
            <div class="field">
                <label class="field__label" for="password">"Password"</label>
                <input class="input" id="password" name="password" type="password" autocomplete="off" required />
            </div>
            <button class="button button--main button--wide" type="submit">"Open"</button>
        </form>
    }
}
