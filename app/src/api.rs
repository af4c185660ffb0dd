//! All that the screens need of a server. The server implements it, bound to whoever asks; the app never sees a database.

mod feed;
mod goals;
mod links;
mod people;
mod visitors;

pub use feed::FeedApi;
pub use goals::GoalsApi;
pub use links::LinksApi;
pub use people::PeopleApi;
pub use visitors::VisitorsApi;

use crate::board::page::{BoardPage, FunnelPage, RetentionPage};
use async_trait::async_trait;
use pulsecast_protocol::{
    ApiError, Domain,
    account::{SiteSettings, SiteSummary, Viewer},
    api_key::{KeyReach, KeyRight, KeysView},
    data::DataPage,
    live::LiveState,
};
use std::sync::Arc;

/// The server as one request sees it: every method checks by itself whether the asker may.
#[async_trait]
pub trait Api:
    DataApi + FeedApi + GoalsApi + KeysApi + LinksApi + PeopleApi + VisitorsApi + Send + Sync + 'static
{
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

    /// The site's dashboard in the state that an address names: what follows its `?`.
    async fn board(&self, domain: Domain, search: String) -> Result<BoardPage, ApiError>;

    /// The same of the funnels.
    async fn funnel_page(&self, domain: Domain, search: String) -> Result<FunnelPage, ApiError>;

    /// The same of who comes back.
    async fn retention(&self, domain: Domain, search: String) -> Result<RetentionPage, ApiError>;

    /// The site's live page now.
    async fn live(&self, domain: Domain) -> Result<LiveState, ApiError>;
}

/// Imports and exports, as their screen needs them.
#[async_trait]
pub trait DataApi {
    /// The site's imports, and how far the one that runs is.
    async fn data(&self, domain: Domain) -> Result<DataPage, ApiError>;
}

/// API keys, as their screen needs them.
#[async_trait]
pub trait KeysApi {
    /// The site's keys, and the one that the asker just made: told once.
    async fn keys(&self, domain: Domain) -> Result<KeysView, ApiError>;

    /// Makes a key; the next [`KeysApi::keys`] tells it.
    async fn add_key(
        &self,
        domain: Domain,
        name: String,
        right: KeyRight,
        reach: KeyReach,
    ) -> Result<(), ApiError>;

    /// Makes a key worthless.
    async fn revoke_key(&self, domain: Domain, id: i64) -> Result<(), ApiError>;
}

/// The form in which the server puts it into Leptos' context.
pub type SharedApi = Arc<dyn Api>;
