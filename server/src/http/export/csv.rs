//! `GET /sites/{domain}/csv?query=…`, and the same below a shared link: the answer to any question of the Stats API v2 as CSV, all of its rows,
//! asked for page by page so that memory stays bounded.

use super::{
    super::{AppState, caller::Refusal},
    Writes,
    files::{Key, Sink, Trouble},
    range::Title,
    seen::Seen,
};
use crate::{
    enrich::{country, region},
    stats::{Scope, StatsError, csv::Table, parse},
};
use axum::{
    extract::{Query, State},
    response::Response,
};
use pulsecast_protocol::stats::{
    Dimension, Metric, MetricValue, Pagination, Query as Question, QueryResult, ResultRow,
};
use serde::Deserialize;
use serde_json::Value;

pub(super) const KIND: &str = "text/csv; charset=utf-8";

/// What is asked for.
#[derive(Debug, Deserialize)]
pub struct Asked {
    /// The question as JSON; `site_id` may be left out.
    query: String,
    /// What the file is to be called.
    #[serde(default)]
    name: String,
}

/// Names for the codes in dimensions.
fn names(dimension: &Dimension, code: &str) -> Option<String> {
    let name = match dimension {
        Dimension::Country => country::name(code),
        Dimension::Region => region::name(code),
        _ => None,
    };
    name.map(str::to_owned)
}

/// Answers with the table.
///
/// # Errors
/// As `POST /api/v2/query`; 429 and 503 with `Retry-After` where there are too many downloads.
pub async fn export(
    State(state): State<AppState>,
    Query(asked): Query<Asked>,
    seen: Seen,
) -> Result<Response, Refusal> {
    let mut json = parse::json(asked.query.as_bytes())?;
    if let Value::Object(fields) = &mut json {
        fields.insert("site_id".to_owned(), seen.site.settings.domain.to_string().into());
    }
    let query = parse::query(&json)?;
    let title = Title {
        kind: KIND,
        name: seen.file_name(&asked.name, "csv"),
    };
    let line = state.exports.admit(seen.to.clone())?;
    let key = Key::of(&("csv", &seen.scope, &query));
    let pages = Pages::of(state.clone(), seen.scope.clone(), query);
    // The first page before the answer begins: what is wrong with the question becomes its status.
    let begin = async || {
        let mut pages = pages;
        let first = pages.next().await?.unwrap_or_default();
        Ok(Csv { first, pages })
    };
    state.exports.answer(key, &title, &seen.ask, line, begin).await
}

struct Csv {
    first: Vec<u8>,
    pages: Pages,
}

impl Writes for Csv {
    async fn write(mut self, mut sink: Sink) -> Result<Sink, Trouble> {
        sink.write(&self.pages.table.head()).await?;
        sink.write(&self.first).await?;
        while let Some(page) = self.pages.next().await? {
            sink.write(&page).await?;
        }
        Ok(sink)
    }
}

impl From<StatsError> for Trouble {
    fn from(error: StatsError) -> Self {
        tracing::warn!(%error, "an export breaks off");
        Self::Store
    }
}

/// The answer to a question, a page at a time. A question that asks for a page of its own gets that one.
pub(super) struct Pages {
    state: AppState,
    scope: Scope,
    query: Question,
    pub(super) table: Table,
    all: bool,
    over: bool,
}

impl Pages {
    pub(super) fn of(state: AppState, scope: Scope, query: Question) -> Self {
        Self {
            state,
            scope,
            table: Table::of(&query, names),
            all: query.pagination == Pagination::default(),
            query,
            over: false,
        }
    }

    /// The next lines.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<u8>>, StatsError> {
        if self.over {
            return Ok(None);
        }
        let QueryResult { results, meta, .. } = self.state.stats.query(&self.scope, &self.query).await?;
        let (limit, offset) = (self.query.pagination.limit, self.query.pagination.offset);
        self.over = !self.all || results.len() < limit as usize || self.query.dimensions.is_empty();
        self.query.pagination.offset = offset.saturating_add(limit);
        let results = match meta.time_labels {
            Some(labels) if self.all && self.over && offset == 0 => filled(results, labels, &self.query),
            _ => results,
        };
        Ok((!results.is_empty()).then(|| self.table.rows(&results)))
    }
}

/// With a row for each bucket of time, also of those in which nothing happened, as the graph shows them.
fn filled(results: Vec<ResultRow>, labels: Vec<String>, query: &Question) -> Vec<ResultRow> {
    if !matches!(query.dimensions[..], [Dimension::Time(_)]) || query.include.comparisons.is_some() {
        return results;
    }
    let nothing = |metric: &Metric| match metric {
        Metric::Visitors | Metric::Visits | Metric::Pageviews | Metric::Events => MetricValue::Count(0),
        _ => MetricValue::None,
    };
    let mut rows: std::collections::HashMap<String, ResultRow> = results
        .into_iter()
        .filter_map(|row| Some((row.dimensions.first()?.clone(), row)))
        .collect();
    let row = |label: String| {
        rows.remove(&label).unwrap_or_else(|| ResultRow {
            dimensions: vec![label],
            metrics: query.metrics.iter().map(nothing).collect(),
            comparison: None,
        })
    };
    labels.into_iter().map(row).collect()
}
