//! The viewer's sites, all moving over one connection.

use crate::{
    components::{offline::OfflineBanner, site_card::SiteCard, status_pill::StatusPill, time::Zone},
    live::{LiveStore, Socket},
    platform,
};
use leptos::prelude::*;
use pulsecast_protocol::account::SiteSummary;

/// The list.
#[island]
pub fn SiteList(
    /// What the server rendered.
    sites: Vec<SiteSummary>,
) -> impl IntoView {
    Zone::provide();
    let socket = Socket::provide();
    let card = move |site: SiteSummary| {
        let store = LiveStore::new(site.live);
        store.follow(socket, &site.domain);
        view! { <SiteCard domain=site.domain has_events=site.has_events store /> }
    };
    platform::erased(view! {
        <header class="page-head">
            <h1 class="page-head__title">"Sites"</h1>
            <StatusPill socket />
            <a class="button button--main page-head__action" href="/sites/new">"Add a site"</a>
        </header>
        <ul class="sites">{sites.into_iter().map(card).collect_view()}</ul>
        <OfflineBanner socket />
    })
}
