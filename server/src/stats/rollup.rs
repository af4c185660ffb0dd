//! Sums up the days of every site that are over, newest first, in the background and a day at a time; and knows which they are. What is
//! made of the sums is in `sql/rolled.rs`. A day that something came late for loses its sums at once (the store does that) and is summed
//! up anew when it has been quiet for a while.

use super::range::{Span, instant, local};
use crate::{
    clock::SharedClock,
    event::SiteId,
    sites::Sites,
    store::{Rolled, Rollups, SiteDay, StoreError},
    tasks::Tasks,
};
use chrono::{Days, NaiveDate, NaiveTime, TimeDelta};
use chrono_tz::Tz;
use pulsecast_protocol::Timestamp;
use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

/// A day is over when its last visits have ended and are stored: half an hour, and a little.
const OVER: i64 = 35 * Timestamp::MINUTE;
/// How long a day is left alone after something came late for it.
const QUIET: i64 = 10 * Timestamp::MINUTE;
/// Before looking for the first time: a start has other things to do.
const FIRST: Duration = Duration::from_secs(10);
/// Between looking for days.
const ROUND: Duration = Duration::from_secs(60);
/// Days of one round: the newest of all sites, so that one that has just ended does not wait for a long history.
const AT_ONCE: usize = 200;
/// Between rounds while there are more.
const SOON: Duration = Duration::from_secs(1);
/// Between looking for words that no sums name any more, unless a site was removed.
const WORDS: i64 = Timestamp::DAY;
/// After a day, so many times what it took, so that whoever asks meanwhile has the machine most of the time.
const PAUSE: u32 = 2;

/// Whether days are summed up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Switch {
    /// They are, and used.
    #[default]
    On,
    /// Everything is counted from events and visits.
    Off,
}

/// Sums up.
pub struct Keeper {
    store: Arc<dyn Rollups>,
    sites: Sites,
    clock: SharedClock,
    /// Days that are not tried before a time.
    later: HashMap<(SiteId, NaiveDate), Timestamp>,
    /// Days that were summed up when last looked at.
    known: HashSet<(SiteId, NaiveDate)>,
    /// Whether sums are left over that count for nothing any more.
    left_over: bool,
    /// Whether sums were removed since words were looked through.
    left_words: bool,
    /// When words are looked through next.
    words: Timestamp,
}

impl Keeper {
    /// Of this store.
    #[must_use]
    pub fn new(store: Arc<dyn Rollups>, sites: Sites, clock: SharedClock) -> Self {
        Self {
            words: clock.now().plus(WORDS),
            left_words: false,
            store,
            sites,
            clock,
            later: HashMap::new(),
            known: HashSet::new(),
            // What was left when the program last ended.
            left_over: true,
        }
    }

    /// Runs until shutdown is asked for.
    pub fn start(self, tasks: &Tasks) {
        let stopping = tasks.clone();
        tasks.spawn("rollups", async move {
            let mut keeper = self;
            let mut wait = FIRST;
            loop {
                tokio::select! {
                    () = stopping.stopping() => return,
                    () = tokio::time::sleep(wait) => {}
                }
                let stop = stopping.clone();
                let round = tokio::task::spawn_blocking(move || {
                    let days = keeper.round(|| stop.is_stopping());
                    (keeper, days)
                });
                let Ok((back, days)) = round.await else {
                    tracing::error!("summing up days panicked; it goes on with the next start");
                    return;
                };
                keeper = back;
                wait = if days < AT_ONCE { ROUND } else { SOON };
            }
        });
    }

    /// The newest days that are to be summed up, each once; gives how many those were.
    fn round(&mut self, is_stopping: impl Fn() -> bool) -> usize {
        let days = match self.due() {
            Ok(days) => days,
            Err(error) => {
                tracing::warn!(%error, "cannot see which days are summed up");
                return 0;
            }
        };
        let tried = days.len();
        let mut done = 0_u32;
        for day in days {
            if is_stopping() {
                return 0;
            }
            let began = self.clock.now();
            match self.store.roll(&day) {
                Ok(Rolled::Done) => {
                    self.known.insert((day.site, day.day));
                    done += 1;
                }
                Ok(Rolled::Open | Rolled::Changed) => {
                    self.later.insert((day.site, day.day), began.plus(QUIET / 2));
                }
                Err(error) => {
                    tracing::warn!(%error, day = %day.day, "a day could not be summed up; it is counted from its events");
                    self.later.insert((day.site, day.day), began.plus(QUIET));
                }
            }
            let took = self.clock.now().since(began).clamp(0, 10_000);
            let pause = Duration::from_millis(u64::try_from(took).unwrap_or(0)) * PAUSE;
            std::thread::sleep(pause.min(Duration::from_secs(5)));
        }
        if done > 0 {
            tracing::debug!(days = done, "days are summed up");
        }
        if let Err(error) = self.sweep() {
            tracing::warn!(%error, "left-over sums could not be removed; they count for nothing");
        }
        tried
    }

