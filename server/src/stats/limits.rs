//! What a question may cost. The limits of a query's form are here; those of time and number come from the settings.

use std::time::Duration;

/// Dimensions of one query.
pub const DIMENSIONS: usize = 5;
/// How deep filters nest.
pub const FILTER_DEPTH: usize = 8;
/// Conditions of one query, those of segments included.
pub const CONDITIONS: usize = 200;
/// Values of one condition.
pub const VALUES: usize = 1_000;
/// Values of one condition on places: a part of a name, which one asks for, stands for many codes.
pub const CODES: usize = 10_000;
/// Bytes of one value.
pub const VALUE_BYTES: usize = 2_000;
/// Bytes of a regular expression.
pub const PATTERN_BYTES: usize = 500;
/// Bytes that a regular expression over the names of goals may take once it is compiled.
pub const PATTERN_SIZE: usize = 1 << 20;
/// Buckets of time of one range: ten days of minutes.
pub const BUCKETS: i64 = 15_000;
/// Groups of a compared period that are looked at.
pub const COMPARED_ROWS: u32 = 200_000;

/// Limits that are settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// `--query-timeout`: waiting for a turn included.
    pub timeout: Duration,
    /// `--query-concurrency`: answered at a time.
    pub concurrency: usize,
    /// `--query-queue`: waiting for their turn; more are refused.
    pub queue: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(10),
            concurrency: 4,
            queue: 256,
        }
    }
}
