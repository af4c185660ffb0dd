//! The tables of `streams.sqlite`, and the connections to them.

use super::StreamsError;
use rusqlite::Connection;
use sha2::{Digest, Sha256};
use std::{path::Path, time::Duration};

const SCHEMA: i64 = 1;

const TABLES: &str = "
create table if not exists meta (only integer primary key check (only = 1), seed blob not null);
create table if not exists streams (
    id integer primary key,
    channel text not null unique,
    kind text not null,
    epoch text not null,
    last integer not null,
    at integer not null
);
create table if not exists publications (
    stream integer not null,
    place integer not null,
    at integer not null,
    payload blob not null,
    info blob not null,
    primary key (stream, place)
);
create index if not exists publications_by_age on publications (at, stream, place);
create table if not exists keys (
    stream integer not null,
    key text not null,
    place integer not null,
    at integer not null,
    primary key (stream, key)
) without rowid;
create index if not exists keys_by_age on keys (at);
insert or ignore into meta (only, seed) values (1, randomblob(16));
";

/// Makes what is missing.
pub(super) fn prepare(path: &Path) -> Result<(), StreamsError> {
    let fault = |source| StreamsError::Sqlite {
        path: path.to_owned(),
        source,
    };
    let connection = connect(path).map_err(fault)?;
    let found: i64 = connection
        .query_row("pragma user_version", [], |row| row.get(0))
        .map_err(fault)?;
    if found > SCHEMA {
        return Err(StreamsError::Newer {
            path: path.to_owned(),
            found,
            known: SCHEMA,
        });
    }
    connection
        .execute_batch(&format!(
            "begin immediate; {TABLES} pragma user_version = {SCHEMA}; commit;"
        ))
        .map_err(fault)
}

pub(super) fn connect(path: &Path) -> Result<Connection, rusqlite::Error> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(Duration::from_secs(2))?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "wal_autocheckpoint", 1000)?;
    connection.pragma_update(None, "journal_size_limit", 16 << 20)?;
    Ok(connection)
}

/// The epoch of a channel that nothing was published in yet: the same after each start, so that whoever waits for the first publication
/// recovers it; another once anything was erased, so that no position of before is taken for one of now.
pub(super) fn first_epoch(seed: &[u8], channel: &str) -> String {
    let hash = Sha256::new().chain_update(seed).chain_update(channel).finalize();
    let start = hash
        .iter()
        .take(8)
        .fold(0, |number: u64, byte| number << 8 | u64::from(*byte));
    format!("{start:016x}")
}
