//! The trail of changes in SQLite.

use super::{SqliteAccounts, goals::text};
use crate::{
    event::SiteId,
    store::accounts::{AccountsError, AuditBook, AuditEntry, Change},
};
use async_trait::async_trait;
use pulsecast_protocol::Timestamp;
use sqlx::{Row, sqlite::SqliteRow};

fn entry(row: &SqliteRow) -> AuditEntry {
    AuditEntry {
        id: row.get("id"),
        at: Timestamp(row.get("at")),
        email: row.get("email"),
        action: row.get("action"),
        what: serde_json::from_str(row.get("what")).unwrap_or_default(),
    }
}

#[async_trait]
impl AuditBook for SqliteAccounts {
    async fn note(&self, change: Change<'_>, now: Timestamp) -> Result<(), AccountsError> {
        sqlx::query("insert into audit (site_id, at, email, action, what) values (?, ?, ?, ?, ?)")
            .bind(change.site.map(|site| site.0))
            .bind(now.millis())
            .bind(change.email)
            .bind(change.action)
            .bind(text(&change.what)?)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    async fn changes(
        &self,
        site: SiteId,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<AuditEntry>, AccountsError> {
        let rows = sqlx::query(
            "select id, at, email, action, what from audit where site_id = ? and id < ? order by id desc limit ?",
        )
        .bind(site.0)
        .bind(before.unwrap_or(i64::MAX))
        .bind(limit)
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.iter().map(entry).collect())
    }

    async fn forget_changes(&self, before: Timestamp) -> Result<(), AccountsError> {
        sqlx::query("delete from audit where at < ?")
            .bind(before.millis())
            .execute(&self.pool)
            .await?;
        Ok(())
    }
}
