//! What stands around the pages of somebody who is signed in.

use crate::{
    components::brand::Brand,
    fns::{me::who_looks, sites::load_sites},
};
use leptos::prelude::*;
use leptos_router::components::Outlet;
use pulsecast_protocol::Domain;

/// The domains of the viewer's sites, for the switcher.
#[derive(Clone, Copy, Debug)]
pub struct SiteNames(Resource<Vec<Domain>>);

impl SiteNames {
    fn provide() {
        let load = |()| async {
            let sites = load_sites().await.unwrap_or_default();
            sites.into_iter().map(|site| site.domain).collect()
        };
        provide_context(Self(Resource::new_blocking(|| (), load)));
    }

    /// The ones of the page.
    #[must_use]
    pub fn expect() -> Self {
        expect_context()
    }

    /// The domains, when they are known.
    pub async fn get(self) -> Vec<Domain> {
        self.0.await
    }
}

/// The bar at the top, and the page.
#[component]
pub fn Layout() -> impl IntoView {
    SiteNames::provide();
    let viewer = Resource::new_blocking(|| (), |()| who_looks());
    let account = move || {
        Suspend::new(async move {
            let viewer = viewer.await.ok().flatten();
            viewer.map(|viewer| view! { <Account email=viewer.email /> })
        })
    };
    view! {
        <header class="topbar">
            <Brand />
            <Suspense>{account}</Suspense>
        </header>
        <main class="page" id="main" tabindex="-1"><Outlet /></main>
    }
    .into_any()
}

/// Who is signed in, and the way out.
#[component]
fn Account(email: String) -> impl IntoView {
    view! {
        <div class="account">
            <a class="account__email" href="/account">{email}</a>
            <form method="post" action="/logout">
                <button class="button button--quiet button--small" type="submit">"Sign out"</button>
            </form>
        </div>
    }
}
