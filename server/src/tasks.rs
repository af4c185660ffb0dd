//! The only place that starts tasks and threads. Each has a name; all of them end when shutdown is asked for, in a known order:
//! accepting stops, connections are told, the writer flushes, the process exits.

use std::{future::Future, io, thread::JoinHandle, time::Duration};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Starts tasks and waits for their end. A cheap handle.
#[derive(Clone, Debug, Default)]
pub struct Tasks {
    tracker: TaskTracker,
    stop: CancellationToken,
}

impl Tasks {
    /// Nothing running.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Runs `task` until it ends by itself; it should watch [`Tasks::stopping`].
    #[allow(clippy::disallowed_methods, reason = "this is the module that owns spawning")]
    pub fn spawn(&self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        tracing::trace!(task = name, "starts");
        drop(self.tracker.spawn(task));
    }

    /// Runs blocking work on a thread of its own, for as long as the process lives or the work lasts.
    ///
    /// # Errors
    /// When the system has no thread left.
    #[allow(clippy::disallowed_methods, reason = "this is the module that owns spawning")]
    pub fn thread<T: Send + 'static>(
        &self,
        name: &'static str,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> io::Result<JoinHandle<T>> {
        std::thread::Builder::new().name(name.to_owned()).spawn(work)
    }

    /// Ends when shutdown has been asked for.
    pub async fn stopping(&self) {
        self.stop.cancelled().await;
    }

    /// Whether shutdown has been asked for.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.stop.is_cancelled()
    }

    /// Asks everything to end.
    pub fn stop(&self) {
        self.stop.cancel();
    }

    /// Waits until every task has ended, at most `patience`. Returns whether all did.
    pub async fn wait(&self, patience: Duration) -> bool {
        self.tracker.close();
        tokio::time::timeout(patience, self.tracker.wait()).await.is_ok()
    }
}
