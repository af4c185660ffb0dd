//! All that the screens need of a server. The server implements it, bound to whoever asks; the app never sees a database.

use async_trait::async_trait;
use pulsecast_protocol::{
    ApiError, Domain,
    account::{SiteSettings, SiteSummary, Viewer},
    live::LiveState,
};
use std::sync::Arc;

/// The server as one request sees it: every method checks by itself whether the asker may.
#[async_trait]
pub trait Api: Send + Sync + 'static {
    /// Who is signed in.
    fn viewer(&self) -> Option<Viewer>;

    /// The address this server is reached at, without trailing slash: `https://stats.example.com`. Snippets are made with it.
    fn public_url(&self) -> String;

    /// Names of the time zones a site can have.
    fn timezones(&self) -> Vec<String>;

    /// The asker's sites, by domain.
    async fn sites(&self) -> Result<Vec<SiteSummary>, ApiError>;

    /// Adds a site that the asker owns.
    async fn add_site(&self, domain: String, timezone: String) -> Result<SiteSettings, ApiError>;

    /// One site's settings.
    async fn site(&self, domain: Domain) -> Result<SiteSettings, ApiError>;

    /// Changes a site's settings, found by their domain.
    async fn save_site(&self, settings: SiteSettings) -> Result<SiteSettings, ApiError>;

    /// Removes a site and makes its events unreachable.
    async fn remove_site(&self, domain: Domain) -> Result<(), ApiError>;

    /// Whether an event has ever arrived for the site.
    async fn has_events(&self, domain: Domain) -> Result<bool, ApiError>;

    /// The site's live page now.
    async fn live(&self, domain: Domain) -> Result<LiveState, ApiError>;
}

/// The form in which the server puts it into Leptos' context.
pub type SharedApi = Arc<dyn Api>;
