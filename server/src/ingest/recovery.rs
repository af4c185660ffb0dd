//! What a start has to make good: open visits and the live window from the store, and the inbox's tail that the store does not have.

use super::Backlog;
use crate::{
    event::{Event, Seen, SiteId},
    live::Live,
    sessions::{Sessions, Visit},
    store::{
        Batch, EventReader, EventStore, StoreError,
        inbox::{InboxError, InboxFile},
    },
};
use pulsecast_protocol::{Timestamp, live::{HOURS, HourCount}};
use std::{collections::{BTreeMap, HashMap}, path::Path};

/// Events of the last half hour that are read back at most.
const WINDOW_EVENTS: usize = 200_000;
/// Events of the inbox that are read at a time.
const PIECE: usize = 10_000;

/// Why the state cannot be rebuilt.
#[derive(Debug, thiserror::Error)]
pub enum RecoveryError {
    /// The event store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The inbox.
    #[error(transparent)]
    Inbox(#[from] InboxError),
}

/// State as it was when the process ended.
#[derive(Debug)]
pub struct Recovered {
    /// The inbox, ready for new events.
    pub file: InboxFile,
    /// The open visits.
    pub sessions: Sessions,
    /// Holds the events that the store does not have yet.
    pub backlog: Backlog,
    /// How many those are.
    pub replayed: usize,
}

/// Rebuilds open visits, and the live window's contents into `live`. Blocks.
///
/// # Errors
/// When store or inbox cannot be read.
pub fn recover(
    inbox: &Path,
    backlog_limit: usize,
    store: &mut impl EventStore,
    reader: &impl EventReader,
    live: &Live,
    now: Timestamp,
) -> Result<Recovered, RecoveryError> {
    let progress = store.progress()?;
    let mut sessions = open_visits(reader.open_visit_events(progress.oldest_open)?);

    let mut seen: HashMap<SiteId, Vec<Seen>> = HashMap::new();
    for event in reader.since(now.plus(-30 * Timestamp::MINUTE), WINDOW_EVENTS)? {
        seen.entry(event.hit.site).or_default().push(Seen { event, ip: None });
    }
    let mut hours: HashMap<SiteId, BTreeMap<i64, u32>> = HashMap::new();
    let first_hour = now.hour() - HOURS as i64 + 1;
    for (site, count) in reader.hours(Timestamp(first_hour * Timestamp::HOUR))? {
        hours.entry(site).or_default().insert(count.hour, count.pageviews);
    }

    let mut file = InboxFile::open(inbox, progress.last_seq)?;
    let backlog = Backlog::new(backlog_limit, progress.last_seq);
    let mut replayed = 0;
    let mut last = progress.last_seq;
    loop {
        let piece = file.after(last, PIECE)?;
        let Some((seq, _)) = piece.last() else { break };
        last = *seq;
        replayed += piece.len();
        let events: Vec<_> = piece.into_iter().map(|(seq, hit)| sessions.attribute(seq, hit)).collect();
        for event in &events {
            if event.hit.kind == crate::event::Kind::Pageview && event.hit.at.hour() >= first_hour {
                *hours.entry(event.hit.site).or_default().entry(event.hit.at.hour()).or_default() += 1;
            }
            if now.since(event.hit.at) <= 30 * Timestamp::MINUTE {
                seen.entry(event.hit.site).or_default().push(Seen { event: event.clone(), ip: None });
            }
        }
        backlog.push(events, Vec::new(), None);
    }
    let sites: std::collections::BTreeSet<SiteId> = seen.keys().chain(hours.keys()).copied().collect();
    for site in sites {
        let hours: Vec<HourCount> = hours
            .remove(&site)
            .unwrap_or_default()
            .into_iter()
            .map(|(hour, pageviews)| HourCount { hour, pageviews })
            .collect();
        live.restore(site, &hours, &seen.remove(&site).unwrap_or_default());
    }
    Ok(Recovered { file, sessions, backlog, replayed })
}

/// The visits that these events, in order, add up to.
fn open_visits(events: Vec<Event>) -> Sessions {
    let mut open: BTreeMap<u64, Visit> = BTreeMap::new();
    for event in events {
        open.entry(event.visit.0).and_modify(|visit| visit.add(&event.hit)).or_insert_with(|| Visit::open(&event));
    }
    // Latest last: of two visits of one visitor, the one that went on is the open one.
    let mut open: Vec<Visit> = open.into_values().collect();
    open.sort_by_key(|visit| visit.last);
    let mut sessions = Sessions::new();
    for visit in open {
        sessions.reopen(visit);
    }
    sessions
}

/// Moves the inbox's tail into the store without a server: for commands that read the store of a server that did not end in good
/// order. Gives the number of events moved.
///
/// # Errors
/// When store or inbox cannot be read or written.
pub fn drain(inbox: &Path, store: &mut impl EventStore, reader: &impl EventReader) -> Result<usize, RecoveryError> {
    let progress = store.progress()?;
    let mut sessions = open_visits(reader.open_visit_events(progress.oldest_open)?);
    let mut file = InboxFile::open(inbox, progress.last_seq)?;
    let mut last = progress.last_seq;
    let mut moved = 0;
    loop {
        let piece = file.after(last, PIECE)?;
        let Some((seq, _)) = piece.last() else { break };
        last = *seq;
        moved += piece.len();
        let events = piece.into_iter().map(|(seq, hit)| sessions.attribute(seq, hit)).collect();
        store.append(&Batch { events, ..Batch::default() })?;
    }
    Ok(moved)
}
