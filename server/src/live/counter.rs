//! One count that is pushed: who is there, and what its readers were told. What is held under the lock around it is in order: a reader
//! who joins is told the count, and after that every change of it.

use super::presence::Presence;
use crate::hub::Hub;
use pulsecast_protocol::{Timestamp, live::OnlineCount};

/// Milliseconds between two publications in one channel, at least: the first goes out at once, those that follow gather.
pub(super) const EVERY: i64 = 250;

/// When there is something to do again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Again {
    /// A change waits that may go out then.
    pub(super) change: Option<Timestamp>,
    /// Somebody's grace ends then.
    pub(super) leave: Option<Timestamp>,
}

#[derive(Debug)]
pub(super) struct Counter {
    channel: String,
    pub(super) presence: Presence,
    /// What all readers know; `None` where somebody was told something else.
    told: Option<u32>,
    at: Option<Timestamp>,
}

impl Counter {
    /// Nobody is there, and who reads the channel knows it.
    pub(super) fn new(channel: String) -> Self {
        Self {
            channel,
            presence: Presence::default(),
            told: Some(0),
            at: None,
        }
    }

    pub(super) fn joining<T>(&mut self, now: Timestamp, join: impl FnOnce(u32) -> T) -> T {
        let online = self.presence.count(now);
        if self.told != Some(online) {
            // Whoever joins now knows another number than the others: the next look tells all of them.
            self.told = None;
        }
        join(online)
    }

    /// Publishes the count if it is another one than readers know, and it is not too early for that.
    pub(super) fn publish(&mut self, hub: &Hub, now: Timestamp) -> Again {
        let online = self.presence.count(now);
        let mut again = Again {
            change: None,
            leave: self.presence.falls_at(),
        };
        if self.told == Some(online) {
            return again;
        }
        if hub.readers(&self.channel) > 0 {
            if let Some(later) = too_early(self.at, now) {
                again.change = Some(later);
                return again;
            }
            let Ok(payload) = serde_json::to_vec(&OnlineCount { online }) else {
                return again;
            };
            let _position = hub.publish(&self.channel, &payload);
            self.at = Some(now);
        }
        self.told = Some(online);
        again
    }
}

/// When the next may go out, if that is not now. A clock that was set back does not hold anything up.
pub(super) fn too_early(last: Option<Timestamp>, now: Timestamp) -> Option<Timestamp> {
    last.filter(|last| (0..EVERY).contains(&now.since(*last)))
        .map(|last| last.plus(EVERY))
}
