//! A site that nothing has arrived from yet: the snippet, and a pulse that waits.

use super::snippet::Snippet;
use crate::platform;
use leptos::{either::Either, prelude::*};
use pulsecast_protocol::Domain;

/// Shown until the first event arrives; its page turns live by itself.
#[component]
pub fn Waiting(
    /// The site.
    site: Domain,
    /// Where the server is reached.
    public_url: String,
) -> impl IntoView {
    let body = if super::is_demo(&site) {
        Either::Left(view! { <DemoHint /> })
    } else {
        Either::Right(view! { <SnippetHint domain=site public_url /> })
    };
    platform::erased(view! {
        <section class="panel waiting" data-testid="waiting" aria-labelledby="waiting-title">
            <div class="waiting__pulse" aria-hidden="true"><span></span><span></span></div>
            <h2 class="waiting__title" id="waiting-title">"Waiting for the first event"</h2>
            {body}
            <noscript>"Without JavaScript this page does not change by itself: reload it after you have opened a page of your site."</noscript>
        </section>
    })
}

/// The demo's pages carry the line already.
#[component]
fn DemoHint() -> impl IntoView {
    view! {
        <p class="waiting__text">"The demo’s pages carry the line already. Open them beside this window and look around."</p>
        <p><a class="button button--main" href="/demo" target="_blank" rel="noopener">"Open the demo pages"</a></p>
    }
}

#[component]
fn SnippetHint(domain: Domain, public_url: String) -> impl IntoView {
    view! {
        <p class="waiting__text">
            "Put this line into every page of " <strong>{domain.to_string()}</strong> ", anywhere inside "<code>"<head>"</code>
            ". Then open a page: this one turns live by itself."
        </p>
        <Snippet site=domain.clone() public_url />
        <Hints domain />
    }
}

#[component]
fn Hints(domain: Domain) -> impl IntoView {
    view! {
        <details class="waiting__help">
            <summary>"Nothing arrives?"</summary>
            <ul>
                <li>
                    "The page’s hostname has to be " <strong>{domain.to_string()}</strong> " or its www. form. For others, localhost included, "
                    <a href=format!("/sites/{domain}/settings")>"accept them in the settings"</a> "."
                </li>
                <li>"An ad blocker in your own browser may hold the script back. Try a private window without extensions."</li>
                <li>"Your browser may have opted out: look for " <code>"pulse_ignore"</code> " in the page’s local storage."</li>
                <li>"Bots and headless browsers are recognised and left out."</li>
            </ul>
        </details>
    }
}
