//! With which days a period is compared.

use super::{
    period::Period,
    state::{BoardState, Compare, Weekday},
};
use chrono::{Datelike, Days, Months, NaiveDate, NaiveDateTime, TimeDelta};

/// First and last day of the compared period, as of this day; `None` where there is nothing to compare with. Without a comparison of the
/// viewer's choice it is the period before: the calendar month before a month, the 30 days before 30 days.
#[must_use]
pub fn compared(state: &BoardState, today: NaiveDate) -> Option<(NaiveDate, NaiveDate)> {
    if matches!(state.period, Period::All | Period::Realtime) {
        return None;
    }
    if let Some((first, last)) = compared_times(state) {
        return Some((first.date(), last.date()));
    }
    let at = state.date.unwrap_or(today);
    // The last 24 hours are compared with days only where days were chosen.
    let (from, to) = state.period.days(at, None).unwrap_or((today, today));
    let (first, last) = match state.compare.unwrap_or(Compare::Previous) {
        Compare::Custom(first, last) => (first, last),
        Compare::Year => (
            from.checked_sub_months(Months::new(12))?,
            to.checked_sub_months(Months::new(12))?,
        ),
        Compare::Previous => {
            let (period, date) = state
                .period
                .step(Some(at), today, -1)
                .unwrap_or((Period::Day, None));
            period.days(date.unwrap_or(today), None).unwrap_or((from, to))
        }
    };
    Some(if state.match_day == Weekday::Matched {
        let mut shift = to_weekday(first, from);
        // A day is not compared with itself.
        if moved(first, shift) == Some(from) {
            shift -= 7;
        }
        (moved(first, shift)?, moved(last, shift)?)
    } else {
        (first, last)
    })
}

/// The same of a period of times, unless it is compared with chosen days: as long a time right before, or at the same hours of another day.
#[must_use]
pub fn compared_times(state: &BoardState) -> Option<(NaiveDateTime, NaiveDateTime)> {
    let Period::Times(from, to) = state.period else {
        return None;
    };
    let length = to.signed_duration_since(from);
    let first = match state.compare.unwrap_or(Compare::Previous) {
        Compare::Custom(..) => return None,
        Compare::Year => {
            let day = from.checked_sub_months(Months::new(12))?;
            let shift = match state.match_day {
                Weekday::AsItIs => 0,
                Weekday::Matched => to_weekday(day.date(), from.date()),
            };
            day.checked_add_signed(TimeDelta::days(shift))?
        }
        // The same hours of the same weekdays: as many weeks earlier as it takes not to meet.
        Compare::Previous if state.match_day == Weekday::Matched => {
            let weeks = (length - TimeDelta::minutes(1)).num_weeks() + 1;
            from.checked_sub_signed(TimeDelta::weeks(weeks))?
        }
        Compare::Previous => from.checked_sub_signed(length)?,
    };
    Some((first, first.checked_add_signed(length)?))
}

/// By how many days, three at most, a day is from the nearest of the other's weekday.
fn to_weekday(day: NaiveDate, like: NaiveDate) -> i64 {
    let of = |date: NaiveDate| i64::from(date.weekday().num_days_from_monday());
    (of(like) - of(day) + 3).rem_euclid(7) - 3
}

fn moved(day: NaiveDate, by: i64) -> Option<NaiveDate> {
    let days = Days::new(by.unsigned_abs());
    if by < 0 {
        day.checked_sub_days(days)
    } else {
        day.checked_add_days(days)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn of(search: &str) -> Option<(String, String)> {
        let (state, wrong) = BoardState::parse(search);
        assert_eq!(wrong, Vec::<String>::new());
        compared(&state, day("2026-11-20")).map(|(a, b)| (a.to_string(), b.to_string()))
    }

    fn pair(a: &str, b: &str) -> Option<(String, String)> {
        Some((a.to_owned(), b.to_owned()))
    }

    #[test]
    fn a_period_is_compared_with_the_one_before() {
        assert_eq!(of(""), pair("2026-09-22", "2026-10-21"));
        assert_eq!(of("period=day"), pair("2026-11-19", "2026-11-19"));
        assert_eq!(of("period=month"), pair("2026-10-01", "2026-10-31"));
        assert_eq!(of("period=year"), pair("2025-01-01", "2025-12-31"));
        assert_eq!(
            of("period=custom&from=2026-11-10&to=2026-11-12"),
            pair("2026-11-07", "2026-11-09")
        );
        assert_eq!((of("period=all"), of("period=realtime")), (None, None));
    }

    #[test]
    fn or_with_the_year_before_or_with_what_was_chosen() {
        assert_eq!(of("period=7d&compare=year"), pair("2025-11-14", "2025-11-20"));
        assert_eq!(
            of("period=7d&compare=custom&compare_from=2026-01-01&compare_to=2026-01-07"),
            pair("2026-01-01", "2026-01-07")
        );
    }

    #[test]
    fn times_are_compared_with_times() {
        let of = |more: &str| {
            let address = format!("period=custom&from=2026-11-20T13:00&to=2026-11-20T18:30{more}");
            let times = compared_times(&BoardState::parse(&address).0);
            times.map(|(a, b)| (a.to_string(), b.to_string()))
        };
        assert_eq!(of(""), pair("2026-11-20 07:30:00", "2026-11-20 13:00:00"));
        assert_eq!(
            of("&compare=previous&match_day=1"),
            pair("2026-11-13 13:00:00", "2026-11-13 18:30:00")
        );
        assert_eq!(
            of("&compare=year"),
            pair("2025-11-20 13:00:00", "2025-11-20 18:30:00")
        );
        // 20 November is a Friday in 2026, a Thursday in 2025.
        assert_eq!(
            of("&compare=year&match_day=1"),
            pair("2025-11-21 13:00:00", "2025-11-21 18:30:00")
        );
        assert_eq!(
            of("&compare=custom&compare_from=2026-01-01&compare_to=2026-01-07"),
            None
        );
    }

    #[test]
    fn weekdays_match_within_three_days() {
        // 14 November 2026 is a Saturday, 14 November 2025 a Friday.
        assert_eq!(
            of("period=7d&compare=year&match_day=1"),
            pair("2025-11-15", "2025-11-21")
        );
        assert_eq!(
            of("period=day&compare=previous&match_day=1"),
            pair("2026-11-13", "2026-11-13")
        );
        for n in 0..14 {
            let shift = to_weekday(day("2026-11-01") + Days::new(n), day("2026-11-20"));
            assert!((-3..=3).contains(&shift));
        }
    }
}
