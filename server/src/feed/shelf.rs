//! What visitors are to see of one site's feed, in memory: what a page that comes later starts from, and how many pages each item was delivered
//! to. Knows no database and no socket.

use crate::hub::Look;
use pulsecast_protocol::{
    Position, Timestamp,
    feed::{FeedChange, FeedItem},
};
use std::collections::{BTreeMap, VecDeque};

/// Publications whose item is remembered, so that recoveries can be counted.
const REMEMBERED: usize = 2_000;

#[derive(Debug)]
struct Shown {
    pinned: bool,
    published_at: Timestamp,
    /// The publication, encoded.
    change: String,
    received: u64,
    /// Of these, what the database does not know of.
    unsaved: u64,
}

/// One site's.
#[derive(Debug)]
pub(super) struct Shelf {
    /// Everything up to here is in it.
    pub(super) position: Position,
    items: BTreeMap<i64, Shown>,
    offsets: VecDeque<(u64, i64)>,
    /// What is given to pages that open, and which items it holds.
    front: (String, Vec<i64>),
    most: usize,
}

impl Shelf {
    /// An empty one, whose opening holds at most so many items.
    pub(super) fn new(position: Position, most: usize) -> Self {
        Self {
            position,
            items: BTreeMap::new(),
            offsets: VecDeque::new(),
            front: ("[]".to_owned(), Vec::new()),
            most,
        }
    }

    /// Puts in what was published before this process began; to be arranged once all of it is in.
    pub(super) fn load(&mut self, item: FeedItem, received: u64) {
        self.put(item, received);
    }

    /// Takes in what was published at this position, to so many readers.
    pub(super) fn apply(&mut self, change: FeedChange, position: Position, readers: u64) {
        if position.epoch == self.position.epoch && position.offset <= self.position.offset {
            // Taken in already when a page came that knew of it, or told by the process before this one, which could not note it any more.
            match change {
                FeedChange::Publish(item) => match self.items.get_mut(&item.id) {
                    Some(shown) => shown.received += readers,
                    None => self.put(item, readers),
                },
                FeedChange::Withdraw { id } => drop(self.items.remove(&id)),
            }
            self.arrange();
            return;
        }
        let id = match change {
            FeedChange::Publish(item) => {
                let id = item.id;
                self.put(item, readers);
                id
            }
            FeedChange::Withdraw { id } => {
                self.items.remove(&id);
                id
            }
        };
        self.offsets.push_back((position.offset, id));
        if self.offsets.len() > REMEMBERED {
            self.offsets.pop_front();
        }
        self.position = position;
        self.arrange();
    }

    fn put(&mut self, item: FeedItem, received: u64) {
        let (id, pinned, published_at) = (item.id, item.pinned, item.published_at);
        // An item of ours can always be written.
        let Ok(change) = serde_json::to_string(&FeedChange::Publish(item)) else {
            return;
        };
        let shown = Shown {
            pinned,
            published_at,
            change,
            received,
            unsaved: 0,
        };
        self.items.insert(id, shown);
    }

    /// The pinned first, then the newest first.
    pub(super) fn arrange(&mut self) {
        let mut order: Vec<_> = self.items.iter().collect();
        order.sort_by_key(|(id, shown)| std::cmp::Reverse((shown.pinned, shown.published_at, **id)));
        order.truncate(self.most);
        let changes: Vec<&str> = order.iter().map(|(_, shown)| shown.change.as_str()).collect();
        let ids = order.iter().map(|(id, _)| **id).collect();
        self.front = (format!("[{}]", changes.join(",")), ids);
    }

    /// Takes in what the channel has already and the shelf was not told of yet.
    pub(super) fn catch_up(&mut self, look: &Look) {
        // A channel that nobody used for long may have begun anew: what is shown is as it was.
        if self.position.epoch != look.position.epoch {
            self.position = look.position.clone();
        }
        let known = self.position.offset;
        for one in look.publications.iter().filter(|one| one.offset > known) {
            let Ok(change) = serde_json::from_slice(&one.data) else {
                continue;
            };
            let position = Position {
                epoch: look.position.epoch.clone(),
                offset: one.offset,
            };
            self.apply(change, position, 0);
        }
    }

