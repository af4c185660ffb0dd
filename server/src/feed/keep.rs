//! What happens to items by itself: the planned are published, the ended taken back, what could not be told is told, and the counts of deliveries
//! are written down.

use super::{Feed, FeedError};
use crate::store::accounts::{AccountsError, FeedRow};
use pulsecast_protocol::{Timestamp, feed::FeedState};
use std::time::Duration;

/// How often it is looked for.
const EVERY: Duration = Duration::from_secs(1);

impl Feed {
    /// Starts the task that looks each second.
    pub fn start(&self) {
        let (feed, stop) = (self.clone(), self.0.tasks.clone());
        self.0.tasks.spawn("feed", async move {
            let mut every = tokio::time::interval(EVERY);
            every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                tokio::select! {
                    () = stop.stopping() => break,
                    _ = every.tick() => {}
                }
                if let Err(error) = feed.tick().await {
                    tracing::warn!(%error, "the feed waits for the accounts database");
                }
            }
            if let Err(error) = feed.save_counts().await {
                tracing::warn!(%error, "the last deliveries of feed items are not counted");
            }
        });
    }

    /// Does what is due by now.
    ///
    /// # Errors
    /// When the accounts do not answer.
    pub async fn tick(&self) -> Result<(), AccountsError> {
        let now = self.0.clock.now();
        for row in self.0.accounts.feed_due(now).await? {
            let id = row.id;
            match self.settle(row, now).await {
                // Somebody else has just done something else with it.
                Ok(()) | Err(FeedError::Changed | FeedError::Gone) => {}
                Err(FeedError::Accounts(error)) => return Err(error),
                Err(error) => tracing::warn!(item = id, %error, "a feed item waits"),
            }
        }
        self.save_counts().await?;
        let is_there = |id: &_| self.0.sites.by_id(*id).is_some();
        self.0.shelves.lock().retain(|id, _| is_there(id));
        self.0.turns.lock().retain(|id, _| is_there(id));
        Ok(())
    }

    async fn settle(&self, row: FeedRow, now: Timestamp) -> Result<(), FeedError> {
        let (from, site, id) = (row.revision, row.site, row.id);
        let next = |state| FeedRow {
            state,
            revision: from + 1,
            told: false,
            ..row.clone()
        };
        let ended = row.expires_at.is_some_and(|ends| ends <= now);
        match row.state {
            FeedState::Scheduled if row.publish_at.is_some_and(|at| at <= now) => {
                let mut row = next(FeedState::Live);
                if let Some(item) = &mut row.item {
                    item.published_at = now;
                }
                self.put(&row, from).await?;
            }
            // Also where nobody was told that it began: a withdrawal of what nobody has changes nothing.
            FeedState::Live if ended => self.put(&next(FeedState::Expired), from).await?,
            _ => {}
        }
        self.tell(site, id).await.map(drop)
    }

    async fn save_counts(&self) -> Result<(), AccountsError> {
        let more: Vec<_> = self
            .0
            .shelves
            .lock()
            .values_mut()
            .flat_map(super::Shelf::take_unsaved)
            .collect();
        if more.is_empty() {
            return Ok(());
        }
        self.0.accounts.note_feed_received(&more).await
    }
}
