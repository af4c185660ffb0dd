//! `POST /api/publish` and its like: how a site's own programs publish and look at its channels, as Centrifugo's HTTP API has it. A key with the
//! right to publish is shown as `X-API-Key`. What is answered is `{"result": …}` or `{"error": {"code": …, "message": …}}`, with status 200 as
//! Centrifugo's clients expect; with the header `X-Centrifugo-Error-Mode: transport`, with a status that says the same.

mod answer;
mod caller;
mod channels;
mod publish;
mod turn_away;

use super::AppState;
use answer::{Answer, Refusal, in_mode};
use axum::{
    Json, Router,
    extract::State,
    middleware::from_fn,
    response::{IntoResponse, Response},
    routing::post,
};
use bytes::Bytes;
use caller::Program;
use publish::{Batch, Broadcast, Publish};
use pulsecast_protocol::wire::{ChannelRequest, HistoryRequest};
use serde::de::DeserializeOwned;
use tower_http::limit::RequestBodyLimitLayer;

/// Channels of a broadcast, and commands of a batch.
const MANY: usize = 1_000;

/// All of them, with bodies of at most so many bytes.
pub fn routes(body: usize) -> Router<AppState> {
    Router::new()
        .route("/api/publish", post(publish))
        .route("/api/broadcast", post(broadcast))
        .route("/api/batch", post(batch))
        .route("/api/history", post(history))
        .route("/api/presence", post(presence))
        .route("/api/presence_stats", post(presence_stats))
        .route("/api/channels", post(list))
        .route("/api/revoke", post(revoke))
        .route("/api/disconnect", post(disconnect))
        .layer(axum::extract::DefaultBodyLimit::disable())
        .layer(RequestBodyLimitLayer::new(body))
        .layer(from_fn(in_mode))
}

/// A body that says what to do; whatever is wrong with it is told in words.
fn read<T: DeserializeOwned>(body: &Bytes) -> Result<T, Refusal> {
    serde_json::from_slice(body)
        .map_err(|error| Refusal::bad(format!("the body is not what this address takes: {error}")))
}

fn told<T: serde::Serialize>(outcome: Result<T, Refusal>) -> Response {
    match outcome {
        Ok(result) => Json(Answer { result }).into_response(),
        Err(refusal) => refusal.into_response(),
    }
}

async fn publish(State(state): State<AppState>, program: Program, body: Bytes) -> Response {
    told(match read::<Publish>(&body) {
        Ok(what) => publish::one(&state, &program, what).await,
        Err(refusal) => Err(refusal),
    })
}

async fn broadcast(State(state): State<AppState>, program: Program, body: Bytes) -> Response {
    told(match read::<Broadcast>(&body) {
        Ok(what) => publish::to_many(&state, &program, what).await,
        Err(refusal) => Err(refusal),
    })
}

async fn batch(State(state): State<AppState>, program: Program, body: Bytes) -> Response {
    match read::<Batch>(&body) {
        Ok(what) => match publish::many(&state, &program, what).await {
            Ok(replies) => Json(replies).into_response(),
            Err(refusal) => refusal.into_response(),
        },
        Err(refusal) => refusal.into_response(),
    }
}

async fn history(State(state): State<AppState>, program: Program, body: Bytes) -> Response {
    told(read::<HistoryRequest>(&body).and_then(|what| channels::history(&state, &program, &what)))
}

async fn presence(State(state): State<AppState>, program: Program, body: Bytes) -> Response {
    told(read::<ChannelRequest>(&body).and_then(|what| channels::presence(&state, &program, &what)))
}

async fn presence_stats(State(state): State<AppState>, program: Program, body: Bytes) -> Response {
    told(read::<ChannelRequest>(&body).and_then(|what| channels::presence_stats(&state, &program, &what)))
}

async fn revoke(State(state): State<AppState>, program: Program, body: Bytes) -> Response {
    told(match read(&body) {
        Ok(whom) => turn_away::revoke(&state, &program, whom).await,
        Err(refusal) => Err(refusal),
    })
}

async fn disconnect(State(state): State<AppState>, program: Program, body: Bytes) -> Response {
    told(read(&body).and_then(|whom| turn_away::disconnect(&state, &program, whom)))
}

async fn list(State(state): State<AppState>, program: Program, body: Bytes) -> Response {
    let body = if body.is_empty() {
        Bytes::from_static(b"{}")
    } else {
        body
    };
    told(read::<channels::Wanted>(&body).and_then(|what| channels::list(&state, &program, &what)))
}
