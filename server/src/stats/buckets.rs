//! Buckets of time by a site's wall clock: their numbers, in SQL and here, and their labels. A bucket's number is the count of its unit since
//! 1970 by the wall clock, so that the hour that comes twice in autumn is one bucket.

use super::range::{Span, local};
use chrono::{Datelike, Days, Months, NaiveDate, Offset, TimeDelta, TimeZone};
use chrono_tz::Tz;
use pulsecast_protocol::{Timestamp, stats::TimeUnit};
use std::collections::BTreeSet;

/// A part of a range throughout which the clock differs from UTC by the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stretch {
    from: Timestamp,
    to: Timestamp,
    /// In milliseconds.
    offset: i64,
}

/// The buckets of a range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Buckets {
    unit: TimeUnit,
    stretches: Vec<Stretch>,
    /// The range's first day, which the first week and month are called by.
    first: NaiveDate,
}

/// Monday before 1970-01-01, a Thursday, is this many days before it.
const TO_MONDAY: i64 = 3;

impl Buckets {
    /// Those of a range. [`TimeUnit::Auto`] takes a unit by its length.
    #[must_use]
    pub fn new(unit: TimeUnit, span: Span, zone: Tz) -> Self {
        let unit = match unit {
            TimeUnit::Auto => fitting(span, zone),
            unit => unit,
        };
        Self {
            unit,
            stretches: stretches(span, zone),
            first: local(span.from, zone).date(),
        }
    }

    /// How long they are.
    #[must_use]
    pub const fn unit(&self) -> TimeUnit {
        self.unit
    }

    /// About how many there are.
    #[must_use]
    pub fn about(&self) -> i64 {
        self.stretches
            .iter()
            .map(|s| self.number(s.to.millis() + s.offset) - self.number(s.from.millis() + s.offset) + 1)
            .sum()
    }

    /// The bucket of a wall-clock time in milliseconds.
    fn number(&self, local: i64) -> i64 {
        let day = local.div_euclid(Timestamp::DAY);
        match self.unit {
            TimeUnit::Minute => local.div_euclid(Timestamp::MINUTE),
            TimeUnit::Hour => local.div_euclid(Timestamp::HOUR),
            TimeUnit::Auto | TimeUnit::Day => day,
            TimeUnit::Week => (day + TO_MONDAY).div_euclid(7),
            TimeUnit::Month => {
                let date = date(day);
                i64::from(date.year() - 1970) * 12 + i64::from(date.month0())
            }
        }
    }

    /// The numbers of all of them, in order.
    #[must_use]
    pub fn all(&self) -> Vec<i64> {
        let mut all = BTreeSet::new();
        for stretch in self.stretches.iter().filter(|s| s.from < s.to) {
            let first = self.number(stretch.from.millis() + stretch.offset);
            let last = self.number(stretch.to.millis() - 1 + stretch.offset);
            all.extend(first..=last);
        }
        all.into_iter().collect()
    }

    /// The bucket of a day, by its number since 1970; of units of a day or more.
    #[must_use]
    pub fn of_day(&self, day: i64) -> i64 {
        self.number(day * Timestamp::DAY)
    }

    /// What a bucket is called.
    #[must_use]
    pub fn label(&self, number: i64) -> String {
        let time = |unit: i64| {
            chrono::DateTime::from_timestamp_millis(number.saturating_mul(unit))
                .unwrap_or_default()
                .format("%F %T")
                .to_string()
        };
        match self.unit {
            TimeUnit::Minute => time(Timestamp::MINUTE),
            TimeUnit::Hour => time(Timestamp::HOUR),
            TimeUnit::Auto | TimeUnit::Day => date(number).to_string(),
            TimeUnit::Week => date(number * 7 - TO_MONDAY).max(self.first).to_string(),
            TimeUnit::Month => {
                let months = Months::new(u32::try_from(number).unwrap_or(0));
                let date = NaiveDate::default()
                    .checked_add_months(months)
                    .unwrap_or_default();
                date.max(self.first).to_string()
            }
        }
    }

