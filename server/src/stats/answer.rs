//! A query's answer, start to end: resolve, plan, sum up, compare, finish. Blocks.

use super::{
    Scope, StatsError, compare, finish,
    imports::{self, LACKING},
    limits,
    plan::{self, Plan, wrong},
    rollup::Switch,
    run,
    sums::{Key, SumRow},
};
use crate::store::{AskError, StatsSession};
use pulsecast_protocol::{
    Timestamp,
    stats::{Comparison, DateRange, Meta, Metric, Query, QueryResult, ResultRow},
};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Answers a query at a time.
///
/// # Errors
/// When it is wrong, costs too much, or the store does not answer.
pub fn answer(
    session: &mut dyn StatsSession,
    scope: &Scope,
    query: &Query,
    now: Timestamp,
    rollups: Switch,
) -> Result<QueryResult, StatsError> {
    if query.site_id != scope.domain {
        return wrong("site_id", "is another site than the one asked");
    }
    let mut asking = run::begin(session, scope)?;
    let first_event = match query.date_range {
        DateRange::All => first_of_all(&mut asking, scope, query)?,
        _ => None,
    };
    let span = plan::resolve(query, scope, now, first_event)?;
    let mut plan = Plan::new(query, scope, span)?;
    if rollups == Switch::On {
        plan.rolled = asking.rolled(plan.site, plan.span, scope.timezone)?;
    }
    asking.check_patterns(&plan.patterns)?;
    plan.words = asking.words(&plan)?;
    let mut meta = Meta::default();
    add_imports(&mut asking, scope, query, &mut plan, &mut meta)?;
    let sums = asking.page(&plan)?;
    meta.total_rows = sums.total;
    warn(&plan, &sums.rows, &mut meta);
    let mut results: Vec<ResultRow> = sums.rows.iter().map(|row| finish::row(&plan, row)).collect();
    let labels = |plan: &Plan| {
        let buckets = plan.buckets.as_ref()?;
        Some(
            buckets
                .all()
                .into_iter()
                .map(|number| buckets.label(number))
                .collect(),
        )
    };
    if query.include.time_labels {
        meta.time_labels = labels(&plan);
    }
    if let Some(comparison) = &query.include.comparisons {
        let mut other = other_plan(&plan, comparison, scope)?;
        // Each period by itself: that there is nothing imported of the one says nothing about the other.
        add_imports(&mut asking, scope, query, &mut other, &mut Meta::default())?;
        compare_rows(&mut asking, (&plan, &other), &sums.rows, &mut results)?;
        if query.include.time_labels {
            meta.comparison_time_labels = labels(&other);
        }
    }
    Ok(QueryResult {
        results,
        meta,
        query: finish::echo(query, scope, &plan),
    })
}

/// The time of the site's first event, or of the first day that imports have figures of, where they are asked for.
fn first_of_all(
    asking: &mut run::Asking<'_>,
    scope: &Scope,
    query: &Query,
) -> Result<Option<Timestamp>, StatsError> {
    let own = asking.first_event(scope.site)?;
    if !query.include.imports {
        return Ok(own);
    }
    let day = imports::first_day(asking, scope.site)?;
    let imported = day.and_then(|day| crate::period::day_start(day, scope.timezone));
    Ok(own.into_iter().chain(imported).min())
}

/// Adds imports to a plan, where they are asked for; says in `meta` whether they are in.
fn add_imports(
    asking: &mut run::Asking<'_>,
    scope: &Scope,
    query: &Query,
    plan: &mut Plan,
    meta: &mut Meta,
) -> Result<(), StatsError> {
    if !query.include.imports {
        return Ok(());
    }
    let found = imports::imports(asking, plan, scope.timezone)?;
    meta.imports_included = Some(found.is_ok());
    match found {
        Ok(imports) => {
            let lacking = plan.metrics.iter().filter(|metric| !imports.report.has(**metric));
            let warnings = lacking.map(|metric| (*metric, LACKING.to_owned()));
            meta.metric_warnings.extend(warnings);
            plan.imports = Some(imports);
        }
        Err(skip) => meta.imports_skip_reason = Some(skip.reason().to_owned()),
    }
    Ok(())
}

