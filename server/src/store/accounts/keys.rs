//! API keys: with what programs show that they may ask or publish. The key itself is nowhere kept, only its hash.

use super::AccountsError;
use crate::{event::SiteId, sites::AccountId};
use async_trait::async_trait;
use pulsecast_protocol::Timestamp;
pub use pulsecast_protocol::api_key::KeyRight;

/// SHA-256 of a key.
pub type KeyHash = [u8; 32];

/// A key to be kept.
#[derive(Clone, Debug)]
pub struct NewKey<'a> {
    /// Of the key.
    pub hash: KeyHash,
    /// Its first letters, so that people tell keys apart.
    pub prefix: &'a str,
    /// What it is called.
    pub name: &'a str,
    /// Who made it; `None` on the command line.
    pub account: Option<AccountId>,
    /// For which site; `None` is all that the account may see.
    pub site: Option<SiteId>,
    /// What for.
    pub right: KeyRight,
}

/// A key as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// Its number.
    pub id: i64,
    /// See [`NewKey::prefix`].
    pub prefix: String,
    /// What it is called.
    pub name: String,
    /// Who made it; `None` on the command line. It is worth no more than this account's membership.
    pub account: Option<AccountId>,
    /// For which site; `None` is all that the account may see.
    pub site: Option<SiteId>,
    /// What for.
    pub right: KeyRight,
    /// Since when.
    pub created: Timestamp,
    /// When it was last used, to the minute.
    pub last_used: Option<Timestamp>,
}

/// The keys that are kept.
#[async_trait]
pub trait KeyBook: Send + Sync {
    /// Keeps a key; answers its number.
    async fn add_key(&self, key: &NewKey<'_>, now: Timestamp) -> Result<i64, AccountsError>;

    /// The key of this hash, unless it was revoked.
    async fn key(&self, hash: &KeyHash) -> Result<Option<ApiKey>, AccountsError>;

    /// Keys that are good for this site: its own, and those of its members for all of theirs; oldest first. Of all sites without one.
    async fn keys(&self, site: Option<SiteId>) -> Result<Vec<ApiKey>, AccountsError>;

    /// Makes a key worthless from now on; answers whether there was such a key.
    async fn revoke_key(&self, id: i64, now: Timestamp) -> Result<bool, AccountsError>;

    /// Notes that a key was used.
    async fn note_key_use(&self, id: i64, now: Timestamp) -> Result<(), AccountsError>;
}
