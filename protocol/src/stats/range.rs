//! Which part of a site's history.

use crate::Timestamp;
use chrono::NaiveDate;
use serde::{Serialize, Serializer};

/// A period, in days of the site's time zone unless it says otherwise. All end with the end of the period they name, not with now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DateRange {
    /// `realtime`: the last five minutes.
    Realtime,
    /// `realtime_30m`: the last thirty minutes.
    Realtime30,
    /// `day`: today, or the day that `date` names.
    Day,
    /// `24h`: the last 24 hours.
    Last24h,
    /// `7d`, `28d`, `30d`, `91d`: that many days, the last being today.
    LastDays(u16),
    /// `month`: this calendar month.
    Month,
    /// `6mo`, `12mo`: that many calendar months, the last being this one.
    LastMonths(u16),
    /// `year`: this calendar year.
    Year,
    /// `all`: from the site's first event on.
    All,
    /// `["2026-01-01", "2026-01-31"]`: both days included.
    Dates(NaiveDate, NaiveDate),
    /// `["2026-01-01T00:00:00Z", "2026-01-01T12:00:00+01:00"]`: from the first up to, not including, the second.
    Times(Timestamp, Timestamp),
}

impl DateRange {
    /// The name of a period without dates.
    #[must_use]
    pub fn name(self) -> Option<String> {
        Some(match self {
            Self::Realtime => "realtime".into(),
            Self::Realtime30 => "realtime_30m".into(),
            Self::Day => "day".into(),
            Self::Last24h => "24h".into(),
            Self::LastDays(n) => format!("{n}d"),
            Self::Month => "month".into(),
            Self::LastMonths(n) => format!("{n}mo"),
            Self::Year => "year".into(),
            Self::All => "all".into(),
            Self::Dates(..) | Self::Times(..) => return None,
        })
    }
}

impl Serialize for DateRange {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Dates(first, last) => [first.to_string(), last.to_string()].serialize(serializer),
            Self::Times(from, to) => [rfc3339(*from), rfc3339(*to)].serialize(serializer),
            named => named.name().unwrap_or_default().serialize(serializer),
        }
    }
}

/// `2026-01-01T00:00:00.000Z`
fn rfc3339(at: Timestamp) -> String {
    chrono::DateTime::from_timestamp_millis(at.millis())
        .unwrap_or_default()
        .to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}
