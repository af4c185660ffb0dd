//! Sums up a day of a site, on a connection of its own, a dimension at a time. What `daily` means is written in its migration.

use super::{fault, late::Late};
use crate::{
    event::SiteId,
    store::{Rolled, Rollups, SiteDay, StoreError},
};
use chrono::NaiveDate;
use duckdb::{Connection, params};
use parking_lot::Mutex;
use pulsecast_protocol::{Timestamp, stats::Dimension};
use std::path::PathBuf;

/// Dimensions of visits, and the columns that hold them; visits and events have both.
const OF_VISITS: [(&str, &str); 17] = [
    ("visit:source", "source"),
    ("visit:referrer", "referrer"),
    ("visit:channel", "channel"),
    ("visit:utm_source", "utm_source"),
    ("visit:utm_medium", "utm_medium"),
    ("visit:utm_campaign", "utm_campaign"),
    ("visit:utm_content", "utm_content"),
    ("visit:utm_term", "utm_term"),
    ("visit:device", "device"),
    ("visit:browser", "browser"),
    ("visit:browser_version", "browser_version"),
    ("visit:os", "os"),
    ("visit:os_version", "os_version"),
    ("visit:country", "country"),
    ("visit:region", "region"),
    ("visit:city", "city"),
    ("visit:language", "language"),
];

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
        let open = self.ask(|connection| {
            connection.execute_batch("begin")?;
            let outcome = reckon(connection, day);
            connection.execute_batch("commit")?;
            outcome
        });
        let is_open = match open {
            Ok(is_open) => is_open,
            Err(error) => {
                self.late.finish(|| Ok(()))?;
                // The transaction that failed; where there is none, nothing is lost.
                drop(self.connection.lock().execute_batch("rollback"));
                return Err(error);
            }
        };
        if is_open {
            self.late.finish(|| Ok(()))?;
            return Ok(Rolled::Open);
        }
        let is_written = self
            .late
            .finish(|| self.ask(|connection| write(connection, day)))?;
        Ok(if is_written { Rolled::Done } else { Rolled::Changed })
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
        self.ask(|connection| {
            connection.execute_batch("delete from daily where roll not in (select roll from rolled)")
        })
    }
}

fn date(days: i32) -> NaiveDate {
    NaiveDate::default() + chrono::Days::new(u64::try_from(days).unwrap_or_default())
}

/// A time as SQL writes it.
fn instant(at: Timestamp) -> String {
    format!("make_timestamp({}::bigint * 1000)", at.millis())
}

/// Puts the day's sums into the connection's own table `sums`, unless a visit of it goes on: then gives true.
fn reckon(connection: &Connection, day: &SiteDay) -> duckdb::Result<bool> {
    let SiteDay {
        site,
        from,
        to,
        before,
        long_before,
        ..
    } = *day;
    let (site, from, to) = (site.0, instant(from), instant(to));
    let (before, long_before) = (instant(before), instant(long_before));
    let open: bool = connection.query_row(
        &format!(
            "select count(*) > 0 from events where site = {site} and happened_at < {to} \
               and visit >= (select oldest_open from progress) \
               and visit not in (select visit from visits where visit >= (select oldest_open from progress))"
        ),
        [],
        |row| row.get(0),
    )?;
    if open {
        return Ok(true);
    }
    let columns: Vec<&str> = OF_VISITS.iter().map(|(_, column)| *column).collect();
    let columns = columns.join(", ");
    // What was active on the day (`d`) and, of the visitors who were there on it, on the two days before.
    connection.execute_batch(&format!(
        "create or replace temp table sums as select dimension, value, path, visitors, visitors_1, visitors_2, visits, visits_1, visits_2, \
           started, started_pageviews, started_bounces, started_duration, carried, carried_pageviews, carried_bounces, carried_duration, \
           pageviews, events from daily limit 0; \
         create or replace temp table active as select visitor, last_at >= {from} as d, start_at < {from} and last_at >= {before} as d1, \
           start_at < {before} as d2, start_at >= {from} as fresh, pageviews, bounce, \
           case when bounce then 0 else epoch_ms(last_at) - epoch_ms(start_at) end as duration, entry_path, exit_path, screen, {columns} \
         from visits where site = {site} and start_at < {to} and last_at >= {long_before} \
           and visitor in (select visitor from visits where site = {site} and start_at < {to} and last_at >= {from}); \
         create or replace temp table counted as select visitor, visit, path, hostname, kind = 'pageview' as viewed, \
           happened_at >= {from} as d, happened_at < {from} and happened_at >= {before} as d1, happened_at < {before} as d2 \
         from events where site = {site} and happened_at < {to} and happened_at >= {long_before} and kind <> 'engagement' \
           and visitor in (select visitor from events where site = {site} and happened_at < {to} and happened_at >= {from} and kind <> 'engagement'); \
         create or replace temp table attributed as select visit, kind = 'pageview' as viewed, screen, {columns} \
         from events where site = {site} and happened_at < {to} and happened_at >= {from} and kind <> 'engagement'"
    ))?;
    let is_empty: bool = connection.query_row(
        "select not exists (from temp.active) and not exists (from temp.counted)",
        [],
        |row| row.get(0),
    )?;
    if is_empty {
        return Ok(false);
    }
    of_visits(connection, "visits", "NULL", "NULL")?;
    let viewed = "count(*) filter (viewed), count(*)";
    let insert_counts = "insert into temp.sums (dimension, value, path, pageviews, events)";
    connection.execute_batch(&format!(
        "{insert_counts} select 'visits', NULL, NULL, {viewed} from temp.counted where d"
    ))?;
    for (dimension, column) in OF_VISITS.iter().copied().chain([("visit:screen", "screen")]) {
        // By the name that their group has, since something else may be called the same.
        let label = dimension.parse().as_ref().map_or("", Dimension::none_label);
        let value = format!("coalesce({column}, '{label}')");
        of_visits(connection, dimension, &value, "NULL")?;
        connection.execute_batch(&format!(
            "{insert_counts} select '{dimension}', {value}, NULL, {viewed} from temp.attributed group by {value}"
        ))?;
    }
    for (dimension, column) in [
        ("visit:entry_page", "entry_path"),
        ("visit:exit_page", "exit_path"),
    ] {
        of_visits(connection, dimension, "NULL", column)?;
        connection.execute_batch(&format!(
            "{insert_counts} select '{dimension}', NULL, v.{column}, {viewed} from temp.attributed c \
               join visits v on v.visit = c.visit and v.site = {site} and v.start_at < {to} and v.last_at >= {from} group by v.{column}"
        ))?;
    }
    of_events(connection, "events", "NULL", "NULL")?;
    of_events(connection, "event:page", "NULL", "path")?;
    of_events(connection, "event:hostname", "hostname", "NULL")?;
    Ok(false)
}

