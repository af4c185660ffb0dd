//! Which part of history the dashboard shows: its name in the address, its days, and the way to the one before and after.

use chrono::{Datelike, Days, Months, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Timelike};
use pulsecast_protocol::{
    Timestamp,
    stats::{DateRange, TimeUnit},
};

/// A period, as people choose it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Period {
    /// The last half hour, by the minute.
    Realtime,
    /// One day.
    Day,
    /// The last 24 hours.
    Last24h,
    /// So many days.
    Days(u16),
    /// A calendar month.
    Month,
    /// So many calendar months.
    Months(u16),
    /// A calendar year.
    Year,
    /// Everything.
    All,
    /// From one day to another, both included.
    Custom(NaiveDate, NaiveDate),
    /// From one minute of the site's clock up to, not including, another.
    Times(NaiveDateTime, NaiveDateTime),
}

/// How a minute is written in the address, and in a form's field.
const MINUTE: &str = "%Y-%m-%dT%H:%M";
/// Years that a minute can lie in.
const YEARS: std::ops::RangeInclusive<i32> = 1970..=2999;
/// Up to so many hours a graph shows minutes unless told otherwise.
const MINUTES_UP_TO: i64 = 3;

impl Period {
    /// What is shown unless something else is asked for.
    pub const DEFAULT: Self = Self::Days(30);

    /// Those with a name, as the address has it.
    pub const NAMED: [(&'static str, Self); 12] = [
        ("realtime", Self::Realtime),
        ("day", Self::Day),
        ("24h", Self::Last24h),
        ("7d", Self::Days(7)),
        ("28d", Self::Days(28)),
        ("30d", Self::Days(30)),
        ("91d", Self::Days(91)),
        ("month", Self::Month),
        ("6mo", Self::Months(6)),
        ("12mo", Self::Months(12)),
        ("year", Self::Year),
        ("all", Self::All),
    ];

    /// The period of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::NAMED
            .iter()
            .find(|(n, _)| *n == name)
            .map(|(_, period)| *period)
    }

