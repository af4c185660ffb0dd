//! Live queries: whoever subscribes to `query:{site}` with a query gets its answer, and then what changes of it.
//!
//! A query is evaluated once for all its readers, whoever they are and whatever they call it, as long as they ask the same within the same
//! limits. It is evaluated again when the store has taken events of its site, or when time alone changes the answer; at most once a second,
//! one query after the other, all together for no more than a tenth of the time, of which each gets its share (`queue`). What is the same as before is not
//! pushed (`change`). A query without readers is forgotten.
//!
//! Locks, in the order in which they may be held together: the list of all queries, then one query's state, then the hub's own. The feeder's
//! thread takes none of them: it leaves the names of the sites that it touched.

mod change;
mod moves;
mod query;
mod queue;
mod run;
#[cfg(test)]
mod tests;

pub use query::Reader;

use super::{Scope, Stats, StatsError, funnel};
use crate::{
    clock::SharedClock,
    event::SiteId,
    hub::{Family, Hub, Overflow},
    sites::{Site, Sites},
    store::{Batch, Change},
    tasks::Tasks,
};
use async_trait::async_trait;
use parking_lot::Mutex;
use pulsecast_protocol::{
    Timestamp,
    stats::{Filter, Goal, Meta, Query, QueryResult, Subject},
};
use query::LiveQuery;
use queue::Queue;
use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::sync::Notify;

/// What live queries are answered by.
#[async_trait]
pub trait Answers: Send + Sync + 'static {
    /// Answers a query from the newest state of the store, and says how long the work took, without the wait for a turn. Dropping the
    /// future gives the evaluation up.
    ///
    /// # Errors
    /// When the query is wrong, too expensive, or the store does not answer.
    async fn answer(&self, scope: &Scope, query: &Query) -> Result<(QueryResult, Duration), StatsError>;

    /// The same of how far visitors of the query's range get along these goals, under its filters: a row a step.
    ///
    /// # Errors
    /// As [`Answers::answer`].
    async fn funnel(
        &self,
        scope: &Scope,
        steps: &[Goal],
        query: &Query,
    ) -> Result<(QueryResult, Duration), StatsError>;
}

#[async_trait]
impl Answers for Stats {
    async fn answer(&self, scope: &Scope, query: &Query) -> Result<(QueryResult, Duration), StatsError> {
        self.query_timed(scope, query).await
    }

    async fn funnel(
        &self,
        scope: &Scope,
        steps: &[Goal],
        query: &Query,
    ) -> Result<(QueryResult, Duration), StatsError> {
        let counted = self.funnel_timed(scope, steps, query.date_range, &query.filters);
        let (result, took) = counted.await?;
        let result = QueryResult {
            results: funnel::rows(&result),
            meta: Meta::default(),
            query: serde_json::Value::Null,
        };
        Ok((result, took))
    }
}

/// What is followed: the answer to a query, or how far visitors get along a funnel in the query's range, under its filters.
#[derive(Clone, Debug)]
pub struct Question {
    /// The query.
    pub query: Query,
    /// The funnel's number.
    pub funnel: Option<i64>,
}

impl From<Query> for Question {
    fn from(query: Query) -> Self {
        Self { query, funnel: None }
    }
}

/// What live queries may take.
#[derive(Clone, Copy, Debug)]
pub struct LiveLimits {
    /// Distinct ones at a time.
    pub queries: usize,
    /// Rows of one answer; more are not streamed.
    pub rows: u32,
    /// How long bringing one up to date may take.
    pub patience: Duration,
}

impl Default for LiveLimits {
    fn default() -> Self {
        Self {
            queries: 500,
            rows: 1_000,
            patience: Duration::from_secs(2),
        }
    }
}

/// How `query:` channels behave; `boot` makes the hub with it.
#[must_use]
pub fn family() -> (&'static str, Family) {
    let family = Family {
        retain: None,
        overflow: Overflow::LatestWins,
        durable: false,
    };
    ("query", family)
}

/// There are as many live queries as there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many live queries at once: close a dashboard, or raise --live-queries")]
pub struct Full;

/// Two questions are one if all of this is the same.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    site: SiteId,
    query: String,
    /// What the asker may see, and what their segments say.
    limits: String,
}

#[derive(Default)]
struct All {
    by_key: HashMap<Key, Arc<LiveQuery>>,
    by_number: HashMap<u64, (Key, Arc<LiveQuery>)>,
    queue: Queue,
}

struct Shared {
    answers: Arc<dyn Answers>,
    hub: Hub,
    sites: Sites,
    clock: SharedClock,
    tasks: Tasks,
    limits: LiveLimits,
    all: Mutex<All>,
    /// Sites whose stored events changed since the evaluator looked, and since when; one entry a site.
    touched: Mutex<HashMap<SiteId, Timestamp>>,
    wake: Notify,
    numbers: AtomicU64,
    /// Of answers: never the same twice, also after a restart.
    versions: AtomicU64,
}

/// All live queries of the server. A cheap handle.
#[derive(Clone)]
pub struct LiveQueries(Arc<Shared>);

impl fmt::Debug for LiveQueries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LiveQueries")
            .field("queries", &self.len())
            .finish_non_exhaustive()
    }
}

/// Somebody reads a live query for as long as this is held.
#[derive(Debug)]
pub struct Following {
    queries: LiveQueries,
    number: u64,
    id: u64,
    over: Arc<AtomicBool>,
}

impl Following {
    /// Whether the query was refused after all: its reader knows, and gets nothing any more.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.over.load(Ordering::Acquire)
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        self.queries.leave(self.number, self.id);
    }
}

