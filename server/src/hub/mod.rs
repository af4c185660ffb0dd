//! Channels, their positions and their readers. Knows frames, offsets and queues; what a channel is about, who may read it and how it
//! is carried, others know.
//!
//! A reader joins in two steps, so that nothing is encoded under a lock: it learns where the channel stands ([`Hub::missed`], or
//! [`Hub::open`] and whatever state goes with it), then attaches at that position ([`Hub::attach`]). What was published in between is
//! delivered; where that is not possible any more the hub says so and the reader looks again. There is no gap in between.
//!
//! Channels of durable families outlive the process: a publication is on disk before anybody gets it ([`Hub::publish_durable`]), and a
//! channel that is not in memory is read from there when somebody asks for it. What they need of a disk are the traits [`Journal`] and
//! [`Archive`].
#![warn(missing_docs)]

mod channel;
mod disconnect;
mod durable;
#[cfg(test)]
mod durable_tests;
mod family;
mod frame;
mod journal;
mod outbox;
mod publish;
mod stream;
mod subscription;
#[cfg(test)]
mod tests;
mod who;
mod writer;

pub use disconnect::Disconnect;
pub use durable::{Draft, PublishError, Tell};
pub use family::{Families, Family, Overflow, Retain};
pub use frame::{Published, variant};
pub use journal::{Archive, Entry, InMemory, Journal, KEYS_KEPT, Kept, KeptOne, Placed, QUIET, Unavailable};
pub use outbox::{Delivery, Outbox, Taken};
pub use publish::{PublishDoor, Publishing};
pub use subscription::{Look, NotAttached, Subscription, Watches};
pub use who::Who;

use crate::{clock::SharedClock, tasks::Tasks};
use bytes::Bytes;
use channel::{Channel, Freed};
use durable::Desk;
use parking_lot::{Mutex, RwLock};
use pulsecast_protocol::{Position, Timestamp};
use rand::{Rng, SeedableRng, rngs::StdRng};
use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use subscription::Joins;

/// How often the disk forgets what is too old.
const SWEEP: Duration = Duration::from_secs(600);

struct Shared {
    families: Families,
    clock: SharedClock,
    epochs: Mutex<StdRng>,
    readers: AtomicU64,
    channels: RwLock<HashMap<Arc<str>, Arc<Channel>>>,
    /// Held while a durable channel is read from disk and listed, so that it is not listed as it was before.
    beginning: Mutex<()>,
    archive: Arc<dyn Archive>,
    desk: Desk,
}

/// All channels of this server. A cheap handle.
#[derive(Clone)]
pub struct Hub(Arc<Shared>);

impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub")
            .field("channels", &self.0.channels.read().len())
            .finish_non_exhaustive()
    }
}

impl Hub {
    /// No channels yet. The seed makes the epochs: a random one in a server, so that no two runs agree; any in tests.
    #[must_use]
    pub fn new(families: Families, clock: SharedClock, seed: u64) -> Self {
        let memory = InMemory::new(seed);
        Self(Arc::new(Shared {
            families,
            clock,
            epochs: Mutex::new(StdRng::seed_from_u64(seed)),
            readers: AtomicU64::new(0),
            channels: RwLock::default(),
            beginning: Mutex::default(),
            archive: Arc::new(memory.clone()),
            desk: Desk::Here(Mutex::new(Box::new(memory))),
        }))
    }

    /// Publishes one line of JSON: encodes it once, keeps it as long as the channel's family says, and queues it for every reader. Not for
    /// durable channels, where nothing is delivered that is not on disk: see [`Hub::publish_durable`].
    pub fn publish(&self, channel: &str, payload: &[u8]) -> Position {
        let now = self.now();
        debug_assert!(!self.0.families.of(channel).1.durable, "{channel} is durable");
        self.with(channel, |channel| {
            let (position, delivered) = channel.publish(payload, now)?;
            metrics::counter!("pulsecast_hub_publications_total", "family" => channel.kind).increment(1);
            metrics::counter!("pulsecast_hub_deliveries_total", "family" => channel.kind)
                .increment(delivered as u64);
            Ok(position)
        })
    }

