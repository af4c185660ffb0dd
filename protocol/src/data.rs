//! What goes into a site and out of it: imports, how far they are, and what came of them.

use crate::{Domain, time::Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Everything that the page "Import & export" shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataPage {
    /// Of which site.
    pub domain: Domain,
    /// The import that runs or ran last since the server started.
    pub job: Option<ImportJob>,
    /// Imports that are in, the newest first.
    pub imports: Vec<ImportView>,
    /// Days after which events are deleted.
    pub retention_days: Option<u32>,
    /// Bytes of one upload at most.
    pub limit: u64,
}

/// An import that runs or has run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportJob {
    /// Where it stands.
    pub state: ImportState,
    /// Whether it only says what would come.
    pub dry_run: bool,
    /// What the files are called.
    pub name: String,
    /// Why it failed.
    pub error: Option<String>,
    /// How much of the files has been read, in percent.
    pub percent: u8,
    /// Rows or lines that have been read.
    pub rows: u64,
    /// Events that came of them.
    pub events: u64,
    /// Visits that came of them.
    pub visits: u64,
    /// Days that something came of.
    pub days: u64,
    /// The first and the last of them: `2026-01-31`.
    pub first_day: Option<String>,
    /// The last.
    pub last_day: Option<String>,
    /// Rows that were left out, by reason.
    pub skipped: BTreeMap<String, u64>,
    /// What was wrong with the first rows that could not be read.
    pub examples: Vec<String>,
}

/// Where an import stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImportState {
    /// It goes on.
    #[default]
    Running,
    /// It is complete.
    Done,
    /// It ended early, and nothing of it is left.
    Failed,
}

/// An import that is in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportView {
    /// Its number.
    pub id: i64,
    /// `plausible`, `access_log`, `ndjson`.
    pub kind: String,
    /// What the files were called.
    pub name: String,
    /// When it was made.
    pub at: Timestamp,
    /// The first day that it has figures of.
    pub first_day: Option<String>,
    /// The last.
    pub last_day: Option<String>,
    /// Events that came with it.
    pub events: u64,
    /// Visits that came with it.
    pub visits: u64,
}