    fn sweep(&mut self) -> Result<(), StoreError> {
        if self.left_over {
            self.store.sweep()?;
            self.left_over = false;
            self.left_words = true;
        }
        if self.left_words && self.words <= self.clock.now() {
            self.store.forget_words()?;
            self.left_words = false;
            self.words = self.clock.now().plus(WORDS);
        }
        Ok(())
    }

    /// The days to be summed up now, newest first, at most [`AT_ONCE`].
    fn due(&mut self) -> Result<Vec<SiteDay>, StoreError> {
        let now = self.clock.now();
        let mut due = Vec::new();
        let firsts = self.store.firsts()?;
        // Sites of which nothing is left.
        let known = self.known.len();
        self.known
            .retain(|(site, _)| firsts.iter().any(|(id, _)| id == site));
        if self.known.len() < known {
            self.left_over = true;
            // Their words go with them.
            self.words = now;
        }
        for (id, first) in firsts {
            let Some(site) = self.sites.by_id(id) else {
                continue;
            };
            let zone = site.settings.timezone.parse().unwrap_or(Tz::UTC);
            let rolled = self.store.rolled(id)?;
            self.notice(id, zone, &rolled, now)?;
            due.extend(
                days(zone, first, now)
                    .filter(|day| !self.known.contains(&(id, *day)))
                    .filter(|day| self.later.get(&(id, *day)).is_none_or(|at| *at <= now))
                    .take(AT_ONCE)
                    .map(|day| site_day(id, zone, day)),
            );
        }
        due.sort_by_key(|day| std::cmp::Reverse(day.from));
        due.truncate(AT_ONCE);
        Ok(due)
    }

    /// Takes in what is summed up: days that no longer are have had something come late and wait; days by another clock are thrown away.
    fn notice(
        &mut self,
        site: SiteId,
        zone: Tz,
        rolled: &[(NaiveDate, Timestamp, Timestamp)],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let (right, wrong): (Vec<_>, Vec<_>) = rolled.iter().partition(|(day, from, to)| {
            begin(*day, zone) == *from && begin(*day + Days::new(1), zone) == *to
        });
        if !wrong.is_empty() {
            let wrong: Vec<NaiveDate> = wrong.into_iter().map(|(day, _, _)| day).collect();
            self.store.unroll(site, &wrong)?;
            self.left_over = true;
        }
        let held: HashSet<NaiveDate> = right.into_iter().map(|(day, _, _)| day).collect();
        let lost: Vec<_> = self
            .known
            .iter()
            .copied()
            .filter(|(id, day)| *id == site && !held.contains(day))
            .collect();
        self.left_over |= !lost.is_empty();
        for key in lost {
            self.known.remove(&key);
            self.later.insert(key, now.plus(QUIET));
        }
        self.known.extend(held.into_iter().map(|day| (site, day)));
        self.later.retain(|_, at| *at > now);
        Ok(())
    }
}

/// Sums up every day of a site that can be, from a time on and at once: for tests.
///
/// # Errors
/// When the store cannot be read or written.
pub fn roll_all(
    store: &dyn Rollups,
    (site, zone): (SiteId, Tz),
    since: Timestamp,
    now: Timestamp,
) -> Result<u32, StoreError> {
    let mut done = 0;
    for (_, first) in store.firsts()?.into_iter().filter(|(id, _)| *id == site) {
        for day in days(zone, first.max(since), now) {
            done += u32::from(store.roll(&site_day(site, zone, day))? == Rolled::Done);
        }
    }
    Ok(done)
}

/// When a day begins.
fn begin(day: NaiveDate, zone: Tz) -> Timestamp {
    instant(day.and_time(NaiveTime::MIN), zone)
}

/// The days of a site that are over, newest first. An event of a time before there were sites is counted from events: its day is nobody's
/// beginning of a history of thousands of days.
fn days(zone: Tz, first: Timestamp, now: Timestamp) -> impl Iterator<Item = NaiveDate> {
    let first = local(first, zone).date().max(NaiveDate::default());
    let over = local(now.plus(-OVER), zone).date();
    (1..)
        .map_while(move |n| over.checked_sub_days(Days::new(n)))
        .take_while(move |day| *day >= first)
}

