//! When to come back after a connection was lost: exponential with full jitter, so that thousands of pages do not return at once.

/// Shortest pause, in milliseconds.
pub const SHORTEST: u32 = 500;
/// Longest pause, in milliseconds.
pub const LONGEST: u32 = 20_000;

/// Milliseconds to wait before attempt number `attempt` (from 0). `random` lies in 0..1.
#[must_use]
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "between the two constants"
)]
pub fn pause(attempt: u32, random: f64) -> u32 {
    let ceiling = SHORTEST
        .saturating_mul(2_u32.saturating_pow(attempt.saturating_add(1)))
        .min(LONGEST);
    SHORTEST + (f64::from(ceiling - SHORTEST) * random.clamp(0.0, 1.0)) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_return_is_quick_and_later_ones_spread_out() {
        assert_eq!((pause(0, 0.0), pause(0, 1.0)), (500, 1000));
        assert_eq!((pause(3, 0.0), pause(3, 1.0)), (500, 8000));
    }

    #[test]
    fn no_pause_is_longer_than_twenty_seconds() {
        for attempt in [5, 6, 31, 32, u32::MAX] {
            assert_eq!(pause(attempt, 1.0), 20_000);
        }
    }
}
