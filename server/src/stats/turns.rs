//! Who may ask the store now: so many at a time, so many waiting, each for so long. What takes too long is stopped, and so is what nobody
//! waits for any more.

use super::{StatsError, limits::Limits};
use crate::store::{StatsSession, StatsStore, Stop};
use parking_lot::Mutex;
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::sync::Semaphore;

/// Until a statement that has begun too late to hear of it is told again to stop.
const AGAIN: Duration = Duration::from_millis(20);

/// The turns. A cheap handle.
#[derive(Clone)]
pub struct Turns {
    store: Arc<dyn StatsStore>,
    limits: Limits,
    places: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
}

/// One who waits; counted until dropped.
struct Waiting(Arc<AtomicUsize>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// What is running, until it is done: whoever gives up on it stops it.
#[derive(Clone, Default)]
struct Running(Arc<Mutex<Work>>);

#[derive(Default)]
enum Work {
    #[default]
    NotYet,
    With(Stop),
    GivenUp,
}

impl Running {
    /// Whether it may begin.
    fn begin(&self, stop: Stop) -> bool {
        let mut work = self.0.lock();
        let may = matches!(*work, Work::NotYet);
        if may {
            *work = Work::With(stop);
        }
        may
    }

    fn done(&self) {
        *self.0.lock() = Work::GivenUp;
    }

    fn give_up(&self) {
        let mut work = self.0.lock();
        match &*work {
            // Stays: it may have to be told again.
            Work::With(stop) => stop(),
            Work::NotYet | Work::GivenUp => *work = Work::GivenUp,
        }
    }
}

struct StopsWhenDropped(Running);

impl Drop for StopsWhenDropped {
    fn drop(&mut self) {
        self.0.give_up();
    }
}

impl Turns {
    /// Nobody waits.
    #[must_use]
    pub fn new(store: Arc<dyn StatsStore>, limits: Limits) -> Self {
        Self {
            store,
            limits,
            places: Arc::new(Semaphore::new(limits.concurrency.max(1))),
            waiting: Arc::default(),
        }
    }

    /// Runs blocking work with a session when it is its turn.
    ///
    /// # Errors
    /// What the work says; or that too many wait, or that it took too long.
    pub async fn ask<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut dyn StatsSession) -> Result<T, StatsError> + Send + 'static,
    ) -> Result<T, StatsError> {
        let timeout = self.limits.timeout;
        let begun = tokio::time::Instant::now();
        let place = {
            let before = self.waiting.fetch_add(1, Ordering::AcqRel);
            let _waiting = Waiting(self.waiting.clone());
            if before >= self.limits.queue + self.limits.concurrency {
                return Err(StatsError::Busy);
            }
            match tokio::time::timeout(timeout, self.places.clone().acquire_owned()).await {
                Ok(Ok(place)) => place,
                Ok(Err(_)) | Err(_) => return Err(StatsError::Busy),
            }
        };
        let (store, running) = (self.store.clone(), Running::default());
        let told = running.clone();
        let mut task = tokio::task::spawn_blocking(move || {
            // Given back when the work has really ended, not when somebody stopped waiting for it.
            let _place = place;
            let mut session = store.session()?;
            if !told.begin(session.stop()) {
                return Err(StatsError::TooSlow(0));
            }
            let outcome = work(&mut *session);
            told.done();
            outcome
        });
        let _stops = StopsWhenDropped(running.clone());
        let left = timeout.saturating_sub(begun.elapsed());
        let mut too_slow = false;
        let mut joined = tokio::time::timeout(left, &mut task).await;
        while joined.is_err() {
            too_slow = true;
            running.give_up();
            joined = tokio::time::timeout(AGAIN, &mut task).await;
        }
        let outcome = joined.ok().and_then(Result::ok).unwrap_or(Err(StatsError::Busy));
        match outcome {
            Err(StatsError::TooSlow(_)) => Err(StatsError::TooSlow(timeout.as_secs())),
            Err(_) if too_slow => Err(StatsError::TooSlow(timeout.as_secs())),
            other => other,
        }
    }
}
