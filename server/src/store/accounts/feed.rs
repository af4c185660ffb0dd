//! Feed items as they are kept: what is being written, what was published, and whether the channel has been told.

use super::AccountsError;
use crate::event::SiteId;
use async_trait::async_trait;
use pulsecast_protocol::{
    Position, Timestamp,
    feed::{FeedDraft, FeedItem, FeedState},
};

/// An item of a site's feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedRow {
    /// Its number.
    pub id: i64,
    /// Whose.
    pub site: SiteId,
    /// How far it is.
    pub state: FeedState,
    /// What is being written; `None` when all of it is published.
    pub draft: Option<FeedDraft>,
    /// What was published, or is going to be.
    pub source: Option<FeedDraft>,
    /// What visitors get of it.
    pub item: Option<FeedItem>,
    /// Who changed it last.
    pub author: String,
    /// When it is to be published.
    pub publish_at: Option<Timestamp>,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// Rises with each change that visitors ought to know of.
    pub revision: i64,
    /// Whether the channel has the last one.
    pub told: bool,
    /// Where in the channel that is; a request that is sent again is answered with it.
    pub position: Option<Position>,
    /// How many page loads the last one was delivered to.
    pub received: u64,
    /// The idempotency key of the request that made it.
    pub request: Option<String>,
}

/// Feed items as the server uses them.
#[async_trait]
pub trait FeedBook: Send + Sync + 'static {
    /// Keeps a new item: its number and revision are given here. Where the site has one of that request already, that one is answered.
    async fn add_feed_item(&self, row: &FeedRow, now: Timestamp) -> Result<FeedRow, AccountsError>;

    /// One of them.
    async fn feed_item(&self, site: SiteId, id: i64) -> Result<Option<FeedRow>, AccountsError>;

    /// The site's newest.
    async fn feed_items(&self, site: SiteId, most: u32) -> Result<Vec<FeedRow>, AccountsError>;

    /// How many the site has.
    async fn count_feed_items(&self, site: SiteId) -> Result<u64, AccountsError>;

    /// Keeps all of this row in the place of the one that had revision `from`; answers whether there was that one.
    async fn put_feed_item(&self, row: &FeedRow, from: i64, now: Timestamp) -> Result<bool, AccountsError>;

    /// Notes that the channel has this revision, and where.
    async fn feed_item_told(
        &self,
        id: i64,
        revision: i64,
        position: &Position,
        received: u64,
    ) -> Result<(), AccountsError>;

    /// Removes this revision of one, if nobody was told of it; answers whether that was so.
    async fn forget_untold(&self, id: i64, revision: i64) -> Result<bool, AccountsError>;

    /// Removes one.
    async fn remove_feed_item(&self, site: SiteId, id: i64) -> Result<(), AccountsError>;

    /// What is to be done by now: not told yet, scheduled until now, live until now; the oldest first.
    async fn feed_due(&self, now: Timestamp) -> Result<Vec<FeedRow>, AccountsError>;

    /// The site's oldest that is shown and not pinned.
    async fn oldest_shown(&self, site: SiteId) -> Result<Option<FeedRow>, AccountsError>;

    /// What visitors are to see, of all sites.
    async fn live_feed(&self) -> Result<Vec<FeedRow>, AccountsError>;

    /// Adds to how many page loads each of these was delivered to.
    async fn note_feed_received(&self, more: &[(i64, u64)]) -> Result<(), AccountsError>;

    /// Removes the oldest that are over, or were written and left, beyond so many of a site.
    async fn trim_feed(&self, site: SiteId, most: u32) -> Result<(), AccountsError>;
}
