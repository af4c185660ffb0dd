//! What editors and programs do with items: write, publish, change, take back. Whoever calls this has made sure that they may.

use super::{Feed, FeedError, check::check};
use crate::{
    sites::Site,
    store::accounts::{Accounts, Change, FeedRow},
};
use chrono::DateTime;
use chrono_tz::Tz;
use pulsecast_protocol::{
    Position, Timestamp,
    feed::{FeedDraft, FeedEditing, FeedEntry, FeedState},
};
use serde_json::{Value, json};

/// Entries of the editors' list.
const LISTED: u32 = 200;
/// Bytes of a draft's fields beside its text, each.
const FIELD: usize = 4_000;

/// What became of an item that a program sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posted {
    /// Its number.
    pub id: i64,
    /// Where the channel stands with it; of a planned item where it stands without.
    pub position: Position,
}

impl Feed {
    /// Keeps what was typed, in a new item or as the unpublished change of one; answers its number.
    ///
    /// # Errors
    /// When it is far too long, or there is no such item.
    pub async fn save(
        &self,
        site: &Site,
        id: Option<i64>,
        draft: FeedDraft,
        author: &str,
    ) -> Result<i64, FeedError> {
        let draft = bounded(draft);
        let Some(id) = id else {
            let row = self.new_row(site, author, None).await?;
            let row = FeedRow {
                draft: Some(draft),
                ..row
            };
            return Ok(self.0.accounts.add_feed_item(&row, self.0.clock.now()).await?.id);
        };
        let row = self.row(site, id).await?;
        let revision = row.revision;
        // What is as it was published is no change.
        let draft =
            Some(draft).filter(|draft| row.state == FeedState::Draft || row.source.as_ref() != Some(draft));
        let row = FeedRow {
            draft,
            author: author.to_owned(),
            ..row
        };
        self.put(&row, revision).await?;
        Ok(id)
    }

    /// Publishes what was typed last: now, or when it says. One that is shown already is replaced.
    ///
    /// # Errors
    /// When it cannot be published as it is, or not now.
    pub async fn publish(&self, site: &Site, id: i64, author: &str) -> Result<FeedState, FeedError> {
        let row = self.row(site, id).await?;
        let typed = row
            .draft
            .clone()
            .or_else(|| row.source.clone())
            .unwrap_or_default();
        let revision = row.revision;
        let title = typed.title.clone();
        let row = self.decided(site, row, typed, author)?;
        let noting = self.noting(site, author, "feed.publish", json!({"item": id, "title": title}));
        self.put_in(&*noting, &row, revision).await?;
        self.tell(site.id, id).await?;
        Ok(row.state)
    }

    /// Publishes what a program sends: a new item, or in the place of one.
    ///
    /// # Errors
    /// When it cannot be published as it is, or not now.
    pub async fn post(
        &self,
        site: &Site,
        id: Option<i64>,
        draft: FeedDraft,
        author: &str,
        request: Option<&str>,
    ) -> Result<Posted, FeedError> {
        let draft = bounded(draft);
        let is_new = id.is_none();
        let id = match id {
            Some(id) => {
                let row = self.row(site, id).await?;
                let decided = self.decided(site, row.clone(), draft, author)?;
                // A request that is sent again changes nothing, and is answered as before.
                let as_it_is = FeedRow {
                    author: row.author.clone(),
                    revision: row.revision,
                    told: row.told,
                    ..decided.clone()
                };
                if as_it_is != row {
                    self.put(&decided, row.revision).await?;
                }
                id
            }
            None => {
                let row = self.new_row(site, author, request).await?;
                let row = FeedRow {
                    revision: 1,
                    ..self.decided(site, row, draft, author)?
                };
                // Where that request came before, this is its item: told by now, or told again.
                self.0.accounts.add_feed_item(&row, self.0.clock.now()).await?.id
            }
        };
        let told = self.tell(site.id, id).await;
        // A program that is told "try again" sends it again: without a key that would be another item.
        if let (Err(FeedError::Later(_)), true, None) = (&told, is_new, request) {
            self.0.accounts.forget_untold(id, 1).await?;
        }
        Ok(Posted { id, position: told? })
    }

