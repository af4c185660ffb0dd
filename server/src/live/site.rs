//! One site: its window, and when it last told its dashboards and its pages.

use super::{
    presence::Presence,
    window::{Bounds, Window},
};
use crate::hub::Hub;
use parking_lot::Mutex;
use pulsecast_protocol::{
    Domain, Timestamp,
    live::{LiveState, OnlineCount},
};

/// Milliseconds between two publications in one channel, at least: the first goes out at once, those that follow gather.
const EVERY: i64 = 250;

/// When the last publication went out, and what it said.
#[derive(Debug, Default)]
pub(super) struct Published {
    live: Option<Timestamp>,
    online: Option<Timestamp>,
    count: u32,
}

#[derive(Debug)]
pub(super) struct SiteLive {
    live: String,
    online: String,
    publishing: Mutex<Published>,
    pub(super) window: Mutex<Window>,
    pub(super) presence: Mutex<Presence>,
}

impl SiteLive {
    pub(super) fn new(
        domain: &Domain,
        bounds: Bounds,
        country_name: fn(&str) -> Option<&'static str>,
    ) -> Self {
        Self {
            live: format!("live:{domain}"),
            online: format!("online:{domain}"),
            publishing: Mutex::default(),
            window: Mutex::new(Window::new(bounds, country_name)),
            presence: Mutex::default(),
        }
    }

    pub(super) fn snapshot(&self, hub: &Hub, now: Timestamp) -> LiveState {
        let _no_change_meanwhile = self.publishing.lock();
        let begins = !hub.in_use(&self.live);
        let position = hub.open(&self.live);
        let online = self.presence.lock().count(now);
        let mut window = self.window.lock();
        if begins {
            // Nobody knows anything older than this: the next change is what changes from here.
            drop(window.change(online, now));
        }
        window.state(position, online, now)
    }

    /// Publishes what changed. Where it is too early for that, says when to come back.
    pub(super) fn publish(&self, hub: &Hub, now: Timestamp) -> Option<Timestamp> {
        let mut published = self.publishing.lock();
        let count = self.presence.lock().count(now);
        let live = self.publish_live(&mut published, hub, count, now);
        let online = self.publish_online(&mut published, hub, count, now);
        live.into_iter().chain(online).min()
    }

    fn publish_live(
        &self,
        published: &mut Published,
        hub: &Hub,
        online: u32,
        now: Timestamp,
    ) -> Option<Timestamp> {
        if !hub.in_use(&self.live) {
            self.window.lock().expire(now);
            return None;
        }
        if let Some(later) = too_early(published.live, now) {
            return Some(later);
        }
        let change = self.window.lock().change(online, now)?;
        if change.skipped > 0 {
            metrics::counter!("pulsecast_live_rows_skipped_total").increment(change.skipped.into());
        }
        let Ok(payload) = serde_json::to_vec(&change) else {
            return None;
        };
        published.live = Some(now);
        let _position = hub.publish(&self.live, &payload);
        metrics::counter!("pulsecast_live_changes_total").increment(1);
        None
    }

    fn publish_online(
        &self,
        published: &mut Published,
        hub: &Hub,
        online: u32,
        now: Timestamp,
    ) -> Option<Timestamp> {
        if published.count == online {
            return None;
        }
        if online > 0 {
            if let Some(later) = too_early(published.online, now) {
                return Some(later);
            }
            let Ok(payload) = serde_json::to_vec(&OnlineCount { online }) else {
                return None;
            };
            published.online = Some(now);
            let _position = hub.publish(&self.online, &payload);
        }
        published.count = online;
        None
    }
}

/// When the next may go out, if that is not now. A clock that was set back does not hold anything up.
fn too_early(last: Option<Timestamp>, now: Timestamp) -> Option<Timestamp> {
    last.filter(|last| (0..EVERY).contains(&now.since(*last)))
        .map(|last| last.plus(EVERY))
}
