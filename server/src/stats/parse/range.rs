//! Reads periods and days: `"7d"`, `["2026-01-01", "2026-01-31"]`.

use super::{
    at::{At, quoted},
    limit,
};
use crate::stats::StatsError;
use chrono::{DateTime, Datelike, NaiveDate};
use pulsecast_protocol::{Timestamp, stats::DateRange};

/// Years that a date may lie in: what lies beyond is a slip of the pen, and no arithmetic has to fear it.
const YEARS: std::ops::RangeInclusive<i32> = 1970..=2999;

/// `date_range`.
pub(super) fn date_range(at: &At<'_>) -> Result<DateRange, StatsError> {
    if at.value().is_array() {
        return pair(at);
    }
    let name = at
        .value()
        .as_str()
        .ok_or_else(|| at.wrong("has to be a period such as \"7d\", or a pair of dates or of times"))?;
    named(name).ok_or_else(|| {
        at.wrong(format!(
            "no such period \"{}\": use day, 24h, 7d, 28d, 30d, 91d, month, 6mo, 12mo, year, all, realtime, realtime_30m, \
             any number of days up to {}d or months up to {}mo, or a pair such as [\"2026-01-01\", \"2026-01-31\"]",
            quoted(name),
            limit::DAYS,
            limit::MONTHS
        ))
    })
}

/// The period of this name.
fn named(name: &str) -> Option<DateRange> {
    let number = |text: &str, most: u16| {
        let digits = text.bytes().all(|b| b.is_ascii_digit());
        let number = text.parse::<u16>().ok().filter(|_| digits)?;
        (1..=most).contains(&number).then_some(number)
    };
    Some(match name {
        "realtime" => DateRange::Realtime,
        "realtime_30m" => DateRange::Realtime30,
        "day" => DateRange::Day,
        "24h" => DateRange::Last24h,
        "month" => DateRange::Month,
        "year" => DateRange::Year,
        "all" => DateRange::All,
        _ => match (name.strip_suffix("mo"), name.strip_suffix('d')) {
            (Some(months), _) => DateRange::LastMonths(number(months, limit::MONTHS)?),
            (_, Some(days)) => DateRange::LastDays(number(days, limit::DAYS)?),
            _ => return None,
        },
    })
}

fn pair(at: &At<'_>) -> Result<DateRange, StatsError> {
    let parts = at.list("two dates or two times")?;
    let [first, last] = &parts[..] else {
        return Err(at.wrong("has to hold two dates or two times: the first and the last"));
    };
    match (is_date(first), is_date(last)) {
        (true, true) => {
            let (first, last) = (date(first)?, date(last)?);
            if first > last {
                return Err(at.wrong(format!("{first} is after {last}: put the earlier one first")));
            }
            Ok(DateRange::Dates(first, last))
        }
        (false, false) => {
            let (from, to) = (time(first)?, time(last)?);
            if from >= to {
                return Err(at.wrong("ends before it begins: put the earlier time first"));
            }
            Ok(DateRange::Times(from, to))
        }
        _ => Err(at.wrong("mixes a date with a time: write both as dates, or both as times")),
    }
}

/// Two dates as a comparison has them.
pub(super) fn dates(at: &At<'_>) -> Result<(NaiveDate, NaiveDate), StatsError> {
    match date_range(at)? {
        DateRange::Dates(first, last) => Ok((first, last)),
        _ => Err(at.wrong("has to be a pair of dates, such as [\"2026-01-01\", \"2026-01-31\"]")),
    }
}

fn is_date(at: &At<'_>) -> bool {
    at.value()
        .as_str()
        .is_some_and(|text| !text.contains(['T', 't', ' ']))
}

/// A day.
pub(super) fn date(at: &At<'_>) -> Result<NaiveDate, StatsError> {
    let text = at.text("a date such as 2026-01-31")?;
    let date = text.parse::<NaiveDate>().ok().filter(|_| text.len() == 10);
    date.filter(|date| YEARS.contains(&date.year())).ok_or_else(|| {
        at.wrong(format!(
            "there is no day \"{}\": write one such as 2026-01-31",
            quoted(text)
        ))
    })
}

/// A moment.
fn time(at: &At<'_>) -> Result<Timestamp, StatsError> {
    let text = at.text("a time such as 2026-01-31T12:00:00Z")?;
    DateTime::parse_from_rfc3339(text)
        .ok()
        .filter(|time| YEARS.contains(&time.year()))
        .map(|time| Timestamp(time.timestamp_millis()))
        .ok_or_else(|| {
            at.wrong(format!(
                "\"{}\" is not a time: write one with its offset, such as 2026-01-31T12:00:00Z or 2026-01-31T13:00:00+01:00",
                quoted(text)
            ))
        })
}
