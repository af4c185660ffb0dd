//! A page about the site in the address: loads what it needs, and shows it or why not.

use super::{layout::SiteNames, not_found::no_such_site};
use crate::{components::problem::Problem, failure::Failure};
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;
use pulsecast_protocol::Domain;
use serde::{Serialize, de::DeserializeOwned};
use std::future::Future;

/// The domain in the address, if it is one.
fn domain_of_address() -> Memo<Option<Domain>> {
    let params = use_params_map();
    Memo::new(move |_| params.with(|params| params.get_str("domain").and_then(|text| text.parse().ok())))
}

/// Shows what `load` gives for the site, together with the names of all sites that the viewer can go to from there.
pub(super) fn site_page<T, F>(
    load: impl Fn(Domain) -> F + Copy + Send + Sync + 'static,
    show: fn(T, Vec<Domain>) -> AnyView,
) -> impl IntoView
where
    T: Clone + Send + Sync + Serialize + DeserializeOwned + 'static,
    F: Future<Output = Result<T, Failure>> + Send + 'static,
{
    let domain = domain_of_address();
    let names = SiteNames::expect();
    let page = Resource::new_blocking(
        move || domain.get(),
        move |domain| async move {
            match domain {
                Some(domain) => load(domain).await,
                None => Err(no_such_site()),
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
    view! { <Suspense fallback=|| view! { <p class="loading" role="status">"Loading…"</p> }>{body}</Suspense> }
}
