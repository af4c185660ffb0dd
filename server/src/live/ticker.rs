//! The one task that publishes: it looks at sites that something happened to, and once a second at all of them, for time alone changes
//! what is current.

use super::{Live, counter::Again};
use crate::{event::SiteId, tasks::Tasks};
use pulsecast_protocol::Timestamp;
use std::time::Duration;

/// Milliseconds between two looks at everything.
const SWEEP: i64 = 1_000;

impl Live {
    /// Starts the ticker.
    pub fn start(&self, tasks: &Tasks) {
        let (live, stop) = (self.clone(), tasks.clone());
        tasks.spawn("live-ticker", async move {
            loop {
                let wait = live.tick();
                tokio::select! {
                    () = stop.stopping() => return,
                    () = live.0.wake.notified() => {}
                    () = tokio::time::sleep(wait) => {}
                }
            }
        });
    }

    /// Publishes what is due. Says how long there is nothing to do unless something happens.
    pub fn tick(&self) -> Duration {
        let now = self.0.clock.now();
        let mut next = self.sweep_if_due(now);
        let mut due = std::mem::take(&mut *self.0.dirty.lock());
        let mut leaving = self.0.leaving.lock();
        while let Some((at, id)) = leaving.first().copied()
            && at <= now
        {
            leaving.pop_first();
            due.insert(id);
        }
        for id in due {
            let Some(site) = self.0.all.read().get(&id).cloned() else {
                continue;
            };
            let Again { change, leave } = site.publish(&self.0.hub, now);
            if let Some(later) = change {
                // It stays among those that something happened to: what happens next need not wake anybody.
                self.0.dirty.lock().insert(id);
                next = next.min(later);
            }
            if let Some(at) = leave {
                leaving.insert((at, id));
            }
        }
        if let Some((at, _)) = leaving.first() {
            next = next.min(*at);
        }
        Duration::from_millis(u64::try_from(next.since(now)).unwrap_or(0).max(1))
    }

    /// Once a second every site is looked at, and sites that are no more are forgotten. Says when the next time is.
    fn sweep_if_due(&self, now: Timestamp) -> Timestamp {
        let mut swept = self.0.swept.lock();
        if (0..SWEEP).contains(&now.since(*swept)) {
            return swept.plus(SWEEP);
        }
        *swept = now;
        let ids: Vec<SiteId> = self.0.all.read().keys().copied().collect();
        let (there, gone): (Vec<_>, Vec<_>) =
            ids.into_iter().partition(|id| self.0.sites.by_id(*id).is_some());
        if !gone.is_empty() {
            self.0.all.write().retain(|id, _| !gone.contains(id));
        }
        // All of them are looked at, and say anew when somebody leaves.
        self.0.leaving.lock().clear();
        self.0.dirty.lock().extend(there);
        now.plus(SWEEP)
    }
}
