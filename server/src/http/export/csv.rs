//! `GET /sites/{domain}/csv?query=…`: the answer to any question of the Stats API v2 as CSV, all of its rows, asked for page by page so that
//! memory stays bounded.

use super::super::{
    AppState,
    caller::{Caller, Refusal},
};
use crate::{
    enrich::{country, region},
    stats::{Scope, StatsError, csv::Table, parse},
};
use axum::{
    body::Body,
    extract::{Path, Query, State},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures::{StreamExt, stream};
use http::{StatusCode, header};
use pulsecast_protocol::{
    Domain,
    stats::{Dimension, Pagination, Query as Question, QueryResult},
};
use serde::Deserialize;
use serde_json::Value;

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
pub(super) fn names(dimension: &Dimension, code: &str) -> Option<String> {
    let name = match dimension {
        Dimension::Country => country::name(code),
        Dimension::Region => region::name(code),
        _ => None,
    };
    name.map(str::to_owned)
}

/// The site's domain in a path.
pub(super) fn domain(text: &str) -> Result<Domain, Refusal> {
    text.parse().map_err(|_| {
        Refusal::new(
            StatusCode::NOT_FOUND,
            format!("there is no site {text} among yours"),
        )
    })
}

/// Answers with the table.
///
/// # Errors
/// As `POST /api/v2/query`.
pub async fn export(
    State(state): State<AppState>,
    Path(site): Path<String>,
    Query(asked): Query<Asked>,
    caller: Caller,
) -> Result<Response, Refusal> {
    let mut json = parse::json(asked.query.as_bytes())?;
    let site = caller.site(&state, &domain(&site)?)?;
    if let Value::Object(fields) = &mut json {
        fields.insert("site_id".to_owned(), site.settings.domain.to_string().into());
    }
    let query = parse::query(&json)?;
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    let report: String = asked.name.chars().map(plain).take(60).collect();
    let dash = if report.is_empty() { "" } else { "-" };
    let name = format!(
        "attachment; filename=\"{}{dash}{report}.csv\"",
        site.settings.domain
    );
    let mut pages = Pages::of(state, caller.scope(&site), query);
    // The first page before the answer begins: what is wrong with the question becomes its status.
    let first = pages.next().await?.unwrap_or_default();
    let head = pages.table.head();
    let start = stream::iter([Ok(Bytes::from([head, first].concat()))]);
    let rest = stream::try_unfold(pages, |mut pages| async move {
        let page = pages.next().await.map_err(std::io::Error::other)?;
        Ok::<_, std::io::Error>(page.map(|page| (Bytes::from(page), pages)))
    });
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, name),
    ];
    Ok((headers, Body::from_stream(start.chain(rest))).into_response())
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
        let QueryResult { results, .. } = self.state.stats.query(&self.scope, &self.query).await?;
        let limit = self.query.pagination.limit;
        self.over = !self.all || results.len() < limit as usize || self.query.dimensions.is_empty();
        self.query.pagination.offset = self.query.pagination.offset.saturating_add(limit);
        Ok((!results.is_empty()).then(|| self.table.rows(&results)))
    }
}
