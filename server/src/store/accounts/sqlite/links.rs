//! Shared links in SQLite.

use super::SqliteAccounts;
use crate::{
    event::SiteId,
    sites::LinkId,
    store::accounts::{AccountsError, Edited, LinkBook, LinkChange, NewLink, SharedLink},
};
use async_trait::async_trait;
use pulsecast_protocol::Timestamp;
use sqlx::{Row, sqlite::SqliteRow};

/// How exactly the last use is kept: a popular link is not written at every visit.
const EXACTLY: i64 = Timestamp::HOUR;

fn link(row: &SqliteRow) -> SharedLink {
    SharedLink {
        id: LinkId(row.get("id")),
        prefix: row.get("prefix"),
        name: row.get("name"),
        has_password: row.get("has_password"),
        segment: row.get("segment_id"),
        embed: row.get("embed"),
        created: Timestamp(row.get("created_at")),
        expires: row.get::<Option<i64>, _>("expires_at").map(Timestamp),
        last_used: row.get::<Option<i64>, _>("last_used_at").map(Timestamp),
    }
}

#[async_trait]
impl LinkBook for SqliteAccounts {
    async fn add_link(
        &self,
        site: SiteId,
        link: &NewLink<'_>,
        now: Timestamp,
    ) -> Result<LinkId, AccountsError> {
        let mut tx = self.write().await?;
        if let Some(segment) = link.segment {
            let row = sqlx::query("select 1 from segments where id = ? and site_id = ? and shared = 1")
                .bind(segment)
                .bind(site.0)
                .fetch_optional(&mut *tx)
                .await?;
            if row.is_none() {
                return Err(AccountsError::Gone("shared segment"));
            }
        }
        let id = sqlx::query_scalar(
            "insert into links (site_id, hash, prefix, name, password_hash, segment_id, embed, created_at, expires_at) \
             values (?, ?, ?, ?, ?, ?, ?, ?, ?) returning id",
        )
        .bind(site.0)
        .bind(link.hash.as_slice())
        .bind(link.prefix)
        .bind(link.name)
        .bind(link.password_hash)
        .bind(link.segment)
        .bind(link.embed)
        .bind(now.millis())
        .bind(link.expires.map(Timestamp::millis))
        .fetch_one(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(LinkId(id))
    }

    async fn links(&self, site: SiteId) -> Result<Vec<SharedLink>, AccountsError> {
        let rows = sqlx::query(
            "select id, prefix, name, password_hash is not null as has_password, segment_id, embed, created_at, expires_at, \
             last_used_at from links where site_id = ? order by id desc",
        )
        .bind(site.0)
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.iter().map(link).collect())
    }

    async fn change_link(
        &self,
        site: SiteId,
        link: LinkId,
        change: &LinkChange<'_>,
    ) -> Result<(), AccountsError> {
        let mut tx = self.write().await?;
        let done = sqlx::query("update links set name = ? where id = ? and site_id = ?")
            .bind(change.name)
            .bind(link.0)
            .bind(site.0)
            .execute(&mut *tx)
            .await?;
        if done.rows_affected() == 0 {
            return Err(AccountsError::Gone("shared link"));
        }
        if let Edited::Now(hash) = change.password_hash {
            sqlx::query("update links set password_hash = ? where id = ?")
                .bind(hash)
                .bind(link.0)
                .execute(&mut *tx)
                .await?;
        }
        if let Edited::Now(expires) = change.expires {
            sqlx::query("update links set expires_at = ? where id = ?")
                .bind(expires.map(Timestamp::millis))
                .bind(link.0)
                .execute(&mut *tx)
                .await?;
        }
        if !matches!(
            (change.password_hash, change.expires),
            (Edited::AsItIs, Edited::AsItIs)
        ) {
            // The table's own counter, so that no number is ever given again.
            let next: i64 = sqlx::query_scalar(
                "update sqlite_sequence set seq = seq + 1 where name = 'links' returning seq",
            )
            .fetch_one(&mut *tx)
            .await?;
            sqlx::query("update links set id = ? where id = ?")
                .bind(next)
                .bind(link.0)
                .execute(&mut *tx)
                .await?;
        }
        Ok(tx.commit().await?)
    }

    async fn remove_link(&self, site: SiteId, link: LinkId) -> Result<(), AccountsError> {
        let statement = "delete from links where id = ? and site_id = ?";
        self.delete_of_site(statement, "shared link", site, link.0).await
    }

    async fn note_link_used(&self, link: LinkId, now: Timestamp) -> Result<(), AccountsError> {
        // Looked up first: an update that changes nothing waits for other writers all the same.
        let last: Option<i64> =
            sqlx::query_scalar("select coalesce(last_used_at, 0) from links where id = ?")
                .bind(link.0)
                .fetch_optional(&self.pool)
                .await?;
        if last.is_none_or(|last| now.since(Timestamp(last)) < EXACTLY) {
            return Ok(());
        }
        sqlx::query(
            "update links set last_used_at = ?1 where id = ?2 and (last_used_at is null or last_used_at < ?3)",
        )
        .bind(now.millis())
        .bind(link.0)
        .bind(now.plus(-EXACTLY).millis())
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}
