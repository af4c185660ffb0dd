//! Receiving a channel: what a reader is told of its past, how it comes, and what it holds for as long as it stays.

use super::{Hub, Who, channel::Channel, frame::Published, outbox::Outbox};
use pulsecast_protocol::Position;
use std::sync::Arc;

/// Why nobody was added to a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAttached {
    /// The position is not one that the channel can continue from any more: look again, and try again.
    #[error("the channel has moved on: read its state again")]
    Moved,
    /// The connection is ending.
    #[error("the connection is ending")]
    Cut,
    /// The channel's past cannot be read now.
    #[error("the channel is not available: try again in a moment")]
    Unavailable,
}

/// Whether a reader is told who comes and who leaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Watches {
    /// Publications only.
    #[default]
    Nothing,
    /// Joins and leaves too, its own join included.
    Comings,
}

/// What a channel says of its past to one who comes.
#[derive(Clone, Debug)]
pub struct Look {
    /// Where it stands: attach from here.
    pub position: Position,
    /// Whether `publications` is exactly what the asker missed.
    pub recovered: bool,
    /// Oldest first: what the asker missed; where that cannot be told, or they know nothing, all that is kept.
    pub publications: Vec<Published>,
}

/// One who comes.
pub(super) struct Joins<'a> {
    pub(super) outbox: &'a Outbox,
    pub(super) who: &'a Who,
    pub(super) watches: Watches,
}

/// Somebody receives a channel for as long as this is held.
#[derive(Debug)]
pub struct Subscription {
    pub(super) hub: Hub,
    pub(super) channel: Arc<Channel>,
    pub(super) id: u64,
}

impl Subscription {
    /// The channel's name.
    #[must_use]
    pub fn channel(&self) -> &str {
        &self.channel.name
    }

    /// Whether it receives nothing any more: the reader was told to come again.
    #[must_use]
    pub fn is_over(&self) -> bool {
        !self.channel.has(self.id)
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.channel.detach(self.id, self.hub.now());
        self.hub.reader_left(&self.channel);
    }
}
