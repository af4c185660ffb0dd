//! The durable inbox: a small SQLite file that an event is on before it is acknowledged. One writer, one commit for whatever waits.

use super::aside;
use crate::event::Hit;
use rusqlite::{Connection, params};
use std::path::{Path, PathBuf};

/// What can go wrong with the file. The caller answers 503 and tries again with the next batch.
#[derive(Debug, thiserror::Error)]
pub enum InboxError {
    /// SQLite says no: disk full, file locked, disk gone.
    #[error("the inbox {path} cannot be written: {source}")]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// A row is not what this binary writes.
    #[error(
        "the inbox {path} holds an event {seq} that cannot be read ({source}): it was written by a newer pulsecast or is damaged"
    )]
    Row {
        /// The file.
        path: PathBuf,
        /// Its number.
        seq: u64,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// The file was written by a newer binary.
    #[error(
        "the inbox {path} has schema {found}, this pulsecast knows {known}: upgrade the binary or restore a backup"
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its schema.
        found: i64,
        /// Ours.
        known: i64,
    },
}

const SCHEMA: i64 = 1;

/// The file and the number of the next event.
#[derive(Debug)]
pub struct InboxFile {
    path: PathBuf,
    /// Closed after an error, and opened again with the next batch.
    connection: Option<Connection>,
    next: u64,
}

impl InboxFile {
    /// Opens or makes the file. Numbers go on after the last in the file and after `moved`, the last that the event store has.
    ///
    /// # Errors
    /// When it cannot be opened or is of a newer schema.
    pub fn open(path: &Path, moved: u64) -> Result<Self, InboxError> {
        let fault = |source| InboxError::Sqlite {
            path: path.to_owned(),
            source,
        };
        let connection = connect(path).map_err(fault)?;
        let found: i64 = connection
            .query_row("pragma user_version", [], |row| row.get(0))
            .map_err(fault)?;
        if found > SCHEMA {
            return Err(InboxError::Newer {
                path: path.to_owned(),
                found,
                known: SCHEMA,
            });
        }
        connection
            .execute_batch(&format!(
                "create table if not exists inbox (seq integer primary key, body blob not null); {}; pragma user_version = {SCHEMA};",
                aside::SCHEMA
            ))
            .map_err(fault)?;
        let last: u64 = connection
            // A number is never given twice, that of what the event store has refused neither.
            .query_row(
                "select max((select coalesce(max(seq), 0) from inbox), (select coalesce(max(seq), 0) from refused))",
                [],
                |row| row.get(0),
            )
            .map_err(fault)?;
        Ok(Self {
            path: path.to_owned(),
            connection: Some(connection),
            next: last.max(moved) + 1,
        })
    }

    /// How many events and visits the event store has refused, ever.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn refused(&mut self) -> Result<u64, InboxError> {
        let path = self.path.clone();
        let count = self
            .connection()
            .and_then(|c| c.query_row("select count(*) from refused", [], |row| row.get(0)));
        count.map_err(|source| InboxError::Sqlite { path, source })
    }

    /// Puts events on disk, all or none, and gives the number of the first; the others follow without gap. When this returns, they
    /// survive the loss of power.
    ///
    /// # Errors
    /// When the disk does not take them; nothing was written and no number was used.
    pub fn append<'a>(&mut self, hits: impl ExactSizeIterator<Item = &'a Hit>) -> Result<u64, InboxError> {
        let first = self.next;
        let count = hits.len() as u64;
        let outcome = self.try_append(hits);
        match outcome {
            Ok(()) => {
                self.next += count;
                Ok(first)
            }
            Err(source) => {
                self.connection = None;
                Err(InboxError::Sqlite {
                    path: self.path.clone(),
                    source,
                })
            }
        }
    }

    /// Takes numbers for events that do not go through the file, and gives the first. They are used again if nothing of what got them reaches the
    /// event store.
    pub fn reserve(&mut self, count: u64) -> u64 {
        let first = self.next;
        self.next += count;
        first
    }

    fn try_append<'a>(&mut self, hits: impl Iterator<Item = &'a Hit>) -> Result<(), rusqlite::Error> {
        let mut seq = self.next;
        let transaction = self.connection()?.transaction()?;
        {
            let mut insert = transaction.prepare_cached("insert into inbox (seq, body) values (?1, ?2)")?;
            for hit in hits {
                let body = serde_json::to_vec(hit)
                    .map_err(|e| rusqlite::Error::ToSqlConversionFailure(Box::new(e)))?;
                insert.execute(params![seq, body])?;
                seq += 1;
            }
        }
        transaction.commit()
    }

    fn connection(&mut self) -> Result<&mut Connection, rusqlite::Error> {
        if self.connection.is_none() {
            let connection = connect(&self.path)?;
            // A commit that failed may yet have reached the disk: what is there is nobody's, it was never acknowledged.
            connection.execute("delete from inbox where seq >= ?1", [self.next])?;
            self.connection = Some(connection);
        }
        self.connection.as_mut().ok_or(rusqlite::Error::InvalidQuery)
    }

    /// Events after `seq`, oldest first, at most `limit`.
    ///
    /// # Errors
    /// When the file or a row cannot be read.
    pub fn after(&mut self, seq: u64, limit: usize) -> Result<Vec<(u64, Hit)>, InboxError> {
        let path = self.path.clone();
        let fault = |source| InboxError::Sqlite {
            path: path.clone(),
            source,
        };
        let connection = self.connection().map_err(fault)?;
        let mut select = connection
            .prepare_cached("select seq, body from inbox where seq > ?1 order by seq limit ?2")
            .map_err(fault)?;
        let rows = select
            .query_map(params![seq, i64::try_from(limit).unwrap_or(i64::MAX)], |row| {
                Ok((row.get::<_, u64>(0)?, row.get::<_, Vec<u8>>(1)?))
            })
            .map_err(fault)?;
        rows.map(|row| {
            let (seq, body) = row.map_err(fault)?;
            let hit = serde_json::from_slice(&body).map_err(|source| InboxError::Row {
                path: path.clone(),
                seq,
                source,
            })?;
            Ok((seq, hit))
        })
        .collect()
    }

    /// Forgets events that the event store has.
    ///
    /// # Errors
    /// When the disk does not take it; harmless, as they are skipped at the next start.
    pub fn discard_through(&mut self, seq: u64) -> Result<(), InboxError> {
        let outcome = self.connection().and_then(|c| {
            c.prepare_cached("delete from inbox where seq <= ?1")?
                .execute([seq])
        });
        outcome.map(drop).map_err(|source| {
            self.connection = None;
            InboxError::Sqlite {
                path: self.path.clone(),
                source,
            }
        })
    }
}