    /// SQL: the bucket of a timestamp.
    #[must_use]
    pub fn number_of(&self, at: &str) -> String {
        let offset = match self.stretches.as_slice() {
            [] => "0".to_owned(),
            [one] => one.offset.to_string(),
            [first, rest @ ..] => {
                let mut text = "case".to_owned();
                for later in rest.iter().rev() {
                    text += &format!(" when {at} >= {} then {}", instant(later.from), later.offset);
                }
                format!("{text} else {} end", first.offset)
            }
        };
        self.number_with(at, &offset)
    }

    fn number_with(&self, at: &str, offset: &str) -> String {
        let local = format!("(epoch_ms({at}) + {offset})");
        match self.unit {
            TimeUnit::Minute => format!("({local} // 60000)"),
            TimeUnit::Hour => format!("({local} // 3600000)"),
            TimeUnit::Auto | TimeUnit::Day => format!("({local} // 86400000)"),
            TimeUnit::Week => format!("(({local} // 86400000 + {TO_MONDAY}) // 7)"),
            TimeUnit::Month => {
                format!("datediff('month', timestamp '1970-01-01', make_timestamp({local} * 1000))")
            }
        }
    }

    /// SQL: whether all between two timestamps is in one bucket, for sure. Where the clock is put back, the same bucket may come again after
    /// others: not within its own length.
    #[must_use]
    pub fn is_one(&self, first: &str, last: &str) -> String {
        let same = format!("{} = {}", self.number_of(first), self.number_of(last));
        match (self.stretches.len(), self.unit) {
            (0 | 1, _) => same,
            (_, TimeUnit::Minute) => format!(
                "({same} and epoch_ms({last}) - epoch_ms({first}) < {})",
                Timestamp::MINUTE
            ),
            (_, TimeUnit::Hour) => format!(
                "({same} and epoch_ms({last}) - epoch_ms({first}) < {})",
                Timestamp::HOUR
            ),
            _ => same,
        }
    }

    /// SQL: a list of the buckets from one timestamp to another, both within the range.
    #[must_use]
    pub fn numbers_between(&self, first: &str, last: &str) -> String {
        let numbers = |stretch: &Stretch, first: &str, last: &str| {
            let offset = stretch.offset.to_string();
            format!(
                "range({}::bigint, {}::bigint + 1)",
                self.number_with(first, &offset),
                self.number_with(last, &offset)
            )
        };
        match self.stretches.as_slice() {
            [] => "[]::bigint[]".to_owned(),
            [one] => numbers(one, first, last),
            several => {
                let lists: Vec<String> = several
                    .iter()
                    .map(|stretch| {
                        let (from, to) = (instant(stretch.from), instant(stretch.to));
                        let list = numbers(
                            stretch,
                            &format!("greatest({first}, {from})"),
                            &format!("least({last}, {})", instant(stretch.to.plus(-1))),
                        );
                        format!(
                            "case when {first} < {to} and {last} >= {from} then {list} else []::bigint[] end"
                        )
                    })
                    .collect();
                format!("list_distinct(flatten([{}]))", lists.join(", "))
            }
        }
    }
}

fn date(day: i64) -> NaiveDate {
    let epoch = NaiveDate::default();
    if day < 0 {
        epoch
            .checked_sub_days(Days::new(day.unsigned_abs()))
            .unwrap_or_default()
    } else {
        epoch
            .checked_add_days(Days::new(day.unsigned_abs()))
            .unwrap_or_default()
    }
}

/// SQL: an instant.
#[must_use]
pub fn instant(at: Timestamp) -> String {
    format!("make_timestamp({})", at.millis() * 1000)
}

