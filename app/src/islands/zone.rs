//! The viewer's time zone, for a form that does not know it yet.

use crate::platform;
use leptos::prelude::*;

/// Puts the browser's zone into the field of this id, unless somebody was quicker.
#[island]
pub fn PrefillZone(
    /// The field's id.
    field: String,
    /// What the field says while nobody has touched it.
    untouched: String,
) -> impl IntoView {
    Effect::new(move || {
        if let Some(zone) = platform::timezone() {
            platform::prefill(&field, &untouched, &zone);
        }
    });
}
