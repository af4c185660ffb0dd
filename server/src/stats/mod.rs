//! Answers questions about a site's history: query → plan → SQL → rows. What each figure means is in `docs/metrics.md`.

mod answer;
mod buckets;
mod compare;
mod cond;
pub mod csv;
mod finish;
pub mod funnel;
mod imports;
pub mod known;
pub mod limits;
pub mod live;
pub mod parse;
mod plan;
mod range;
pub mod retention;
pub mod rollup;
mod run;
pub mod scope;
mod sql;
mod sums;
mod turns;
mod words;

pub use funnel::of_visits;
pub use limits::Limits;
pub use scope::Scope;

use crate::{
    clock::SharedClock,
    store::{StatsStore, StoreError},
};
use chrono::NaiveDate;
use known::Known;
use pulsecast_protocol::stats::{
    CohortUnit, Cohorts, DateRange, Filter, FunnelResult, Goal, Query, QueryResult, Returns,
};
use retention::Asked;
use std::{sync::Arc, time::Duration};
use turns::Turns;

/// Why a question is not answered.
#[derive(Debug, thiserror::Error)]
pub enum StatsError {
    /// The question is wrong, and where: `filters[0][2]`.
    #[error("{path}: {reason}")]
    Invalid {
        /// Which part of it.
        path: String,
        /// What is wrong and what to do.
        reason: String,
    },
    /// It took longer than `--query-timeout`.
    #[error(
        "the query took longer than {0} seconds and was cancelled: ask for a shorter period or fewer dimensions"
    )]
    TooSlow(u64),
    /// It wanted more than `--duckdb-memory`.
    #[error("the query needs more memory than it may have: ask for a shorter period or fewer dimensions")]
    TooBig,
    /// More questions wait than `--query-queue`.
    #[error("too many queries at once: try again in a moment")]
    Busy,
    /// The store does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Answers. A cheap handle.
#[derive(Clone)]
#[allow(missing_debug_implementations)]
pub struct Stats {
    turns: Turns,
    clock: SharedClock,
    rollups: rollup::Switch,
}

impl Stats {
    /// From this store, by this clock.
    #[must_use]
    pub fn new(store: Arc<dyn StatsStore>, clock: SharedClock, limits: Limits) -> Self {
        Self {
            turns: Turns::new(store, limits),
            clock,
            rollups: rollup::Switch::On,
        }
    }

    /// The same, with the sums of days used or not.
    #[must_use]
    pub fn with_rollups(mut self, rollups: rollup::Switch) -> Self {
        self.rollups = rollups;
        self
    }

    /// Answers a query, from the newest state of the store.
    ///
    /// # Errors
    /// When the query is wrong, too expensive, or the store does not answer.
    pub async fn query(&self, scope: &Scope, query: &Query) -> Result<QueryResult, StatsError> {
        Ok(self.query_timed(scope, query).await?.0)
    }

    /// The same, and how long it took once it was its turn.
    ///
    /// # Errors
    /// As [`Stats::query`].
    pub async fn query_timed(
        &self,
        scope: &Scope,
        query: &Query,
    ) -> Result<(QueryResult, Duration), StatsError> {
        let (scope, query, clock) = (scope.clone(), query.clone(), self.clock.clone());
        let (now, rollups) = (clock.now(), self.rollups);
        self.turns
            .ask(move |session| {
                let begun = clock.now();
                let result = answer::answer(session, &scope, &query, now, rollups)?;
                let millis = u64::try_from(clock.now().since(begun)).unwrap_or_default();
                Ok((result, Duration::from_millis(millis)))
            })
            .await
    }

    /// The first day that there are figures of, imported ones among them: with which `all` begins.
    ///
    /// # Errors
    /// As [`Stats::query`].
    pub async fn first_day(&self, scope: &Scope) -> Result<Option<NaiveDate>, StatsError> {
        let (site, zone) = (scope.site, scope.timezone);
        let first = self.turns.ask(move |session| {
            let mut asking = run::Asking::begin(session)?;
            let own = asking.first_event(site)?.map(|at| range::local(at, zone).date());
            let imported = imports::first_day(&mut asking, site)?;
            Ok(own.into_iter().chain(imported).min())
        });
        first.await
    }

