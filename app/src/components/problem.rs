//! A page that did not get what it asked for.

use crate::{
    failure::{Failure, sentence},
    platform,
};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::{components::Redirect, hooks::use_location};

/// Says what went wrong and what to do; to the login when nobody is signed in.
#[component]
pub fn Problem(
    /// What went wrong.
    failure: Failure,
) -> impl IntoView {
    if failure.is_signed_out() {
        let next = use_location().pathname.get_untracked();
        return view! { <Redirect path=format!("/login?next={next}") /> }.into_any();
    }
    if failure.is_not_found() {
        platform::mark_not_found();
    }
    let title = if failure.is_not_found() {
        "Nothing here"
    } else {
        "This did not work"
    };
    view! {
        <Title text=title />
        <section class="problem" role="alert">
            <h1 class="problem__title">{title}</h1>
            <p>{sentence(&failure.to_string())}</p>
            <p class="problem__actions">
                <a class="button button--quiet" href="/">"All sites"</a>
                <a class="button" href="">"Try again"</a>
            </p>
        </section>
    }
    .into_any()
}
