//! What the admins decide about a site: the general settings, and a file for each section beside them.

pub mod audit;
pub mod danger;
pub mod exclusions;
pub mod funnels;
pub mod goals;
pub mod links;
pub mod people;
pub mod segments;
pub mod visitors;

use super::site_page::site_page;
use crate::{
    components::{
        field::{Field, FormError, area, described_by},
        form_parts::DoneNotice,
        settings_nav::{Section, SettingsFrame},
        zones::ZoneField,
    },
    failure::Refill,
    fns::settings::{self, SaveSite, load_settings},
    forms,
    islands::snippet::CopySnippet,
};
use leptos::{form::ActionForm, prelude::*};
use leptos_router::hooks::use_query_map;
use pulsecast_protocol::{
    Domain,
    account::{IpDisplay, OriginPolicy, Role, SiteSettings},
};
use std::fmt::Display;

/// `/sites/{domain}/settings`
#[component]
pub fn SettingsPage() -> impl IntoView {
    site_page(load_settings, |page, sites| {
        view! { <Loaded page sites /> }.into_any()
    })
}

#[component]
fn Loaded(page: settings::SettingsPage, sites: Vec<Domain>) -> impl IntoView {
    let settings::SettingsPage {
        site,
        role,
        public_url,
        timezones,
    } = page;
    let domain = site.domain.clone();
    let of = domain.clone();
    let form = if role >= Role::Admin {
        view! { <SettingsForm site timezones /> }.into_any()
    } else {
        view! { <p class="form__text">"Only an admin or owner of the site changes its settings."</p> }
            .into_any()
    };
    view! {
        <SettingsFrame domain role sites section=Section::General>
            <DoneNotice />
            {form}
            <SnippetPanel domain=of public_url />
        </SettingsFrame>
    }
    .into_any()
}

#[component]
fn SettingsForm(site: SiteSettings, timezones: Vec<String>) -> impl IntoView {
    let action = ServerAction::<SaveSite>::new();
    let refill = Refill::of(action.value().get_untracked());
    let saved = refill.is_none() && use_query_map().with_untracked(|query| query.get_str("saved").is_some());
    let form = Filled::new(&site, refill.unwrap_or_default());
    let domain = StoredValue::new(site.domain.to_string());
    view! {
        <ActionForm action attr:class="panel form form--panel">
            <h2 class="form__title">"Settings"</h2>
            {saved.then(|| view! { <p class="notice notice--good" role="status" data-testid="saved">"Saved. The changes are in effect."</p> })}
            <FormError text=form.errors.whole() />
            <input type="hidden" name="domain" value=domain.get_value() />
            <Field id="domain" label="Domain" hint=|| "Names the site for good: its pages carry it.">
                <input class="input" id="domain" value=domain.get_value() readonly aria-describedby=described_by("domain") />
            </Field>
            <ZoneField zones=timezones value=form.timezone error=form.errors.field("timezone") />
            <ListField id="hostnames" label="Further hostnames" entries=form.hostnames error=form.errors.field("hostnames")>
                "One a line; " <code>"*.example.com"</code> " takes in every subdomain. " {domain.get_value()}
                " and its www. form are accepted anyway. Events from other hostnames are dropped."
            </ListField>
            <ListField id="origins" label="Further origins" entries=form.origins error=form.errors.field("origins")>
                "One a line, such as " <code>"http://localhost:8080"</code>
                ". Pages from there may open live connections. The hostnames above are accepted on their usual ports."
            </ListField>
            <StrangersField policy=form.origin_policy />
            <AddressField shown=form.ip_display />
            <p class="form__actions">
                <button class="button button--main" type="submit">"Save"</button>
            </p>
        </ActionForm>
    }
    .into_any()
}

/// What stands in the form: what is set, or what was typed before it came back.
struct Filled {
    timezone: String,
    hostnames: String,
    origins: String,
    origin_policy: OriginPolicy,
    ip_display: IpDisplay,
    errors: Refill,
}

impl Filled {
    fn new(site: &SiteSettings, errors: Refill) -> Self {
        let typed = |name: &str, set: String| errors.typed.get(name).cloned().unwrap_or(set);
        Self {
            timezone: typed("timezone", site.timezone.clone()),
            hostnames: typed("hostnames", joined(&site.hostnames)),
            origins: typed("origins", joined(&site.origins)),
            origin_policy: errors
                .typed
                .get("any_origin")
                .map_or(site.origin_policy, |is| forms::policy(!is.is_empty())),
            ip_display: errors
                .typed
                .get("ip_display")
                .map_or(site.ip_display, |is| forms::shown(is)),
            errors,
        }
    }
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
    error: Option<String>,
    children: ChildrenFn,
) -> impl IntoView {
    view! {
        <Field id label error hint=move || children()>
            <textarea class="input input--list" id=id name=id rows="3" spellcheck="false" autocapitalize="none" aria-describedby=described_by(id)>
                {area(entries)}
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
            <CopySnippet site=domain public_url />
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