fn site_day(site: SiteId, zone: Tz, day: NaiveDate) -> SiteDay {
    SiteDay {
        site,
        day,
        from: begin(day, zone),
        to: begin(day + Days::new(1), zone),
        before: begin(day - Days::new(1), zone),
        long_before: begin(day - Days::new(2), zone),
    }
}

/// The days of a site that are summed up, by number since 1970.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RolledDays {
    zone: Tz,
    held: BTreeSet<i64>,
    /// Days whose sums are by another clock, until they are thrown away.
    wrong: BTreeSet<i64>,
}

/// The days that a period touches, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Touched {
    /// The first, which is in it from its beginning.
    pub first: i64,
    /// The last.
    pub last: i64,
    /// The last of which nothing is left out: this one, or the one before.
    pub whole: i64,
}

impl RolledDays {
    /// None.
    #[must_use]
    pub fn none() -> Self {
        Self::of(Tz::UTC, [])
    }

    /// Of these, those that are days by the site's clock now.
    pub fn of(zone: Tz, rolled: impl IntoIterator<Item = (i64, Timestamp, Timestamp)>) -> Self {
        let mut days = Self {
            zone,
            held: BTreeSet::new(),
            wrong: BTreeSet::new(),
        };
        for (day, from, to) in rolled {
            let is_right = days.begin(day) == from && days.begin(day + 1) == to;
            if is_right { &mut days.held } else { &mut days.wrong }.insert(day);
        }
        days
    }

    /// A day's number.
    #[must_use]
    pub fn number(day: NaiveDate) -> i64 {
        day.signed_duration_since(NaiveDate::default()).num_days()
    }

    /// A number's day.
    #[must_use]
    pub fn date(number: i64) -> NaiveDate {
        NaiveDate::default()
            .checked_add_signed(TimeDelta::days(number))
            .unwrap_or_default()
    }

    /// When a day begins.
    #[must_use]
    pub fn begin(&self, number: i64) -> Timestamp {
        begin(Self::date(number), self.zone)
    }

    /// The days of a period that begins when one of them does; `None` of any other.
    #[must_use]
    pub fn touched(&self, span: Span) -> Option<Touched> {
        let day = |at| Self::number(local(at, self.zone).date());
        let first = day(span.from);
        if span.to <= span.from || self.begin(first) != span.from {
            return None;
        }
        let last = day(span.to.plus(-1));
        let is_cut = span.to < self.begin(last + 1);
        Some(Touched {
            first,
            last,
            whole: last - i64::from(is_cut),
        })
    }

    /// Whether it is summed up.
    #[must_use]
    pub fn has(&self, number: i64) -> bool {
        self.held.contains(&number)
    }

    /// The newest of these days that is summed up; `None` as well while any of them is by another clock.
    #[must_use]
    pub fn newest(&self, first: i64, last: i64) -> Option<i64> {
        if first > last || self.wrong.range(first..=last).next().is_some() {
            return None;
        }
        self.held.range(first..=last).next_back().copied()
    }
}

