//! The writer: batches in, all or nothing, progress in the same transaction.

use super::{change, fault, late::Late};
use crate::{
    event::{Client, Event, Kind, Utm},
    sessions::{Page, Visit},
    store::{Batch, EventStore, Progress, StoreError},
};
use duckdb::{
    Appender, Connection, ToSql, Transaction, params, params_from_iter,
    types::{TimeUnit, Value},
};
use pulsecast_protocol::Timestamp;
use std::{collections::HashMap, path::PathBuf};

/// How many paths' numbers are remembered; beyond, all are forgotten and looked up again.
const REMEMBERED_PATHS: usize = 200_000;

/// Writes events and visits.
pub struct DuckWriter {
    path: PathBuf,
    connection: Connection,
    paths: HashMap<Box<str>, i32>,
    next_path: i32,
    late: Late,
    /// Rows were taken away since paths were last looked through: the last that named some of them may be gone.
    took_away: bool,
}

impl DuckWriter {
    pub(super) fn new(path: PathBuf, connection: Connection, late: Late) -> Self {
        Self {
            path,
            connection,
            paths: HashMap::new(),
            next_path: 0,
            late,
            took_away: false,
        }
    }

    fn with<T>(
        &mut self,
        work: impl FnOnce(&Connection, &mut HashMap<Box<str>, i32>, &mut i32) -> duckdb::Result<T>,
    ) -> Result<T, StoreError> {
        let outcome = work(&self.connection, &mut self.paths, &mut self.next_path);
        outcome.map_err(|error| {
            // Numbers given to paths in the failed transaction are not in the table.
            self.paths.clear();
            self.connect_again();
            fault(&self.path, &error)
        })
    }

    /// Whatever the failed transaction left in the connection ends with it. Another connection to the same database, never the file once more: readers
    /// hold the one that is open, and the engine would write two databases over each other.
    fn connect_again(&mut self) {
        match self.connection.try_clone() {
            Ok(connection) => self.connection = connection,
            Err(error) => tracing::warn!(%error, "the event store's writer keeps its connection"),
        }
    }
}

impl EventStore for DuckWriter {
    fn progress(&mut self) -> Result<Progress, StoreError> {
        self.with(|connection, _, _| progress(connection))
    }

    fn append(&mut self, batch: &Batch) -> Result<(), StoreError> {
        let late = self.late.clone();
        self.with(|connection, paths, next_path| {
            let mut late = late.writing();
            let transaction = connection.unchecked_transaction()?;
            let done = progress(&transaction)?;
            let number = batch.number.unwrap_or(done.batch + 1);
            // After an error whose commit did reach the disk, the same batch comes again.
            if number <= done.batch {
                return transaction.commit();
            }
            let events: Vec<&Event> = batch
                .events
                .iter()
                .filter(|event| event.seq > done.last_seq)
                .collect();
            if events.is_empty() && !batch.events.is_empty() {
                return transaction.commit();
            }
            let pages = events.iter().map(|event| event.hit.path.as_str());
            let ends = batch
                .ended
                .iter()
                .flat_map(|visit| visit.entry.iter().chain(&visit.exit));
            number_paths(
                &transaction,
                paths,
                next_path,
                pages.chain(ends.map(|page| page.path.as_str())),
            )?;
            append_all(&transaction, "events", &events, |appender, event| {
                append_event(appender, event, paths)
            })?;
            append_all(&transaction, "visits", &batch.ended, |appender, visit| {
                append_visit(appender, visit, paths, number)
            })?;
            late.unroll(&transaction, batch)?;
            let last_seq = events.last().map_or(done.last_seq, |event| event.seq);
            let oldest_open = batch.oldest_open.unwrap_or(done.oldest_open).0;
            for site in &batch.removed {
                transaction.execute("delete from events where site = ?", params![site.0])?;
                transaction.execute("delete from visits where site = ?", params![site.0])?;
                change::remove_imports(&transaction, *site)?;
            }
            for change in &batch.changes {
                change::apply(&transaction, change)?;
            }
            transaction.execute(
                "update progress set last_seq = ?, oldest_open = ?, batch = ?, rewritten = rewritten + ?",
                params![last_seq, oldest_open, number, i32::from(batch.takes_away())],
            )?;
            transaction.commit()
        })?;
        self.took_away |= batch.takes_away();
        Ok(())
    }

    fn checkpoint(&mut self) -> Result<(), StoreError> {
        if std::mem::take(&mut self.took_away) {
            self.with(|connection, paths, _| {
                // Numbers that nobody has may be given to other paths.
                paths.clear();
                connection.execute_batch(FORGET_PATHS)
            })?;
        }
        self.with(|connection, _, _| connection.execute_batch("checkpoint"))
    }
}

/// Paths that no event and no visit has. Only the writer may do so: it gives numbers to paths and writes the rows that have them. Sums of days have
/// paths of events that are there, else they are none.
const FORGET_PATHS: &str = "delete from paths where id not in (select path from events \
     union select entry_path from visits where entry_path is not null \
     union select exit_path from visits where exit_path is not null)";

fn progress(connection: &Connection) -> duckdb::Result<Progress> {
    connection.query_row("select last_seq, oldest_open, batch from progress", [], |row| {
        Ok(Progress {
            last_seq: row.get(0)?,
            oldest_open: crate::event::VisitId(row.get(1)?),
            batch: row.get(2)?,
        })
    })
}

