//! What moves on dashboards: the last half hour of every site, in memory, and the changes to it, pushed.
//!
//! [`Live::record`] takes events in as they reach the disk. The ticker looks at what changed, at most four times a second a site, and
//! publishes it on `live:{site}`; how many visitors have the site open goes out on `online:{site}`, and how many a page of it on
//! `online:{site}:{path}`. Nothing is published when nothing changed, nor when nobody could receive it. Where two locks of a site are held,
//! `publishing` is taken before the others, and only for a count's own readers does anything happen under `online` and `pages`; the
//! writer of events takes `window` alone, so that no dashboard can hold up ingest.

mod counter;
mod pages;
mod presence;
mod rows;
mod site;
mod tally;
#[cfg(test)]
mod tests;
mod ticker;
mod visitors;
mod wheel;
mod window;

pub use presence::{NotCounted, Present, VisitorKey};
pub use window::Bounds;

use crate::{
    clock::SharedClock,
    event::{Seen, SiteId},
    hub::{Families, Family, Hub, Overflow, Retain},
    sites::{Site, Sites},
};
use parking_lot::{Mutex, RwLock};
use pulsecast_protocol::{
    Domain, Timestamp,
    live::{HourCount, LiveState},
};
use site::SiteLive;
use std::{
    collections::{BTreeSet, HashMap, HashSet},
    fmt,
    sync::Arc,
};
use tokio::sync::Notify;

/// How the channels of this part behave; `boot` makes the hub with them.
#[must_use]
pub fn families() -> Families {
    Families::new([
        (
            "live",
            Family {
                // Five minutes at four a second; a busy site's changes are larger and reach less far back.
                retain: Some(Retain {
                    count: 1200,
                    bytes: 512 << 10,
                    age: 5 * Timestamp::MINUTE,
                }),
                overflow: Overflow::Cut,
                durable: false,
            },
        ),
        (
            "online",
            Family {
                retain: None,
                overflow: Overflow::LatestWins,
                durable: false,
            },
        ),
    ])
}

struct Shared {
    hub: Hub,
    sites: Sites,
    clock: SharedClock,
    bounds: Bounds,
    country_name: fn(&str) -> Option<&'static str>,
    all: RwLock<HashMap<SiteId, Arc<SiteLive>>>,
    /// Sites that something happened to since the ticker looked; one entry a site.
    dirty: Mutex<HashSet<SiteId>>,
    /// When a visitor's grace ends in which site.
    leaving: Mutex<BTreeSet<(Timestamp, SiteId)>>,
    wake: Notify,
    swept: Mutex<Timestamp>,
}

/// The live windows of all sites. A cheap handle.
#[derive(Clone)]
pub struct Live(Arc<Shared>);

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Live")
            .field("sites", &self.0.all.read().len())
            .finish_non_exhaustive()
    }
}

impl Live {
    /// Nothing has happened yet. `country_name` says how people call an ISO 3166-1 alpha-2 code.
    #[must_use]
    pub fn new(
        hub: Hub,
        sites: Sites,
        clock: SharedClock,
        bounds: Bounds,
        country_name: fn(&str) -> Option<&'static str>,
    ) -> Self {
        Self(Arc::new(Shared {
            hub,
            sites,
            clock,
            bounds,
            country_name,
            all: RwLock::default(),
            dirty: Mutex::default(),
            leaving: Mutex::default(),
            wake: Notify::new(),
            swept: Mutex::default(),
        }))
    }

    /// Takes in events of one site that are on disk, in the order of their numbers. Quick, and never waits for a reader: the writer
    /// thread calls it after each commit.
    pub fn record(&self, site: &Site, seen: &[Seen]) {
        let now = self.0.clock.now();
        let live = self.site(site.id, &site.settings.domain);
        count_gone(live.window.lock().record(seen, now, site.settings.ip_display));
        self.touch(site.id);
    }

    /// Starts a site from the store: pageviews of the last 24 hours, which count the events of the last half hour too, and those events
    /// in the order of their numbers. Before the ticker starts and the first event is recorded.
    pub fn restore(&self, site: SiteId, hours: &[HourCount], seen: &[Seen]) {
        let Some(known) = self.0.sites.by_id(site) else {
            return;
        };
        let now = self.0.clock.now();
        let live = self.site(site, &known.settings.domain);
        let mut window = live.window.lock();
        count_gone(window.restore(hours, seen, now));
        drop(window.change(0, now));
    }

    /// A site's dashboard now, with its position in `live:{site}`: every change up to there is in it, none after it is lost.
    #[must_use]
    pub fn snapshot(&self, domain: &Domain) -> LiveState {
        let now = self.0.clock.now();
        match self.0.sites.get(domain) {
            Some(site) => self.site(site.id, domain).snapshot(&self.0.hub, now),
            None => LiveState {
                at: now,
                ..LiveState::default()
            },
        }
    }

    fn site(&self, id: SiteId, domain: &Domain) -> Arc<SiteLive> {
        if let Some(site) = self.0.all.read().get(&id) {
            return site.clone();
        }
        let new = || Arc::new(SiteLive::new(domain, self.0.bounds, self.0.country_name));
        self.0.all.write().entry(id).or_insert_with(new).clone()
    }

    fn touch(&self, site: SiteId) {
        if self.0.dirty.lock().insert(site) {
            self.0.wake.notify_one();
        }
    }
}

fn count_gone(facts: u64) {
    if facts > 0 {
        metrics::counter!("pulsecast_live_truncated_total").increment(facts);
    }
}
