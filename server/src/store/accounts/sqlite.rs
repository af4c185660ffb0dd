//! The accounts in one SQLite file, `accounts.sqlite`: every statement about them, the ones about members and what they set up in files of their own.
//! [`super::open`] opens it.

mod audit;
mod feed;
mod goals;
mod keys;
mod links;
mod people;
mod sites;
mod visitors;

use super::{Account, Accounts, AccountsError, Role, Salt, SiteChange};
use crate::{
    event::SiteId,
    sites::{AccountId, DEMO, Site},
};
use async_trait::async_trait;
use pulsecast_protocol::{Timestamp, account::SiteSettings};
use sqlx::{Row, Sqlite, SqliteConnection, SqlitePool, Transaction, sqlite::SqliteConnectOptions};

/// The adapter; a cheap handle around a small pool.
#[derive(Clone, Debug)]
pub struct SqliteAccounts {
    pool: SqlitePool,
    options: SqliteConnectOptions,
    /// What the trail says of what is written through this handle.
    notes: Vec<audit::Entry>,
}

/// What is written or not as one.
type Tx<'a> = Transaction<'a, Sqlite>;

impl From<sqlx::Error> for AccountsError {
    fn from(error: sqlx::Error) -> Self {
        Self::Unavailable(error.to_string())
    }
}

fn is_taken(error: &sqlx::Error) -> bool {
    error
        .as_database_error()
        .is_some_and(sqlx::error::DatabaseError::is_unique_violation)
}

fn is_foreign(error: &sqlx::Error) -> bool {
    error
        .as_database_error()
        .is_some_and(sqlx::error::DatabaseError::is_foreign_key_violation)
}

impl SqliteAccounts {
    pub(super) fn new(pool: SqlitePool, options: SqliteConnectOptions) -> Self {
        Self {
            pool,
            options,
            notes: Vec::new(),
        }
    }

