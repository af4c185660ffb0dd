//! The real thing: the event store that a history is fed into, and the server's answers from it.

use super::history::History;
use pulsecast_protocol::stats::{DateRange, Filter, FunnelResult, Goal, Query, QueryResult};
use pulsecast_server::{
    clock::ManualClock,
    event::Event,
    stats::{Limits, Scope, Stats, StatsError},
    store::{EventStore, duck},
};
use std::sync::Arc;

/// A store with a history in it.
pub struct Subject {
    stats: Stats,
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
        for batch in batches.iter().filter(|batch| !batch.is_empty()) {
            writer.append(batch).unwrap();
        }
        let clock = Arc::new(ManualClock::new(history.now));
        let stats = stats(reader, clock);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        (Self { stats, runtime }, events)
    }

    pub fn query(&self, scope: &Scope, query: &Query) -> Result<QueryResult, StatsError> {
        self.runtime.block_on(self.stats.query(scope, query))
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
}

fn stats(reader: duck::DuckReader, clock: Arc<ManualClock>) -> Stats {
    let history = reader.stats(clock.clone(), 0).unwrap();
    Stats::new(Arc::new(history), clock, Limits::default())
}
