//! The live page of a site.

use super::site_page::site_page;
use crate::{
    components::{
        figure::Figure, is_demo, minutes_chart::MinutesChart, site_head::SiteHead,
        status_pill::StatusPill, stream::EventStream, top_list::TopList, waiting::Waiting,
        world_map::WorldMap,
    },
    fns::sites::{self, load_live},
    live::{LiveStore, Socket},
};
use leptos::prelude::*;
use leptos_meta::Title;
use pulsecast_protocol::{Domain, live::Tile};

/// `/sites/{domain}`
#[component]
pub fn LivePage() -> impl IntoView {
    site_page(load_live, |page, sites| view! { <Loaded page sites /> }.into_any())
}

#[component]
fn Loaded(page: sites::LivePage, sites: Vec<Domain>) -> impl IntoView {
    let sites::LivePage {
        site,
        has_events,
        live,
        public_url,
    } = page;
    let socket: Socket = expect_context();
    let store = LiveStore::new(live);
    store.follow(socket, &site.domain);
    let (domain, waiting_site) = (site.domain.clone(), site.clone());
    // The document outlives the page: while one site follows another, its title is asked for once more.
    let title = move || match store.current_visitors.try_get().unwrap_or_default() {
        0 => domain.to_string(),
        n => format!("({n}) {domain}"),
    };
    // Once an event was there, it stays known, also when the window is empty again.
    let waiting = Memo::new(move |was: Option<&bool>| {
        was.copied().unwrap_or(!has_events)
            && store.stream.with(Vec::is_empty)
            && store.minutes.with(Vec::is_empty)
    });
    let body = move || match waiting.get() {
        true => view! { <Waiting site=waiting_site.clone() public_url=public_url.clone() /> }.into_any(),
        false => view! { <Board store /> }.into_any(),
    };
    let demo = is_demo(&site.domain).then(
        || view! { <a class="site-head__demo" href="/demo" target="_blank" rel="noopener">"Demo pages"</a> },
    );
    view! {
        <Title text=title />
        <SiteHead domain=site.domain sites>
            {demo}
            <StatusPill socket />
        </SiteHead>
        {body}
    }
    .into_any()
}

/// All that moves.
#[component]
fn Board(store: LiveStore) -> impl IntoView {
    view! {
        <section class="panel now" aria-label="Now">
            <dl class="figures">
                <Figure label="Current visitors" hint="active in the last 5 minutes" value=store.current_visitors testid="current-visitors" class="figure--main" />
                <Figure label="Online now" hint="have a page open" value=store.online testid="online-now" />
                <Figure label="Pageviews" hint="last 30 minutes" value=store.pageviews() testid="pageviews-30m" />
            </dl>
            <MinutesChart minutes=store.minutes now=store.minute />
        </section>
        <div class="board">
            <div class="board__main">
                <EventStream rows=store.stream />
                <WorldMap countries=store.top(Tile::Countries) />
            </div>
            <div class="board__side">
                {Tile::ALL.map(|tile| view! { <TopList tile rows=store.top(tile) /> }).collect_view()}
            </div>
        </div>
    }
    .into_any()
}
