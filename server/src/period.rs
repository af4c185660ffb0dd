//! The part of a site's history that a request names: by days of the site, or by times.

use chrono::{DateTime, Days, LocalResult, NaiveDate, NaiveDateTime, TimeDelta, TimeZone};
use chrono_tz::Tz;
use pulsecast_protocol::Timestamp;

/// From one time up to, not including, another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Period {
    /// `None` is from the beginning.
    pub from: Option<Timestamp>,
    /// `None` is up to now.
    pub to: Option<Timestamp>,
}

/// No period.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PeriodError {
    /// Neither a day nor a time.
    #[error("{0}: write a day such as 2026-01-31, or a time such as 2026-01-31T12:00:00Z")]
    NoDate(&'static str),
    /// The wrong way round.
    #[error("to: is before from")]
    Backwards,
}

impl Period {
    /// Reads `from` and `to`: of days both are included, of times the second is not.
    ///
    /// # Errors
    /// When one is neither, or they are the wrong way round.
    pub fn parse(from: Option<&str>, to: Option<&str>, timezone: Tz) -> Result<Self, PeriodError> {
        let filled = |text: Option<&'_ str>| text.map(str::to_owned).filter(|text| !text.is_empty());
        let read = |text: Option<String>, name, days: u64| {
            text.map(|text| at(&text, days, timezone).ok_or(PeriodError::NoDate(name)))
                .transpose()
        };
        let period = Self {
            from: read(filled(from), "from", 0)?,
            to: read(filled(to), "to", 1)?,
        };
        match (period.from, period.to) {
            (Some(from), Some(to)) if to < from => Err(PeriodError::Backwards),
            _ => Ok(period),
        }
    }
}

/// First and last of the days that are wholly in a period; `None` at an end is without one. None at all where no day is.
pub type WholeDays = Option<(Option<NaiveDate>, Option<NaiveDate>)>;

impl Period {
    /// The days of the site that are wholly in it.
    #[must_use]
    pub fn whole_days(self, timezone: Tz) -> WholeDays {
        let first = match self.from {
            None => None,
            Some(at) => Some(match local_day(at, timezone)? {
                day if day_start(day, timezone) == Some(at) => day,
                day => day.succ_opt()?,
            }),
        };
        // The day that the end is on has just begun or is cut: the one before it is whole.
        let last = match self.to {
            None => None,
            Some(at) => Some(local_day(at, timezone)?.pred_opt()?),
        };
        match (first, last) {
            (Some(first), Some(last)) if last < first => None,
            days => Some(days),
        }
    }

    /// Whether it begins or ends in the midst of a day of the site.
    #[must_use]
    pub fn cuts_a_day(self, timezone: Tz) -> bool {
        let begins_one = |at| local_day(at, timezone).and_then(|day| day_start(day, timezone)) == Some(at);
        [self.from, self.to]
            .into_iter()
            .flatten()
            .any(|at| !begins_one(at))
    }
}

fn local_day(at: Timestamp, timezone: Tz) -> Option<NaiveDate> {
    Some(
        DateTime::from_timestamp_millis(at.millis())?
            .with_timezone(&timezone)
            .date_naive(),
    )
}

/// A time, or the beginning of the day so many days after this one.
fn at(text: &str, days: u64, timezone: Tz) -> Option<Timestamp> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(Timestamp(time.timestamp_millis()));
    }
    let day: NaiveDate = text.parse().ok()?;
    day_start(day.checked_add_days(Days::new(days))?, timezone)
}

/// When a day begins at the site: at midnight, or when the clocks that skip midnight go on.
#[must_use]
pub fn day_start(day: NaiveDate, timezone: Tz) -> Option<Timestamp> {
    let midnight: NaiveDateTime = day.and_hms_opt(0, 0, 0)?;
    // The largest jump that any zone made is a day: Samoa's.
    (0..=96)
        .map(|quarter| timezone.from_local_datetime(&(midnight + TimeDelta::minutes(15 * quarter))))
        .find_map(|time| match time {
            LocalResult::Single(time) | LocalResult::Ambiguous(time, _) => {
                Some(Timestamp(time.timestamp_millis()))
            }
            LocalResult::None => None,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(from: &str, to: &str, zone: &str) -> Result<(i64, i64), PeriodError> {
        Period::parse(Some(from), Some(to), zone.parse().unwrap()).map(|p| {
            (
                p.from.unwrap().millis() / 3_600_000,
                p.to.unwrap().millis() / 3_600_000,
            )
        })
    }

    #[test]
    fn days_are_the_sites_and_both_are_included() {
        assert_eq!(parse("1970-01-02", "1970-01-02", "UTC"), Ok((24, 48)));
        assert_eq!(parse("1970-01-02", "1970-01-02", "Europe/Berlin"), Ok((23, 47)));
        let (from, to) = parse("2026-03-29", "2026-03-29", "Europe/Berlin").unwrap();
        assert_eq!(to - from, 23, "the day on which the clocks go forward");
        let (from, to) = parse("2018-11-04", "2018-11-04", "America/Sao_Paulo").unwrap();
        assert_eq!(to - from, 23, "a day without midnight");
    }

    #[test]
    fn times_are_times() {
        assert_eq!(
            parse("1970-01-01T02:00:00Z", "1970-01-01T05:00:00+02:00", "UTC"),
            Ok((2, 3))
        );
    }

    #[test]
    fn whole_days_are_those_that_the_times_do_not_cut() {
        let whole = |from: &str, to: &str| {
            let zone: Tz = "Europe/Berlin".parse().unwrap();
            let period = Period::parse(Some(from), Some(to), zone).unwrap();
            let days = period.whole_days(zone).map(|(first, last)| {
                let text = |day: Option<NaiveDate>| day.map_or_else(String::new, |day| day.to_string());
                (text(first), text(last))
            });
            (days, period.cuts_a_day(zone))
        };
        let days = |first: &str, last: &str| Some((first.to_owned(), last.to_owned()));
        assert_eq!(
            whole("2026-01-30", "2026-01-31"),
            (days("2026-01-30", "2026-01-31"), false)
        );
        assert_eq!(
            whole("2026-01-30T23:00:00Z", "2026-01-31T23:00:00Z"),
            (days("2026-01-31", "2026-01-31"), false)
        );
        assert_eq!(
            whole("2026-01-30T23:00:01Z", "2026-01-31T23:00:00Z"),
            (None, true)
        );
        assert_eq!(
            whole("2026-01-29T10:00:00Z", "2026-02-01T10:00:00Z"),
            (days("2026-01-30", "2026-01-31"), true)
        );
        assert_eq!(whole("", "2026-02-01T10:00:00Z"), (days("", "2026-01-31"), true));
        assert_eq!(whole("", ""), (days("", ""), false));
    }

    #[test]
    fn what_is_no_period_is_told_which_part() {
        assert_eq!(
            parse("yesterday", "1970-01-01", "UTC"),
            Err(PeriodError::NoDate("from"))
        );
        assert_eq!(
            parse("1970-01-01", "1970-13-01", "UTC"),
            Err(PeriodError::NoDate("to"))
        );
        assert_eq!(
            parse("1970-01-03", "1970-01-01", "UTC"),
            Err(PeriodError::Backwards)
        );
        assert_eq!(Period::parse(None, Some(""), Tz::UTC), Ok(Period::default()));
    }
}
