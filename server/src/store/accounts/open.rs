//! Opens `accounts.sqlite`: makes it where there is none, brings an older one up to date, refuses a newer one.

use super::{AccountsError, SqliteAccounts};
use sqlx::{
    SqlitePool,
    migrate::Migrator,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use std::{path::Path, time::Duration};

static MIGRATIONS: Migrator = sqlx::migrate!("./migrations/accounts");

/// The file's name within the data directory.
pub const FILE: &str = "accounts.sqlite";

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
        refuse_newer(&pool).await.map_err(|error| match error {
            AccountsError::Unavailable(reason) => cannot(reason),
            newer => newer,
        })?;
        MIGRATIONS.run(&pool).await.map_err(|e| cannot(e.to_string()))?;
        Ok(Self::new(pool, options))
    }
}

async fn refuse_newer(pool: &SqlitePool) -> Result<(), AccountsError> {
    let known = MIGRATIONS.iter().map(|m| m.version).max().unwrap_or_default();
    let has_table: bool =
        sqlx::query_scalar("select count(*) > 0 from sqlite_schema where name = '_sqlx_migrations'")
            .fetch_one(pool)
            .await?;
    if !has_table {
        return Ok(());
    }
    let found: Option<i64> = sqlx::query_scalar("select max(version) from _sqlx_migrations")
        .fetch_one(pool)
        .await?;
    match found {
        Some(found) if found > known => Err(AccountsError::Newer { found, known }),
        _ => Ok(()),
    }
}
