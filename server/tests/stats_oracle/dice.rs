//! Chance, by a seed: the same seed gives the same history and the same questions.

use rand::{Rng, SeedableRng, rngs::StdRng, seq::IndexedRandom};

/// What decides.
pub struct Dice(StdRng);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(StdRng::seed_from_u64(seed))
    }

    /// True so many times in a hundred.
    pub fn percent(&mut self, percent: u32) -> bool {
        self.0.random_range(0..100) < percent
    }

    /// From `least` to `most`, both included.
    pub fn between(&mut self, least: i64, most: i64) -> i64 {
        self.0.random_range(least..=most)
    }

    /// The same, as a place in a list.
    pub fn places(&mut self, least: usize, most: usize) -> usize {
        self.0.random_range(least..=most)
    }

    /// One of these.
    pub fn one<T: Clone>(&mut self, of: &[T]) -> T {
        of.choose(&mut self.0).unwrap().clone()
    }

    /// One of these or, so many times in a hundred, none.
    pub fn maybe(&mut self, percent_none: u32, of: &[&str]) -> Option<String> {
        if self.percent(percent_none) {
            None
        } else {
            Some(self.one(of).to_owned())
        }
    }

    /// So many different ones of these, in a random order.
    pub fn some<T: Clone>(&mut self, many: usize, of: &[T]) -> Vec<T> {
        of.choose_multiple(&mut self.0, many).cloned().collect()
    }
}
