//! One channel: its stream and who receives it, under one lock, so that nobody misses what is published while they join.

use super::{
    Hub,
    family::{Family, Overflow},
    frame::{self, Published},
    outbox::{Delivery, Outbox},
    stream::Stream,
};
use bytes::Bytes;
use parking_lot::Mutex;
use pulsecast_protocol::{Position, Timestamp};
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

/// Why nobody was added to a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAttached {
    /// The position is not one that the channel can continue from any more: look again, and try again.
    #[error("the channel has moved on: read its state again")]
    Moved,
    /// The connection is ending.
    #[error("the connection is ending")]
    Cut,
}

#[derive(Debug)]
struct Reader {
    outbox: Outbox,
    user: Arc<str>,
}

#[derive(Debug)]
struct State {
    stream: Stream,
    readers: HashMap<u64, Reader>,
    /// When somebody last received it or asked where it stands.
    used: Timestamp,
    /// Taken out of the hub: whoever still holds it has to ask for the channel again.
    freed: bool,
}

#[derive(Debug)]
pub(super) struct Channel {
    pub(super) name: Arc<str>,
    pub(super) kind: &'static str,
    pub(super) family: Family,
    prefix: Bytes,
    state: Mutex<State>,
}

/// The channel was freed between finding and using it.
#[derive(Debug)]
pub(super) struct Freed;

impl Channel {
    pub(super) fn new(
        name: Arc<str>,
        kind: &'static str,
        family: Family,
        epoch: String,
        now: Timestamp,
    ) -> Self {
        let stream = Stream::new(epoch, family.retain);
        let state = State {
            stream,
            readers: HashMap::new(),
            used: now,
            freed: false,
        };
        Self {
            prefix: frame::prefix(&name),
            name,
            kind,
            family,
            state: Mutex::new(state),
        }
    }

    /// Encodes, keeps and delivers; says how many got it.
    pub(super) fn publish(&self, payload: &[u8], now: Timestamp) -> Result<(Position, usize), Freed> {
        let mut state = self.state.lock();
        if state.freed {
            return Err(Freed);
        }
        let offset = state.stream.next_offset();
        let published = frame::encode(&self.prefix, payload, offset);
        state.stream.keep(&published, now);
        let overflow = self.family.overflow;
        let mut delivered = 0;
        // A reader that was cut stays until its transport lets go of it: its handle takes it out.
        for (id, reader) in &state.readers {
            let delivery = match overflow {
                Overflow::Cut => reader.outbox.push(published.frame.clone()),
                Overflow::LatestWins => reader.outbox.push_latest(*id, published.frame.clone()),
            };
            delivered += usize::from(delivery == Delivery::Queued);
        }
        Ok((state.stream.position(), delivered))
    }

    /// Where the stream stands. Whoever is told may come back with it.
    pub(super) fn position(&self, now: Timestamp) -> Result<Position, Freed> {
        let mut state = self.state.lock();
        if state.freed {
            return Err(Freed);
        }
        state.used = now;
        Ok(state.stream.position())
    }

    /// What came after `since` and up to where; `None` when it cannot be told.
    pub(super) fn missed(&self, since: &Position, now: Timestamp) -> Option<(Position, Vec<Published>)> {
        let mut state = self.state.lock();
        state.used = now;
        state.stream.expire(now);
        Some((state.stream.position(), state.stream.after(since)?))
    }

    /// All that is kept, oldest first, and the position.
    pub(super) fn kept(&self, now: Timestamp) -> (Position, Vec<Published>) {
        let mut state = self.state.lock();
        state.used = now;
        state.stream.expire(now);
        (state.stream.position(), state.stream.all().cloned().collect())
    }

    /// Adds a reader: it gets `first`, then what came after its position, then everything that is published. `first` learns how many
    /// readers there are now.
    pub(super) fn attach(
        &self,
        id: u64,
        after: Option<&Position>,
        outbox: &Outbox,
        user: &Arc<str>,
        now: Timestamp,
        first: &mut dyn FnMut(u32) -> Bytes,
    ) -> Result<Result<(), NotAttached>, Freed> {
        let mut state = self.state.lock();
        if state.freed {
            return Err(Freed);
        }
        let missed = match after {
            Some(position) => match state.stream.after(position) {
                Some(missed) => missed,
                None => return Ok(Err(NotAttached::Moved)),
            },
            None => Vec::new(),
        };
        state.used = now;
        let readers = u32::try_from(state.readers.len() + 1).unwrap_or(u32::MAX);
        let mut delivery = outbox.reply(first(readers));
        for published in missed {
            delivery = outbox.reply(published.frame);
        }
        if delivery != Delivery::Queued {
            return Ok(Err(NotAttached::Cut));
        }
        state.readers.insert(
            id,
            Reader {
                outbox: outbox.clone(),
                user: user.clone(),
            },
        );
        Ok(Ok(()))
    }

    /// Takes a reader out.
    fn detach(&self, id: u64, now: Timestamp) {
        let mut state = self.state.lock();
        state.readers.remove(&id);
        state.used = now;
        if state.readers.is_empty() {
            state.readers.shrink_to_fit();
        }
    }

    pub(super) fn readers(&self) -> u32 {
        u32::try_from(self.state.lock().readers.len()).unwrap_or(u32::MAX)
    }

    pub(super) fn users(&self) -> u32 {
        let state = self.state.lock();
        let users: HashSet<&str> = state.readers.values().map(|reader| &*reader.user).collect();
        u32::try_from(users.len()).unwrap_or(u32::MAX)
    }

    /// Lets go of what is too old; where that leaves nothing that anybody could come back for, the channel is over.
    pub(super) fn free_if_idle(&self, now: Timestamp) -> bool {
        let mut state = self.state.lock();
        state.stream.expire(now);
        let over = state.stream.is_empty() && self.unused(&state, now);
        state.freed |= over;
        state.freed
    }

    /// Ends the channel where nobody receives it and nobody has asked for it within the age of its past, whatever is kept.
    pub(super) fn free_if_unused(&self, now: Timestamp) -> bool {
        let mut state = self.state.lock();
        let over = self.unused(&state, now);
        state.freed |= over;
        state.freed
    }

    fn unused(&self, state: &State, now: Timestamp) -> bool {
        let age = self.family.retain.map_or(0, |retain| retain.age);
        state.readers.is_empty() && now.since(state.used) >= age
    }
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
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.channel.detach(self.id, self.hub.now());
        self.hub.reader_left(&self.channel);
    }
}
