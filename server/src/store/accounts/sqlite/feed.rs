//! Feed items in SQLite.

use super::{SqliteAccounts, is_foreign, json};
use crate::{
    event::SiteId,
    store::accounts::{AccountsError, FeedBook, FeedRow},
};
use async_trait::async_trait;
use pulsecast_protocol::{Position, Timestamp, feed::FeedState};
use serde::{Serialize, de::DeserializeOwned};
use sqlx::{Row, sqlite::SqliteRow};

/// What cannot be read any more is as if it were not there: an item is a note, and the next edit writes it anew.
fn read<T: DeserializeOwned>(row: &SqliteRow, column: &str) -> Option<T> {
    serde_json::from_str(&row.get::<Option<String>, _>(column)?).ok()
}

fn written<T: Serialize>(value: Option<&T>) -> Result<Option<String>, AccountsError> {
    value.map(json).transpose()
}

fn item(row: &SqliteRow) -> FeedRow {
    let state: String = row.get("state");
    let time = |column: &str| row.get::<Option<i64>, _>(column).map(Timestamp);
    FeedRow {
        id: row.get("id"),
        site: SiteId(row.get("site_id")),
        // The table's check lets no other name in.
        state: state.parse().unwrap_or(FeedState::Draft),
        draft: read(row, "draft"),
        source: read(row, "source"),
        item: read(row, "item"),
        author: row.get("author"),
        publish_at: time("publish_at"),
        expires_at: time("expires_at"),
        revision: row.get("revision"),
        told: row.get("told"),
        position: row.get::<Option<String>, _>("epoch").map(|epoch| Position {
            epoch,
            offset: row
                .get::<Option<i64>, _>("at_offset")
                .unwrap_or_default()
                .unsigned_abs(),
        }),
        received: row.get::<i64, _>("received").unsigned_abs(),
        request: row.get("request"),
    }
}

#[async_trait]
impl FeedBook for SqliteAccounts {
    async fn add_feed_item(&self, row: &FeedRow, now: Timestamp) -> Result<FeedRow, AccountsError> {
        let mut tx = self.pool.begin_with("begin immediate").await?;
        if let Some(request) = &row.request {
            let there = sqlx::query("select * from feed_items where site_id = ? and request = ?")
                .bind(row.site.0)
                .bind(request)
                .fetch_optional(&mut *tx)
                .await?;
            if let Some(there) = there {
                return Ok(item(&there));
            }
        }
        let added = sqlx::query(
            "insert into feed_items (site_id, state, draft, source, item, author, publish_at, expires_at, revision, told, request, created_at, changed_at) \
             values (?1, ?2, ?3, ?4, null, ?5, ?6, ?7, 1, ?8, ?9, ?10, ?10) returning *",
        )
        .bind(row.site.0)
        .bind(row.state.name())
        .bind(written(row.draft.as_ref())?)
        .bind(written(row.source.as_ref())?)
        .bind(&row.author)
        .bind(row.publish_at.map(Timestamp::millis))
        .bind(row.expires_at.map(Timestamp::millis))
        .bind(row.told)
        .bind(&row.request)
        .bind(now.millis())
        .fetch_one(&mut *tx)
        .await
        .map_err(|error| if is_foreign(&error) { AccountsError::NoSuchSite } else { error.into() })?;
        let mut kept = item(&added);
        // The item carries its own number, which is only known now.
        if let Some(mut ours) = row.item.clone() {
            ours.id = kept.id;
            sqlx::query("update feed_items set item = ? where id = ?")
                .bind(json(&ours)?)
                .bind(kept.id)
                .execute(&mut *tx)
                .await?;
            kept.item = Some(ours);
        }
        tx.commit().await?;
        Ok(kept)
    }

    async fn feed_item(&self, site: SiteId, id: i64) -> Result<Option<FeedRow>, AccountsError> {
        let row = sqlx::query("select * from feed_items where id = ? and site_id = ?")
            .bind(id)
            .bind(site.0)
            .fetch_optional(&self.pool)
            .await?;
        Ok(row.as_ref().map(item))
    }

    async fn feed_items(&self, site: SiteId, most: u32) -> Result<Vec<FeedRow>, AccountsError> {
        let rows = sqlx::query("select * from feed_items where site_id = ? order by id desc limit ?")
            .bind(site.0)
            .bind(most)
            .fetch_all(&self.pool)
            .await?;
        Ok(rows.iter().map(item).collect())
    }

