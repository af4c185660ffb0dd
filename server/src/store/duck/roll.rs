//! Sums up a day of a site, on a connection of its own: `reckon` makes the sums, and here they take effect.

use super::{
    fault,
    late::Late,
    reckon::{Day, clear, forget_words, reckon},
};
use crate::{
    event::SiteId,
    store::{Rolled, Rollups, SiteDay, StoreError},
};
use chrono::NaiveDate;
use duckdb::{Connection, params};
use parking_lot::Mutex;
use pulsecast_protocol::Timestamp;
use std::path::PathBuf;

/// Sums up days.
pub struct DuckRollups {
    path: PathBuf,
    connection: Mutex<Connection>,
    late: Late,
}

impl DuckRollups {
    pub(super) fn new(path: PathBuf, connection: Connection, late: Late) -> Self {
        Self {
            path,
            connection: Mutex::new(connection),
            late,
        }
    }

    fn ask<T>(&self, question: impl FnOnce(&Connection) -> duckdb::Result<T>) -> Result<T, StoreError> {
        question(&self.connection.lock()).map_err(|e| fault(&self.path, &e))
    }
}

impl Rollups for DuckRollups {
    fn rolled(&self, site: SiteId) -> Result<Vec<(NaiveDate, Timestamp, Timestamp)>, StoreError> {
        self.ask(|connection| {
            let mut select = connection.prepare(
                "select (day - date '1970-01-01')::integer, epoch_ms(from_at), epoch_ms(to_at) from rolled where site = ?",
            )?;
            let rows = select.query_map([site.0], |row| {
                Ok((date(row.get(0)?), Timestamp(row.get(1)?), Timestamp(row.get(2)?)))
            })?;
            rows.collect()
        })
    }

    fn firsts(&self) -> Result<Vec<(SiteId, Timestamp)>, StoreError> {
        self.ask(|connection| {
            let mut select =
                connection.prepare("select site, epoch_ms(min(happened_at)) from events group by site")?;
            let rows = select.query_map([], |row| Ok((SiteId(row.get(0)?), Timestamp(row.get(1)?))))?;
            rows.collect()
        })
    }

    fn roll(&self, day: &SiteDay) -> Result<Rolled, StoreError> {
        self.late.begin(day);
        let open = self.ask(|connection| reckon(connection, day));
        let outcome = self.late.finish(|| match &open {
            Ok(Day::Open) | Err(_) => Ok(()),
            Ok(Day::Nothing) => self.ask(|connection| write(connection, day, "")),
            Ok(Day::Something) => self.ask(|connection| write(connection, day, &sums(day))),
        });
        if open.is_err() || outcome.is_err() {
            // The transaction that failed; where there is none, nothing is lost.
            drop(self.connection.lock().execute_batch("rollback"));
        }
        self.ask(clear)?;
        Ok(match (open?, outcome?) {
            (Day::Open, _) => Rolled::Open,
            (_, true) => Rolled::Done,
            (_, false) => Rolled::Changed,
        })
    }

    fn unroll(&self, site: SiteId, days: &[NaiveDate]) -> Result<(), StoreError> {
        // Under the writer's lock: two deletions of one row at once would make one of them fail.
        let _writing = self.late.writing();
        self.ask(|connection| {
            days.iter().try_for_each(|day| {
                connection
                    .execute(
                        "delete from rolled where site = ? and day = ?::date",
                        params![site.0, day.to_string()],
                    )
                    .map(drop)
            })
        })
    }

    fn sweep(&self) -> Result<(), StoreError> {
        // `daily` last: it is where the next number is taken from.
        self.ask(|connection| {
            ["day_visits", "day_pages", "daily"].iter().try_for_each(|table| {
                connection.execute_batch(&format!(
                    "delete from {table} where roll not in (select roll from rolled)"
                ))
            })
        })
    }

    fn forget_words(&self) -> Result<(), StoreError> {
        self.ask(forget_words)
    }
}

fn date(days: i32) -> NaiveDate {
    NaiveDate::default() + chrono::Days::new(u64::try_from(days).unwrap_or_default())
}

/// A time as SQL writes it.
pub(super) fn instant(at: Timestamp) -> String {
    format!("make_timestamp({}::bigint * 1000)", at.millis())
}

/// Says that the day is summed up, with what puts its sums into their tables.
fn write(connection: &Connection, day: &SiteDay, sums: &str) -> duckdb::Result<()> {
    let roll: i64 = connection.query_row(
        "select 1 + greatest((select coalesce(max(roll), 0) from rolled), (select coalesce(max(roll), 0) from daily))",
        [],
        |row| row.get(0),
    )?;
    let (site, date, from, to) = (day.site.0, day.day, instant(day.from), instant(day.to));
    connection.execute_batch(&format!(
        "begin; delete from rolled where site = {site} and day = date '{date}'; \
         insert into rolled values ({site}, date '{date}', {from}, {to}, {roll}); {sums} commit;"
    ))
}

/// Moves the sums into their tables, under the number that the day has just got.
fn sums(day: &SiteDay) -> String {
    let (site, date) = (day.site.0, day.day);
    let roll = format!("(select roll from rolled where site = {site} and day = date '{date}')");
    format!(
        "insert into daily by name select {site} as site, date '{date}' as day, {roll} as roll, dimension, value, path, \
           coalesce(sum(visitors), 0) as visitors, coalesce(sum(visitors_1), 0) as visitors_1, coalesce(sum(visitors_2), 0) as visitors_2, \
           coalesce(sum(visits), 0) as visits, coalesce(sum(visits_1), 0) as visits_1, coalesce(sum(visits_2), 0) as visits_2, coalesce(sum(started), 0) as started, \
           coalesce(sum(started_pageviews), 0) as started_pageviews, coalesce(sum(started_bounces), 0) as started_bounces, coalesce(sum(started_duration), 0) as started_duration, \
           coalesce(sum(carried), 0) as carried, coalesce(sum(carried_pageviews), 0) as carried_pageviews, coalesce(sum(carried_bounces), 0) as carried_bounces, \
           coalesce(sum(carried_duration), 0) as carried_duration, coalesce(sum(pageviews), 0) as pageviews, coalesce(sum(events), 0) as events \
         from temp.sums group by dimension, value, path order by dimension, visitors desc; \
         insert into day_visits by name select {site} as site, date '{date}' as day, {roll} as roll, * from temp.visits_of_day; \
         insert into day_pages by name select {site} as site, date '{date}' as day, {roll} as roll, * from temp.pages_of_day;"
    )
}
