//! How the buckets of a graph are called. A bucket's label on the wire is its beginning on the site's clock: `2026-03-01`, `2026-03-01 13:00:00`.

use pulsecast_protocol::stats::TimeUnit;
use serde::{Deserialize, Serialize};

/// How long a bucket is, for the island.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "they are named after themselves")]
pub enum Bucket {
    Minute,
    Hour,
    #[default]
    Day,
    Week,
    Month,
}

impl From<TimeUnit> for Bucket {
    fn from(unit: TimeUnit) -> Self {
        match unit {
            TimeUnit::Minute => Self::Minute,
            TimeUnit::Hour => Self::Hour,
            TimeUnit::Day | TimeUnit::Auto => Self::Day,
            TimeUnit::Week => Self::Week,
            TimeUnit::Month => Self::Month,
        }
    }
}

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];
const WEEKDAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

/// What the axis says, briefly.
#[must_use]
pub fn tick(raw: &str, bucket: Bucket) -> String {
    match bucket {
        Bucket::Minute | Bucket::Hour => {
            let time = raw.get(11..16).unwrap_or_default();
            // Over several days the day says more than midnight.
            if time == "00:00" {
                day(raw)
            } else {
                time.to_owned()
            }
        }
        Bucket::Day | Bucket::Week => day(raw),
        Bucket::Month => format!("{} {}", month(raw), raw.get(..4).unwrap_or_default()),
    }
}

/// What the tooltip says, in full.
#[must_use]
pub fn full(raw: &str, bucket: Bucket) -> String {
    match bucket {
        Bucket::Minute | Bucket::Hour => {
            format!(
                "{} {}, {}",
                weekday(raw),
                day(raw),
                raw.get(11..16).unwrap_or_default()
            )
        }
        Bucket::Day => format!("{} {}", weekday(raw), day(raw)),
        Bucket::Week => format!("Week of {}", day(raw)),
        Bucket::Month => tick(raw, bucket),
    }
}

/// `5 Mar`
fn day(raw: &str) -> String {
    let day = raw.get(8..10).unwrap_or_default();
    format!("{} {}", day.strip_prefix('0').unwrap_or(day), month(raw))
}

fn month(raw: &str) -> &'static str {
    let n: usize = raw.get(5..7).and_then(|n| n.parse().ok()).unwrap_or_default();
    MONTHS.get(n.wrapping_sub(1)).copied().unwrap_or_default()
}

/// Sakamoto's rule.
fn weekday(raw: &str) -> &'static str {
    let number = |from, to| {
        raw.get(from..to)
            .and_then(|n: &str| n.parse::<usize>().ok())
            .unwrap_or(1)
    };
    let (mut year, month, day) = (number(0, 4), number(5, 7), number(8, 10));
    let shift = [0, 3, 2, 5, 0, 3, 5, 1, 4, 6, 2, 4];
    if month < 3 {
        year = year.saturating_sub(1);
    }
    let n = year + year / 4 - year / 100 + year / 400 + shift[month.wrapping_sub(1) % 12] + day;
    WEEKDAYS[n % 7]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_called_by_what_tells_them_apart() {
        assert_eq!(tick("2026-11-05", Bucket::Day), "5 Nov");
        assert_eq!(tick("2026-11-20 13:00:00", Bucket::Hour), "13:00");
        assert_eq!(tick("2026-11-20 00:00:00", Bucket::Hour), "20 Nov");
        assert_eq!(tick("2026-11-01", Bucket::Month), "Nov 2026");
        assert_eq!(full("2026-11-20 13:00:00", Bucket::Hour), "Fri 20 Nov, 13:00");
        assert_eq!(full("2024-02-29", Bucket::Day), "Thu 29 Feb");
        assert_eq!(full("2026-11-16", Bucket::Week), "Week of 16 Nov");
    }
}
