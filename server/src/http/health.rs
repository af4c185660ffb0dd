//! `GET /health/live` and `/health/ready`, for those who start, stop and route to servers.

use super::AppState;
use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::{StatusCode, header};

/// The process runs.
pub async fn live() -> Response {
    ([(header::CACHE_CONTROL, "no-store")], "ok\n").into_response()
}

/// The server can do its work; else 503 and a line for each part that cannot.
pub async fn ready(State(state): State<AppState>) -> Response {
    let problems = state.health.problems();
    if problems.is_empty() {
        return live().await;
    }
    let lines: String = problems
        .iter()
        .map(|(part, reason)| format!("{part}: {reason}\n"))
        .collect();
    (
        StatusCode::SERVICE_UNAVAILABLE,
        [(header::CACHE_CONTROL, "no-store"), (header::RETRY_AFTER, "5")],
        lines,
    )
        .into_response()
}
