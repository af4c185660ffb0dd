//! How many commands a connection may send: a bucket that fills steadily.

use pulsecast_protocol::Timestamp;

/// Commands beyond an empty bucket that are answered with an error before the connection is ended.
const PATIENCE: i64 = 1_000;

/// What a command costs its sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spent {
    /// It is within the budget.
    Within,
    /// It is refused; the connection stays.
    Over,
    /// Far too many: the connection ends.
    FarOver,
}

/// In thousandths of a command, so that a millisecond is worth whole numbers.
#[derive(Debug)]
pub(super) struct Budget {
    burst: i64,
    per_second: i64,
    left: i64,
    refused: i64,
    at: Timestamp,
}

impl Budget {
    pub(super) fn new(burst: u32, per_second: u32, now: Timestamp) -> Self {
        let burst = i64::from(burst) * 1000;
        Self {
            burst,
            per_second: per_second.into(),
            left: burst,
            refused: 0,
            at: now,
        }
    }

    pub(super) fn spend(&mut self, now: Timestamp) -> Spent {
        let gained = now.since(self.at).max(0).saturating_mul(self.per_second);
        self.left = self.left.saturating_add(gained).min(self.burst);
        self.at = now;
        if self.left >= 1000 {
            self.left -= 1000;
            self.refused = 0;
            return Spent::Within;
        }
        self.refused += 1;
        if self.refused > PATIENCE {
            Spent::FarOver
        } else {
            Spent::Over
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_fine_a_flood_is_refused_and_goes_on_being_refused_until_it_ends() {
        let mut budget = Budget::new(3, 10, Timestamp(0));
        let mut spend = |at| budget.spend(Timestamp(at));
        assert_eq!(
            [spend(0), spend(0), spend(0), spend(0)],
            [Spent::Within, Spent::Within, Spent::Within, Spent::Over]
        );
        assert_eq!(
            (spend(99), spend(100), spend(100)),
            (Spent::Over, Spent::Within, Spent::Over)
        );
        for _ in 0..PATIENCE - 1 {
            assert_eq!(spend(100), Spent::Over);
        }
        assert_eq!((spend(100), spend(10_000)), (Spent::FarOver, Spent::Within));
    }
}
