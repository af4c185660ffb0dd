//! The live page of a site, moving.

use crate::{
    components::{
        figure::Figure,
        is_demo,
        minutes_chart::MinutesChart,
        offline::OfflineBanner,
        site_head::{SiteHead, Tab},
        status_pill::StatusPill,
        stream::EventStream,
        time::Zone,
        top_list::TopList,
        waiting::Waiting,
        world_map::WorldMap,
    },
    live::{LiveStore, Socket},
    platform,
};
use leptos::{either::Either, prelude::*};
use pulsecast_protocol::{
    Domain,
    live::{LiveState, Tile},
};

/// The site, its numbers and its events, kept current over the page's connection.
#[island]
pub fn LiveSite(
    /// The site.
    domain: Domain,
    /// All of the viewer's sites, for the switcher.
    sites: Vec<Domain>,
    /// Whether an event has ever arrived.
    has_events: bool,
    /// What is on the screen.
    live: LiveState,
    /// Where the server is reached, for the snippet.
    public_url: String,
) -> impl IntoView {
    Zone::provide();
    let socket = Socket::provide();
    let store = LiveStore::new(live);
    store.follow(socket, &domain);
    Effect::new({
        let domain = domain.clone();
        move || platform::set_title(&title(&domain, store.current_visitors.get()))
    });
    // Once an event was there, it stays known, also when the window is empty again.
    let waiting = Memo::new(move |was: Option<&bool>| {
        was.copied().unwrap_or(!has_events)
            && store.stream.with(Vec::is_empty)
            && store.minutes.with(Vec::is_empty)
    });
    let site = domain.clone();
    let body = move || match waiting.get() {
        true => Either::Left(view! { <Waiting site=site.clone() public_url=public_url.clone() /> }),
        false => Either::Right(view! { <Board store /> }),
    };
    let demo = is_demo(&domain).then(|| {
        view! { <a class="site-head__demo" href="/demo" target="_blank" rel="noopener">"Demo pages"</a> }
    });
    let right = view! {
        {demo}
        <StatusPill socket />
    };
    platform::erased(view! {
        <SiteHead domain sites current=Tab::Live right />
        {body}
        <OfflineBanner socket />
    })
}

/// The document's title: how many are there can be read from the tab.
#[must_use]
pub fn title(domain: &Domain, visitors: u32) -> String {
    match visitors {
        0 => format!("{domain} · Pulsecast"),
        n => format!("({n}) {domain} · Pulsecast"),
    }
}

/// All that moves.
#[component]
fn Board(store: LiveStore) -> impl IntoView {
    platform::erased(view! {
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
    })
}
