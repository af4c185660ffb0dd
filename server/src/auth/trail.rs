//! How long the audit trail is: entries are forgotten by age.

use crate::{clock::SharedClock, store::accounts::Accounts};
use std::{sync::Arc, time::Duration};

const EVERY: Duration = Duration::from_secs(3600);

/// Forgets changes that are older than `kept` milliseconds, now and then until `stop` ends: a task of its own.
pub async fn keep_short(
    accounts: Arc<dyn Accounts>,
    clock: SharedClock,
    kept: i64,
    stop: impl Future<Output = ()>,
) {
    let mut stop = std::pin::pin!(stop);
    let mut every = tokio::time::interval(EVERY);
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = &mut stop => break,
            _ = every.tick() => {
                if let Err(error) = accounts.forget_changes(clock.now().plus(-kept)).await {
                    tracing::warn!(%error, "cannot shorten the audit trail; trying again later");
                }
            }
        }
    }
}
