//! What the screens need of a server for shared links, exclusions and the audit trail.

use async_trait::async_trait;
use pulsecast_protocol::{
    ApiError, Domain,
    access::{ChangeView, LinkDraft, LinkEdit, LinkView, Shared},
    account::SiteSettings,
    exclude::Exclusions,
};

/// As [`super::Api`]: every method checks by itself whether the asker may.
#[async_trait]
pub trait LinksApi: Send + Sync + 'static {
    /// The site's shared links.
    async fn links(&self, domain: Domain) -> Result<Vec<LinkView>, ApiError>;

    /// Makes one; answers the secret part of its address, which is shown this once.
    async fn add_link(&self, domain: Domain, link: LinkDraft) -> Result<String, ApiError>;

    /// Changes one: its address stays. With another password or end whoever has it open is asked anew.
    async fn change_link(&self, domain: Domain, link: i64, edit: LinkEdit) -> Result<(), ApiError>;

    /// Removes one: whoever has it open sees nothing any more.
    async fn remove_link(&self, domain: Domain, link: i64) -> Result<(), ApiError>;

    /// What the shared link in this page's address shows; nobody has to be signed in.
    async fn shared(&self) -> Result<Shared, ApiError>;

    /// What is not counted, and how long what is counted is kept, among all else that is set.
    async fn exclusions(&self, domain: Domain) -> Result<SiteSettings, ApiError>;
    /// Replaces what is not counted.
    async fn save_exclusions(&self, domain: Domain, exclusions: Exclusions) -> Result<(), ApiError>;

    /// Changes how long events are kept; `None` is for ever.
    async fn save_retention(&self, domain: Domain, days: Option<u32>) -> Result<(), ApiError>;

    /// A page of the site's changes before the one of this number, the newest first.
    async fn changes(&self, domain: Domain, before: Option<i64>) -> Result<Vec<ChangeView>, ApiError>;
}