    /// Where the channel stands; it begins where there is none. Whoever reads the state that the channel is about reads this first:
    /// then everything up to here is in that state.
    #[must_use]
    pub fn open(&self, channel: &str) -> Position {
        let now = self.now();
        self.with(channel, |channel| channel.position(now))
    }

    /// Whether anybody receives the channel, or could still come back to it with a position. Where nobody could, it is over: who comes
    /// later begins anew, so there is no need to publish for nobody.
    #[must_use]
    pub fn in_use(&self, channel: &str) -> bool {
        let Some(found) = self.find(channel) else {
            return false;
        };
        if found.free_if_unused(self.now()) {
            self.forget(&found);
            return false;
        }
        true
    }

    /// Exactly what came after `since`, oldest first, and the position then; `None` when that cannot be told: recovery is complete or says
    /// that it is not.
    #[must_use]
    pub fn missed(&self, channel: &str, since: &Position) -> Option<(Position, Vec<Published>)> {
        self.find(channel)?.missed(since, self.now())
    }

    /// Where a channel stands, and what of its past is of use to one who was at `since`. A durable channel is read from disk where it has to
    /// be.
    ///
    /// # Errors
    /// When that fails.
    pub fn look(&self, channel: &str, since: Option<&Position>) -> Result<Look, Unavailable> {
        let now = self.now();
        self.try_with(channel, |channel| channel.look(since, now))
    }

    /// The kind of a channel whose past is kept; `None` for those that keep none.
    #[must_use]
    pub fn keeps(&self, channel: &str) -> Option<Retain> {
        self.0.families.of(channel).1.retain
    }

    /// Adds a reader that knows everything up to `after` (`None`: it wants only what comes). It is sent `first`, which is told how many
    /// readers there are now, then what came since, then what comes. Holding the answer is being subscribed.
    ///
    /// # Errors
    /// [`NotAttached::Moved`] where the channel cannot continue from there any more.
    pub fn attach(
        &self,
        channel: &str,
        after: Option<&Position>,
        outbox: &Outbox,
        who: &Who,
        first: impl FnMut(u32) -> Bytes,
    ) -> Result<Subscription, NotAttached> {
        self.attach_watching(channel, after, outbox, who, Watches::Nothing, first)
    }

    /// The same, for one who perhaps wants to be told who comes and who leaves.
    ///
    /// # Errors
    /// As of [`Hub::attach`].
    pub fn attach_watching(
        &self,
        channel: &str,
        after: Option<&Position>,
        outbox: &Outbox,
        who: &Who,
        watches: Watches,
        mut first: impl FnMut(u32) -> Bytes,
    ) -> Result<Subscription, NotAttached> {
        let (now, id) = (self.now(), self.0.readers.fetch_add(1, Ordering::Relaxed));
        let joins = Joins { outbox, who, watches };
        let channel = self
            .try_with(channel, |channel| {
                let attached = channel.attach(id, after, &joins, now, &mut first)?;
                Ok(attached.map(|()| channel.clone()))
            })
            .map_err(|_| NotAttached::Unavailable)??;
        metrics::gauge!("pulsecast_hub_subscribers", "family" => channel.kind).increment(1.0);
        Ok(Subscription {
            hub: self.clone(),
            channel,
            id,
        })
    }

    /// How many receive the channel.
    #[must_use]
    pub fn readers(&self, channel: &str) -> u32 {
        self.find(channel).map_or(0, |channel| channel.readers())
    }

    /// How many different users they are.
    #[must_use]
    pub fn users(&self, channel: &str) -> u32 {
        self.find(channel).map_or(0, |channel| channel.users())
    }

    /// Who they are.
    #[must_use]
    pub fn present(&self, channel: &str) -> Vec<Who> {
        self.find(channel)
            .map_or_else(Vec::new, |channel| channel.present())
    }

    /// Channels that somebody receives now, of those that are meant, with how many do.
    #[must_use]
    pub fn received(&self, is_meant: impl Fn(&str) -> bool) -> Vec<(Arc<str>, u32)> {
        let channels = self.0.channels.read();
        let meant = channels.values().filter(|channel| is_meant(&channel.name));
        meant
            .map(|channel| (channel.name.clone(), channel.readers()))
            .filter(|(_, readers)| *readers > 0)
            .collect()
    }