/// Three counts of those that were there on the day: all, without those of the day before, without those of the two days before.
const NEW: &str = "count(*), count(*) filter (not d1), count(*) filter (not d1 and not d2)";

fn of_visits(connection: &Connection, dimension: &str, value: &str, path: &str) -> duckdb::Result<()> {
    let sums = |when: &str| {
        format!(
            "count(*) filter ({when}) as {{}}_n, coalesce(sum(pageviews) filter ({when}), 0) as {{}}_pageviews, \
             count(*) filter ({when} and bounce) as {{}}_bounces, coalesce(sum(duration) filter ({when}), 0) as {{}}_duration"
        )
    };
    let each = sums("d and fresh").replace("{}", "started")
        + ", "
        + &sums("d and not fresh").replace("{}", "carried");
    connection.execute_batch(&format!(
        "insert into temp.sums (dimension, value, path, visitors, visitors_1, visitors_2, started, started_pageviews, started_bounces, \
           started_duration, carried, carried_pageviews, carried_bounces, carried_duration) \
         select '{dimension}', value, path, {NEW}, sum(started_n), sum(started_pageviews), sum(started_bounces), sum(started_duration), \
           sum(carried_n), sum(carried_pageviews), sum(carried_bounces), sum(carried_duration) \
         from (select {value} as value, {path} as path, visitor, bool_or(d) as d, bool_or(d1) as d1, bool_or(d2) as d2, {each} \
           from temp.active group by all) where d group by value, path"
    ))
}

fn of_events(connection: &Connection, dimension: &str, value: &str, path: &str) -> duckdb::Result<()> {
    let by = |who: &str| {
        format!(
            "select {value} as value, {path} as path, {who}, bool_or(d) as d, bool_or(d1) as d1, bool_or(d2) as d2, \
               count(*) filter (d and viewed) as pageviews, count(*) filter (d) as events from temp.counted group by all"
        )
    };
    connection.execute_batch(&format!(
        "insert into temp.sums (dimension, value, path, visitors, visitors_1, visitors_2, pageviews, events) \
           select '{dimension}', value, path, {NEW}, sum(pageviews), sum(events) from ({}) where d group by value, path; \
         insert into temp.sums (dimension, value, path, visits, visits_1, visits_2) \
           select '{dimension}', value, path, {NEW} from ({}) where d group by value, path",
        by("visitor"),
        by("visit")
    ))
}

/// Moves the sums into `daily` and says that they hold.
fn write(connection: &Connection, day: &SiteDay) -> duckdb::Result<()> {
    let roll: i64 = connection.query_row(
        "select 1 + greatest((select coalesce(max(roll), 0) from rolled), (select coalesce(max(roll), 0) from daily))",
        [],
        |row| row.get(0),
    )?;
    let (site, date, from, to) = (day.site.0, day.day, instant(day.from), instant(day.to));
    connection.execute_batch(&format!(
        "begin; delete from rolled where site = {site} and day = date '{date}'; \
         insert into rolled values ({site}, date '{date}', {from}, {to}, {roll}); \
         insert into daily by name select {site} as site, date '{date}' as day, {roll} as roll, dimension, value, path, \
           coalesce(sum(visitors), 0) as visitors, coalesce(sum(visitors_1), 0) as visitors_1, coalesce(sum(visitors_2), 0) as visitors_2, \
           coalesce(sum(visits), 0) as visits, coalesce(sum(visits_1), 0) as visits_1, coalesce(sum(visits_2), 0) as visits_2, coalesce(sum(started), 0) as started, \
           coalesce(sum(started_pageviews), 0) as started_pageviews, coalesce(sum(started_bounces), 0) as started_bounces, coalesce(sum(started_duration), 0) as started_duration, \
           coalesce(sum(carried), 0) as carried, coalesce(sum(carried_pageviews), 0) as carried_pageviews, coalesce(sum(carried_bounces), 0) as carried_bounces, \
           coalesce(sum(carried_duration), 0) as carried_duration, coalesce(sum(pageviews), 0) as pageviews, coalesce(sum(events), 0) as events \
         from temp.sums group by dimension, value, path order by dimension, visitors desc; \
         drop table temp.sums; commit;"
    ))
}
