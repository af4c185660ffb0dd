//! A batch that the store refuses for good, piece by piece: what is refused of it is set aside or told to whoever asked for it, and the rest goes on
//! in its order.

use super::{End, Feeder};
use crate::{
    event::Event,
    sessions::Visit,
    store::{Batch, Change, EventStore, ImportId, StoreError, inbox::InboxError},
};

/// What a batch holds many of.
trait Rows: Sized {
    fn batch(rows: Vec<Self>) -> Batch;
    fn rows(batch: Batch) -> Vec<Self>;
    fn number(&self) -> u64;
}

impl Rows for Event {
    fn batch(events: Vec<Self>) -> Batch {
        Batch {
            events,
            ..Batch::default()
        }
    }

    fn rows(batch: Batch) -> Vec<Self> {
        batch.events
    }

    fn number(&self) -> u64 {
        self.seq
    }
}

impl Rows for Visit {
    fn batch(ended: Vec<Self>) -> Batch {
        Batch {
            ended,
            ..Batch::default()
        }
    }

    fn rows(batch: Batch) -> Vec<Self> {
        batch.ended
    }

    fn number(&self) -> u64 {
        self.id.0
    }
}

impl<S: EventStore> Feeder<'_, S> {
    pub(super) fn piecemeal(&mut self, batch: Batch) -> Result<(), End> {
        let (first, later): (Vec<Change>, Vec<Change>) =
            batch.changes.into_iter().partition(Change::comes_first);
        for change in first {
            self.change(change)?;
        }
        self.halves(batch.events, Self::refused_event)?;
        self.halves(batch.ended, Self::refused_visit)?;
        for site in batch.removed {
            let removed = Batch {
                removed: vec![site],
                ..Batch::default()
            };
            if let Some(error) = self.offered(removed)? {
                refused("removal");
                tracing::error!(%error, site = site.0, "what is left of a removed site stays until the next start");
            }
        }
        self.insist(Batch {
            oldest_open: batch.oldest_open,
            ..Batch::default()
        })?;
        for change in later {
            self.change(change)?;
        }
        Ok(())
    }

    /// Knows whose events come, and leaves out what is of imports that have failed.
    pub(super) fn note(&mut self, batch: &mut Batch) {
        for change in &batch.changes {
            if let Change::ImportPiece { import, first, last } = change {
                self.pieces.push((*import, *first, *last));
            }
        }
        if self.failed.is_empty() {
            return;
        }
        let of_failed = |number: u64| {
            let import = self.import_of(number);
            import.is_some_and(|import| self.failed.contains(&import))
        };
        batch.events.retain(|event| !of_failed(event.seq));
        batch.ended.retain(|visit| !of_failed(visit.id.0));
        batch.changes.retain(|change| !self.is_of_failed(change));
        for change in &batch.changes {
            if let Change::ImportUndone(import) = change {
                self.failed.remove(import);
            }
        }
    }

    /// Forgets pieces whose events and visits have all come.
    pub(super) fn forget(&mut self) {
        let waiting = self.backlog.first_waiting();
        self.pieces
            .retain(|(_, _, last)| waiting.is_some_and(|first| *last >= first));
    }

    fn import_of(&self, number: u64) -> Option<ImportId> {
        let piece = self
            .pieces
            .iter()
            .find(|(_, first, last)| (*first..=*last).contains(&number));
        piece.map(|(import, _, _)| *import)
    }

    fn is_of_failed(&self, change: &Change) -> bool {
        !matches!(change, Change::ImportUndone(_))
            && change
                .import()
                .is_some_and(|import| self.failed.contains(&import))
    }

    fn offered(&mut self, mut batch: Batch) -> Result<Option<StoreError>, End> {
        let refused = self.offer(&mut batch)?;
        if refused.is_none() && !batch.is_empty() {
            self.tell(&batch);
        }
        Ok(refused)
    }

    /// What the store cannot but take, once it is well.
    fn insist(&mut self, mut batch: Batch) -> Result<(), End> {
        while let Some(error) = self.offer(&mut batch)? {
            self.wait(&error)?;
        }
        Ok(())
    }

    /// In their order, in pieces half as large as what was refused, down to single ones.
    fn halves<T: Rows>(
        &mut self,
        rows: Vec<T>,
        alone: fn(&mut Self, &T, &StoreError) -> Result<(), End>,
    ) -> Result<(), End> {
        let mut pieces = vec![rows];
        while let Some(mut rows) = pieces.pop() {
            if !self.failed.is_empty() {
                rows.retain(|row| {
                    let import = self.import_of(row.number());
                    import.is_none_or(|import| !self.failed.contains(&import))
                });
            }
            let mut batch = T::batch(rows);
            let Some(error) = self.offer(&mut batch)? else {
                self.tell(&batch);
                continue;
            };
            let mut rows = T::rows(batch);
            match rows.as_slice() {
                [] => {}
                [row] if self.is_well(&error)? => match self.import_of(row.number()) {
                    Some(import) => self.fail_import(import, &error)?,
                    None => alone(self, row, &error)?,
                },
                // It is not this one: the store takes nothing at all.
                [_] => {
                    self.wait(&error)?;
                    pieces.push(rows);
                }
                _ => {
                    let rest = rows.split_off(rows.len() / 2);
                    pieces.push(rest);
                    pieces.push(rows);
                }
            }
        }
        Ok(())
    }

    /// Whether the store takes something else than what it has just refused. Too little memory for a single row is no fault of the row's.
    fn is_well(&mut self, error: &StoreError) -> Result<bool, End> {
        if matches!(error, StoreError::Memory { .. }) {
            return Ok(false);
        }
        let Ok(progress) = self.store.progress() else {
            return Ok(false);
        };
        let mut nothing = Batch {
            oldest_open: Some(progress.oldest_open),
            ..Batch::default()
        };
        Ok(self.offer(&mut nothing)?.is_none())
    }

    /// On disk before anything after it is in the store: from then on the inbox forgets it.
    fn refused_event(&mut self, event: &Event, error: &StoreError) -> Result<(), End> {
        refused("event");
        tracing::error!(%error, seq = event.seq, site = event.hit.site.0, "the event store refuses an event; it is kept in the inbox's table `refused`");
        self.keep(|feeder| feeder.aside.keep_event(event, &error.to_string()))
    }

    fn refused_visit(&mut self, visit: &Visit, error: &StoreError) -> Result<(), End> {
        refused("visit");
        tracing::error!(%error, visit = visit.id.0, site = visit.site.0, "the event store refuses a visit; it is kept in the inbox's table `refused`");
        self.keep(|feeder| feeder.aside.keep_visit(visit, &error.to_string()))
    }

    fn keep(&mut self, keep: impl Fn(&mut Self) -> Result<(), InboxError>) -> Result<(), End> {
        while let Err(error) = keep(self) {
            self.wait(&StoreError::Passing {
                path: "refused".to_owned(),
                message: error.to_string(),
            })?;
        }
        Ok(())
    }

    fn change(&mut self, change: Change) -> Result<(), End> {
        if self.is_of_failed(&change) {
            return Ok(());
        }
        let batch = Batch {
            changes: vec![change.clone()],
            ..Batch::default()
        };
        let Some(error) = self.offered(batch)? else {
            return Ok(());
        };
        match change {
            Change::ImportUndone(_) | Change::Delete { .. } => {
                refused("change");
                tracing::error!(%error, ?change, "the event store refuses a change; it is left out");
                self.backlog.refuse(change, error.to_string());
                Ok(())
            }
            _ => match change.import() {
                Some(import) => self.fail_import(import, &error),
                None => Ok(()),
            },
        }
    }

    /// An import is all or nothing.
    fn fail_import(&mut self, import: ImportId, error: &StoreError) -> Result<(), End> {
        refused("import");
        tracing::error!(%error, import = import.0, "the event store refuses something of an import; all of it is undone");
        self.failed.insert(import);
        self.backlog.fail_import(import, error.to_string());
        let undone = Batch {
            changes: vec![Change::ImportUndone(import)],
            ..Batch::default()
        };
        if let Some(error) = self.offered(undone)? {
            tracing::error!(%error, import = import.0, "what an import left is deleted at the next start");
        }
        Ok(())
    }
}

fn refused(what: &'static str) {
    metrics::counter!("pulsecast_store_refused_total", "what" => what).increment(1);
}
