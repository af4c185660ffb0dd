//! `GET /sites/{domain}/export.parquet?from&to`: raw events as one Parquet file, which the store's engine writes into the data directory. A
//! download that broke off goes on by `Range`, for an hour.

use super::{
    ExportState, Wanted, file_name,
    files::FilesError,
    range::{resumes, serve},
};
use crate::{gate::SignedIn, http::status, store::Slice};
use axum::{
    Extension,
    extract::{Path, Query, State},
    response::Response,
};
use http::HeaderMap;
use pulsecast_protocol::{ApiError, ErrorCode};

const KIND: &str = "application/vnd.apache.parquet";

pub(super) async fn export(
    State(state): State<ExportState>,
    Path(domain): Path<String>,
    Query(wanted): Query<Wanted>,
    who: Option<Extension<SignedIn>>,
    headers: HeaderMap,
) -> Response {
    match answer(&state, &domain, &wanted, who, &headers).await {
        Ok(response) => response,
        Err(response) => *response,
    }
}

async fn answer(
    state: &ExportState,
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
    let refuse = |error: &dyn std::error::Error, message: String| {
        tracing::warn!(%error, "an export is not served");
        Box::new(status::refuse(
            headers,
            ApiError::new(ErrorCode::Unavailable, message),
        ))
    };
    let there = state
        .files
        .find(slice)
        .filter(|made| resumes(headers, &made.etag));
    let goes_on = there.is_some();
    let made = match there {
        Some(made) => made,
        None => {
            let events = state.events.clone();
            let made = state
                .files
                .make(slice, move |file| events.parquet(slice, file))
                .await;
            made.map_err(|error| match &error {
                FilesError::Store(_) => refuse(
                    &error,
                    "the event store cannot write the file now: see the server's log, or try again"
                        .to_owned(),
                ),
                FilesError::Busy | FilesError::Broken => refuse(&error, error.to_string()),
            })?
        }
    };
    let name = file_name(&site, wanted, "parquet");
    serve(&made.path, &made.etag, KIND, name, headers, !goes_on)
        .await
        .map_err(|error| refuse(&error, "the file cannot be read: try again".to_owned()))
}
