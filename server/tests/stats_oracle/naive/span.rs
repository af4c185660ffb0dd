//! From when to when: periods by their names, days by the site's clock, and the periods they are compared with.

use super::Naive;
use chrono::{Datelike, Days, Duration, Months, NaiveDate, NaiveDateTime, TimeZone};
use chrono_tz::Tz;
use pulsecast_protocol::{
    Timestamp,
    stats::{Comparison, ComparisonMode, DateRange},
};

/// `[from, to)`, and the days it is made of if it is made of days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub from: Timestamp,
    pub to: Timestamp,
    pub days: Option<(NaiveDate, NaiveDate)>,
}

const QUARTER: i64 = 15 * Timestamp::MINUTE;

/// What the site's clock shows.
pub fn wall(at: Timestamp, zone: Tz) -> NaiveDateTime {
    let utc = chrono::DateTime::from_timestamp_millis(at.millis())
        .unwrap()
        .naive_utc();
    zone.from_utc_datetime(&utc).naive_local()
}

/// The first instant at which the site's clock shows this or more. Offsets change at quarters of an hour.
pub fn instant(shown: NaiveDateTime, zone: Tz) -> Timestamp {
    let first = Timestamp(shown.and_utc().timestamp_millis()).plus(-16 * Timestamp::HOUR);
    let first = Timestamp(first.millis().div_euclid(QUARTER) * QUARTER);
    let mut quarter = first;
    while wall(quarter.plus(QUARTER - 1), zone) < shown {
        quarter = quarter.plus(QUARTER);
    }
    let missing = (shown - wall(quarter, zone)).num_milliseconds();
    quarter.plus(missing.max(0))
}

/// The first instant that the site's clock calls by this date.
pub fn day_begins(day: NaiveDate, zone: Tz) -> Timestamp {
    instant(day.and_hms_opt(0, 0, 0).unwrap(), zone)
}

/// What a range means now.
pub fn of(naive: &Naive, range: DateRange, date: Option<NaiveDate>, with_imports: bool) -> Span {
    let zone = naive.scope.timezone;
    let today = date.unwrap_or_else(|| wall(naive.now, zone).date());
    let month = today.with_day(1).unwrap();
    let last_of_month = month + Months::new(1) - Days::new(1);
    let last = |length: i64| Span::instants(naive.now.plus(-length), naive.now.plus(1));
    let days = |first: NaiveDate, last: NaiveDate| Span::days(first, last, zone);
    match range {
        DateRange::Realtime => last(5 * Timestamp::MINUTE),
        DateRange::Realtime30 => last(30 * Timestamp::MINUTE),
        DateRange::Last24h => last(24 * Timestamp::HOUR),
        DateRange::Day => days(today, today),
        DateRange::LastDays(n) => days(today - Days::new(u64::from(n) - 1), today),
        DateRange::Month => days(month, last_of_month),
        DateRange::LastMonths(n) => days(month - Months::new(u32::from(n) - 1), last_of_month),
        DateRange::Year => days(
            NaiveDate::from_ymd_opt(today.year(), 1, 1).unwrap(),
            NaiveDate::from_ymd_opt(today.year(), 12, 31).unwrap(),
        ),
        DateRange::All => {
            let first = naive.events.iter().map(|event| event.hit.at).min();
            let first = first.map(|at| wall(at, zone).date());
            let imported = naive.imported.iter().map(|row| row.day).filter(|_| with_imports);
            let first = first.into_iter().chain(imported).min().unwrap_or(today);
            days(first.min(today), today)
        }
        DateRange::Dates(first, last) => days(first, last),
        DateRange::Times(from, to) => Span::instants(from, to),
    }
}

impl Span {
    fn instants(from: Timestamp, to: Timestamp) -> Self {
        Self { from, to, days: None }
    }

    fn days(first: NaiveDate, last: NaiveDate, zone: Tz) -> Self {
        Self {
            from: day_begins(first, zone),
            to: day_begins(last + Days::new(1), zone),
            days: Some((first, last)),
        }
    }

    /// Whether something at this time is in it.
    pub fn has(self, at: Timestamp) -> bool {
        self.from <= at && at < self.to
    }

    /// Whether something that goes on from `start` to `last` is active in it.
    pub fn meets(self, start: Timestamp, last: Timestamp) -> bool {
        start < self.to && last >= self.from
    }

    /// The period that it is compared with.
    pub fn compared(self, comparison: &Comparison, zone: Tz) -> Self {
        let other = match comparison.mode {
            ComparisonMode::PreviousPeriod => self.previous(zone),
            ComparisonMode::YearOverYear => self.a_year_earlier(zone),
            ComparisonMode::Custom => {
                let (first, last) = comparison.date_range.unwrap();
                return Self::days(first, last, zone);
            }
        };
        if comparison.match_day_of_week {
            self.on_its_weekday(other, zone)
        } else {
            other
        }
    }

    fn previous(self, zone: Tz) -> Self {
        match self.days {
            Some((first, last)) => {
                let length = last - first + Duration::days(1);
                Self::days(first - length, last - length, zone)
            }
            None => Self::instants(self.from.plus(-self.to.since(self.from)), self.from),
        }
    }

    fn a_year_earlier(self, zone: Tz) -> Self {
        // Of 29 February that is the 28th.
        match self.days {
            Some((first, last)) => Self::days(first - Months::new(12), last - Months::new(12), zone),
            None => self.moved(zone, |shown| shown - Months::new(12)),
        }
    }

    fn moved(self, zone: Tz, by: impl Fn(NaiveDateTime) -> NaiveDateTime) -> Self {
        let moved = |at| instant(by(wall(at, zone)), zone);
        Self::instants(moved(self.from), moved(self.to))
    }

    /// `other`, moved by at most three days so that it begins on our weekday, or to a week before us.
    fn on_its_weekday(self, other: Self, zone: Tz) -> Self {
        let ours = wall(self.from, zone).date();
        let its = wall(other.from, zone).date();
        let mut by = (-3..=3)
            .find(|days| (its + Duration::days(*days)).weekday() == ours.weekday())
            .unwrap();
        if by != 0 && its + Duration::days(by) == ours {
            by -= 7;
        }
        let by = Duration::days(by);
        match other.days {
            Some((first, last)) => Self::days(first + by, last + by, zone),
            None => other.moved(zone, |shown| shown + by),
        }
    }
}