impl LiveQueries {
    /// No queries yet. Call [`LiveQueries::start`] too.
    #[must_use]
    pub fn new(
        answers: Arc<dyn Answers>,
        hub: Hub,
        sites: Sites,
        clock: SharedClock,
        tasks: Tasks,
        limits: LiveLimits,
    ) -> Self {
        // At most one new answer a millisecond, so that the next run begins above.
        let version = u64::try_from(clock.now().millis()).unwrap_or_default();
        Self(Arc::new(Shared {
            answers,
            hub,
            sites,
            clock,
            tasks,
            limits,
            all: Mutex::default(),
            touched: Mutex::default(),
            wake: Notify::new(),
            numbers: AtomicU64::new(0),
            versions: AtomicU64::new(version),
        }))
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.all.lock().by_key.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The store has taken these events, or lost those of these sites. Never waits.
    pub fn stored(&self, batch: &Batch) {
        let of_events = batch.events.iter().map(|event| event.hit.site);
        let mut last = None;
        for site in of_events.chain(batch.removed.iter().copied()) {
            // They mostly come in a row.
            if last.replace(site) != Some(site) {
                self.touch(site);
            }
        }
        for change in &batch.changes {
            match change {
                Change::ImportBegins(import) | Change::ImportEnds(import) => self.touch(import.site),
                Change::ImportDaily { site, .. } => self.touch(*site),
                Change::Delete { slice, .. } => self.touch(slice.site),
                // By whose number only the store knows the site. It is rare.
                Change::ImportPiece { .. } | Change::ImportUndone(_) => {
                    self.0.sites.all().iter().for_each(|site| self.touch(site.id));
                }
            }
        }
    }

    /// The store has taken something of this site, or lost something. Quick, and never waits for a reader or an evaluation.
    pub fn touch(&self, site: SiteId) {
        let now = self.0.clock.now();
        self.0.touched.lock().entry(site).or_insert(now);
        self.0.wake.notify_one();
    }

    /// Lets somebody read the answers to a query: the newest at once, or the first as soon as it is there.
    ///
    /// # Errors
    /// When it is a new query and there are too many already.
    pub fn follow(
        &self,
        scope: Scope,
        question: impl Into<Question>,
        reader: Reader,
    ) -> Result<Following, Full> {
        let mut question = question.into();
        let pagination = &mut question.query.pagination;
        pagination.limit = pagination.limit.min(self.0.limits.rows);
        let key = Key::of(&scope, &question);
        let id = self.0.numbers.fetch_add(1, Ordering::Relaxed);
        let over = Arc::new(AtomicBool::new(false));
        let mut all = self.0.all.lock();
        let known = all.by_key.get(&key).cloned();
        let (live, is_new) = match known {
            Some(live) => (live, false),
            None if all.by_key.len() >= self.0.limits.queries => return Err(Full),
            None => (
                Arc::new(LiveQuery::new(id, scope, question, self.0.hub.clone())),
                true,
            ),
        };
        // Under the lock of the list: a query that is being left by its last reader is not joined.
        live.seat(id, reader, over.clone());
        if is_new {
            all.by_key.insert(key.clone(), live.clone());
            all.by_number.insert(live.number, (key, live.clone()));
            all.queue.add(live.number);
            self.gauge(&all);
            self.evaluate_first(live.clone());
        }
        Ok(Following {
            queries: self.clone(),
            number: live.number,
            id,
            over,
        })
    }

    fn leave(&self, number: u64, id: u64) {
        let mut all = self.0.all.lock();
        let last = all.by_number.get(&number).is_some_and(|(_, live)| live.leave(id));
        if last {
            self.forget(&mut all, number);
        }
    }

    fn forget(&self, all: &mut All, number: u64) {
        let Some((key, live)) = all.by_number.remove(&number) else {
            return;
        };
        all.by_key.remove(&key);
        all.queue.remove(number);
        live.gone.cancel();
        self.gauge(all);
    }

    fn gauge(&self, all: &All) {
        #[allow(clippy::cast_precision_loss, reason = "a handful")]
        metrics::gauge!("pulsecast_live_queries").set(all.by_key.len() as f64);
    }
}

impl Key {
    fn of(scope: &Scope, question: &Question) -> Self {
        let Question { query, funnel } = question;
        let mut named = Vec::new();
        query
            .filters
            .iter()
            .for_each(|filter| segments(filter, &mut named));
        let said = |id: &String| {
            let segment = scope
                .segments
                .iter()
                .find(|segment| segment.id.to_string() == *id);
            segment.map(|segment| &segment.filters)
        };
        let said: Vec<_> = named.iter().map(said).collect();
        // What has been parsed can be written again.
        Self {
            site: scope.site,
            query: serde_json::to_string(&(query, funnel)).unwrap_or_default(),
            limits: serde_json::to_string(&(&scope.forced, said)).unwrap_or_default(),
        }
    }
}

impl Scope {
    /// The same limits, within the site as it is now: its time zone, its goals, and what those segments now say.
    fn as_of(&self, site: &Site) -> Self {
        let may_use = |id: i64| self.segments.iter().any(|segment| segment.id == id);
        let segments = site.segments.iter().map(|saved| &saved.segment);
        Self {
            segments: segments.filter(|segment| may_use(segment.id)).cloned().collect(),
            forced: self.forced.clone(),
            ..Self::of(site, None)
        }
    }
}

/// The segments that a filter names.
fn segments(filter: &Filter, found: &mut Vec<String>) {
    match filter {
        Filter::And(all) | Filter::Or(all) => all.iter().for_each(|filter| segments(filter, found)),
        Filter::Not(inner) | Filter::HasDone(inner) | Filter::HasNotDone(inner) => segments(inner, found),
        Filter::Condition(condition) if condition.subject == Subject::Segment => {
            found.extend(condition.values.iter().cloned());
        }
        Filter::Condition(_) => {}
    }
}