    /// Its name in the address.
    #[must_use]
    pub fn name(self) -> &'static str {
        let named = Self::NAMED.iter().find(|(_, period)| *period == self);
        named.map_or("custom", |(name, _)| name)
    }

    /// The period between two ends as the address has them: days, the second included, or minutes (`2026-11-20T13:00`), the second not
    /// included. Instead of an end, `hour` and `week` are those that the first end lies in.
    #[must_use]
    pub fn between(from: &str, to: &str) -> Option<Self> {
        let day = |text: &str| text.parse::<NaiveDate>().ok();
        match to {
            "hour" => {
                let hour = minute(from)?.with_minute(0)?;
                return Self::of_times(hour, hour + TimeDelta::hours(1));
            }
            "week" => {
                let from = day(from)?;
                let rest = 6 - from.weekday().num_days_from_monday();
                return Some(Self::Custom(from, from.checked_add_days(Days::new(rest.into()))?));
            }
            _ => {}
        }
        if let (Some(from), Some(to)) = (day(from), day(to)) {
            return Some(Self::Custom(from.min(to), from.max(to)));
        }
        let begin = |text| minute(text).or_else(|| Some(day(text)?.and_time(NaiveTime::MIN)));
        let end = |text| minute(text).or_else(|| Some(day(text)?.succ_opt()?.and_time(NaiveTime::MIN)));
        match (begin(from)?, end(to)?) {
            (from, to) if from < to => Self::of_times(from, to),
            _ => Self::of_times(begin(to)?, end(from)?),
        }
    }

    /// Between two minutes: whole days are told by the days.
    #[must_use]
    pub fn of_times(from: NaiveDateTime, to: NaiveDateTime) -> Option<Self> {
        let is_midnight = |at: NaiveDateTime| at.time() == NaiveTime::MIN;
        if from >= to {
            return None;
        }
        Some(if is_midnight(from) && is_midnight(to) {
            Self::Custom(from.date(), to.date().pred_opt()?)
        } else {
            Self::Times(from, to)
        })
    }

    /// Its two ends, as the address has them.
    #[must_use]
    pub fn ends(self) -> Option<(String, String)> {
        match self {
            Self::Custom(from, to) => Some((from.to_string(), to.to_string())),
            Self::Times(from, to) => Some((from.format(MINUTE).to_string(), to.format(MINUTE).to_string())),
            _ => None,
        }
    }

    /// Whether it can be asked for as of a day other than today.
    #[must_use]
    pub const fn has_date(self) -> bool {
        matches!(
            self,
            Self::Day | Self::Days(_) | Self::Month | Self::Months(_) | Self::Year
        )
    }

    /// The same in a query; `moment` says when the site's clock shows a time.
    #[must_use]
    pub fn range(self, moment: impl Fn(NaiveDateTime) -> Timestamp) -> DateRange {
        match self {
            Self::Realtime => DateRange::Realtime30,
            Self::Day => DateRange::Day,
            Self::Last24h => DateRange::Last24h,
            Self::Days(n) => DateRange::LastDays(n),
            Self::Month => DateRange::Month,
            Self::Months(n) => DateRange::LastMonths(n),
            Self::Year => DateRange::Year,
            Self::All => DateRange::All,
            Self::Custom(from, to) => DateRange::Dates(from, to),
            Self::Times(from, to) => DateRange::Times(moment(from), moment(to)),
        }
    }

    /// First and last day, as of this day; `None` for what is not made of days.
    #[must_use]
    pub fn days(self, today: NaiveDate, first_ever: Option<NaiveDate>) -> Option<(NaiveDate, NaiveDate)> {
        let ago = |days: u16| {
            today
                .checked_sub_days(Days::new(u64::from(days.saturating_sub(1))))
                .unwrap_or(today)
        };
        Some(match self {
            Self::Realtime | Self::Last24h => return None,
            Self::Day => (today, today),
            Self::Days(n) => (ago(n), today),
            Self::Month => (first_of_month(today), last_of_month(today)),
            Self::Months(n) => {
                let back = Months::new(u32::from(n.saturating_sub(1)));
                let first = first_of_month(today).checked_sub_months(back);
                (first.unwrap_or(today), last_of_month(today))
            }
            Self::Year => (
                today.with_ordinal(1).unwrap_or(today),
                NaiveDate::from_ymd_opt(today.year(), 12, 31).unwrap_or(today),
            ),
            Self::All => (first_ever.unwrap_or(today).min(today), today),
            Self::Custom(from, to) => (from, to),
            Self::Times(from, to) => (from.date(), last_day(from, to)),
        })
    }

    /// Whether it includes now, by the site's clock: then the dashboard moves.
    #[must_use]
    pub fn includes_now(self, date: Option<NaiveDate>, now: NaiveDateTime) -> bool {
        let today = now.date();
        match (self, self.days(date.unwrap_or(today), None)) {
            (Self::Times(from, to), _) => from <= now && now < to,
            (_, Some((from, to))) => from <= today && today <= to,
            (_, None) => true,
        }
    }

    /// How many steps there are from this period: `-1` is the one before. `None` where there is none, and for what lies in the future.
    #[must_use]
    pub fn step(
        self,
        date: Option<NaiveDate>,
        today: NaiveDate,
        by: i32,
    ) -> Option<(Self, Option<NaiveDate>)> {
        let at = date.unwrap_or(today);
        let months = |n: i32| {
            let first = first_of_month(at);
            let n32 = Months::new(n.unsigned_abs());
            if n < 0 {
                first.checked_sub_months(n32)
            } else {
                first.checked_add_months(n32)
            }
        };
        let to = match self {
            Self::Realtime | Self::Last24h | Self::All => return None,
            Self::Custom(from, to) => {
                let length = to.signed_duration_since(from) + chrono::TimeDelta::days(1);
                let moved = length * by;
                let (from, to) = (from.checked_add_signed(moved)?, to.checked_add_signed(moved)?);
                return (from <= today).then_some((Self::Custom(from, to), None));
            }
            Self::Times(from, to) => {
                let moved = to.signed_duration_since(from) * by;
                let (from, to) = (from.checked_add_signed(moved)?, to.checked_add_signed(moved)?);
                return (from.date() <= today).then_some((Self::Times(from, to), None));
            }
            Self::Day => plus_days(at, i64::from(by))?,
            Self::Days(n) => {
                // The last step forward may be a short one: it ends today.
                let to = plus_days(at, i64::from(by) * i64::from(n))?;
                if by > 0 && at < today { to.min(today) } else { to }
            }
            Self::Month => last_day_or_today(months(by)?, today),
            Self::Months(n) => last_day_or_today(months(by * i32::from(n))?, today),
            Self::Year => {
                let year = NaiveDate::from_ymd_opt(at.year() + by, 1, 1)?;
                if year.year() == today.year() { today } else { year }
            }
        };
        let is_later = match self {
            Self::Month | Self::Months(_) => first_of_month(to) > today,
            Self::Year => to.year() > today.year(),
            _ => to > today,
        };
        (!is_later).then_some((self, (to != today).then_some(to)))
    }

    /// How long the buckets of its graph can be; the first is the one chosen unless told otherwise.
    #[must_use]
    pub fn intervals(self, days: Option<(NaiveDate, NaiveDate)>) -> &'static [TimeUnit] {
        use TimeUnit::{Day, Hour, Minute, Month, Week};
        let length = days.map_or(1, |(from, to)| to.signed_duration_since(from).num_days() + 1);
        match self {
            Self::Realtime => &[Minute],
            Self::Times(from, to) if to.signed_duration_since(from).num_hours() <= MINUTES_UP_TO => {
                &[Minute, Hour]
            }
            Self::Last24h | Self::Day => &[Hour, Minute],
            Self::Months(_) | Self::Year => &[Month, Week, Day],
            _ => match length {
                ..=2 => &[Hour, Minute],
                3..=7 => &[Day, Hour],
                8..=31 => &[Day, Week, Hour],
                32..=91 => &[Day, Week, Month],
                92..=731 => &[Month, Week, Day],
                _ => &[Month, Week],
            },
        }
    }
}

