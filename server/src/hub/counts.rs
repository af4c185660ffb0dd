//! Which channels' numbers of readers changed since somebody last asked. A name waits once however often it changes, so the list is bounded
//! by the number of channels.

use parking_lot::Mutex;
use std::{collections::HashSet, sync::Arc};
use tokio::sync::Notify;

#[derive(Debug, Default)]
pub(super) struct Counts {
    changed: Mutex<HashSet<Arc<str>>>,
    news: Notify,
}

impl Counts {
    pub(super) fn note(&self, channel: &Arc<str>) {
        if self.changed.lock().insert(channel.clone()) {
            self.news.notify_one();
        }
    }

    pub(super) fn take(&self) -> Vec<Arc<str>> {
        std::mem::take(&mut *self.changed.lock()).into_iter().collect()
    }

    /// Waits for news; what is there already counts.
    pub(super) async fn wait(&self) {
        self.news.notified().await;
    }
}
