//! One site: its window, and when it last told its dashboards and its pages.

use super::{
    counter::{Again, Counter, too_early},
    pages::Pages,
    window::{Bounds, Window},
};
use crate::hub::Hub;
use parking_lot::Mutex;
use pulsecast_protocol::{Domain, Timestamp, live::LiveState};

#[derive(Debug)]
pub(super) struct SiteLive {
    live: String,
    /// When the last change went out.
    publishing: Mutex<Option<Timestamp>>,
    pub(super) window: Mutex<Window>,
    pub(super) online: Mutex<Counter>,
    pub(super) pages: Mutex<Pages>,
}

impl SiteLive {
    pub(super) fn new(
        domain: &Domain,
        bounds: Bounds,
        country_name: fn(&str) -> Option<&'static str>,
    ) -> Self {
        Self {
            live: format!("live:{domain}"),
            publishing: Mutex::default(),
            window: Mutex::new(Window::new(bounds, country_name)),
            online: Mutex::new(Counter::new(format!("online:{domain}"))),
            pages: Mutex::new(Pages::new(domain.clone(), bounds.pages)),
        }
    }

    pub(super) fn snapshot(&self, hub: &Hub, now: Timestamp) -> LiveState {
        let _no_change_meanwhile = self.publishing.lock();
        let begins = !hub.in_use(&self.live);
        let position = hub.open(&self.live);
        let online = self.online.lock().presence.count(now);
        let mut window = self.window.lock();
        if begins {
            // Nobody knows anything older than this: the next change is what changes from here.
            drop(window.change(online, now));
        }
        window.state(position, online, now)
    }

    /// Publishes what changed, and says when there is something to do again.
    pub(super) fn publish(&self, hub: &Hub, now: Timestamp) -> Again {
        let mut published = self.publishing.lock();
        let (count, online) = {
            let mut online = self.online.lock();
            let again = online.publish(hub, now);
            (online.presence.count(now), again)
        };
        let pages = self.pages.lock().publish(hub, now);
        let live = self.publish_live(&mut published, hub, count, now);
        Again {
            change: live.into_iter().chain(online.change).min(),
            leave: pages.into_iter().chain(online.leave).min(),
        }
    }

    fn publish_live(
        &self,
        published: &mut Option<Timestamp>,
        hub: &Hub,
        online: u32,
        now: Timestamp,
    ) -> Option<Timestamp> {
        if !hub.in_use(&self.live) {
            self.window.lock().expire(now);
            return None;
        }
        if let Some(later) = too_early(*published, now) {
            return Some(later);
        }
        let change = self.window.lock().change(online, now)?;
        if change.skipped > 0 {
            metrics::counter!("pulsecast_live_rows_skipped_total").increment(change.skipped.into());
        }
        let Ok(payload) = serde_json::to_vec(&change) else {
            return None;
        };
        *published = Some(now);
        let _position = hub.publish(&self.live, &payload);
        metrics::counter!("pulsecast_live_changes_total").increment(1);
        None
    }
}
