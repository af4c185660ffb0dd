//! Accounts, sites and the few secrets that outlive a restart: what the rest of the server asks of them. Knows no SQL; [`sqlite`] does.

pub mod audit;
pub mod feed;
mod goal_names;
pub mod goals;
pub mod keys;
pub mod links;
pub mod open;
pub mod people;
pub mod sqlite;
pub mod visitors;
pub mod watch;

pub use crate::sites::Role;
pub use audit::{AuditBook, AuditEntry, Change};
pub use feed::{FeedBook, FeedRow};
pub use goal_names::names as names_goal;
pub use goals::{GoalBook, NewGoal, NewSegment};
pub use keys::{ApiKey, KeyBook, KeyHash, KeyRight, NewKey};
pub use links::{Edited, LinkBook, LinkChange, NewLink, SharedLink};
pub use people::{Invitation, NewInvitation, People, Person};
pub use sqlite::SqliteAccounts;
pub use visitors::{OldSecret, Revocation, VisitorBook};
pub use watch::{load_sites, watch_sites};

use crate::{
    event::SiteId,
    sites::{AccountId, Site},
};
use async_trait::async_trait;
use pulsecast_protocol::{Domain, Timestamp, account::SiteSettings, exclude::Exclusions};
use std::fmt::Debug;

/// Who can sign in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its number.
    pub id: AccountId,
    /// The address, as it was first written.
    pub email: String,
    /// PHC string of argon2.
    pub password_hash: String,
}

/// Key of one UTC day's visitor hashes.
pub type Salt = [u8; 16];

/// Why the accounts cannot do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum AccountsError {
    /// Somebody has that address.
    #[error("there is an account for this address already: sign in, or use another address")]
    EmailTaken,
    /// Somebody counts that domain.
    #[error("this server counts {0} already")]
    DomainTaken(Domain),
    /// The first account exists.
    #[error("the first account exists already: sign in")]
    SetupDone,
    /// No such site.
    #[error("there is no such site")]
    NoSuchSite,
    /// No such thing of the site.
    #[error("there is no such {0}: it may have been removed meanwhile")]
    Gone(&'static str),
    /// The site has one of that name.
    #[error("the site has a {0} of this name already: choose another name")]
    NameTaken(&'static str),
    /// Something else is made of it.
    #[error("{0}")]
    InUse(String),
    /// A site is somebody's.
    #[error("a site needs an owner: make somebody else one first")]
    LastOwner,
    /// Made by a later version of this program.
    #[error(
        "the data directory was written by a newer pulsecast (schema {found}, this binary knows {known}): upgrade the binary or restore a backup"
    )]
    Newer {
        /// Of the file.
        found: i64,
        /// Of this binary.
        known: i64,
    },
    /// The file cannot be opened.
    #[error(
        "cannot open {path}: {reason}; check that the data directory exists and belongs to the user that runs pulsecast"
    )]
    Open {
        /// Which.
        path: String,
        /// Why.
        reason: String,
    },
    /// The database does not answer now: locked, disk full, gone.
    #[error("the accounts database does not answer: {0}")]
    Unavailable(String),
}

/// A part of a site's settings, as it is to be.
#[derive(Clone, Debug, PartialEq)]
pub enum SiteChange {
    /// All but the domain and the parts below.
    General(Box<SiteSettings>),
    /// What is not counted.
    Exclusions(Exclusions),
    /// For how many days events are kept; `None` is for ever.
    Retention(Option<u32>),
}

impl SiteChange {
    /// The settings with it.
    #[must_use]
    pub fn of(&self, now: SiteSettings) -> SiteSettings {
        match self.clone() {
            Self::General(settings) => SiteSettings {
                domain: now.domain,
                exclusions: now.exclusions,
                retention_days: now.retention_days,
                ..*settings
            },
            Self::Exclusions(exclusions) => SiteSettings { exclusions, ..now },
            Self::Retention(retention_days) => SiteSettings {
                retention_days,
                ..now
            },
        }
    }
}

/// The accounts database as the server uses it.
#[async_trait]
pub trait Accounts:
    GoalBook + People + LinkBook + KeyBook + FeedBook + AuditBook + VisitorBook + Debug + Send + Sync + 'static
{
    /// Adds an account; it becomes an owner of the demo site where there is one.
    async fn add_account(
        &self,
        email: &str,
        password_hash: &str,
        now: Timestamp,
    ) -> Result<AccountId, AccountsError>;

    /// Adds the first account and uses up the setup token, if there is no account yet; both or neither.
    async fn add_first_account(
        &self,
        email: &str,
        password_hash: &str,
        now: Timestamp,
    ) -> Result<AccountId, AccountsError>;

    /// The account of this address, capitals aside.
    async fn account(&self, email: &str) -> Result<Option<Account>, AccountsError>;

    /// The account of this number.
    async fn account_by_id(&self, id: AccountId) -> Result<Option<Account>, AccountsError>;

    /// How many there are.
    async fn count_accounts(&self) -> Result<u64, AccountsError>;

    /// All sites with their members and what these have set up.
    async fn sites(&self) -> Result<Vec<Site>, AccountsError>;

    /// Adds a site with these owners.
    async fn add_site(
        &self,
        settings: &SiteSettings,
        owners: &[AccountId],
        now: Timestamp,
    ) -> Result<SiteId, AccountsError>;

    /// Changes a part of a site's settings; the rest is as it is then, whoever changed it meanwhile.
    async fn change_site(&self, id: SiteId, change: &SiteChange) -> Result<(), AccountsError>;

    /// Removes a site; its number is never given again, so its events are out of reach.
    async fn remove_site(&self, id: SiteId) -> Result<(), AccountsError>;

    /// Makes an account a member, or gives it another role.
    async fn add_member(&self, site: SiteId, account: AccountId, role: Role) -> Result<(), AccountsError>;

    /// Makes everybody an owner of this site: the demo belongs to all.
    async fn add_everybody(&self, site: SiteId) -> Result<(), AccountsError>;

    /// What this account may do with this site.
    async fn role(&self, site: SiteId, account: AccountId) -> Result<Option<Role>, AccountsError>;

    /// When the site's first event arrived; `None` before.
    async fn first_event_at(&self, site: SiteId) -> Result<Option<Timestamp>, AccountsError>;

    /// Notes the first event of each of these sites; later calls change nothing.
    async fn note_first_event(&self, sites: &[SiteId], at: Timestamp) -> Result<(), AccountsError>;

    /// Keys of visitor hashes by UTC day (see [`Timestamp::day`]), oldest first.
    async fn salts(&self) -> Result<Vec<(i64, Salt)>, AccountsError>;

    /// Keeps this day's key unless there is one; answers the one that holds.
    async fn put_salt(&self, day: i64, salt: Salt) -> Result<Salt, AccountsError>;

    /// Forgets keys of earlier days, for good.
    async fn delete_salts_before(&self, day: i64) -> Result<(), AccountsError>;

    /// Keeps this secret unless there is one of that name; answers the one that holds.
    async fn secret(&self, name: &str, fresh: &[u8]) -> Result<Vec<u8>, AccountsError>;

    /// Replaces the setup token's hash.
    async fn put_setup_token(&self, hash: &[u8], now: Timestamp) -> Result<(), AccountsError>;

    /// The setup token's hash, where one is open.
    async fn setup_token(&self) -> Result<Option<Vec<u8>>, AccountsError>;
}
