//! Buckets of time: what the site's clock shows, cut off at the unit. A bucket is its label.

use super::{Span, span::wall};
use chrono::{Datelike, Days, NaiveDate};
use chrono_tz::Tz;
use pulsecast_protocol::{
    Timestamp,
    stats::{DateRange, Dimension, TimeUnit},
};
use std::collections::BTreeSet;

/// How time is cut.
#[derive(Clone, Debug)]
pub struct Buckets {
    unit: TimeUnit,
    zone: Tz,
    first_day: NaiveDate,
}

impl Buckets {
    /// Those of a question's dimension of time, if it has one.
    pub fn of(dimensions: &[Dimension], range: DateRange, span: Span, zone: Tz) -> Self {
        let unit = dimensions.iter().find_map(|dimension| match dimension {
            Dimension::Time(TimeUnit::Auto) => Some(chosen(range, span, zone)),
            Dimension::Time(unit) => Some(*unit),
            _ => None,
        });
        Self {
            unit: unit.unwrap_or(TimeUnit::Day),
            zone,
            first_day: wall(span.from, zone).date(),
        }
    }

    /// Whether they are shorter than a day.
    pub fn are_parts_of_days(&self) -> bool {
        matches!(self.unit, TimeUnit::Minute | TimeUnit::Hour)
    }

    /// The same of another time.
    pub fn over(&self, span: Span) -> Self {
        Self {
            unit: self.unit,
            zone: self.zone,
            first_day: wall(span.from, self.zone).date(),
        }
    }

    /// The bucket of an instant.
    pub fn label(&self, at: Timestamp) -> String {
        let shown = wall(at, self.zone);
        let day = shown.date();
        let monday = day - Days::new(u64::from(day.weekday().num_days_from_monday()));
        match self.unit {
            TimeUnit::Minute => shown.format("%Y-%m-%d %H:%M:00").to_string(),
            TimeUnit::Hour => shown.format("%Y-%m-%d %H:00:00").to_string(),
            TimeUnit::Auto | TimeUnit::Day => day.to_string(),
            TimeUnit::Week => monday.max(self.first_day).to_string(),
            TimeUnit::Month => day.with_day(1).unwrap().max(self.first_day).to_string(),
        }
    }

    /// The buckets of all instants from `first` to `last`, both included. Found by looking often enough: clocks change at quarters of an
    /// hour, and no day is shorter than 23 hours.
    pub fn between(&self, first: Timestamp, last: Timestamp) -> BTreeSet<String> {
        let step = match self.unit {
            TimeUnit::Minute => Timestamp::MINUTE,
            TimeUnit::Hour => 15 * Timestamp::MINUTE,
            _ => 12 * Timestamp::HOUR,
        };
        let mut labels = BTreeSet::from([self.label(first), self.label(last)]);
        let mut at = Timestamp((first.millis().div_euclid(step) + 1) * step);
        while at < last {
            labels.insert(self.label(at));
            at = at.plus(step);
        }
        labels
    }

    /// Every bucket of the range.
    pub fn all(&self, span: Span) -> Vec<String> {
        self.between(span.from, span.to.plus(-1)).into_iter().collect()
    }

    /// The buckets in which a visit is active, within the range.
    pub fn active(&self, span: Span, start: Timestamp, last: Timestamp) -> BTreeSet<String> {
        self.between(start.max(span.from), last.min(span.to.plus(-1)))
    }
}

fn chosen(range: DateRange, span: Span, zone: Tz) -> TimeUnit {
    let length = wall(span.to, zone) - wall(span.from, zone);
    match range {
        DateRange::Realtime | DateRange::Realtime30 => TimeUnit::Minute,
        _ if length <= chrono::Duration::hours(48) => TimeUnit::Hour,
        _ if length <= chrono::Duration::days(91) => TimeUnit::Day,
        _ => TimeUnit::Month,
    }
}
