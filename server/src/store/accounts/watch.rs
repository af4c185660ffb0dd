//! Keeps the directory of sites in memory in step with the accounts file, also when another process (`pulsecast site add`) wrote to it.

use super::{Accounts, AccountsError, SqliteAccounts};
use crate::{sites::Sites, tasks::Tasks};
use sqlx::SqliteConnection;
use std::time::Duration;

/// How often the file is asked whether somebody wrote to it: one pragma, no disk.
const EVERY: Duration = Duration::from_secs(1);

/// Takes the accounts' sites for all there are.
///
/// # Errors
/// When the accounts do not answer; the directory stays as it was.
pub async fn load_sites(accounts: &dyn Accounts, sites: &Sites) -> Result<(), AccountsError> {
    let _turn = sites.turn().await;
    sites.replace(accounts.sites().await?);
    Ok(())
}

/// Starts the task that reloads `sites` within a second of anybody's write to the accounts file.
pub fn watch_sites(accounts: SqliteAccounts, sites: Sites, tasks: &Tasks) {
    let stop = tasks.clone();
    tasks.spawn("watch-sites", async move {
        let mut watch = Watch {
            accounts,
            sites,
            connection: None,
            seen: None,
        };
        let mut every = tokio::time::interval(EVERY);
        every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.stopping() => break,
                _ = every.tick() => {
                    if let Err(error) = watch.look().await {
                        tracing::warn!(%error, "cannot see whether the sites changed; trying again");
                        watch.connection = None;
                    }
                }
            }
        }
    });
}

struct Watch {
    accounts: SqliteAccounts,
    sites: Sites,
    connection: Option<SqliteConnection>,
    seen: Option<i64>,
}

impl Watch {
    async fn look(&mut self) -> Result<(), AccountsError> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => {
                // `data_version` counts from where its connection began: a new one has to look once in any case.
                self.seen = None;
                none.insert(self.accounts.connect().await?)
            }
        };
        let version: i64 = sqlx::query_scalar("pragma data_version")
            .fetch_one(connection)
            .await
            .map_err(|e| AccountsError::Unavailable(e.to_string()))?;
        if self.seen != Some(version) {
            load_sites(&self.accounts, &self.sites).await?;
            self.seen = Some(version);
        }
        Ok(())
    }
}
