//! Days that a site has figures of already: what is imported for them would be counted twice.

use chrono::{DateTime, Datelike, NaiveDate};
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

    /// Why what is imported for this day is left out, if it is.
    pub(super) fn leaves_out(&self, day: NaiveDate) -> Option<&'static str> {
        // Nobody counted then, and nobody can ask about it.
        if day.year() < 1970 {
            return Some("before 1970");
        }
        self.days.contains(&day).then_some("day already counted")
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
