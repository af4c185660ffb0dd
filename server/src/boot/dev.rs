//! `pulsecast dev DIR`: a hub, a watcher and a router, and nothing else of the server.

use super::{Ending, listen};
use crate::{
    clock::SystemClock,
    config::DevConfig,
    dev::{Folder, router, watch},
    http::{ServeLimits, serve as serve_http},
    hub::{Families, Hub},
    tasks::Tasks,
};
use anyhow::{Context, Result};
use std::{sync::Arc, time::Duration};

/// How long pages' streams may take to end.
const PATIENCE: Duration = Duration::from_secs(1);

/// Serves the folder until it is told to end.
///
/// # Errors
/// One line that says what to do.
pub async fn dev(config: DevConfig) -> Result<()> {
    let folder = Folder::open(&config.folder)?;
    let mut ending = Ending::listen().context("cannot listen for SIGTERM and SIGINT")?;
    let (listener, address) = listen(config.addr).await?;
    let tasks = Tasks::new();
    // Pages compare the epoch: another one means that the server was started anew.
    let hub = Hub::new(Families::default(), Arc::new(SystemClock), rand::random());
    watch(&folder, &hub, &tasks)?;
    let url = format!("http://{address}");
    println!("serving {}", folder.path().display());
    println!("listening on {url}");
    println!("pages reload when a file is saved; end with Ctrl-C");
    let router = router(folder, hub, address.ip());
    let (limits, stop) = (ServeLimits::default(), tasks.clone());
    tasks.spawn("http", serve_http(listener, router, limits, stop));
    if config.open
        && let Err(error) = open::that_detached(&url)
    {
        eprintln!("pulsecast: cannot open a browser ({error}); open {url} yourself");
    }
    ending.asked().await;
    tasks.stop();
    let _ended = tasks.wait(PATIENCE).await;
    Ok(())
}
