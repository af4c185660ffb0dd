//! The trail of changes: who changed what of a site, and when. Kept when the account goes; forgotten by age.
//!
//! What is changed in the accounts is changed through [`AuditBook::noting`]: change and entry are one transaction. What is changed elsewhere
//! is noted before, by [`AuditBook::note`]: the trail may hold what then did not come about, never lack what did.

use super::{Accounts, AccountsError};
use crate::event::SiteId;
use async_trait::async_trait;
use pulsecast_protocol::Timestamp;
use serde_json::Value;

/// A change to note.
#[derive(Clone, Debug)]
pub struct Change<'a> {
    /// Of which site; `None` where it is of none.
    pub site: Option<SiteId>,
    /// Who, by address; `command line`, `API key …` or `retention` where nobody is signed in.
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
    /// The same accounts, for one change: what is written through them is kept together with this entry, or neither is. An entry without a site
    /// gets the one that is added. Asked again it notes both.
    fn noting(&self, change: Change<'_>, now: Timestamp) -> Box<dyn Accounts>;

    /// The same accounts, for a change that is nobody else's business.
    fn unnoted(&self) -> Box<dyn Accounts>;

    /// Notes a change of something else.
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
