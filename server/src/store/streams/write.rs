//! Writing: all of a batch in one commit, or nothing of it.

use super::{schema, unavailable};
use crate::hub::{Entry, Journal, KEYS_KEPT, Placed, QUIET, Retain, Unavailable};
use pulsecast_protocol::Timestamp;
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

/// The writing half.
#[derive(Debug)]
pub struct StreamsJournal {
    path: PathBuf,
    /// Channels of one group: rooms of one site.
    most: u32,
    /// Closed after an error, and opened again with the next batch.
    connection: Option<Connection>,
    /// Channels of a batch that failed, each with its last offset before: what may have reached the disk nevertheless is nobody's.
    doubtful: HashMap<String, u64>,
}

impl StreamsJournal {
    pub(super) fn new(path: &Path, most: u32) -> Self {
        Self {
            path: path.to_owned(),
            most,
            connection: None,
            doubtful: HashMap::new(),
        }
    }

    /// As if a batch that published here had failed after its commit.
    #[cfg(test)]
    pub(super) fn doubt(&mut self, channel: &str, last: u64) {
        self.doubtful.insert(channel.to_owned(), last);
    }

    fn transaction<T>(
        &mut self,
        act: impl FnOnce(&Transaction<'_>) -> Result<T, rusqlite::Error>,
    ) -> Result<T, Unavailable> {
        let outcome = self.try_transaction(act);
        outcome.map_err(|error| {
            self.connection = None;
            unavailable(&self.path, &error)
        })
    }

    fn try_transaction<T>(
        &mut self,
        act: impl FnOnce(&Transaction<'_>) -> Result<T, rusqlite::Error>,
    ) -> Result<T, rusqlite::Error> {
        let transaction = connect(&mut self.connection, &self.path)?
            .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        for (channel, last) in &self.doubtful {
            take_back(&transaction, channel, *last)?;
        }
        let done = act(&transaction)?;
        transaction.commit()?;
        self.doubtful.clear();
        Ok(done)
    }

    /// Whether any of these channels is on disk: reading takes no lock from whoever publishes.
    fn has_any(&mut self, is_meant: &dyn Fn(&str) -> bool) -> Result<bool, rusqlite::Error> {
        let connection = connect(&mut self.connection, &self.path)?;
        let mut all = connection.prepare_cached("select channel from streams")?;
        let mut all = all.query([])?;
        while let Some(row) = all.next()? {
            if is_meant(row.get_ref(0)?.as_str()?) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

fn connect<'a>(slot: &'a mut Option<Connection>, path: &Path) -> Result<&'a mut Connection, rusqlite::Error> {
    match slot {
        Some(connection) => Ok(connection),
        none => Ok(none.insert(schema::connect(path)?)),
    }
}

impl Journal for StreamsJournal {
    fn append(&mut self, batch: &[Entry<'_>]) -> Result<Vec<Placed>, Unavailable> {
        let most = self.most;
        let outcome = self.transaction(|transaction| append(transaction, batch, most));
        if outcome.is_err() {
            for entry in batch {
                self.doubtful
                    .insert(entry.channel.to_owned(), entry.stands.offset);
            }
        }
        outcome
    }

    fn erase(&mut self, is_meant: &dyn Fn(&str) -> bool) -> Result<usize, Unavailable> {
        let there = self.has_any(is_meant).map_err(|error| {
            self.connection = None;
            unavailable(&self.path, &error)
        })?;
        if !there {
            return Ok(0);
        }
        self.transaction(|transaction| {
            let mut all = transaction.prepare_cached("select id, channel from streams")?;
            let all = all.query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)))?;
            let mut meant = Vec::new();
            for stream in all {
                let (stream, channel) = stream?;
                if is_meant(&channel) {
                    meant.push(stream);
                }
            }
            forget(transaction, &meant)?;
            Ok(meant.len())
        })
    }

    fn sweep(&mut self, families: &[(&'static str, Retain)], now: Timestamp) -> Result<(), Unavailable> {
        self.transaction(|transaction| {
            transaction
                .prepare_cached("delete from keys where at < ?1")?
                .execute([now.plus(-KEYS_KEPT).millis()])?;
            for (kind, retain) in families {
                // By place, not by time alone: a clock that was set back must leave no hole. The index finds the old ones; what is kept is
                // not looked at.
                let mut old = transaction.prepare_cached(
                    "select p.stream, max(p.place) from publications p join streams s on s.id = p.stream
                         where p.at < ?2 and s.kind = ?1 group by p.stream",
                )?;
                let age = params![kind, now.plus(-retain.age).millis()];
                let old = old
                    .query_map(age, |row| Ok((row.get(0)?, row.get(1)?)))?
                    .collect::<Result<Vec<(i64, i64)>, _>>()?;
                for (stream, place) in old {
                    transaction
                        .prepare_cached("delete from publications where stream = ?1 and place <= ?2")?
                        .execute(params![stream, place])?;
                }
                let quiet = now.plus(-retain.age).plus(-QUIET).millis();
                let mut quiet_ones =
                    transaction.prepare_cached("select id from streams where kind = ?1 and at < ?2")?;
                let quiet_ones = quiet_ones
                    .query_map(params![kind, quiet], |row| row.get(0))?
                    .collect::<Result<Vec<i64>, _>>()?;
                forget(transaction, &quiet_ones)?;
            }
            Ok(())
        })
    }
}

/// A channel as the batch has left it so far.
struct Begun {
    stream: i64,
    last: u64,
    at: i64,
    oldest: u64,
}

fn append(
    transaction: &Transaction<'_>,
    batch: &[Entry<'_>],
    most: u32,
) -> Result<Vec<Placed>, rusqlite::Error> {
    let mut begun: HashMap<&str, Begun> = HashMap::new();
    let mut placed = Vec::with_capacity(batch.len());
    for entry in batch {
        let known = match begun.get_mut(entry.channel) {
            Some(known) => known,
            None => match begin(transaction, entry, most)? {
                Some(new) => begun.entry(entry.channel).or_insert(new),
                None => {
                    placed.push(Placed::Full);
                    continue;
                }
            },
        };
        if let Some(before) = before(transaction, known.stream, entry.key)? {
            placed.push(Placed::Before(before));
            continue;
        }
        known.last += 1;
        known.at = entry.at.millis();
        transaction
            .prepare_cached(
                "insert into publications (stream, place, at, payload, info) values (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![
                known.stream,
                known.last,
                known.at,
                entry.payload,
                entry.info
            ])?;
        if let Some(key) = entry.key {
            transaction
                .prepare_cached("insert into keys (stream, key, place, at) values (?1, ?2, ?3, ?4)")?
                .execute(params![known.stream, key, known.last, known.at])?;
        }
        placed.push(Placed::New(known.last));
    }
    for known in begun.values() {
        transaction
            .prepare_cached("update streams set last = ?2, at = ?3 where id = ?1")?
            .execute(params![known.stream, known.last, known.at])?;
        transaction
            .prepare_cached("delete from publications where stream = ?1 and place < ?2")?
            .execute(params![known.stream, known.oldest])?;
    }
    Ok(placed)
}

/// The channel as it is before the batch; `None` where it would be one too many of its group.
fn begin(
    transaction: &Transaction<'_>,
    entry: &Entry<'_>,
    most: u32,
) -> Result<Option<Begun>, rusqlite::Error> {
    let stream = transaction
        .prepare_cached("select id, epoch from streams where channel = ?1")?
        .query_row([entry.channel], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?))
        })
        .optional()?;
    let stream = match stream {
        Some((stream, epoch)) if epoch == entry.stands.epoch => stream,
        None if is_full(transaction, entry.channel, most)? => return Ok(None),
        other => {
            // Readers know the one in memory; a file that was put in place of another under a running server holds nobody's.
            let foreign: Vec<i64> = other.into_iter().map(|(stream, _)| stream).collect();
            forget(transaction, &foreign)?;
            transaction
                .prepare_cached(
                    "insert into streams (channel, kind, epoch, last, at) values (?1, ?2, ?3, ?4, ?5)",
                )?
                .execute(params![
                    entry.channel,
                    entry.kind,
                    entry.stands.epoch,
                    entry.stands.offset,
                    entry.at.millis()
                ])?;
            transaction.last_insert_rowid()
        }
    };
    Ok(Some(Begun {
        stream,
        last: entry.stands.offset,
        at: entry.at.millis(),
        oldest: entry.oldest,
    }))
}

