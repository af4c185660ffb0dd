//! Days that a site has figures of already: what is imported for them would be counted twice.

use chrono::{DateTime, NaiveDate};
use chrono_tz::Tz;
use pulsecast_protocol::Timestamp;
use std::collections::HashSet;

/// Milliseconds of a quarter of an hour: no zone's midnight lies between two.
const QUARTER: i64 = 900_000;

/// The covered days, in the site's time zone.
#[derive(Debug)]
pub(super) struct Covered {
    timezone: Tz,
    days: HashSet<NaiveDate>,
}

impl Covered {
    /// Of quarters of an hour with events, and of days with imported figures.
    pub(super) fn new(timezone: Tz, (quarters, days): &(Vec<i64>, Vec<NaiveDate>)) -> Self {
        let own = quarters
            .iter()
            .filter_map(|quarter| day(Timestamp(quarter * QUARTER), timezone));
        Self {
            timezone,
            days: own.chain(days.iter().copied()).collect(),
        }
    }

    /// Whether there are figures of this day.
    pub(super) fn has(&self, day: NaiveDate) -> bool {
        self.days.contains(&day)
    }

    /// The day at the site.
    pub(super) fn day(&self, at: Timestamp) -> Option<NaiveDate> {
        day(at, self.timezone)
    }
}

fn day(at: Timestamp, timezone: Tz) -> Option<NaiveDate> {
    let time = DateTime::from_timestamp_millis(at.millis())?;
    Some(time.with_timezone(&timezone).date_naive())
}
