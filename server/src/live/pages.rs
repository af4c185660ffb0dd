//! Who has which page of a site open. A page is counted from its first visitor until the last one's grace is over; only pages that something
//! happened to are looked at.

use super::{
    counter::{Again, Counter},
    presence::{GRACE, VisitorKey},
};
use crate::hub::Hub;
use pulsecast_protocol::{Domain, Pathname, Timestamp};
use std::collections::{BTreeSet, HashMap};

#[derive(Debug)]
struct Page {
    counter: Counter,
    /// Under which time it stands in the agenda.
    due: Option<Timestamp>,
}

/// The pages of one site that visitors are on, no more than `most`.
#[derive(Debug)]
pub(super) struct Pages {
    domain: Domain,
    most: usize,
    all: HashMap<Pathname, Page>,
    agenda: BTreeSet<(Timestamp, Pathname)>,
}

impl Pages {
    pub(super) fn new(domain: Domain, most: usize) -> Self {
        Self {
            domain,
            most,
            all: HashMap::new(),
            agenda: BTreeSet::new(),
        }
    }

    /// Somebody opens this page. Says whether they are counted.
    pub(super) fn enter(&mut self, path: &Pathname, key: VisitorKey, now: Timestamp) -> bool {
        if self.all.len() >= self.most && !self.all.contains_key(path) {
            return false;
        }
        let domain = &self.domain;
        let page = self.all.entry(path.clone()).or_insert_with(|| Page {
            counter: Counter::new(format!("online:{domain}:{path}")),
            due: None,
        });
        page.counter.presence.enter(key);
        self.look_at(path, now);
        true
    }

    /// Somebody who entered it closes it.
    pub(super) fn leave(&mut self, path: &Pathname, key: VisitorKey, now: Timestamp) {
        if let Some(page) = self.all.get_mut(path) {
            page.counter.presence.leave(key, now);
            self.look_at(path, now);
        }
    }

    pub(super) fn joining<T>(&mut self, path: &Pathname, now: Timestamp, join: impl FnOnce(u32) -> T) -> T {
        match self.all.get_mut(path) {
            Some(page) => page.counter.joining(now, join),
            None => join(0),
        }
    }

    /// Publishes the counts that changed. Says when to come back.
    pub(super) fn publish(&mut self, hub: &Hub, now: Timestamp) -> Option<Timestamp> {
        // What lies further ahead than the grace was filed before the clock was set back.
        while let Some((at, path)) = self.agenda.first().cloned()
            && !(1..=GRACE).contains(&at.since(now))
        {
            self.agenda.pop_first();
            let Some(page) = self.all.get_mut(&path) else {
                continue;
            };
            page.due = None;
            let Again { change, leave } = page.counter.publish(hub, now);
            match change.into_iter().chain(leave).min() {
                Some(at) => self.look_at(&path, at.max(now.plus(1))),
                None if page.counter.presence.is_empty() => drop(self.all.remove(&path)),
                None => {}
            }
        }
        self.agenda.first().map(|(at, _)| *at)
    }