pub(super) fn connect(path: &Path) -> Result<Connection, rusqlite::Error> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(std::time::Duration::from_secs(2))?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "full")?;
    // The file stays small: what is moved is deleted and its pages are used again.
    connection.pragma_update(None, "wal_autocheckpoint", 4000)?;
    connection.pragma_update(None, "journal_size_limit", 64 << 20)?;
    Ok(connection)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sessions::fixture::hit;

    fn file() -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("inbox.sqlite");
        (dir, path)
    }

    #[test]
    fn what_was_appended_is_there_after_reopening() {
        let (_dir, path) = file();
        let hits = [hit(1, 0, "/a"), hit(2, 0, "/b")];
        assert_eq!(InboxFile::open(&path, 0).unwrap().append(hits.iter()).unwrap(), 1);
        let mut again = InboxFile::open(&path, 0).unwrap();
        let rows = again.after(0, 10).unwrap();
        assert_eq!(rows, vec![(1, hits[0].clone()), (2, hits[1].clone())]);
        assert_eq!(again.append(hits[..1].iter()).unwrap(), 3);
    }

    #[test]
    fn a_number_is_never_used_again_even_when_the_file_was_emptied_or_lost() {
        let (_dir, path) = file();
        let mut inbox = InboxFile::open(&path, 0).unwrap();
        inbox.append([hit(1, 0, "/")].iter()).unwrap();
        inbox.discard_through(1).unwrap();
        assert_eq!(inbox.append([hit(1, 0, "/")].iter()).unwrap(), 2);
        drop(inbox);
        std::fs::remove_file(&path).unwrap();
        assert_eq!(
            InboxFile::open(&path, 2)
                .unwrap()
                .append([hit(1, 0, "/")].iter())
                .unwrap(),
            3
        );
    }

    #[test]
    fn the_number_of_what_was_refused_is_not_given_again() {
        let (_dir, path) = file();
        let mut inbox = InboxFile::open(&path, 0).unwrap();
        inbox.append([hit(1, 0, "/"), hit(1, 1, "/")].iter()).unwrap();
        let connection = Connection::open(&path).unwrap();
        connection
            .execute("insert into refused values ('event', 2, x'7b7d', 'no')", [])
            .unwrap();
        inbox.discard_through(2).unwrap();
        drop(inbox);
        let mut again = InboxFile::open(&path, 1).unwrap();
        assert_eq!(again.append([hit(1, 2, "/")].iter()).unwrap(), 3);
    }

    #[test]
    fn a_locked_file_is_an_error_and_heals_by_itself() {
        let (_dir, path) = file();
        let mut inbox = InboxFile::open(&path, 0).unwrap();
        let other = Connection::open(&path).unwrap();
        other.execute_batch("begin immediate").unwrap();
        assert!(matches!(
            inbox.append([hit(1, 0, "/")].iter()),
            Err(InboxError::Sqlite { .. })
        ));
        other.execute_batch("rollback").unwrap();
        assert_eq!(inbox.append([hit(1, 0, "/")].iter()).unwrap(), 1);
    }

    #[test]
    fn a_newer_file_is_refused_with_advice() {
        let (_dir, path) = file();
        Connection::open(&path)
            .unwrap()
            .execute_batch("pragma user_version = 99")
            .unwrap();
        assert!(
            InboxFile::open(&path, 0)
                .unwrap_err()
                .to_string()
                .contains("upgrade the binary")
        );
    }
}
