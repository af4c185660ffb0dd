//! Files that are made to be downloaded: written by tasks of their own, whoever waits for them or has left; read while they are written; kept for
//! an hour, so that a download that broke off goes on with the same bytes; deleted when nobody needs them. All together have a size that they
//! do not exceed.

use super::slots::Slot;
use crate::{
    clock::SharedClock,
    store::{Stop, StoreError},
    tasks::Tasks,
};
use parking_lot::Mutex;
use pulsecast_protocol::Timestamp;
use sha2::{Digest, Sha256};
use std::{
    fmt::Debug,
    fs, io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::AsyncWriteExt,
    sync::{Semaphore, oneshot, watch},
};

/// How long a file is kept, in milliseconds.
const KEPT: i64 = Timestamp::HOUR;
/// How often those over age are looked for.
const SWEEP: Duration = Duration::from_secs(300);
/// How often a file that the engine writes is looked at.
const LOOK: Duration = Duration::from_millis(500);
/// How long one may be written.
const LONGEST: Duration = Duration::from_secs(1800);

/// What a file is the answer to: the question, and what of the site whoever asks may see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key([u8; 32]);

impl Key {
    /// Of all that decides what is in the file.
    pub fn of(what: &impl Debug) -> Self {
        Self(Sha256::digest(format!("{what:?}")).into())
    }
}

/// How much of a file there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// So many bytes until now.
    SoFar(u64),
    /// So many, and that is all.
    All(u64),
    /// There will not be more.
    Broken(Trouble),
}

/// Why a file is not whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// The engine writes one already, and one at a time is enough for the machine.
    #[error("another file is being written: try again in a moment")]
    Busy,
    /// It was kept for its hour, or made room for others.
    #[error("this file is not kept any more: begin anew, without file= in the address")]
    Gone,
    /// The disk, or what of it exports may have.
    #[error(
        "there is no room on the server's disk for this export: ask for fewer days, wait an hour, or start pulsecast with a higher --export-disk"
    )]
    NoRoom,
    /// What was asked for cannot be read.
    #[error("the event store does not give it now: see the server's log, or try again")]
    Store,
    /// It took too long.
    #[error("writing the file took too long: ask for fewer days")]
    TooLong,
    /// The server ends, or the task that wrote it did.
    #[error("writing the file broke off: try again")]
    Stopped,
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        tracing::warn!(%error, "an export cannot be written");
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                Self::NoRoom
            }
            _ => Self::Stopped,
        }
    }
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        tracing::warn!(%error, "an export cannot be read");
        match error.to_string() {
            text if text.contains("No space left") || text.contains("max_temp_directory_size") => {
                Self::NoRoom
            }
            _ => Self::Store,
        }
    }
}

/// A file. It is on disk for as long as somebody holds it.
#[derive(Debug)]
pub struct Made {
    key: Key,
    path: PathBuf,
    etag: String,
    at: Timestamp,
    written: watch::Receiver<Written>,
    /// Its part of what all take.
    size: AtomicU64,
    used: Arc<AtomicU64>,
}

impl Drop for Made {
    fn drop(&mut self) {
        delete(&self.path);
        self.used.fetch_sub(*self.size.get_mut(), Ordering::AcqRel);
    }
}

impl Made {
    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Never the same for two contents; a strong entity tag, with its quotes.
    #[must_use]
    pub fn etag(&self) -> &str {
        &self.etag
    }

    /// How much of it there is, as it grows.
    #[must_use]
    pub fn written(&self) -> watch::Receiver<Written> {
        self.written.clone()
    }

    /// Waits until all of it is there; its length.
    ///
    /// # Errors
    /// When it never will be.
    pub async fn whole(&self) -> Result<u64, Trouble> {
        let mut written = self.written.clone();
        let end = written.wait_for(|written| !matches!(written, Written::SoFar(_)));
        match end.await.map(|end| *end) {
            Ok(Written::All(length)) => Ok(length),
            Ok(Written::Broken(trouble)) => Err(trouble),
            Ok(Written::SoFar(_)) | Err(_) => Err(Trouble::Stopped),
        }
    }

    fn is_being_written(&self) -> bool {
        matches!(*self.written.borrow(), Written::SoFar(_)) && self.written.has_changed().is_ok()
    }

    fn is_broken(&self) -> bool {
        !self.is_being_written() && !matches!(*self.written.borrow(), Written::All(_))
    }
}

