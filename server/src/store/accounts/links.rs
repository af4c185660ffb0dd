//! Shared links: addresses under which others see a site's dashboard.

use super::AccountsError;
use crate::{event::SiteId, sites::LinkId};
use async_trait::async_trait;
use pulsecast_protocol::Timestamp;
pub use pulsecast_protocol::access::Edited;

/// A link to be kept.
#[derive(Clone, Debug)]
pub struct NewLink<'a> {
    /// SHA-256 of what its address holds.
    pub hash: &'a [u8; 32],
    /// The first letters of that, so that people tell links apart.
    pub prefix: &'a str,
    /// What it is called.
    pub name: &'a str,
    /// PHC string of argon2, where a password is asked for.
    pub password_hash: Option<&'a str>,
    /// The saved filter that it is limited to.
    pub segment: Option<i64>,
    /// Whether other pages may show it in a frame.
    pub embed: bool,
    /// From when on it shows nothing.
    pub expires: Option<Timestamp>,
}

/// What becomes of a link.
#[derive(Clone, Debug)]
pub struct LinkChange<'a> {
    /// What it is called from now on.
    pub name: &'a str,
    /// PHC string of argon2 of its new password; none where none is asked for any more.
    pub password_hash: Edited<Option<&'a str>>,
    /// From when on it shows nothing.
    pub expires: Edited<Option<Timestamp>>,
}

/// A link, for people to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedLink {
    /// Its number.
    pub id: LinkId,
    /// The first letters of what its address holds.
    pub prefix: String,
    /// What it is called.
    pub name: String,
    /// Whether a password is asked for.
    pub has_password: bool,
    /// The saved filter that it is limited to.
    pub segment: Option<i64>,
    /// Whether other pages may show it in a frame.
    pub embed: bool,
    /// When it was made.
    pub created: Timestamp,
    /// From when on it shows nothing.
    pub expires: Option<Timestamp>,
    /// When somebody last opened it, to the hour.
    pub last_used: Option<Timestamp>,
}

/// Links as the server uses them.
#[async_trait]
pub trait LinkBook: Send + Sync + 'static {
    /// Keeps a link; its segment has to be a shared one of the same site.
    async fn add_link(
        &self,
        site: SiteId,
        link: &NewLink<'_>,
        now: Timestamp,
    ) -> Result<LinkId, AccountsError>;

    /// The site's links, the newest first.
    async fn links(&self, site: SiteId) -> Result<Vec<SharedLink>, AccountsError>;

    /// Changes a link; its address stays. With another password or end it gets another number, so that whatever says that somebody came by it
    /// is worth nothing any more: whoever has it open is asked anew.
    async fn change_link(
        &self,
        site: SiteId,
        link: LinkId,
        change: &LinkChange<'_>,
    ) -> Result<(), AccountsError>;

    /// Removes a link.
    async fn remove_link(&self, site: SiteId, link: LinkId) -> Result<(), AccountsError>;

    /// Notes that somebody opened it, at most once an hour.
    async fn note_link_used(&self, link: LinkId, now: Timestamp) -> Result<(), AccountsError>;
}
