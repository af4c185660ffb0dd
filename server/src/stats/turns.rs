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
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Until a statement that has begun too late to hear of it is told again to stop.
const AGAIN: Duration = Duration::from_millis(20);
/// How many times it is told while somebody waits for it to hear: five seconds.
const TOLD: u32 = 250;

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

    /// Whether it had begun.
    fn give_up(&self) -> bool {
        let mut work = self.0.lock();
        match &*work {
            // Stays: it may have to be told again.
            Work::With(stop) => {
                stop();
                true
            }
            Work::NotYet | Work::GivenUp => {
                *work = Work::GivenUp;
                false
            }
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

    async fn place(&self, patience: Duration) -> Result<OwnedSemaphorePermit, StatsError> {
        if let Ok(place) = self.places.clone().try_acquire_owned() {
            return Ok(place);
        }
        let before = self.waiting.fetch_add(1, Ordering::AcqRel);
        let _waiting = Waiting(self.waiting.clone());
        if before >= self.limits.queue {
            return Err(StatsError::Busy);
        }
        match tokio::time::timeout(patience, self.places.clone().acquire_owned()).await {
            Ok(Ok(place)) => Ok(place),
            Ok(Err(_)) | Err(_) => Err(StatsError::Busy),
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
        let place = self.place(timeout).await?;
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
        for _ in 0..TOLD {
            if joined.is_ok() {
                break;
            }
            too_slow = true;
            let has_begun = running.give_up();
            joined = tokio::time::timeout(AGAIN, &mut task).await;
            if !has_begun {
                // Done in that very moment, or there is no thread for it: then it never begins.
                task.abort();
                break;
            }
        }
        // One that does not hear keeps its place; who asked does not wait for that.
        let outcome = match joined {
            Ok(joined) => joined.unwrap_or(Err(StatsError::Busy)),
            Err(_) => Err(StatsError::TooSlow(0)),
        };
        match outcome {
            Err(StatsError::TooSlow(_)) => Err(StatsError::TooSlow(timeout.as_secs())),
            Err(_) if too_slow => Err(StatsError::TooSlow(timeout.as_secs())),
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        clock::ManualClock,
        store::{Cell, duck},
    };
    use pulsecast_protocol::Timestamp;

    const ENDLESS: &str = "select count(*) from range(1000000000000) a where a.range % 3 = 1";

    fn turns(dir: &tempfile::TempDir, limits: Limits) -> Turns {
        let (_, reader) = duck::open(&duck::DuckSettings {
            path: dir.path().join("events.duckdb"),
            memory_mib: 64,
            threads: 1,
        })
        .unwrap();
        let clock = Arc::new(ManualClock::new(Timestamp(0)));
        Turns::new(Arc::new(reader.stats(clock, 0).unwrap()), limits)
    }

    async fn ask(turns: &Turns, sql: &'static str) -> Result<Vec<Vec<Cell>>, StatsError> {
        turns.ask(move |session| Ok(session.ask(sql, &[])?)).await
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_takes_too_long_is_cancelled_and_the_next_is_answered() {
        let dir = tempfile::tempdir().unwrap();
        let turns = turns(
            &dir,
            Limits {
                timeout: Duration::from_millis(300),
                concurrency: 1,
                queue: 1,
            },
        );
        assert!(matches!(ask(&turns, ENDLESS).await, Err(StatsError::TooSlow(_))));
        assert_eq!(ask(&turns, "select 1").await.unwrap(), [[Cell::Int(1)]]);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_nobody_waits_for_any_more_is_cancelled() {
        let dir = tempfile::tempdir().unwrap();
        let limits = Limits {
            timeout: Duration::from_secs(60),
            concurrency: 1,
            queue: 1,
        };
        let turns = turns(&dir, limits);
        drop(tokio::time::timeout(Duration::from_millis(200), ask(&turns, ENDLESS)).await);
        // Its place is free again only when it has really ended.
        let next = tokio::time::timeout(Duration::from_secs(20), ask(&turns, "select 1")).await;
        assert_eq!(next.unwrap().unwrap(), [[Cell::Int(1)]]);
    }

    #[test]
    fn a_question_for_which_there_is_no_thread_is_answered_in_time_and_gives_its_place_back() {
        let dir = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .max_blocking_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let limits = Limits {
            timeout: Duration::from_millis(200),
            concurrency: 1,
            queue: 1,
        };
        let turns = turns(&dir, limits);
        let (release, held) = std::sync::mpsc::sync_channel::<()>(0);
        runtime.block_on(async {
            let other = tokio::task::spawn_blocking(move || held.recv().is_ok());
            let asked = tokio::time::timeout(Duration::from_secs(10), ask(&turns, "select 1"));
            assert!(matches!(
                asked.await.expect("it does not wait for a thread"),
                Err(StatsError::TooSlow(_))
            ));
            drop(release);
            other.await.unwrap();
            assert_eq!(ask(&turns, "select 1").await.unwrap(), [[Cell::Int(1)]]);
        });
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn more_than_may_wait_are_told_to_come_again() {
        let dir = tempfile::tempdir().unwrap();
        let limits = Limits {
            timeout: Duration::from_millis(500),
            concurrency: 1,
            queue: 1,
        };
        let turns = turns(&dir, limits);
        let outcomes = futures::future::join_all((0..3).map(|_| ask(&turns, ENDLESS))).await;
        let busy = outcomes
            .iter()
            .filter(|outcome| matches!(outcome, Err(StatsError::Busy)))
            .count();
        let slow = outcomes
            .iter()
            .filter(|outcome| matches!(outcome, Err(StatsError::TooSlow(_))))
            .count();
        // One is at it, one may wait, one may not even wait; whether the second's turn comes in its last millisecond is a race.
        assert!(busy >= 1, "{busy} were busy");
        assert_eq!(busy + slow, 3);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_is_too_big_is_told_so() {
        let dir = tempfile::tempdir().unwrap();
        let limits = Limits {
            timeout: Duration::from_secs(60),
            ..Limits::default()
        };
        let turns = turns(&dir, limits);
        let big = "select count(*), max(len(l)) from \
                   (select hash(range) as h, list(range) as l from range(20000000) group by h)";
        assert!(matches!(ask(&turns, big).await, Err(StatsError::TooBig)));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_is_no_expression_is_refused_with_the_engines_reason() {
        let dir = tempfile::tempdir().unwrap();
        let turns = turns(&dir, Limits::default());
        let refused = ask(&turns, "select regexp_matches('', '(a')").await.unwrap_err();
        assert!(matches!(refused, StatsError::Invalid { reason, .. } if reason.contains("missing )")));
    }
}