fn other_plan(plan: &Plan, comparison: &Comparison, scope: &Scope) -> Result<Plan, StatsError> {
    let span = compare::compared(plan.span, comparison, scope.timezone)
        .or_else(|error| wrong("include.comparisons", error.to_string()))?;
    let other = plan.over(span, scope);
    if other
        .buckets
        .as_ref()
        .is_some_and(|buckets| buckets.about() > limits::BUCKETS)
    {
        return wrong(
            "include.comparisons",
            format!(
                "makes more than {} buckets of time: compare with a shorter period",
                limits::BUCKETS
            ),
        );
    }
    Ok(other)
}

fn warn(plan: &Plan, rows: &[SumRow], meta: &mut Meta) {
    if !rows.iter().any(finish::is_mixed) {
        return;
    }
    for metric in &plan.metrics {
        if matches!(metric, Metric::TotalRevenue | Metric::AverageRevenue) {
            let text =
                "amounts in several currencies cannot be added: filter by a goal or property that has one";
            // Beside what is said of it already: that it lacks what was imported.
            meta.metric_warnings
                .entry(*metric)
                .and_modify(|said| *said = format!("{said}; {text}"))
                .or_insert_with(|| text.to_owned());
        }
    }
}

/// Puts the compared period's figures beside each row.
fn compare_rows(
    asking: &mut run::Asking<'_>,
    (plan, other): (&Plan, &Plan),
    rows: &[SumRow],
    results: &mut [ResultRow],
) -> Result<(), StatsError> {
    let most = limits::COMPARED_ROWS;
    let found = asking.named(other, &wanted(plan, rows), most + 1)?;
    if found.len() > most as usize {
        return Err(StatsError::TooBig);
    }
    let found: HashMap<&[Key], &SumRow> = found.iter().map(|row| (row.keys.as_slice(), row)).collect();
    let places = |plan: &Plan| {
        plan.buckets
            .as_ref()
            .map(|buckets| buckets.all())
            .unwrap_or_default()
    };
    let there = places(other);
    // A bucket of time is compared with the one at the same place.
    let twins: BTreeMap<i64, Option<i64>> = places(plan)
        .into_iter()
        .enumerate()
        .map(|(place, number)| (number, there.get(place).copied()))
        .collect();
    for (row, result) in rows.iter().zip(results) {
        let keys: Option<Vec<Key>> = row
            .keys
            .iter()
            .map(|key| match key {
                Key::Bucket(number) => twins.get(number).copied().flatten().map(Key::Bucket),
                Key::Name(_) => Some(key.clone()),
            })
            .collect();
        let Some(keys) = keys else {
            continue;
        };
        result.comparison = Some(match found.get(keys.as_slice()) {
            Some(before) => finish::compared(other, row, before),
            None => finish::compared(other, row, &SumRow::nothing(keys)),
        });
    }
    Ok(())
}

/// Names by dimension, where they are few enough to ask for them alone.
fn wanted(plan: &Plan, rows: &[SumRow]) -> Vec<Option<Vec<String>>> {
    let few = |place: usize| {
        let names: BTreeSet<&String> = rows
            .iter()
            .filter_map(|row| match row.keys.get(place) {
                Some(Key::Name(name)) => Some(name),
                _ => None,
            })
            .collect();
        (!names.is_empty() && names.len() <= limits::VALUES).then(|| names.into_iter().cloned().collect())
    };
    (0..plan.dimensions.len()).map(few).collect()
}

impl From<AskError> for StatsError {
    fn from(error: AskError) -> Self {
        match error {
            // Whoever stops a session has waited for longer than it may take, and says so itself.
            AskError::Cancelled => Self::TooSlow(0),
            AskError::TooBig => Self::TooBig,
            AskError::Refused(reason) => Self::Invalid {
                path: "filters".to_owned(),
                reason,
            },
            AskError::Store(error) => Self::Store(error),
        }
    }
}