#[cfg(test)]
impl RolledDays {
    pub(super) fn fixture(days: &[i64]) -> Self {
        Self {
            held: days.iter().copied().collect(),
            ..Self::none()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{clock::ManualClock, sites::Site};
    use chrono_tz::Europe::Berlin;
    use parking_lot::Mutex;
    use pulsecast_protocol::account::SiteSettings;

    fn at(text: &str) -> Timestamp {
        Timestamp(
            chrono::DateTime::parse_from_rfc3339(text)
                .unwrap()
                .timestamp_millis(),
        )
    }

    fn over(now: &str) -> Vec<String> {
        days(Berlin, at("2026-03-28T12:00:00Z"), at(now))
            .map(|day| day.to_string())
            .collect()
    }

    #[test]
    fn a_day_is_over_when_its_last_visits_have_ended_and_are_stored() {
        assert_eq!(over("2026-03-30T22:34:59Z"), ["2026-03-29", "2026-03-28"]);
        assert_eq!(over("2026-03-30T22:35:00Z")[0], "2026-03-30");
    }

    #[test]
    fn a_day_is_as_long_as_the_sites_clock_makes_it() {
        let now = at("2026-03-31T00:00:00Z");
        let short = days(Berlin, at("2026-03-28T12:00:00Z"), now)
            .map(|day| site_day(SiteId(1), Berlin, day))
            .find(|day| day.day.to_string() == "2026-03-29")
            .unwrap();
        assert_eq!(short.to.since(short.from), 23 * Timestamp::HOUR);
        assert_eq!(short.from.since(short.long_before), 48 * Timestamp::HOUR);
    }

    /// What the keeper asks for, of one site with a history of two thousand years and one of two days.
    #[derive(Default)]
    struct Asked(Mutex<Vec<(SiteId, NaiveDate)>>);

    impl Rollups for Asked {
        fn rolled(&self, site: SiteId) -> Result<Vec<(NaiveDate, Timestamp, Timestamp)>, StoreError> {
            let asked = self.0.lock();
            let of_site = asked.iter().filter(|(id, _)| *id == site);
            Ok(of_site
                .map(|(_, day)| (*day, begin(*day, Tz::UTC), begin(*day + Days::new(1), Tz::UTC)))
                .collect())
        }

        fn firsts(&self) -> Result<Vec<(SiteId, Timestamp)>, StoreError> {
            let year_one = at("0001-01-01T00:00:00Z");
            Ok(vec![
                (SiteId(1), year_one),
                (SiteId(2), at("2026-03-28T12:00:00Z")),
            ])
        }

        fn roll(&self, day: &SiteDay) -> Result<Rolled, StoreError> {
            self.0.lock().push((day.site, day.day));
            Ok(Rolled::Done)
        }

        fn unroll(&self, _: SiteId, _: &[NaiveDate]) -> Result<(), StoreError> {
            Ok(())
        }

        fn sweep(&self) -> Result<(), StoreError> {
            Ok(())
        }

        fn forget_words(&self) -> Result<(), StoreError> {
            Ok(())
        }
    }

    #[test]
    fn a_history_of_thousands_of_days_holds_up_no_day_that_has_just_ended() {
        let asked = Arc::new(Asked::default());
        let sites = Sites::default();
        let site = |id, domain: &str| Site::new(SiteId(id), SiteSettings::new(domain.parse().unwrap()));
        sites.replace(vec![site(1, "old.example"), site(2, "new.example")]);
        let clock = Arc::new(ManualClock::new(at("2026-03-30T12:00:00Z")));
        let mut keeper = Keeper::new(asked.clone(), sites, clock.clone());
        assert_eq!(keeper.round(|| false), AT_ONCE);
        let newest: Vec<SiteId> = asked.0.lock()[..4].iter().map(|(site, _)| *site).collect();
        assert_eq!(newest.iter().filter(|site| **site == SiteId(2)).count(), 2);
        clock.advance(Timestamp::DAY);
        keeper.round(|| false);
        let next: Vec<String> = asked.0.lock()[AT_ONCE..AT_ONCE + 2]
            .iter()
            .map(|(_, day)| day.to_string())
            .collect();
        assert_eq!(next, ["2026-03-30"; 2]);
        while keeper.round(|| false) > 0 {}
        let oldest = asked.0.lock().iter().map(|(_, day)| *day).min();
        assert_eq!(
            oldest,
            Some(NaiveDate::default()),
            "days before 1970 are not summed up"
        );
    }

    #[test]
    fn a_period_that_begins_with_a_day_touches_days_and_may_end_within_one() {
        let days = RolledDays::of(Berlin, []);
        let touched = |from, to| {
            let touched = days.touched(Span::of_times(at(from), at(to)).unwrap())?;
            let day = |number| RolledDays::date(number).to_string();
            Some((day(touched.first), day(touched.last), day(touched.whole)))
        };
        let named = |a: &str, b: &str, c: &str| Some((a.to_owned(), b.to_owned(), c.to_owned()));
        assert_eq!(
            touched("2026-03-27T23:00:00Z", "2026-03-29T22:00:00Z"),
            named("2026-03-28", "2026-03-29", "2026-03-29"),
            "over the night in which clocks are moved"
        );
        assert_eq!(
            touched("2026-03-27T23:00:00Z", "2026-03-29T21:59:59Z"),
            named("2026-03-28", "2026-03-29", "2026-03-28")
        );
        assert_eq!(touched("2026-03-27T23:00:01Z", "2026-03-29T22:00:00Z"), None);
        assert_eq!(touched("2026-03-27T23:00:00Z", "2026-03-27T23:00:00Z"), None);
    }

    #[test]
    fn days_by_another_clock_are_not_used() {
        let (from, to) = (at("2026-03-27T23:00:00Z"), at("2026-03-28T23:00:00Z"));
        let day = RolledDays::number("2026-03-28".parse().unwrap());
        assert_eq!(
            RolledDays::of(Berlin, [(day, from, to)]).newest(day - 5, day + 5),
            Some(day)
        );
        assert_eq!(
            RolledDays::of(Tz::UTC, [(day, from, to)]).newest(day - 5, day + 5),
            None
        );
    }
}
