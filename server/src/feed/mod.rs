//! The feed: what a site's editors and programs publish to all its open pages. Owns an item's way from what was typed to the channel `feed:{site}`,
//! its end, and what pages that come later start from.
//!
//! What visitors ought to know is decided in the accounts database first and then told to the channel, under a key made of the item's number and
//! revision: a process that ends in between tells it when it starts again, and nothing is told twice. One item at a time of each site: the order of
//! the channel is the order of the decisions.
//!
//! Everybody is sent everything, so that a position means the same to all and an item is encoded once. Whom an item is for is up to the page: the
//! audience travels with the item, and the answer to a subscription says which country the page's visitor is in.

mod check;
mod desk;
mod door;
pub mod embed;
mod html;
mod keep;
mod shelf;
#[cfg(test)]
mod tests;

pub use check::{TEXT, TITLE};
pub use desk::Posted;

use crate::{
    clock::SharedClock,
    enrich::Countries,
    event::SiteId,
    hub::{Hub, Look, PublishError},
    sites::{Site, Sites},
    store::accounts::{Accounts, AccountsError, FeedRow},
    tasks::Tasks,
};
use parking_lot::Mutex;
use pulsecast_protocol::{
    Channel, Domain, FieldErrors, Position,
    feed::{FeedChange, FeedState},
};
use shelf::Shelf;
use std::{collections::HashMap, fmt, net::IpAddr, sync::Arc, time::Duration};

/// What a feed may hold.
#[derive(Clone, Copy, Debug)]
pub struct FeedLimits {
    /// Items that a page gets when it opens.
    pub backlog: usize,
    /// Items of a site that are kept, whatever became of them.
    pub items: u32,
}

impl Default for FeedLimits {
    fn default() -> Self {
        Self {
            backlog: 20,
            items: 2_000,
        }
    }
}

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// It cannot be published as it is.
    #[error("{0}")]
    Fields(FieldErrors),
    /// There is none.
    #[error("there is no such item: it may have been removed meanwhile")]
    Gone,
    /// Two did something with it at once.
    #[error("somebody else has just changed this item: look at it again")]
    Changed,
    /// It has that state and cannot get there.
    #[error("{0}")]
    Cannot(&'static str),
    /// The site has as many as it may.
    #[error(
        "the site has {0} feed items that are shown, planned or being written: withdraw or remove some (or start pulsecast with a higher --feed-items)"
    )]
    Full(u32),
    /// It is decided and kept, but the channel does not take it now.
    #[error("the item is kept and goes out as soon as the disk takes it: do not send it again ({0})")]
    Later(PublishError),
    /// The accounts do not answer.
    #[error(transparent)]
    Accounts(#[from] AccountsError),
}

impl From<FieldErrors> for FeedError {
    fn from(errors: FieldErrors) -> Self {
        Self::Fields(errors)
    }
}

struct Shared {
    accounts: Arc<dyn Accounts>,
    hub: Hub,
    sites: Sites,
    countries: Countries,
    clock: SharedClock,
    tasks: Tasks,
    limits: FeedLimits,
    shelves: Mutex<HashMap<SiteId, Shelf>>,
    /// Whoever tells a site's channel something holds its turn.
    turns: Mutex<HashMap<SiteId, Arc<tokio::sync::Mutex<()>>>>,
}

/// All sites' feeds. A cheap handle.
#[derive(Clone)]
pub struct Feed(Arc<Shared>);

impl fmt::Debug for Feed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Feed")
            .field("limits", &self.0.limits)
            .finish_non_exhaustive()
    }
}

impl Feed {
    /// Takes up what the last process left: what it decided and did not tell, and what is shown.
    ///
    /// # Errors
    /// When the accounts do not answer.
    pub async fn open(
        accounts: Arc<dyn Accounts>,
        hub: Hub,
        sites: Sites,
        countries: Countries,
        (clock, tasks): (SharedClock, Tasks),
        limits: FeedLimits,
    ) -> Result<Self, AccountsError> {
        let feed = Self(Arc::new(Shared {
            accounts,
            hub,
            sites,
            countries,
            clock,
            tasks,
            limits,
            shelves: Mutex::default(),
            turns: Mutex::default(),
        }));
        for row in feed.0.accounts.live_feed().await? {
            let (Some(item), Some(site)) = (row.item, feed.0.sites.by_id(row.site)) else {
                continue;
            };
            feed.with_shelf(&site, |shelf| shelf.load(item, row.received));
        }
        feed.0.shelves.lock().values_mut().for_each(Shelf::arrange);
        feed.tick().await?;
        Ok(feed)
    }

