//! `POST /api/event`: Plausible's events API. Public: any page may post; what is counted is decided by the page's hostname.

use super::client_ip::client_ip;
use crate::ingest::{Ingest, Outcome, Overload, Sender, count};
use axum::{
    Json, Router,
    body::{Body, Bytes, to_bytes},
    extract::{ConnectInfo, Request, State},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use ipnet::IpNet;
use pulsecast_protocol::{
    FieldErrors,
    beacon::{Beacon, limit},
};
use std::{net::SocketAddr, sync::Arc};

const DROPPED: HeaderName = HeaderName::from_static("x-pulsecast-dropped");
const PLAUSIBLE_DROPPED: HeaderName = HeaderName::from_static("x-plausible-dropped");

/// What the ingest routes need.
#[derive(Clone, Debug)]
pub struct IngestState {
    /// Takes events.
    pub ingest: Ingest,
    /// Proxies whose word on the client's address is taken.
    pub trusted_proxies: Arc<[IpNet]>,
}

/// The ingest routes.
pub fn routes(state: IngestState) -> Router {
    Router::new()
        .route("/api/event", post(take).options(preflight))
        .route("/api/event/pixel.gif", get(super::pixel::take))
        .with_state(state)
}

async fn take(
    State(state): State<IngestState>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let outcome = match read(&parts.headers, body).await {
        Ok(body) => match Beacon::parse(&body) {
            Ok(beacon) => {
                state
                    .ingest
                    .take(beacon, &sender(&parts.headers, peer, &state.trusted_proxies))
                    .await
            }
            Err(errors) => counted(Outcome::Invalid(errors)),
        },
        Err(errors) => {
            let mut response = (StatusCode::PAYLOAD_TOO_LARGE, Json(errors.clone())).into_response();
            drop(counted(Outcome::Invalid(errors)));
            allow_any_page(response.headers_mut());
            return response;
        }
    };
    let mut response = answer(&outcome);
    allow_any_page(response.headers_mut());
    response
}

/// A body up to this size is heard out even when it is refused: a client that is still sending when the connection closes does not
/// read the answer. Larger ones that say so themselves are not waited for.
const HEARD_OUT: usize = 4 * limit::BODY;

/// The body, unless it is too large.
async fn read(headers: &HeaderMap, body: Body) -> Result<Bytes, FieldErrors> {
    let too_large = || {
        FieldErrors::one(
            "body",
            format!(
                "is over {} bytes: send one event a request, with fewer properties",
                limit::BODY
            ),
        )
    };
    let announced = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > HEARD_OUT) {
        return Err(too_large());
    }
    // A body that breaks off is a client that went away: nobody reads the answer.
    to_bytes(body, HEARD_OUT)
        .await
        .ok()
        .filter(|body| body.len() <= limit::BODY)
        .ok_or_else(too_large)
}

fn counted(outcome: Outcome) -> Outcome {
    count(&outcome);
    outcome
}

/// Who a request comes from.
pub(super) fn sender(headers: &HeaderMap, peer: SocketAddr, trusted: &[IpNet]) -> Sender {
    let text = |name: HeaderName| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned)
    };
    Sender {
        ip: client_ip(peer.ip(), headers, trusted),
        user_agent: text(header::USER_AGENT).unwrap_or_default(),
        accept_language: text(header::ACCEPT_LANGUAGE),
    }
}

fn answer(outcome: &Outcome) -> Response {
    match outcome {
        Outcome::Accepted => (StatusCode::ACCEPTED, "ok").into_response(),
        Outcome::Dropped(reason) => {
            let mut response = (StatusCode::ACCEPTED, "ok").into_response();
            mark_dropped(response.headers_mut(), reason.name());
            response
        }
        Outcome::Invalid(errors) => (StatusCode::BAD_REQUEST, Json(errors.clone())).into_response(),
        Outcome::UnknownSite(errors) => {
            let mut response = (StatusCode::BAD_REQUEST, Json(errors.clone())).into_response();
            mark_dropped(response.headers_mut(), outcome.name());
            response
        }
        Outcome::Overloaded(why) => unavailable(*why),
    }
}

pub(super) fn mark_dropped(headers: &mut HeaderMap, reason: &'static str) {
    headers.insert(DROPPED, HeaderValue::from_static(reason));
    headers.insert(PLAUSIBLE_DROPPED, HeaderValue::from_static("1"));
}

/// 503 with the time after which coming again is worth it.
pub(super) fn unavailable(why: Overload) -> Response {
    let seconds = match why {
        Overload::InboxFull => "1",
        Overload::StoreBehind | Overload::Stopping => "5",
        Overload::DiskFailed | Overload::NoSalt => "10",
    };
    let body = Json(FieldErrors::one(
        "server",
        format!(
            "cannot take events now ({}): send it again after {seconds} s",
            why.name()
        ),
    ));
    let mut response = (StatusCode::SERVICE_UNAVAILABLE, body).into_response();
    response
        .headers_mut()
        .insert(header::RETRY_AFTER, HeaderValue::from_static(seconds));
    response
}

/// Scripts of any page may post and see the answer; no credentials are ever involved.
fn allow_any_page(headers: &mut HeaderMap) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(
        header::ACCESS_CONTROL_EXPOSE_HEADERS,
        HeaderValue::from_static("retry-after, x-pulsecast-dropped, x-plausible-dropped"),
    );
}

async fn preflight() -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    let headers = response.headers_mut();
    allow_any_page(headers);
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_METHODS,
        HeaderValue::from_static("POST, OPTIONS"),
    );
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_HEADERS,
        HeaderValue::from_static("content-type"),
    );
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("86400"));
    response
}
