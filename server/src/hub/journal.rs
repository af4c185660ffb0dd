//! What durable channels need of a disk, as two traits that a store implements, and a plain one in memory for who has none.

use super::family::Retain;
use bytes::Bytes;
use parking_lot::Mutex;
use pulsecast_protocol::{Position, Timestamp};
use std::{collections::HashMap, sync::Arc};

/// The disk does not answer, or does not take anything, now.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not available: {0}")]
pub struct Unavailable(pub String);

/// A publication as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptOne {
    /// Its place.
    pub offset: u64,
    /// When it was published.
    pub at: Timestamp,
    /// The payload.
    pub payload: Bytes,
    /// Who published it, as one JSON object; else empty.
    pub info: Bytes,
}

/// A channel as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Where it stands. A channel that nothing was ever published in stands at offset 0 of an epoch that stays the same after a restart.
    pub position: Position,
    /// The last publications, oldest first, without a hole.
    pub publications: Vec<KeptOne>,
}

/// A publication on its way to the disk.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// The channel.
    pub channel: &'a str,
    /// Its family.
    pub kind: &'static str,
    /// Where the channel stands in memory: this one is next, or follows those of its channel that are before it in the batch.
    pub stands: &'a Position,
    /// Nothing before this offset is of use any more.
    pub oldest: u64,
    /// When it is published.
    pub at: Timestamp,
    /// The payload.
    pub payload: &'a [u8],
    /// Who publishes it, as one JSON object; else empty.
    pub info: &'a [u8],
    /// A publication of the same channel and key, a while ago, was this one.
    pub key: Option<&'a str>,
}

/// What became of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placed {
    /// It is on disk with this offset.
    New(u64),
    /// It was there before, by its key.
    Before(u64),
    /// It is not on disk: its channel would be one too many.
    Full,
}

/// Writes durable channels. Belongs to one thread.
pub trait Journal: Send + 'static {
    /// Puts publications on disk, all or none, and says where they are. When this returns, they survive the loss of power.
    ///
    /// # Errors
    /// When the disk does not take them: nothing of the batch will ever be read.
    fn append(&mut self, batch: &[Entry<'_>]) -> Result<Vec<Placed>, Unavailable>;

    /// Forgets the channels that are meant, with all that was published in them.
    ///
    /// # Errors
    /// When the disk does not take it.
    fn erase(&mut self, is_meant: &dyn Fn(&str) -> bool) -> Result<usize, Unavailable>;

    /// Forgets publications that are older than their family keeps them, keys that are older than [`KEYS_KEPT`], and channels that nothing was
    /// published in for [`QUIET`] beyond that.
    ///
    /// # Errors
    /// When the disk does not take it.
    fn sweep(&mut self, families: &[(&'static str, Retain)], now: Timestamp) -> Result<(), Unavailable>;
}

/// Reads durable channels, beside the writer.
pub trait Archive: Send + Sync + 'static {
    /// What is kept of a channel, within these bounds.
    ///
    /// # Errors
    /// When the disk does not answer.
    fn load(&self, channel: &str, retain: Retain, now: Timestamp) -> Result<Kept, Unavailable>;
}

/// Milliseconds for which the key of a publication is remembered.
pub const KEYS_KEPT: i64 = Timestamp::HOUR;
/// Milliseconds after which a channel that holds nothing is forgotten.
pub const QUIET: i64 = 30 * Timestamp::DAY;

#[derive(Debug, Default)]
struct Written {
    kind: &'static str,
    epoch: String,
    offset: u64,
    at: Timestamp,
    publications: Vec<KeptOne>,
    keys: HashMap<String, (u64, Timestamp)>,
}

/// Durable as long as the process lives: what a hub has that was given nothing better.
#[derive(Clone, Debug)]
pub struct InMemory(Arc<Mutex<Memory>>);

#[derive(Debug)]
struct Memory {
    seed: u64,
    channels: HashMap<String, Written>,
}

impl InMemory {
    /// Nothing was published. The seed makes the epochs.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let channels = HashMap::new();
        Self(Arc::new(Mutex::new(Memory { seed, channels })))
    }
}

impl Archive for InMemory {
    fn load(&self, channel: &str, retain: Retain, _: Timestamp) -> Result<Kept, Unavailable> {
        let memory = self.0.lock();
        let kept = memory.channels.get(channel).map(|written| Kept {
            position: Position {
                epoch: written.epoch.clone(),
                offset: written.offset,
            },
            publications: {
                let skip = written.publications.len().saturating_sub(retain.count);
                written.publications.iter().skip(skip).cloned().collect()
            },
        });
        let fresh = || Kept {
            position: Position {
                epoch: format!("{:016x}", memory.seed),
                offset: 0,
            },
            publications: Vec::new(),
        };
        Ok(kept.unwrap_or_else(fresh))
    }
}

impl Journal for InMemory {
    fn append(&mut self, batch: &[Entry<'_>]) -> Result<Vec<Placed>, Unavailable> {
        let channels = &mut self.0.lock().channels;
        let mut placed = Vec::with_capacity(batch.len());
        for entry in batch {
            let written = channels.entry(entry.channel.to_owned()).or_default();
            let before = entry.key.and_then(|key| written.keys.get(key));
            if let Some((offset, _)) = before {
                placed.push(Placed::Before(*offset));
                continue;
            }
            let offset = written.offset.max(entry.stands.offset) + 1;
            written.kind = entry.kind;
            written.epoch.clone_from(&entry.stands.epoch);
            (written.offset, written.at) = (offset, entry.at);
            written.publications.retain(|one| one.offset >= entry.oldest);
            written.publications.push(KeptOne {
                offset,
                at: entry.at,
                payload: Bytes::copy_from_slice(entry.payload),
                info: Bytes::copy_from_slice(entry.info),
            });
            if let Some(key) = entry.key {
                written.keys.insert(key.to_owned(), (offset, entry.at));
            }
            placed.push(Placed::New(offset));
        }
        Ok(placed)
    }

    fn erase(&mut self, is_meant: &dyn Fn(&str) -> bool) -> Result<usize, Unavailable> {
        let mut memory = self.0.lock();
        let before = memory.channels.len();
        memory.channels.retain(|name, _| !is_meant(name));
        let erased = before - memory.channels.len();
        // A channel that begins anew is another one.
        memory.seed = memory.seed.wrapping_add(u64::from(erased > 0));
        Ok(erased)
    }

    fn sweep(&mut self, families: &[(&'static str, Retain)], now: Timestamp) -> Result<(), Unavailable> {
        for written in self.0.lock().channels.values_mut() {
            let age = families
                .iter()
                .find_map(|(kind, retain)| (*kind == written.kind).then_some(retain.age));
            let age = age.unwrap_or(0);
            written.publications.retain(|one| now.since(one.at) <= age);
            written.keys.retain(|_, (_, at)| now.since(*at) <= KEYS_KEPT);
        }
        Ok(())
    }
}