fn plus_days(date: NaiveDate, days: i64) -> Option<NaiveDate> {
    date.checked_add_signed(chrono::TimeDelta::try_days(days)?)
}

/// `2026-11-20T13:00`; seconds, and a blank instead of the `T`, may be there and say nothing.
fn minute(text: &str) -> Option<NaiveDateTime> {
    let text = text.get(..16)?.replace(' ', "T");
    let minute = NaiveDateTime::parse_from_str(&text, MINUTE).ok();
    minute.filter(|minute| YEARS.contains(&minute.year()))
}

/// The day that a period of times ends on: what ends at midnight is over by then.
fn last_day(from: NaiveDateTime, to: NaiveDateTime) -> NaiveDate {
    let before = to.checked_sub_signed(TimeDelta::minutes(1));
    before.unwrap_or(to).date().max(from.date())
}

/// The first day of its month.
#[must_use]
pub fn first_of_month(date: NaiveDate) -> NaiveDate {
    date.with_day(1).unwrap_or(date)
}

/// The last day of its month.
#[must_use]
pub fn last_of_month(date: NaiveDate) -> NaiveDate {
    let next = first_of_month(date).checked_add_months(Months::new(1));
    next.and_then(|next| next.pred_opt()).unwrap_or(date)
}

/// A month is named by its first day, this one by today.
fn last_day_or_today(first: NaiveDate, today: NaiveDate) -> NaiveDate {
    if first == first_of_month(today) {
        today
    } else {
        first
    }
}

