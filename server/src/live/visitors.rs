//! Who is there now, and how many were in each of the last minutes. A visitor counts as current while their last event is less than
//! five minutes old, to the millisecond.

use super::wheel::Wheel;
use crate::event::VisitorId;
use pulsecast_protocol::{
    Timestamp,
    live::{MINUTES, MinuteCount},
};
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap, HashMap},
};

/// How long after their last event a visitor is still there.
const CURRENT: i64 = 5 * Timestamp::MINUTE;

#[derive(Debug)]
struct Visitor {
    last: Timestamp,
    /// Bit n: seen n minutes before the minute of `last`.
    minutes: u32,
    current: bool,
}

#[derive(Debug, Default)]
pub(super) struct Visitors {
    known: HashMap<VisitorId, Visitor>,
    leaving: BinaryHeap<Reverse<(Timestamp, VisitorId)>>,
    current: u32,
    wheel: Wheel<VisitorId>,
    minutes: BTreeMap<i64, MinuteCount>,
}

impl Visitors {
    /// An event of this visitor within the window.
    pub(super) fn see(&mut self, id: VisitorId, at: Timestamp, now: Timestamp, pageviews: u32) {
        let minute = at.minute();
        let count = self.minutes.entry(minute).or_insert(MinuteCount {
            minute,
            ..MinuteCount::default()
        });
        count.pageviews += pageviews;
        let visitor = self.known.entry(id).or_insert_with(|| {
            self.wheel.file(minute, id);
            Visitor {
                last: at,
                minutes: 0,
                current: false,
            }
        });
        let later = minute - visitor.last.minute();
        if later > 0 {
            visitor.minutes = u32::try_from(later)
                .ok()
                .and_then(|by| visitor.minutes.checked_shl(by))
                .unwrap_or(0);
        }
        let bit = 1_u32
            .checked_shl(u32::try_from(-later.min(0)).unwrap_or(u32::MAX))
            .unwrap_or(0);
        count.visitors += u32::from(visitor.minutes & bit == 0);
        visitor.minutes |= bit;
        visitor.last = visitor.last.max(at);
        if !visitor.current && now.since(visitor.last) < CURRENT {
            visitor.current = true;
            self.current += 1;
            self.leaving.push(Reverse((visitor.last, id)));
        }
    }

    /// Lets go of what is over; `window` is the first minute that still counts.
    pub(super) fn expire(&mut self, now: Timestamp, window: i64) {
        while let Some(&Reverse((at, id))) = self.leaving.peek() {
            if now.since(at) < CURRENT {
                break;
            }
            self.leaving.pop();
            let Some(visitor) = self.known.get_mut(&id).filter(|visitor| visitor.current) else {
                continue;
            };
            if now.since(visitor.last) < CURRENT {
                self.leaving.push(Reverse((visitor.last, id)));
            } else {
                visitor.current = false;
                self.current -= 1;
            }
        }
        while let Some(id) = self.wheel.due(window) {
            match self.known.get(&id) {
                Some(visitor) if visitor.last.minute() >= window => {
                    self.wheel.file(visitor.last.minute(), id)
                }
                _ => self.forget(id),
            }
        }
        while let Some(oldest) = self.minutes.first_entry().filter(|oldest| *oldest.key() < window) {
            oldest.remove();
        }
    }

    /// Lets go of those longest away until there are at most so many. Says how many had to go.
    pub(super) fn shrink(&mut self, most: usize) -> u64 {
        let mut gone = 0;
        while self.known.len() > most {
            let Some((filed, id)) = self.wheel.oldest() else {
                break;
            };
            match self.known.get(&id) {
                Some(visitor) if visitor.last.minute() > filed => self.wheel.file(visitor.last.minute(), id),
                _ => {
                    self.forget(id);
                    gone += 1;
                }
            }
        }
        gone
    }

    pub(super) fn current(&self) -> u32 {
        self.current
    }

    /// The minutes with anything in them, oldest first.
    pub(super) fn minutes(&self, now: Timestamp) -> Vec<MinuteCount> {
        self.minutes
            .range(..=now.minute())
            .map(|(_, count)| *count)
            .collect()
    }

    fn forget(&mut self, id: VisitorId) {
        if self.known.remove(&id).is_some_and(|visitor| visitor.current) {
            self.current -= 1;
        }
    }
}

/// The first minute of the window that ends now.
pub(super) fn window_start(now: Timestamp) -> i64 {
    now.minute() - MINUTES as i64 + 1
}
