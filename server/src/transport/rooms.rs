//! What one room may take, whoever is in it: so many connections, so many publications a second. One loud room does not cost the others
//! anything.

use super::budget::{Budget, Spent};
use parking_lot::Mutex;
use pulsecast_protocol::Timestamp;
use std::collections::HashMap;

/// Rooms whose budgets are remembered; beyond, those that nobody has published to for a while are forgotten.
const MOST: usize = 10_000;
/// A room that was quiet for so long has its whole budget again.
const QUIET: i64 = 60_000;

/// Budgets of rooms.
#[derive(Debug)]
pub(super) struct Rooms {
    members: u32,
    per_second: u32,
    budgets: Mutex<HashMap<String, (Budget, Timestamp)>>,
}

impl Rooms {
    /// So many connections in each, so many publications a second (twice as many at once).
    pub(super) fn new(members: u32, per_second: u32) -> Self {
        Self {
            members,
            per_second,
            budgets: Mutex::default(),
        }
    }

    /// Whether one more may come in, where there are so many.
    pub(super) fn has_place(&self, channel: &str, readers: u32) -> bool {
        !channel.starts_with("room:") || readers < self.members
    }

    /// Whether one more publication may go in now; other channels than rooms have other bounds.
    pub(super) fn may_publish(&self, channel: &str, now: Timestamp) -> bool {
        if !channel.starts_with("room:") {
            return true;
        }
        let mut budgets = self.budgets.lock();
        if budgets.len() >= MOST && !budgets.contains_key(channel) {
            budgets.retain(|_, (_, last)| now.since(*last) < QUIET);
        }
        if budgets.len() >= MOST && !budgets.contains_key(channel) {
            return false;
        }
        let fresh = || {
            (
                Budget::new(self.per_second.saturating_mul(2), self.per_second, now),
                now,
            )
        };
        let (budget, last) = budgets.entry(channel.to_owned()).or_insert_with(fresh);
        *last = now;
        budget.spend(now) == Spent::Within
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loud_room_is_slowed_down_and_the_others_are_not() {
        let rooms = Rooms::new(2, 5);
        let now = Timestamp(0);
        let said = |room: &str, now| (0..20).filter(|_| rooms.may_publish(room, now)).count();
        assert_eq!(said("room:a.com:loud", now), 10);
        assert_eq!(said("room:a.com:other", now), 10);
        assert_eq!(said("room:a.com:loud", now.plus(1_000)), 5);
        assert_eq!(said("feed:a.com", now), 20, "feeds have other bounds");
    }

    #[test]
    fn a_room_is_full_at_some_point() {
        let rooms = Rooms::new(2, 5);
        assert!(rooms.has_place("room:a.com:x", 1));
        assert!(!rooms.has_place("room:a.com:x", 2));
        assert!(rooms.has_place("online:a.com", 2_000));
    }

    #[test]
    fn rooms_that_are_quiet_again_are_forgotten() {
        let rooms = Rooms::new(2, 5);
        for i in 0..MOST {
            assert!(rooms.may_publish(&format!("room:a.com:{i}"), Timestamp(0)));
        }
        assert!(!rooms.may_publish("room:a.com:one-more", Timestamp(1)));
        assert!(rooms.may_publish("room:a.com:one-more", Timestamp(QUIET)));
        assert_eq!(rooms.budgets.lock().len(), 1);
    }
}
