//! Opening a data directory for one command.

use crate::{
    auth::{Auth, LoginLimits, OwnOrigin, Passwords, Tokens},
    clock::SystemClock,
    config::DataDir,
    store::accounts::SqliteAccounts,
};
use anyhow::{Context, Result};
use std::sync::Arc;

/// The directory's accounts; the directory is made when missing.
pub(super) async fn accounts(data: &DataDir) -> Result<SqliteAccounts> {
    make(data)?;
    Ok(SqliteAccounts::open(&data.path).await?)
}

/// What signing up needs.
pub(super) async fn auth(accounts: &SqliteAccounts) -> Result<Auth> {
    let clock = Arc::new(SystemClock);
    Ok(Auth {
        accounts: Arc::new(accounts.clone()),
        passwords: Passwords::new()?,
        limits: LoginLimits::new(clock.clone()),
        tokens: Tokens::load(accounts).await?,
        own: OwnOrigin::new(None),
        clock,
    })
}

/// Makes the directory, for its owner only: it holds the key of today's visitor hashes.
pub(crate) fn make(data: &DataDir) -> Result<()> {
    let path = &data.path;
    if !path.is_dir() {
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(path).with_context(|| {
            format!("cannot make the data directory {}: name a place that this user may write to with --data", path.display())
        })?;
    }
    std::fs::read_dir(path).map(drop).with_context(|| {
        format!("cannot read the data directory {}: give it to this user, or name another with --data", path.display())
    })
}
