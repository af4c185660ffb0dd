//! A site, its dashboards and its pages, around a clock that stands still.

use super::super::*;
use crate::{
    clock::{Clock, ManualClock},
    event::{Client, Event, Hit, Kind, Utm, VisitId, VisitorId},
    hub::{Outbox, Subscription, Taken},
};
use bytes::Bytes;
use pulsecast_protocol::{account::SiteSettings, wire::Reply};
use std::collections::BTreeMap;

pub(super) const START: Timestamp = Timestamp(1_700_000_000_000);

/// A dashboard's own window onto `live:`, or a page's onto `online:`.
pub(super) struct Watcher {
    outbox: Outbox,
    _held: Subscription,
}

impl Watcher {
    pub(super) fn pushes<T: serde::de::DeserializeOwned>(&self) -> Vec<T> {
        let mut all = Vec::new();
        while let Some(Taken::Frames(frames)) = self.outbox.try_take(usize::MAX) {
            for frame in frames.iter().filter(|frame| !frame.is_empty()) {
                let publication = serde_json::from_slice::<Reply>(frame)
                    .unwrap()
                    .push
                    .unwrap()
                    .publication
                    .unwrap();
                all.push(serde_json::from_str(publication.data.get()).unwrap());
            }
        }
        all
    }
}

pub(super) struct World {
    pub(super) clock: Arc<ManualClock>,
    pub(super) hub: Hub,
    pub(super) live: Live,
    pub(super) site: Site,
    pub(super) seq: u64,
}

impl World {
    pub(super) fn new() -> Self {
        Self::bounded(Bounds::default())
    }

    pub(super) fn bounded(bounds: Bounds) -> Self {
        let clock = Arc::new(ManualClock::new(START));
        let site = Site::new(SiteId(1), SiteSettings::new("a.com".parse().unwrap()));
        let sites = Sites::default();
        sites.replace(vec![site.clone()]);
        let hub = Hub::new(families(), clock.clone(), 1);
        let label = |code: &str| (code == "DE").then_some("Germany");
        let live = Live::new(hub.clone(), sites, clock.clone(), bounds, label);
        Self {
            clock,
            hub,
            live,
            site,
            seq: 0,
        }
    }

    pub(super) fn snapshot(&self) -> LiveState {
        self.live.snapshot(&self.site.settings.domain)
    }

    pub(super) fn watch(&self) -> (LiveState, Watcher) {
        let state = self.snapshot();
        (state.clone(), self.attach("live:a.com", Some(&state.position)))
    }

    pub(super) fn enter(&self, visitor: u64) -> Present {
        let domain = &self.site.settings.domain;
        self.live.enter(domain, None, VisitorKey(visitor)).unwrap()
    }

    pub(super) fn attach(&self, channel: &str, after: Option<&pulsecast_protocol::Position>) -> Watcher {
        let outbox = Outbox::new(10 << 20);
        let held = self
            .hub
            .attach(channel, after, &outbox, &"".into(), |_| Bytes::new())
            .unwrap();
        Watcher { outbox, _held: held }
    }

    pub(super) fn event(&mut self, visitor: u64, path: &str) -> Seen {
        self.seq += 1;
        let hit = Hit {
            site: self.site.id,
            at: self.clock.now(),
            kind: Kind::Pageview,
            name: "pageview".into(),
            visitor: VisitorId(visitor),
            visitor_before: None,
            hostname: "a.com".into(),
            path: path.into(),
            referrer: None,
            source: None,
            medium: None,
            channel: None,
            utm: Utm::default(),
            client: Client {
                country: Some("DE".into()),
                browser: Some("Firefox".into()),
                ..Client::default()
            },
            props: BTreeMap::new(),
            revenue: None,
            scroll_depth: None,
            engaged: None,
        };
        let visitor = VisitorId(visitor);
        Seen {
            event: Event {
                seq: self.seq,
                visit: VisitId(visitor.0),
                visitor,
                hit,
            },
            ip: Some("203.0.113.77".parse().unwrap()),
        }
    }

    pub(super) fn visit(&mut self, visitor: u64, path: &str) {
        let seen = self.event(visitor, path);
        self.live.record(&self.site, &[seen]);
    }

    pub(super) fn wait(&self, millis: i64) {
        self.clock.advance(millis);
    }
}
