//! Which live query is evaluated next, and when: each at most once a second, one at a time, and all together for at most a tenth of the time.
//! Where a tenth is not enough for all, they share it by max-min fairness: passing time is dealt out evenly among those that have not yet
//! paid for their last evaluation. So cheap queries stay as fresh as they would be alone, and only the expensive ones are late. Pure: told
//! the time, evaluates nothing.

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
    /// What the last evaluation took, in microseconds.
    cost: i64,
    /// Microseconds of passing time that it still owes for its evaluations.
    owes: i64,
}

impl Entry {
    /// When it may be evaluated, where there is a reason to.
    fn due(&self) -> Option<Timestamp> {
        let due = match (self.stirred, self.moves) {
            (Some(stirred), Some(moves)) => stirred.min(moves),
            (stirred, moves) => stirred.or(moves)?,
        };
        (!self.running).then(|| due.max(self.rests))
    }
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
    /// Up to when passing time has been dealt out.
    dealt: Option<Timestamp>,
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
            cost: 0,
            owes: 0,
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
        self.deal(now);
        let due = self
            .entries
            .iter()
            .filter_map(|(number, entry)| Some((entry.due()?, *number, entry)));
        let (ready, later): (Vec<_>, Vec<_>) =
            due.partition(|(due, _, entry)| *due <= now && entry.owes == 0);
        // The cheapest first: nobody waits long for it.
        let first = ready
            .into_iter()
            .min_by_key(|(due, number, entry)| (entry.cost, *due, *number));
        let Some((_, number, _)) = first else {
            let enough = |entry: &Entry| now.plus(self.until(entry.owes));
            let soonest = later
                .iter()
                .map(|(due, _, entry)| (*due).max(enough(entry)))
                .min();
            return soonest.map_or(Next::Nothing, Next::At);
        };
        if let Some(entry) = self.entries.get_mut(&number) {
            entry.running = true;
            entry.by_event = entry.stirred.take().is_some();
            entry.moves = None;
        }
        Next::Evaluate(number)
    }

    /// Deals out the time that has passed, evenly among those who owe some.
    fn deal(&mut self, now: Timestamp) {
        let passed = self.dealt.map_or(0, |dealt| now.since(dealt)).max(0);
        self.dealt = Some(now);
        let mut left = passed.saturating_mul(1_000);
        let mut owing: Vec<_> = self.entries.values_mut().filter(|entry| entry.owes > 0).collect();
        owing.sort_unstable_by_key(|entry| entry.owes);
        let mut others = i64::try_from(owing.len()).unwrap_or(i64::MAX);
        for entry in owing {
            let gets = entry.owes.min(left / others);
            entry.owes -= gets;
            left -= gets;
            others -= 1;
        }
    }

    /// Milliseconds until who owes this much will have paid, as things are: the others are dealt as much, or what they owe.
    fn until(&self, owes: i64) -> i64 {
        let dealt = self.entries.values().map(|entry| entry.owes.min(owes));
        dealt.fold(0_i64, i64::saturating_add).saturating_add(999) / 1_000
    }

    /// A first evaluation is over. It answers whoever asked, as any question is answered, and is no part of the tenth that is for keeping
    /// answers current.
    pub(super) fn began(&mut self, number: u64, ran: Ran) {
        let Some(entry) = self.entries.get_mut(&number) else {
            return;
        };
        entry.running = false;
        entry.cost = ran.took;
        entry.moves = if std::mem::take(&mut entry.by_event) {
            let settled = ran.began.plus(SETTLES);
            Some(ran.moves.map_or(settled, |moves| moves.min(settled)))
        } else {
            ran.moves
        };
        entry.rests = ran.began.plus(APART);
        if ran.succeeded {
            entry.failures = 0;
            return;
        }
        entry.failures += 1;
        let factor = 1_i64 << (entry.failures - 1).min(8);
        entry.rests = entry
            .rests
            .max(ran.began.plus((RETRY * factor).min(LONGEST_RETRY)));
        entry.stirred.get_or_insert(ran.began);
    }

    /// An evaluation is over.
    pub(super) fn ran(&mut self, number: u64, ran: Ran) {
        if let Some(entry) = self.entries.get_mut(&number) {
            entry.owes += ran.took.saturating_mul(SHARE);
        }
        self.began(number, ran);
    }
}

