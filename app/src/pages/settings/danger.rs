//! The ends: leaving a site, giving it away, removing it.

use crate::{
    components::{
        field::{Field, FormError},
        form_parts::Refilled,
        settings_nav::{Section, SettingsFrame},
    },
    fns::{
        access::load_danger,
        goals::Section as Loaded,
        people::{LeaveSite, TransferSite},
        settings::RemoveSite,
    },
    pages::site_page::site_page,
};
use leptos::{form::ActionForm, prelude::*};
use pulsecast_protocol::{
    Domain,
    access::{PeopleView, PersonView},
    account::Role,
};

/// `/sites/{domain}/settings/danger`
#[component]
pub fn DangerPage() -> impl IntoView {
    site_page(load_danger, |page, sites| {
        let Loaded { domain, role, body } = page;
        let owner = (role == Role::Owner).then(|| {
            view! {
                <TransferForm domain=domain.clone() people=body />
                <RemoveForm domain=domain.clone() />
            }
        });
        let of = domain.clone();
        view! {
            <SettingsFrame domain role sites section=Section::Danger>
                <LeaveForm domain=of />
                {owner}
            </SettingsFrame>
        }
        .into_any()
    })
}

/// The end of one's own membership.
#[component]
fn LeaveForm(domain: Domain) -> impl IntoView {
    let action = ServerAction::<LeaveSite>::new();
    let refill = Refilled::of(action.value().get_untracked());
    view! {
        <ActionForm action attr:class="panel form form--panel">
            <h2 class="form__title">"Leave this site"</h2>
            <FormError text=refill.whole() />
            <p class="form__text">"You do not see it any more; somebody has to invite you again. The last owner cannot leave."</p>
            <input type="hidden" name="domain" value=domain.to_string() />
            <p class="form__actions"><button class="button" type="submit">"Leave site"</button></p>
        </ActionForm>
    }
    .into_any()
}

/// Another owner.
#[component]
fn TransferForm(domain: Domain, people: Option<PeopleView>) -> impl IntoView {
    let action = ServerAction::<TransferSite>::new();
    let refill = Refilled::of(action.value().get_untracked());
    let mut others = people.map(|view| view.people).unwrap_or_default();
    others.retain(|person| !person.is_you);
    let invite = format!("/sites/{domain}/settings/people");
    let option =
        |person: PersonView| view! { <option value=person.account.to_string()>{person.email}</option> };
    let body = if others.is_empty() {
        view! { <p class="form__text">"There is no other member. " <a href=invite>"Invite the new owner first"</a> "."</p> }.into_any()
    } else {
        view! {
            <Field id="account" label="New owner">
                <select class="input" id="account" name="account" aria-describedby="account-error">{others.into_iter().map(option).collect_view()}</select>
            </Field>
            <p class="form__actions"><button class="button button--danger" type="submit">"Transfer site"</button></p>
        }
        .into_any()
    };
    view! {
        <ActionForm action attr:class="panel form form--panel form--danger">
            <h2 class="form__title">"Transfer this site"</h2>
            <FormError text=refill.whole() />
            <p class="form__text">"Another member becomes its owner, you become an admin."</p>
            <input type="hidden" name="domain" value=domain.to_string() />
            {body}
        </ActionForm>
    }
    .into_any()
}

/// The end of a site.
#[component]
fn RemoveForm(domain: Domain) -> impl IntoView {
    let action = ServerAction::<RemoveSite>::new();
    let refill = Refilled::of(action.value().get_untracked());
    view! {
        <ActionForm action attr:class="panel form form--panel form--danger">
            <h2 class="form__title">"Delete this site"</h2>
            <FormError text=refill.whole() />
            <p class="form__text">"Its dashboard and its events are gone for good. Pages that still carry the snippet are told that there is no such site."</p>
            <input type="hidden" name="domain" value=domain.to_string() />
            <Field id="confirm" label="Type the domain to confirm" error=refill.field("confirm")>
                <input class="input" id="confirm" name="confirm" required autocomplete="off" autocapitalize="none" spellcheck="false" aria-describedby="confirm-error" />
            </Field>
            <p class="form__actions"><button class="button button--danger" type="submit">"Delete site"</button></p>
        </ActionForm>
    }
    .into_any()
}
