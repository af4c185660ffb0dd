//! Adding a site.

use super::layout::SiteNames;
use crate::{
    components::{
        field::{Field, FormError, described_by},
        problem::Problem,
        zones::ZoneField,
    },
    failure::Failure,
    fns::{settings::load_timezones, sites::AddSite},
    platform,
};
use leptos::{form::ActionForm, prelude::*};
use leptos_meta::Title;

/// `/sites/new`
#[component]
pub fn NewSitePage() -> impl IntoView {
    let zones = Resource::new_blocking(|| (), |()| load_timezones());
    let form = move || {
        Suspend::new(async move {
            match zones.await {
                Ok(zones) => view! { <NewSiteForm zones /> }.into_any(),
                Err(failure) => view! { <Problem failure /> }.into_any(),
            }
        })
    };
    view! {
        <Title text="Add a site" />
        <div class="narrow">
            <header class="page-head"><h1 class="page-head__title">"Add a site"</h1></header>
            <Suspense fallback=|| view! { <p class="loading" role="status">"Loading…"</p> }>{form}</Suspense>
        </div>
    }
}

#[component]
fn NewSiteForm(zones: Vec<String>) -> impl IntoView {
    let action = ServerAction::<AddSite>::new();
    let names = SiteNames::expect();
    let failure = move || action.value().get().and_then(Result::err);
    let error = move |name: &'static str| Signal::derive(move || failure().and_then(|f| f.field(name)));
    let whole = Signal::derive(move || failure().and_then(|f: Failure| f.whole()));
    let zone = RwSignal::new("UTC".to_owned());
    Effect::new(move || platform::timezone().into_iter().for_each(|name| zone.set(name)));
    Effect::new(move || {
        if matches!(action.value().get(), Some(Ok(()))) {
            names.refresh();
        }
    });
    view! {
        <ActionForm action attr:class="panel form form--panel">
            <FormError text=whole />
            <Field id="domain" label="Domain" error=error("domain") hint=|| "Without https:// and path, such as example.com. It names the site for good.">
                <input
                    class="input"
                    id="domain"
                    name="domain"
                    placeholder="example.com"
                    required
                    autofocus
                    autocapitalize="none"
                    autocomplete="off"
                    spellcheck="false"
                    inputmode="url"
                    aria-describedby=described_by("domain")
                />
            </Field>
            <ZoneField zones value=zone error=error("timezone") />
            <p class="form__actions">
                <button class="button button--main" type="submit" disabled=move || action.pending().get()>"Add site"</button>
                <a class="button button--quiet" href="/">"Cancel"</a>
            </p>
        </ActionForm>
    }
    .into_any()
}
