//! `GET /api/v1/stats/…`: Plausible's older Stats API (<https://plausible.io/docs/stats-api-v1>), because clients that people have use it. Each
//! request is translated into a query of v2, answered like one, and its answer given the old shape.

mod filters;
mod params;

use super::{
    AppState,
    caller::{Answer, Caller, Refusal},
};
use axum::{Json, Router, extract::State, routing::get};
use http::Uri;
use params::{Params, nothing};
use pulsecast_protocol::stats::{Goal, Query, QueryResult, ResultRow};
use serde_json::{Map, Value, json};
use std::collections::HashMap;

/// The addresses of v1.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/api/v1/stats/realtime/visitors", get(realtime))
        .route("/api/v1/stats/aggregate", get(aggregate))
        .route("/api/v1/stats/timeseries", get(timeseries))
        .route("/api/v1/stats/breakdown", get(breakdown))
}

/// A request: who asks what.
struct Asked {
    state: AppState,
    caller: Caller,
    params: Params,
}

impl Asked {
    /// Reads the query with the goals of its site, and has it answered.
    async fn answer(
        &self,
        read: impl Fn(&Params, &[Goal]) -> Result<Query, Refusal>,
    ) -> Result<(Query, QueryResult), Refusal> {
        let site = self.caller.site(&self.state, &self.params.site()?)?;
        let scope = self.caller.scope(&site);
        let query = read(&self.params, &scope.goals)?;
        let result = self.state.stats.query(&scope, &query).await?;
        Ok((query, result))
    }
}

/// How many visitors there are now: a bare number.
async fn realtime(State(state): State<AppState>, caller: Caller, uri: Uri) -> Answer<Value> {
    let params = Params::of(&uri);
    let asked = Asked {
        state,
        caller,
        params,
    };
    let (_, result) = asked.answer(|params, _| params.realtime()).await?;
    let now = result.results.first().and_then(|row| row.metrics.first());
    Ok(Json(now.map_or_else(|| json!(0), |value| json!(value))))
}

/// `{"results": {"visitors": {"value": 10, "change": 5}}}`
async fn aggregate(State(state): State<AppState>, caller: Caller, uri: Uri) -> Answer<Value> {
    let params = Params::of(&uri);
    let asked = Asked {
        state,
        caller,
        params,
    };
    let (query, result) = asked.answer(Params::aggregate).await?;
    let row = result.results.first().cloned().unwrap_or_default();
    let change = row.comparison.as_ref().map(|compared| &compared.change);
    let mut figures = Map::new();
    for (i, metric) in query.metrics.iter().enumerate() {
        let mut figure = json!({"value": row.metrics.get(i)});
        if let Some(change) = change {
            figure["change"] = json!(change.get(i).copied().flatten());
        }
        figures.insert(metric.name().to_owned(), figure);
    }
    Ok(Json(with_warning(json!({"results": figures}), &result)))
}

/// `{"results": [{"date": "2026-01-01", "visitors": 10}]}`, a row for every bucket.
async fn timeseries(State(state): State<AppState>, caller: Caller, uri: Uri) -> Answer<Value> {
    let params = Params::of(&uri);
    let asked = Asked {
        state,
        caller,
        params,
    };
    let (query, mut result) = asked.answer(Params::timeseries).await?;
    // Ten days of minutes are more rows than one page has.
    let page = query.pagination.limit;
    if result.results.len() >= page as usize {
        let next = |params: &Params, goals: &[Goal]| {
            let mut query = params.timeseries(goals)?;
            query.pagination.offset = page;
            Ok(query)
        };
        let (_, rest) = asked.answer(next).await?;
        result.results.extend(rest.results);
    }
    let rows: HashMap<&str, &ResultRow> = result
        .results
        .iter()
        .filter_map(|row| Some((row.dimensions.first()?.as_str(), row)))
        .collect();
    let labels = result.meta.time_labels.iter().flatten();
    let buckets: Vec<_> = labels
        .map(|label| {
            let mut bucket = json!({"date": label});
            for (i, metric) in query.metrics.iter().enumerate() {
                let row = rows.get(label.as_str());
                bucket[metric.name()] = row.map_or_else(|| nothing(*metric), |row| json!(row.metrics.get(i)));
            }
            bucket
        })
        .collect();
    Ok(Json(with_warning(json!({"results": buckets}), &result)))
}

/// `{"results": [{"source": "Google", "visitors": 10}]}`
async fn breakdown(State(state): State<AppState>, caller: Caller, uri: Uri) -> Answer<Value> {
    let params = Params::of(&uri);
    let asked = Asked {
        state,
        caller,
        params,
    };
    let (query, result) = asked.answer(Params::breakdown).await?;
    let name = asked.params.property_name();
    let rows: Vec<_> = result
        .results
        .iter()
        .map(|row| {
            let mut entry = Map::new();
            for (metric, figure) in query.metrics.iter().zip(&row.metrics) {
                entry.insert(metric.name().to_owned(), json!(figure));
            }
            entry.insert(name.clone(), json!(row.dimensions.first()));
            entry
        })
        .collect();
    Ok(Json(with_warning(json!({"results": rows}), &result)))
}

/// Says why imported figures that were asked for are not in.
fn with_warning(mut answer: Value, result: &QueryResult) -> Value {
    if let Some(reason) = &result.meta.imports_skip_reason {
        answer["warning"] = json!(format!("imported stats are not included: {reason}"));
    }
    answer
}