/// Makes sure that every path has a number in the dictionary and is remembered.
fn number_paths<'a>(
    transaction: &Transaction<'_>,
    known: &mut HashMap<Box<str>, i32>,
    next: &mut i32,
    wanted: impl Iterator<Item = &'a str>,
) -> duckdb::Result<()> {
    let wanted: std::collections::BTreeSet<&str> = wanted.collect();
    if known.len() + wanted.len() > REMEMBERED_PATHS {
        known.clear();
    }
    let missing: Vec<&str> = wanted
        .into_iter()
        .filter(|path| !known.contains_key(*path))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    *next = transaction.query_row("select coalesce(max(id), 0) + 1 from paths", [], |row| row.get(0))?;
    for chunk in missing.chunks(1000) {
        let marks = vec!["?"; chunk.len()].join(",");
        let mut select =
            transaction.prepare(&format!("select path, id from paths where path in ({marks})"))?;
        let rows = select.query_map(params_from_iter(chunk), |row| {
            Ok((row.get::<_, String>(0)?, row.get(1)?))
        })?;
        for row in rows {
            let (path, id) = row?;
            known.insert(path.into_boxed_str(), id);
        }
    }
    let mut appender = transaction.appender("paths")?;
    for path in missing {
        if !known.contains_key(path) {
            appender.append_row(params![*next, path])?;
            known.insert(path.into(), *next);
            *next += 1;
        }
    }
    appender.flush()
}

fn append_all<T>(
    transaction: &Transaction<'_>,
    table: &str,
    rows: &[T],
    append: impl Fn(&mut Appender<'_>, &T) -> duckdb::Result<()>,
) -> duckdb::Result<()> {
    let mut appender = transaction.appender(table)?;
    rows.iter().try_for_each(|row| append(&mut appender, row))?;
    appender.flush()
}

/// The first and the last millisecond that the engine has a name for.
const TIMES: (i64, i64) = (-9_223_372_022_400_000, 9_223_372_036_854_000);

pub(super) fn timestamp(at: Timestamp) -> Value {
    let millis = at.millis().clamp(TIMES.0, TIMES.1);
    Value::Timestamp(TimeUnit::Microsecond, millis * 1000)
}

/// How a kind is written.
pub(super) const fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Pageview => "pageview",
        Kind::Custom => "custom",
        Kind::CustomPassive => "passive",
        Kind::Engagement => "engagement",
    }
}

fn append_event(
    appender: &mut Appender<'_>,
    event: &Event,
    paths: &HashMap<Box<str>, i32>,
) -> duckdb::Result<()> {
    let hit = &event.hit;
    let at = timestamp(hit.at);
    let kind = kind_name(hit.kind);
    let path = paths.get(hit.path.as_str());
    let props = (!hit.props.is_empty()).then(|| serde_json::to_string(&hit.props).unwrap_or_default());
    let (amount, currency) = hit
        .revenue
        .as_ref()
        .map_or((None, None), |(amount, currency)| (Some(*amount), Some(currency)));
    let mut row: Vec<&dyn ToSql> = vec![
        &event.seq,
        &hit.site.0,
        &at,
        &kind,
        &hit.name,
        &event.visitor.0,
        &event.visit.0,
        &hit.hostname,
        &path,
    ];
    row.extend::<[&dyn ToSql; 3]>([&hit.referrer, &hit.source, &hit.medium]);
    row.extend(utm_columns(&hit.utm));
    row.extend(client_columns(&hit.client));
    row.extend::<[&dyn ToSql; 5]>([&props, &amount, &currency, &hit.scroll_depth, &hit.engaged]);
    row.extend(appended_columns(&hit.client, &hit.channel));
    appender.append_row(row.as_slice())
}

fn append_visit(
    appender: &mut Appender<'_>,
    visit: &Visit,
    paths: &HashMap<Box<str>, i32>,
    batch: i64,
) -> duckdb::Result<()> {
    let number = |page: &Option<Page>| {
        page.as_ref()
            .and_then(|page| paths.get(page.path.as_str()).copied())
    };
    let host = |page: &Option<Page>| page.as_ref().map(|page| page.hostname.clone());
    let (start, last, bounce) = (timestamp(visit.start), timestamp(visit.last), visit.is_bounce());
    let (entry_host, entry, exit_host, exit) = (
        host(&visit.entry),
        number(&visit.entry),
        host(&visit.exit),
        number(&visit.exit),
    );
    let mut row: Vec<&dyn ToSql> = vec![
        &visit.id.0,
        &visit.site.0,
        &visit.visitor.0,
        &start,
        &last,
        &visit.pageviews,
        &visit.events,
        &bounce,
    ];
    row.extend::<[&dyn ToSql; 4]>([&entry_host, &entry, &exit_host, &exit]);
    row.extend::<[&dyn ToSql; 3]>([&visit.referrer, &visit.source, &visit.medium]);
    row.extend(utm_columns(&visit.utm));
    row.extend(client_columns(&visit.client));
    row.extend(appended_columns(&visit.client, &visit.channel));
    row.push(&batch);
    appender.append_row(row.as_slice())
}

fn utm_columns(utm: &Utm) -> [&dyn ToSql; 5] {
    [&utm.source, &utm.medium, &utm.campaign, &utm.content, &utm.term]
}

/// Those of migration 2, at the end of both tables.
fn appended_columns<'a>(client: &'a Client, channel: &'a Option<String>) -> [&'a dyn ToSql; 3] {
    [&client.region, &client.city, channel]
}

fn client_columns(client: &Client) -> [&dyn ToSql; 8] {
    let c = client;
    [
        &c.browser,
        &c.browser_version,
        &c.os,
        &c.os_version,
        &c.device,
        &c.screen,
        &c.country,
        &c.language,
    ]
}
