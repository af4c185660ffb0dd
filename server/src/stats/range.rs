//! From a period's name to two instants, in a site's time zone.

use chrono::{
    Datelike, Days, Months, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeDelta, TimeZone, Timelike,
};
use chrono_tz::Tz;
use pulsecast_protocol::{Timestamp, stats::DateRange};

/// From the first instant up to, not including, the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The first.
    pub from: Timestamp,
    /// The first that is not in it.
    pub to: Timestamp,
    /// Its days, if it is made of whole ones: how it is moved.
    pub days: Option<(NaiveDate, NaiveDate)>,
}

/// Years that a range may touch.
const YEARS: std::ops::RangeInclusive<i32> = 1970..=2200;

/// Why a range is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadRange {
    /// Its end is before its beginning.
    #[error("ends before it begins: put the earlier date first")]
    Reversed,
    /// Nobody counted then.
    #[error("leaves the years 1970 to 2200: choose dates between")]
    OutOfTime,
}

/// The local date and time of an instant.
#[must_use]
pub fn local(at: Timestamp, zone: Tz) -> NaiveDateTime {
    let utc = chrono::DateTime::from_timestamp_millis(at.millis())
        .unwrap_or_default()
        .naive_utc();
    utc + zone.offset_from_utc_datetime(&utc).fix()
}

/// The first instant that the zone's clock shows this time at, or any later one of the kind if it shows it never.
#[must_use]
pub fn instant(local: NaiveDateTime, zone: Tz) -> Timestamp {
    let shown = |local: NaiveDateTime| {
        let at = zone.from_local_datetime(&local).earliest()?;
        Some(Timestamp(at.timestamp_millis()))
    };
    let minute = || local.with_second(0)?.with_nanosecond(0);
    // Clocks have leapt by at most a day: Samoa's, over the date line. No zone has had a gap since 1970 that ended off the minute.
    let after_gap = || (1..=2 * 24 * 60).find_map(|minutes| shown(minute()? + TimeDelta::minutes(minutes)));
    shown(local)
        .or_else(after_gap)
        .unwrap_or_else(|| Timestamp(local.and_utc().timestamp_millis()))
}

impl Span {
    /// Whole days, both included.
    ///
    /// # Errors
    /// When they are reversed or far away.
    pub fn of_days(first: NaiveDate, last: NaiveDate, zone: Tz) -> Result<Self, BadRange> {
        if last < first {
            return Err(BadRange::Reversed);
        }
        if !YEARS.contains(&first.year()) || !YEARS.contains(&last.year()) {
            return Err(BadRange::OutOfTime);
        }
        let begin = |day: NaiveDate| instant(day.and_time(NaiveTime::MIN), zone);
        Ok(Self {
            from: begin(first),
            to: begin(last + Days::new(1)),
            days: Some((first, last)),
        })
    }

    /// Between two instants.
    ///
    /// # Errors
    /// When they are reversed or far away.
    pub fn of_times(from: Timestamp, to: Timestamp) -> Result<Self, BadRange> {
        if to < from {
            return Err(BadRange::Reversed);
        }
        let year = |at: Timestamp| local(at, Tz::UTC).year();
        if from.millis() < 0 || !YEARS.contains(&year(from)) || !YEARS.contains(&year(to)) {
            return Err(BadRange::OutOfTime);
        }
        Ok(Self { from, to, days: None })
    }

    /// What a range means at a time, given which day counts as today; `first_event` is asked for `all` only.
    ///
    /// # Errors
    /// When it is reversed or far away.
    pub fn of(
        range: DateRange,
        date: Option<NaiveDate>,
        now: Timestamp,
        zone: Tz,
        first_event: Option<Timestamp>,
    ) -> Result<Self, BadRange> {
        let today = date.unwrap_or_else(|| local(now, zone).date());
        if !YEARS.contains(&today.year()) {
            return Err(BadRange::OutOfTime);
        }
        let month = |day: NaiveDate| day.with_day(1).unwrap_or(day);
        let month_end = |day: NaiveDate| month(day) + Months::new(1) - Days::new(1);
        let last = |millis: i64| Self::of_times(now.plus(-millis), now.plus(1));
        let (first, end) = match range {
            DateRange::Realtime => return last(5 * Timestamp::MINUTE),
            DateRange::Realtime30 => return last(30 * Timestamp::MINUTE),
            DateRange::Last24h => return last(Timestamp::DAY),
            DateRange::Times(from, to) => return Self::of_times(from, to),
            DateRange::Dates(first, end) => (first, end),
            DateRange::Day => (today, today),
            DateRange::LastDays(n) => (
                today
                    .checked_sub_days(Days::new(u64::from(n.max(1)) - 1))
                    .ok_or(BadRange::OutOfTime)?,
                today,
            ),
            DateRange::Month => (month(today), month_end(today)),
            DateRange::LastMonths(n) => (
                month(today)
                    .checked_sub_months(Months::new(u32::from(n.max(1)) - 1))
                    .ok_or(BadRange::OutOfTime)?,
                month_end(today),
            ),
            DateRange::Year => (
                month(today).with_month(1).unwrap_or(today),
                today.with_month(12).map_or(today, month_end),
            ),
            DateRange::All => {
                let first = first_event.map_or(today, |at| local(at, zone).date());
                (first.min(today), today)
            }
        };
        Self::of_days(first, end, zone)
    }

