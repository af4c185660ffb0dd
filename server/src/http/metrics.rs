//! `GET /metrics`: every counter in Prometheus' text format, for programs on this machine unless the owner opened it.

use super::{AppState, config::MetricsFor, status};
use axum::{
    extract::{ConnectInfo, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, header};
use pulsecast_protocol::{ApiError, ErrorCode};
use std::net::SocketAddr;

/// All counters.
pub async fn metrics(
    State(state): State<AppState>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
) -> Response {
    let open = state.config.metrics == MetricsFor::Everybody;
    if !open && !is_from_here(peer, &headers) {
        return status::refuse(
            &headers,
            ApiError::new(
                ErrorCode::Forbidden,
                "metrics are for this machine: read them here, or start pulsecast with --metrics everybody",
            ),
        );
    }
    match &state.metrics {
        Some(handle) => (
            [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")],
            handle.render(),
        )
            .into_response(),
        None => status::refuse(
            &headers,
            ApiError::new(ErrorCode::NotFound, "this process keeps no metrics"),
        ),
    }
}

/// A proxy on this machine is a loopback peer too, but it says for whom it asks.
fn is_from_here(peer: SocketAddr, headers: &HeaderMap) -> bool {
    let forwarded = headers.contains_key("x-forwarded-for") || headers.contains_key(header::FORWARDED);
    peer.ip().to_canonical().is_loopback() && !forwarded
}
