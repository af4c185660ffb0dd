//! When an answer changes although nothing was stored: ranges that end now move along, and at midnight today becomes yesterday.

use chrono::{DateTime, TimeZone};
use chrono_tz::Tz;
use pulsecast_protocol::{
    Timestamp,
    stats::{DateRange, Query},
};

/// How often ranges of minutes are looked at while nothing is stored: what leaves them at their beginning shows this late.
const OF_MINUTES: i64 = 5_000;
/// And ranges of hours.
const OF_HOURS: i64 = Timestamp::MINUTE;

/// When the answer that was right at `now` may not be any more; `None` is never.
pub(super) fn next(query: &Query, zone: Tz, now: Timestamp) -> Option<Timestamp> {
    match query.date_range {
        DateRange::Realtime | DateRange::Realtime30 => Some(now.plus(OF_MINUTES)),
        DateRange::Last24h => Some(now.plus(OF_HOURS)),
        DateRange::Dates(..) | DateRange::Times(..) => None,
        _ if query.date.is_some() => None,
        _ => midnight(zone, now),
    }
}

/// The first moment of the next day; not always 00:00, since clocks are put forward at midnight in places.
fn midnight(zone: Tz, now: Timestamp) -> Option<Timestamp> {
    let now = DateTime::from_timestamp_millis(now.millis())?.with_timezone(&zone);
    let tomorrow = now.date_naive().succ_opt()?;
    let first = (0..4).find_map(|hour| {
        zone.from_local_datetime(&tomorrow.and_hms_opt(hour, 0, 0)?)
            .earliest()
    })?;
    Some(Timestamp(first.timestamp_millis()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use pulsecast_protocol::stats::{Include, Metric, Pagination};

    fn at(text: &str) -> Timestamp {
        Timestamp(DateTime::parse_from_rfc3339(text).unwrap().timestamp_millis())
    }

    fn query(date_range: DateRange) -> Query {
        Query {
            site_id: "a.com".parse().unwrap(),
            metrics: vec![Metric::Visitors],
            date_range,
            date: None,
            dimensions: vec![],
            filters: vec![],
            order_by: vec![],
            include: Include::default(),
            pagination: Pagination::default(),
        }
    }

    #[test]
    fn today_ends_at_the_sites_midnight() {
        let zone: Tz = "Europe/Berlin".parse().unwrap();
        let now = at("2026-03-28T23:30:00+01:00");
        let next = next(&query(DateRange::Day), zone, now);
        assert_eq!(next, Some(at("2026-03-29T00:00:00+01:00")));
    }

    #[test]
    fn where_clocks_are_put_forward_at_midnight_the_day_begins_at_one() {
        let zone: Tz = "Africa/Cairo".parse().unwrap();
        let now = at("2026-04-23T12:00:00+02:00");
        assert_eq!(midnight(zone, now), Some(at("2026-04-24T01:00:00+03:00")));
    }

    #[test]
    fn the_last_minutes_move_by_themselves_and_a_named_day_does_not() {
        let now = at("2026-03-28T12:00:00Z");
        let zone = Tz::UTC;
        assert_eq!(
            next(&query(DateRange::Realtime), zone, now),
            Some(now.plus(OF_MINUTES))
        );
        let named = Query {
            date: Some("2026-03-01".parse().unwrap()),
            ..query(DateRange::LastDays(7))
        };
        assert_eq!(next(&named, zone, now), None);
    }
}
