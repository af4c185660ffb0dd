//! Keeps the visitor salts: today's and tomorrow's are there before they are needed, those over age are deleted for good.

use crate::{
    clock::SharedClock,
    enrich::{Salt, Salts},
    health::Health,
    store::accounts::{Accounts, AccountsError},
    tasks::Tasks,
};
use pulsecast_protocol::Timestamp;
use std::{sync::Arc, time::Duration};

const EVERY: Duration = Duration::from_secs(60);

/// Brings salts in memory and in the accounts up to this time.
///
/// # Errors
/// When the accounts do not answer; salts that are there already go on working, tomorrow's among them.
pub async fn refresh(accounts: &dyn Accounts, salts: &Salts, now: Timestamp) -> Result<(), AccountsError> {
    let today = now.day();
    let oldest = Salts::oldest_kept(today);
    accounts.delete_salts_before(oldest).await?;
    salts.forget(today);
    for (day, salt) in accounts.salts().await? {
        salts.put(day, Salt(salt));
    }
    for day in [today, today + 1] {
        if !salts.has(day) {
            // Another process may have been quicker: the one that is stored holds.
            let kept = accounts.put_salt(day, rand::random()).await?;
            salts.put(day, Salt(kept));
        }
    }
    Ok(())
}

/// Starts the task that does so every minute.
pub fn keep(accounts: Arc<dyn Accounts>, salts: Salts, clock: SharedClock, health: Health, tasks: &Tasks) {
    let stop = tasks.clone();
    tasks.spawn("salts", async move {
        let mut every = tokio::time::interval(EVERY);
        loop {
            tokio::select! {
                () = stop.stopping() => break,
                _ = every.tick() => {}
            }
            match refresh(&*accounts, &salts, clock.now()).await {
                Ok(()) => health.ok("accounts"),
                Err(error) => health.red("accounts", error.to_string()),
            }
        }
    });
}