/// Whether there are as many channels already whose names begin alike, up to the second colon, as there may be.
fn is_full(transaction: &Transaction<'_>, channel: &str, most: u32) -> Result<bool, rusqlite::Error> {
    let mut colons = channel.match_indices(':').skip(1);
    let Some((second, _)) = colons.next() else {
        return Ok(false);
    };
    // Behind a colon in the order of characters is a semicolon.
    let group = &channel[..second];
    let there: u32 = transaction
        .prepare_cached("select count(*) from streams where channel > ?1 and channel < ?2")?
        .query_row([format!("{group}:"), format!("{group};")], |row| row.get(0))?;
    Ok(there >= most)
}

/// Where a publication of this key is.
fn before(
    transaction: &Transaction<'_>,
    stream: i64,
    key: Option<&str>,
) -> Result<Option<u64>, rusqlite::Error> {
    let Some(key) = key else { return Ok(None) };
    transaction
        .prepare_cached("select place from keys where stream = ?1 and key = ?2")?
        .query_row(params![stream, key], |row| row.get(0))
        .optional()
}

/// Undoes what of a failed batch reached the disk nevertheless.
fn take_back(transaction: &Transaction<'_>, channel: &str, last: u64) -> Result<(), rusqlite::Error> {
    let of_it = "stream = (select id from streams where channel = ?1) and place > ?2";
    for table in ["publications", "keys"] {
        transaction
            .prepare_cached(&format!("delete from {table} where {of_it}"))?
            .execute(params![channel, last])?;
    }
    transaction
        .prepare_cached("update streams set last = ?2 where channel = ?1 and last > ?2")?
        .execute(params![channel, last])?;
    Ok(())
}

/// Forgets streams. Channels that begin anew are others from then on: see [`schema::first_epoch`].
fn forget(transaction: &Transaction<'_>, streams: &[i64]) -> Result<(), rusqlite::Error> {
    if streams.is_empty() {
        return Ok(());
    }
    for stream in streams {
        for delete in [
            "delete from publications where stream = ?1",
            "delete from keys where stream = ?1",
            "delete from streams where id = ?1",
        ] {
            transaction.prepare_cached(delete)?.execute([stream])?;
        }
    }
    transaction.execute("update meta set seed = randomblob(16)", [])?;
    Ok(())
}
