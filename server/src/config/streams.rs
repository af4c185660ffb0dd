//! Settings of feeds and rooms: how much of them is kept, and how large what is published may be.

use crate::{hub::Retain, transport::StreamLimits};
use clap::Args;
use pulsecast_protocol::Timestamp;

/// Flags of `serve` about feeds and rooms.
#[derive(Args, Clone, Copy, Debug)]
pub struct Streams {
    /// Publications of a site's feed that are kept for those who come back; older ones go
    #[arg(
        long,
        env = "PULSECAST_FEED_HISTORY",
        default_value_t = 2_000,
        value_name = "N"
    )]
    pub feed_history: usize,

    /// Size of a feed's publications that are kept
    #[arg(
        long,
        env = "PULSECAST_FEED_HISTORY_SIZE",
        default_value_t = 4_096,
        value_name = "KiB"
    )]
    pub feed_history_size: usize,

    /// Days for which a feed's publications are kept
    #[arg(
        long,
        env = "PULSECAST_FEED_HISTORY_DAYS",
        default_value_t = 30,
        value_name = "DAYS"
    )]
    pub feed_history_days: u32,

    /// Publications of a room that are kept for those who come back; older ones go
    #[arg(long, env = "PULSECAST_ROOM_HISTORY", default_value_t = 500, value_name = "N")]
    pub room_history: usize,

    /// Size of a room's publications that are kept
    #[arg(
        long,
        env = "PULSECAST_ROOM_HISTORY_SIZE",
        default_value_t = 1_024,
        value_name = "KiB"
    )]
    pub room_history_size: usize,

    /// Days for which a room's publications are kept
    #[arg(
        long,
        env = "PULSECAST_ROOM_HISTORY_DAYS",
        default_value_t = 7,
        value_name = "DAYS"
    )]
    pub room_history_days: u32,

    /// Rooms of a site in which something is kept; publishing in more is refused
    #[arg(long, env = "PULSECAST_MAX_ROOMS", default_value_t = 10_000, value_name = "N")]
    pub max_rooms: u32,

    /// Size of one publication's data
    #[arg(
        long,
        env = "PULSECAST_MAX_PUBLICATION",
        default_value_t = 32 * 1024,
        value_name = "BYTES"
    )]
    pub max_publication: usize,

    /// Size of one request to publish, a batch included
    #[arg(
        long,
        env = "PULSECAST_MAX_PUBLISH_BODY",
        default_value_t = 1_024,
        value_name = "KiB"
    )]
    pub max_publish_body: usize,
}

impl Streams {
    /// What is kept of each kind.
    #[must_use]
    pub fn kept(&self) -> StreamLimits {
        // However little is to be kept: the last publication is, or nobody could ever recover.
        let retain = |count: usize, kib: usize, days: u32| Retain {
            count: count.max(1),
            bytes: (kib << 10).max(2 * self.max_publication),
            age: i64::from(days.max(1)) * Timestamp::DAY,
        };
        StreamLimits {
            feed: retain(self.feed_history, self.feed_history_size, self.feed_history_days),
            room: retain(self.room_history, self.room_history_size, self.room_history_days),
        }
    }
}
