//! Moves what the inbox holds into the event store, on a thread of its own. What the store does not take is kept and tried again.

use super::Backlog;
use crate::{
    health::Health,
    store::{Batch, EventStore},
};
use std::time::Duration;

/// How long to wait before the store is tried again.
const RETRY: Duration = Duration::from_secs(1);
/// How many events are put in the store before a quiet moment is used for a checkpoint.
const CHECKPOINT_AFTER: usize = 100_000;

/// Runs until the backlog is closed and empty. `stored` is told of each batch that the store has taken; `stopping` says whether the process is going down: then a store that fails is left
/// as it is, since the inbox still has what it did not take.
pub fn run(
    mut store: impl EventStore,
    backlog: &Backlog,
    health: &Health,
    stored: impl Fn(&Batch),
    stopping: impl Fn() -> bool,
) {
    let mut unsettled = 0;
    while let Some(batch) = backlog.take() {
        if batch.is_empty() {
            if unsettled >= CHECKPOINT_AFTER && store.checkpoint().is_ok() {
                unsettled = 0;
            }
            continue;
        }
        loop {
            match store.append(&batch) {
                Ok(()) => break,
                Err(error) => {
                    tracing::error!(%error, events = batch.events.len(), "the event store does not take events; they are safe in the inbox, trying again");
                    health.red("store", error.to_string());
                    if stopping() {
                        return;
                    }
                    std::thread::sleep(RETRY);
                }
            }
        }
        health.ok("store");
        backlog.settle();
        stored(&batch);
        // Rows that were deleted give their room back with a checkpoint.
        unsettled += if batch.takes_away() {
            CHECKPOINT_AFTER
        } else {
            batch.events.len()
        };
        metrics::counter!("pulsecast_stored_total").increment(batch.events.len() as u64);
        if let Some(last) = batch.events.last() {
            backlog.moved(last.seq);
        }
    }
    if let Err(error) = store.checkpoint() {
        tracing::warn!(%error, "no checkpoint at the end; the next start replays the log");
    }
}
