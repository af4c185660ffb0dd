//! What the screens need of a server for feeds.

use async_trait::async_trait;
use pulsecast_protocol::{ApiError, Domain, feed::FeedPage};

/// As [`super::Api`]: every method checks by itself whether the asker may.
#[async_trait]
pub trait FeedApi: Send + Sync + 'static {
    /// The site's feed as its editors see it, with the item of this number being written.
    async fn feed(&self, domain: Domain, edit: Option<i64>) -> Result<FeedPage, ApiError>;
}
