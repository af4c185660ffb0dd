//! Which period another is compared with.

use super::range::{BadRange, Span, instant, local};
use chrono::{Datelike, Days, Months, NaiveDate};
use chrono_tz::Tz;
use pulsecast_protocol::{
    Timestamp,
    stats::{Comparison, ComparisonMode},
};

/// Days until the weekday of `to`, the shorter way: -3 to 3.
fn to_weekday(from: NaiveDate, to: NaiveDate) -> i64 {
    let ahead =
        i64::from(to.weekday().num_days_from_monday()) - i64::from(from.weekday().num_days_from_monday());
    match ahead.rem_euclid(7) {
        days @ 0..=3 => days,
        days => days - 7,
    }
}

fn moved(day: NaiveDate, days: i64) -> Result<NaiveDate, BadRange> {
    let by = Days::new(days.unsigned_abs());
    let day = if days < 0 {
        day.checked_sub_days(by)
    } else {
        day.checked_add_days(by)
    };
    day.ok_or(BadRange::OutOfTime)
}

/// The compared period.
///
/// # Errors
/// When there is none, or the days asked for are reversed.
pub fn compared(span: Span, comparison: &Comparison, zone: Tz) -> Result<Span, BadRange> {
    const YEAR: Months = Months::new(12);
    let year_before = |day: NaiveDate| day.checked_sub_months(YEAR).ok_or(BadRange::OutOfTime);
    if let (ComparisonMode::Custom, Some((first, last))) = (comparison.mode, comparison.date_range) {
        return Span::of_days(first, last, zone);
    }
    let Some((first, last)) = span.days else {
        let found = match comparison.mode {
            ComparisonMode::YearOverYear => {
                let before = |at| {
                    let there = local(at, zone)
                        .checked_sub_months(YEAR)
                        .ok_or(BadRange::OutOfTime)?;
                    Ok::<_, BadRange>(instant(there, zone))
                };
                times(before(span.from)?, before(span.to)?)?
            }
            _ => Span::of_times(span.from.plus(-span.length()), span.from)?,
        };
        return if comparison.match_day_of_week {
            match_weekday_of_times(found, span, zone)
        } else {
            Ok(found)
        };
    };
    let (start, end) = match comparison.mode {
        ComparisonMode::YearOverYear => (year_before(first)?, year_before(last)?),
        _ => {
            let days = last.signed_duration_since(first).num_days() + 1;
            (moved(first, -days)?, moved(last, -days)?)
        }
    };
    let mut by = if comparison.match_day_of_week {
        to_weekday(start, first)
    } else {
        0
    };
    if by != 0 && moved(start, by)? == first {
        by -= 7;
    }
    Span::of_days(moved(start, by)?, moved(end, by)?, zone)
}

/// Of times that fall together, such as the two before a 29 February a year earlier, nothing is between.
fn times(from: Timestamp, to: Timestamp) -> Result<Span, BadRange> {
    if to < from {
        let span = Span::of_times(to, from)?;
        return Ok(Span {
            from: span.to,
            to: span.from,
            ..span
        });
    }
    Span::of_times(from, to)
}

fn match_weekday_of_times(found: Span, span: Span, zone: Tz) -> Result<Span, BadRange> {
    let (start, first) = (local(found.from, zone), local(span.from, zone));
    let mut by = to_weekday(start.date(), first.date());
    let there = |at, days| {
        let at = local(at, zone);
        Ok::<_, BadRange>(instant(moved(at.date(), days)?.and_time(at.time()), zone))
    };
    if by != 0 && moved(start.date(), by)? == first.date() {
        by -= 7;
    }
    if by == 0 {
        return Ok(found);
    }
    times(there(found.from, by)?, there(found.to, by)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days(first: &str, last: &str, mode: ComparisonMode, match_day_of_week: bool) -> (String, String) {
        let zone = Tz::Europe__Berlin;
        let span = Span::of_days(first.parse().unwrap(), last.parse().unwrap(), zone).unwrap();
        let comparison = Comparison {
            mode,
            date_range: None,
            match_day_of_week,
        };
        let (first, last) = compared(span, &comparison, zone).unwrap().days.unwrap();
        (first.to_string(), last.to_string())
    }

    #[test]
    fn the_previous_period_has_as_many_days() {
        use ComparisonMode::PreviousPeriod as Previous;
        assert_eq!(
            days("2026-03-01", "2026-03-31", Previous, false),
            ("2026-01-29".into(), "2026-02-28".into())
        );
        assert_eq!(
            days("2026-03-02", "2026-03-31", Previous, true),
            ("2026-02-02".into(), "2026-03-03".into()),
            "from a Monday, the nearest one"
        );
        assert_eq!(
            days("2026-03-03", "2026-03-03", Previous, true),
            ("2026-02-24".into(), "2026-02-24".into()),
            "yesterday's nearest Tuesday is today: the one before"
        );
    }

    #[test]
    fn a_year_before_the_leap_day_is_the_28th() {
        use ComparisonMode::YearOverYear as Year;
        assert_eq!(days("2028-02-29", "2028-02-29", Year, false).0, "2027-02-28");
        assert_eq!(days("2026-03-02", "2026-03-08", Year, true).0, "2025-03-03");
    }

    #[test]
    fn custom_days_are_taken_as_they_are() {
        let zone = Tz::UTC;
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let span = Span::of_days(day("2026-03-02"), day("2026-03-02"), zone).unwrap();
        let comparison = Comparison {
            mode: ComparisonMode::Custom,
            date_range: Some((day("2025-01-01"), day("2025-01-04"))),
            match_day_of_week: true,
        };
        assert_eq!(
            compared(span, &comparison, zone).unwrap().days,
            comparison.date_range
        );
    }
}