    /// Takes an item back: from the pages that show it, or from what is planned.
    ///
    /// # Errors
    /// When it is not there, or there is nothing to take back.
    pub async fn withdraw(&self, site: &Site, id: i64, author: &str) -> Result<Position, FeedError> {
        let row = self.row(site, id).await?;
        let (revision, told) = (row.revision, row.state == FeedState::Scheduled);
        if row.state == FeedState::Withdrawn {
            // A request that is sent again.
            return self.tell(site.id, id).await;
        }
        if !matches!(row.state, FeedState::Live | FeedState::Scheduled) {
            return Err(FeedError::Cannot(
                "this item is not shown: there is nothing to withdraw",
            ));
        }
        let row = FeedRow {
            state: FeedState::Withdrawn,
            revision: revision + 1,
            told,
            author: author.to_owned(),
            ..row
        };
        let noting = self.noting(site, author, "feed.withdraw", json!({ "item": id }));
        self.put_in(&*noting, &row, revision).await?;
        self.tell(site.id, id).await
    }

    /// Forgets a change that was not published; of an item that never was, forgets all.
    ///
    /// # Errors
    /// When there is none.
    pub async fn discard(&self, site: &Site, id: i64) -> Result<(), FeedError> {
        let row = self.row(site, id).await?;
        if row.state == FeedState::Draft {
            return Ok(self.0.accounts.remove_feed_item(site.id, id).await?);
        }
        let revision = row.revision;
        let row = FeedRow { draft: None, ..row };
        self.put(&row, revision).await
    }

    /// Removes an item that nobody is shown.
    ///
    /// # Errors
    /// When there is none, or it is shown.
    pub async fn remove(&self, site: &Site, id: i64, author: &str) -> Result<(), FeedError> {
        let row = self.row(site, id).await?;
        if !row.told || matches!(row.state, FeedState::Live | FeedState::Scheduled) {
            return Err(FeedError::Cannot(
                "withdraw this item first: visitors see it, or are going to",
            ));
        }
        let noting = self.noting(site, author, "feed.remove", json!({ "item": id }));
        Ok(noting.remove_feed_item(site.id, id).await?)
    }

    /// The accounts, for what an editor does: it is kept with its entry in the trail. What programs publish is told by the item's author.
    fn noting(&self, site: &Site, email: &str, action: &str, what: Value) -> Box<dyn Accounts> {
        let change = Change {
            site: Some(site.id),
            email,
            action,
            what,
        };
        self.0.accounts.noting(change, self.0.clock.now())
    }

    /// The items as editors see them, the newest first.
    ///
    /// # Errors
    /// When the accounts do not answer.
    pub async fn entries(&self, site: &Site) -> Result<Vec<FeedEntry>, FeedError> {
        let rows = self.0.accounts.feed_items(site.id, LISTED).await?;
        let now: std::collections::HashMap<_, _> = self.received(site).into_iter().collect();
        let zone: Tz = site.settings.timezone.parse().unwrap_or_default();
        let clock = |at: Option<Timestamp>| at.and_then(|at| by_clock(at, zone)).unwrap_or_default();
        let entry = |row: FeedRow| {
            let at = match row.state {
                FeedState::Scheduled => row.publish_at,
                FeedState::Draft => None,
                _ => row.item.as_ref().map(|item| item.published_at),
            };
            FeedEntry {
                id: row.id,
                state: row.state,
                is_changed: row.draft.is_some() && row.source.is_some(),
                draft: row.source.or(row.draft).unwrap_or_default(),
                author: row.author,
                at,
                when: clock(at),
                until: clock(row.expires_at),
                received: now.get(&row.id).copied().unwrap_or(row.received),
            }
        };
        Ok(rows.into_iter().map(entry).collect())
    }

    /// One item as it is being written.
    ///
    /// # Errors
    /// When there is none.
    pub async fn editing(&self, site: &Site, id: i64) -> Result<FeedEditing, FeedError> {
        let row = self.row(site, id).await?;
        let draft = row.draft.or(row.source).unwrap_or_default();
        let now = self.0.clock.now();
        let (preview, errors) = match check(&draft, &site.settings.timezone, now) {
            Ok(ready) => (
                Some(ready.item(id, now)),
                pulsecast_protocol::FieldErrors::default(),
            ),
            Err(errors) => (None, errors),
        };
        Ok(FeedEditing {
            id,
            state: row.state,
            draft,
            errors,
            preview,
        })
    }

