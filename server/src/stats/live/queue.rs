//! Which live query is evaluated next, and when: the one that has been due for longest, one at a time, each at most once a second, and
//! all together for at most a tenth of the time. Pure: told the time, evaluates nothing.

use pulsecast_protocol::Timestamp;
use std::collections::HashMap;

/// Milliseconds between two evaluations of the same query.
const APART: i64 = 1_000;
/// Of so many milliseconds, one may be spent on evaluating.
const SHARE: i64 = 10;
/// Milliseconds after which an answer to what was stored is looked at once more, if nothing else was: the store may answer from a state that is a
/// moment old (`--query-freshness`), and the last event of a while must not be missing until the next.
const SETTLES: i64 = 3_000;
/// Milliseconds until a query that failed is tried again, doubled each time.
const RETRY: i64 = 2_000;
/// But not beyond this.
const LONGEST_RETRY: i64 = 60_000;

#[derive(Debug)]
struct Entry {
    /// Being evaluated now.
    running: bool,
    /// Because something was stored.
    by_event: bool,
    /// Since when its answer may be another, because something was stored.
    stirred: Option<Timestamp>,
    /// When its answer may be another because of time alone.
    moves: Option<Timestamp>,
    /// Not evaluated before this.
    rests: Timestamp,
    failures: u32,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Evaluate this one now; it is taken for running from here on.
    Evaluate(u64),
    /// Nothing before then, unless something is stored.
    At(Timestamp),
    /// Nothing, until something is stored.
    Nothing,
}

/// All live queries, by number.
#[derive(Debug, Default)]
pub(super) struct Queue {
    entries: HashMap<u64, Entry>,
    /// When the next evaluation may begin.
    free: Timestamp,
}

impl Queue {
    /// A new query, which is being evaluated for the first time.
    pub(super) fn add(&mut self, number: u64) {
        let entry = Entry {
            running: true,
            by_event: true,
            stirred: None,
            moves: None,
            rests: Timestamp::default(),
            failures: 0,
        };
        self.entries.insert(number, entry);
    }

    pub(super) fn remove(&mut self, number: u64) {
        self.entries.remove(&number);
    }

    /// Something happened that may change its answer.
    pub(super) fn stir(&mut self, number: u64, at: Timestamp) {
        if let Some(entry) = self.entries.get_mut(&number) {
            entry.stirred.get_or_insert(at);
        }
    }

    /// What to do now.
    pub(super) fn next(&mut self, now: Timestamp) -> Next {
        let waiting = self.entries.iter_mut().filter_map(|(number, entry)| {
            let due = match (entry.stirred, entry.moves) {
                (Some(stirred), Some(moves)) => stirred.min(moves),
                (stirred, moves) => stirred.or(moves)?,
            };
            (!entry.running).then_some((due.max(entry.rests), *number, entry))
        });
        let Some((due, number, entry)) = waiting.min_by_key(|(due, number, _)| (*due, *number)) else {
            return Next::Nothing;
        };
        let at = due.max(self.free);
        if at > now {
            return Next::At(at);
        }
        entry.running = true;
        entry.by_event = entry.stirred.take().is_some();
        entry.moves = None;
        Next::Evaluate(number)
    }

    /// A first evaluation is over. It answers whoever asked, as any question is answered, and is no part of the tenth that is for keeping
    /// answers current.
    pub(super) fn began(&mut self, number: u64, began: Timestamp, moves: Option<Timestamp>, succeeded: bool) {
        let Some(entry) = self.entries.get_mut(&number) else {
            return;
        };
        entry.running = false;
        entry.moves = if std::mem::take(&mut entry.by_event) {
            let settled = began.plus(SETTLES);
            Some(moves.map_or(settled, |moves| moves.min(settled)))
        } else {
            moves
        };
        entry.rests = began.plus(APART);
        if succeeded {
            entry.failures = 0;
            return;
        }
        entry.failures += 1;
        let factor = 1_i64 << (entry.failures - 1).min(8);
        entry.rests = entry.rests.max(began.plus((RETRY * factor).min(LONGEST_RETRY)));
        entry.stirred.get_or_insert(began);
    }