    async fn count_feed_items(&self, site: SiteId) -> Result<u64, AccountsError> {
        let count: i64 = sqlx::query_scalar("select count(*) from feed_items where site_id = ?")
            .bind(site.0)
            .fetch_one(&self.pool)
            .await?;
        Ok(count.unsigned_abs())
    }

    async fn put_feed_item(&self, row: &FeedRow, from: i64, now: Timestamp) -> Result<bool, AccountsError> {
        let mut tx = self.write().await?;
        let done = sqlx::query(
            "update feed_items set state = ?, draft = ?, source = ?, item = ?, author = ?, publish_at = ?, expires_at = ?, revision = ?, \
             told = ?, changed_at = ? where id = ? and site_id = ? and revision = ?",
        )
        .bind(row.state.name())
        .bind(written(row.draft.as_ref())?)
        .bind(written(row.source.as_ref())?)
        .bind(written(row.item.as_ref())?)
        .bind(&row.author)
        .bind(row.publish_at.map(Timestamp::millis))
        .bind(row.expires_at.map(Timestamp::millis))
        .bind(row.revision)
        .bind(row.told)
        .bind(now.millis())
        .bind(row.id)
        .bind(row.site.0)
        .bind(from)
        .execute(&mut *tx)
        .await?;
        if done.rows_affected() == 0 {
            return Ok(false);
        }
        tx.commit().await?;
        Ok(true)
    }

    async fn feed_item_told(
        &self,
        id: i64,
        revision: i64,
        position: &Position,
        received: u64,
    ) -> Result<(), AccountsError> {
        sqlx::query("update feed_items set told = 1, epoch = ?, at_offset = ?, received = ? where id = ? and revision = ?")
            .bind(&position.epoch)
            .bind(i64::try_from(position.offset).unwrap_or(i64::MAX))
            .bind(i64::try_from(received).unwrap_or(i64::MAX))
            .bind(id)
            .bind(revision)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    async fn forget_untold(&self, id: i64, revision: i64) -> Result<bool, AccountsError> {
        let done = sqlx::query("delete from feed_items where id = ? and revision = ? and told = 0")
            .bind(id)
            .bind(revision)
            .execute(&self.pool)
            .await?;
        Ok(done.rows_affected() > 0)
    }

    async fn remove_feed_item(&self, site: SiteId, id: i64) -> Result<(), AccountsError> {
        let statement = "delete from feed_items where id = ? and site_id = ?";
        self.delete_of_site(statement, "feed item", site, id).await
    }

    async fn feed_due(&self, now: Timestamp) -> Result<Vec<FeedRow>, AccountsError> {
        let rows = sqlx::query(
            "select * from feed_items where told = 0 or (state = 'scheduled' and publish_at <= ?1) \
             or (state = 'live' and expires_at is not null and expires_at <= ?1) order by id limit 500",
        )
        .bind(now.millis())
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.iter().map(item).collect())
    }

    async fn oldest_shown(&self, site: SiteId) -> Result<Option<FeedRow>, AccountsError> {
        let row = sqlx::query(
            "select * from feed_items where site_id = ? and state = 'live' and not json_extract(item, '$.pinned') order by id limit 1",
        )
        .bind(site.0)
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.as_ref().map(item))
    }

    async fn live_feed(&self) -> Result<Vec<FeedRow>, AccountsError> {
        let rows = sqlx::query("select * from feed_items where state = 'live' and told = 1 order by id")
            .fetch_all(&self.pool)
            .await?;
        Ok(rows.iter().map(item).collect())
    }

    async fn note_feed_received(&self, more: &[(i64, u64)]) -> Result<(), AccountsError> {
        let mut tx = self.pool.begin_with("begin immediate").await?;
        for (id, count) in more {
            sqlx::query("update feed_items set received = received + ? where id = ?")
                .bind(i64::try_from(*count).unwrap_or(i64::MAX))
                .bind(id)
                .execute(&mut *tx)
                .await?;
        }
        Ok(tx.commit().await?)
    }

    async fn trim_feed(&self, site: SiteId, most: u32) -> Result<(), AccountsError> {
        sqlx::query(
            "delete from feed_items where site_id = ?1 and told = 1 and state not in ('live', 'scheduled') and id <= \
             (select id from feed_items where site_id = ?1 order by id desc limit 1 offset ?2)",
        )
        .bind(site.0)
        .bind(most)
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}