    /// What a page of the site starts from that finds its channel like this, and where its visitor is, as far as that can be told from the
    /// address: a [`pulsecast_protocol::feed::FeedOpening`] as JSON.
    fn opening(&self, site: &Site, look: &Look, from: Option<IpAddr>) -> String {
        let mut items = self.with_shelf(site, |shelf| {
            shelf.catch_up(look);
            shelf.open().to_owned()
        });
        if let Some(country) = from.and_then(|ip| self.0.countries.of(ip)) {
            items = format!("{items},\"country\":\"{country}\"");
        }
        format!("{{\"items\":{items}}}")
    }

    /// How many page loads each item that is shown was delivered to: pages that were open when it was published, and pages that were opened
    /// or came back since.
    #[must_use]
    pub fn received(&self, site: &Site) -> Vec<(i64, u64)> {
        self.with_shelf(site, |shelf| shelf.received().collect())
    }

    /// How many pages receive the site's feed now.
    #[must_use]
    pub fn open_pages(&self, site: &Site) -> u32 {
        self.0.hub.readers(&channel(&site.settings.domain))
    }

    /// Waits that long; answers whether the server is ending meanwhile.
    pub async fn ends_within(&self, wait: Duration) -> bool {
        tokio::time::timeout(wait, self.0.tasks.stopping()).await.is_ok()
    }

    fn with_shelf<T>(&self, site: &Site, act: impl FnOnce(&mut Shelf) -> T) -> T {
        let mut shelves = self.0.shelves.lock();
        let shelf = shelves.entry(site.id).or_insert_with(|| {
            let look = self.0.hub.look(&channel(&site.settings.domain), None);
            // Where the disk does not answer the position is nobody's, and made good when somebody looks.
            let position = look.map(|look| look.position).unwrap_or_default();
            Shelf::new(position, self.0.limits.backlog)
        });
        act(shelf)
    }

    /// Tells the channel what was decided about an item, once; answers where it is in the channel.
    async fn tell(&self, site: SiteId, id: i64) -> Result<Position, FeedError> {
        let site = self.0.sites.by_id(site).ok_or(FeedError::Gone)?;
        let turn = self.0.turns.lock().entry(site.id).or_default().clone();
        let _held = turn.lock().await;
        // Another may have told it while we waited, or changed it again.
        let row = self
            .0
            .accounts
            .feed_item(site.id, id)
            .await?
            .ok_or(FeedError::Gone)?;
        let change = match (row.told, row.state, row.item) {
            (false, FeedState::Live, Some(item)) => FeedChange::Publish(item),
            (false, FeedState::Expired | FeedState::Withdrawn, _) => FeedChange::Withdraw { id },
            _ => {
                let now = || self.with_shelf(&site, |shelf| shelf.position.clone());
                return Ok(row.position.unwrap_or_else(now));
            }
        };
        let (name, key) = (
            channel(&site.settings.domain),
            format!("feed:{id}:{}", row.revision),
        );
        // The shelf begins before the publication does: otherwise it would begin after it, without it.
        self.with_shelf(&site, |_| ());
        let payload = serde_json::to_vec(&change)
            .map_err(|error| FeedError::Later(PublishError::Invalid(error.to_string())))?;
        let readers = u64::from(self.0.hub.readers(&name));
        let position = self
            .0
            .hub
            .publish_durable(&name, payload.into(), Some(&key))
            .await
            .map_err(FeedError::Later)?;
        let readers = if matches!(change, FeedChange::Publish(_)) {
            readers
        } else {
            row.received
        };
        let noted = self
            .0
            .accounts
            .feed_item_told(id, row.revision, &position, readers)
            .await;
        metrics::counter!("pulsecast_feed_published_total").increment(1);
        self.with_shelf(&site, |shelf| shelf.apply(change, position.clone(), readers));
        noted?;
        Ok(position)
    }

    /// Replaces a row that nobody else changed meanwhile.
    async fn put(&self, row: &FeedRow, from: i64) -> Result<(), FeedError> {
        self.put_in(&*self.0.accounts, row, from).await
    }

    /// The same, noted as these accounts note it.
    async fn put_in(&self, accounts: &dyn Accounts, row: &FeedRow, from: i64) -> Result<(), FeedError> {
        if accounts.put_feed_item(row, from, self.0.clock.now()).await? {
            return Ok(());
        }
        Err(FeedError::Changed)
    }
}

fn channel(domain: &Domain) -> String {
    let site = domain.clone();
    Channel::Feed { site }.to_string()
}
