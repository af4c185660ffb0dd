//! The trail of changes: who changed what of a site, and when. Kept when the account goes; forgotten by age.

use super::AccountsError;
use crate::event::SiteId;
use async_trait::async_trait;
use pulsecast_protocol::Timestamp;
use serde_json::Value;

/// A change to note.
#[derive(Clone, Debug)]
pub struct Change<'a> {
    /// Of which site; `None` where it is of none.
    pub site: Option<SiteId>,
    /// Who, by address; `command line` where nobody is signed in.
    pub email: &'a str,
    /// What was done: `goal.add`.
    pub action: &'a str,
    /// To what, and how.
    pub what: Value,
}

/// A change that was made.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditEntry {
    /// Its number; rises.
    pub id: i64,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub email: String,
    /// What was done.
    pub action: String,
    /// To what, and how.
    pub what: Value,
}

/// The trail as the server uses it.
#[async_trait]
pub trait AuditBook: Send + Sync + 'static {
    /// Notes a change.
    async fn note(&self, change: Change<'_>, now: Timestamp) -> Result<(), AccountsError>;

    /// The site's changes before the one of this number, the newest first.
    async fn changes(
        &self,
        site: SiteId,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<AuditEntry>, AccountsError>;

    /// Forgets changes that were made before.
    async fn forget_changes(&self, before: Timestamp) -> Result<(), AccountsError>;
}
