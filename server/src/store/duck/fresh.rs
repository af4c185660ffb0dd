//! The visits that have not ended, in a table in memory beside the store: `fresh.visits`, shared by all who ask. It is brought up to date
//! from the events that came since, so that its cost follows their number and not how many visits are open.

use super::fault;
use crate::{
    clock::SharedClock,
    store::{AskError, StoreError},
};
use duckdb::{Connection, params};
use parking_lot::Mutex;
use std::path::PathBuf;

/// Columns that a visit has from the event that opened it, and all its events carry.
const CARRIED: &str = "referrer, source, medium, utm_source, utm_medium, utm_campaign, utm_content, utm_term, \
     browser, browser_version, os, os_version, device, screen, country, language, region, city, channel";

/// Bringing it up to date may take this share of the time: one part in so many.
const SHARE: i64 = 6;

/// Where the table is in the store's history.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct State {
    last_seq: i64,
    batch: i64,
    rewritten: i64,
}

#[derive(Debug, Default)]
struct Kept {
    state: Option<State>,
    /// Rows deleted since the table was made: in memory they are never given back.
    dead: i64,
    /// When it was last brought up to date, and how long that took.
    at: i64,
    took: i64,
}

/// The table's keeper.
pub(super) struct Fresh {
    path: PathBuf,
    connection: Mutex<(Connection, Kept)>,
    clock: SharedClock,
    /// How old it may be, in milliseconds; 0 is never.
    may_be_old: i64,
}

impl Fresh {
    pub(super) fn new(
        path: PathBuf,
        connection: Connection,
        clock: SharedClock,
        may_be_old: i64,
    ) -> Result<Self, StoreError> {
        connection
            .execute_batch("attach if not exists ':memory:' as fresh")
            .map_err(|e| fault(&path, &e))?;
        Ok(Self {
            path,
            connection: Mutex::new((connection, Kept::default())),
            clock,
            may_be_old,
        })
    }

    /// Brings the table up to date if it is too old. Who finds another at it takes the table as it is, if that is allowed.
    pub(super) fn refresh(&self) -> Result<(), AskError> {
        let mut held = match self.connection.try_lock() {
            Some(held) => held,
            None if self.may_be_old > 0 => {
                // Only the very first table has to be waited for.
                let held = self.connection.lock();
                if held.1.state.is_some() {
                    return Ok(());
                }
                held
            }
            None => self.connection.lock(),
        };
        let (connection, kept) = &mut *held;
        let now = self.clock.now().millis();
        if kept.state.is_some()
            && self.may_be_old > 0
            && now - kept.at < self.may_be_old.max(kept.took * SHARE)
        {
            return Ok(());
        }
        let outcome = update(connection, kept);
        if outcome.is_err() {
            // The next one begins anew.
            kept.state = None;
            if let Err(error) = connection.execute_batch("rollback") {
                tracing::debug!(%error, "nothing to roll back");
            }
        }
        kept.at = self.clock.now().millis();
        kept.took = kept.at - now;
        outcome.map_err(|e| AskError::Store(fault(&self.path, &e)))
    }
}

fn update(connection: &Connection, kept: &mut Kept) -> duckdb::Result<()> {
    connection.execute_batch("begin")?;
    let (now, oldest_open) = connection.query_row(
        "select last_seq, batch, rewritten, oldest_open from progress",
        [],
        |row| {
            let state = State {
                last_seq: row.get(0)?,
                batch: row.get(1)?,
                rewritten: row.get(2)?,
            };
            Ok((state, row.get::<_, i64>(3)?))
        },
    )?;
    let (live, dead) = match kept.state {
        Some(before) if before == now => {
            return connection.execute_batch("rollback");
        }
        Some(before) if before.rewritten == now.rewritten => {
            let gone = advance(connection, before, now)?;
            let live: i64 =
                connection.query_row("select count(*) from fresh.visits", [], |row| row.get(0))?;
            (live, kept.dead + gone)
        }
        _ => (rebuild(connection, oldest_open)?, 0),
    };
    let dead = if dead > 10_000 && dead > 2 * live {
        connection.execute_batch(
            "create table fresh.kept as select * from fresh.visits; drop table fresh.visits; \
             alter table fresh.kept rename to visits",
        )?;
        0
    } else {
        dead
    };
    connection.execute_batch(&format!(
        "create or replace table fresh.state as select {}::bigint as batch",
        now.batch
    ))?;
    connection.execute_batch("commit")?;
    kept.state = Some(now);
    kept.dead = dead;
    Ok(())
}

/// From all events of visits that may be open.
fn rebuild(connection: &Connection, oldest_open: i64) -> duckdb::Result<i64> {
    let of_events = of_events(&format!(
        "visit >= {oldest_open} and visit not in (select visit from visits where visit >= {oldest_open})"
    ));
    connection.execute_batch(&format!("create or replace table fresh.visits as {of_events}"))?;
    connection.query_row("select count(*) from fresh.visits", [], |row| row.get(0))
}

/// From the events since; gives how many rows were deleted.
fn advance(connection: &Connection, before: State, now: State) -> duckdb::Result<i64> {
    let of_events =
        of_events("seq > $1 and seq <= $2 and visit not in (select visit from visits where batch > $3)");
    connection.execute(
        &format!("create or replace temp table delta as {of_events}"),
        params![before.last_seq, now.last_seq, before.batch],
    )?;
    connection.execute_batch(
        "insert into temp.delta select * from fresh.visits where visit in (select visit from temp.delta)",
    )?;
    let gone = connection.execute(
        "delete from fresh.visits where visit in (select visit from temp.delta) \
           or visit in (select visit from visits where batch > $1)",
        params![before.batch],
    )?;
    let carried = each(|column| format!("any_value({column}) as {column}"));
    connection.execute_batch(&format!(
        "insert into fresh.visits select visit, any_value(site), any_value(visitor), min(start_at), max(last_at), \
           sum(pageviews)::bigint as views, sum(events)::bigint, views < 2 and not bool_or(interacted), \
           arg_min(entry_hostname, entry_key), arg_min(entry_path, entry_key), \
           arg_max(exit_hostname, exit_key), arg_max(exit_path, exit_key), {carried}, \
           bool_or(interacted), min(entry_key), max(exit_key) \
         from temp.delta group by visit"
    ))?;
    Ok(i64::try_from(gone).unwrap_or(i64::MAX))
}

fn each(column: impl Fn(&str) -> String) -> String {
    CARRIED
        .split(", ")
        .map(|name| column(name.trim()))
        .collect::<Vec<_>>()
        .join(", ")
}

/// Visits as far as these events make them. Entry is the earliest page, exit the latest; of two at the same time their numbers decide.
fn of_events(condition: &str) -> String {
    let carried = each(|column| format!("any_value({column}) as {column}"));
    let key = "(epoch_us(happened_at)::hugeint * 1000000000000 + seq)";
    let page = "filter (kind = 'pageview')";
    format!(
        "select visit, any_value(site) as site, any_value(visitor) as visitor, min(happened_at) as start_at, \
           max(happened_at) as last_at, count(*) {page} as pageviews, count(*) filter (kind <> 'engagement') as events, \
           count(*) {page} < 2 and not bool_or(kind = 'custom') as bounce, \
           arg_min(hostname, {key}) {page} as entry_hostname, arg_min(path, {key}) {page} as entry_path, \
           arg_max(hostname, {key}) {page} as exit_hostname, arg_max(path, {key}) {page} as exit_path, {carried}, \
           bool_or(kind = 'custom') as interacted, min({key}) {page} as entry_key, max({key}) {page} as exit_key \
         from events where {condition} group by visit"
    )
}
