//! Who has a page of a site open: visitors, not tabs. A leave counts after a grace, so that moving from page to page and reloading do not
//! flicker.

use super::Live;
use crate::event::SiteId;
use pulsecast_protocol::{Domain, Pathname, Timestamp};
use std::collections::{HashMap, VecDeque};

/// Milliseconds from the last connection's end until its visitor is gone.
pub(super) const GRACE: i64 = 5_000;

/// A visitor as far as "online now" can tell them apart. Whoever makes it decides what makes two connections one person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct VisitorKey(pub u64);

#[derive(Debug, Default)]
struct Visitor {
    connections: u32,
    /// Since when there is none.
    left: Timestamp,
}

/// The visitors of one site, or of one page of it. Bounded by the connections that there are, and were within the grace.
#[derive(Debug, Default)]
pub(super) struct Presence {
    visitors: HashMap<VisitorKey, Visitor>,
    leaving: VecDeque<(Timestamp, VisitorKey)>,
}

impl Presence {
    pub(super) fn enter(&mut self, key: VisitorKey) {
        self.visitors.entry(key).or_default().connections += 1;
    }

    pub(super) fn leave(&mut self, key: VisitorKey, now: Timestamp) {
        let Some(visitor) = self.visitors.get_mut(&key) else {
            return;
        };
        visitor.connections = visitor.connections.saturating_sub(1);
        if visitor.connections == 0 {
            visitor.left = now;
            self.leaving.push_back((now, key));
        }
    }

    /// How many are there, those within the grace included.
    pub(super) fn count(&mut self, now: Timestamp) -> u32 {
        while let Some((left, key)) = self.leaving.front().copied() {
            // A clock that was set back must not hold visitors for good.
            if (0..GRACE).contains(&now.since(left)) {
                break;
            }
            self.leaving.pop_front();
            // Whoever came back meanwhile has a connection, or another leave of their own further back in the queue.
            if self
                .visitors
                .get(&key)
                .is_some_and(|v| v.connections == 0 && v.left == left)
            {
                self.visitors.remove(&key);
            }
        }
        u32::try_from(self.visitors.len()).unwrap_or(u32::MAX)
    }

    /// Whether nobody is there, nor was within the grace; asked after [`Presence::count`].
    pub(super) fn is_empty(&self) -> bool {
        self.visitors.is_empty()
    }

    /// When the count falls next unless somebody comes; asked after [`Presence::count`].
    pub(super) fn falls_at(&self) -> Option<Timestamp> {
        self.leaving.front().map(|(left, _)| left.plus(GRACE))
    }
}

/// Why a visitor was not counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotCounted {
    /// There is no such site.
    #[error("there is no such site")]
    NoSite,
    /// Visitors are on as many of the site's pages as are counted one by one.
    #[error("too many pages of this site are being counted: raise --max-online-pages")]
    TooManyPages,
}

/// A visitor is there for as long as this is held.
#[derive(Debug)]
pub struct Present {
    live: Live,
    site: SiteId,
    page: Option<Pathname>,
    key: VisitorKey,
}

impl Live {
    /// A page of the site is open; where it says which one, that page's count has the visitor too.
    ///
    /// # Errors
    /// Where there is no such site, or too many of its pages are counted already.
    pub fn enter(
        &self,
        domain: &Domain,
        page: Option<&Pathname>,
        key: VisitorKey,
    ) -> Result<Present, NotCounted> {
        let site = self.0.sites.get(domain).ok_or(NotCounted::NoSite)?.id;
        let there = self.site(site, domain);
        if let Some(page) = page
            && !there.pages.lock().enter(page, key, self.0.clock.now())
        {
            metrics::counter!("pulsecast_online_pages_refused_total").increment(1);
            return Err(NotCounted::TooManyPages);
        }
        there.online.lock().presence.enter(key);
        self.touch(site);
        Ok(Present {
            live: self.clone(),
            site,
            page: page.cloned(),
            key,
        })
    }

    /// How many visitors have the site open, or this page of it.
    #[must_use]
    pub fn online(&self, domain: &Domain, page: Option<&Pathname>) -> u32 {
        self.joining(domain, page, |online| online)
    }

    /// Lets somebody join a count who is told what it is: whatever it changes to after that is published, nothing before.
    pub fn joining<T>(&self, domain: &Domain, page: Option<&Pathname>, join: impl FnOnce(u32) -> T) -> T {
        let now = self.0.clock.now();
        let Some(site) = self.0.sites.get(domain) else {
            return join(0);
        };
        let site = self.site(site.id, domain);
        match page {
            Some(page) => site.pages.lock().joining(page, now, join),
            None => site.online.lock().joining(now, join),
        }
    }
}

impl Drop for Present {
    fn drop(&mut self) {
        let Some(site) = self.live.0.all.read().get(&self.site).cloned() else {
            return;
        };
        let now = self.live.0.clock.now();
        if let Some(page) = &self.page {
            site.pages.lock().leave(page, self.key, now);
        }
        site.online.lock().presence.leave(self.key, now);
        // The ticker learns when the grace is over.
        self.live.touch(self.site);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn tabs_do_not_add_up_and_a_reload_does_not_flicker() {
        let mut presence = Presence::default();
        let (ann, bob) = (VisitorKey(1), VisitorKey(2));
        presence.enter(ann);
        presence.enter(ann);
        presence.enter(bob);
        assert_eq!(presence.count(Timestamp(0)), 2);
        presence.leave(bob, Timestamp(100));
        assert_eq!(presence.count(Timestamp(4_000)), 2, "bob may only be reloading");
        presence.enter(bob);
        assert_eq!(presence.count(Timestamp(60_000)), 2, "he was");
        presence.leave(bob, Timestamp(60_000));
        presence.leave(ann, Timestamp(60_000));
        assert_eq!(
            presence.count(Timestamp(60_000 + GRACE)),
            1,
            "ann has another tab"
        );
        presence.leave(ann, Timestamp(70_000));
        assert_eq!(presence.count(Timestamp(70_000 + GRACE)), 0);
        assert!(presence.visitors.is_empty() && presence.leaving.is_empty());
    }

    proptest! {
        /// Against the definition: a visitor is there while a connection is open, and until the grace after the last one closed.
        #[test]
        fn the_count_is_what_the_definition_says(
            steps in prop::collection::vec((0u64..4, any::<bool>(), 0i64..3_000), 1..120),
        ) {
            let mut presence = Presence::default();
            let mut now = Timestamp(1_000_000);
            let mut open = [0u32; 4];
            let mut last_left: [Option<Timestamp>; 4] = [None; 4];
            for (who, enters, later) in steps {
                now = now.plus(later);
                let at = usize::try_from(who).unwrap();
                if enters {
                    presence.enter(VisitorKey(who));
                    open[at] += 1;
                } else if open[at] > 0 {
                    presence.leave(VisitorKey(who), now);
                    open[at] -= 1;
                    last_left[at] = Some(now);
                }
                let there = (0..4).filter(|i| open[*i] > 0 || last_left[*i].is_some_and(|left| now.since(left) < GRACE));
                prop_assert_eq!(presence.count(now) as usize, there.count());
            }
            prop_assert_eq!(presence.count(now.plus(GRACE)) as usize, open.iter().filter(|n| **n > 0).count());
        }
    }
}