    /// An evaluation is over.
    pub(super) fn ran(
        &mut self,
        number: u64,
        (began, ended): (Timestamp, Timestamp),
        moves: Option<Timestamp>,
        succeeded: bool,
    ) {
        self.free = self
            .free
            .max(began.plus(ended.since(began).max(0).saturating_mul(SHARE)));
        self.began(number, began, moves, succeeded);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn t(millis: i64) -> Timestamp {
        Timestamp(100_000 + millis)
    }

    /// Queries 1 to n, evaluated for the first time at 0.
    fn queue(n: u64) -> Queue {
        let mut queue = Queue::default();
        for number in 1..=n {
            queue.add(number);
            queue.began(number, t(0), None, true);
            settle(&mut queue, number);
        }
        queue
    }

    /// Its second look, at 0 too.
    fn settle(queue: &mut Queue, number: u64) {
        let entry = queue.entries.get_mut(&number).unwrap();
        (entry.moves, entry.by_event) = (None, false);
    }

    #[test]
    fn nothing_is_evaluated_where_nothing_happened() {
        assert_eq!(queue(3).next(t(3_600_000)), Next::Nothing);
    }

    #[test]
    fn a_query_is_evaluated_once_a_second_however_much_is_stored() {
        let mut queue = queue(1);
        let mut evaluations = 0;
        for millis in 0..10_000 {
            queue.stir(1, t(millis));
            if queue.next(t(millis)) == Next::Evaluate(1) {
                evaluations += 1;
                queue.ran(1, (t(millis), t(millis + 1)), None, true);
            }
        }
        assert_eq!(evaluations, 9);
    }

    #[test]
    fn after_300_milliseconds_of_evaluating_the_next_begins_three_seconds_later() {
        let mut queue = queue(2);
        queue.stir(1, t(1_000));
        queue.stir(2, t(1_001));
        assert_eq!(queue.next(t(1_001)), Next::Evaluate(1));
        queue.ran(1, (t(1_001), t(1_301)), None, true);
        assert_eq!(queue.next(t(1_301)), Next::At(t(4_001)));
        assert_eq!(queue.next(t(4_001)), Next::Evaluate(2));
    }

    #[test]
    fn who_has_been_due_for_longest_comes_first() {
        let mut queue = queue(3);
        for (number, millis) in [(2, 1_500), (3, 1_200), (1, 1_300), (3, 1_900)] {
            queue.stir(number, t(millis));
        }
        let mut order = Vec::new();
        for millis in 2_000..2_100 {
            if let Next::Evaluate(number) = queue.next(t(millis)) {
                order.push(number);
                queue.ran(number, (t(millis), t(millis + 1)), None, true);
                queue.stir(number, t(millis + 1));
            }
        }
        assert_eq!(order, [3, 1, 2]);
    }

    #[test]
    fn what_is_stored_during_an_evaluation_is_evaluated_again() {
        let mut queue = queue(1);
        queue.stir(1, t(1_000));
        assert_eq!(queue.next(t(1_000)), Next::Evaluate(1));
        queue.stir(1, t(1_003));
        assert_eq!(
            queue.next(t(1_004)),
            Next::Nothing,
            "one evaluation of it at a time"
        );
        queue.ran(1, (t(1_000), t(1_005)), None, true);
        assert_eq!(queue.next(t(1_005)), Next::At(t(2_000)));
    }

    #[test]
    fn time_alone_makes_a_query_due() {
        let mut queue = Queue::default();
        queue.add(1);
        queue.began(1, t(0), None, true);
        settle(&mut queue, 1);
        queue.stir(1, t(0));
        assert_eq!(queue.next(t(1_000)), Next::Evaluate(1));
        queue.ran(1, (t(1_000), t(1_000)), None, true);
        assert_eq!(
            queue.next(t(1_000)),
            Next::At(t(1_000 + SETTLES)),
            "a second look"
        );
        assert_eq!(queue.next(t(4_000)), Next::Evaluate(1));
        queue.ran(1, (t(4_000), t(4_000)), Some(t(5_000)), true);
        assert_eq!(queue.next(t(4_100)), Next::At(t(5_000)));
        assert_eq!(queue.next(t(5_000)), Next::Evaluate(1));
    }

    #[test]
    fn what_fails_is_tried_again_less_and_less_often() {
        let mut queue = queue(1);
        queue.stir(1, t(1_000));
        let (mut now, mut pauses) = (t(1_000), Vec::new());
        for _ in 0..8 {
            assert_eq!(queue.next(now), Next::Evaluate(1));
            queue.ran(1, (now, now.plus(1)), None, false);
            let Next::At(next) = queue.next(now.plus(1)) else {
                panic!("given up")
            };
            pauses.push(next.since(now) / 1_000);
            now = next;
        }
        assert_eq!(pauses, [2, 4, 8, 16, 32, 60, 60, 60]);
    }

    proptest! {
        #[test]
        fn evaluating_never_takes_more_than_a_tenth_and_nobody_starves(
            costs in prop::collection::vec(1..400_i64, 2..8),
        ) {
            let mut queue = queue(costs.len() as u64);
            let (mut now, mut busy, mut turns) = (0, 0, vec![0_u32; costs.len()]);
            while now < 600_000 {
                for number in 1..=costs.len() {
                    queue.stir(number as u64, t(now));
                }
                match queue.next(t(now)) {
                    Next::Evaluate(number) => {
                        let i = usize::try_from(number - 1).unwrap();
                        turns[i] += 1;
                        busy += costs[i];
                        queue.ran(number, (t(now), t(now + costs[i])), None, true);
                        now += costs[i];
                    }
                    Next::At(at) => now = at.since(t(0)),
                    Next::Nothing => unreachable!(),
                }
            }
            prop_assert!(busy * 10 <= now + 4_000, "{busy} of {now}");
            let (least, most) = (turns.iter().min().unwrap(), turns.iter().max().unwrap());
            prop_assert!(most - least <= 2, "{turns:?}");
        }
    }
}
