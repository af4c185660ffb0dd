//! Publishing in durable channels: where drafts are handed in, how many may wait, and what is answered.

use super::{
    Hub, Position,
    journal::{Archive, Journal, Unavailable},
    writer::{Writer, commit, erase, sweep},
};
use crate::tasks::Tasks;
use bytes::Bytes;
use parking_lot::Mutex;
use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::JoinHandle,
};
use tokio::sync::{mpsc, oneshot};

/// Publications that may wait for a commit; beyond, publishers are told to come again.
const WAITING: usize = 4096;
/// Bytes of them.
const WAITING_BYTES: usize = 32 << 20;

/// Why something was not published. Nobody got it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PublishError {
    /// The disk does not take it, or too much waits for it.
    #[error("not available: try again in a moment")]
    Unavailable,
    /// The channel takes no such thing; the text says what is wrong with it.
    #[error("{0}")]
    Invalid(String),
    /// It does not fit.
    #[error("{0}")]
    TooLarge(String),
    /// Nobody publishes there.
    #[error("this channel cannot be published to")]
    NotAllowed,
}

impl From<Unavailable> for PublishError {
    fn from(_: Unavailable) -> Self {
        Self::Unavailable
    }
}

/// Something to publish.
#[derive(Clone, Debug, Default)]
pub struct Draft {
    /// One JSON value.
    pub payload: Bytes,
    /// Who publishes it, as one JSON object; empty where that is not told.
    pub info: Bytes,
    /// Two drafts of one channel with the same key are one publication: the second is answered with the place of the first.
    pub key: Option<String>,
}

impl From<Bytes> for Draft {
    fn from(payload: Bytes) -> Self {
        Self {
            payload,
            ..Self::default()
        }
    }
}

/// Told what became of a draft.
pub(super) type Done = Box<dyn FnOnce(Result<Position, PublishError>) + Send>;

/// Told whether the disk does its part.
pub type Tell = Box<dyn Fn(Result<(), &Unavailable>) + Send>;

pub(super) struct Job {
    pub(super) channel: Arc<str>,
    pub(super) draft: Draft,
    pub(super) done: Done,
}

impl Job {
    pub(super) fn bytes(&self) -> usize {
        self.channel.len() + self.draft.payload.len() + self.draft.info.len() + 64
    }
}

pub(super) enum Message {
    Publish(Job),
    Erase {
        is_meant: Box<dyn Fn(&str) -> bool + Send>,
        done: oneshot::Sender<Result<usize, Unavailable>>,
    },
    Sweep,
    Close,
}

/// Where drafts are handed in.
pub(super) enum Desk {
    /// Whoever publishes does the work: for a hub without a disk.
    Here(Mutex<Box<dyn Journal>>),
    /// A thread does it.
    Thread {
        queue: mpsc::Sender<Message>,
        waiting: Arc<AtomicUsize>,
        /// The disk did not take the last that it was given.
        failing: Arc<AtomicBool>,
    },
}

impl Hub {
    /// With durable channels on this disk, written by a thread of its own. Before anybody else has a handle.
    ///
    /// # Errors
    /// When the system has no thread left, or somebody has a handle already.
    pub fn durable_on(
        mut self,
        archive: Arc<dyn Archive>,
        journal: Box<dyn Journal>,
        tell: Tell,
        tasks: &Tasks,
    ) -> io::Result<(Self, JoinHandle<()>)> {
        let (queue, receiver) = mpsc::channel(WAITING);
        let (waiting, failing) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let shared =
            Arc::get_mut(&mut self.0).ok_or_else(|| io::Error::other("the hub is in use already"))?;
        shared.archive = archive;
        shared.desk = Desk::Thread {
            queue,
            waiting: waiting.clone(),
            failing: failing.clone(),
        };
        let weak = Arc::downgrade(&self.0);
        let writer = Writer {
            hub: weak,
            journal,
            waiting,
            failing,
            tell,
        };
        let thread = tasks.thread("streams-writer", move || writer.run(receiver))?;
        Ok((self, thread))
    }