    /// Starts the task that frees channels nobody could come back to.
    pub fn start(&self, tasks: &Tasks) {
        let (hub, stop) = (self.clone(), tasks.clone());
        tasks.spawn("hub-tender", async move {
            let mut each = tokio::time::interval(Duration::from_secs(5));
            let mut sweep = tokio::time::interval(SWEEP);
            loop {
                tokio::select! {
                    () = stop.stopping() => return,
                    _ = each.tick() => {
                        hub.tend();
                        hub.probe();
                    }
                    _ = sweep.tick() => hub.sweep(),
                }
            }
        });
    }

    /// Frees channels that have no reader and whose past is over.
    pub fn tend(&self) {
        let now = self.now();
        let all: Vec<_> = self.0.channels.read().values().cloned().collect();
        metrics::gauge!("pulsecast_hub_channels").set(all.len() as f64);
        for channel in all {
            if channel.free_if_idle(now) {
                self.forget(&channel);
            }
        }
    }

    fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    fn find(&self, channel: &str) -> Option<Arc<Channel>> {
        self.0.channels.read().get(channel).cloned()
    }

    /// Does something with a channel that is not over, beginning it where there is none. For channels that are not durable.
    fn with<T>(&self, name: &str, mut act: impl FnMut(&Arc<Channel>) -> Result<T, Freed>) -> T {
        loop {
            let channel = self.find(name).unwrap_or_else(|| self.begin(name));
            match act(&channel) {
                Ok(done) => return done,
                Err(Freed) => self.forget(&channel),
            }
        }
    }

    /// The same for all channels: a durable one has to be read from disk, which may fail.
    fn try_with<T>(
        &self,
        name: &str,
        mut act: impl FnMut(&Arc<Channel>) -> Result<T, Freed>,
    ) -> Result<T, Unavailable> {
        let (_, family) = self.0.families.of(name);
        let Some(retain) = family.retain.filter(|_| family.durable) else {
            return Ok(self.with(name, act));
        };
        loop {
            let channel = match self.find(name) {
                Some(channel) => channel,
                None => self.begin_durable(name, retain)?,
            };
            match act(&channel) {
                Ok(done) => return Ok(done),
                Err(Freed) => self.forget(&channel),
            }
        }
    }

    fn begin(&self, name: &str) -> Arc<Channel> {
        let epoch = format!("{:016x}", self.0.epochs.lock().random::<u64>());
        let kept = Kept {
            position: Position { epoch, offset: 0 },
            publications: Vec::new(),
        };
        self.list(name, kept)
    }

    fn begin_durable(&self, name: &str, retain: Retain) -> Result<Arc<Channel>, Unavailable> {
        let _one_at_a_time = self.0.beginning.lock();
        if let Some(begun) = self.find(name) {
            return Ok(begun);
        }
        let kept = self.0.archive.load(name, retain, self.now());
        let kept =
            kept.inspect_err(|error| tracing::error!(%error, channel = name, "a channel cannot be read"))?;
        Ok(self.list(name, kept))
    }

    fn list(&self, name: &str, kept: Kept) -> Arc<Channel> {
        let (kind, family) = self.0.families.of(name);
        let name: Arc<str> = name.into();
        let channel = Arc::new(Channel::new(name.clone(), kind, family, kept, self.now()));
        self.0.channels.write().entry(name).or_insert(channel).clone()
    }

    /// Takes a freed channel off the list, unless another of its name has begun already.
    fn forget(&self, freed: &Arc<Channel>) {
        let mut channels = self.0.channels.write();
        if channels
            .get(&freed.name)
            .is_some_and(|listed| Arc::ptr_eq(listed, freed))
        {
            channels.remove(&freed.name);
        }
    }

    fn reader_left(&self, channel: &Arc<Channel>) {
        metrics::gauge!("pulsecast_hub_subscribers", "family" => channel.kind).decrement(1.0);
        if channel.family.retain.is_none() && channel.free_if_idle(self.now()) {
            self.forget(channel);
        }
    }
}
