//! The live page of a site.

use super::site_page::site_page;
use crate::{
    fns::sites::{self, load_live},
    islands::live_site::{LiveSite, title},
};
use leptos::prelude::*;
use leptos_meta::Title;

/// `/sites/{domain}/live`
#[component]
pub fn LivePage() -> impl IntoView {
    site_page(load_live, |page, names| {
        let sites::LivePage {
            site,
            has_events,
            live,
            public_url,
        } = page;
        let domain = site.domain;
        view! {
            <Title formatter=|text| text text=title(&domain, live.current_visitors) />
            <LiveSite domain sites=names has_events live public_url />
        }
        .into_any()
    })
}