    /// What a page that opens gets, as a JSON list; counts as delivered to it.
    pub(super) fn open(&mut self) -> &str {
        for id in &self.front.1 {
            if let Some(shown) = self.items.get_mut(id) {
                shown.count(1);
            }
        }
        &self.front.0
    }

    /// A page that was cut off has got what was published after the one offset up to the other.
    pub(super) fn recovered(&mut self, after: u64, to: u64) {
        let items = &mut self.items;
        let missed = self
            .offsets
            .iter()
            .filter(|(offset, _)| (after + 1..=to).contains(offset));
        for (_, id) in missed {
            if let Some(shown) = items.get_mut(id) {
                shown.count(1);
            }
        }
    }

    /// How many page loads each item was delivered to, the newest item first.
    pub(super) fn received(&self) -> impl Iterator<Item = (i64, u64)> {
        self.items.iter().rev().map(|(id, shown)| (*id, shown.received))
    }

    /// What the database does not know of yet; it is taken for told.
    pub(super) fn take_unsaved(&mut self) -> Vec<(i64, u64)> {
        let unsaved = self.items.iter_mut().filter(|(_, shown)| shown.unsaved > 0);
        unsaved
            .map(|(id, shown)| (*id, std::mem::take(&mut shown.unsaved)))
            .collect()
    }
}

impl Shown {
    fn count(&mut self, more: u64) {
        self.received += more;
        self.unsaved += more;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pulsecast_protocol::feed::{Audience, FeedKind};

    fn item(id: i64, pinned: bool) -> FeedItem {
        FeedItem {
            id,
            kind: FeedKind::Message,
            title: format!("item {id}"),
            html: String::new(),
            url: None,
            image: None,
            pinned,
            published_at: Timestamp(id),
            expires_at: None,
            audience: Audience::default(),
        }
    }

    fn at(offset: u64) -> Position {
        Position {
            epoch: "e".into(),
            offset,
        }
    }

    fn ids(shelf: &mut Shelf) -> Vec<i64> {
        let changes: Vec<FeedChange> = serde_json::from_str(shelf.open()).unwrap();
        let id = |change| match change {
            FeedChange::Publish(item) => item.id,
            FeedChange::Withdraw { id } => id,
        };
        changes.into_iter().map(id).collect()
    }

    #[test]
    fn who_comes_later_gets_the_pinned_and_the_newest_that_still_stand() {
        let mut shelf = Shelf::new(at(0), 3);
        shelf.load(item(1, true), 0);
        shelf.arrange();
        for id in 2..=5 {
            shelf.apply(FeedChange::Publish(item(id, false)), at(id as u64), 0);
        }
        assert_eq!(ids(&mut shelf), [1, 5, 4]);
        shelf.apply(FeedChange::Withdraw { id: 5 }, at(6), 0);
        shelf.apply(FeedChange::Publish(item(1, false)), at(7), 0);
        assert_eq!((ids(&mut shelf), shelf.position.offset), (vec![4, 3, 2], 7));
    }

    #[test]
    fn deliveries_are_counted_at_once_at_opening_and_at_recovery() {
        let mut shelf = Shelf::new(at(0), 20);
        shelf.apply(FeedChange::Publish(item(1, false)), at(1), 4);
        shelf.apply(FeedChange::Publish(item(2, false)), at(2), 4);
        shelf.open();
        shelf.recovered(1, 2);
        assert_eq!(shelf.received().collect::<Vec<_>>(), [(2, 6), (1, 5)]);
        assert_eq!(shelf.take_unsaved(), [(1, 1), (2, 2)]);
        assert_eq!(shelf.take_unsaved(), []);
        // An edit begins anew: who has the old one has not got the new one.
        shelf.apply(FeedChange::Publish(item(1, false)), at(3), 2);
        assert_eq!(shelf.received().last(), Some((1, 2)));
    }
}