/// Where what makes a file writes it. Dropped before its end, the file is broken.
#[derive(Debug)]
pub struct Sink {
    files: Files,
    made: Arc<Made>,
    file: tokio::fs::File,
    written: watch::Sender<Written>,
    length: u64,
}

impl Sink {
    /// Appends.
    ///
    /// # Errors
    /// When there is no room.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), Trouble> {
        if bytes.is_empty() {
            return Ok(());
        }
        let size = bytes.len() as u64;
        self.files.take_room(&self.made, size)?;
        self.file.write_all(bytes).await?;
        // What is announced can be read.
        self.file.flush().await?;
        self.length += size;
        self.written.send_replace(Written::SoFar(self.length));
        Ok(())
    }
}

#[derive(Debug)]
struct Inner {
    folder: PathBuf,
    clock: SharedClock,
    tasks: Tasks,
    /// Bytes that all of them may have.
    room: u64,
    used: Arc<AtomicU64>,
    /// The newest last.
    kept: Mutex<Vec<Arc<Made>>>,
    engine: Arc<Semaphore>,
}

/// The files. A cheap handle.
#[derive(Clone, Debug)]
pub struct Files(Arc<Inner>);

impl Files {
    /// Keeps files in this folder, which is emptied: what a process that ended has left is of no use.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn open(folder: PathBuf, room: u64, clock: SharedClock, tasks: Tasks) -> io::Result<Self> {
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => fs::create_dir_all(&folder)?,
        }
        Ok(Self(Arc::new(Inner {
            folder,
            clock,
            tasks,
            room,
            used: Arc::default(),
            kept: Mutex::default(),
            engine: Arc::new(Semaphore::new(1)),
        })))
    }

    /// Starts the task that deletes files over age.
    pub fn keep_clean(&self) {
        let (files, stop) = (self.clone(), self.0.tasks.clone());
        self.0.tasks.spawn("export-files", async move {
            let mut every = tokio::time::interval(SWEEP);
            loop {
                tokio::select! {
                    () = stop.stopping() => break,
                    _ = every.tick() => files.sweep(),
                }
            }
        });
    }

    /// The file by this key with this entity tag.
    #[must_use]
    pub fn find(&self, key: Key, etag: &str) -> Option<Arc<Made>> {
        let fits = |made: &&Arc<Made>| made.key == key && made.etag == etag && !made.is_broken();
        self.0.kept.lock().iter().find(fits).cloned()
    }

    /// The file by this key that is being written now.
    #[must_use]
    pub fn growing(&self, key: Key) -> Option<Arc<Made>> {
        let fits = |made: &&Arc<Made>| made.key == key && made.is_being_written();
        self.0.kept.lock().iter().find(fits).cloned()
    }

    /// Begins a file that `write` writes bit by bit, to its end even when nobody waits for it any more.
    ///
    /// # Errors
    /// When there cannot be one.
    pub async fn make<W>(
        &self,
        key: Key,
        slot: Slot,
        write: impl FnOnce(Sink) -> W,
    ) -> Result<Arc<Made>, Trouble>
    where
        W: Future<Output = Result<Sink, Trouble>> + Send + 'static,
    {
        let (made, written) = self.begin(key);
        let sink = Sink {
            files: self.clone(),
            file: tokio::fs::File::create(&made.path).await?,
            made: made.clone(),
            written: written.clone(),
            length: 0,
        };
        self.keep(&made);
        let (writing, stop) = (write(sink), self.0.tasks.clone());
        self.0.tasks.spawn("export", async move {
            let end = tokio::select! {
                end = writing => end,
                () = stop.stopping() => Err(Trouble::Stopped),
                () = tokio::time::sleep(LONGEST) => Err(Trouble::TooLong),
            };
            written.send_replace(match end {
                Ok(sink) => Written::All(sink.length),
                Err(trouble) => Written::Broken(trouble),
            });
            drop(slot);
        });
        Ok(made)
    }

    /// Begins a file that the store's engine writes as a whole, on a thread of its own. It is told to stop when it takes too long or too much
    /// room, and when the server ends.
    ///
    /// # Errors
    /// When another is being written, or there cannot be one.
    pub fn make_whole(
        &self,
        key: Key,
        slot: Slot,
        write: impl FnOnce(&Path, &mut dyn FnMut(Stop)) -> Result<(), StoreError> + Send + 'static,
    ) -> Result<Arc<Made>, Trouble> {
        let turn = self.0.engine.clone().try_acquire_owned();
        let turn = turn.map_err(|_| Trouble::Busy)?;
        let (made, written) = self.begin(key);
        let (tell, told) = oneshot::channel();
        let (end, ended) = oneshot::channel();
        let path = made.path.clone();
        self.0.tasks.thread("export-engine", move || {
            let mut tell = Some(tell);
            let outcome = write(&path, &mut |stop| {
                // Whoever would stop it may be gone; then it is not stopped.
                drop(tell.take().map(|tell| tell.send(stop)));
            });
            drop(turn);
            drop(end.send(outcome));
        })?;
        self.keep(&made);
        let (files, file) = (self.clone(), made.clone());
        self.0.tasks.spawn("export", async move {
            let end = files.watched(&file, told, ended).await;
            written.send_replace(match end {
                Ok(length) => Written::All(length),
                Err(trouble) => Written::Broken(trouble),
            });
            drop(slot);
        });
        Ok(made)
    }

    /// Waits for the engine, and stops it where it has to be.
    async fn watched(
        &self,
        made: &Arc<Made>,
        told: oneshot::Receiver<Stop>,
        mut ended: oneshot::Receiver<Result<(), StoreError>>,
    ) -> Result<u64, Trouble> {
        let size = || fs::metadata(&made.path).map_or(0, |data| data.len());
        let mut counted = 0;
        let mut count = |size: u64| {
            let more = size.saturating_sub(counted);
            counted += more;
            self.take_room(made, more)
        };
        let (stop, mut every) = (told.await, tokio::time::interval(LOOK));
        let late = tokio::time::sleep(LONGEST);
        tokio::pin!(late);
        let mut trouble = None;
        let outcome = loop {
            let now = tokio::select! {
                outcome = &mut ended => break outcome,
                _ = every.tick() => count(size()).err(),
                () = self.0.tasks.stopping() => Some(Trouble::Stopped),
                () = &mut late => Some(Trouble::TooLong),
            };
            if let Some(now) = now {
                trouble.get_or_insert(now);
                // Until it hears of it.
                if let Ok(stop) = &stop {
                    stop();
                }
                if tokio::time::timeout(LOOK, &mut ended).await.is_ok() {
                    return Err(now);
                }
            }
        };
        match (trouble, outcome) {
            (Some(trouble), _) => Err(trouble),
            (None, Err(_)) => Err(Trouble::Stopped),
            (None, Ok(Err(error))) => Err(error.into()),
            (None, Ok(Ok(()))) => count(size()).map(|()| size()),
        }
    }

    fn begin(&self, key: Key) -> (Arc<Made>, watch::Sender<Written>) {
        let name = format!("{:032x}", rand::random::<u128>());
        let (sender, written) = watch::channel(Written::SoFar(0));
        let made = Made {
            key,
            path: self.0.folder.join(&name),
            etag: format!("\"{name}\""),
            at: self.0.clock.now(),
            written,
            size: AtomicU64::new(0),
            used: self.0.used.clone(),
        };
        (Arc::new(made), sender)
    }

    fn keep(&self, made: &Arc<Made>) {
        self.0.kept.lock().push(made.clone());
    }

    /// Room for so many bytes more; older files that nobody reads make it where they have to.
    fn take_room(&self, made: &Made, bytes: u64) -> Result<(), Trouble> {
        let used = &self.0.used;
        while used.fetch_add(bytes, Ordering::AcqRel) + bytes > self.0.room {
            used.fetch_sub(bytes, Ordering::AcqRel);
            let mut kept = self.0.kept.lock();
            let idle = |kept: &Arc<Made>| Arc::strong_count(kept) == 1 && !kept.is_being_written();
            let oldest = kept.iter().position(idle).map(|at| kept.remove(at));
            drop(kept);
            if oldest.is_none() {
                return Err(Trouble::NoRoom);
            }
        }
        made.size.fetch_add(bytes, Ordering::AcqRel);
        Ok(())
    }

    fn sweep(&self) {
        let now = self.0.clock.now();
        let keep =
            |made: &Arc<Made>| made.is_being_written() || (!made.is_broken() && now.since(made.at) < KEPT);
        let mut gone = Vec::new();
        self.0.kept.lock().retain(|made| {
            let keep = keep(made);
            if !keep {
                gone.push(made.clone());
            }
            keep
        });
        // Deleted here, outside the lock: unless somebody is reading them, who deletes them then.
        drop(gone);
    }
}

fn delete(path: &Path) {
    if let Err(error) = fs::remove_file(path)
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::warn!(%error, file = %path.display(), "an export's file is left behind; the next start deletes it");
    }
}

#[cfg(test)]
#[path = "files_tests.rs"]
mod tests;
