//! What a site does not count, and how long it keeps what it does.

use crate::{
    components::{
        field::{Field, FormError, area, described_by},
        form_parts::{DoneNotice, Refilled},
        settings_nav::{Section, SettingsFrame},
    },
    fns::{
        access::{SaveExclusions, SaveRetention, load_exclusions},
        goals::Section as Loaded,
    },
    pages::site_page::site_page,
};
use leptos::{form::ActionForm, prelude::*};
use pulsecast_protocol::account::SiteSettings;
use std::fmt::Display;

/// `/sites/{domain}/settings/exclusions`
#[component]
pub fn ExclusionsPage() -> impl IntoView {
    site_page(load_exclusions, |page, sites| {
        let Loaded { domain, role, body } = page;
        let kept = body.clone();
        view! {
            <SettingsFrame domain role sites section=Section::Exclusions>
                <ExclusionsForm site=body />
                <RetentionForm site=kept />
            </SettingsFrame>
        }
        .into_any()
    })
}

fn joined<T: Display>(entries: &[T]) -> String {
    entries
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("\n")
}

#[component]
fn ExclusionsForm(site: SiteSettings) -> impl IntoView {
    let action = ServerAction::<SaveExclusions>::new();
    let refill = Refilled::of(action.value().get_untracked());
    let lists = site.exclusions;
    let list = |id: &'static str, label: &'static str, hint: &'static str, set: String| {
        let text = refill.given(id).unwrap_or(set);
        view! {
            <Field id label error=refill.field(id) hint=move || hint>
                <textarea class="input input--list" id=id name=id rows="3" spellcheck="false" autocapitalize="none" aria-describedby=described_by(id)>{area(text)}</textarea>
            </Field>
        }
    };
    let fields = [
        list(
            "ips",
            "IP addresses",
            "Addresses or networks, such as 203.0.113.7 or 2001:db8::/32: your office, a monitoring service.",
            joined(&lists.ips),
        ),
        list(
            "paths",
            "Paths",
            "Such as /admin/**: * is any part of a name, ** anything.",
            joined(&lists.paths),
        ),
        list(
            "hostnames",
            "Hostnames",
            "Such as staging.example.com or *.preview.example.com, though the site accepts them.",
            joined(&lists.hostnames),
        ),
        list(
            "countries",
            "Countries",
            "Two letters, such as DE.",
            joined(&lists.countries),
        ),
    ];
    let whole = refill.whole();
    view! {
        <ActionForm action attr:class="panel form form--panel">
            <h2 class="form__title">"Exclusions"</h2>
            <DoneNotice />
            <FormError text=whole />
            <p class="form__text">"Events on any of these lists are dropped before they are stored. One entry a line."</p>
            <input type="hidden" name="domain" value=site.domain.to_string() />
            {fields}
            <p class="form__actions"><button class="button button--main" type="submit">"Save"</button></p>
        </ActionForm>
    }
    .into_any()
}

#[component]
fn RetentionForm(site: SiteSettings) -> impl IntoView {
    let action = ServerAction::<SaveRetention>::new();
    let refill = Refilled::of(action.value().get_untracked());
    let set = site
        .retention_days
        .map(|days| days.to_string())
        .unwrap_or_default();
    let days = refill.given("days").unwrap_or(set);
    view! {
        <ActionForm action attr:class="panel form form--panel">
            <h2 class="form__title">"Retention"</h2>
            <FormError text=refill.whole() />
            <input type="hidden" name="domain" value=site.domain.to_string() />
            <Field id="days" label="Keep events for days" error=refill.field("days") hint=|| "Older ones are deleted for good, once a night. Empty keeps them for ever.">
                <input class="input" id="days" name="days" value=days inputmode="numeric" maxlength="4" aria-describedby=described_by("days") />
            </Field>
            <p class="form__actions"><button class="button button--main" type="submit">"Save"</button></p>
        </ActionForm>
    }
    .into_any()
}
