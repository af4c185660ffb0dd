//! API keys in SQLite.

use super::SqliteAccounts;
use crate::{
    event::SiteId,
    sites::AccountId,
    store::accounts::{AccountsError, ApiKey, KeyBook, KeyHash, KeyRight, NewKey},
};
use async_trait::async_trait;
use pulsecast_protocol::Timestamp;
use sqlx::{Row, sqlite::SqliteRow};

fn key(row: &SqliteRow) -> ApiKey {
    let right: String = row.get("allows");
    ApiKey {
        id: row.get("id"),
        prefix: row.get("prefix"),
        name: row.get("name"),
        account: row.get::<Option<i64>, _>("account_id").map(AccountId),
        site: row.get::<Option<i64>, _>("site_id").map(SiteId),
        // The table's check lets no other name in.
        right: right.parse().unwrap_or(KeyRight::Stats),
        created: Timestamp(row.get("created_at")),
        last_used: row.get::<Option<i64>, _>("last_used_at").map(Timestamp),
    }
}

#[async_trait]
impl KeyBook for SqliteAccounts {
    async fn add_key(&self, key: &NewKey<'_>, now: Timestamp) -> Result<i64, AccountsError> {
        let mut tx = self.write().await?;
        let added = sqlx::query_scalar(
            "insert into api_keys (hash, prefix, name, account_id, site_id, allows, created_at) values (?, ?, ?, ?, ?, ?, ?) returning id",
        )
        .bind(key.hash.as_slice())
        .bind(key.prefix)
        .bind(key.name)
        .bind(key.account.map(|account| account.0))
        .bind(key.site.map(|site| site.0))
        .bind(key.right.name())
        .bind(now.millis())
        .fetch_one(&mut *tx)
        .await;
        let id = added.map_err(|error| match error.as_database_error() {
            Some(e) if e.is_foreign_key_violation() => AccountsError::NoSuchSite,
            _ => error.into(),
        })?;
        tx.commit().await?;
        Ok(id)
    }

    async fn key(&self, hash: &KeyHash) -> Result<Option<ApiKey>, AccountsError> {
        let row = sqlx::query("select * from api_keys where hash = ? and revoked_at is null")
            .bind(hash.as_slice())
            .fetch_optional(&self.pool)
            .await?;
        Ok(row.as_ref().map(key))
    }

    async fn keys(&self, site: Option<SiteId>) -> Result<Vec<ApiKey>, AccountsError> {
        let rows = sqlx::query(
            "select * from api_keys where revoked_at is null and (?1 is null or site_id = ?1 or (site_id is null \
             and account_id in (select account_id from members where site_id = ?1 and (allows = 'stats' or role <> 'viewer')))) order by id",
        )
        .bind(site.map(|site| site.0))
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.iter().map(key).collect())
    }

    async fn revoke_key(&self, id: i64, now: Timestamp) -> Result<bool, AccountsError> {
        let mut tx = self.write().await?;
        let done = sqlx::query("update api_keys set revoked_at = ? where id = ? and revoked_at is null")
            .bind(now.millis())
            .bind(id)
            .execute(&mut *tx)
            .await?;
        if done.rows_affected() == 0 {
            return Ok(false);
        }
        tx.commit().await?;
        Ok(true)
    }

    async fn note_key_use(&self, id: i64, now: Timestamp) -> Result<(), AccountsError> {
        sqlx::query("update api_keys set last_used_at = ? where id = ?")
            .bind(now.millis())
            .bind(id)
            .execute(&self.pool)
            .await?;
        Ok(())
    }
}
