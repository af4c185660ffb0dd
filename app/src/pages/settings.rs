//! What the owner decides about a site.

use super::{layout::SiteNames, site_page::site_page};
use crate::{
    components::{
        field::{Field, FormError, described_by},
        site_head::SiteHead,
        snippet::Snippet,
        zones::ZoneField,
    },
    fns::settings::{self, RemoveSite, SaveSite, load_settings},
};
use leptos::{form::ActionForm, prelude::*};
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;
use pulsecast_protocol::{
    Domain,
    account::{IpDisplay, OriginPolicy, SiteSettings},
};
use std::fmt::Display;

/// `/sites/{domain}/settings`
#[component]
pub fn SettingsPage() -> impl IntoView {
    site_page(load_settings, |page, sites| view! { <Loaded page sites /> }.into_any())
}

#[component]
fn Loaded(page: settings::SettingsPage, sites: Vec<Domain>) -> impl IntoView {
    let settings::SettingsPage {
        site,
        public_url,
        timezones,
    } = page;
    let domain = site.domain.clone();
    view! {
        <Title text=format!("Settings of {domain}") />
        <SiteHead domain=domain.clone() sites />
        <div class="settings">
            <SettingsForm site timezones />
            <div class="settings__side">
                <SnippetPanel domain=domain.clone() public_url />
                <RemoveForm domain />
            </div>
        </div>
    }
    .into_any()
}

#[component]
fn SettingsForm(site: SiteSettings, timezones: Vec<String>) -> impl IntoView {
    let action = ServerAction::<SaveSite>::new();
    let failure = move || action.value().get().and_then(Result::err);
    let error = move |name: &'static str| Signal::derive(move || failure().and_then(|f| f.field(name)));
    let whole = Signal::derive(move || failure().and_then(|f| f.whole()));
    let query = use_query_map();
    let saved = move || query.with(|query| query.get_str("saved").is_some()) && failure().is_none();
    let SiteSettings {
        domain,
        timezone,
        hostnames,
        origins,
        origin_policy,
        ip_display,
    } = site;
    let domain = StoredValue::new(domain.to_string());
    view! {
        <ActionForm action attr:class="panel form form--panel">
            <h2 class="form__title">"Settings"</h2>
            <div class="form__note" role="status">
                {move || saved().then(|| view! { <p class="notice notice--good" data-testid="saved">"Saved. The changes are in effect."</p> })}
            </div>
            <FormError text=whole />
            <input type="hidden" name="domain" value=domain.get_value() />
            <Field id="domain" label="Domain" hint=|| "Names the site for good: its pages carry it.">
                <input class="input" id="domain" value=domain.get_value() readonly aria-describedby=described_by("domain") />
            </Field>
            <ZoneField zones=timezones value=Signal::stored(timezone) error=error("timezone") />
            <ListField id="hostnames" label="Further hostnames" entries=joined(&hostnames) error=error("hostnames")>
                "One a line; " <code>"*.example.com"</code> " takes in every subdomain. " {domain.get_value()}
                " and its www. form are accepted anyway. Events from other hostnames are dropped."
            </ListField>
            <ListField id="origins" label="Further origins" entries=joined(&origins) error=error("origins")>
                "One a line, such as " <code>"http://localhost:8080"</code>
                ". Pages from there may open live connections. The hostnames above are accepted on their usual ports."
            </ListField>
            <StrangersField policy=origin_policy />
            <AddressField shown=ip_display />
            <p class="form__actions">
                <button class="button button--main" type="submit" disabled=move || action.pending().get()>"Save"</button>
            </p>
        </ActionForm>
    }
    .into_any()
}

fn joined<T: Display>(entries: &[T]) -> String {
    entries
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("\n")
}

/// A list with one entry a line.
#[component]
fn ListField(
    id: &'static str,
    label: &'static str,
    entries: String,
    #[prop(into)] error: Signal<Option<String>>,
    children: ChildrenFn,
) -> impl IntoView {
    view! {
        <Field id label error hint=move || children()>
            <textarea class="input input--list" id=id name=id rows="3" spellcheck="false" autocapitalize="none" aria-describedby=described_by(id)>
                {entries}
            </textarea>
        </Field>
    }
}

