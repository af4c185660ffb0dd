//! What waits to be written to one connection. Bounded in bytes; what happens when it is full is decided by the kind of channel, and a
//! connection that is cut learns why.

use super::disconnect::Disconnect;
use bytes::Bytes;
use parking_lot::Mutex;
use std::{
    collections::{HashMap, VecDeque},
    fmt,
    sync::Arc,
};
use tokio::sync::Notify;

/// What became of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Delivery {
    /// It waits to be written.
    Queued,
    /// The connection ends instead, now or since before.
    Cut(Disconnect),
}

/// What a writer finds.
#[derive(Debug, PartialEq, Eq)]
pub enum Taken {
    /// Frames to write, in order.
    Frames(Vec<Bytes>),
    /// Nothing more to write: close with this.
    Cut(Disconnect),
}

enum Item {
    Frame(Bytes),
    Push(Bytes),
    Latest(u64),
}

#[derive(Default)]
struct Pending {
    queue: VecDeque<Item>,
    latest: HashMap<u64, Bytes>,
    /// Of pushes that may not be replaced: what the limit is for.
    pushed: usize,
    /// Of everything.
    bytes: usize,
    cut: Option<Disconnect>,
}

struct Shared {
    limit: usize,
    pending: Mutex<Pending>,
    changed: Notify,
}

/// The queue of one connection. A cheap handle: the hub fills it, one writer empties it.
#[derive(Clone)]
pub struct Outbox(Arc<Shared>);

impl fmt::Debug for Outbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pending = self.0.pending.lock();
        f.debug_struct("Outbox")
            .field("bytes", &pending.bytes)
            .field("cut", &pending.cut)
            .finish_non_exhaustive()
    }
}

