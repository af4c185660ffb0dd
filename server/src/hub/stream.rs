//! The last publications of a channel, so that a returning client misses nothing. Knows offsets, not sockets.

use super::{family::Retain, frame::Published};
use pulsecast_protocol::{Position, Timestamp};
use std::collections::VecDeque;

/// One incarnation of a channel's stream.
#[derive(Debug)]
pub(super) struct Stream {
    epoch: String,
    offset: u64,
    retain: Option<Retain>,
    bytes: usize,
    kept: VecDeque<(Timestamp, Published)>,
}

impl Stream {
    /// One that stands at this position and of which nothing is kept.
    pub(super) fn new(position: Position, retain: Option<Retain>) -> Self {
        Self {
            epoch: position.epoch,
            offset: position.offset,
            retain,
            bytes: 0,
            kept: VecDeque::new(),
        }
    }

    pub(super) fn position(&self) -> Position {
        Position {
            epoch: self.epoch.clone(),
            offset: self.offset,
        }
    }

    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// The offset that the next publication gets; 0 where none are kept.
    pub(super) fn next_offset(&self) -> u64 {
        match self.retain {
            Some(_) => self.offset + 1,
            None => 0,
        }
    }

    /// Goes on to a publication, keeps it and lets go of those over the bounds.
    pub(super) fn keep(&mut self, published: &Published, at: Timestamp, now: Timestamp) {
        self.offset = published.offset;
        if self.retain.is_some() {
            self.bytes += published.frame.len();
            self.kept.push_back((at, published.clone()));
            self.expire(now);
        }
    }

    /// Lets go of what is too old or too much.
    pub(super) fn expire(&mut self, now: Timestamp) {
        let Some(retain) = self.retain else { return };
        while let Some((at, oldest)) = self.kept.front() {
            let fits = self.kept.len() <= retain.count && self.bytes <= retain.bytes;
            if fits && now.since(*at) <= retain.age {
                break;
            }
            self.bytes -= oldest.frame.len();
            self.kept.pop_front();
        }
        if self.kept.is_empty() && self.kept.capacity() > 64 {
            self.kept.shrink_to_fit();
        }
    }

    /// Whether a reader's last position could still be of use.
    pub(super) fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// Offset of the oldest publication that is kept; where none is, of the next.
    pub(super) fn oldest(&self) -> u64 {
        self.kept
            .front()
            .map_or(self.offset + 1, |(_, published)| published.offset)
    }

    /// Exactly what came after `since`, oldest first; `None` when that cannot be known: another epoch, a position from the future, or a
    /// hole between it and what is kept.
    pub(super) fn after(&self, since: &Position) -> Option<Vec<Published>> {
        if since.epoch != self.epoch || since.offset > self.offset {
            return None;
        }
        let missed = usize::try_from(self.offset - since.offset).ok()?;
        let skip = self.kept.len().checked_sub(missed)?;
        Some(
            self.kept
                .iter()
                .skip(skip)
                .map(|(_, published)| published.clone())
                .collect(),
        )
    }

    /// All that is kept, oldest first.
    pub(super) fn all(&self) -> impl DoubleEndedIterator<Item = &Published> {
        self.kept.iter().map(|(_, published)| published)
    }
}
