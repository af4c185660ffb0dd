//! `GET /api/event/pixel.gif?d=SITE&u=URL&r=REFERRER`: a pageview for pages without JavaScript. Without `u`, the page is the `Referer`.

use super::event::{IngestState, mark_dropped, sender, unavailable};
use crate::ingest::Outcome;
use axum::{
    Json,
    extract::{ConnectInfo, Query, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use pulsecast_protocol::{
    FieldErrors,
    beacon::{Beacon, limit},
};
use serde::Deserialize;
use std::net::SocketAddr;

/// One transparent pixel.
const GIF: &[u8] = b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\x00\x00\x00!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;";

#[derive(Deserialize)]
pub(super) struct Parameters {
    #[serde(alias = "domain")]
    d: String,
    #[serde(alias = "url")]
    u: Option<String>,
    #[serde(alias = "referrer")]
    r: Option<String>,
}

pub(super) async fn take(
    State(state): State<IngestState>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    parameters: Result<Query<Parameters>, axum::extract::rejection::QueryRejection>,
) -> Response {
    let refuse = |field: &str, message: &str| {
        (StatusCode::BAD_REQUEST, Json(FieldErrors::one(field, message))).into_response()
    };
    let Ok(Query(parameters)) = parameters else {
        return refuse("domain", "is required: pixel.gif?d=example.com");
    };
    let page = parameters
        .u
        .or_else(|| headers.get(header::REFERER)?.to_str().ok().map(str::to_owned));
    let Some(page) = page.filter(|page| page.len() <= limit::URL) else {
        return refuse(
            "url",
            "is required, at most 2000 bytes: pixel.gif?d=example.com&u=https://example.com/page",
        );
    };
    let beacon = Beacon::pageview(parameters.d, page, parameters.r.filter(|r| r.len() <= limit::URL));
    let outcome = state
        .ingest
        .take(beacon, &sender(&headers, peer, &state.trusted_proxies))
        .await;
    let mut response = match &outcome {
        Outcome::Accepted => pixel(),
        Outcome::Dropped(reason) => {
            let mut response = pixel();
            mark_dropped(response.headers_mut(), reason.name());
            response
        }
        Outcome::Invalid(errors) | Outcome::UnknownSite(errors) => {
            (StatusCode::BAD_REQUEST, Json(errors.clone())).into_response()
        }
        Outcome::Overloaded(why) => unavailable(*why),
    };
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn pixel() -> Response {
    ([(header::CONTENT_TYPE, "image/gif")], GIF).into_response()
}
