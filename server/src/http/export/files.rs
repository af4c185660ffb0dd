//! Files that are made to be downloaded: kept for an hour, so that a download that broke off can go on, then deleted.

use crate::{
    clock::SharedClock,
    store::{Slice, StoreError},
    tasks::Tasks,
};
use parking_lot::Mutex;
use pulsecast_protocol::Timestamp;
use std::{
    collections::HashMap,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::sync::{Semaphore, TryAcquireError};

/// How long a file is kept, in milliseconds.
const KEPT: i64 = Timestamp::HOUR;
/// How often those over age are looked for.
const SWEEP: Duration = Duration::from_secs(300);

/// A file and the name of its contents.
#[derive(Clone, Debug)]
pub struct Made {
    /// Where it is.
    pub path: PathBuf,
    /// Never the same for two contents; a strong entity tag, with its quotes.
    pub etag: String,
    at: Timestamp,
}

/// Why there is no file.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// One is being made, and one at a time is enough for the machine.
    #[error("another file is being written: try again in a moment")]
    Busy,
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The task that writes ended early.
    #[error("writing the file broke off: try again")]
    Broken,
}

#[derive(Debug)]
struct Inner {
    folder: PathBuf,
    clock: SharedClock,
    made: Mutex<HashMap<Slice, Made>>,
    writing: Semaphore,
}

/// The files. A cheap handle.
#[derive(Clone, Debug)]
pub struct Files(Arc<Inner>);

impl Files {
    /// Keeps files in this folder, which is emptied: what a process that ended has left is of no use.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn open(folder: PathBuf, clock: SharedClock) -> io::Result<Self> {
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => fs::create_dir_all(&folder)?,
        }
        Ok(Self(Arc::new(Inner {
            folder,
            clock,
            made: Mutex::default(),
            writing: Semaphore::new(1),
        })))
    }

    /// Starts the task that deletes files over age.
    pub fn keep_clean(&self, tasks: &Tasks) {
        let (files, stop) = (self.clone(), tasks.clone());
        tasks.spawn("export-files", async move {
            let mut every = tokio::time::interval(SWEEP);
            loop {
                tokio::select! {
                    () = stop.stopping() => break,
                    _ = every.tick() => files.sweep(),
                }
            }
        });
    }

    /// The file that was made for this slice, if it is still there.
    #[must_use]
    pub fn find(&self, slice: Slice) -> Option<Made> {
        self.0.made.lock().get(&slice).cloned()
    }

    /// Makes a file of this slice, in place of the one there may be.
    ///
    /// # Errors
    /// When another is being made, or it cannot be written.
    pub async fn make(
        &self,
        slice: Slice,
        write: impl FnOnce(&Path) -> Result<(), StoreError> + Send + 'static,
    ) -> Result<Made, FilesError> {
        let _turn = self.0.writing.try_acquire().map_err(|error| match error {
            TryAcquireError::NoPermits => FilesError::Busy,
            TryAcquireError::Closed => FilesError::Broken,
        })?;
        let name = format!("{:032x}", rand::random::<u128>());
        let made = Made {
            path: self.0.folder.join(&name),
            etag: format!("\"{name}\""),
            at: self.0.clock.now(),
        };
        let path = made.path.clone();
        let written = tokio::task::spawn_blocking(move || {
            let written = write(&path);
            if written.is_err() {
                delete(&path);
            }
            written
        });
        written.await.map_err(|_| FilesError::Broken)??;
        if let Some(old) = self.0.made.lock().insert(slice, made.clone()) {
            // Who is reading it goes on reading: the name goes, the contents stay until the last reader is gone.
            delete(&old.path);
        }
        Ok(made)
    }

    fn sweep(&self) {
        let now = self.0.clock.now();
        self.0.made.lock().retain(|_, made| {
            let keep = now.since(made.at) < KEPT;
            if !keep {
                delete(&made.path);
            }
            keep
        });
    }
}

fn delete(path: &Path) {
    if let Err(error) = fs::remove_file(path)
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::warn!(%error, file = %path.display(), "an export's file is left behind; the next start deletes it");
    }
}
