//! The trail of changes in SQLite.

use super::{SqliteAccounts, Tx};
use crate::{
    event::SiteId,
    store::accounts::{Accounts, AccountsError, AuditBook, AuditEntry, Change},
};
use async_trait::async_trait;
use pulsecast_protocol::Timestamp;
use sqlx::{Row, sqlite::SqliteRow};

/// An entry that waits for the transaction that it is to be kept in.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    site: Option<SiteId>,
    at: Timestamp,
    email: String,
    action: String,
    what: String,
}

impl Entry {
    fn new(change: Change<'_>, at: Timestamp) -> Self {
        Self {
            site: change.site,
            at,
            email: change.email.to_owned(),
            action: change.action.to_owned(),
            what: change.what.to_string(),
        }
    }
}

impl SqliteAccounts {
    /// Writes what this handle is to note; of this site, where an entry names none.
    pub(super) async fn note_in(&self, tx: &mut Tx<'_>, site: Option<SiteId>) -> Result<(), AccountsError> {
        for entry in &self.notes {
            sqlx::query("insert into audit (site_id, at, email, action, what) values (?, ?, ?, ?, ?)")
                .bind(entry.site.or(site).map(|site| site.0))
                .bind(entry.at.millis())
                .bind(&entry.email)
                .bind(&entry.action)
                .bind(&entry.what)
                .execute(&mut **tx)
                .await?;
        }
        Ok(())
    }
}

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
    fn noting(&self, change: Change<'_>, now: Timestamp) -> Box<dyn Accounts> {
        let mut noting = self.clone();
        noting.notes.push(Entry::new(change, now));
        Box::new(noting)
    }

    fn unnoted(&self) -> Box<dyn Accounts> {
        Box::new(self.clone())
    }

    async fn note(&self, change: Change<'_>, now: Timestamp) -> Result<(), AccountsError> {
        let mut noting = self.clone();
        noting.notes.push(Entry::new(change, now));
        Ok(noting.write().await?.commit().await?)
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