/// The unit of `time`, but for realtime.
fn fitting(span: Span, zone: Tz) -> TimeUnit {
    let length = local(span.to, zone) - local(span.from, zone);
    if length <= TimeDelta::days(2) {
        TimeUnit::Hour
    } else if length <= TimeDelta::days(91) {
        TimeUnit::Day
    } else {
        TimeUnit::Month
    }
}

/// Where the clock was moved within a range. Looked for every six hours: no zone moves its clock forth and back within them.
fn stretches(span: Span, zone: Tz) -> Vec<Stretch> {
    const STEP: i64 = 6 * Timestamp::HOUR;
    let offset = |at: Timestamp| {
        let utc = chrono::DateTime::from_timestamp_millis(at.millis())
            .unwrap_or_default()
            .naive_utc();
        i64::from(zone.offset_from_utc_datetime(&utc).fix().local_minus_utc()) * 1000
    };
    let mut found = vec![Stretch {
        from: span.from,
        to: span.to,
        offset: offset(span.from),
    }];
    let mut at = span.from;
    while at < span.to {
        let next = Timestamp(at.plus(STEP).0.min(span.to.0));
        let (before, after) = (offset(at), offset(next));
        if before != after {
            let (mut low, mut high) = (at, next);
            while high.since(low) > 1 {
                let middle = low.plus(high.since(low) / 2);
                if offset(middle) == before {
                    low = middle
                } else {
                    high = middle
                }
            }
            if high < span.to {
                if let Some(last) = found.last_mut() {
                    last.to = high;
                }
                found.push(Stretch {
                    from: high,
                    to: span.to,
                    offset: after,
                });
            }
        }
        at = next;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono_tz::{Australia::Lord_Howe, Europe::Berlin};

    fn buckets(unit: TimeUnit, first: &str, last: &str, zone: Tz) -> Vec<String> {
        let span = Span::of_days(first.parse().unwrap(), last.parse().unwrap(), zone).unwrap();
        let buckets = Buckets::new(unit, span, zone);
        buckets.all().into_iter().map(|n| buckets.label(n)).collect()
    }

    #[test]
    fn the_hour_that_comes_twice_is_one_and_the_one_left_out_is_none() {
        let autumn = buckets(TimeUnit::Hour, "2026-10-25", "2026-10-25", Berlin);
        assert_eq!(autumn.len(), 24);
        let spring = buckets(TimeUnit::Hour, "2026-03-29", "2026-03-29", Berlin);
        assert_eq!(spring.len(), 23);
        assert_eq!(&spring[1..3], ["2026-03-29 01:00:00", "2026-03-29 03:00:00"]);
        assert_eq!(
            buckets(TimeUnit::Hour, "2026-04-05", "2026-04-05", Lord_Howe).len(),
            24
        );
    }

    #[test]
    fn weeks_and_months_begin_with_the_range_if_that_is_later() {
        assert_eq!(
            buckets(TimeUnit::Week, "2026-01-01", "2026-01-12", Berlin),
            ["2026-01-01", "2026-01-05", "2026-01-12"]
        );
        assert_eq!(
            buckets(TimeUnit::Month, "2025-12-24", "2026-02-01", Berlin),
            ["2025-12-24", "2026-01-01", "2026-02-01"]
        );
    }

    #[test]
    fn time_without_a_unit_takes_one_by_length() {
        let unit = |first: &str, last: &str| {
            let span = Span::of_days(first.parse().unwrap(), last.parse().unwrap(), Berlin).unwrap();
            Buckets::new(TimeUnit::Auto, span, Berlin).unit()
        };
        assert_eq!(unit("2026-10-24", "2026-10-25"), TimeUnit::Hour);
        assert_eq!(unit("2026-10-24", "2026-10-26"), TimeUnit::Day);
        assert_eq!(unit("2026-01-01", "2026-04-01"), TimeUnit::Day);
        assert_eq!(unit("2026-01-01", "2026-04-02"), TimeUnit::Month);
    }
}
