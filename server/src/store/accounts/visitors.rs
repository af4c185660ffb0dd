//! How sites' signed-in visitors are known, and who of them was turned away before their time.

use super::AccountsError;
use crate::{event::SiteId, sites::Secret};
use async_trait::async_trait;
use pulsecast_protocol::{
    Timestamp,
    visitor::{RevokedKind, VisitorSettings},
};

/// A token or a user that was turned away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revocation {
    /// By which site.
    pub site: SiteId,
    /// A token or a user.
    pub kind: RevokedKind,
    /// The token's `jti`, or the user's name.
    pub name: String,
    /// When.
    pub at: Timestamp,
    /// From when on nothing is left that it could be about.
    pub until: Timestamp,
}

/// What becomes of the secret that a new one replaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OldSecret {
    /// It is worth nothing from now on.
    Ends,
    /// It is good until then.
    Until(Timestamp),
}

/// What is kept about visitors. The settings themselves are read with the sites.
#[async_trait]
pub trait VisitorBook: Send + Sync + 'static {
    /// Replaces what the site's admins have decided.
    async fn save_visitors(&self, site: SiteId, settings: &VisitorSettings) -> Result<(), AccountsError>;

    /// Gives the site a new secret.
    async fn put_visitor_secret(
        &self,
        site: SiteId,
        secret: &Secret,
        old: OldSecret,
    ) -> Result<(), AccountsError>;

    /// Ends the secret before the present one.
    async fn end_old_secret(&self, site: SiteId) -> Result<(), AccountsError>;

    /// Notes that somebody is turned away; of two about the same the later counts.
    async fn revoke(&self, revocation: &Revocation) -> Result<(), AccountsError>;

    /// All that is still about something, the newest first.
    async fn revocations(&self) -> Result<Vec<Revocation>, AccountsError>;

    /// Forgets what is about nothing any more.
    async fn forget_revocations(&self, now: Timestamp) -> Result<(), AccountsError>;
}
