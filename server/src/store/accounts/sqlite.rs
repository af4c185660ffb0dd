//! The accounts in one SQLite file, `accounts.sqlite`: opening, migrating, and every statement about them.

use super::{Account, Accounts, AccountsError, Role, Salt};
use crate::{
    event::SiteId,
    sites::{AccountId, DEMO, Site},
};
use async_trait::async_trait;
use pulsecast_protocol::{Timestamp, account::SiteSettings};
use sqlx::{
    Row, Sqlite, SqliteConnection, SqlitePool, Transaction,
    migrate::Migrator,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use std::{path::Path, time::Duration};

static MIGRATIONS: Migrator = sqlx::migrate!("./migrations/accounts");

/// The file's name within the data directory.
pub const FILE: &str = "accounts.sqlite";

/// The adapter; a cheap handle around a small pool.
#[derive(Clone, Debug)]
pub struct SqliteAccounts {
    pool: SqlitePool,
    options: SqliteConnectOptions,
}

fn unavailable(error: sqlx::Error) -> AccountsError {
    AccountsError::Unavailable(error.to_string())
}

fn is_taken(error: &sqlx::Error) -> bool {
    error
        .as_database_error()
        .is_some_and(sqlx::error::DatabaseError::is_unique_violation)
}

impl SqliteAccounts {
    /// Opens the accounts of this data directory, made anew or brought up to this binary's schema where needed.
    ///
    /// # Errors
    /// When the file cannot be opened or written, or a newer pulsecast made it.
    pub async fn open(data: &Path) -> Result<Self, AccountsError> {
        let path = data.join(FILE);
        let cannot = |reason: String| AccountsError::Open {
            path: path.display().to_string(),
            reason,
        };
        let options = SqliteConnectOptions::new()
            .filename(&path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(5))
            .optimize_on_close(true, None);
        let pool = SqlitePoolOptions::new()
            .max_connections(4)
            .acquire_timeout(Duration::from_secs(6))
            .connect_with(options.clone())
            .await
            .map_err(|e| cannot(e.to_string()))?;
        refuse_newer(&pool).await?;
        MIGRATIONS.run(&pool).await.map_err(|e| cannot(e.to_string()))?;
        Ok(Self { pool, options })
    }

    /// Where tower-sessions keeps its records: the same file.
    #[must_use]
    pub fn sessions(&self) -> tower_sessions_sqlx_store::SqliteStore {
        tower_sessions_sqlx_store::SqliteStore::new(self.pool.clone())
    }

    /// A connection of its own, beside the pool.
    pub(super) async fn connect(&self) -> Result<SqliteConnection, AccountsError> {
        use sqlx::ConnectOptions;
        self.options.connect().await.map_err(unavailable)
    }

    /// Closes the file in good order: no `-wal` beside it afterwards.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

async fn refuse_newer(pool: &SqlitePool) -> Result<(), AccountsError> {
    let known = MIGRATIONS.iter().map(|m| m.version).max().unwrap_or_default();
    let has_table: bool =
        sqlx::query_scalar("select count(*) > 0 from sqlite_schema where name = '_sqlx_migrations'")
            .fetch_one(pool)
            .await
            .map_err(unavailable)?;
    if !has_table {
        return Ok(());
    }
    let found: Option<i64> = sqlx::query_scalar("select max(version) from _sqlx_migrations")
        .fetch_one(pool)
        .await
        .map_err(unavailable)?;
    match found {
        Some(found) if found > known => Err(AccountsError::Newer { found, known }),
        _ => Ok(()),
    }
}

fn account(row: &sqlx::sqlite::SqliteRow) -> Account {
    Account {
        id: AccountId(row.get("id")),
        email: row.get("email"),
        password_hash: row.get("password_hash"),
    }
}

async fn insert_account(
    tx: &mut Transaction<'_, Sqlite>,
    email: &str,
    password_hash: &str,
    now: Timestamp,
) -> Result<AccountId, AccountsError> {
    let id: i64 = sqlx::query_scalar(
        "insert into accounts (email, password_hash, created_at) values (?, ?, ?) returning id",
    )
    .bind(email)
    .bind(password_hash)
    .bind(now.millis())
    .fetch_one(&mut **tx)
    .await
    .map_err(|e| {
        if is_taken(&e) {
            AccountsError::EmailTaken
        } else {
            unavailable(e)
        }
    })?;
    sqlx::query("insert or ignore into members (site_id, account_id, role) select id, ?, 'owner' from sites where domain = ?")
        .bind(id)
        .bind(DEMO)
        .execute(&mut **tx)
        .await
        .map_err(unavailable)?;
    Ok(AccountId(id))
}

#[async_trait]
impl Accounts for SqliteAccounts {
    async fn add_account(
        &self,
        email: &str,
        password_hash: &str,
        now: Timestamp,
    ) -> Result<AccountId, AccountsError> {
        let mut tx = self
            .pool
            .begin_with("begin immediate")
            .await
            .map_err(unavailable)?;
        let id = insert_account(&mut tx, email, password_hash, now).await?;
        sqlx::query("delete from setup_tokens")
            .execute(&mut *tx)
            .await
            .map_err(unavailable)?;
        tx.commit().await.map_err(unavailable)?;
        Ok(id)
    }

    async fn add_first_account(
        &self,
        email: &str,
        password_hash: &str,
        now: Timestamp,
    ) -> Result<AccountId, AccountsError> {
        let mut tx = self
            .pool
            .begin_with("begin immediate")
            .await
            .map_err(unavailable)?;
        let taken: bool = sqlx::query_scalar("select exists (select 1 from accounts)")
            .fetch_one(&mut *tx)
            .await
            .map_err(unavailable)?;
        if taken {
            return Err(AccountsError::SetupDone);
        }
        let id = insert_account(&mut tx, email, password_hash, now).await?;
        sqlx::query("delete from setup_tokens")
            .execute(&mut *tx)
            .await
            .map_err(unavailable)?;
        tx.commit().await.map_err(unavailable)?;
        Ok(id)
    }

    async fn account(&self, email: &str) -> Result<Option<Account>, AccountsError> {
        let row = sqlx::query("select id, email, password_hash from accounts where email = ?")
            .bind(email)
            .fetch_optional(&self.pool)
            .await
            .map_err(unavailable)?;
        Ok(row.as_ref().map(account))
    }

    async fn account_by_id(&self, id: AccountId) -> Result<Option<Account>, AccountsError> {
        let row = sqlx::query("select id, email, password_hash from accounts where id = ?")
            .bind(id.0)
            .fetch_optional(&self.pool)
            .await
            .map_err(unavailable)?;
        Ok(row.as_ref().map(account))
    }

    async fn count_accounts(&self) -> Result<u64, AccountsError> {
        let count: i64 = sqlx::query_scalar("select count(*) from accounts")
            .fetch_one(&self.pool)
            .await
            .map_err(unavailable)?;
        Ok(count.unsigned_abs())
    }

    async fn sites(&self) -> Result<Vec<Site>, AccountsError> {
        // One statement, so that a site and its members are of the same moment.
        let rows = sqlx::query(
            "select s.id, s.domain, s.settings, m.account_id from sites s left join members m on m.site_id = s.id order by s.id, m.account_id",
        )
        .fetch_all(&self.pool)
        .await
        .map_err(unavailable)?;
        let mut sites: Vec<Site> = Vec::new();
        for row in rows {
            let id = SiteId(row.get("id"));
            if sites.last().map(|s| s.id) != Some(id) {
                let text: String = row.get("settings");
                match serde_json::from_str(&text) {
                    Ok(settings) => sites.push(Site {
                        id,
                        settings,
                        members: Vec::new(),
                    }),
                    Err(error) => {
                        let domain: String = row.get("domain");
                        tracing::error!(%domain, %error, "the site's settings cannot be read; it is left out until they are repaired");
                        continue;
                    }
                }
            }
            if let (Some(site), Some(account)) = (sites.last_mut(), row.get::<Option<i64>, _>("account_id")) {
                site.members.push(AccountId(account));
            }
        }
        Ok(sites)
    }

    async fn add_site(
        &self,
        settings: &SiteSettings,
        owners: &[AccountId],
        now: Timestamp,
    ) -> Result<SiteId, AccountsError> {
        let mut tx = self
            .pool
            .begin_with("begin immediate")
            .await
            .map_err(unavailable)?;
        let id: i64 = sqlx::query_scalar(
            "insert into sites (domain, settings, created_at) values (?, ?, ?) returning id",
        )
        .bind(settings.domain.as_str())
        .bind(json(settings)?)
        .bind(now.millis())
        .fetch_one(&mut *tx)
        .await
        .map_err(|e| {
            if is_taken(&e) {
                AccountsError::DomainTaken(settings.domain.clone())
            } else {
                unavailable(e)
            }
        })?;
        for owner in owners {
            sqlx::query("insert into members (site_id, account_id, role) values (?, ?, 'owner')")
                .bind(id)
                .bind(owner.0)
                .execute(&mut *tx)
                .await
                .map_err(unavailable)?;
        }
        tx.commit().await.map_err(unavailable)?;
        Ok(SiteId(id))
    }

    async fn save_site(&self, id: SiteId, settings: &SiteSettings) -> Result<(), AccountsError> {
        let done = sqlx::query("update sites set settings = ? where id = ? and domain = ?")
            .bind(json(settings)?)
            .bind(id.0)
            .bind(settings.domain.as_str())
            .execute(&self.pool)
            .await
            .map_err(unavailable)?;
        if done.rows_affected() == 0 {
            Err(AccountsError::NoSuchSite)
        } else {
            Ok(())
        }
    }

    async fn remove_site(&self, id: SiteId) -> Result<(), AccountsError> {
        let done = sqlx::query("delete from sites where id = ?")
            .bind(id.0)
            .execute(&self.pool)
            .await
            .map_err(unavailable)?;
        if done.rows_affected() == 0 {
            Err(AccountsError::NoSuchSite)
        } else {
            Ok(())
        }
    }

    async fn add_member(&self, site: SiteId, account: AccountId, role: Role) -> Result<(), AccountsError> {
        sqlx::query(
            "insert into members (site_id, account_id, role) values (?, ?, ?) on conflict do update set role = excluded.role",
        )
        .bind(site.0)
        .bind(account.0)
        .bind(role.as_str())
        .execute(&self.pool)
        .await
        .map_err(unavailable)?;
        Ok(())
    }

    async fn add_everybody(&self, site: SiteId) -> Result<(), AccountsError> {
        sqlx::query(
            "insert or ignore into members (site_id, account_id, role) select ?, id, 'owner' from accounts",
        )
        .bind(site.0)
        .execute(&self.pool)
        .await
        .map_err(unavailable)?;
        Ok(())
    }

    async fn role(&self, site: SiteId, account: AccountId) -> Result<Option<Role>, AccountsError> {
        let role: Option<String> =
            sqlx::query_scalar("select role from members where site_id = ? and account_id = ?")
                .bind(site.0)
                .bind(account.0)
                .fetch_optional(&self.pool)
                .await
                .map_err(unavailable)?;
        Ok(role.map(|r| {
            if r == Role::Owner.as_str() {
                Role::Owner
            } else {
                Role::Viewer
            }
        }))
    }

    async fn first_event_at(&self, site: SiteId) -> Result<Option<Timestamp>, AccountsError> {
        let at: Option<Option<i64>> = sqlx::query_scalar("select first_event_at from sites where id = ?")
            .bind(site.0)
            .fetch_optional(&self.pool)
            .await
            .map_err(unavailable)?;
        Ok(at.flatten().map(Timestamp))
    }

    async fn note_first_event(&self, sites: &[SiteId], at: Timestamp) -> Result<(), AccountsError> {
        for site in sites {
            sqlx::query("update sites set first_event_at = ? where id = ? and first_event_at is null")
                .bind(at.millis())
                .bind(site.0)
                .execute(&self.pool)
                .await
                .map_err(unavailable)?;
        }
        Ok(())
    }

    async fn salts(&self) -> Result<Vec<(i64, Salt)>, AccountsError> {
        let rows = sqlx::query("select day, salt from salts order by day")
            .fetch_all(&self.pool)
            .await
            .map_err(unavailable)?;
        Ok(rows
            .iter()
            .filter_map(|row| Some((row.get("day"), Salt::try_from(row.get::<&[u8], _>("salt")).ok()?)))
            .collect())
    }

    async fn put_salt(&self, day: i64, salt: Salt) -> Result<Salt, AccountsError> {
        let mut tx = self
            .pool
            .begin_with("begin immediate")
            .await
            .map_err(unavailable)?;
        sqlx::query("insert or ignore into salts (day, salt) values (?, ?)")
            .bind(day)
            .bind(salt.as_slice())
            .execute(&mut *tx)
            .await
            .map_err(unavailable)?;
        let kept: Vec<u8> = sqlx::query_scalar("select salt from salts where day = ?")
            .bind(day)
            .fetch_one(&mut *tx)
            .await
            .map_err(unavailable)?;
        tx.commit().await.map_err(unavailable)?;
        Salt::try_from(kept.as_slice())
            .map_err(|_| AccountsError::Unavailable("a salt has not 16 bytes".to_owned()))
    }

    async fn delete_salts_before(&self, day: i64) -> Result<(), AccountsError> {
        // Gone means gone: without this SQLite leaves the bytes in the file's free pages.
        let mut connection = self.pool.acquire().await.map_err(unavailable)?;
        sqlx::query("pragma secure_delete = on")
            .execute(&mut *connection)
            .await
            .map_err(unavailable)?;
        sqlx::query("delete from salts where day < ?")
            .bind(day)
            .execute(&mut *connection)
            .await
            .map_err(unavailable)?;
        Ok(())
    }

    async fn secret(&self, name: &str, fresh: &[u8]) -> Result<Vec<u8>, AccountsError> {
        let mut tx = self
            .pool
            .begin_with("begin immediate")
            .await
            .map_err(unavailable)?;
        sqlx::query("insert or ignore into secrets (name, value) values (?, ?)")
            .bind(name)
            .bind(fresh)
            .execute(&mut *tx)
            .await
            .map_err(unavailable)?;
        let kept = sqlx::query_scalar("select value from secrets where name = ?")
            .bind(name)
            .fetch_one(&mut *tx)
            .await
            .map_err(unavailable)?;
        tx.commit().await.map_err(unavailable)?;
        Ok(kept)
    }

    async fn put_setup_token(&self, hash: &[u8], now: Timestamp) -> Result<(), AccountsError> {
        sqlx::query("insert or replace into setup_tokens (only_one, hash, created_at) values (1, ?, ?)")
            .bind(hash)
            .bind(now.millis())
            .execute(&self.pool)
            .await
            .map_err(unavailable)?;
        Ok(())
    }

    async fn setup_token(&self) -> Result<Option<Vec<u8>>, AccountsError> {
        sqlx::query_scalar("select hash from setup_tokens")
            .fetch_optional(&self.pool)
            .await
            .map_err(unavailable)
    }
}

fn json(settings: &SiteSettings) -> Result<String, AccountsError> {
    serde_json::to_string(settings).map_err(|e| AccountsError::Unavailable(e.to_string()))
}
