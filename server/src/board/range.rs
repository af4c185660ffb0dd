//! Which day it is at the site, and which moments the dashboard's days are.

use super::Viewpoint;
use chrono::{DateTime, Days, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use pulsecast_app::board::{BoardState, Period, compare::compared, period::days_text, state::Compare};
use pulsecast_protocol::{Timestamp, stats::DateRange};

/// Now, on the site's clock.
#[derive(Clone, Debug)]
pub(super) struct Today {
    /// When that is.
    pub(super) now: Timestamp,
    zone: Tz,
    clock: NaiveDateTime,
    /// The day.
    pub(super) date: NaiveDate,
    /// The first day that there are figures of; known where everything is shown.
    pub(super) first_day: Option<NaiveDate>,
    /// Minutes east of UTC.
    pub(super) offset: i32,
}

impl Today {
    pub(super) fn of(now: Timestamp, from: &Viewpoint, first_day: Option<NaiveDate>) -> Self {
        let zone = from.scope.timezone;
        let local = |at: Timestamp| utc(at).with_timezone(&zone);
        let here = local(now);
        Self {
            now,
            zone,
            clock: here.naive_local(),
            date: here.date_naive(),
            first_day,
            offset: here.offset().fix().local_minus_utc() / 60,
        }
    }

    /// The days that are shown.
    pub(super) fn days(&self, state: &BoardState) -> Option<(NaiveDate, NaiveDate)> {
        state.period.days(state.date.unwrap_or(self.date), self.first_day)
    }

    pub(super) fn is_live(&self, state: &BoardState) -> bool {
        state.period.includes_now(state.date, self.date)
    }

    /// The range whose figures the headline's are compared with: as much of the compared period as has passed of the shown one, so that a day
    /// that has just begun is not compared with a whole one.
    pub(super) fn before(&self, state: &BoardState) -> Option<DateRange> {
        if state.period == Period::Last24h {
            return self.hours_before(state);
        }
        let (from, _) = self.days(state)?;
        let (first, last) = compared(state, self.date)?;
        if !self.is_live(state) {
            return Some(DateRange::Dates(first, last));
        }
        let passed =
            Days::new(u64::try_from(self.date.signed_duration_since(from).num_days()).unwrap_or_default());
        let until = first.checked_add_days(passed)?.and_time(self.clock.time());
        let end = last.succ_opt()?.and_time(NaiveTime::MIN);
        Some(DateRange::Times(
            self.moment(first.and_time(NaiveTime::MIN)),
            self.moment(until.min(end)),
        ))
    }

    /// The whole of the compared period, for the line beside the graph's.
    pub(super) fn line_before(&self, state: &BoardState) -> Option<DateRange> {
        state.compare?;
        if state.period == Period::Last24h {
            return self.hours_before(state);
        }
        let (first, last) = compared(state, self.date)?;
        Some(DateRange::Dates(first, last))
    }

    fn hours_before(&self, state: &BoardState) -> Option<DateRange> {
        let back = match state.compare.unwrap_or(Compare::Previous) {
            Compare::Previous => TimeDelta::days(1),
            Compare::Year => TimeDelta::days(364 + 1),
            Compare::Custom(first, last) => return Some(DateRange::Dates(first, last)),
        };
        let end = self.now.plus(-back.num_milliseconds());
        Some(DateRange::Times(
            end.plus(-TimeDelta::days(1).num_milliseconds()),
            end,
        ))
    }

    /// What is compared, in words.
    pub(super) fn compared_words(&self, state: &BoardState) -> String {
        if state.period == Period::Last24h && state.compare.unwrap_or(Compare::Previous) == Compare::Previous
        {
            return "the 24 hours before".to_owned();
        }
        match compared(state, self.date) {
            Some((first, last)) => days_text(first, last, self.date),
            None => String::new(),
        }
    }

    /// The moment at which the site's clock shows this; the earlier one where it does twice, the next one where it never does.
    fn moment(&self, clock: NaiveDateTime) -> Timestamp {
        let found = |clock: &NaiveDateTime| self.zone.from_local_datetime(clock).earliest();
        let at = found(&clock).or_else(|| found(&(clock + TimeDelta::hours(1))));
        at.map_or(self.now, |at| Timestamp(at.timestamp_millis()))
    }
}

fn utc(at: Timestamp) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(at.millis()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn today(zone: Tz, now: &str) -> Today {
        let now = Timestamp(now.parse::<DateTime<Utc>>().unwrap().timestamp_millis());
        let clock = utc(now).with_timezone(&zone);
        Today {
            now,
            zone,
            clock: clock.naive_local(),
            date: clock.date_naive(),
            first_day: None,
            offset: 0,
        }
    }

    fn before(today: &Today, search: &str) -> String {
        let range = today.before(&BoardState::parse(search).0).unwrap();
        serde_json::to_string(&range).unwrap()
    }

    #[test]
    fn a_day_that_has_just_begun_is_compared_with_as_much_of_the_day_before() {
        let today = today(Tz::Europe__Berlin, "2026-11-20T08:00:00Z");
        assert_eq!(
            before(&today, "period=day"),
            r#"["2026-11-18T23:00:00.000Z","2026-11-19T08:00:00.000Z"]"#
        );
        assert_eq!(
            before(&today, "period=day&date=2026-11-18"),
            r#"["2026-11-17","2026-11-17"]"#
        );
    }

    #[test]
    fn a_month_to_date_is_compared_with_as_much_of_the_month_before() {
        let today = today(Tz::UTC, "2026-03-30T12:00:00Z");
        // February has no thirtieth: all of it is compared.
        assert_eq!(
            before(&today, "period=month"),
            r#"["2026-02-01T00:00:00.000Z","2026-03-01T00:00:00.000Z"]"#
        );
    }

    #[test]
    fn an_hour_that_a_clock_skips_is_no_obstacle() {
        // On 29 March 2026 Berlin's clocks go from 2 to 3.
        let today = today(Tz::Europe__Berlin, "2026-03-30T00:30:00Z");
        assert_eq!(
            before(&today, "period=day"),
            r#"["2026-03-28T23:00:00.000Z","2026-03-29T01:30:00.000Z"]"#
        );
    }
}
