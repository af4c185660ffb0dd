//! The viewer's sites, all moving.

use crate::{
    components::{problem::Problem, site_card::SiteCard, status_pill::StatusPill},
    fns::sites::load_sites,
    live::{LiveStore, Socket},
};
use leptos::prelude::*;
use leptos_meta::Title;
use pulsecast_protocol::account::SiteSummary;

/// `/`
#[component]
pub fn SitesPage() -> impl IntoView {
    let list = Resource::new_blocking(|| (), |()| load_sites());
    let body = move || {
        Suspend::new(async move {
            match list.await {
                Ok(sites) if sites.is_empty() => view! { <NoSites /> }.into_any(),
                Ok(sites) => view! { <Cards sites /> }.into_any(),
                Err(failure) => view! { <Problem failure /> }.into_any(),
            }
        })
    };
    view! {
        <Title text="Sites" />
        <Suspense fallback=|| view! { <p class="loading" role="status">"Loading…"</p> }>{body}</Suspense>
    }
}

#[component]
fn Cards(sites: Vec<SiteSummary>) -> impl IntoView {
    let socket: Socket = expect_context();
    let card = move |site: SiteSummary| {
        let store = LiveStore::new(site.live);
        store.follow(socket, &site.domain);
        view! { <SiteCard domain=site.domain has_events=site.has_events store /> }
    };
    view! {
        <header class="page-head">
            <h1 class="page-head__title">"Sites"</h1>
            <StatusPill socket />
            <a class="button button--main page-head__action" href="/sites/new">"Add a site"</a>
        </header>
        <ul class="sites">{sites.into_iter().map(card).collect_view()}</ul>
    }
    .into_any()
}

#[component]
fn NoSites() -> impl IntoView {
    view! {
        <section class="panel empty">
            <h1 class="empty__title">"No site yet"</h1>
            <p>"Add one, put its line into your pages, and watch visits arrive within the second they happen."</p>
            <p><a class="button button--main" href="/sites/new">"Add your first site"</a></p>
        </section>
    }
}