    /// How far visitors of the range got along these goals: a step counts when it comes after the one before, by the same visitor
    /// (so within 48 hours).
    ///
    /// # Errors
    /// As [`Stats::query`].
    pub async fn funnel(
        &self,
        scope: &Scope,
        steps: &[Goal],
        range: DateRange,
        filters: &[Filter],
    ) -> Result<FunnelResult, StatsError> {
        Ok(self.funnel_timed(scope, steps, range, filters).await?.0)
    }

    /// The same, and how long it took once it was its turn.
    ///
    /// # Errors
    /// As [`Stats::query`].
    pub async fn funnel_timed(
        &self,
        scope: &Scope,
        steps: &[Goal],
        range: DateRange,
        filters: &[Filter],
    ) -> Result<(FunnelResult, Duration), StatsError> {
        let (scope, steps, filters) = (scope.clone(), steps.to_vec(), filters.to_vec());
        let (now, clock) = (self.clock.now(), self.clock.clone());
        self.turns
            .ask(move |session| {
                let begun = clock.now();
                let result = funnel::answer(session, &scope, &steps, range, &filters, now)?;
                let millis = u64::try_from(clock.now().since(begun)).unwrap_or_default();
                Ok((result, Duration::from_millis(millis)))
            })
            .await
    }

    /// How often visitors came within their day, and how long they were away: by the visits that are active in the range.
    ///
    /// # Errors
    /// As [`Stats::query`].
    pub async fn returns(
        &self,
        scope: &Scope,
        range: DateRange,
        filters: &[Filter],
    ) -> Result<Returns, StatsError> {
        let (scope, asked) = (scope.clone(), self.asked(range, filters));
        self.turns
            .ask(move |session| retention::returns(session, &scope, &asked))
            .await
    }

    /// Who came back across days, of those whom the site names by this property.
    ///
    /// # Errors
    /// As [`Stats::query`].
    pub async fn cohorts(
        &self,
        scope: &Scope,
        name: &str,
        unit: CohortUnit,
        range: DateRange,
        filters: &[Filter],
    ) -> Result<Cohorts, StatsError> {
        let (scope, name, asked) = (scope.clone(), name.to_owned(), self.asked(range, filters));
        self.turns
            .ask(move |session| retention::cohorts(session, &scope, &asked, &name, unit))
            .await
    }

    /// Whether these filters can be asked within this scope: the goals and segments are there, and the regular expressions can be read.
    ///
    /// # Errors
    /// Which part of them is wrong; or as [`Stats::query`].
    pub async fn check(&self, scope: &Scope, filters: &[Filter]) -> Result<(), StatsError> {
        let conditions = plan::conditions(filters, scope)?;
        if conditions.patterns.is_empty() {
            return Ok(());
        }
        let scope = scope.clone();
        self.turns
            .ask(move |session| run::begin(session, &scope)?.check_patterns(&conditions.patterns))
            .await
    }

    /// Names of the custom properties that the range's events carry, as far as the scope lets them be seen; the most frequent first.
    ///
    /// # Errors
    /// As [`Stats::query`].
    pub async fn props(&self, scope: &Scope, range: DateRange) -> Result<Vec<String>, StatsError> {
        let (scope, asked) = (scope.clone(), self.asked(range, &[]));
        self.turns
            .ask(move |session| retention::props(session, &scope, &asked))
            .await
    }

    /// What there is of the shown range, and of what it is compared with.
    ///
    /// # Errors
    /// As [`Stats::query`].
    pub async fn known(
        &self,
        scope: &Scope,
        compared: Option<DateRange>,
        shown: DateRange,
    ) -> Result<Known, StatsError> {
        let (scope, now) = (scope.clone(), self.clock.now());
        self.turns
            .ask(move |session| known::known(session, &scope, compared, shown, now))
            .await
    }

    fn asked(&self, range: DateRange, filters: &[Filter]) -> Asked {
        Asked {
            range,
            filters: filters.to_vec(),
            now: self.clock.now(),
            rollups: self.rollups,
        }
    }
}
