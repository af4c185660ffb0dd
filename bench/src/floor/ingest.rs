//! Reads the event and says 202: no enrichment, no disk, nobody told.

use anyhow::Result;
use axum::{
    Router,
    body::Bytes,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::post,
};
use pulsecast_protocol::beacon::Beacon;
use tokio::net::TcpListener;

/// Serves until killed.
pub async fn serve() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, Router::new().route("/api/event", post(take))).await?;
    Ok(())
}

async fn take(body: Bytes) -> Response {
    match Beacon::parse(&body) {
        Ok(beacon) if !beacon.domains.is_empty() => (StatusCode::ACCEPTED, "ok").into_response(),
        _ => StatusCode::BAD_REQUEST.into_response(),
    }
}
