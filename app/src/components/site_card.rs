//! A site in the list: what moves on it, at a glance.

use super::sparkline::Sparkline;
use crate::{
    format,
    live::{LiveStore, store::day},
    platform,
};
use leptos::{either::Either, prelude::*};
use pulsecast_protocol::Domain;

/// The card; all of it leads to the live page.
#[component]
pub fn SiteCard(
    /// Which site.
    domain: Domain,
    /// Whether an event has ever arrived.
    has_events: bool,
    /// What moves.
    store: LiveStore,
) -> impl IntoView {
    let pageviews = store.pageviews_of_day();
    let hours = Memo::new(move |_| store.hours.with(|hours| day(hours, store.hour())));
    let is_quiet =
        Memo::new(move |_| !has_events && pageviews.get() == 0 && store.current_visitors.get() == 0);
    let is_demo = super::is_demo(&domain);
    platform::erased(view! {
        <li class="site-card" data-testid="site-card" data-site=domain.to_string()>
            <div class="site-card__head">
                <h2 class="site-card__domain"><a class="site-card__link" href=format!("/sites/{domain}")>{domain.to_string()}</a></h2>
                {is_demo.then(|| view! { <a class="site-card__demo" href="/demo" target="_blank" rel="noopener">"Open the demo pages"</a> })}
            </div>
            <p class="site-card__visitors" data-testid="current-visitors">{move || format::number(store.current_visitors.get())}</p>
            <p class="site-card__what">"current visitors"</p>
            <p class="site-card__online">
                <span class="site-card__dot" class:site-card__dot--on=move || store.online.get().gt(&0) aria-hidden="true"></span>
                <span data-testid="online-now">{move || format::number(store.online.get())}</span>
                " online now"
            </p>
            <Sparkline hours sum=pageviews />
            <p class="site-card__day">
                {move || match is_quiet.get() {
                    true => Either::Left("Waiting for the first event"),
                    false => Either::Right(view! {
                        <span data-testid="pageviews-24h">{move || format::number(pageviews.get())}</span>
                        {move || if pageviews.get() == 1 { " pageview in 24 hours" } else { " pageviews in 24 hours" }}
                    }),
                }}
            </p>
        </li>
    })
}
