//! The first account, by the one-time link that the server printed.

use super::login::{AddressError, from_address};
use crate::components::brand::Mark;
use leptos::prelude::*;
use leptos_meta::Title;

/// `/setup?token=…`
#[component]
pub fn SetupPage() -> impl IntoView {
    let token = from_address("token");
    let email = from_address("email");
    let body = if token.is_empty() {
        view! { <NoToken /> }.into_any()
    } else {
        view! { <SetupForm token email /> }.into_any()
    };
    view! {
        <Title text="Set up" />
        <main class="door" id="main" tabindex="-1">
            <div class="door__brand"><Mark /><span>"Pulsecast"</span></div>
            <section class="panel door__card">{body}</section>
            <p class="door__note">"This link works once. Further accounts are made with " <code>"pulsecast user add"</code> "."</p>
        </main>
    }
    .into_any()
}

#[component]
fn SetupForm(token: String, email: String) -> impl IntoView {
    view! {
        <h1 class="door__title">"Create the first account"</h1>
        <p class="door__text">"It owns this server: it adds sites and sees their dashboards. It is kept on this machine only."</p>
        <AddressError />
        <form method="post" action="/setup" class="form">
            <input type="hidden" name="token" value=token />
            <div class="field">
                <label class="field__label" for="email">"Email"</label>
                <input class="input" id="email" name="email" type="email" autocomplete="username" required value=email />
            </div>
            <div class="field">
                <label class="field__label" for="password">"Password"</label>
                <input
                    class="input"
                    id="password"
                    name="password"
                    type="password"
                    autocomplete="new-password"
                    minlength="10"
                    required
                    aria-describedby="password-hint"
                />
                <p class="field__hint" id="password-hint">"At least 10 characters. A sentence is easier to remember than a puzzle."</p>
            </div>
            <button class="button button--main button--wide" type="submit">"Create account"</button>
        </form>
    }
    .into_any()
}

#[component]
fn NoToken() -> impl IntoView {
    view! {
        <h1 class="door__title">"This link is not complete"</h1>
        <AddressError />
        <p class="door__text">
            "The first account is created with the one-time link that " <code>"pulsecast serve"</code>
            " prints in its terminal. Copy the whole line, token included."
        </p>
        <p><a class="button button--wide" href="/login">"To the login"</a></p>
    }
}
