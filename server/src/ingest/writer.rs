//! The one thread that writes the inbox. It commits whatever waits, then, in order: finds each event's visit, shows it to the live
//! window, hands it to the feeder, and only then lets the request answer.

use super::{Backlog, Overload, firsts::Firsts, import::Piece};
use crate::{
    clock::SharedClock,
    event::{Hit, Seen, SiteId},
    health::Health,
    live::Live,
    sessions::Sessions,
    sites::Sites,
    store::{Change, ImportId, inbox::InboxFile},
    tasks::Tasks,
};
use pulsecast_protocol::Timestamp;
use std::{net::IpAddr, time::Duration};
use tokio::sync::{mpsc, oneshot};

/// Requests that may wait for a commit; beyond, they are told to come again.
const WAITING: usize = 8192;
/// Events of one commit.
const COMMIT: usize = 2000;
/// How often ended visits are looked for and moved events deleted.
const SWEEP: Duration = Duration::from_secs(1);

enum Message {
    Put {
        hit: Box<Hit>,
        ip: IpAddr,
        done: oneshot::Sender<Result<(), Overload>>,
    },
    Import {
        import: ImportId,
        piece: Piece,
        done: oneshot::Sender<()>,
    },
    Saw(SiteId),
    Sweep,
    Close,
}

/// Puts events on disk. A cheap handle; the writer ends when the last one is gone or shutdown is asked for.
#[derive(Clone, Debug)]
pub struct Inbox(mpsc::Sender<Message>);

impl Inbox {
    /// Puts one event on disk; when this is `Ok`, it survives `kill -9`.
    ///
    /// # Errors
    /// When it cannot be taken now. It was not written.
    pub async fn put(&self, hit: Hit, ip: IpAddr) -> Result<(), Overload> {
        let (done, outcome) = oneshot::channel();
        match self.0.try_send(Message::Put {
            hit: Box::new(hit),
            ip,
            done,
        }) {
            Ok(()) => outcome.await.unwrap_or(Err(Overload::Stopping)),
            Err(mpsc::error::TrySendError::Full(_)) => Err(Overload::InboxFull),
            Err(mpsc::error::TrySendError::Closed(_)) => Err(Overload::Stopping),
        }
    }
}

impl Inbox {
    /// Takes a piece of an import: gives it the next numbers and hands it to the feeder. It is not in the inbox: a crash loses it, and then the
    /// import is undone. Blocks while the queue is full.
    ///
    /// # Errors
    /// When the server is going down.
    pub fn import(&self, import: ImportId, piece: Piece) -> Result<(), Overload> {
        let (done, taken) = oneshot::channel();
        self.0
            .blocking_send(Message::Import { import, piece, done })
            .map_err(|_| Overload::Stopping)?;
        // What comes after a piece must not overtake it.
        taken.blocking_recv().map_err(|_| Overload::Stopping)
    }

    /// A site has figures now that came as figures. Blocks while the queue is full.
    ///
    /// # Errors
    /// When the server is going down.
    pub fn saw(&self, site: SiteId) -> Result<(), Overload> {
        self.0
            .blocking_send(Message::Saw(site))
            .map_err(|_| Overload::Stopping)
    }

    /// Nothing more is taken; what waits is still written. For the end of the process, when requests may hang on to their handles.
    pub async fn close(&self) {
        // A closed channel is closed already.
        drop(self.0.send(Message::Close).await);
    }
}

/// What the thread works with.
pub struct Writer {
    /// The file.
    pub file: InboxFile,
    /// The open visits.
    pub sessions: Sessions,
    /// Who shows events.
    pub live: Live,
    /// Who moves them on.
    pub backlog: Backlog,
    /// Whose they are.
    pub sites: Sites,
    /// What time it is.
    pub clock: SharedClock,
    /// Where trouble is told.
    pub health: Health,
    /// Who is told of sites' first events.
    pub firsts: Firsts,
}

struct Waiting {
    hit: Hit,
    ip: IpAddr,
    done: oneshot::Sender<Result<(), Overload>>,
}

impl Writer {
    /// Starts the thread and the task that reminds it to sweep.
    ///
    /// # Errors
    /// When the system has no thread left.
    pub fn start(mut self, tasks: &Tasks) -> std::io::Result<(Inbox, std::thread::JoinHandle<()>)> {
        let (sender, mut receiver) = mpsc::channel(WAITING);
        let weak = sender.downgrade();
        let watch = tasks.clone();
        tasks.spawn("inbox-sweep", async move {
            let mut tick = tokio::time::interval(SWEEP);
            loop {
                tokio::select! {
                    _ = tick.tick() => {}
                    () = watch.stopping() => break,
                }
                let Some(sender) = weak.upgrade() else { break };
                // A full queue sweeps a second later.
                drop(sender.try_send(Message::Sweep));
            }
        });
        let thread = tasks.thread("inbox-writer", move || {
            let mut messages = Vec::with_capacity(COMMIT);
            while receiver.blocking_recv_many(&mut messages, COMMIT) > 0 {
                if messages.iter().any(|message| matches!(message, Message::Close)) {
                    receiver.close();
                }
                self.handle(&mut messages);
            }
            self.backlog.close();
        })?;
        Ok((Inbox(sender), thread))
    }

