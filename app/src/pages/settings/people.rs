//! A site's members and invitations.

use crate::{
    components::{
        field::{Field, FormError, described_by},
        form_parts::{DoneNotice, PostButton, Refilled, TakeAway},
        settings_nav::{Section, SettingsFrame},
    },
    failure::Refill,
    fns::{
        goals::Section as Loaded,
        people::{ChangeRole, Invite, RemovePerson, load_people},
    },
    format,
    pages::site_page::site_page,
};
use leptos::{form::ActionForm, prelude::*};
use leptos_router::hooks::use_query_map;
use pulsecast_protocol::{
    Domain,
    access::{InvitationView, PersonView},
    account::Role,
};

/// `/sites/{domain}/settings/people`
#[component]
pub fn PeoplePage() -> impl IntoView {
    site_page(load_people, |page, sites| {
        let Loaded { domain, role, body } = page;
        let (people, public_url) = body;
        let of = domain.clone();
        view! {
            <SettingsFrame domain=domain.clone() role sites section=Section::People>
                <PeopleList domain=domain.clone() role people=people.people />
                <InviteForm domain role public_url />
                <Invitations domain=of invitations=people.invitations />
            </SettingsFrame>
        }
        .into_any()
    })
}

/// What a role is for, in words.
fn what_it_may(role: Role) -> &'static str {
    match role {
        Role::Viewer => "sees the dashboard",
        Role::Editor => "sees the dashboard, sets up goals, funnels and shared segments",
        Role::Admin => "changes everything but the owner: settings, people, keys, links, data",
        Role::Owner => "does everything, also remove and transfer the site",
    }
}

fn label(role: Role) -> &'static str {
    match role {
        Role::Viewer => "Viewer",
        Role::Editor => "Editor",
        Role::Admin => "Admin",
        Role::Owner => "Owner",
    }
}

/// The roles that this one may give.
fn options(giver: Role, chosen: Role) -> impl IntoView {
    Role::ALL
        .into_iter()
        .filter(|role| giver == Role::Owner || *role < Role::Owner)
        .map(|role| view! { <option value=role.name() selected=role == chosen>{label(role)}</option> })
        .collect_view()
}

#[component]
fn PeopleList(domain: Domain, role: Role, people: Vec<PersonView>) -> impl IntoView {
    let failed = Refill::of(ServerAction::<ChangeRole>::new().value().get_untracked());
    let failed = failed.or_else(|| Refill::of(ServerAction::<RemovePerson>::new().value().get_untracked()));
    let row = move |person: PersonView| view! { <PersonRow domain=domain.clone() giver=role person /> };
    view! {
        <section class="panel form--panel" aria-labelledby="people-title">
            <h2 class="form__title" id="people-title">"People"</h2>
            <DoneNotice />
            <FormError text=failed.unwrap_or_default().whole() />
            <ul class="rows">{people.into_iter().map(row).collect_view()}</ul>
        </section>
    }
    .into_any()
}

#[component]
fn PersonRow(domain: Domain, giver: Role, person: PersonView) -> impl IntoView {
    let PersonView {
        account,
        email,
        role,
        is_you,
    } = person;
    // Owners are changed by owners; oneself in the danger zone.
    let may_change = !is_you && (giver == Role::Owner || role < Role::Owner);
    let fields = vec![("domain", domain.to_string()), ("account", account.to_string())];
    let controls = may_change.then(|| {
        let about = format!("Role of {email}");
        let remove = format!("Remove {email}");
        view! {
            <form method="post" action="/fn/change-role" class="inline-form">
                <input type="hidden" name="domain" value=domain.to_string() />
                <input type="hidden" name="account" value=account.to_string() />
                <select class="input input--small" name="role" aria-label=about>{options(giver, role)}</select>
                <button class="button button--small" type="submit">"Change"</button>
            </form>
            <PostButton to="/fn/remove-person" fields label="Remove" about=remove />
        }
    });
    view! {
        <li class="rows__row" data-testid="person">
            <div class="rows__what">
                <strong>{email}</strong> {is_you.then_some(" (you)")} " " <span class="tag">{label(role)}</span>
                <p class="field__hint">{what_it_may(role)}</p>
            </div>
            <div class="rows__controls">{controls}</div>
        </li>
    }
    .into_any()
}

#[component]
fn InviteForm(domain: Domain, role: Role, public_url: String) -> impl IntoView {
    let action = ServerAction::<Invite>::new();
    let refill = Refilled::of(action.value().get_untracked());
    let email = refill.typed("email");
    let chosen = refill
        .given("role")
        .and_then(|role| role.parse().ok())
        .unwrap_or(Role::Viewer);
    let token = use_query_map().with_untracked(|query| query.get("invited"));
    let made = token.map(|token| {
        let value = format!("{public_url}/invitations/{token}");
        view! {
            <div class="notice notice--good" role="status">
                <p>"Send this address to whom you invited: there is no mail server here that would. It works once, within seven days, and is not shown again."</p>
                <TakeAway id="invitation-link" label="Invitation" value />
            </div>
        }
    });
    view! {
        <ActionForm action attr:class="panel form form--panel">
            <h2 class="form__title">"Invite somebody"</h2>
            {made}
            <FormError text=refill.whole() />
            <input type="hidden" name="domain" value=domain.to_string() />
            <Field id="email" label="Email" error=refill.field("email")>
                <input class="input" id="email" name="email" type="email" value=email required autocomplete="off" aria-describedby=described_by("email") />
            </Field>
            <Field id="role" label="As" error=refill.field("role") hint=|| "Viewers see the dashboard; editors set up goals; admins change everything but the owner.">
                <select class="input" id="role" name="role" aria-describedby=described_by("role")>{options(role, chosen)}</select>
            </Field>
            <p class="form__actions"><button class="button button--main" type="submit">"Make invitation"</button></p>
        </ActionForm>
    }
    .into_any()
}

#[component]
fn Invitations(domain: Domain, invitations: Vec<InvitationView>) -> impl IntoView {
    let row = move |invitation: InvitationView| {
        let InvitationView {
            id,
            email,
            role,
            invited_by,
            expires,
        } = invitation;
        let fields = vec![("domain", domain.to_string()), ("id", id.to_string())];
        let about = format!("Withdraw the invitation of {email}");
        let until = format::iso(expires);
        view! {
            <li class="rows__row" data-testid="invitation">
                <div class="rows__what">
                    <strong>{email}</strong> " " <span class="tag">{label(role)}</span>
                    <p class="field__hint">{format!("Invited by {invited_by}; good until {}.", until.get(..10).unwrap_or_default())}</p>
                </div>
                <PostButton to="/fn/withdraw-invitation" fields label="Withdraw" about />
            </li>
        }
    };
    (!invitations.is_empty()).then(|| {
        view! {
            <section class="panel form--panel" aria-labelledby="invitations-title">
                <h2 class="form__title" id="invitations-title">"Invited"</h2>
                <ul class="rows">{invitations.into_iter().map(row).collect_view()}</ul>
            </section>
        }
    })
}
