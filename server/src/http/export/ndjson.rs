//! `GET /sites/{domain}/export.ndjson?from&to&after`: raw events, one JSON object a line, streamed piece by piece, so that memory stays
//! bounded however many there are. A download that broke off goes on with `after` and the `seq` of its last whole line; the header
//! `x-pulsecast-last-seq` says which number ends it.

use super::{ExportState, Wanted, file_name};
use crate::{
    gate::SignedIn,
    http::status,
    store::{EventReader, Slice, StoreError},
};
use axum::{
    Extension,
    body::Body,
    extract::{Path, Query, State},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures::stream;
use http::{HeaderMap, HeaderName, header};
use pulsecast_protocol::{ApiError, ErrorCode};
use std::sync::Arc;

/// Events read at a time.
const PIECE: usize = 5_000;
const LAST: HeaderName = HeaderName::from_static("x-pulsecast-last-seq");

pub(super) async fn export(
    State(state): State<ExportState>,
    Path(domain): Path<String>,
    Query(wanted): Query<Wanted>,
    who: Option<Extension<SignedIn>>,
    headers: HeaderMap,
) -> Response {
    match answer(state, &domain, &wanted, who, &headers).await {
        Ok(response) => response,
        Err(response) => *response,
    }
}

async fn answer(
    state: ExportState,
    domain: &str,
    wanted: &Wanted,
    who: Option<Extension<SignedIn>>,
    headers: &HeaderMap,
) -> Result<Response, Box<Response>> {
    let site = state.site(domain, who, headers)?;
    let period = wanted.period(&site, headers)?;
    let slice = Slice {
        site: site.id,
        from: period.from,
        to: period.to,
    };
    let last = last_of(state.events.clone(), slice).await.map_err(|error| {
        tracing::error!(%error, "an export does not begin");
        let error = ApiError::new(
            ErrorCode::Unavailable,
            "the event store does not answer now: try again in a moment",
        );
        Box::new(status::refuse(headers, error))
    })?;
    let lines = stream::try_unfold(wanted.after, move |after| {
        let events = state.events.clone();
        async move {
            let piece = piece(events, slice, after, last).await;
            piece.map_err(std::io::Error::other)
        }
    });
    let head = [
        (
            header::CONTENT_TYPE,
            "application/x-ndjson; charset=utf-8".to_owned(),
        ),
        (header::CONTENT_DISPOSITION, file_name(&site, wanted, "ndjson")),
        (LAST, last.to_string()),
    ];
    Ok((head, Body::from_stream(lines)).into_response())
}

async fn last_of(events: Arc<dyn EventReader>, slice: Slice) -> Result<u64, StoreError> {
    let asked = tokio::task::spawn_blocking(move || events.last_of(slice)).await;
    asked.map_err(gone)?
}

/// The next events after one, as lines, and from where to go on; `None` when there are no more.
async fn piece(
    events: Arc<dyn EventReader>,
    slice: Slice,
    after: u64,
    last: u64,
) -> Result<Option<(Bytes, u64)>, StoreError> {
    let read = tokio::task::spawn_blocking(move || events.export(slice, after, last, PIECE)).await;
    let rows = read.map_err(gone)??;
    let Some(next) = rows.last().map(|(seq, _)| *seq) else {
        return Ok(None);
    };
    let mut text = Vec::new();
    for (_, row) in rows {
        // A map of strings and numbers always encodes.
        text.extend(serde_json::to_vec(&row).unwrap_or_default());
        text.push(b'\n');
    }
    Ok(Some((text.into(), next)))
}

fn gone(error: tokio::task::JoinError) -> StoreError {
    StoreError::Engine {
        path: "export".to_owned(),
        message: error.to_string(),
    }
}
