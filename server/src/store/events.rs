//! What the program needs of an event store; DuckDB is the embedded one.

use crate::{
    event::{Event, SiteId, VisitId},
    sessions::Visit,
};
use pulsecast_protocol::{Timestamp, live::HourCount};
use std::path::Path;

use super::{Change, Import, ImportId, Stop};
use chrono::NaiveDate;

/// What went wrong with the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The engine says no.
    #[error("the event store {path}: {message}")]
    Engine {
        /// Where it is.
        path: String,
        /// What the engine says.
        message: String,
    },
    /// The disk, or another transaction, is in the way for now.
    #[error("the event store {path} cannot be written for now: {message}")]
    Passing {
        /// Where it is.
        path: String,
        /// What the engine says.
        message: String,
    },
    /// What is asked takes more memory than the engine has.
    #[error(
        "the event store {path} has too little memory for this: {message}: give it more with --store-memory"
    )]
    Memory {
        /// Where it is.
        path: String,
        /// What the engine says.
        message: String,
    },
    /// The engine takes nothing more from anybody until the file is closed and opened again.
    #[error(
        "the event store {path} was given up by its engine: {message}: start pulsecast again, what is acknowledged is in the inbox"
    )]
    Broken {
        /// Where it is.
        path: String,
        /// What the engine says.
        message: String,
    },
    /// Somebody else has it open.
    #[error(
        "the event store {path} is in use by another process: stop the other pulsecast, or use another --data directory"
    )]
    InUse {
        /// Where it is.
        path: String,
    },
    /// Written by a newer binary.
    #[error(
        "the event store {path} has schema {found}, this pulsecast knows {known}: upgrade the binary or restore a backup"
    )]
    Newer {
        /// Where it is.
        path: String,
        /// Its schema.
        found: i64,
        /// Ours.
        known: i64,
    },
}

/// How far the inbox has been moved into the store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// The last event that the store has.
    pub last_seq: u64,
    /// Events of visits from this one on may belong to visits that had not ended.
    pub oldest_open: VisitId,
    /// The number of the last batch.
    pub batch: i64,
}

/// What goes into the store in one transaction.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// One more than the last one's: a batch that comes again, after an error whose commit did reach the disk, is known by it. `None`: it
    /// never comes again.
    pub number: Option<i64>,
    /// In order of their numbers.
    pub events: Vec<Event>,
    /// Visits that have ended; each is handed over once.
    pub ended: Vec<Visit>,
    /// See [`Progress::oldest_open`]; `None` leaves it as it is.
    pub oldest_open: Option<VisitId>,
    /// Sites that were removed: their events and visits are deleted, those of this batch too.
    pub removed: Vec<SiteId>,
    /// What happens after that, in order.
    pub changes: Vec<Change>,
}

impl Batch {
    /// Whether there is nothing to write.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
            && self.ended.is_empty()
            && self.oldest_open.is_none()
            && self.removed.is_empty()
            && self.changes.is_empty()
    }
}

impl Batch {
    /// Whether nothing has come but that visits go on or have ended.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.events.is_empty() && self.removed.is_empty() && self.changes.is_empty()
    }

    /// Whether rows are deleted with it.
    #[must_use]
    pub fn takes_away(&self) -> bool {
        let deletes = |change: &Change| matches!(change, Change::ImportUndone(_) | Change::Delete { .. });
        !self.removed.is_empty() || self.changes.iter().any(deletes)
    }
}

/// Which of a site's events: those from one time up to, not including, another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Slice {
    /// Whose.
    pub site: SiteId,
    /// `None` is from the beginning.
    pub from: Option<Timestamp>,
    /// `None` is up to now.
    pub to: Option<Timestamp>,
}

impl Slice {
    /// All there is of a site.
    #[must_use]
    pub const fn all(site: SiteId) -> Self {
        Self {
            site,
            from: None,
            to: None,
        }
    }
}

/// One event as it is exported: everything that is stored of it, by readable names.
pub type ExportedEvent = serde_json::Map<String, serde_json::Value>;

/// Writes; owned by the feeder.
pub trait EventStore: Send {
    /// How far it is.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn progress(&mut self) -> Result<Progress, StoreError>;

    /// Takes a batch, all or nothing, and with it the progress. Events that the store has already are skipped.
    ///
    /// # Errors
    /// When the store does not take it; the caller keeps it and tries again.
    fn append(&mut self, batch: &Batch) -> Result<(), StoreError>;

    /// Moves the log into the main file, at a quiet moment.
    ///
    /// # Errors
    /// When that fails; nothing is lost.
    fn checkpoint(&mut self) -> Result<(), StoreError>;
}

/// Reads; shared by everybody who asks. Calls block.
pub trait EventReader: Send + Sync {
    /// The visits that had not ended at the last append.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn open_visits(&self, oldest_open: VisitId) -> Result<Vec<Visit>, StoreError>;

    /// Events since a time, in order of their numbers, at most the last `limit`; only what a live window shows of each.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn since(&self, at: Timestamp, limit: usize) -> Result<Vec<Event>, StoreError>;

    /// Pageviews by hour since a time.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn hours(&self, since: Timestamp) -> Result<Vec<(SiteId, HourCount)>, StoreError>;

    /// Sites that have anything: events, visits, imports or their figures.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn sites(&self) -> Result<Vec<SiteId>, StoreError>;

    /// The number of the last event of these; 0 when there is none.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn last_of(&self, slice: Slice) -> Result<u64, StoreError>;

    /// Of these the next after `after`, not beyond `through`, in order, at most `limit`, with the number of each. Empty: there are no more.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn export(
        &self,
        slice: Slice,
        after: u64,
        through: u64,
        limit: usize,
    ) -> Result<Vec<(u64, ExportedEvent)>, StoreError>;

    /// Names of the custom properties of these, the most used first, at most `limit`.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn prop_keys(&self, slice: Slice, limit: usize) -> Result<Vec<String>, StoreError>;

    /// The imports that there are, the newest first; of one site or of all.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn imports(&self, site: Option<SiteId>) -> Result<Vec<Import>, StoreError>;

    /// The highest number that an import has ever had, undone ones too.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn newest_import(&self) -> Result<ImportId, StoreError>;

    /// Quarters of an hour since the epoch in which the site has events, and days of which it has imported figures.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn covered(&self, site: SiteId) -> Result<(Vec<i64>, Vec<NaiveDate>), StoreError>;

    /// Whether there are visits that began in this part, or imported figures up to this day.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn has_any(&self, slice: Slice, last_day: NaiveDate) -> Result<bool, StoreError>;

    /// Writes them to a file that is not there yet, as Parquet. Tells first how to stop it.
    ///
    /// # Errors
    /// When the store cannot be read, the file not be written, or it was stopped.
    fn parquet(&self, slice: Slice, file: &Path, tell: &mut dyn FnMut(Stop)) -> Result<(), StoreError>;
}
