//! What is on disk in the inbox and not yet in the event store: bounded, between the writer's thread and the feeder's.

use crate::{
    event::{Event, SiteId, VisitId},
    sessions::Visit,
    store::{Batch, Change, ImportId},
};
use parking_lot::{Condvar, Mutex};
use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// The feeder takes at most so many events at a time.
const BATCH: usize = 20_000;
/// It waits for so many, or for [`PATIENCE`].
const ENOUGH: usize = 5_000;
/// How long an event may wait for company.
const PATIENCE: Duration = Duration::from_millis(300);
/// Refused changes that nobody has asked about.
const REFUSED: usize = 64;

#[derive(Debug, Default)]
struct Waiting {
    batch: Batch,
    closed: bool,
    /// Changes that were ever added, and those of them that the feeder has taken and that are in the store.
    changes: u64,
    taken: u64,
    settled: u64,
    /// Imports of which the store has refused something, and why.
    failed: HashMap<ImportId, String>,
    /// Other changes that it has refused.
    refused: Vec<(Change, String)>,
}

#[derive(Debug)]
struct Shared {
    waiting: Mutex<Waiting>,
    came: Condvar,
    limit: usize,
    /// The last event that the store has; the writer deletes up to here from the inbox.
    moved: AtomicU64,
}

/// The queue. A cheap handle.
#[derive(Clone, Debug)]
pub struct Backlog(Arc<Shared>);

impl Backlog {
    /// Holds at most `limit` events. Full: the writer refuses new ones, so that nothing acknowledged is ever dropped.
    #[must_use]
    pub fn new(limit: usize, moved: u64) -> Self {
        Self(Arc::new(Shared {
            waiting: Mutex::default(),
            came: Condvar::new(),
            limit,
            moved: AtomicU64::new(moved),
        }))
    }

    /// How many more events there is room for.
    #[must_use]
    pub fn room(&self) -> usize {
        self.0
            .limit
            .saturating_sub(self.0.waiting.lock().batch.events.len())
    }

    /// Adds events, ended visits and the oldest open one.
    pub fn push(
        &self,
        events: impl IntoIterator<Item = Event>,
        ended: Vec<Visit>,
        oldest_open: Option<VisitId>,
    ) {
        let mut waiting = self.0.waiting.lock();
        waiting.batch.events.extend(events);
        waiting.batch.ended.extend(ended);
        if oldest_open.is_some() {
            waiting.batch.oldest_open = oldest_open;
        }
        self.0.came.notify_one();
    }

    /// A site was removed: what the store has of it is deleted.
    pub fn remove(&self, site: SiteId) {
        let mut waiting = self.0.waiting.lock();
        if !waiting.batch.removed.contains(&site) {
            waiting.batch.removed.push(site);
        }
        self.0.came.notify_one();
    }

    /// How many events it holds at most.
    #[must_use]
    pub fn limit(&self) -> usize {
        self.0.limit
    }

    /// How many events wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.waiting.lock().batch.events.len()
    }

    /// Whether none does.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds a change, after the events that are here by now. [`Backlog::is_settled`] knows it by the ticket that this gives.
    pub fn change(&self, change: Change) -> u64 {
        let mut waiting = self.0.waiting.lock();
        waiting.batch.changes.push(change);
        waiting.changes += 1;
        self.0.came.notify_one();
        waiting.changes
    }

    /// Adds a piece of an import: whole visits and their events.
    pub fn import(&self, piece: Change, events: Vec<Event>, visits: Vec<Visit>) {
        let mut waiting = self.0.waiting.lock();
        waiting.batch.events.extend(events);
        waiting.batch.ended.extend(visits);
        waiting.batch.changes.push(piece);
        waiting.changes += 1;
        self.0.came.notify_one();
    }

    /// Whether the store has this change and all before it.
    #[must_use]
    pub fn is_settled(&self, ticket: u64) -> bool {
        self.0.waiting.lock().settled >= ticket
    }

    /// The store has what was taken last.
    pub fn settle(&self) {
        let mut waiting = self.0.waiting.lock();
        waiting.settled = waiting.taken;
    }

    /// The store refuses something of this import, for this reason; the feeder leaves out what is still to come of it.
    pub fn fail_import(&self, import: ImportId, reason: String) {
        self.0.waiting.lock().failed.insert(import, reason);
    }

    /// Why this import has failed, if it has.
    #[must_use]
    pub fn failure(&self, import: ImportId) -> Option<String> {
        self.0.waiting.lock().failed.get(&import).cloned()
    }

    /// Whoever made the import knows that it failed.
    pub fn forget_failure(&self, import: ImportId) {
        self.0.waiting.lock().failed.remove(&import);
    }

    /// The store refuses this change, for this reason.
    pub fn refuse(&self, change: Change, reason: String) {
        let refused = &mut self.0.waiting.lock().refused;
        if refused.len() == REFUSED {
            refused.remove(0);
        }
        refused.push((change, reason));
    }

    /// Why this change was refused, if it was; told once.
    #[must_use]
    pub fn refusal(&self, change: &Change) -> Option<String> {
        let refused = &mut self.0.waiting.lock().refused;
        let at = refused.iter().position(|(other, _)| other == change)?;
        Some(refused.remove(at).1)
    }

    /// The lowest number of an event or a visit that waits.
    #[must_use]
    pub fn first_waiting(&self) -> Option<u64> {
        let batch = &self.0.waiting.lock().batch;
        let visits = batch.ended.iter().map(|visit| visit.id.0);
        let event = batch.events.first().map(|event| event.seq);
        event.into_iter().chain(visits).min()
    }

    /// Nothing more will come.
    pub fn close(&self) {
        self.0.waiting.lock().closed = true;
        self.0.came.notify_one();
    }

    /// What waits, as soon as it is worth a transaction; `None` when nothing more will come, an empty batch when nothing came for a while.
    pub fn take(&self) -> Option<Batch> {
        let mut waiting = self.0.waiting.lock();
        if waiting.batch.is_empty() && !waiting.closed {
            self.0.came.wait_for(&mut waiting, Duration::from_secs(5));
        }
        if waiting.batch.is_empty() {
            return if waiting.closed {
                None
            } else {
                Some(Batch::default())
            };
        }
        if waiting.batch.events.len() < ENOUGH && !waiting.closed {
            self.0.came.wait_while_for(
                &mut waiting,
                |w| w.batch.events.len() < ENOUGH && !w.closed,
                PATIENCE,
            );
        }
        let waiting = &mut *waiting;
        let batch = &mut waiting.batch;
        if batch.events.len() <= BATCH {
            waiting.taken = waiting.changes;
            return Some(std::mem::take(batch));
        }
        let rest = batch.events.split_off(BATCH);
        // Ended visits, the oldest open one and removals may be of events in the rest: they go with the last piece.
        let events = std::mem::replace(&mut batch.events, rest);
        let (changes, later) = std::mem::take(&mut batch.changes)
            .into_iter()
            .partition(Change::comes_first);
        batch.changes = later;
        Some(Batch {
            events,
            changes,
            ..Batch::default()
        })
    }

    /// The store has everything up to here.
    pub fn moved(&self, seq: u64) {
        self.0.moved.fetch_max(seq, Ordering::Release);
    }

    /// The last event that the store has.
    #[must_use]
    pub fn moved_through(&self) -> u64 {
        self.0.moved.load(Ordering::Acquire)
    }
}
