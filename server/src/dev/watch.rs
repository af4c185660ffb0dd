//! Watches the folder and says what changed, once a moment: an editor's save is several events, a build's output hundreds.

use super::{CHANNEL, Change, Folder};
use crate::{hub::Hub, tasks::Tasks};
use notify::{
    Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher,
    event::{CreateKind, MetadataKind, ModifyKind},
};
use parking_lot::Mutex;
use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::sync::mpsc;

/// It is told when nothing has changed for this long,
const QUIET: Duration = Duration::from_millis(60);
/// or after this long at the latest.
const PATIENCE: Duration = Duration::from_millis(500);
/// Events that may wait; what comes on top is one more change of anything.
const WAITING: usize = 1_024;

/// Why the folder is not watched.
#[derive(Debug, thiserror::Error)]
pub enum NotWatched {
    /// The system has no watches left.
    #[error(
        "the system's limit of watched folders is reached: raise it (Linux: sysctl fs.inotify.max_user_watches=524288) or serve a smaller folder"
    )]
    Limit,
    /// Another reason.
    #[error("cannot watch {path}: {reason}")]
    Other {
        /// What.
        path: PathBuf,
        /// What the system says.
        reason: notify::Error,
    },
}

/// Publishes what changes in the folder, until shutdown.
///
/// # Errors
/// When the folder cannot be watched.
pub fn watch(folder: &Folder, hub: &Hub, tasks: &Tasks) -> Result<(), NotWatched> {
    let (tell, mut hear) = mpsc::channel(WAITING);
    let lost = Arc::new(AtomicBool::new(false));
    let missed = lost.clone();
    let watcher = notify::recommended_watcher(move |event| {
        // What finds no place may have been a page: it counts as one.
        if tell.try_send(event).is_err() {
            missed.store(true, Ordering::Relaxed);
        }
    });
    let watcher = watcher.map_err(|reason| why(folder.path(), reason))?;
    let watched = Arc::new(Mutex::new(watcher));
    follow(&watched, folder, folder.path())?;
    let (folder, hub, stop) = (folder.clone(), hub.clone(), tasks.clone());
    tasks.spawn("folder-watcher", async move {
        loop {
            let first = tokio::select! {
                () = stop.stopping() => return,
                event = hear.recv() => event,
            };
            let Some(first) = first else { return };
            let mut change = heard(first, &folder, &watched);
            let until_quiet = async {
                while let Ok(Some(event)) = tokio::time::timeout(QUIET, hear.recv()).await {
                    change = both(change, heard(event, &folder, &watched));
                }
            };
            // Whether it got quiet or not: somebody waits.
            let _quiet = tokio::time::timeout(PATIENCE, until_quiet).await;
            if lost.swap(false, Ordering::Relaxed) {
                change = Some(Change::Page);
            }
            if let Some(change) = change
                && let Ok(payload) = serde_json::to_vec(&change)
            {
                let _position = hub.publish(CHANNEL, &payload);
                tracing::info!(?change, "told the pages");
            }
        }
    });
    Ok(())
}

fn both(one: Option<Change>, other: Option<Change>) -> Option<Change> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.and(other)),
        (one, other) => one.or(other),
    }
}

/// What an event means for pages. A folder that is new is watched from now on.
fn heard(
    event: notify::Result<Event>,
    folder: &Folder,
    watched: &Arc<Mutex<RecommendedWatcher>>,
) -> Option<Change> {
    let event = match event {
        Ok(event) => event,
        Err(error) => {
            tracing::warn!(%error, "a change may have been missed: reload by hand if a page is old");
            return None;
        }
    };
    if event.need_rescan() {
        return Some(Change::Page);
    }
    let is_change = match event.kind {
        EventKind::Access(_) => false,
        EventKind::Modify(ModifyKind::Metadata(kind)) => kind == MetadataKind::WriteTime,
        _ => true,
    };
    let paths = || event.paths.iter().filter(|path| !folder.ignores(path));
    if matches!(
        event.kind,
        EventKind::Create(CreateKind::Folder | CreateKind::Any) | EventKind::Modify(ModifyKind::Name(_))
    ) {
        for path in paths().filter(|path| path.is_dir()) {
            if let Err(error) = follow(watched, folder, path) {
                tracing::warn!(%error, "a new folder is not watched");
            }
        }
    }
    is_change
        .then(|| paths().map(|path| of(path)).reduce(Change::and))
        .flatten()
}

fn of(path: &Path) -> Change {
    if path
        .extension()
        .is_some_and(|ending| ending.eq_ignore_ascii_case("css"))
    {
        Change::Style
    } else {
        Change::Page
    }
}

/// Watches a folder and those in it, one by one: what tools pile up would cost thousands of watches for nothing.
fn follow(watched: &Arc<Mutex<RecommendedWatcher>>, folder: &Folder, path: &Path) -> Result<(), NotWatched> {
    let mut waiting = vec![path.to_owned()];
    while let Some(path) = waiting.pop() {
        match watched.lock().watch(&path, RecursiveMode::NonRecursive) {
            Ok(()) => {}
            // Gone again meanwhile.
            Err(_) if !path.exists() => continue,
            Err(error) => return Err(why(&path, error)),
        }
        let Ok(entries) = std::fs::read_dir(&path) else {
            continue;
        };
        for entry in entries.flatten() {
            // A symbolic link to a folder is not followed: it may lead in circles.
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            if is_folder && !folder.ignores(&entry.path()) {
                waiting.push(entry.path());
            }
        }
    }
    Ok(())
}

fn why(path: &Path, error: notify::Error) -> NotWatched {
    match error.kind {
        notify::ErrorKind::MaxFilesWatch => NotWatched::Limit,
        _ => NotWatched::Other {
            path: path.to_owned(),
            reason: error,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn style_sheets_alone_leave_the_page_as_it_is() {
        assert_eq!(of(Path::new("a/b.CSS")), Change::Style);
        assert_eq!(of(Path::new("a/b.scss")), Change::Page);
        assert_eq!(Change::Style.and(Change::Style), Change::Style);
        assert_eq!(Change::Style.and(Change::Page), Change::Page);
        assert_eq!(both(Some(Change::Page), Some(Change::Style)), Some(Change::Page));
        assert_eq!(both(None, Some(Change::Style)), Some(Change::Style));
    }
}
