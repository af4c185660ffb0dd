//! A site's API keys: which there are, a new one, shown once, and the end of each.

use super::site_page::site_page;
use crate::{
    components::{
        field::{Field, FormError, described_by},
        form_parts::{DoneNotice, PostButton, Refilled, TakeAway},
        settings_nav::{Section, SettingsFrame},
    },
    fns::{
        goals::Section as Loaded,
        keys::{AddKey, RevokeKey, load_keys},
    },
    format,
};
use leptos::{form::ActionForm, prelude::*};
use pulsecast_protocol::{
    Domain, Timestamp,
    api_key::{KeyReach, KeyRight, KeySummary, KeysView},
};

/// `/sites/{domain}/keys`
#[component]
pub fn KeysPage() -> impl IntoView {
    site_page(load_keys, |page, sites| {
        let Loaded { domain, role, body } = page;
        let KeysView { keys, fresh, .. } = body;
        view! {
            <SettingsFrame domain=domain.clone() role sites section=Section::Keys>
                <KeyList domain=domain.clone() keys fresh />
                <AddForm domain=domain.clone() />
                <HowTo domain />
            </SettingsFrame>
        }
        .into_any()
    })
}

/// The keys there are, each with its end; above them the new one.
#[component]
fn KeyList(domain: Domain, keys: Vec<KeySummary>, fresh: Option<String>) -> impl IntoView {
    let refill = Refilled::of(ServerAction::<RevokeKey>::new().value().get_untracked());
    let none = keys.is_empty();
    let row = move |key: KeySummary| view! { <KeyRow domain=domain.clone() key_=key /> };
    view! {
        <section class="panel form--panel" aria-labelledby="keys-title">
            <h2 class="form__title" id="keys-title">"API keys"</h2>
            <DoneNotice />
            <FormError text=refill.whole() />
            {fresh.map(|value| view! {
                <div class="notice notice--good" role="status">
                    <p>"Take the key now: only a fingerprint of it is kept, and it is not shown again."</p>
                    <TakeAway id="fresh-key" label="Your new key" value />
                </div>
            })}
            {none.then(|| view! { <p class="form__text">"No program asks about this site yet. A key lets one in."</p> })}
            <ul class="rows" data-testid="keys">{keys.into_iter().map(row).collect_view()}</ul>
        </section>
    }
    .into_any()
}

#[component]
fn KeyRow(domain: Domain, key_: KeySummary) -> impl IntoView {
    let KeySummary {
        id,
        prefix,
        name,
        right,
        reach,
        maker,
        created,
        last_used,
    } = key_;
    let is_for = match right {
        KeyRight::Stats => "statistics",
        KeyRight::Publish => "publishing",
    };
    let place = match reach {
        KeyReach::Site => "this site",
        KeyReach::AllSites => "all sites of its maker",
    };
    let maker = maker.unwrap_or_else(|| "the command line".to_owned());
    let about = format!("Revoke the key {name}");
    let fields = vec![("domain", domain.to_string()), ("id", id.to_string())];
    view! {
        <li class="rows__row" data-testid="key">
            <div class="rows__what">
                <strong>{name}</strong> " " <code>{prefix} "…"</code>
                <p class="field__hint">
                    {format!("For {is_for} of {place}. Made by {maker} on ")} <Day at=created /> ". "
                    {match last_used {
                        Some(at) => view! { "Last used " <Moment at /> "." }.into_any(),
                        None => "Not used yet.".into_any(),
                    }}
                </p>
            </div>
            <PostButton to="/fn/revoke-key" fields label="Revoke" about />
        </li>
    }
    .into_any()
}

/// A day in UTC.
#[component]
fn Day(at: Timestamp) -> impl IntoView {
    let iso = format::iso(at);
    let day = iso.get(..10).unwrap_or_default().to_owned();
    view! { <time datetime=iso>{day}</time> }
}

/// A minute in UTC.
#[component]
fn Moment(at: Timestamp) -> impl IntoView {
    let iso = format::iso(at);
    let day = iso.get(..10).unwrap_or_default();
    let text = format!("{day} {} UTC", format::clock_short(at, 0));
    view! { <time datetime=iso.clone()>{text}</time> }
}

/// A new key.
#[component]
fn AddForm(domain: Domain) -> impl IntoView {
    let action = ServerAction::<AddKey>::new();
    let refill = Refilled::of(action.value().get_untracked());
    let typed = move |name: &str| refill.typed(name);
    let (name, publish, all) = (
        typed("name"),
        typed("right") == "publish",
        typed("reach") == "all_sites",
    );
    let choice =
        move |field: &'static str, value: &'static str, is: bool, label: &'static str, note: &'static str| {
            view! {
                <label class="check">
                    <input type="radio" name=field value=value checked=is />
                    <span>{label} <span class="check__note">{note}</span></span>
                </label>
            }
        };
    view! {
        <ActionForm action attr:class="panel form form--panel">
            <h2 class="form__title">"New key"</h2>
            <FormError text=refill.whole() />
            <input type="hidden" name="domain" value=domain.to_string() />
            <Field id="name" label="Name" error=refill.field("name") hint=|| "Who uses it, so that you know later what revoking breaks.">
                <input class="input" id="name" name="name" value=name required maxlength="80" autocomplete="off" aria-describedby=described_by("name") />
            </Field>
            <fieldset class="field field--set">
                <legend class="field__label">"Lets its holder"</legend>
                {choice("right", "stats", !publish, "Ask for statistics", "All figures, nothing else.")}
                {choice("right", "publish", publish, "Publish to visitors", "From your own server.")}
            </fieldset>
            <fieldset class="field field--set">
                <legend class="field__label">"For"</legend>
                {choice("reach", "site", !all, "This site", "")}
                {choice("reach", "all_sites", all, "All sites that I may see", "Those that come later too, as long as I am a member.")}
            </fieldset>
            <p class="form__actions"><button class="button button--main" type="submit">"Make key"</button></p>
        </ActionForm>
    }
    .into_any()
}

/// How a key is used.
#[component]
fn HowTo(domain: Domain) -> impl IntoView {
    let body = format!(r#"{{"site_id": "{domain}", "metrics": ["visitors"], "date_range": "7d"}}"#);
    view! {
        <section class="panel form--panel" aria-labelledby="api-title">
            <h2 class="form__title" id="api-title">"Use"</h2>
            <p class="form__text">"Programs written for Plausible’s Stats API work with this server’s address and a key. Send it as "
                <code>"Authorization: Bearer pc_…"</code> " with "</p>
            <p class="form__text"><code>"POST /api/v2/query"</code></p>
            <p class="form__text"><code>{body}</code></p>
            <p class="form__text">"Everything that can be asked: " <a href="/api/openapi.json" rel="external">"/api/openapi.json"</a></p>
        </section>
    }
    .into_any()
}
