//! Questions about history: a pool of connections, each answering one question at a time on a state of its own.

use super::{fault, fresh::Fresh};
use crate::{
    clock::SharedClock,
    store::{AskError, Cell, Snapshot, StatsSession, StatsStore, Stop, StoreError},
};
use duckdb::{Connection, Row, params_from_iter, types::ValueRef};
use parking_lot::Mutex;
use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// Connections kept for the next question; more are closed.
const KEPT: usize = 8;

struct Shared {
    path: PathBuf,
    /// Cloned for sessions.
    first: Mutex<Connection>,
    idle: Mutex<Vec<Connection>>,
    fresh: Fresh,
}

/// Sessions over DuckDB.
pub struct DuckStats(Arc<Shared>);

impl DuckStats {
    pub(super) fn new(
        path: PathBuf,
        first: Connection,
        clock: SharedClock,
        may_be_old: i64,
    ) -> Result<Self, StoreError> {
        let own = first.try_clone().map_err(|e| fault(&path, &e))?;
        Ok(Self(Arc::new(Shared {
            fresh: Fresh::new(path.clone(), own, clock, may_be_old)?,
            path,
            first: Mutex::new(first),
            idle: Mutex::new(Vec::new()),
        })))
    }
}

impl StatsStore for DuckStats {
    fn session(&self) -> Result<Box<dyn StatsSession>, AskError> {
        let idle = self.0.idle.lock().pop();
        let connection = match idle {
            Some(connection) => connection,
            None => self
                .0
                .first
                .lock()
                .try_clone()
                .map_err(|e| fault(&self.0.path, &e))?,
        };
        Ok(Box::new(Session {
            shared: self.0.clone(),
            connection: Some(connection),
            stopped: Arc::default(),
        }))
    }
}

struct Session {
    shared: Arc<Shared>,
    /// `None` only while it is dropped.
    connection: Option<Connection>,
    stopped: Arc<AtomicBool>,
}

impl Session {
    fn run(&self, sql: &str, texts: &[String]) -> Result<Vec<Vec<Cell>>, AskError> {
        let Some(connection) = &self.connection else {
            return Err(AskError::Cancelled);
        };
        if self.stopped.load(Ordering::Acquire) {
            return Err(AskError::Cancelled);
        }
        rows(connection, sql, texts).map_err(|error| self.reason(&error))
    }

    fn reason(&self, error: &duckdb::Error) -> AskError {
        let message = error.to_string();
        if self.stopped.load(Ordering::Acquire) || message.contains("INTERRUPT") {
            AskError::Cancelled
        } else if message.contains("Out of Memory") || message.contains("max_temp_directory_size") {
            AskError::TooBig
        } else if let Some(at) = message.find("Invalid Input Error: ") {
            let reason = &message[at + "Invalid Input Error: ".len()..];
            AskError::Refused(reason.lines().next().unwrap_or_default().to_owned())
        } else {
            AskError::Store(fault(&self.shared.path, error))
        }
    }
}

fn rows(connection: &Connection, sql: &str, texts: &[String]) -> duckdb::Result<Vec<Vec<Cell>>> {
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query(params_from_iter(texts))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let columns = row.as_ref().column_count();
        found.push(
            (0..columns)
                .map(|i| cell(row, i))
                .collect::<duckdb::Result<_>>()?,
        );
    }
    Ok(found)
}

fn cell(row: &Row<'_>, index: usize) -> duckdb::Result<Cell> {
    Ok(match row.get_ref(index)? {
        ValueRef::Boolean(is) => Cell::Int(i128::from(is)),
        ValueRef::TinyInt(n) => Cell::Int(n.into()),
        ValueRef::SmallInt(n) => Cell::Int(n.into()),
        ValueRef::Int(n) => Cell::Int(n.into()),
        ValueRef::BigInt(n) => Cell::Int(n.into()),
        ValueRef::HugeInt(n) => Cell::Int(n),
        ValueRef::UTinyInt(n) => Cell::Int(n.into()),
        ValueRef::USmallInt(n) => Cell::Int(n.into()),
        ValueRef::UInt(n) => Cell::Int(n.into()),
        ValueRef::UBigInt(n) => Cell::Int(n.into()),
        ValueRef::Float(x) => Cell::Real(x.into()),
        ValueRef::Double(x) => Cell::Real(x),
        ValueRef::Text(bytes) => Cell::Text(String::from_utf8_lossy(bytes).into_owned()),
        _ => Cell::Null,
    })
}

impl StatsSession for Session {
    fn stop(&self) -> Stop {
        let handle = self.connection.as_ref().map(Connection::interrupt_handle);
        let stopped = self.stopped.clone();
        Arc::new(move || {
            stopped.store(true, Ordering::Release);
            if let Some(handle) = &handle {
                handle.interrupt();
            }
        })
    }

    fn begin(&mut self) -> Result<Snapshot, AskError> {
        self.shared.fresh.refresh()?;
        self.run("begin", &[])?;
        // The open visits first: whatever is seen of the store after that is at least as new, and says by batch what is newer.
        let state = self.run("select batch from fresh.state", &[])?;
        let batch = state.first().and_then(|row| row.first()).map_or(0, Cell::int);
        Ok(Snapshot {
            batch: i64::try_from(batch).unwrap_or(i64::MAX),
        })
    }

    fn ask(&mut self, sql: &str, texts: &[String]) -> Result<Vec<Vec<Cell>>, AskError> {
        self.run(sql, texts)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // Who may still hold a handle to stop it must not stop the next one's question.
        if self.stopped.load(Ordering::Acquire) || Arc::strong_count(&self.stopped) > 1 {
            return;
        }
        if let Some(connection) = self.connection.take()
            && connection.execute_batch("rollback").is_ok()
        {
            let mut idle = self.shared.idle.lock();
            if idle.len() < KEPT {
                idle.push(connection);
            }
        }
    }
}
