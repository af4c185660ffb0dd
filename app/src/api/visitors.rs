//! What the screens need of a server for sites' signed-in visitors.

use async_trait::async_trait;
use pulsecast_protocol::{
    ApiError, Domain,
    visitor::{OldSecretMay, RevokedKind, VisitorSettings, VisitorsView},
};

/// As [`super::Api`]: every method checks by itself whether the asker may.
#[async_trait]
pub trait VisitorsApi: Send + Sync + 'static {
    /// What is decided, and the secret that the asker just made: told once.
    async fn visitors(&self, domain: Domain) -> Result<VisitorsView, ApiError>;

    /// Decides anew. Where tokens are signed with a secret and there is none, makes one; the next [`VisitorsApi::visitors`] tells it.
    async fn save_visitors(&self, domain: Domain, settings: VisitorSettings) -> Result<(), ApiError>;

    /// Makes a new secret; the next [`VisitorsApi::visitors`] tells it.
    async fn renew_secret(&self, domain: Domain, old: OldSecretMay) -> Result<(), ApiError>;

    /// Ends the secret before the present one.
    async fn end_old_secret(&self, domain: Domain) -> Result<(), ApiError>;

    /// Turns a token or a user away, and ends what they hold open.
    async fn revoke_visitor(&self, domain: Domain, kind: RevokedKind, name: String) -> Result<(), ApiError>;
}
