//! How feeds and rooms are kept: durable, and bounded by count, bytes and age.

use crate::hub::{Family, Overflow, Retain};
use pulsecast_protocol::Timestamp;

/// How much of each channel is kept for those who come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamLimits {
    /// Of a feed.
    pub feed: Retain,
    /// Of a room.
    pub room: Retain,
}

impl Default for StreamLimits {
    fn default() -> Self {
        Self {
            feed: Retain {
                count: 2_000,
                bytes: 4 << 20,
                age: 30 * Timestamp::DAY,
            },
            room: Retain {
                count: 500,
                bytes: 1 << 20,
                age: 7 * Timestamp::DAY,
            },
        }
    }
}

/// How `feed:` and `room:` channels behave; `boot` makes the hub with them.
#[must_use]
pub fn families(limits: StreamLimits) -> [(&'static str, Family); 2] {
    let durable = |retain| Family {
        retain: Some(retain),
        overflow: Overflow::Cut,
        durable: true,
    };
    [("feed", durable(limits.feed)), ("room", durable(limits.room))]
}
