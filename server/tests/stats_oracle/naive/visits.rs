//! Visits, put together from their events. Knows which event belongs to which visit only by the number it was given.

use pulsecast_protocol::Timestamp;
use pulsecast_server::event::{Event, Hit, Kind, VisitId, VisitorId};

/// A visit and all its events.
#[derive(Debug)]
pub struct Visit {
    pub id: VisitId,
    pub visitor: VisitorId,
    pub start: Timestamp,
    pub last: Timestamp,
    pub pageviews: u64,
    pub bounced: bool,
    /// The earliest pageview.
    pub entry: Option<Hit>,
    /// The latest.
    pub exit: Option<Hit>,
    /// The event that opened it: where it came from, and with what.
    pub opened_by: Hit,
}

impl Visit {
    /// Milliseconds; 0 if it bounced.
    pub fn duration(&self) -> i64 {
        if self.bounced {
            0
        } else {
            self.last.since(self.start)
        }
    }
}

/// The visits of one site's events.
pub fn of(events: &[Event]) -> Vec<Visit> {
    let mut ids: Vec<VisitId> = events.iter().map(|event| event.visit).collect();
    ids.sort();
    ids.dedup();
    ids.into_iter()
        .map(|id| visit(id, events.iter().filter(|event| event.visit == id).collect()))
        .collect()
}

fn visit(id: VisitId, mut events: Vec<&Event>) -> Visit {
    let opened_by = events.iter().find(|event| event.seq == id.0).unwrap().hit.clone();
    events.sort_by_key(|event| (event.hit.at, event.seq));
    let views: Vec<&Event> = events
        .iter()
        .filter(|event| event.hit.kind == Kind::Pageview)
        .copied()
        .collect();
    let interacted = events.iter().any(|event| event.hit.kind == Kind::Custom);
    Visit {
        id,
        visitor: events[0].visitor,
        start: events[0].hit.at,
        last: events[events.len() - 1].hit.at,
        pageviews: views.len() as u64,
        bounced: views.len() < 2 && !interacted,
        entry: views.first().map(|event| event.hit.clone()),
        exit: views.last().map(|event| event.hit.clone()),
        opened_by,
    }
}
