//! `GET /sites/{domain}/export.ndjson?from&to&after`: raw events, one JSON object a line, streamed piece by piece, so that memory stays
//! bounded however many there are. A download that broke off goes on with `after` and the `seq` of its last whole line; the header
//! `x-pulsecast-last-seq` says which number ends it, and as `through` keeps out what has come in since.

use super::{
    ExportState, Wanted, file_name,
    outflow::{Outflow, outflow},
    range::Title,
};
use crate::{
    gate::SignedIn,
    http::status,
    store::{EventReader, Slice, StoreError},
    transport::Hangup,
};
use axum::{
    Extension,
    extract::{Path, Query, State},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, header};
use pulsecast_protocol::{ApiError, ErrorCode};
use std::{io, sync::Arc};

/// Events read at a time.
const PIECE: usize = 5_000;
const LAST: HeaderName = HeaderName::from_static("x-pulsecast-last-seq");

pub(super) async fn export(
    State(state): State<ExportState>,
    Path(domain): Path<String>,
    Query(wanted): Query<Wanted>,
    who: Option<Extension<SignedIn>>,
    hangup: Option<Extension<Hangup>>,
    headers: HeaderMap,
) -> Response {
    match answer(state, &domain, &wanted, (who, hangup), &headers).await {
        Ok(response) => response,
        Err(response) => *response,
    }
}

async fn answer(
    state: ExportState,
    domain: &str,
    wanted: &Wanted,
    (who, hangup): (Option<Extension<SignedIn>>, Option<Extension<Hangup>>),
    headers: &HeaderMap,
) -> Result<Response, Box<Response>> {
    let site = state.site(domain, who.clone(), headers)?;
    let period = wanted.period(&site, headers)?;
    let slice = Slice {
        site: site.id,
        from: period.from,
        to: period.to,
    };
    let line = state.admit(who, hangup, headers)?;
    let last = last_of(state.events.clone(), slice).await.map_err(|error| {
        tracing::error!(%error, "an export does not begin");
        let error = ApiError::new(
            ErrorCode::Unavailable,
            "the event store does not answer now: try again in a moment",
        );
        Box::new(status::refuse(headers, error))
    })?;
    let last = wanted.through.map_or(last, |through| last.min(through));
    let (out, body) = outflow(line);
    let (events, after) = (state.events.clone(), wanted.after);
    state.exports.tasks.spawn("download", async move {
        match pour(events, slice, after, last, &out).await {
            Ok(true) => out.end().await,
            // The client is gone.
            Ok(false) => {}
            Err(error) => {
                tracing::warn!(%error, "a download breaks off");
                out.fail(io::Error::other(error)).await;
            }
        }
    });
    let title = Title {
        kind: "application/x-ndjson; charset=utf-8",
        name: file_name(&site, wanted, "ndjson"),
    };
    let about = [
        (LAST, last.to_string()),
        (header::ACCEPT_RANGES, "none".to_owned()),
    ];
    Ok((title.headers(), about, body).into_response())
}

/// Sends them; whether the client took all.
async fn pour(
    events: Arc<dyn EventReader>,
    slice: Slice,
    mut after: u64,
    last: u64,
    out: &Outflow,
) -> Result<bool, StoreError> {
    while let Some((lines, next)) = piece(events.clone(), slice, after, last).await? {
        if out.send_all(lines).await.is_err() {
            return Ok(false);
        }
        after = next;
    }
    Ok(true)
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
