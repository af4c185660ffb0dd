//! `POST /api/v2/query`: a question about a site's history as Plausible's Stats API v2 asks it (<https://plausible.io/docs/stats-api>), from
//! programs with an API key and from our own pages. What it may say is read in `stats::parse`, what the figures mean is in `docs/metrics.md`.

use super::{
    AppState,
    caller::{Answer, Caller},
    place_names::PlaceNames,
};
use crate::stats::parse;
use axum::{Json, extract::State};
use bytes::Bytes;
use pulsecast_protocol::stats::QueryResult;

/// Answers `{"results": […], "meta": {…}, "query": {…}}`.
///
/// # Errors
/// 400 with the path of what is wrong, 401 without a key for the site, 422 for what is too expensive, 429 and 503 with `Retry-After`.
pub async fn query(State(state): State<AppState>, caller: Caller, body: Bytes) -> Answer<QueryResult> {
    let mut json = parse::json(&body)?;
    let names = PlaceNames::taken_from(&mut json);
    let query = parse::query(&json)?;
    let site = caller.site(&state, &query.site_id)?;
    let (names, query) = names.resolve(query).await?;
    let mut result = state.stats.query(&caller.scope(&site), &query).await?;
    names.put_into(&mut result);
    Ok(Json(result))
}
