//! Every path of the server, at a glance.

use super::{
    AppState, config::Demo, demo, export, feed, health, invitation, login, logout, metrics, openapi, pages,
    push, scripts, security, setup, share, sites_v1, stats_v1, stats_v2, status::refuse, token, who,
};
use crate::gate::RemoteIp;
use axum::{
    Router,
    extract::{ConnectInfo, Request, State},
    middleware::{Next, from_fn, from_fn_with_state},
    response::Response,
    routing::{get, post},
};
use leptos::prelude::LeptosOptions;
use pulsecast_protocol::{ApiError, ErrorCode, beacon::limit};
use std::net::SocketAddr;
use std::time::Duration;
use tower_http::{
    CompressionLevel,
    compression::{
        CompressionLayer, Predicate,
        predicate::{NotForContentType, SizeAbove},
    },
    limit::RequestBodyLimitLayer,
    trace::TraceLayer,
};

/// Routes that other parts of the server bring along, each complete with its own state.
#[derive(Debug, Default)]
pub struct Parts {
    /// `POST /api/event`, `GET /api/event/pixel.gif`: `http::event::routes`. Public, no session, no origin.
    pub ingest: Router,
    /// `/connection/…`, `/emulation`, `GET /api/feed/{site}`: `transport::routes`. Sees [`crate::gate::SignedIn`]; asks the gate about origins itself.
    pub transport: Router,
    /// Routes for members, such as `GET /sites/{domain}/export.ndjson`. See [`crate::gate::SignedIn`].
    pub members: Router,
    /// Routes that take files in, with limits of their own.
    pub uploads: Router,
}

/// Forms are small: the body of an event, and a little for their encoding.
const BODY: usize = limit::BODY + 4096;

/// The whole server as one service.
pub fn router(state: AppState, parts: Parts, leptos: LeptosOptions) -> Router {
    let timeout = state.config.request_timeout;
    // For everybody, from everywhere.
    let public = Router::new()
        .route("/js/{name}", get(scripts::script))
        .merge(openapi::routes())
        .layer(compression())
        .merge(parts.ingest);

    // For programs that watch the server.
    let machine = Router::new()
        .route("/health/live", get(health::live))
        .route("/health/ready", get(health::ready))
        .route("/metrics", get(metrics::metrics))
        .merge(push::routes(state.config.publish_body))
        .with_state(state.clone());

    // For people: pages, forms and what they call. Everything from here on passes the door of `who`.
    let mut people = Router::new()
        .route("/login", post(login::login))
        .route("/logout", post(logout::logout))
        .route("/setup", post(setup::setup))
        .route("/api/token", post(token::token))
        .route("/api/v2/query", post(stats_v2::query))
        .merge(export::reports())
        .route("/invitations/{token}", post(invitation::join))
        .route("/share/{slug}", post(share::open))
        .merge(feed::routes())
        .merge(stats_v1::routes())
        .merge(sites_v1::routes());
    if state.config.demo == Demo::On {
        people = people.merge(demo::routes());
    }
    // GET / /login /setup /sites/… , POST /fn/… , /pkg/* and other files, and 404.
    let people = people
        .merge(pages::routes(&state, leptos))
        .with_state(state.clone())
        .merge(parts.members)
        .layer(RequestBodyLimitLayer::new(BODY))
        .merge(parts.uploads)
        .layer(compression())
        .layer(from_fn_with_state(state.clone(), who::ours))
        .merge(parts.transport.layer(from_fn_with_state(state.clone(), remote)))
        .layer(from_fn_with_state(state.clone(), who::door))
        .layer(state.sessions.layer(state.config.secure()))
        .layer(from_fn(security::headers))
        .layer(TraceLayer::new_for_http().make_span_with(span));

    public
        .merge(machine)
        .merge(people)
        .layer(from_fn_with_state(timeout, in_time))
}

/// Small answers are not worth it, and what is compressed already gets no smaller.
fn compression() -> CompressionLayer<impl Predicate> {
    let worthwhile = SizeAbove::new(256)
        .and(NotForContentType::IMAGES)
        .and(NotForContentType::SSE)
        .and(NotForContentType::const_new("application/wasm"))
        // Exports whose bytes a broken download goes on with; and those that are compressed already.
        .and(NotForContentType::const_new("application/vnd.apache.parquet"))
        .and(NotForContentType::const_new("text/csv"))
        .and(NotForContentType::const_new("application/zip"));
    CompressionLayer::new()
        .quality(CompressionLevel::Precise(4))
        .compress_when(worthwhile)
}

/// The path only: queries and headers hold tokens. Of addresses that are secrets themselves only what comes before.
fn span(request: &Request) -> tracing::Span {
    tracing::info_span!("http", method = %request.method(), path = loggable(request.uri().path()))
}

fn loggable(path: &str) -> &str {
    let secret = ["/share/", "/invitations/"];
    secret
        .into_iter()
        .find(|begin| path.starts_with(begin))
        .unwrap_or(path)
}

/// Transports count connections by address: behind a trusted proxy that has to be the client's, not the proxy's.
async fn remote(
    State(state): State<AppState>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    mut request: Request,
    next: Next,
) -> Response {
    let ip = state.config.client_ip(peer, request.headers());
    request.extensions_mut().insert(RemoteIp(ip));
    next.run(request).await
}

/// Writing a file of all events, or taking one in, takes its time.
fn patience(path: &str) -> Duration {
    let files = [".parquet", ".zip", "csv", "/import"];
    let long = (path.starts_with("/sites/") || path.starts_with("/share/"))
        && files.iter().any(|file| path.ends_with(file));
    if long {
        Duration::from_secs(1800)
    } else if path.starts_with("/api/feed/") {
        // A poll waits for news, and ends itself.
        Duration::from_secs(180)
    } else {
        Duration::ZERO
    }
}

/// A request that nobody answers in time is given up, whatever it waits for: a body that does not come, a lock, a disk.
async fn in_time(State(timeout): State<Duration>, request: Request, next: Next) -> Response {
    let accept = request.headers().get(http::header::ACCEPT).cloned();
    let timeout = timeout.max(patience(request.uri().path()));
    match tokio::time::timeout(timeout, next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            ::metrics::counter!("pulsecast_http_timeouts_total").increment(1);
            let headers = accept
                .into_iter()
                .map(|value| (http::header::ACCEPT, value))
                .collect();
            refuse(
                &headers,
                ApiError::new(
                    ErrorCode::Unavailable,
                    "the request took too long: try again in a moment",
                ),
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::loggable;

    #[test]
    fn the_log_holds_no_address_that_lets_anybody_in() {
        assert_eq!(loggable("/share/c2VjcmV0"), "/share/");
        assert_eq!(loggable("/invitations/c2VjcmV0"), "/invitations/");
        assert_eq!(loggable("/sites/example.com"), "/sites/example.com");
    }
}
