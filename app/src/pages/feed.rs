//! The editors' page: what visitors see now, what they will see, and what is being written. Plain forms, which go to the server's own routes; a
//! small script keeps the counts current.

mod compose;
mod list;

use super::site_page::site_page;
use crate::{
    components::site_head::{SiteHead, Tab},
    fns::feed::load_feed,
};
use compose::{Compose, Preview};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;
use list::{Entries, HowTo};
use pulsecast_protocol::feed::FeedPage;

/// `/sites/{domain}/feed`
#[component]
pub fn FeedEditor() -> impl IntoView {
    let edit =
        use_query_map().with_untracked(|query| query.get("edit").and_then(|id| id.parse::<i64>().ok()));
    site_page(
        move |domain| load_feed(domain, edit),
        |page, sites| {
            let FeedPage {
                domain,
                timezone,
                open,
                entries,
                editing,
                public_url,
            } = page;
            let preview = editing.as_ref().and_then(|editing| editing.preview.clone());
            let counts = format!("/sites/{domain}/feed/received");
            let pages = view! {
                <p class="feed-open"><strong data-received="open" data-testid="feed-open">{open}</strong> " open pages"</p>
            };
            view! {
                <Title text=format!("Feed · {domain}") />
                <SiteHead domain=domain.clone() sites current=Tab::Feed right=pages />
                <Done />
                <div class="feed-page" data-received-from=counts>
                    <div class="feed-page__main">
                        <Compose domain=domain.clone() timezone editing />
                    </div>
                    <div class="feed-page__side">
                        {preview.map(|item| view! { <Preview item /> })}
                        <Entries domain=domain.clone() entries />
                        <HowTo domain public_url />
                    </div>
                </div>
                <script src="/feed.js" defer=true></script>
            }
            .into_any()
        },
    )
}

/// What a form of this page has done.
#[component]
fn Done() -> impl IntoView {
    let done = use_query_map().with_untracked(|query| query.get("done"));
    let (text, class) = match done.as_deref() {
        Some("published") => ("Published. Open pages show it now.", "notice--good"),
        Some("scheduled") => ("Planned. It is published at its time.", "notice--good"),
        Some("kept") => ("Kept as a draft. Nobody sees it yet.", "notice--good"),
        Some("withdrawn") => ("Withdrawn. Open pages have taken it away.", "notice--good"),
        Some("discarded") => ("Forgotten. What is published is as it was.", "notice--good"),
        Some("removed") => ("Removed.", "notice--good"),
        Some("later") => (
            "The disk does not take it now. It is kept, and goes out by itself.",
            "notice--bad",
        ),
        Some("wrong") => (
            "Not published yet: something needs another look. What you wrote is kept.",
            "notice--bad",
        ),
        _ => return ().into_any(),
    };
    view! { <p class=format!("notice feed-done {class}") role="status" data-testid="done">{text}</p> }
        .into_any()
}
