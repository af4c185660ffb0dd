//! Signing in. A plain form to a plain address: it works before WebAssembly has arrived, and without it.

use crate::components::brand::Mark;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

/// What `?error=` means.
pub(super) fn message(code: &str) -> &'static str {
    match code {
        "credentials" => "The email address or the password is not right.",
        "rate" => "Too many attempts. Wait a minute, then try again.",
        "expired" => "Your session has ended. Sign in again.",
        "token" => "This set-up link is not valid any more. Use the one that the server printed last.",
        "email" => "This is not an email address.",
        "password" => "The password is too short: use at least 10 characters.",
        "exists" => "There is an account already. Sign in with it.",
        "invalid" => "The form did not arrive in one piece. Fill it in again.",
        "wrong" => "This is not the password of this link.",
        "removed" => "Your account is removed.",
        "origin" => "The form came from another site. Fill it in here.",
        _ => "This did not work. Try again.",
    }
}

/// The error in the address, as a notice.
#[component]
pub(super) fn AddressError() -> impl IntoView {
    let query = use_query_map();
    let error = move || query.with(|query| query.get("error"));
    move || {
        error().map(|code| view! { <p class="notice notice--bad" role="alert" data-testid="form-error">{message(&code)}</p> })
    }
}

/// A value of the address for a form field.
pub(super) fn from_address(name: &'static str) -> String {
    use_query_map()
        .with_untracked(|query| query.get(name))
        .unwrap_or_default()
}

/// `/login`
#[component]
pub fn LoginPage() -> impl IntoView {
    let body = if from_address("error") == "setup" {
        view! { <NoAccount /> }.into_any()
    } else {
        view! { <LoginForm /> }.into_any()
    };
    view! {
        <Title text="Sign in" />
        <main class="door" id="main" tabindex="-1">
            <div class="door__brand"><Mark /><span>"Pulsecast"</span></div>
            <section class="panel door__card">{body}</section>
            <p class="door__note">"More accounts are made with " <code>"pulsecast user add EMAIL"</code> "."</p>
        </main>
    }
    .into_any()
}

#[component]
fn LoginForm() -> impl IntoView {
    let next = from_address("next");
    let next = if next.is_empty() { "/".to_owned() } else { next };
    let email = from_address("email");
    view! {
        <h1 class="door__title">"Sign in"</h1>
        <AddressError />
        <form method="post" action="/login" class="form">
            <input type="hidden" name="next" value=next />
            <div class="field">
                <label class="field__label" for="email">"Email"</label>
                <input class="input" id="email" name="email" type="email" autocomplete="username" required value=email />
            </div>
            <div class="field">
                <label class="field__label" for="password">"Password"</label>
                <input class="input" id="password" name="password" type="password" autocomplete="current-password" required />
            </div>
            <button class="button button--main button--wide" type="submit">"Sign in"</button>
        </form>
    }
}

/// Before the first account exists.
#[component]
fn NoAccount() -> impl IntoView {
    view! {
        <h1 class="door__title">"Welcome"</h1>
        <p class="door__text">
            "There is no account yet. " <code>"pulsecast serve"</code>
            " has printed a one-time link in its terminal: open it to create the first one."
        </p>
    }
}