    /// Publishes in a durable channel: when this is answered, the publication is on disk and on its way to all readers. Channels that are
    /// not durable are published in with [`Hub::publish`].
    ///
    /// # Errors
    /// When it was not published; nobody got it.
    pub async fn publish_durable(
        &self,
        channel: &str,
        payload: Bytes,
        idempotency_key: Option<&str>,
    ) -> Result<Position, PublishError> {
        let draft = Draft {
            key: idempotency_key.map(str::to_owned),
            ..Draft::from(payload)
        };
        self.publish_draft(channel, draft).await
    }

    /// The same, with all that can be said about it. It is handed in at once; the answer is what is waited for.
    ///
    /// # Errors
    /// When it was not published; nobody got it.
    pub fn publish_draft(
        &self,
        channel: &str,
        draft: Draft,
    ) -> impl Future<Output = Result<Position, PublishError>> + Send + use<> {
        let (done, outcome) = oneshot::channel();
        self.hand_in(channel, draft, move |became| {
            // Whoever gave the request up before its answer loses nothing.
            drop(done.send(became));
        });
        async move { outcome.await.unwrap_or(Err(PublishError::Unavailable)) }
    }

    /// The same for who cannot wait: `done` is called, perhaps from another thread, when it is known what became of it. Drafts that one
    /// caller hands in one after the other are published in that order.
    pub fn hand_in(
        &self,
        channel: &str,
        draft: Draft,
        done: impl FnOnce(Result<Position, PublishError>) + Send + 'static,
    ) {
        let done: Done = Box::new(done);
        if !self.0.families.of(channel).1.durable {
            return done(Err(PublishError::NotAllowed));
        }
        let job = Job {
            channel: channel.into(),
            draft,
            done,
        };
        match &self.0.desk {
            Desk::Here(journal) => {
                commit(self, &mut **journal.lock(), vec![job], &|_| {});
            }
            Desk::Thread { queue, waiting, .. } => {
                let bytes = job.bytes();
                if waiting.fetch_add(bytes, Ordering::Relaxed) + bytes > WAITING_BYTES {
                    waiting.fetch_sub(bytes, Ordering::Relaxed);
                    return refuse(job);
                }
                if let Err(full) = queue.try_send(Message::Publish(job)) {
                    waiting.fetch_sub(bytes, Ordering::Relaxed);
                    if let Message::Publish(job) = full.into_inner() {
                        refuse(job);
                    }
                }
            }
        }
    }

    /// Forgets durable channels, with all that was published in them. Who receives one is told to come again, and finds it begun anew, if
    /// it may.
    ///
    /// # Errors
    /// When the disk does not take it: they are still there.
    pub async fn erase(
        &self,
        is_meant: impl Fn(&str) -> bool + Send + 'static,
    ) -> Result<usize, Unavailable> {
        let is_meant = Box::new(is_meant);
        match &self.0.desk {
            Desk::Here(journal) => erase(self, &mut **journal.lock(), &is_meant),
            Desk::Thread { queue, .. } => {
                let (done, outcome) = oneshot::channel();
                let gone = || Unavailable("the server is going down".to_owned());
                queue
                    .send(Message::Erase { is_meant, done })
                    .await
                    .map_err(|_| gone())?;
                outcome.await.unwrap_or_else(|_| Err(gone()))
            }
        }
    }

    /// Forgets what is too old. A writer that is busy does it another time.
    pub fn sweep(&self) {
        match &self.0.desk {
            Desk::Here(journal) => sweep(self, &mut **journal.lock(), &|_| {}),
            // A full queue sweeps the next time.
            Desk::Thread { queue, .. } => drop(queue.try_send(Message::Sweep)),
        }
    }

    /// Tries whether a disk that failed works again: nobody has to publish for that.
    pub(super) fn probe(&self) {
        if let Desk::Thread { failing, .. } = &self.0.desk
            && failing.load(Ordering::Relaxed)
        {
            self.sweep();
        }
    }

    /// Nothing more is taken for durable channels; what waits is still written. For the end of the process.
    pub async fn close(&self) {
        if let Desk::Thread { queue, .. } = &self.0.desk {
            // A closed channel is closed already.
            drop(queue.send(Message::Close).await);
        }
    }
}

fn refuse(job: Job) {
    metrics::counter!("pulsecast_streams_refused_total", "reason" => "full").increment(1);
    (job.done)(Err(PublishError::Unavailable));
}