    /// How long it is, in milliseconds.
    #[must_use]
    pub const fn length(self) -> i64 {
        self.to.since(self.from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono_tz::{America::Sao_Paulo, Europe::Berlin, Pacific::Apia};

    fn at(text: &str) -> Timestamp {
        Timestamp(
            text.parse::<chrono::DateTime<chrono::Utc>>()
                .unwrap()
                .timestamp_millis(),
        )
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn span(range: DateRange, now: &str, zone: Tz) -> (String, String) {
        let span = Span::of(range, None, at(now), zone, None).unwrap();
        let text = |at: Timestamp| {
            chrono::DateTime::from_timestamp_millis(at.millis())
                .unwrap()
                .format("%FT%TZ")
                .to_string()
        };
        (text(span.from), text(span.to))
    }

    #[test]
    fn a_day_has_23_or_25_hours_when_the_clock_is_moved() {
        let hours = |text| Span::of_days(day(text), day(text), Berlin).unwrap().length() / Timestamp::HOUR;
        assert_eq!(
            (hours("2026-03-29"), hours("2026-10-25"), hours("2026-06-01")),
            (23, 25, 24)
        );
    }

    #[test]
    fn today_is_the_sites() {
        assert_eq!(
            span(DateRange::Day, "2026-06-01T22:30:00Z", Berlin),
            ("2026-06-01T22:00:00Z".into(), "2026-06-02T22:00:00Z".into())
        );
    }

    #[test]
    fn months_end_when_they_end() {
        assert_eq!(
            span(DateRange::LastMonths(6), "2026-08-31T12:00:00Z", Tz::UTC),
            ("2026-03-01T00:00:00Z".into(), "2026-09-01T00:00:00Z".into())
        );
        assert_eq!(
            span(DateRange::Month, "2028-02-10T12:00:00Z", Tz::UTC),
            ("2028-02-01T00:00:00Z".into(), "2028-03-01T00:00:00Z".into())
        );
        assert_eq!(
            span(DateRange::Year, "2026-12-31T12:00:00Z", Tz::UTC),
            ("2026-01-01T00:00:00Z".into(), "2027-01-01T00:00:00Z".into())
        );
        assert_eq!(
            span(DateRange::LastDays(7), "2026-03-03T12:00:00Z", Tz::UTC),
            ("2026-02-25T00:00:00Z".into(), "2026-03-04T00:00:00Z".into())
        );
    }

    #[test]
    fn now_is_in_what_ends_now() {
        let now = at("2026-03-03T12:00:00Z");
        let span = Span::of(DateRange::Realtime, Some(day("2020-01-01")), now, Berlin, None).unwrap();
        assert_eq!((span.from, span.to), (now.plus(-300_000), now.plus(1)));
    }

    #[test]
    fn a_day_without_midnight_begins_with_its_first_instant() {
        let span = Span::of_days(day("2018-11-04"), day("2018-11-04"), Sao_Paulo).unwrap();
        assert_eq!(span.from, at("2018-11-04T03:00:00Z"));
        let never = Span::of_days(day("2011-12-30"), day("2011-12-30"), Apia).unwrap();
        assert_eq!(never.length(), 0, "the day that Samoa left out");
    }

    #[test]
    fn a_time_that_the_clock_leaps_over_is_the_first_instant_after_it() {
        let zone: Tz = "Pacific/Chatham".parse().unwrap();
        let left_out = "2024-09-29T03:31:56.013".parse().unwrap();
        assert_eq!(instant(left_out, zone), at("2024-09-28T14:00:00Z"));
        let there = "2024-09-29T03:45:00.013".parse().unwrap();
        assert_eq!(instant(there, zone), at("2024-09-28T14:00:00.013Z"));
    }

    #[test]
    fn all_begins_with_the_first_event_and_not_after_today() {
        let now = at("2026-03-03T12:00:00Z");
        let all = |first| {
            Span::of(DateRange::All, None, now, Tz::UTC, first)
                .unwrap()
                .days
                .unwrap()
        };
        assert_eq!(all(Some(at("2025-12-24T23:00:00Z"))).0, day("2025-12-24"));
        assert_eq!(all(None), (day("2026-03-03"), day("2026-03-03")));
        assert_eq!(all(Some(at("2027-01-01T00:00:00Z"))).0, day("2026-03-03"));
    }

    #[test]
    fn what_is_no_range_is_told() {
        let of = |a, b| Span::of_days(day(a), day(b), Tz::UTC).unwrap_err();
        assert_eq!(of("2026-01-02", "2026-01-01"), BadRange::Reversed);
        assert_eq!(of("0001-01-02", "2026-01-01"), BadRange::OutOfTime);
    }
}
