//! Which days are summed up or about to be, so that whatever comes late for one of them takes its sums away in the same transaction.

use crate::{
    event::SiteId,
    store::{Batch, Change, SiteDay, StoreError},
};
use duckdb::{Connection, Transaction, params};
use parking_lot::{Mutex, MutexGuard};
use pulsecast_protocol::Timestamp;
use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

/// A day's sums say who was not there on the two days before: what changes a day changes the sums of the two after it.
const AFTER: i64 = 50 * Timestamp::HOUR;

/// When something happened, as far as days are concerned: an event, or a visit from its first to its last.
type Touch = (SiteId, i64, i64);

#[derive(Debug, Default)]
struct State {
    /// Until when sites have days that are summed up, or were, or are being.
    reach: HashMap<SiteId, Timestamp>,
    /// The day that is being summed up.
    rolling: Option<SiteDay>,
    /// Whether something came that it ought to have counted.
    changed: bool,
}

/// Held by the writer while it writes and by whoever sums up while the outcome is written, never while it is reckoned.
#[derive(Clone, Debug, Default)]
pub(super) struct Late(Arc<Mutex<State>>);

/// The writer's hold.
pub(super) struct Writing<'a>(MutexGuard<'a, State>);

impl Late {
    /// Knows of the days that are summed up already.
    pub(super) fn load(connection: &Connection) -> duckdb::Result<Self> {
        let mut select = connection.prepare("select site, epoch_ms(max(to_at)) from rolled group by site")?;
        let rows = select.query_map([], |row| Ok((SiteId(row.get(0)?), Timestamp(row.get(1)?))))?;
        let state = State {
            reach: rows.collect::<Result<_, _>>()?,
            ..State::default()
        };
        Ok(Self(Arc::new(Mutex::new(state))))
    }

    /// Before a batch is written, and until it is.
    pub(super) fn writing(&self) -> Writing<'_> {
        Writing(self.0.lock())
    }

    /// From here on events of this day are late. What is not known of them yet is in the store.
    pub(super) fn begin(&self, day: &SiteDay) {
        let mut state = self.0.lock();
        let reach = state.reach.entry(day.site).or_insert(day.to);
        *reach = (*reach).max(day.to);
        state.rolling = Some(*day);
        state.changed = false;
    }

    /// Writes the sums, unless something came meanwhile; says whether it did write.
    pub(super) fn finish(&self, write: impl FnOnce() -> Result<(), StoreError>) -> Result<bool, StoreError> {
        let mut state = self.0.lock();
        state.rolling = None;
        if state.changed {
            return Ok(false);
        }
        write().map(|()| true)
    }
}

impl Writing<'_> {
    /// Takes away the sums of days that this batch changes.
    pub(super) fn unroll(&mut self, transaction: &Transaction<'_>, batch: &Batch) -> duckdb::Result<()> {
        for (site, from, to) in self.touched(batch) {
            self.unroll_period(transaction, site, Timestamp(from), Timestamp(to))?;
        }
        let all = (Timestamp(i64::MIN), Timestamp(i64::MAX));
        for site in &batch.removed {
            self.unroll_period(transaction, *site, all.0, all.1)?;
        }
        for change in &batch.changes {
            match change {
                // Visits are deleted whole, and one that reaches into the slice may have begun or gone on outside.
                Change::Delete { slice, .. } => {
                    let from = slice.from.map_or(all.0, |at| at.plus(-AFTER));
                    let to = slice.to.map_or(all.1, |at| at.plus(AFTER));
                    self.unroll_period(transaction, slice.site, from, to)?;
                }
                Change::ImportUndone(import) => {
                    let sites = "select site from imports where id = ?";
                    let sites: Vec<i64> = transaction
                        .prepare(sites)?
                        .query_map([import.0], |row| row.get(0))?
                        .collect::<duckdb::Result<_>>()?;
                    for site in sites {
                        self.unroll_period(transaction, SiteId(site), all.0, all.1)?;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Takes away the sums of days that what happened in this period (both ends included) is part of.
    pub(super) fn unroll_period(
        &mut self,
        transaction: &Transaction<'_>,
        site: SiteId,
        from: Timestamp,
        to: Timestamp,
    ) -> duckdb::Result<()> {
        let state = &mut *self.0;
        if let Some(day) = state.rolling
            && day.site == site
            && from < day.to
            && to >= day.long_before
        {
            state.changed = true;
        }
        let until = to.millis().saturating_add(AFTER);
        transaction.execute(
            "delete from rolled where site = ? and epoch_ms(to_at) > ? and epoch_ms(from_at) <= ?",
            params![site.0, from.millis(), until],
        )?;
        Ok(())
    }

    fn touched(&self, batch: &Batch) -> BTreeSet<Touch> {
        let is_late = |site: SiteId, at: Timestamp| self.0.reach.get(&site).is_some_and(|reach| at < *reach);
        let events = batch
            .events
            .iter()
            .map(|event| (event.hit.site, event.hit.at, event.hit.at));
        let visits = batch
            .ended
            .iter()
            .map(|visit| (visit.site, visit.start, visit.last));
        // Many late events of one hour are one deletion.
        let hour = |at: Timestamp| at.millis().div_euclid(Timestamp::HOUR) * Timestamp::HOUR;
        events
            .chain(visits)
            .filter(|(site, from, _)| is_late(*site, *from))
            .map(|(site, from, to)| (site, hour(from), hour(to) + Timestamp::HOUR - 1))
            .collect()
    }
}
