//! The only place that asks what time it is. Everything else is told, so that tests never wait.

use parking_lot::Mutex;
use pulsecast_protocol::Timestamp;
use std::{fmt::Debug, sync::Arc, time::SystemTime};

/// Tells the time.
pub trait Clock: Debug + Send + Sync + 'static {
    /// Now, by this clock.
    fn now(&self) -> Timestamp;
}

/// A clock that many hold.
pub type SharedClock = Arc<dyn Clock>;

/// The machine's clock.
#[derive(Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods, reason = "this is the module that owns the clock")]
    fn now(&self) -> Timestamp {
        let since = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
}

/// A clock that stands still until it is moved: for tests.
#[derive(Debug)]
pub struct ManualClock(Mutex<Timestamp>);

impl ManualClock {
    /// A clock that shows `now`.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        Self(Mutex::new(now))
    }

    /// Moves it forward by so many milliseconds.
    pub fn advance(&self, millis: i64) {
        let mut now = self.0.lock();
        *now = now.plus(millis);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.0.lock()
    }
}
