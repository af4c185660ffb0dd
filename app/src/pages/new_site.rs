//! Adding a site.

use crate::{
    components::{
        field::{Field, FormError, described_by},
        problem::Problem,
        zones::ZoneField,
    },
    failure::Refill,
    fns::{settings::load_timezones, sites::AddSite},
    islands::zone::PrefillZone,
};
use leptos::{form::ActionForm, prelude::*};
use leptos_meta::Title;

/// The zone that stands in the form until the browser has told its own.
const UNTOUCHED: &str = "UTC";

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
    let refill = Refill::of(action.value().get_untracked()).unwrap_or_default();
    let (domain, zone) = (
        refill.typed.get("domain").cloned(),
        refill.typed.get("timezone").cloned(),
    );
    let is_untouched = zone.is_none();
    let wrong = StoredValue::new(refill);
    view! {
        <ActionForm action attr:class="panel form form--panel">
            <FormError text=wrong.with_value(Refill::whole) />
            <Field id="domain" label="Domain" error=wrong.with_value(|w| w.field("domain")) hint=|| "Without https:// and path, such as example.com. It names the site for good.">
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
                    value=domain
                />
            </Field>
            <ZoneField zones value=zone.unwrap_or_else(|| UNTOUCHED.to_owned()) error=wrong.with_value(|w| w.field("timezone")) />
            {is_untouched.then(|| view! { <PrefillZone field="timezone".to_owned() untouched=UNTOUCHED.to_owned() /> })}
            <p class="form__actions">
                <button class="button button--main" type="submit">"Add site"</button>
                <a class="button button--quiet" href="/">"Cancel"</a>
            </p>
        </ActionForm>
    }
    .into_any()
}
