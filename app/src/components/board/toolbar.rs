//! The bar above the dashboard: filters on the left, time on the right.

use super::{
    filters::{FilterMenu, Pills},
    periods::{ComparePicker, PeriodPicker},
};
use crate::board::{
    Links,
    page::{Names, SiteView},
};
use leptos::prelude::*;

/// The bar.
#[component]
pub fn Toolbar(
    /// Makes addresses.
    links: Links,
    /// The site.
    site: SiteView,
    /// What values are called.
    names: Names,
    /// What a segment of the filters would hold.
    filters: String,
    /// The compared days in words; `None` where nothing is compared.
    compared: Option<String>,
) -> impl IntoView {
    view! {
        <div class="toolbar" data-testid="toolbar">
            <FilterMenu links=links.clone() site=site.clone() />
            <Pills links=links.clone() site=site.clone() names filters />
            <div class="toolbar__time">
                <PeriodPicker links=links.clone() site=site.clone() />
                {compared.map(|compared| view! { <ComparePicker links site compared /> })}
                <button class="toolbar__help" type="button" popovertarget="help" data-key="?" aria-label="Keyboard shortcuts">"?"</button>
            </div>
        </div>
    }
    .into_any()
}
