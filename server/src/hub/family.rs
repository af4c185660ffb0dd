//! What kinds of channels there are. A channel's family is what its name says before the first colon; how long its past is kept and what
//! happens to a slow reader follow from it.

use std::collections::HashMap;

/// How much of a channel's past is kept. Whichever bound is reached first drops the oldest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retain {
    /// Publications.
    pub count: usize,
    /// Bytes of their frames.
    pub bytes: usize,
    /// Milliseconds since they were published.
    pub age: i64,
}

/// What becomes of a publication for a reader whose queue is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overflow {
    /// The reader is cut off; it comes back and recovers by position.
    Cut,
    /// It replaces the one that still waits: only the newest matters.
    LatestWins,
}

/// How the channels of one kind behave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Family {
    /// The past that readers can recover; without one, publications have no offsets.
    pub retain: Option<Retain>,
    /// What becomes of slow readers.
    pub overflow: Overflow,
    /// Whether a publication is on disk before anybody gets it, and the past outlives the process.
    pub durable: bool,
}

/// All kinds, by name.
#[derive(Clone, Debug, Default)]
pub struct Families(HashMap<&'static str, Family>);

impl Families {
    /// These kinds.
    #[must_use]
    pub fn new(families: impl IntoIterator<Item = (&'static str, Family)>) -> Self {
        Self(families.into_iter().collect())
    }

    /// These and one more.
    #[must_use]
    pub fn and(mut self, name: &'static str, family: Family) -> Self {
        self.0.insert(name, family);
        self
    }

    /// The durable kinds.
    pub(super) fn durable(&self) -> impl Iterator<Item = (&'static str, Retain)> {
        self.0
            .iter()
            .filter(|(_, family)| family.durable)
            .filter_map(|(name, family)| Some((*name, family.retain?)))
    }

    /// The kind of this channel, and its name for metrics. A channel of no known kind keeps nothing and cuts slow readers off.
    pub(super) fn of(&self, channel: &str) -> (&'static str, Family) {
        let name = channel.split(':').next().unwrap_or_default();
        match self.0.get_key_value(name) {
            Some((name, family)) => (name, *family),
            None => (
                "other",
                Family {
                    retain: None,
                    overflow: Overflow::Cut,
                    durable: false,
                },
            ),
        }
    }
}