/// An evaluation that is over.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ran {
    pub(super) began: Timestamp,
    /// Microseconds of work.
    pub(super) took: i64,
    /// When the answer changes by time alone.
    pub(super) moves: Option<Timestamp>,
    pub(super) succeeded: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn t(millis: i64) -> Timestamp {
        Timestamp(100_000 + millis)
    }

    /// It began then and took so many milliseconds.
    fn took(began: i64, took: i64) -> Ran {
        Ran {
            began: t(began),
            took: took * 1_000,
            moves: None,
            succeeded: true,
        }
    }

    /// Queries 1 to n, evaluated for the first time at 0, in no time.
    fn queue(n: u64) -> Queue {
        let costs = vec![0; usize::try_from(n).unwrap()];
        costing(&costs)
    }

    /// Queries whose first evaluation took so long.
    fn costing(costs: &[i64]) -> Queue {
        let mut queue = Queue::default();
        for (number, cost) in (1..).zip(costs) {
            queue.add(number);
            queue.began(number, took(0, *cost));
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
                queue.ran(1, took(millis, 1));
            }
        }
        assert_eq!(evaluations, 9);
    }

    #[test]
    fn what_takes_300_milliseconds_is_evaluated_every_three_seconds() {
        let mut queue = costing(&[300]);
        let (mut now, mut began) = (0, Vec::new());
        while began.len() < 4 {
            queue.stir(1, t(now));
            match queue.next(t(now)) {
                Next::Evaluate(_) => {
                    began.push(now);
                    queue.ran(1, took(now, 300));
                    now += 300;
                }
                Next::At(at) => now = at.since(t(0)),
                Next::Nothing => unreachable!(),
            }
        }
        assert_eq!(began, [1_000, 4_000, 7_000, 10_000]);
    }

    #[test]
    fn after_a_quiet_while_nobody_waits() {
        let mut queue = costing(&[300, 300]);
        assert_eq!(queue.next(t(0)), Next::Nothing);
        for number in [1, 2] {
            queue.stir(number, t(20_000));
        }
        assert_eq!(queue.next(t(20_000)), Next::Evaluate(1));
        queue.ran(1, took(20_000, 300));
        assert_eq!(queue.next(t(20_300)), Next::Evaluate(2));
    }

    #[test]
    fn a_cheap_query_does_not_wait_for_expensive_ones() {
        let mut queue = costing(&[5, 900, 900, 900]);
        let (mut now, mut began) = (0, [const { Vec::new() }; 4]);
        while now < 120_000 {
            for number in 1..=4 {
                queue.stir(number, t(now));
            }
            match queue.next(t(now)) {
                Next::Evaluate(number) => {
                    let cost = if number == 1 { 5 } else { 900 };
                    began[usize::try_from(number - 1).unwrap()].push(now);
                    queue.ran(number, took(now, cost));
                    now += cost;
                }
                Next::At(at) => now = at.since(t(0)),
                Next::Nothing => unreachable!(),
            }
        }
        let longest = began[0].windows(2).map(|pair| pair[1] - pair[0]).max();
        assert!(longest < Some(2_000), "{longest:?}");
        assert!(began[0].len() > 100, "{}", began[0].len());
        for expensive in &began[1..] {
            assert!(
                (3..=5).contains(&expensive.len()),
                "the rest of twelve seconds: {expensive:?}"
            );
        }
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
                queue.ran(number, took(millis, 1));
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
        queue.ran(1, took(1_000, 5));
        assert_eq!(queue.next(t(1_005)), Next::At(t(2_000)));
    }

    #[test]
    fn time_alone_makes_a_query_due() {
        let mut queue = queue(1);
        queue.stir(1, t(0));
        assert_eq!(queue.next(t(1_000)), Next::Evaluate(1));
        queue.ran(1, took(1_000, 0));
        assert_eq!(
            queue.next(t(1_000)),
            Next::At(t(1_000 + SETTLES)),
            "a second look"
        );
        assert_eq!(queue.next(t(4_000)), Next::Evaluate(1));
        let moves = Some(t(5_000));
        queue.ran(
            1,
            Ran {
                moves,
                ..took(4_000, 0)
            },
        );
        assert_eq!(queue.next(t(4_100)), Next::At(t(5_000)));
        assert_eq!(queue.next(t(5_000)), Next::Evaluate(1));
    }

    #[test]
    fn what_fails_is_tried_again_less_and_less_often() {
        let mut queue = queue(1);
        queue.stir(1, t(1_000));
        let (mut now, mut pauses) = (1_000, Vec::new());
        for _ in 0..8 {
            assert_eq!(queue.next(t(now)), Next::Evaluate(1));
            let failed = Ran {
                succeeded: false,
                ..took(now, 1)
            };
            queue.ran(1, failed);
            let Next::At(next) = queue.next(t(now + 1)) else {
                panic!("given up")
            };
            let next = next.since(t(0));
            pauses.push((next - now) / 1_000);
            now = next;
        }
        assert_eq!(pauses, [2, 4, 8, 16, 32, 60, 60, 60]);
    }

    proptest! {
        #[test]
        fn evaluating_never_takes_more_than_a_tenth_and_all_get_the_same_share(
            costs in prop::collection::vec(1..400_i64, 2..8),
        ) {
            let mut queue = costing(&costs);
            let (mut now, mut busy, mut turns) = (0, 0, vec![0_i64; costs.len()]);
            while now < 600_000 {
                for number in 1..=costs.len() {
                    queue.stir(number as u64, t(now));
                }
                match queue.next(t(now)) {
                    Next::Evaluate(number) => {
                        let i = usize::try_from(number - 1).unwrap();
                        turns[i] += 1;
                        busy += costs[i];
                        queue.ran(number, took(now, costs[i]));
                        now += costs[i];
                    }
                    Next::At(at) => now = at.since(t(0)),
                    Next::Nothing => unreachable!(),
                }
            }
            // What is paid for afterwards, once for each.
            let unpaid: i64 = costs.iter().sum();
            prop_assert!((busy - unpaid) * SHARE <= now, "{busy} of {now}");
            // Each has had its share of the tenth, or as many turns as there may be.
            let share = now / SHARE / i64::try_from(costs.len()).unwrap();
            for (cost, turns) in costs.iter().zip(turns) {
                // Between two turns it may wait for another's to end.
                let most = now / (APART + 400) - 2;
                prop_assert!(cost * turns >= share * 95 / 100 - 2 * cost || turns >= most, "{turns} of {cost} ms: less than {share}");
            }
        }
    }
}