    /// Sees to it that the page is looked at no later than then.
    fn look_at(&mut self, path: &Pathname, at: Timestamp) {
        let Some(page) = self.all.get_mut(path) else {
            return;
        };
        match page.due {
            Some(due) if due <= at => return,
            Some(due) => drop(self.agenda.take(&(due, path.clone()))),
            None => {}
        }
        page.due = Some(at);
        self.agenda.insert((at, path.clone()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        clock::ManualClock,
        hub::{Families, Outbox, Subscription, Taken},
    };
    use bytes::Bytes;
    use std::sync::Arc;

    struct World {
        hub: Hub,
        pages: Pages,
    }

    impl World {
        fn with_most(most: usize) -> Self {
            let clock = Arc::new(ManualClock::new(Timestamp(0)));
            Self {
                hub: Hub::new(Families::default(), clock, 1),
                pages: Pages::new("a.com".parse().unwrap(), most),
            }
        }

        fn enter(&mut self, page: &str, visitor: u64, at: i64) -> bool {
            self.pages.enter(&path(page), VisitorKey(visitor), Timestamp(at))
        }

        fn leave(&mut self, page: &str, visitor: u64, at: i64) {
            self.pages.leave(&path(page), VisitorKey(visitor), Timestamp(at));
        }

        fn publish(&mut self, at: i64) -> Option<i64> {
            self.pages
                .publish(&self.hub, Timestamp(at))
                .map(Timestamp::millis)
        }

        fn count(&mut self, page: &str, at: i64) -> u32 {
            self.pages.joining(&path(page), Timestamp(at), |online| online)
        }

        fn read(&self, page: &str) -> (Outbox, Subscription) {
            let outbox = Outbox::new(1 << 20);
            let channel = format!("online:a.com:{page}");
            let held = self
                .hub
                .attach(&channel, None, &outbox, &"".into(), |_| Bytes::new())
                .unwrap();
            (outbox, held)
        }
    }

    fn path(text: &str) -> Pathname {
        text.parse().unwrap()
    }

    /// What was pushed, as it stands in the frames.
    fn pushed(outbox: &Outbox) -> String {
        match outbox.try_take(usize::MAX) {
            Some(Taken::Frames(frames)) => frames
                .iter()
                .map(|frame| String::from_utf8_lossy(frame).into_owned())
                .collect(),
            _ => String::new(),
        }
    }

    #[test]
    fn each_page_has_a_count_of_its_own_and_its_readers_are_told() {
        let mut world = World::with_most(10);
        let (home, _held) = world.read("/");
        world.enter("/", 1, 0);
        world.enter("/pricing", 1, 0);
        world.enter("/pricing", 2, 0);
        assert_eq!(world.publish(0), None, "nothing to come back for");
        assert_eq!((world.count("/", 0), world.count("/pricing", 0)), (1, 2));
        assert_eq!(
            pushed(&home),
            r#"{"push":{"channel":"online:a.com:/","pub":{"data":{"online":1}}}}"#
        );
        world.leave("/", 1, 1_000);
        assert_eq!(world.publish(1_000), Some(6_000), "when the grace is over");
        assert_eq!(world.publish(6_000), None);
        assert!(pushed(&home).contains(r#"{"online":0}"#));
        assert_eq!(world.pages.all.len(), 1, "a page that nobody is on is forgotten");
    }

    #[test]
    fn changes_gather_for_a_quarter_of_a_second() {
        let mut world = World::with_most(10);
        let (page, _held) = world.read("/");
        world.enter("/", 1, 0);
        world.publish(0);
        world.enter("/", 2, 10);
        world.enter("/", 3, 20);
        assert_eq!(world.publish(20), Some(250));
        assert_eq!(pushed(&page).matches("push").count(), 1);
        assert_eq!(world.publish(250), None);
        assert!(pushed(&page).contains(r#"{"online":3}"#));
    }

    #[test]
    fn pages_beyond_the_bound_are_not_counted_until_one_is_free() {
        let mut world = World::with_most(2);
        assert!(world.enter("/1", 1, 0) && world.enter("/2", 1, 0));
        assert!(!world.enter("/3", 1, 0));
        assert!(world.enter("/2", 2, 0), "one that is counted takes everybody");
        world.leave("/1", 1, 0);
        world.publish(0);
        assert!(!world.enter("/3", 1, 4_999));
        world.publish(5_000);
        assert!(world.enter("/3", 1, 5_000));
    }

    #[test]
    fn a_clock_that_is_set_back_holds_no_page_up() {
        let mut world = World::with_most(10);
        world.enter("/", 1, 100_000);
        world.leave("/", 1, 100_000);
        assert_eq!(world.publish(100_000), Some(105_000));
        assert_eq!(world.publish(0), None);
        assert!(world.pages.all.is_empty() && world.pages.agenda.is_empty());
    }

    #[test]
    fn who_joins_between_two_looks_is_told_the_next_change_even_back_to_what_others_know() {
        let mut world = World::with_most(10);
        let (page, _held) = world.read("/");
        world.enter("/", 1, 0);
        world.publish(0);
        world.leave("/", 1, 0);
        world.publish(0);
        pushed(&page);
        world.enter("/", 2, 4_999);
        assert_eq!(world.count("/", 4_999), 2, "somebody was told two");
        world.publish(5_000);
        assert!(pushed(&page).contains(r#"{"online":1}"#));
    }
}