    /// Begins what is written as one, and with it what the trail says of it: whoever changes what people have set up begins here. Where
    /// the entry cannot be kept nothing is changed, and the other way round.
    async fn write(&self) -> Result<Tx<'static>, AccountsError> {
        let mut tx = self.begin().await?;
        self.note_in(&mut tx, None).await?;
        Ok(tx)
    }

    /// Begins what no person has changed, or what is noted later on in it.
    async fn begin(&self) -> Result<Tx<'static>, AccountsError> {
        Ok(self.pool.begin_with("begin immediate").await?)
    }

    /// Where tower-sessions keeps its records: the same file.
    #[must_use]
    pub fn sessions(&self) -> tower_sessions_sqlx_store::SqliteStore {
        tower_sessions_sqlx_store::SqliteStore::new(self.pool.clone())
    }

    /// A connection of its own, beside the pool.
    pub(super) async fn connect(&self) -> Result<SqliteConnection, AccountsError> {
        use sqlx::ConnectOptions;
        Ok(self.options.connect().await?)
    }

    /// Closes the file in good order: no `-wal` beside it afterwards.
    pub async fn close(&self) {
        self.pool.close().await;
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
    tx: &mut Tx<'_>,
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
            e.into()
        }
    })?;
    sqlx::query("insert or ignore into members (site_id, account_id, role) select id, ?, 'owner' from sites where domain = ?")
        .bind(id)
        .bind(DEMO)
        .execute(&mut **tx)
        .await?;
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
        let mut tx = self.begin().await?;
        let id = insert_account(&mut tx, email, password_hash, now).await?;
        sqlx::query("delete from setup_tokens").execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(id)
    }

    async fn add_first_account(
        &self,
        email: &str,
        password_hash: &str,
        now: Timestamp,
    ) -> Result<AccountId, AccountsError> {
        let mut tx = self.begin().await?;
        let taken: bool = sqlx::query_scalar("select exists (select 1 from accounts)")
            .fetch_one(&mut *tx)
            .await?;
        if taken {
            return Err(AccountsError::SetupDone);
        }
        let id = insert_account(&mut tx, email, password_hash, now).await?;
        sqlx::query("delete from setup_tokens").execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(id)
    }

    async fn account(&self, email: &str) -> Result<Option<Account>, AccountsError> {
        let row = sqlx::query("select id, email, password_hash from accounts where email = ?")
            .bind(email)
            .fetch_optional(&self.pool)
            .await?;
        Ok(row.as_ref().map(account))
    }

    async fn account_by_id(&self, id: AccountId) -> Result<Option<Account>, AccountsError> {
        let row = sqlx::query("select id, email, password_hash from accounts where id = ?")
            .bind(id.0)
            .fetch_optional(&self.pool)
            .await?;
        Ok(row.as_ref().map(account))
    }

    async fn count_accounts(&self) -> Result<u64, AccountsError> {
        let count: i64 = sqlx::query_scalar("select count(*) from accounts")
            .fetch_one(&self.pool)
            .await?;
        Ok(count.unsigned_abs())
    }

    async fn sites(&self) -> Result<Vec<Site>, AccountsError> {
        sites::all(&self.pool).await
    }

    async fn add_site(
        &self,
        settings: &SiteSettings,
        owners: &[AccountId],
        now: Timestamp,
    ) -> Result<SiteId, AccountsError> {
        let mut tx = self.begin().await?;
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
                e.into()
            }
        })?;
        for owner in owners {
            sqlx::query("insert into members (site_id, account_id, role) values (?, ?, 'owner')")
                .bind(id)
                .bind(owner.0)
                .execute(&mut *tx)
                .await?;
        }
        self.note_in(&mut tx, Some(SiteId(id))).await?;
        tx.commit().await?;
        Ok(SiteId(id))
    }

    async fn change_site(&self, id: SiteId, change: &SiteChange) -> Result<(), AccountsError> {
        let mut tx = self.write().await?;
        let now: Option<String> = sqlx::query_scalar("select settings from sites where id = ?")
            .bind(id.0)
            .fetch_optional(&mut *tx)
            .await?;
        let now = now.ok_or(AccountsError::NoSuchSite)?;
        let now = serde_json::from_str(&now).map_err(|e| AccountsError::Unavailable(e.to_string()))?;
        sqlx::query("update sites set settings = ? where id = ?")
            .bind(json(&change.of(now))?)
            .bind(id.0)
            .execute(&mut *tx)
            .await?;
        Ok(tx.commit().await?)
    }

    async fn remove_site(&self, id: SiteId) -> Result<(), AccountsError> {
        let mut tx = self.write().await?;
        let done = sqlx::query("delete from sites where id = ?")
            .bind(id.0)
            .execute(&mut *tx)
            .await?;
        if done.rows_affected() == 0 {
            return Err(AccountsError::NoSuchSite);
        }
        Ok(tx.commit().await?)
    }

    async fn add_member(&self, site: SiteId, account: AccountId, role: Role) -> Result<(), AccountsError> {
        let mut tx = self.write().await?;
        people::set_role(&mut tx, site, account, role).await?;
        Ok(tx.commit().await?)
    }

    async fn add_everybody(&self, site: SiteId) -> Result<(), AccountsError> {
        sqlx::query(
            "insert or ignore into members (site_id, account_id, role) select ?, id, 'owner' from accounts",
        )
        .bind(site.0)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    async fn role(&self, site: SiteId, account: AccountId) -> Result<Option<Role>, AccountsError> {
        let row = sqlx::query("select role from members where site_id = ? and account_id = ?")
            .bind(site.0)
            .bind(account.0)
            .fetch_optional(&self.pool)
            .await?;
        Ok(row.as_ref().map(people::role))
    }

    async fn first_event_at(&self, site: SiteId) -> Result<Option<Timestamp>, AccountsError> {
        let at: Option<Option<i64>> = sqlx::query_scalar("select first_event_at from sites where id = ?")
            .bind(site.0)
            .fetch_optional(&self.pool)
            .await?;
        Ok(at.flatten().map(Timestamp))
    }

    async fn note_first_event(&self, sites: &[SiteId], at: Timestamp) -> Result<(), AccountsError> {
        for site in sites {
            sqlx::query("update sites set first_event_at = ? where id = ? and first_event_at is null")
                .bind(at.millis())
                .bind(site.0)
                .execute(&self.pool)
                .await?;
        }
        Ok(())
    }

    async fn salts(&self) -> Result<Vec<(i64, Salt)>, AccountsError> {
        let rows = sqlx::query("select day, salt from salts order by day")
            .fetch_all(&self.pool)
            .await?;
        Ok(rows
            .iter()
            .filter_map(|row| Some((row.get("day"), Salt::try_from(row.get::<&[u8], _>("salt")).ok()?)))
            .collect())
    }

    async fn put_salt(&self, day: i64, salt: Salt) -> Result<Salt, AccountsError> {
        let mut tx = self.begin().await?;
        sqlx::query("insert or ignore into salts (day, salt) values (?, ?)")
            .bind(day)
            .bind(salt.as_slice())
            .execute(&mut *tx)
            .await?;
        let kept: Vec<u8> = sqlx::query_scalar("select salt from salts where day = ?")
            .bind(day)
            .fetch_one(&mut *tx)
            .await?;
        tx.commit().await?;
        Salt::try_from(kept.as_slice())
            .map_err(|_| AccountsError::Unavailable("a salt has not 16 bytes".to_owned()))
    }

    async fn delete_salts_before(&self, day: i64) -> Result<(), AccountsError> {
        // Gone means gone: without this SQLite leaves the bytes in the file's free pages.
        let mut connection = self.pool.acquire().await?;
        sqlx::query("pragma secure_delete = on")
            .execute(&mut *connection)
            .await?;
        sqlx::query("delete from salts where day < ?")
            .bind(day)
            .execute(&mut *connection)
            .await?;
        Ok(())
    }

    async fn secret(&self, name: &str, fresh: &[u8]) -> Result<Vec<u8>, AccountsError> {
        let mut tx = self.begin().await?;
        sqlx::query("insert or ignore into secrets (name, value) values (?, ?)")
            .bind(name)
            .bind(fresh)
            .execute(&mut *tx)
            .await?;
        let kept = sqlx::query_scalar("select value from secrets where name = ?")
            .bind(name)
            .fetch_one(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(kept)
    }

    async fn put_setup_token(&self, hash: &[u8], now: Timestamp) -> Result<(), AccountsError> {
        sqlx::query("insert or replace into setup_tokens (only_one, hash, created_at) values (1, ?, ?)")
            .bind(hash)
            .bind(now.millis())
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    async fn setup_token(&self) -> Result<Option<Vec<u8>>, AccountsError> {
        Ok(sqlx::query_scalar("select hash from setup_tokens")
            .fetch_optional(&self.pool)
            .await?)
    }
}

fn json<T: serde::Serialize>(value: &T) -> Result<String, AccountsError> {
    serde_json::to_string(value).map_err(|e| AccountsError::Unavailable(e.to_string()))
}
