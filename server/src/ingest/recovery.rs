//! What a start has to make good: open visits and the live window from the store, and the inbox's tail that the store does not have.

use super::Backlog;
use crate::{
    event::{Event, Kind, Seen, SiteId},
    live::Live,
    sessions::{Sessions, Visit},
    sites::Sites,
    store::{
        Batch, Change, EventReader, EventStore, StoreError,
        inbox::{InboxError, InboxFile},
    },
};
use pulsecast_protocol::{
    Timestamp,
    live::{HOURS, HourCount},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

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
    sites: &Sites,
    now: Timestamp,
) -> Result<Recovered, RecoveryError> {
    undo_unfinished(store, reader)?;
    let progress = store.progress()?;
    let mut sessions = reopened(reader.open_visits(progress.oldest_open)?);

    // A site may have been removed while the store could not be told.
    let removed: Vec<SiteId> = reader
        .sites()?
        .into_iter()
        .filter(|site| sites.by_id(*site).is_none())
        .collect();

    let mut window = Window::read(reader, now)?;
    let mut file = InboxFile::open(inbox, progress.last_seq)?;
    match file.refused()? {
        0 => {}
        refused => {
            tracing::warn!(
                refused,
                "the event store has refused some events; they are kept in the inbox's table `refused`"
            );
        }
    }
    let backlog = Backlog::new(backlog_limit, progress.last_seq);
    removed.into_iter().for_each(|site| backlog.remove(site));
    let mut replayed = 0;
    let mut last = progress.last_seq;
    loop {
        let piece = file.after(last, PIECE)?;
        let Some((seq, _)) = piece.last() else { break };
        last = *seq;
        replayed += piece.len();
        let events: Vec<_> = piece
            .into_iter()
            .map(|(seq, hit)| sessions.attribute(seq, hit))
            .collect();
        events.iter().for_each(|event| window.add(event));
        backlog.push(events, Vec::new(), None);
    }
    window.restore(live);
    Ok(Recovered {
        file,
        sessions,
        backlog,
        replayed,
    })
}

/// What live windows start from, by site.
struct Window {
    now: Timestamp,
    first_hour: i64,
    seen: BTreeMap<SiteId, Vec<Seen>>,
    hours: BTreeMap<SiteId, BTreeMap<i64, u32>>,
}

impl Window {
    /// As far as the store has it.
    fn read(reader: &impl EventReader, now: Timestamp) -> Result<Self, StoreError> {
        let first_hour = now.hour() - HOURS as i64 + 1;
        let mut window = Self {
            now,
            first_hour,
            seen: BTreeMap::new(),
            hours: BTreeMap::new(),
        };
        for event in reader.since(now.plus(-30 * Timestamp::MINUTE), WINDOW_EVENTS)? {
            window
                .seen
                .entry(event.hit.site)
                .or_default()
                .push(Seen { event, ip: None });
        }
        for (site, count) in reader.hours(Timestamp(first_hour * Timestamp::HOUR))? {
            window
                .hours
                .entry(site)
                .or_default()
                .insert(count.hour, count.pageviews);
        }
        Ok(window)
    }

    /// An event that the store does not have yet.
    fn add(&mut self, event: &Event) {
        let (site, hour) = (event.hit.site, event.hit.at.hour());
        if event.hit.kind == Kind::Pageview && hour >= self.first_hour {
            *self.hours.entry(site).or_default().entry(hour).or_default() += 1;
        }
        if self.now.since(event.hit.at) <= 30 * Timestamp::MINUTE {
            self.seen.entry(site).or_default().push(Seen {
                event: event.clone(),
                ip: None,
            });
        }
    }

    fn restore(mut self, live: &Live) {
        let sites: BTreeSet<SiteId> = self.seen.keys().chain(self.hours.keys()).copied().collect();
        for site in sites {
            let hours = self.hours.remove(&site).unwrap_or_default();
            let hours: Vec<HourCount> = hours
                .into_iter()
                .map(|(hour, pageviews)| HourCount { hour, pageviews })
                .collect();
            live.restore(site, &hours, &self.seen.remove(&site).unwrap_or_default());
        }
    }
}

/// What an import that did not come to its end has brought is deleted: it can be made again, and nothing is counted twice.
fn undo_unfinished(store: &mut impl EventStore, reader: &impl EventReader) -> Result<(), StoreError> {
    let unfinished = reader
        .imports(None)?
        .into_iter()
        .filter(|import| import.ended.is_none());
    let changes: Vec<Change> = unfinished.map(|import| Change::ImportUndone(import.id)).collect();
    if changes.is_empty() {
        return Ok(());
    }
    tracing::warn!(
        imports = changes.len(),
        "an import was interrupted: what it had brought is deleted, import it again"
    );
    store.append(&Batch {
        changes,
        ..Batch::default()
    })
}

fn reopened(mut visits: Vec<Visit>) -> Sessions {
    // Latest last: of two visits of one visitor, the one that went on is the open one.
    visits.sort_by_key(|visit| visit.last);
    let mut sessions = Sessions::new();
    visits.into_iter().for_each(|visit| sessions.reopen(visit));
    sessions
}

/// Moves the inbox's tail into the store without a server: for commands that read the store of a server that did not end in good
/// order. Gives the number of events moved.
///
/// # Errors
/// When store or inbox cannot be read or written.
pub fn drain(
    inbox: &Path,
    store: &mut impl EventStore,
    reader: &impl EventReader,
) -> Result<usize, RecoveryError> {
    undo_unfinished(store, reader)?;
    let progress = store.progress()?;
    let mut sessions = reopened(reader.open_visits(progress.oldest_open)?);
    let mut file = InboxFile::open(inbox, progress.last_seq)?;
    let mut last = progress.last_seq;
    let mut moved = 0;
    loop {
        let piece = file.after(last, PIECE)?;
        let Some((seq, _)) = piece.last() else { break };
        last = *seq;
        moved += piece.len();
        let events = piece
            .into_iter()
            .map(|(seq, hit)| sessions.attribute(seq, hit))
            .collect();
        store.append(&Batch {
            events,
            ..Batch::default()
        })?;
    }
    Ok(moved)
}
