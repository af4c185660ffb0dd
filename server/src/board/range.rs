//! Which day it is at the site, and which moments the dashboard's days are.

use super::Viewpoint;
use chrono::{DateTime, Days, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use pulsecast_app::board::{
    BoardState, Period,
    compare::{compared, compared_times},
    period::{days_text, times_text},
    state::{Compare, Weekday},
};
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
        state.period.includes_now(state.date, self.clock)
    }

    /// The shown period, as a query has it.
    pub(super) fn range(&self, state: &BoardState) -> DateRange {
        state.period.range(|clock| self.moment(clock))
    }

    /// The range whose figures the headline's are compared with: as much of the compared period as has passed of the shown one, so that a day
    /// that has just begun is not compared with a whole one.
    pub(super) fn before(&self, state: &BoardState) -> Option<DateRange> {
        if state.period == Period::Last24h {
            return self.hours_before(state);
        }
        if let (Period::Times(from, _), Some((first, last))) = (state.period, compared_times(state)) {
            let passed = first.checked_add_signed(self.clock.signed_duration_since(from))?;
            let until = if self.is_live(state) { passed } else { last };
            return Some(DateRange::Times(self.moment(first), self.moment(until)));
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
        if let Some((first, last)) = compared_times(state) {
            return Some(DateRange::Times(self.moment(first), self.moment(last)));
        }
        let (first, last) = compared(state, self.date)?;
        Some(DateRange::Dates(first, last))
    }

    /// 24 hours, a day or a year earlier, or at this time of the day that matches.
    fn hours_before(&self, state: &BoardState) -> Option<DateRange> {
        let end = match state.compare.unwrap_or(Compare::Previous) {
            Compare::Custom(..) => {
                let (first, last) = compared(state, self.date)?;
                return Some(DateRange::Dates(first, last));
            }
            Compare::Previous if state.match_day == Weekday::AsItIs => self.now.plus(-Timestamp::DAY),
            Compare::Previous | Compare::Year => {
                let (day, _) = compared(state, self.date)?;
                self.moment(day.and_time(self.clock.time()))
            }
        };
        Some(DateRange::Times(end.plus(-Timestamp::DAY), end))
    }

    /// What is compared, in words.
    pub(super) fn compared_words(&self, state: &BoardState) -> String {
        if let Some((first, last)) = compared_times(state) {
            return times_text(first, last, self.date);
        }
        let Some((first, last)) = compared(state, self.date) else {
            return String::new();
        };
        match (state.period, state.compare.unwrap_or(Compare::Previous)) {
            (Period::Last24h, Compare::Previous) if state.match_day == Weekday::AsItIs => {
                "the 24 hours before".to_owned()
            }
            (Period::Last24h, Compare::Previous | Compare::Year) => {
                format!("24 hours until {}", days_text(first, first, self.date))
            }
            _ => days_text(first, last, self.date),
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

    #[test]
    fn the_last_24_hours_are_compared_with_those_of_the_day_that_was_chosen() {
        // A Friday. A year earlier that was a Thursday.
        let today = today(Tz::Europe__Berlin, "2026-11-20T08:00:00Z");
        let words = |search: &str| today.compared_words(&BoardState::parse(search).0);
        for (search, range, label) in [
            (
                "period=24h&compare=previous",
                r#"["2026-11-18T08:00:00.000Z","2026-11-19T08:00:00.000Z"]"#,
                "the 24 hours before",
            ),
            (
                "period=24h&compare=previous&match_day=1",
                r#"["2026-11-12T08:00:00.000Z","2026-11-13T08:00:00.000Z"]"#,
                "24 hours until Fri 13 Nov",
            ),
            (
                "period=24h&compare=year",
                r#"["2025-11-19T08:00:00.000Z","2025-11-20T08:00:00.000Z"]"#,
                "24 hours until Thu 20 Nov 2025",
            ),
            (
                "period=24h&compare=year&match_day=1",
                r#"["2025-11-20T08:00:00.000Z","2025-11-21T08:00:00.000Z"]"#,
                "24 hours until Fri 21 Nov 2025",
            ),
            (
                "period=24h&compare=custom&compare_from=2026-11-02&compare_to=2026-11-02&match_day=1",
                r#"["2026-10-30","2026-10-30"]"#,
                "Fri 30 Oct",
            ),
        ] {
            assert_eq!(before(&today, search), range, "{search}");
            assert_eq!(words(search), label, "{search}");
        }
    }

    #[test]
    fn hours_that_are_not_over_are_compared_with_as_much_of_those_before() {
        let today = today(Tz::Europe__Berlin, "2026-11-20T08:00:00Z");
        let period = "period=custom&from=2026-11-20T06:00&to=2026-11-20T12:00";
        assert_eq!(
            before(&today, period),
            r#"["2026-11-19T23:00:00.000Z","2026-11-20T02:00:00.000Z"]"#
        );
        let state = BoardState::parse(&format!("{period}&compare=previous")).0;
        assert_eq!(
            serde_json::to_string(&today.line_before(&state).unwrap()).unwrap(),
            r#"["2026-11-19T23:00:00.000Z","2026-11-20T05:00:00.000Z"]"#
        );
        assert_eq!(
            serde_json::to_string(&today.range(&state)).unwrap(),
            r#"["2026-11-20T05:00:00.000Z","2026-11-20T11:00:00.000Z"]"#
        );
        assert_eq!(today.compared_words(&state), "Fri 20 Nov, 0:00–6:00");
    }
}
