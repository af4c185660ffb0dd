//! Opening a data directory for one command.

use crate::{
    auth::{Auth, Keys, LoginLimits, OwnOrigin, Passwords, Tokens, key},
    clock::SystemClock,
    config::DataDir,
    store::accounts::SqliteAccounts,
};
use anyhow::Result;
use std::sync::Arc;

/// The directory's accounts; the directory is made when missing.
pub(super) async fn accounts(data: &DataDir) -> Result<SqliteAccounts> {
    data.make()?;
    Ok(SqliteAccounts::open(&data.path).await?)
}

/// What signing up needs.
pub(super) async fn auth(accounts: &SqliteAccounts) -> Result<Auth> {
    let clock = Arc::new(SystemClock);
    Ok(Auth {
        accounts: Arc::new(accounts.clone()),
        passwords: Passwords::new()?,
        limits: LoginLimits::new(clock.clone()),
        keys: Keys::new(clock.clone(), key::RATE),
        tokens: Tokens::load(accounts).await?,
        own: OwnOrigin::new(None),
        clock,
    })
}
