//! The real thing: the event store that a history is fed into, and the server's answers from it.

use super::history::History;
use pulsecast_protocol::Timestamp;
use pulsecast_protocol::stats::{
    CohortUnit, Cohorts, DateRange, Filter, FunnelResult, Goal, Query, QueryResult, Returns,
};
use pulsecast_server::{
    clock::ManualClock,
    event::{Event, SiteId},
    stats::{
        Limits, Scope, Stats, StatsError,
        rollup::{Switch, roll_all},
    },
    store::{Batch, EventStore, duck},
};
use std::sync::Arc;

/// A store with a history in it.
pub struct Subject {
    stats: Stats,
    /// The same, which uses sums of days; where there are any.
    rolled: Option<Stats>,
    runtime: tokio::runtime::Runtime,
}

impl Subject {
    /// Feeds the history in as the feeder would; also gives its events, each as it came and with its visit.
    pub fn of(history: &History) -> (Self, Vec<Event>) {
        let settings = duck::DuckSettings {
            path: ":memory:".into(),
            memory_mib: 512,
            threads: 1,
        };
        let (mut writer, reader) = duck::open(&settings).unwrap();
        let (events, batches) = history.played();
        let changes = super::imported::changes(&history.imported, history.now);
        if !history.imported.is_empty() {
            writer
                .append(&Batch {
                    changes,
                    ..Batch::default()
                })
                .unwrap();
        }
        // Days are summed up in the middle too, so that what comes after is late for some of them.
        let rollups = reader.rollups().unwrap();
        let roll = |now: Timestamp| {
            if !history.rolled {
                return;
            }
            let since = history.around.plus(-6 * Timestamp::DAY);
            roll_all(&rollups, (SiteId(1), history.zone), since, now).unwrap();
        };
        let middle = batches.len() / 2;
        for (n, batch) in batches.iter().enumerate().filter(|(_, batch)| !batch.is_empty()) {
            writer.append(batch).unwrap();
            if n == middle {
                roll(history.now);
            }
        }
        roll(history.now);
        let clock = Arc::new(ManualClock::new(history.now));
        let rolled = history.rolled.then(|| stats(&reader, clock.clone()));
        let stats = stats(&reader, clock).with_rollups(Switch::Off);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        (
            Self {
                stats,
                rolled,
                runtime,
            },
            events,
        )
    }

    /// The answer; and the one that uses sums of days, which has to be the same.
    pub fn query(&self, scope: &Scope, query: &Query) -> Result<Vec<QueryResult>, StatsError> {
        std::iter::once(&self.stats)
            .chain(&self.rolled)
            .map(|stats| self.runtime.block_on(stats.query(scope, query)))
            .collect()
    }

    /// The names of properties; and those that sums of days know, which have to be the same.
    pub fn props(&self, scope: &Scope, range: DateRange) -> Result<Vec<Vec<String>>, StatsError> {
        std::iter::once(&self.stats)
            .chain(&self.rolled)
            .map(|stats| self.runtime.block_on(stats.props(scope, range)))
            .collect()
    }

    pub fn funnel(
        &self,
        scope: &Scope,
        steps: &[Goal],
        range: DateRange,
        filters: &[Filter],
    ) -> Result<FunnelResult, StatsError> {
        self.runtime
            .block_on(self.stats.funnel(scope, steps, range, filters))
    }

    pub fn returns(
        &self,
        scope: &Scope,
        range: DateRange,
        filters: &[Filter],
    ) -> Result<Returns, StatsError> {
        self.runtime.block_on(self.stats.returns(scope, range, filters))
    }

    pub fn cohorts(
        &self,
        scope: &Scope,
        name: &str,
        unit: CohortUnit,
        range: DateRange,
        filters: &[Filter],
    ) -> Result<Cohorts, StatsError> {
        self.runtime
            .block_on(self.stats.cohorts(scope, name, unit, range, filters))
    }
}

fn stats(reader: &duck::DuckReader, clock: Arc<ManualClock>) -> Stats {
    let history = reader.stats(clock.clone(), 0).unwrap();
    // What is right does not depend on how busy the machine is.
    let limits = Limits {
        timeout: std::time::Duration::from_secs(600),
        ..Limits::default()
    };
    Stats::new(Arc::new(history), clock, limits)
}
