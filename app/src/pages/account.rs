//! The viewer's own account: its password, and its end.

use crate::{
    components::{
        field::{Field, FormError, described_by},
        form_parts::{DoneNotice, Refilled},
    },
    fns::people::{ChangePassword, RemoveAccount},
};
use leptos::{form::ActionForm, prelude::*};
use leptos_meta::Title;

/// `/account`
#[component]
pub fn AccountPage() -> impl IntoView {
    view! {
        <Title text="Your account" />
        <div class="narrow narrow--stack">
            <header class="page-head"><h1 class="page-head__title">"Your account"</h1></header>
            <PasswordForm />
            <RemoveForm />
        </div>
    }
    .into_any()
}

#[component]
fn PasswordForm() -> impl IntoView {
    let action = ServerAction::<ChangePassword>::new();
    let refill = Refilled::of(action.value().get_untracked());
    view! {
        <ActionForm action attr:class="panel form form--panel">
            <h2 class="form__title">"Password"</h2>
            <DoneNotice />
            <FormError text=refill.whole() />
            <Field id="current" label="Your password now">
                <input class="input" id="current" name="current" type="password" autocomplete="current-password" required aria-describedby="current-error" />
            </Field>
            <Field id="new" label="New password" hint=|| "At least 10 characters. Other browsers are signed out.">
                <input class="input" id="new" name="new" type="password" autocomplete="new-password" minlength="10" required aria-describedby=described_by("new") />
            </Field>
            <p class="form__actions"><button class="button button--main" type="submit">"Change password"</button></p>
        </ActionForm>
    }
    .into_any()
}

#[component]
fn RemoveForm() -> impl IntoView {
    let action = ServerAction::<RemoveAccount>::new();
    let refill = Refilled::of(action.value().get_untracked());
    view! {
        <ActionForm action attr:class="panel form form--panel form--danger">
            <h2 class="form__title">"Remove your account"</h2>
            <FormError text=refill.whole() />
            <p class="form__text">"Your memberships and the segments that you keep for yourself go with it. Sites that have no other owner have to be transferred or deleted first."</p>
            <Field id="password" label="Your password">
                <input class="input" id="password" name="password" type="password" autocomplete="current-password" required aria-describedby="password-error" />
            </Field>
            <p class="form__actions"><button class="button button--danger" type="submit">"Remove account"</button></p>
        </ActionForm>
    }
    .into_any()
}
