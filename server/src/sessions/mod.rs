//! Which visit an event belongs to. Holds the open visits in memory; knows no clock and no store: given the same events in the same
//! order it gives the same visits, which is what makes a replay after a crash exact.

mod visit;

pub use visit::{Page, TIMEOUT, Visit, continues};

use crate::event::{Event, Hit, SiteId, VisitId, VisitorId};
use pulsecast_protocol::Timestamp;
use std::collections::{BTreeSet, HashMap};

/// Events may arrive this much later than they happened before their visit is taken for ended, in milliseconds. It delays the
/// writing of ended visits, not the answer to queries: open visits are counted from memory.
const SLACK: i64 = Timestamp::MINUTE;

type Key = (SiteId, VisitorId);

/// The open visits.
#[derive(Debug, Default)]
pub struct Sessions {
    open: HashMap<Key, Visit>,
    /// Visits by their last event, so that the ended ones are found without looking at the others. An entry may be stale, because its
    /// visit has had an event since: it is then put back, which is cheaper than moving it with every event.
    by_end: BTreeSet<(Timestamp, VisitId, Key)>,
    /// Ended because a later event of the same visitor opened another.
    displaced: Vec<Visit>,
}

impl Sessions {
    /// No visits.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Finds or opens the visit of a hit that is on disk under `seq`. The event gets its visit's source, tags and client.
    pub fn attribute(&mut self, seq: u64, mut hit: Hit) -> Event {
        let visitor = self.same_person(&hit);
        let key = (hit.site, visitor);
        if let Some(visit) = self.open.get_mut(&key) {
            if continues(visit.start, visit.last, hit.at) {
                visit.add(&hit);
                visit.lend(&mut hit);
                return Event {
                    seq,
                    visit: visit.id,
                    visitor,
                    hit,
                };
            }
            if hit.at < visit.start {
                // Older than the open visit by more than the timeout: a visit of its own, ended before the open one began.
                let event = Event {
                    seq,
                    visit: VisitId(seq),
                    visitor,
                    hit,
                };
                self.displaced.push(Visit::open(&event));
                return event;
            }
        }
        let event = Event {
            seq,
            visit: VisitId(seq),
            visitor,
            hit,
        };
        let visit = Visit::open(&event);
        self.by_end.insert((visit.last, visit.id, key));
        self.displaced.extend(self.open.insert(key, visit));
        event
    }

    /// Today's name of the visitor, or yesterday's while a visit under it goes on.
    fn same_person(&self, hit: &Hit) -> VisitorId {
        let goes_on = |visitor: &VisitorId| {
            self.open
                .get(&(hit.site, *visitor))
                .is_some_and(|visit| continues(visit.start, visit.last, hit.at))
        };
        match hit.visitor_before {
            Some(before) if !goes_on(&hit.visitor) && goes_on(&before) => before,
            _ => hit.visitor,
        }
    }

    /// Puts back a visit that was open when the process ended.
    pub fn reopen(&mut self, visit: Visit) {
        let key = (visit.site, visit.visitor);
        self.by_end.insert((visit.last, visit.id, key));
        if let Some(other) = self.open.insert(key, visit) {
            self.displaced.push(other);
        }
    }

    /// Takes out the visits that have ended by `now`.
    pub fn end(&mut self, now: Timestamp) -> Vec<Visit> {
        let mut ended = std::mem::take(&mut self.displaced);
        let is_over = |last: Timestamp| now.since(last) > TIMEOUT + SLACK;
        while let Some(entry @ (last, id, key)) = self.by_end.first().copied() {
            if !is_over(last) {
                break;
            }
            self.by_end.remove(&entry);
            match self.open.get(&key) {
                Some(visit) if visit.id == id && is_over(visit.last) => ended.extend(self.open.remove(&key)),
                Some(visit) if visit.id == id => {
                    self.by_end.insert((visit.last, id, key));
                }
                _ => {}
            }
        }
        ended
    }

    /// The smallest name among open and just-ended visits: events of older visits need not be read again after a restart.
    #[must_use]
    pub fn oldest_open(&self) -> Option<VisitId> {
        self.open.values().map(|visit| visit.id).min()
    }

    /// How many visits are open.
    #[must_use]
    pub fn len(&self) -> usize {
        self.open.len()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }
}

#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
mod tests;