/// Whether strangers are rejected.
#[component]
fn StrangersField(policy: OriginPolicy) -> impl IntoView {
    view! {
        <div class="field">
            <label class="check">
                <input type="checkbox" name="any_origin" value="on" checked=policy == OriginPolicy::Any aria-describedby="any-origin-hint" />
                <span>"Accept any origin"</span>
            </label>
            <p class="field__hint" id="any-origin-hint">
                <strong>"For trying things out. "</strong>
                "Every page anywhere can then report events for this site and read its public counts, pages opened from a disk included: its numbers can be made up by strangers."
            </p>
        </div>
    }
    .into_any()
}

/// How much of a visitor's address the stream shows.
#[component]
fn AddressField(shown: IpDisplay) -> impl IntoView {
    let choice = move |value: &'static str, is: IpDisplay, label: &'static str, consequence: &'static str| {
        view! {
            <label class="check">
                <input type="radio" name="ip_display" value=value checked=shown == is />
                <span>{label} <span class="check__note">{consequence}</span></span>
            </label>
        }
    };
    view! {
        <fieldset class="field field--set">
            <legend class="field__label">"Visitors’ IP addresses in the event stream"</legend>
            {choice("none", IpDisplay::None, "None", "Nothing of the address leaves the server’s memory.")}
            {choice("shortened", IpDisplay::Shortened, "Shortened", "The network only, such as 203.0.113.0: tells visits apart, not people.")}
            {choice("whole", IpDisplay::Whole, "Whole", "Personal data under the GDPR: your privacy notice has to say so, and you need a lawful basis.")}
            <p class="field__hint">"Addresses are kept in memory for 30 minutes at most and never stored, whatever is chosen here."</p>
        </fieldset>
    }
    .into_any()
}

/// The snippet and what it can do.
#[component]
fn SnippetPanel(domain: Domain, public_url: String) -> impl IntoView {
    view! {
        <section class="panel form--panel" aria-labelledby="snippet-title">
            <h2 class="form__title" id="snippet-title">"Snippet"</h2>
            <p class="form__text">"Goes into the " <code>"<head>"</code> " of every page. Sets no cookie and weighs less than 1.5 KB."</p>
            <Snippet site=domain public_url />
            <dl class="options">
                <dt><code>"data-live"</code></dt>
                <dd>"Holds a connection while the page is open, so that its visitor counts as “online now”. Leave it out to only report visits."</dd>
                <dt><code>"data-hash"</code></dt>
                <dd>"Counts what follows the # as part of the page, for sites that route by it."</dd>
                <dt><code>"data-exclude"</code></dt>
                <dd>"Paths that are not counted, separated by commas, such as /admin/**."</dd>
                <dt><code>"data-api"</code></dt>
                <dd>"Where events go instead, if they pass through a proxy of your own."</dd>
            </dl>
            <p class="form__text">"Custom events: " <code>r#"pulse("Signup", {props: {plan: "team"}})"#</code></p>
        </section>
    }
    .into_any()
}

/// The end of a site.
#[component]
fn RemoveForm(domain: Domain) -> impl IntoView {
    let action = ServerAction::<RemoveSite>::new();
    let names = SiteNames::expect();
    let failure = move || action.value().get().and_then(Result::err);
    let error = Signal::derive(move || failure().and_then(|f| f.field("confirm")));
    let whole = Signal::derive(move || failure().and_then(|f| f.whole()));
    Effect::new(move || {
        if matches!(action.value().get(), Some(Ok(()))) {
            names.refresh();
        }
    });
    view! {
        <ActionForm action attr:class="panel form form--panel form--danger">
            <h2 class="form__title">"Delete this site"</h2>
            <FormError text=whole />
            <p class="form__text">"Its dashboard and its events are gone for good. Pages that still carry the snippet are told that there is no such site."</p>
            <input type="hidden" name="domain" value=domain.to_string() />
            <Field id="confirm" label="Type the domain to confirm" error>
                <input class="input" id="confirm" name="confirm" required autocomplete="off" autocapitalize="none" spellcheck="false" aria-describedby="confirm-error" />
            </Field>
            <p class="form__actions"><button class="button button--danger" type="submit" disabled=move || action.pending().get()>"Delete site"</button></p>
        </ActionForm>
    }
    .into_any()
}
