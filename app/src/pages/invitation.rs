//! Taking up an invitation: with the account that is signed in, with another one, or with a new one.

use super::login::AddressError;
use crate::{
    components::{brand::Mark, problem::Problem},
    failure::{Failure, sentence},
    fns::{me::who_looks, people::load_invitation},
};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;
use pulsecast_protocol::{access::Invited, account::Viewer};

/// `/invitations/{token}`
#[component]
pub fn InvitationPage() -> impl IntoView {
    let token = use_params_map().with_untracked(|params| params.get("token").unwrap_or_default());
    let here = format!("/invitations/{token}");
    let page = Resource::new_blocking(
        move || token.clone(),
        |token| async move { (load_invitation(token).await, who_looks().await.ok().flatten()) },
    );
    let body = move || {
        let here = here.clone();
        Suspend::new(async move {
            match page.await {
                (Ok(invited), viewer) => view! { <Offer invited viewer here /> }.into_any(),
                (Err(failure), _) if failure.is_not_found() => view! { <Over failure /> }.into_any(),
                (Err(failure), _) => view! { <Problem failure /> }.into_any(),
            }
        })
    };
    view! {
        <Title text="Invitation" />
        <main class="door" id="main" tabindex="-1">
            <div class="door__brand"><Mark /><span>"Pulsecast"</span></div>
            <section class="panel door__card"><Suspense>{body}</Suspense></section>
        </main>
    }
    .into_any()
}

#[component]
fn Over(failure: Failure) -> impl IntoView {
    crate::platform::mark_not_found();
    view! {
        <h1 class="door__title">"This invitation is over"</h1>
        <p class="door__text">{sentence(&failure.to_string())}</p>
        <p><a class="button button--wide" href="/">"To the dashboard"</a></p>
    }
}

#[component]
fn Offer(invited: Invited, viewer: Option<Viewer>, here: String) -> impl IntoView {
    let Invited {
        domain,
        email,
        role,
        invited_by,
        has_account,
    } = invited;
    let login = format!("/login?next={here}");
    let form = match viewer {
        Some(viewer) => view! {
            <form method="post" action=here class="form">
                <p class="door__text">"You are signed in as " <strong>{viewer.email}</strong> "."</p>
                <button class="button button--main button--wide" type="submit">"Join"</button>
            </form>
        }
        .into_any(),
        None if has_account => view! {
            <p class="door__text">"There is an account for " <strong>{email}</strong> " already."</p>
            <p><a class="button button--main button--wide" href=login>"Sign in and join"</a></p>
        }
        .into_any(),
        None => view! { <SignUp email here login /> }.into_any(),
    };
    view! {
        <h1 class="door__title">{format!("Join {domain}")}</h1>
        <p class="door__text">{invited_by} " invites you to its dashboard as " <strong>{role.name()}</strong> "."</p>
        <AddressError />
        {form}
    }
}

#[component]
fn SignUp(email: String, here: String, login: String) -> impl IntoView {
    view! {
        <form method="post" action=here class="form">
            <div class="field">
                <label class="field__label" for="email">"Email"</label>
                <input class="input" id="email" type="email" autocomplete="username" readonly value=email />
            </div>
            <div class="field">
                <label class="field__label" for="password">"Choose a password"</label>
                <input class="input" id="password" name="password" type="password" autocomplete="new-password" minlength="10" required aria-describedby="password-hint" />
                <p class="field__hint" id="password-hint">"At least 10 characters. A sentence is easier to remember than a puzzle."</p>
            </div>
            <button class="button button--main button--wide" type="submit">"Create account and join"</button>
        </form>
        <p class="door__note"><a href=login>"Join with another account"</a></p>
    }
}
