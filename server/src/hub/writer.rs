//! The one writer of durable channels: what waits goes to the disk together, then each publication to its readers, then its publisher is
//! answered. One at a time decides the order, so that offsets rise in the order of delivery.

use super::{
    Hub, Shared,
    channel::{Channel, Freed, Stands},
    durable::{Draft, Job, Message, PublishError, Tell},
    journal::{Entry, Journal, Placed, Unavailable},
};
use std::{
    collections::HashMap,
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};
use tokio::sync::mpsc;

/// Publications of one commit.
const COMMIT: usize = 512;
/// What is said to who begins one channel too many.
const TOO_MANY: &str = "there are too many rooms: use those that there are, or raise --max-rooms";

pub(super) struct Writer {
    pub(super) hub: Weak<Shared>,
    pub(super) journal: Box<dyn Journal>,
    pub(super) waiting: Arc<AtomicUsize>,
    pub(super) failing: Arc<AtomicBool>,
    pub(super) tell: Tell,
}

impl Writer {
    pub(super) fn run(mut self, mut receiver: mpsc::Receiver<Message>) {
        let tell = |outcome: Result<(), &Unavailable>| {
            self.failing.store(outcome.is_err(), Ordering::Relaxed);
            (self.tell)(outcome);
        };
        let mut messages = Vec::with_capacity(COMMIT);
        while receiver.blocking_recv_many(&mut messages, COMMIT) > 0 {
            // With its last handle the hub is gone, and whoever waited.
            let Some(hub) = self.hub.upgrade().map(Hub) else {
                return;
            };
            let mut jobs = Vec::with_capacity(messages.len());
            for message in messages.drain(..) {
                match message {
                    Message::Publish(job) => {
                        self.waiting.fetch_sub(job.bytes(), Ordering::Relaxed);
                        jobs.push(job);
                        continue;
                    }
                    Message::Close => receiver.close(),
                    Message::Sweep => sweep(&hub, &mut *self.journal, &tell),
                    Message::Erase { is_meant, done } => {
                        // What came before is erased too.
                        commit(&hub, &mut *self.journal, std::mem::take(&mut jobs), &tell);
                        drop(done.send(erase(&hub, &mut *self.journal, &is_meant)));
                    }
                }
            }
            commit(&hub, &mut *self.journal, jobs, &tell);
        }
    }
}

/// Channels that a batch publishes in, each as it stood before.
struct Held<'a> {
    hub: &'a Hub,
    channels: HashMap<Arc<str>, (Arc<Channel>, Stands)>,
}

impl Held<'_> {
    fn take(&mut self, name: &Arc<str>) -> Result<(), Unavailable> {
        if self.channels.contains_key(name) {
            return Ok(());
        }
        let held = self.hub.try_with(name, |channel| {
            let stands = channel.reserve()?;
            Ok::<_, Freed>((channel.clone(), stands))
        })?;
        self.channels.insert(name.clone(), held);
        Ok(())
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        let now = self.hub.now();
        for (channel, _) in self.channels.values() {
            channel.release(now);
        }
    }
}

pub(super) fn commit(
    hub: &Hub,
    journal: &mut dyn Journal,
    jobs: Vec<Job>,
    tell: &dyn Fn(Result<(), &Unavailable>),
) {
    let now = hub.now();
    let mut held = Held {
        hub,
        channels: HashMap::new(),
    };
    let mut taken = Vec::with_capacity(jobs.len());
    for job in jobs {
        match held.take(&job.channel) {
            Ok(()) => taken.push(job),
            Err(error) => fail(job, &error),
        }
    }
    if taken.is_empty() {
        return;
    }
    metrics::histogram!("pulsecast_streams_commit_publications").record(taken.len() as f64);
    let entries: Vec<Entry<'_>> = taken
        .iter()
        .filter_map(|job| {
            let (channel, stands) = held.channels.get(&job.channel)?;
            Some(Entry {
                channel: &job.channel,
                kind: channel.kind,
                stands: &stands.position,
                oldest: stands.oldest,
                at: now,
                payload: &job.draft.payload,
                info: &job.draft.info,
                key: job.draft.key.as_deref(),
            })
        })
        .collect();
    let placed = match journal.append(&entries) {
        Ok(placed) => placed,
        Err(error) => {
            tracing::error!(%error, publications = taken.len(), "nothing is published until the disk takes it again");
            tell(Err(&error));
            taken.into_iter().for_each(|job| fail(job, &error));
            return;
        }
    };
    tell(Ok(()));
    // Whoever is answered may rely on it that all this is over: the channels are let go of first.
    let mut answers = Vec::with_capacity(placed.len());
    for (job, placed) in taken.into_iter().zip(placed) {
        let Some((channel, _)) = held.channels.get(&job.channel) else {
            continue;
        };
        let offset = match placed {
            Placed::New(offset) => offset,
            Placed::Before(offset) => {
                answers.push((job.done, Ok(channel.at(offset))));
                continue;
            }
            Placed::Full => {
                metrics::counter!("pulsecast_streams_refused_total", "reason" => "channels").increment(1);
                answers.push((job.done, Err(PublishError::TooLarge(TOO_MANY.to_owned()))));
                continue;
            }
        };
        let Draft { payload, info, .. } = &job.draft;
        let (position, delivered) = channel.place(offset, payload, info, now);
        metrics::counter!("pulsecast_hub_publications_total", "family" => channel.kind).increment(1);
        metrics::counter!("pulsecast_hub_deliveries_total", "family" => channel.kind)
            .increment(delivered as u64);
        answers.push((job.done, Ok(position)));
    }
    drop(held);
    answers.into_iter().for_each(|(done, became)| done(became));
}

fn fail(job: Job, error: &Unavailable) {
    tracing::debug!(%error, channel = %job.channel, "not published");
    metrics::counter!("pulsecast_streams_refused_total", "reason" => "disk").increment(1);
    (job.done)(Err(PublishError::Unavailable));
}

pub(super) fn erase(
    hub: &Hub,
    journal: &mut dyn Journal,
    is_meant: &dyn Fn(&str) -> bool,
) -> Result<usize, Unavailable> {
    // Nobody reads from disk what is being erased.
    let _beginning = hub.0.beginning.lock();
    let erased = journal.erase(is_meant)?;
    let all: Vec<_> = hub.0.channels.read().values().cloned().collect();
    for channel in all {
        if channel.family.durable && is_meant(&channel.name) {
            channel.end();
            hub.forget(&channel);
        }
    }
    Ok(erased)
}

pub(super) fn sweep(hub: &Hub, journal: &mut dyn Journal, tell: &dyn Fn(Result<(), &Unavailable>)) {
    let families: Vec<_> = hub.0.families.durable().collect();
    let swept = journal.sweep(&families, hub.now());
    if let Err(error) = &swept {
        tracing::warn!(%error, "old publications stay for now");
    }
    tell(swept.as_ref().copied());
}
