//! Feeds and rooms on their disk, and without those of sites that are gone.

use crate::{
    health::Health,
    hub::{Hub, Unavailable},
    sites::Sites,
    store::streams,
    tasks::Tasks,
};
use anyhow::{Context, Result};
use pulsecast_protocol::Channel;
use std::{path::Path, sync::Arc, thread::JoinHandle, time::Duration};

/// How often channels of sites that are gone are looked for: a site that is removed on its page takes them along at once.
const EVERY: Duration = Duration::from_secs(600);

/// The hub, whose durable channels are in this file from now on, at most so many rooms a site.
pub(super) fn durable(
    hub: Hub,
    path: &Path,
    most: u32,
    health: &Health,
    tasks: &Tasks,
) -> Result<(Hub, JoinHandle<()>)> {
    let (journal, archive) = streams::open(path, most)?;
    let told = health.clone();
    let tell = move |outcome: Result<(), &Unavailable>| match outcome {
        Ok(()) => told.ok("streams"),
        Err(error) => told.red("streams", error.to_string()),
    };
    hub.durable_on(Arc::new(archive), Box::new(journal), Box::new(tell), tasks)
        .context("cannot start the thread that writes feeds and rooms")
}

/// Starts the task that forgets what was published on sites that are gone.
pub(super) fn keep_clean(hub: &Hub, sites: &Sites, tasks: &Tasks) {
    let (hub, sites, stop) = (hub.clone(), sites.clone(), tasks.clone());
    tasks.spawn("forget-streams", async move {
        let mut every = tokio::time::interval(EVERY);
        loop {
            tokio::select! {
                () = stop.stopping() => break,
                _ = every.tick() => {}
            }
            let known = sites.clone();
            let is_gone = move |name: &str| {
                let channel = name.parse::<Channel>();
                channel.map_or(true, |channel| known.get(channel.site()).is_none())
            };
            match hub.erase(is_gone).await {
                Ok(0) => {}
                Ok(erased) => tracing::info!(erased, "forgot feeds and rooms of sites that are gone"),
                Err(error) => tracing::warn!(%error, "feeds and rooms of sites that are gone stay for now"),
            }
        }
    });
}
