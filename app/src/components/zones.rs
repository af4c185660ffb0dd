//! Choosing a time zone: type to search, or pick from the list.

use super::field::{Field, described_by};
use leptos::prelude::*;

/// The field `timezone`.
#[component]
pub fn ZoneField(
    /// The zones there are.
    zones: Vec<String>,
    /// The one that is set.
    value: String,
    /// What is wrong with it.
    error: Option<String>,
) -> impl IntoView {
    view! {
        <Field id="timezone" label="Time zone" error hint=|| "Where this site’s days begin. Type to search.">
            <input
                class="input"
                id="timezone"
                name="timezone"
                list="zones"
                required
                autocomplete="off"
                spellcheck="false"
                aria-describedby=described_by("timezone")
                value=value
            />
            <datalist id="zones">{zones.into_iter().map(|zone| view! { <option value=zone></option> }).collect_view()}</datalist>
        </Field>
    }
    .into_any()
}