impl Outbox {
    /// An empty queue in which at most `limit` bytes of pushes wait.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        let pending = Mutex::new(Pending::default());
        Self(Arc::new(Shared {
            limit,
            pending,
            changed: Notify::new(),
        }))
    }

    /// Queues a publication; where it does not fit, the connection is cut as slow.
    pub fn push(&self, frame: Bytes) -> Delivery {
        let mut pending = self.0.pending.lock();
        if pending.cut.is_none() && pending.pushed > 0 && pending.pushed + frame.len() > self.0.limit {
            return self.end(&mut pending, Disconnect::Slow);
        }
        let bytes = frame.len();
        self.add(&mut pending, bytes, bytes, Item::Push(frame))
    }

    /// Queues what may be left out: where half of the room is taken, it is.
    pub fn hint(&self, frame: Bytes) {
        let mut pending = self.0.pending.lock();
        if pending.cut.is_none() && pending.pushed + frame.len() <= self.0.limit / 2 {
            let bytes = frame.len();
            let _queued = self.add(&mut pending, bytes, bytes, Item::Push(frame));
        }
    }

    /// Queues the newest of a series, in place of an older one that still waits.
    pub fn push_latest(&self, series: u64, frame: Bytes) -> Delivery {
        let mut pending = self.0.pending.lock();
        let bytes = frame.len();
        if let Some(waiting) = pending.latest.get_mut(&series) {
            let before = std::mem::replace(waiting, frame).len();
            pending.bytes = pending.bytes + bytes - before;
            return pending.cut.map_or(Delivery::Queued, Delivery::Cut);
        }
        if pending.cut.is_none() {
            pending.latest.insert(series, frame);
        }
        self.add(&mut pending, bytes, 0, Item::Latest(series))
    }

    /// Queues an answer to the client's own command. Always fits: transports look at [`Outbox::waiting`] before they read the next
    /// command, so that one answer at most is over the limit.
    pub fn reply(&self, frame: Bytes) -> Delivery {
        let mut pending = self.0.pending.lock();
        let bytes = frame.len();
        self.add(&mut pending, bytes, 0, Item::Frame(frame))
    }

    /// Ends the connection: nothing is queued any more, what waits is dropped. The first reason stays.
    pub fn cut(&self, why: Disconnect) {
        let mut pending = self.0.pending.lock();
        let why = pending.cut.unwrap_or(why);
        let _cut = self.end(&mut pending, why);
    }

    /// Ends the connection once what waits has been written.
    pub fn finish(&self, why: Disconnect) {
        self.0.pending.lock().cut.get_or_insert(why);
        self.wake();
    }

    /// Why the connection ends, if it does.
    #[must_use]
    pub fn ended(&self) -> Option<Disconnect> {
        self.0.pending.lock().cut
    }

    /// Waits until there is something to write, and takes about `most` bytes of it (one frame at least).
    pub async fn take(&self, most: usize) -> Taken {
        loop {
            let changed = self.0.changed.notified();
            if let Some(taken) = self.try_take(most) {
                return taken;
            }
            changed.await;
        }
    }

    /// Takes what waits, if anything does.
    pub fn try_take(&self, most: usize) -> Option<Taken> {
        let mut pending = self.0.pending.lock();
        let mut frames = Vec::new();
        let mut bytes = 0;
        while let Some(item) = pending.queue.front() {
            let size = match item {
                Item::Frame(frame) | Item::Push(frame) => frame.len(),
                Item::Latest(series) => pending.latest.get(series).map_or(0, Bytes::len),
            };
            if !frames.is_empty() && bytes + size > most {
                break;
            }
            bytes += size;
            match pending.queue.pop_front() {
                Some(Item::Frame(frame)) => frames.push(frame),
                Some(Item::Push(frame)) => {
                    pending.pushed -= size;
                    frames.push(frame);
                }
                Some(Item::Latest(series)) => frames.extend(pending.latest.remove(&series)),
                None => {}
            }
        }
        pending.bytes -= bytes;
        if pending.queue.is_empty() && pending.queue.capacity() > 16 {
            pending.queue = VecDeque::new();
        }
        if frames.is_empty() {
            return pending.cut.map(Taken::Cut);
        }
        Some(Taken::Frames(frames))
    }

    /// Bytes that wait to be written.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.0.pending.lock().bytes
    }

    /// Waits until the connection is told to end at once, whatever still waits.
    pub async fn when_cut(&self) -> Disconnect {
        loop {
            let changed = self.0.changed.notified();
            {
                let pending = self.0.pending.lock();
                if let (Some(why), true) = (pending.cut, pending.queue.is_empty()) {
                    return why;
                }
            }
            changed.await;
        }
    }

    fn add(&self, pending: &mut Pending, bytes: usize, pushed: usize, item: Item) -> Delivery {
        if let Some(why) = pending.cut {
            return Delivery::Cut(why);
        }
        let first = pending.queue.is_empty();
        pending.queue.push_back(item);
        pending.bytes += bytes;
        pending.pushed += pushed;
        if first {
            self.0.changed.notify_one();
        }
        Delivery::Queued
    }

    fn end(&self, pending: &mut Pending, why: Disconnect) -> Delivery {
        *pending = Pending {
            cut: Some(why),
            ..Pending::default()
        };
        self.wake();
        Delivery::Cut(why)
    }

    fn wake(&self) {
        self.0.changed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(text: &'static str) -> Bytes {
        Bytes::from_static(text.as_bytes())
    }

    #[test]
    fn hints_are_left_out_where_there_is_little_room_and_cut_nobody() {
        let outbox = Outbox::new(10);
        outbox.hint(frame("1234"));
        outbox.hint(frame("5678"));
        assert_eq!(outbox.push(frame("abcdef")), Delivery::Queued);
        outbox.hint(frame("9"));
        assert_eq!(
            outbox.try_take(100),
            Some(Taken::Frames(vec![frame("1234"), frame("abcdef")]))
        );
        assert_eq!(outbox.ended(), None);
    }

    #[test]
    fn frames_leave_in_the_order_they_came() {
        let outbox = Outbox::new(100);
        for text in ["one", "two", "three"] {
            assert_eq!(outbox.push(frame(text)), Delivery::Queued);
        }
        assert_eq!(
            outbox.try_take(6),
            Some(Taken::Frames(vec![frame("one"), frame("two")]))
        );
        assert_eq!(outbox.try_take(1), Some(Taken::Frames(vec![frame("three")])));
        assert_eq!((outbox.try_take(1), outbox.waiting()), (None, 0));
    }

    #[test]
    fn a_reader_that_is_too_slow_is_cut_and_told_so() {
        let outbox = Outbox::new(5);
        assert_eq!(outbox.push(frame("123")), Delivery::Queued);
        assert_eq!(outbox.push(frame("456")), Delivery::Cut(Disconnect::Slow));
        assert_eq!(outbox.push(frame("7")), Delivery::Cut(Disconnect::Slow));
        outbox.cut(Disconnect::Shutdown);
        assert_eq!(outbox.try_take(10), Some(Taken::Cut(Disconnect::Slow)));
    }

    #[test]
    fn of_a_series_only_the_newest_waits() {
        let outbox = Outbox::new(5);
        for text in ["10", "11", "12"] {
            assert_eq!(outbox.push_latest(1, frame(text)), Delivery::Queued);
        }
        assert_eq!(outbox.push_latest(2, frame("x")), Delivery::Queued);
        assert_eq!(
            outbox.try_take(10),
            Some(Taken::Frames(vec![frame("12"), frame("x")]))
        );
    }

    #[test]
    fn an_answer_fits_however_long_it_is_and_does_not_make_its_reader_slow() {
        let outbox = Outbox::new(5);
        assert_eq!(outbox.reply(frame("a long snapshot")), Delivery::Queued);
        assert_eq!(outbox.push(frame("news")), Delivery::Queued);
        assert_eq!(outbox.waiting(), 19);
    }

    #[test]
    fn finishing_writes_what_waits_first() {
        let outbox = Outbox::new(5);
        let _queued = outbox.reply(frame("bye"));
        outbox.finish(Disconnect::InvalidToken);
        assert_eq!(
            outbox.reply(frame("late")),
            Delivery::Cut(Disconnect::InvalidToken)
        );
        assert_eq!(outbox.try_take(9), Some(Taken::Frames(vec![frame("bye")])));
        assert_eq!(outbox.try_take(9), Some(Taken::Cut(Disconnect::InvalidToken)));
    }
}
