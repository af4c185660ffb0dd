//! How long things took: counts in buckets that are 3 % wide, shared by all tasks without a lock.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

/// Buckets a doubling.
const FINE: u64 = 32;
/// Up to here, in microseconds, a bucket is one microsecond.
const EXACT: u64 = 64;
const BUCKETS: usize = 64 + 32 * 30;

/// Durations, counted.
#[derive(Debug)]
pub struct Histogram(Vec<AtomicU64>);

impl Default for Histogram {
    fn default() -> Self {
        Self((0..BUCKETS).map(|_| AtomicU64::new(0)).collect())
    }
}

impl Histogram {
    /// Counts one.
    pub fn record(&self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.0[bucket(micros)].fetch_add(1, Relaxed);
    }

    /// Forgets all.
    pub fn reset(&self) {
        self.0.iter().for_each(|bucket| bucket.store(0, Relaxed));
    }

    /// How many there were.
    pub fn count(&self) -> u64 {
        self.0.iter().map(|bucket| bucket.load(Relaxed)).sum()
    }

    /// What so many of a hundred did not exceed; zero when there were none.
    pub fn percentile(&self, percent: f64) -> Duration {
        let wanted = (self.count() as f64 * percent / 100.0).ceil().max(1.0) as u64;
        let mut seen = 0;
        for (index, bucket) in self.0.iter().enumerate() {
            seen += bucket.load(Relaxed);
            if seen >= wanted {
                return Duration::from_micros(upper(index as u64));
            }
        }
        Duration::ZERO
    }
}

fn bucket(micros: u64) -> usize {
    let index = if micros < EXACT {
        micros
    } else {
        let doubling = u64::from(micros.ilog2());
        EXACT + (doubling - 6) * FINE + ((micros >> (doubling - 5)) & (FINE - 1))
    };
    usize::try_from(index).unwrap_or(usize::MAX).min(BUCKETS - 1)
}

/// The largest value of a bucket.
fn upper(index: u64) -> u64 {
    if index < EXACT {
        return index;
    }
    let (doubling, step) = ((index - EXACT) / FINE + 6, (index - EXACT) % FINE);
    ((FINE + step + 1) << (doubling - 5)) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_never_too_low_and_at_most_four_percent_too_high() {
        for micros in (0..2000).chain([9_999, 250_000, 3_000_000, 600_000_000]) {
            let histogram = Histogram::default();
            histogram.record(Duration::from_micros(micros));
            let told = u64::try_from(histogram.percentile(99.0).as_micros()).unwrap();
            assert!(
                told >= micros && told as f64 <= micros as f64 * 1.04,
                "{micros} became {told}"
            );
        }
    }

    #[test]
    fn one_slow_of_a_hundred_is_not_in_p99_and_two_are() {
        let histogram = Histogram::default();
        (0..99).for_each(|_| histogram.record(Duration::from_micros(10)));
        histogram.record(Duration::from_millis(50));
        assert_eq!(histogram.percentile(99.0), Duration::from_micros(10));
        histogram.record(Duration::from_millis(50));
        assert!(histogram.percentile(99.0) >= Duration::from_millis(50));
        assert_eq!(histogram.count(), 101);
    }
}
