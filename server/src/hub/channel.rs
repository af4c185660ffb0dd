//! One channel: its stream and who receives it, under one lock, so that nobody misses what is published while they join.

use super::{
    Who,
    family::{Family, Overflow},
    frame::{self, Published},
    journal::Kept,
    outbox::{Delivery, Outbox},
    stream::Stream,
    subscription::{Joins, Look, NotAttached, Watches},
};
use bytes::Bytes;
use parking_lot::Mutex;
use pulsecast_protocol::{Position, Timestamp, wire::code};
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

/// How long a durable channel stays in memory after its last use: reading it again costs a look at the disk.
const IDLE: i64 = Timestamp::MINUTE;

#[derive(Debug)]
struct Reader {
    outbox: Outbox,
    who: Who,
    watches: Watches,
    /// Offset of the last publication that it was sent, or knew when it came.
    last: u64,
}

impl Reader {
    /// Whether this is what it has to get next. Where it is not, something was lost on the way.
    fn expects(&self, published: &Published) -> bool {
        published.offset == 0 || published.offset == self.last + 1
    }
}

#[derive(Debug)]
struct State {
    stream: Stream,
    readers: HashMap<u64, Reader>,
    /// Readers that watch.
    watchers: usize,
    /// Batches on their way to the disk that publish here.
    pending: usize,
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

/// What the disk is told of a channel before something is added to it.
#[derive(Clone, Debug)]
pub(super) struct Stands {
    pub(super) position: Position,
    /// Offset of the oldest publication that is still of use.
    pub(super) oldest: u64,
}

impl Channel {
    pub(super) fn new(
        name: Arc<str>,
        kind: &'static str,
        family: Family,
        kept: Kept,
        now: Timestamp,
    ) -> Self {
        let prefix = frame::prefix(&name);
        let first = kept.publications.first().map(|first| first.offset - 1);
        let mut stream = Stream::new(
            Position {
                offset: first.unwrap_or(kept.position.offset),
                epoch: kept.position.epoch,
            },
            family.retain,
        );
        for one in &kept.publications {
            let published = frame::encode(&prefix, &one.payload, &one.info, one.offset);
            stream.keep(&published, one.at, now);
        }
        let state = State {
            stream,
            readers: HashMap::new(),
            watchers: 0,
            pending: 0,
            used: now,
            freed: false,
        };
        Self {
            prefix,
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
        let published = frame::encode(&self.prefix, payload, b"", offset);
        let delivered = self.deliver(&mut state, &published, now, now);
        Ok((state.stream.position(), delivered))
    }

    /// Where the stream stands, for whoever puts something on disk that is to follow. It is not freed until [`Channel::release`].
    pub(super) fn reserve(&self) -> Result<Stands, Freed> {
        let mut state = self.state.lock();
        if state.freed {
            return Err(Freed);
        }
        state.pending += 1;
        Ok(Stands {
            position: state.stream.position(),
            oldest: state.stream.oldest(),
        })
    }

    /// The position of this offset.
    pub(super) fn at(&self, offset: u64) -> Position {
        let epoch = self.state.lock().stream.position().epoch;
        Position { epoch, offset }
    }

    /// Delivers what is on disk now at this offset, and says where it is and how many got it.
    pub(super) fn place(
        &self,
        offset: u64,
        payload: &[u8],
        info: &[u8],
        now: Timestamp,
    ) -> (Position, usize) {
        let mut state = self.state.lock();
        let published = frame::encode(&self.prefix, payload, info, offset);
        let delivered = self.deliver(&mut state, &published, now, now);
        (state.stream.position(), delivered)
    }

    /// What [`Channel::reserve`] was for is over.
    pub(super) fn release(&self, now: Timestamp) {
        let mut state = self.state.lock();
        state.pending = state.pending.saturating_sub(1);
        state.used = now;
    }

    fn deliver(&self, state: &mut State, published: &Published, at: Timestamp, now: Timestamp) -> usize {
        state.stream.keep(published, at, now);
        let overflow = self.family.overflow;
        let mut delivered = 0;
        let mut behind = Vec::new();
        // A reader that was cut stays until its transport lets go of it: its handle takes it out.
        for (id, reader) in &mut state.readers {
            if !reader.expects(published) {
                behind.push(*id);
                continue;
            }
            reader.last = published.offset;
            let delivery = match overflow {
                Overflow::Cut => reader.outbox.push(published.frame.clone()),
                Overflow::LatestWins => reader.outbox.push_latest(*id, published.frame.clone()),
            };
            delivered += usize::from(delivery == Delivery::Queued);
        }
        for id in behind {
            metrics::counter!("pulsecast_hub_gaps_total", "family" => self.kind).increment(1);
            self.turn_away(state, id);
        }
        delivered
    }

    /// Tells a reader to come again with its position, and lets go of it.
    fn turn_away(&self, state: &mut State, id: u64) {
        let Some(reader) = state.readers.remove(&id) else {
            return;
        };
        state.watchers -= usize::from(reader.watches == Watches::Comings);
        let told = frame::over(&self.name, code::UNSUBSCRIBE_INSUFFICIENT, "insufficient state");
        let _cut_otherwise = reader.outbox.reply(told);
    }

    /// The channel is over: whoever receives it is told to come again, and finds another or none.
    pub(super) fn end(&self) {
        let mut state = self.state.lock();
        state.freed = true;
        let all: Vec<u64> = state.readers.keys().copied().collect();
        for id in all {
            self.turn_away(&mut state, id);
        }
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

    /// What came after `since` where that can be told, else all that is kept.
    pub(super) fn look(&self, since: Option<&Position>, now: Timestamp) -> Result<Look, Freed> {
        let mut state = self.state.lock();
        if state.freed {
            return Err(Freed);
        }
        state.used = now;
        state.stream.expire(now);
        // Whoever has no epoch yet means the one there is.
        let missed = since.and_then(|since| match since.epoch.as_str() {
            "" => state.stream.after(&Position {
                epoch: state.stream.position().epoch,
                offset: since.offset,
            }),
            _ => state.stream.after(since),
        });
        Ok(Look {
            position: state.stream.position(),
            recovered: missed.is_some(),
            publications: missed.unwrap_or_else(|| state.stream.all().cloned().collect()),
        })
    }

    /// Adds a reader: it gets `first`, then what came after its position, then everything that is published. `first` learns how many
    /// readers there are now.
    pub(super) fn attach(
        &self,
        id: u64,
        after: Option<&Position>,
        joins: &Joins<'_>,
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
        let mut delivery = joins.outbox.reply(first(readers));
        for published in missed {
            delivery = joins.outbox.reply(published.frame);
        }
        if delivery != Delivery::Queued {
            return Ok(Err(NotAttached::Cut));
        }
        let reader = Reader {
            outbox: joins.outbox.clone(),
            who: joins.who.clone(),
            watches: joins.watches,
            last: state.stream.offset(),
        };
        state.watchers += usize::from(joins.watches == Watches::Comings);
        state.readers.insert(id, reader);
        self.tell_watchers(&state, "join", joins.who);
        Ok(Ok(()))
    }

    /// Takes a reader out.
    pub(super) fn detach(&self, id: u64, now: Timestamp) {
        let mut state = self.state.lock();
        if let Some(reader) = state.readers.remove(&id) {
            state.watchers -= usize::from(reader.watches == Watches::Comings);
            self.tell_watchers(&state, "leave", &reader.who);
        }
        state.used = now;
        if state.readers.is_empty() {
            state.readers.shrink_to_fit();
        }
    }

    fn tell_watchers(&self, state: &State, what: &str, who: &Who) {
        if state.watchers == 0 {
            return;
        }
        let told = frame::coming(&self.name, what, &who.line());
        let watching = |reader: &&Reader| reader.watches == Watches::Comings;
        // Nobody is cut for these: when thousands come back to a room at once, who reads slowly misses some of their names.
        for reader in state.readers.values().filter(watching) {
            reader.outbox.hint(told.clone());
        }
    }

    /// Whether this reader is still one.
    pub(super) fn has(&self, id: u64) -> bool {
        self.state.lock().readers.contains_key(&id)
    }

    pub(super) fn readers(&self) -> u32 {
        u32::try_from(self.state.lock().readers.len()).unwrap_or(u32::MAX)
    }

    pub(super) fn users(&self) -> u32 {
        let state = self.state.lock();
        let users: HashSet<&str> = state.readers.values().map(|reader| reader.who.user()).collect();
        u32::try_from(users.len()).unwrap_or(u32::MAX)
    }

    /// Who receives it.
    pub(super) fn present(&self) -> Vec<Who> {
        let state = self.state.lock();
        state.readers.values().map(|reader| reader.who.clone()).collect()
    }

    /// Lets go of what is too old; where that leaves nothing that anybody could come back for, the channel is over. A durable one only leaves
    /// the memory.
    pub(super) fn free_if_idle(&self, now: Timestamp) -> bool {
        let mut state = self.state.lock();
        state.stream.expire(now);
        let over = (self.family.durable || state.stream.is_empty()) && self.unused(&state, now);
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
        let age = match self.family.retain {
            _ if self.family.durable => IDLE,
            Some(retain) => retain.age,
            None => 0,
        };
        state.pending == 0 && state.readers.is_empty() && now.since(state.used) >= age
    }
}