    fn handle(&mut self, messages: &mut Vec<Message>) {
        let mut sweep = false;
        let mut pieces = Vec::new();
        let mut waiting = Vec::with_capacity(messages.len());
        let mut room = self.backlog.room();
        for message in messages.drain(..) {
            match message {
                Message::Sweep => sweep = true,
                Message::Saw(site) => self.firsts.saw(site),
                Message::Close => {}
                Message::Import { import, piece, done } => pieces.push((import, piece, done)),
                Message::Put { done, .. } if room == 0 => answer(done, Err(Overload::StoreBehind)),
                Message::Put { hit, ip, done } => {
                    room -= 1;
                    waiting.push(Waiting { hit: *hit, ip, done });
                }
            }
        }
        if !waiting.is_empty() {
            self.commit(waiting);
        }
        for (import, piece, done) in pieces {
            self.import(import, piece);
            if done.send(()).is_err() {
                tracing::trace!("nobody waits for this piece");
            }
        }
        if sweep {
            self.sweep();
        }
    }

    fn commit(&mut self, waiting: Vec<Waiting>) {
        metrics::histogram!("pulsecast_inbox_commit_events").record(waiting.len() as f64);
        let first = match self.file.append(waiting.iter().map(|w| &w.hit)) {
            Ok(first) => first,
            Err(error) => {
                tracing::error!(%error, events = waiting.len(), "events are refused with 503 until the disk takes them again");
                self.health.red("inbox", error.to_string());
                for w in waiting {
                    answer(w.done, Err(Overload::DiskFailed));
                }
                return;
            }
        };
        self.health.ok("inbox");
        let mut seen = Vec::with_capacity(waiting.len());
        let mut answers = Vec::with_capacity(waiting.len());
        for (seq, w) in (first..).zip(waiting) {
            seen.push(Seen {
                event: self.sessions.attribute(seq, w.hit),
                ip: Some(w.ip),
            });
            answers.push(w.done);
        }
        self.show(&seen);
        self.backlog
            .push(seen.into_iter().map(|s| s.event), Vec::new(), None);
        for done in answers {
            answer(done, Ok(()));
        }
    }

    /// Neighbours of one site go to its live window together.
    fn show(&mut self, seen: &[Seen]) {
        for run in seen.chunk_by(|a, b| a.event.hit.site == b.event.hit.site) {
            let Some(id) = run.first().map(|s| s.event.hit.site) else {
                continue;
            };
            match self.sites.by_id(id) {
                Some(site) => {
                    self.live.record(&site, run);
                    self.firsts.saw(id);
                }
                // Removed between the request and the commit: its events go with the rest of it.
                None => self.backlog.remove(id),
            }
        }
    }

    fn import(&mut self, import: ImportId, piece: Piece) {
        let count = piece.events.len() as u64;
        let Some(site) = piece.events.first().map(|event| event.hit.site) else {
            return;
        };
        let first = self.file.reserve(count);
        let last = first + count - 1;
        let Piece { events, visits } = piece.numbered(first);
        self.backlog
            .import(Change::ImportPiece { import, first, last }, events, visits);
        match self.sites.by_id(site) {
            Some(_) => self.firsts.saw(site),
            None => self.backlog.remove(site),
        }
    }

    fn sweep(&mut self) {
        let now: Timestamp = self.clock.now();
        let mut ended = self.sessions.end(now);
        // Of a site that was removed nothing comes back, half an hour later.
        ended.retain(|visit| self.sites.by_id(visit.site).is_some());
        self.backlog.push([], ended, self.sessions.oldest_open());
        metrics::gauge!("pulsecast_open_visits").set(self.sessions.len() as f64);
        if let Err(error) = self.file.discard_through(self.backlog.moved_through()) {
            tracing::warn!(%error, "events that are in the store stay in the inbox for now");
            self.health.red("inbox", error.to_string());
        } else {
            self.health.ok("inbox");
        }
    }
}

/// A request that was given up before its answer is nobody's loss.
fn answer(done: oneshot::Sender<Result<(), Overload>>, outcome: Result<(), Overload>) {
    if done.send(outcome).is_err() {
        tracing::trace!("nobody waits for this answer");
    }
}
