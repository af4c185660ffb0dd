//! What is kept about sites' visitors, in SQLite.

use super::{SqliteAccounts, goals::text};
use crate::{
    event::SiteId,
    sites::Secret,
    store::accounts::{AccountsError, OldSecret, Revocation, VisitorBook},
};
use async_trait::async_trait;
use pulsecast_protocol::{Timestamp, visitor::VisitorSettings};
use sqlx::{Row, sqlite::SqliteRow};

fn revocation(row: &SqliteRow) -> Option<Revocation> {
    Some(Revocation {
        site: SiteId(row.get("site_id")),
        kind: row.get::<String, _>("kind").parse().ok()?,
        name: row.get("name"),
        at: Timestamp(row.get("revoked_at")),
        until: Timestamp(row.get("expires_at")),
    })
}

fn no_site(error: sqlx::Error) -> AccountsError {
    if super::is_foreign(&error) {
        AccountsError::NoSuchSite
    } else {
        error.into()
    }
}

#[async_trait]
impl VisitorBook for SqliteAccounts {
    async fn save_visitors(&self, site: SiteId, settings: &VisitorSettings) -> Result<(), AccountsError> {
        let mut tx = self.write().await?;
        sqlx::query(
            "insert into visitors (site_id, settings) values (?, ?) on conflict do update set settings = excluded.settings",
        )
        .bind(site.0)
        .bind(text(settings)?)
        .execute(&mut *tx)
        .await
        .map_err(no_site)?;
        Ok(tx.commit().await?)
    }

    async fn put_visitor_secret(
        &self,
        site: SiteId,
        secret: &Secret,
        old: OldSecret,
    ) -> Result<(), AccountsError> {
        let until = match old {
            OldSecret::Ends => None,
            OldSecret::Until(until) => Some(until.millis()),
        };
        let mut tx = self.write().await?;
        sqlx::query(
            "insert into visitors (site_id, settings, secret) values (?1, '{}', ?2) on conflict do update set \
             old_secret = case when ?3 is null then null else visitors.secret end, old_until = ?3, secret = excluded.secret",
        )
        .bind(site.0)
        .bind(secret.expose())
        .bind(until)
        .execute(&mut *tx)
        .await
        .map_err(no_site)?;
        Ok(tx.commit().await?)
    }

    async fn end_old_secret(&self, site: SiteId) -> Result<(), AccountsError> {
        let mut tx = self.write().await?;
        sqlx::query("update visitors set old_secret = null, old_until = null where site_id = ?")
            .bind(site.0)
            .execute(&mut *tx)
            .await?;
        Ok(tx.commit().await?)
    }

    async fn revoke(&self, revocation: &Revocation) -> Result<(), AccountsError> {
        let mut tx = self.write().await?;
        sqlx::query(
            "insert into revocations (site_id, kind, name, revoked_at, expires_at) values (?, ?, ?, ?, ?) on conflict do update set \
             revoked_at = max(revoked_at, excluded.revoked_at), expires_at = max(expires_at, excluded.expires_at)",
        )
        .bind(revocation.site.0)
        .bind(revocation.kind.name())
        .bind(&revocation.name)
        .bind(revocation.at.millis())
        .bind(revocation.until.millis())
        .execute(&mut *tx)
        .await
        .map_err(no_site)?;
        Ok(tx.commit().await?)
    }

    async fn revocations(&self) -> Result<Vec<Revocation>, AccountsError> {
        let rows = sqlx::query(
            "select site_id, kind, name, revoked_at, expires_at from revocations order by revoked_at desc, id desc",
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.iter().filter_map(revocation).collect())
    }

    async fn forget_revocations(&self, now: Timestamp) -> Result<(), AccountsError> {
        sqlx::query("delete from revocations where expires_at <= ?")
            .bind(now.millis())
            .execute(&self.pool)
            .await?;
        Ok(())
    }
}
