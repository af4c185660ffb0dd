//! Evaluating: the first time at once, as any question is answered; from then on by the one task that keeps all answers current.

use super::{
    LiveQueries, moves,
    query::{Came, LiveQuery},
    queue::{Next, Ran},
};
use crate::{
    sites::Site,
    stats::{Scope, StatsError, funnel},
};
use pulsecast_protocol::{
    Timestamp,
    stats::{Dimension, Goal, Metric, Query, QueryResult},
};
use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

/// How often the task looks whether sites' settings changed, at least, while there are queries.
const LOOK: Duration = Duration::from_secs(1);

/// An evaluation that ended.
struct Done {
    began: Timestamp,
    /// Microseconds of work.
    took: i64,
    moves: Option<Timestamp>,
    outcome: Result<QueryResult, StatsError>,
}

impl LiveQueries {
    /// Starts the task that keeps answers current.
    pub fn start(&self) {
        let queries = self.clone();
        let tasks = self.0.tasks.clone();
        let stop = tasks.clone();
        tasks.spawn("live-queries", async move {
            loop {
                let wait = match queries.next() {
                    Step::Evaluate(live) => {
                        tokio::select! {
                            () = stop.stopping() => return,
                            () = queries.evaluate_again(&live) => continue,
                        }
                    }
                    Step::Wait(wait) => wait,
                };
                tokio::select! {
                    () = stop.stopping() => return,
                    () = queries.0.wake.notified() => {}
                    () = tokio::time::sleep(wait) => {}
                }
            }
        });
    }

    /// Beside whatever else is going on: the store has a queue of its own for questions.
    pub(super) fn evaluate_first(&self, live: Arc<LiveQuery>) {
        let queries = self.clone();
        let stop = self.0.tasks.clone();
        self.0.tasks.spawn("live-query-first", async move {
            let evaluated = queries.evaluate(&live);
            let done = tokio::select! {
                () = stop.stopping() => return,
                () = live.gone.cancelled() => return,
                done = evaluated => done,
            };
            let (came, succeeded) = queries.tell(&live, "first", done.outcome, done.took);
            let mut all = queries.0.all.lock();
            if came == Came::Refused {
                queries.forget(&mut all, live.number);
            } else {
                let ran = Ran {
                    began: done.began,
                    took: done.took,
                    moves: done.moves,
                    succeeded,
                };
                all.queue.began(live.number, ran);
                queries.0.wake.notify_one();
            }
        });
    }

    async fn evaluate_again(&self, live: &LiveQuery) {
        let began = self.0.clock.now();
        let limited = tokio::time::timeout(self.0.limits.patience, self.evaluate(live));
        let done = tokio::select! {
            () = live.gone.cancelled() => None,
            done = limited => done.ok(),
        };
        let passed = self.passed(began);
        let (took, moves, succeeded) = match done {
            Some(done) => {
                let (_, succeeded) = self.tell(live, "again", done.outcome, done.took);
                (done.took, done.moves, succeeded)
            }
            // Time that was spent on a query which has been left since counts too.
            None if live.gone.is_cancelled() => (passed, None, true),
            None => {
                let too_slow = Err(StatsError::TooSlow(self.0.limits.patience.as_secs()));
                let (_, succeeded) = self.tell(live, "again", too_slow, passed);
                (passed, None, succeeded)
            }
        };
        let ran = Ran {
            began,
            took,
            moves,
            succeeded,
        };
        self.0.all.lock().queue.ran(live.number, ran);
    }

