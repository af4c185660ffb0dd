//! An address that leads nowhere.

use crate::{components::brand::Brand, failure::Failure, platform};
use leptos::prelude::*;
use leptos_meta::Title;
use pulsecast_protocol::{ApiError, ErrorCode};

/// What an address with an impossible domain gets.
pub(super) fn no_such_site() -> Failure {
    ApiError::new(
        ErrorCode::NotFound,
        "there is no such site, or it is not yours; look it up in the list",
    )
    .into()
}

/// 404
#[component]
pub fn NotFound() -> impl IntoView {
    platform::mark_not_found();
    view! {
        <Title text="Not found" />
        <header class="topbar"><Brand /></header>
        <main class="page" id="main" tabindex="-1">
            <section class="problem">
                <p class="problem__code" aria-hidden="true">"404"</p>
                <h1 class="problem__title">"There is no such page"</h1>
                <p>"The address may have a typing error, or the page has moved."</p>
                <p class="problem__actions"><a class="button button--main" href="/">"All sites"</a></p>
            </section>
        </main>
    }
}
