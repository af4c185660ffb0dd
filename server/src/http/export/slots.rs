//! How many downloads there may be at a time: in all, and for each who asks. A place is held until the file is written and the client has it,
//! whichever is later.

use crate::sites::{AccountId, LinkId};
use parking_lot::Mutex;
use std::{collections::HashMap, sync::Arc, time::Duration};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Downloads of everybody who has a shared link, together: fewer than there are places for questions.
const OF_A_LINK: usize = 2;

/// For whom a download is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Asker {
    /// A member, whichever of their keys they use.
    Account(AccountId),
    /// A program that acts for nobody in particular, by its key's number.
    Key(i64),
    /// Whoever has a shared link: all of them together.
    Link(LinkId),
}

/// Why there is no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Full {
    /// Too many of everybody's.
    #[error("too many downloads at once: try again in a moment")]
    All,
    /// Too many of theirs.
    #[error("{0} downloads of yours are under way: wait for one to end, then try again")]
    Yours(usize),
}

impl Full {
    /// When to come back.
    pub const AGAIN: Duration = Duration::from_secs(5);
}

#[derive(Debug)]
struct Inner {
    all: Arc<Semaphore>,
    each: usize,
    of: Mutex<HashMap<Asker, usize>>,
}

/// The places. A cheap handle.
#[derive(Clone, Debug)]
pub struct Slots(Arc<Inner>);

/// A place; free again when the last copy of it is gone.
#[derive(Clone, Debug)]
pub struct Slot {
    _held: Arc<Held>,
}

#[derive(Debug)]
struct Held {
    _place: OwnedSemaphorePermit,
    slots: Slots,
    asker: Asker,
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut of = self.slots.0.of.lock();
        if let Some(count) = of.get_mut(&self.asker) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                of.remove(&self.asker);
            }
        }
    }
}

impl Slots {
    /// So many in all, and for each who asks.
    #[must_use]
    pub fn new(all: usize, each: usize) -> Self {
        Self(Arc::new(Inner {
            all: Arc::new(Semaphore::new(all.min(Semaphore::MAX_PERMITS))),
            each,
            of: Mutex::default(),
        }))
    }

    /// A place, now or not at all: who waits for one holds a connection for nothing.
    ///
    /// # Errors
    /// When there is none.
    pub fn take(&self, asker: Asker) -> Result<Slot, Full> {
        let mut of = self.0.of.lock();
        let count = of.get(&asker).copied().unwrap_or_default();
        // Nobody knows who has a link: all of them together may not keep members' questions waiting.
        let each = match asker {
            Asker::Link(_) => self.0.each.min(OF_A_LINK),
            Asker::Account(_) | Asker::Key(_) => self.0.each,
        };
        if count >= each {
            return Err(Full::Yours(count));
        }
        let place = self.0.all.clone().try_acquire_owned().map_err(|_| Full::All)?;
        of.insert(asker, count + 1);
        Ok(Slot {
            _held: Arc::new(Held {
                _place: place,
                slots: self.clone(),
                asker,
            }),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_who_asks_for_much_leaves_places_for_others() {
        let slots = Slots::new(3, 2);
        let (ann, bob) = (Asker::Account(AccountId(1)), Asker::Link(LinkId(1)));
        let first = slots.take(ann).unwrap();
        let _second = slots.take(ann).unwrap();
        assert_eq!(slots.take(ann).unwrap_err(), Full::Yours(2));
        let _theirs = slots.take(bob).unwrap();
        assert_eq!(slots.take(bob).unwrap_err(), Full::All);
        let copy = first.clone();
        drop(first);
        assert_eq!(
            slots.take(ann).unwrap_err(),
            Full::Yours(2),
            "it is still written"
        );
        drop(copy);
        assert!(slots.take(ann).is_ok());
    }

    #[test]
    fn all_who_have_one_link_have_fewer_places_than_there_are_for_questions() {
        let slots = Slots::new(9, 8);
        let link = Asker::Link(LinkId(1));
        let _held = [slots.take(link).unwrap(), slots.take(link).unwrap()];
        assert_eq!(slots.take(link).unwrap_err(), Full::Yours(2));
        assert!(slots.take(Asker::Link(LinkId(2))).is_ok());
    }
}
