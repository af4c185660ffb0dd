//! Moves what the inbox holds into the event store, on a thread of its own. What the disk is in the way of is kept and tried again; what the store
//! refuses for good is taken out (`piecemeal`), so that it holds up nobody else.

mod piecemeal;
#[cfg(test)]
mod tests;

use super::Backlog;
use crate::{
    health::Health,
    store::{Aside, Batch, EventStore, ImportId, StoreError},
};
use std::{collections::HashSet, time::Duration};

/// How long to wait before the store is tried again.
const RETRY: Duration = Duration::from_secs(1);
/// How many events are put in the store before a quiet moment is used for a checkpoint.
const CHECKPOINT_AFTER: usize = 100_000;
/// How often something that costs more memory than there is is tried before it is taken for too costly.
const COSTLY: u32 = 3;

/// How a feeder ended.
#[derive(Debug)]
pub enum Ended {
    /// The backlog is closed, and the store has it or the next start moves it on.
    InOrder,
    /// The store's engine has given up: nothing more is taken until the file is opened again, by another process.
    Broken(StoreError),
}

/// Who is told of what.
pub struct Ears<'a> {
    /// Trouble.
    pub health: &'a Health,
    /// Told of each batch that the store has taken.
    pub stored: &'a dyn Fn(&Batch),
    /// Whether the process is going down: then a store that fails is left as it is, since the inbox still has what it did not take.
    pub stopping: &'a dyn Fn() -> bool,
}

/// Runs until the backlog is closed and empty, or the store can take nothing more.
pub fn run(store: impl EventStore, backlog: &Backlog, aside: Aside, ears: Ears<'_>) -> Ended {
    Feeder::new(store, backlog, aside, ears, RETRY).run()
}

/// Why the feeder ends before the backlog does.
enum End {
    Stopping,
    Broken(StoreError),
}

struct Feeder<'a, S> {
    store: S,
    backlog: &'a Backlog,
    aside: Aside,
    ears: Ears<'a>,
    retry: Duration,
    /// The number of the next batch, once it is known.
    number: Option<i64>,
    /// Imports of which something was refused: all of them is taken out until they are undone.
    failed: HashSet<ImportId>,
    /// Whose the numbers of events are that may still come.
    pieces: Vec<(ImportId, u64, u64)>,
}

impl<'a, S: EventStore> Feeder<'a, S> {
    fn new(store: S, backlog: &'a Backlog, aside: Aside, ears: Ears<'a>, retry: Duration) -> Self {
        Self {
            store,
            backlog,
            aside,
            ears,
            retry,
            number: None,
            failed: HashSet::new(),
            pieces: Vec::new(),
        }
    }

    fn run(mut self) -> Ended {
        match self.feed() {
            Ok(()) | Err(End::Stopping) => Ended::InOrder,
            Err(End::Broken(error)) => {
                self.ears.health.red("store", error.to_string());
                Ended::Broken(error)
            }
        }
    }

    fn feed(&mut self) -> Result<(), End> {
        let mut unsettled = 0;
        while let Some(batch) = self.backlog.take() {
            if batch.is_empty() {
                self.look_after(&mut unsettled)?;
                continue;
            }
            // Rows that were deleted give their room back with a checkpoint.
            unsettled += if batch.takes_away() {
                CHECKPOINT_AFTER
            } else {
                batch.events.len()
            };
            let last = batch.events.last().map(|event| event.seq);
            let is_quiet = batch.is_quiet();
            self.take(batch)?;
            self.backlog.settle();
            if let Some(last) = last {
                self.backlog.moved(last);
            }
            if is_quiet {
                self.look_after(&mut unsettled)?;
            }
        }
        if let Err(error) = self.store.checkpoint() {
            tracing::warn!(%error, "no checkpoint at the end; the next start replays the log");
        }
        Ok(())
    }

    /// A quiet moment: for a checkpoint, and for seeing whether the engine is still there.
    fn look_after(&mut self, unsettled: &mut usize) -> Result<(), End> {
        let outcome = if *unsettled >= CHECKPOINT_AFTER {
            self.store.checkpoint().map(|()| *unsettled = 0)
        } else {
            self.store.progress().map(drop)
        };
        match outcome {
            Err(error @ StoreError::Broken { .. }) => Err(End::Broken(error)),
            _ => Ok(()),
        }
    }

    /// The store has it, or what it refuses of it is told of.
    fn take(&mut self, mut batch: Batch) -> Result<(), End> {
        self.note(&mut batch);
        match self.offer(&mut batch)? {
            None => self.tell(&batch),
            Some(error) => {
                tracing::warn!(%error, events = batch.events.len(), "the event store refuses a batch; looking for what it is");
                self.piecemeal(batch)?;
            }
        }
        self.forget();
        Ok(())
    }

    fn tell(&self, batch: &Batch) {
        metrics::counter!("pulsecast_stored_total").increment(batch.events.len() as u64);
        (self.ears.stored)(batch);
    }

    /// Until the store has it (`None`), or says that the reason why not is the batch itself.
    fn offer(&mut self, batch: &mut Batch) -> Result<Option<StoreError>, End> {
        if batch.is_empty() {
            return Ok(None);
        }
        let mut costly = 0;
        loop {
            let error = match self.append(batch) {
                Ok(()) => {
                    self.ears.health.ok("store");
                    return Ok(None);
                }
                Err(error @ StoreError::Broken { .. }) => return Err(End::Broken(error)),
                Err(error) => error,
            };
            // Its commit may have reached the disk nevertheless.
            match (self.store.progress(), self.number) {
                (Ok(progress), Some(number)) if progress.batch >= number => {
                    self.number = Some(progress.batch + 1);
                    return Ok(None);
                }
                (Ok(_), _) => match error {
                    StoreError::Engine { .. } => return Ok(Some(error)),
                    StoreError::Memory { .. } if costly + 1 >= COSTLY => return Ok(Some(error)),
                    StoreError::Memory { .. } => costly += 1,
                    _ => {}
                },
                (Err(error @ StoreError::Broken { .. }), _) => return Err(End::Broken(error)),
                (Err(_), _) => {}
            }
            self.wait(&error)?;
        }
    }

    fn append(&mut self, batch: &mut Batch) -> Result<(), StoreError> {
        let number = match self.number {
            Some(number) => number,
            None => self.store.progress()?.batch + 1,
        };
        self.number = Some(number);
        batch.number = Some(number);
        self.store.append(batch)?;
        self.number = Some(number + 1);
        Ok(())
    }

    /// Before trying again.
    fn wait(&self, error: &StoreError) -> Result<(), End> {
        tracing::error!(%error, "the event store does not take events; they are safe in the inbox, trying again");
        self.ears.health.red("store", error.to_string());
        if (self.ears.stopping)() {
            return Err(End::Stopping);
        }
        std::thread::sleep(self.retry);
        Ok(())
    }
}
