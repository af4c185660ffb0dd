//! What the event store refuses for good, beside the events that wait in the inbox: kept, so that nothing acknowledged is ever lost, and out of the
//! way of everybody else's events.

use super::inbox::{InboxError, connect};
use crate::{event::Event, sessions::Visit};
use rusqlite::{Connection, params};
use std::path::{Path, PathBuf};

/// The table. Of an event `body` is what the inbox had, so that a later version can take it in; of a visit it is for people to read.
pub(super) const SCHEMA: &str = "create table if not exists refused (kind text not null, seq integer not null, body blob not null, \
     reason text not null, primary key (kind, seq))";

/// The inbox's table `refused`.
#[derive(Debug)]
pub struct Aside {
    path: PathBuf,
    /// Opened when there is something, and again after an error.
    connection: Option<Connection>,
}

impl Aside {
    /// In this inbox.
    #[must_use]
    pub fn new(inbox: &Path) -> Self {
        Self {
            path: inbox.to_owned(),
            connection: None,
        }
    }

    /// Keeps an event; once, however often it comes.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub fn keep_event(&mut self, event: &Event, reason: &str) -> Result<(), InboxError> {
        let body = serde_json::to_vec(&event.hit).unwrap_or_else(|_| format!("{:?}", event.hit).into_bytes());
        self.keep("event", event.seq, &body, reason)
    }

    /// Keeps a visit, whose events are in the store.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub fn keep_visit(&mut self, visit: &Visit, reason: &str) -> Result<(), InboxError> {
        self.keep("visit", visit.id.0, format!("{visit:?}").as_bytes(), reason)
    }

    fn keep(&mut self, kind: &str, seq: u64, body: &[u8], reason: &str) -> Result<(), InboxError> {
        self.try_keep(kind, seq, body, reason).map_err(|source| {
            self.connection = None;
            InboxError::Sqlite {
                path: self.path.clone(),
                source,
            }
        })
    }

    fn try_keep(&mut self, kind: &str, seq: u64, body: &[u8], reason: &str) -> rusqlite::Result<()> {
        let connection = match &self.connection {
            Some(connection) => connection,
            None => {
                let connection = connect(&self.path)?;
                connection.execute_batch(SCHEMA)?;
                self.connection.insert(connection)
            }
        };
        connection
            .prepare_cached(
                "insert or ignore into refused (kind, seq, body, reason) values (?1, ?2, ?3, ?4)",
            )?
            .execute(params![kind, seq, body, reason])
            .map(drop)
    }
}
