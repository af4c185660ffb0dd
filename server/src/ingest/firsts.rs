//! Notes each site's first event in the accounts: what turns "waiting for the first event" into the live page, for good.

use crate::{clock::SharedClock, event::SiteId, store::accounts::Accounts, tasks::Tasks};
use std::{collections::HashSet, sync::Arc};
use tokio::sync::mpsc;

/// Sites whose note may wait.
const WAITING: usize = 1024;

/// Told of every event's site; passes each on once.
#[derive(Debug)]
pub struct Firsts {
    told: HashSet<SiteId>,
    notes: mpsc::Sender<SiteId>,
}

impl Firsts {
    /// Starts the task that writes the notes.
    #[must_use]
    pub fn start(accounts: Arc<dyn Accounts>, clock: SharedClock, tasks: &Tasks) -> Self {
        let (notes, mut waiting) = mpsc::channel(WAITING);
        let stop = tasks.clone();
        tasks.spawn("first-events", async move {
            loop {
                let site = tokio::select! {
                    () = stop.stopping() => break,
                    site = waiting.recv() => site,
                };
                let Some(site) = site else { break };
                if let Err(error) = accounts.note_first_event(&[site], clock.now()).await {
                    tracing::warn!(%error, "a site's first event is not noted; the next start does it");
                }
            }
        });
        Self {
            told: HashSet::new(),
            notes,
        }
    }

    /// An event of this site is on disk.
    pub fn saw(&mut self, site: SiteId) {
        if !self.told.contains(&site) && self.notes.try_send(site).is_ok() {
            self.told.insert(site);
        }
    }
}
