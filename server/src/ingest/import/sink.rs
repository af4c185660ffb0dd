//! Where an import goes: into the running server's way to the store, into a store that no server runs on, or nowhere.

use super::ImportError;
use crate::{
    event::{Event, VisitId},
    ingest::{Backlog, writer::Inbox},
    sessions::Visit,
    store::{Batch, Change, EventStore, ImportId},
    tasks::Tasks,
};
use std::time::Duration;

/// Events that may wait for the store while an import adds to them: the rest of the backlog is for visitors.
const SHARE: usize = 20_000;
/// How long to wait before looking again.
const PAUSE: Duration = Duration::from_millis(20);

/// Whole visits with all of their events, numbered from 0.
#[derive(Debug, Default)]
pub struct Piece {
    /// The events.
    pub events: Vec<Event>,
    /// Their visits, named by the number of the first event.
    pub visits: Vec<Visit>,
}

impl Piece {
    /// The same numbered from `first`.
    #[must_use]
    pub fn numbered(mut self, first: u64) -> Self {
        for event in &mut self.events {
            event.seq += first;
            event.visit = VisitId(event.visit.0 + first);
        }
        for visit in &mut self.visits {
            visit.id = VisitId(visit.id.0 + first);
        }
        self
    }
}

/// Takes what an import brings.
pub trait Sink {
    /// Whole visits.
    ///
    /// # Errors
    /// When the store does not take them.
    fn piece(&mut self, import: ImportId, piece: Piece) -> Result<(), ImportError>;

    /// Anything else.
    ///
    /// # Errors
    /// When the store does not take it.
    fn change(&mut self, change: Change) -> Result<(), ImportError>;

    /// Returns when everything is in the store.
    ///
    /// # Errors
    /// When it will not be.
    fn settle(&mut self) -> Result<(), ImportError>;
}

/// Only counted.
#[derive(Debug, Default)]
pub struct Dry;

impl Sink for Dry {
    fn piece(&mut self, _: ImportId, _: Piece) -> Result<(), ImportError> {
        Ok(())
    }

    fn change(&mut self, _: Change) -> Result<(), ImportError> {
        Ok(())
    }

    fn settle(&mut self) -> Result<(), ImportError> {
        Ok(())
    }
}

/// Into a store that no server runs on, and whose inbox is empty.
pub struct Stored<'a, S>(pub &'a mut S);

impl<S: EventStore> Sink for Stored<'_, S> {
    fn piece(&mut self, import: ImportId, piece: Piece) -> Result<(), ImportError> {
        let first = self.0.progress()?.last_seq + 1;
        let Piece { events, visits } = piece.numbered(first);
        let last = first + (events.len() as u64).saturating_sub(1);
        Ok(self.0.append(&Batch {
            events,
            ended: visits,
            changes: vec![Change::ImportPiece { import, first, last }],
            ..Batch::default()
        })?)
    }

    fn change(&mut self, change: Change) -> Result<(), ImportError> {
        Ok(self.0.append(&Batch {
            changes: vec![change],
            ..Batch::default()
        })?)
    }

    fn settle(&mut self) -> Result<(), ImportError> {
        Ok(self.0.checkpoint()?)
    }
}

/// Into the running server's way to the store: numbers come from the inbox, so that they never meet a visitor's.
pub(super) struct Running {
    pub(super) inbox: Inbox,
    pub(super) backlog: Backlog,
    pub(super) tasks: Tasks,
    pub(super) import: ImportId,
    pub(super) last: u64,
}

impl Running {
    fn check(&self) -> Result<(), ImportError> {
        self.backlog
            .failure(self.import)
            .map_or(Ok(()), |reason| Err(ImportError::Refused(reason)))
    }

    fn pause(&self) -> Result<(), ImportError> {
        if self.tasks.is_stopping() {
            return Err(ImportError::Stopping);
        }
        std::thread::sleep(PAUSE);
        Ok(())
    }
}

impl Sink for Running {
    fn piece(&mut self, import: ImportId, piece: Piece) -> Result<(), ImportError> {
        while self.backlog.len() > SHARE.min(self.backlog.limit() / 4) {
            self.pause()?;
        }
        self.check()?;
        self.inbox
            .import(import, piece)
            .map_err(|_| ImportError::Stopping)
    }

    fn change(&mut self, change: Change) -> Result<(), ImportError> {
        if matches!(change, Change::ImportUndone(_)) {
            self.backlog.forget_failure(self.import);
        } else {
            self.check()?;
        }
        let site = match &change {
            Change::ImportDaily { site, .. } => Some(*site),
            _ => None,
        };
        self.last = self.backlog.change(change);
        match site {
            // A site that has figures waits for no first event.
            Some(site) => self.inbox.saw(site).map_err(|_| ImportError::Stopping),
            None => Ok(()),
        }
    }

    fn settle(&mut self) -> Result<(), ImportError> {
        while !self.backlog.is_settled(self.last) {
            self.pause()?;
        }
        // What was refused is told before its turn is over.
        self.check()
    }
}