/// `20 Nov 2026`, `1–20 Nov 2026`, `20 Oct – 20 Nov 2026`, without the year where it is this one.
#[must_use]
pub fn days_text(from: NaiveDate, to: NaiveDate, today: NaiveDate) -> String {
    let year = |date: NaiveDate| {
        if date.year() == today.year() {
            String::new()
        } else {
            date.format(" %Y").to_string()
        }
    };
    let end = format!("{}{}", to.format("%-d %b"), year(to));
    if from == to {
        return format!("{} {end}", to.format("%a"));
    }
    if from.year() != to.year() {
        return format!("{} – {}", from.format("%-d %b %Y"), to.format("%-d %b %Y"));
    }
    if from.month() == to.month() {
        return format!("{}–{end}", from.day());
    }
    format!("{} – {end}", from.format("%-d %b"))
}

/// `Fri 20 Nov, 13:00–18:30`, `19 Nov, 13:00 – 20 Nov, 9:00`, without the year where it is this one.
#[must_use]
pub fn times_text(from: NaiveDateTime, to: NaiveDateTime, today: NaiveDate) -> String {
    let last = last_day(from, to);
    let clock = |at: NaiveDateTime, day: NaiveDate| match at.date() == day {
        true => at.format("%-H:%M").to_string(),
        false => format!("{}:00", 24 + at.hour()),
    };
    let (begin, end) = (clock(from, from.date()), clock(to, last));
    if last == from.date() {
        return format!("{}, {begin}–{end}", days_text(last, last, today));
    }
    let day = |day: NaiveDate| match day.year() == today.year() && from.year() == to.year() {
        true => day.format("%-d %b").to_string(),
        false => day.format("%-d %b %Y").to_string(),
    };
    format!("{}, {begin} – {}, {end}", day(from.date()), day(last))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> NaiveDateTime {
        minute(text).unwrap()
    }

    #[test]
    fn a_period_has_two_ends_of_days_or_of_minutes() {
        let between = |from, to| Period::between(from, to).and_then(Period::ends);
        let ends = |from: &str, to: &str| Some((from.to_owned(), to.to_owned()));
        assert_eq!(
            between("2026-11-20", "2026-11-18"),
            ends("2026-11-18", "2026-11-20")
        );
        for (from, to) in [
            ("2026-11-20T13:00", "2026-11-20T18:30"),
            ("2026-11-20 18:30:59", "2026-11-20T13:00:00"),
        ] {
            assert_eq!(between(from, to), ends("2026-11-20T13:00", "2026-11-20T18:30"));
        }
        assert_eq!(
            between("2026-11-19", "2026-11-20T09:00"),
            ends("2026-11-19T00:00", "2026-11-20T09:00")
        );
        assert_eq!(
            between("2026-11-19T09:00", "2026-11-20"),
            ends("2026-11-19T09:00", "2026-11-21T00:00")
        );
        // Whole days are days.
        assert_eq!(
            between("2026-11-19T00:00", "2026-11-21T00:00"),
            ends("2026-11-19", "2026-11-20")
        );
        assert_eq!(
            between("2026-11-19T13:45", "hour"),
            ends("2026-11-19T13:00", "2026-11-19T14:00")
        );
        assert_eq!(between("2026-11-19", "week"), ends("2026-11-19", "2026-11-22"));
        for (from, to) in [
            ("2026-11-20T13:00", "2026-11-20T13:00"),
            ("x", "hour"),
            ("2026-11-20", "year"),
            ("9999-11-20T13:00", "hour"),
        ] {
            assert_eq!(between(from, to), None, "{from} {to}");
        }
    }

    #[test]
    fn a_period_of_times_steps_and_moves_by_the_clock() {
        let period = Period::Times(at("2026-11-20T13:00"), at("2026-11-20T18:30"));
        let today = day("2026-11-20");
        let (before, _) = period.step(None, today, -1).unwrap();
        assert_eq!(
            before,
            Period::Times(at("2026-11-20T07:30"), at("2026-11-20T13:00"))
        );
        let is_live = |now| period.includes_now(None, at(now));
        assert_eq!(
            ["2026-11-20T12:59", "2026-11-20T13:00", "2026-11-20T18:30"].map(is_live),
            [false, true, false]
        );
        assert_eq!(period.days(today, None), Some((today, today)));
        assert_eq!(
            period.intervals(Some((today, today))),
            [TimeUnit::Hour, TimeUnit::Minute]
        );
        let hour = Period::between("2026-11-20T13:00", "hour").unwrap();
        assert_eq!(hour.intervals(Some((today, today)))[0], TimeUnit::Minute);
    }

    #[test]
    fn times_read_as_briefly_as_they_can() {
        let text = |from, to| times_text(at(from), at(to), day("2026-11-20"));
        assert_eq!(
            text("2026-11-20T13:00", "2026-11-20T18:30"),
            "Fri 20 Nov, 13:00–18:30"
        );
        assert_eq!(
            text("2026-11-20T13:00", "2026-11-21T00:00"),
            "Fri 20 Nov, 13:00–24:00"
        );
        assert_eq!(
            text("2026-11-19T13:00", "2026-11-20T09:00"),
            "19 Nov, 13:00 – 20 Nov, 9:00"
        );
        assert_eq!(
            text("2025-12-31T22:00", "2026-01-01T02:00"),
            "31 Dec 2025, 22:00 – 1 Jan 2026, 2:00"
        );
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn a_step_back_and_forth_leads_home() {
        let today = day("2026-11-20");
        for (_, period) in Period::NAMED.into_iter().filter(|(_, period)| period.has_date()) {
            let (back, date) = period.step(None, today, -1).unwrap();
            assert!(date.is_some(), "{period:?}");
            assert_eq!(back.step(date, today, 1), Some((period, None)), "{period:?}");
            assert_eq!(
                period.step(None, today, 1),
                None,
                "{period:?}: nothing lies after now"
            );
        }
    }

    #[test]
    fn a_custom_period_moves_by_its_length() {
        let period = Period::Custom(day("2026-11-01"), day("2026-11-07"));
        let (before, _) = period.step(None, day("2026-11-20"), -1).unwrap();
        assert_eq!(before, Period::Custom(day("2026-10-25"), day("2026-10-31")));
    }

    #[test]
    fn months_are_calendar_months() {
        let days = Period::Month.days(day("2028-02-10"), None);
        assert_eq!(days, Some((day("2028-02-01"), day("2028-02-29"))));
        let days = Period::Months(6).days(day("2026-11-20"), None);
        assert_eq!(days, Some((day("2026-06-01"), day("2026-11-30"))));
        let (_, date) = Period::Month.step(None, day("2026-03-31"), -1).unwrap();
        assert_eq!(date, Some(day("2026-02-01")));
    }

    #[test]
    fn days_read_as_briefly_as_they_can() {
        let today = day("2026-11-20");
        let texts = [
            ("2026-11-20", "2026-11-20", "Fri 20 Nov"),
            ("2026-11-01", "2026-11-20", "1–20 Nov"),
            ("2026-10-22", "2026-11-20", "22 Oct – 20 Nov"),
            ("2025-12-22", "2026-01-20", "22 Dec 2025 – 20 Jan 2026"),
            ("2025-03-01", "2025-03-31", "1–31 Mar 2025"),
        ];
        for (from, to, text) in texts {
            assert_eq!(days_text(day(from), day(to), today), text);
        }
    }

    #[test]
    fn only_what_includes_now_moves() {
        let today = day("2026-11-20");
        let now = today.and_time(NaiveTime::MIN);
        assert!(Period::Days(7).includes_now(None, now) && Period::Realtime.includes_now(None, now));
        assert!(!Period::Days(7).includes_now(Some(day("2026-11-19")), now));
        assert!(Period::Month.includes_now(Some(day("2026-11-01")), now));
    }
}
