//! How far an import is and what came of it: what its page and `--dry-run` show.

use chrono::NaiveDate;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// Rows that could not be read of which something is told.
const EXAMPLES: usize = 5;

/// Where an import stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It goes on.
    #[default]
    Running,
    /// It is complete.
    Done,
    /// It ended early, and nothing of it is left.
    Failed,
}

/// What has come of an import so far.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Report {
    /// Bytes of the files that have been read.
    pub bytes: u64,
    /// Bytes of the files.
    pub bytes_total: u64,
    /// Rows or lines that have been read.
    pub rows: u64,
    /// Events that came of them.
    pub events: u64,
    /// Visits that came of them.
    pub visits: u64,
    /// Pageviews, by day of the site.
    pub by_day: BTreeMap<NaiveDate, u64>,
    /// Rows that were left out, by reason.
    pub skipped: BTreeMap<String, u64>,
    /// What was wrong with the first rows that could not be read.
    pub examples: Vec<String>,
}

impl Report {
    /// The first and the last day that something came of.
    #[must_use]
    pub fn days(&self) -> Option<(NaiveDate, NaiveDate)> {
        let (first, _) = self.by_day.first_key_value()?;
        let (last, _) = self.by_day.last_key_value()?;
        Some((*first, *last))
    }
}

/// A report that others look at, and a way to ask for the end. A cheap handle.
#[derive(Clone, Debug, Default)]
pub struct Watched(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    report: Mutex<Report>,
    cancelled: AtomicBool,
}

impl Watched {
    /// As it is now.
    #[must_use]
    pub fn report(&self) -> Report {
        self.0.report.lock().clone()
    }

    /// Asks for the end.
    pub fn cancel(&self) {
        self.0.cancelled.store(true, Ordering::Release);
    }

    /// Whether somebody asked for the end.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.cancelled.load(Ordering::Acquire)
    }

    pub(super) fn update(&self, change: impl FnOnce(&mut Report)) {
        change(&mut self.0.report.lock());
    }
}

/// Counts on the reading side, so that the lock is not taken for every row.
#[derive(Debug, Default)]
pub(super) struct Tally {
    rows: u64,
    skipped: BTreeMap<&'static str, u64>,
    by_day: BTreeMap<NaiveDate, u64>,
    examples: Vec<String>,
    told: usize,
}

impl Tally {
    pub(super) fn row(&mut self) {
        self.rows += 1;
    }

    pub(super) fn skip(&mut self, reason: &'static str) {
        *self.skipped.entry(reason).or_default() += 1;
    }

    /// A row that cannot be read.
    pub(super) fn unreadable(&mut self, place: impl FnOnce() -> String) {
        self.skip("unreadable");
        if self.told < EXAMPLES {
            self.told += 1;
            self.examples.push(place());
        }
    }

    pub(super) fn pageviews(&mut self, day: NaiveDate, count: u64) {
        *self.by_day.entry(day).or_default() += count;
    }

    /// Hands over what was counted since the last time.
    pub(super) fn tell(&mut self, watched: &Watched, bytes: u64, events: u64, visits: u64) {
        watched.update(|report| {
            report.bytes = bytes.min(report.bytes_total);
            report.rows += self.rows;
            report.events += events;
            report.visits += visits;
            for (reason, count) in std::mem::take(&mut self.skipped) {
                *report.skipped.entry(reason.to_owned()).or_default() += count;
            }
            for (day, count) in std::mem::take(&mut self.by_day) {
                *report.by_day.entry(day).or_default() += count;
            }
            report.examples.append(&mut self.examples);
        });
        self.rows = 0;
    }
}
