//! What questions about history need of an event store: run this statement, on one state of the store, and stop when told.

use super::StoreError;
use std::sync::Arc;

/// Why a statement gave no rows.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// It was told to stop.
    #[error("the query was cancelled")]
    Cancelled,
    /// It wanted more memory, or more room on disk for what does not fit, than it may have.
    #[error("the query needs more memory than it may have")]
    TooBig,
    /// The engine does not accept a value, such as a regular expression.
    #[error("{0}")]
    Refused(String),
    /// The store does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// One value of a row.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// Nothing.
    Null,
    /// A whole number.
    Int(i128),
    /// Any other number.
    Real(f64),
    /// Text.
    Text(String),
}

impl Cell {
    /// The whole number; 0 for anything else.
    #[must_use]
    pub fn int(&self) -> i128 {
        self.opt_int().unwrap_or(0)
    }

    /// The whole number, if it is one.
    #[must_use]
    pub const fn opt_int(&self) -> Option<i128> {
        match self {
            Self::Int(n) => Some(*n),
            _ => None,
        }
    }

    /// The text, if it is one.
    #[must_use]
    pub fn into_text(self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// A state of the store that questions are asked of. Visits that have not ended are in `fresh.visits`, in the columns of `visits`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Rows of `visits` from later batches are in `fresh.visits` still: they are not to be counted.
    pub batch: i64,
}

/// Gives sessions.
pub trait StatsStore: Send + Sync {
    /// A session of one's own. Blocks.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn session(&self) -> Result<Box<dyn StatsSession>, AskError>;
}

/// Stops what a session is doing, from another thread; whatever it is asked after that is cancelled too.
pub type Stop = Arc<dyn Fn() + Send + Sync>;

/// Answers statements, all on one state of the store once it has begun. Calls block.
pub trait StatsSession: Send {
    /// How to stop it.
    fn stop(&self) -> Stop;

    /// Brings the open visits up to date, if they are too old, and holds on to the state of the store.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn begin(&mut self) -> Result<Snapshot, AskError>;

    /// The rows of a statement. `$1` is the first of the texts.
    ///
    /// # Errors
    /// When it was stopped, is too big, or the store cannot be read.
    fn ask(&mut self, sql: &str, texts: &[String]) -> Result<Vec<Vec<Cell>>, AskError>;
}