    /// Within what the first asker may see, as the site's settings, goals and segments are now.
    async fn evaluate(&self, live: &LiveQuery) -> Done {
        let began = self.0.clock.now();
        let site = self.0.sites.by_id(live.scope.site);
        live.site.lock().clone_from(&site);
        let scope = site.as_ref().map(|site| live.scope.as_of(site));
        let (query, answers) = (&live.question.query, &self.0.answers);
        let answered = match (&scope, live.question.funnel, &site) {
            (Some(scope), None, _) => answers.answer(scope, query).await,
            // The funnel and its goals as they are now.
            (Some(scope), Some(id), Some(site)) => match self.steps(scope, site, query, id).await {
                Ok(steps) => answers.funnel(scope, &steps, query).await,
                Err(error) => Err(error),
            },
            (..) => Err(StatsError::Invalid {
                path: "site_id".to_owned(),
                reason: "the site has been removed".to_owned(),
            }),
        };
        let (outcome, took) = match answered {
            Ok((result, work)) => (Ok(result), i64::try_from(work.as_micros()).unwrap_or(i64::MAX)),
            Err(error) => (Err(error), self.passed(began)),
        };
        Done {
            began,
            took,
            moves: scope.and_then(|scope| moves::next(query, scope.timezone, began)),
            outcome,
        }
    }

    /// The goals of a funnel, if the asker may know of it: under a filter that all they ask is under, its goals have to have been reached.
    async fn steps(
        &self,
        scope: &Scope,
        site: &Site,
        query: &Query,
        id: i64,
    ) -> Result<Vec<Goal>, StatsError> {
        if scope.forced.is_none() {
            return funnel::steps(scope, &site.funnels, id);
        }
        let which = Query {
            metrics: vec![Metric::Visitors],
            dimensions: vec![Dimension::Goal],
            filters: Vec::new(),
            ..query.clone()
        };
        let (reached, _) = self.0.answers.answer(scope, &which).await?;
        funnel::steps(scope, &funnel::within(scope, &site.funnels, &reached.results), id)
    }

    /// Microseconds since then.
    fn passed(&self, began: Timestamp) -> i64 {
        self.0.clock.now().since(began).max(0).saturating_mul(1_000)
    }

    fn tell(
        &self,
        live: &LiveQuery,
        turn: &'static str,
        outcome: Result<QueryResult, StatsError>,
        took: i64,
    ) -> (Came, bool) {
        let succeeded = outcome.is_ok();
        let came = live.take(outcome, || self.0.versions.fetch_add(1, Ordering::Relaxed) + 1);
        metrics::counter!("pulsecast_live_query_evaluations_total", "turn" => turn, "outcome" => came.name())
            .increment(1);
        #[allow(clippy::cast_precision_loss, reason = "microseconds of one evaluation")]
        metrics::histogram!("pulsecast_live_query_seconds", "turn" => turn).record(took as f64 / 1_000_000.0);
        (came, succeeded)
    }

    fn next(&self) -> Step {
        let now = self.0.clock.now();
        let touched = std::mem::take(&mut *self.0.touched.lock());
        let mut all = self.0.all.lock();
        let all = &mut *all;
        for (number, (key, live)) in &all.by_number {
            if let Some(at) = touched.get(&key.site) {
                all.queue.stir(*number, *at);
            } else if self.is_changed(live) {
                all.queue.stir(*number, now);
            }
        }
        let wait = match all.queue.next(now) {
            Next::Evaluate(number) => match all.by_number.get(&number) {
                Some((_, live)) => return Step::Evaluate(live.clone()),
                None => Duration::ZERO,
            },
            Next::At(at) => Duration::from_millis(u64::try_from(at.since(now)).unwrap_or_default()),
            Next::Nothing if all.by_number.is_empty() => Duration::MAX,
            Next::Nothing => LOOK,
        };
        Step::Wait(if all.by_number.is_empty() {
            wait
        } else {
            wait.min(LOOK)
        })
    }

    /// Whether the site is not what it was at the last evaluation: its time zone, goals or segments may be others.
    fn is_changed(&self, live: &LiveQuery) -> bool {
        let seen = live.site.lock();
        match (&*seen, self.0.sites.by_id(live.scope.site)) {
            (Some(seen), Some(now)) => !Arc::ptr_eq(seen, &now),
            (Some(_), None) => true,
            (None, _) => false,
        }
    }
}

enum Step {
    Evaluate(Arc<LiveQuery>),
    Wait(Duration),
}
