//! The viewer's sites, all moving.

use crate::{components::problem::Problem, fns::sites::load_sites, islands::site_list::SiteList};
use leptos::prelude::*;
use leptos_meta::Title;

/// `/`
#[component]
pub fn SitesPage() -> impl IntoView {
    let list = Resource::new_blocking(|| (), |()| load_sites());
    let body = move || {
        Suspend::new(async move {
            match list.await {
                Ok(sites) if sites.is_empty() => view! { <NoSites /> }.into_any(),
                Ok(sites) => view! { <SiteList sites /> }.into_any(),
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
fn NoSites() -> impl IntoView {
    view! {
        <section class="panel empty">
            <h1 class="empty__title">"No site yet"</h1>
            <p>"Add one, put its line into your pages, and watch visits arrive within the second they happen."</p>
            <p><a class="button button--main" href="/sites/new">"Add your first site"</a></p>
        </section>
    }
}