    pub(super) async fn row(&self, site: &Site, id: i64) -> Result<FeedRow, FeedError> {
        self.0
            .accounts
            .feed_item(site.id, id)
            .await?
            .ok_or(FeedError::Gone)
    }

    /// A new item of the site, if there is room for it.
    async fn new_row(&self, site: &Site, author: &str, request: Option<&str>) -> Result<FeedRow, FeedError> {
        self.make_room(site).await?;
        Ok(FeedRow {
            id: 0,
            site: site.id,
            state: FeedState::Draft,
            draft: None,
            source: None,
            item: None,
            author: author.to_owned(),
            publish_at: None,
            expires_at: None,
            revision: 1,
            told: true,
            position: None,
            received: 0,
            request: request.map(str::to_owned),
        })
    }

    /// Where the site has as many items as it may, the oldest that is over or a forgotten draft goes, else the oldest that is shown ends.
    async fn make_room(&self, site: &Site) -> Result<(), FeedError> {
        let (accounts, most) = (&self.0.accounts, self.0.limits.items);
        if accounts.count_feed_items(site.id).await? < u64::from(most) {
            return Ok(());
        }
        accounts.trim_feed(site.id, most - 1).await?;
        if accounts.count_feed_items(site.id).await? < u64::from(most) {
            return Ok(());
        }
        let oldest = accounts
            .oldest_shown(site.id)
            .await?
            .ok_or(FeedError::Full(most))?;
        let (id, revision) = (oldest.id, oldest.revision);
        let over = FeedRow {
            state: FeedState::Expired,
            revision: revision + 1,
            told: false,
            ..oldest
        };
        self.put(&over, revision).await?;
        self.tell(site.id, id).await?;
        Ok(accounts.remove_feed_item(site.id, id).await?)
    }

    /// The row with the decision to publish this.
    pub(super) fn decided(
        &self,
        site: &Site,
        row: FeedRow,
        typed: FeedDraft,
        author: &str,
    ) -> Result<FeedRow, FeedError> {
        let now = self.0.clock.now();
        let ready = check(&typed, &site.settings.timezone, now)?;
        let shown_since = row
            .item
            .as_ref()
            .filter(|_| row.state == FeedState::Live)
            .map(|item| item.published_at);
        // What is shown already is not shown later.
        let publish_at = ready.publish_at.filter(|_| shown_since.is_none());
        Ok(FeedRow {
            state: if publish_at.is_some() {
                FeedState::Scheduled
            } else {
                FeedState::Live
            },
            draft: None,
            source: Some(typed),
            item: Some(ready.item(row.id, shown_since.or(publish_at).unwrap_or(now))),
            author: author.to_owned(),
            publish_at,
            expires_at: ready.expires_at(),
            revision: row.revision + 1,
            told: publish_at.is_some(),
            ..row
        })
    }
}

/// No draft is longer than what is looked at: the rest of it would only be in the way of saying so.
fn bounded(mut draft: FeedDraft) -> FeedDraft {
    let cut = |text: &mut String, most: usize| {
        if text.len() > most {
            let end = (0..=most)
                .rev()
                .find(|at| text.is_char_boundary(*at))
                .unwrap_or(0);
            text.truncate(end);
        }
    };
    cut(&mut draft.text, 4 * super::TEXT);
    let FeedDraft {
        title,
        url,
        image,
        path,
        countries,
        publish_at,
        expires_at,
        ..
    } = &mut draft;
    for text in [title, url, image, path, countries, publish_at, expires_at] {
        cut(text, FIELD);
    }
    draft
}

/// `2026-11-20 14:00` by that clock.
fn by_clock(at: Timestamp, zone: Tz) -> Option<String> {
    let local = DateTime::from_timestamp_millis(at.millis())?.with_timezone(&zone);
    Some(local.format("%Y-%m-%d %H:%M").to_string())
}
