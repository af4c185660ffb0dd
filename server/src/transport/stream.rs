//! HTTP streaming and SSE in both directions, as Centrifugo has them: the stream carries what a socket would, and what the client says after
//! `connect` comes by `POST /emulation`.

use super::{
    TransportState,
    connection::Connection,
    dress::Dress,
    entry::{identity, looks, refuse, seat},
    flow::{First, Flow, Hangup},
};
use axum::{
    body::to_bytes,
    extract::{Query, Request, State},
    http::{Method, StatusCode},
    response::Response,
};
use serde::Deserialize;

/// `POST /connection/http_stream`: lines. The body is the first command.
pub(super) async fn lines(State(state): State<TransportState>, request: Request) -> Response {
    open(&state, request, Dress::Lines, "application/x-ndjson").await
}

/// `GET /connection/sse?cf_connect=…`: the same lines as events.
pub(super) async fn events(State(state): State<TransportState>, request: Request) -> Response {
    open(&state, request, Dress::Events, "text/event-stream").await
}

async fn open(state: &TransportState, request: Request, dress: Dress, content: &'static str) -> Response {
    let (parts, first) = match opening(request, state.0.limits.message).await {
        Ok(opening) => opening,
        Err(refusal) => return *refusal,
    };
    let seat = match seat(state, &parts.extensions, dress.name()) {
        Ok(seat) => seat,
        Err(refusal) => return *refusal,
    };
    let (names, commands) = state.0.emulation.register();
    let who = identity(&parts.headers, &parts.extensions);
    let connection = Connection::new(state, who, looks(&parts.headers, &parts.extensions)).emulated(names);
    let flow = Flow {
        connection,
        seat,
        first: First::Said(first),
        commands: Some(commands),
        dress,
        hangup: parts.extensions.get::<Hangup>().cloned(),
    };
    flow.start(state, content)
}

#[derive(Deserialize)]
struct Opening {
    #[serde(default)]
    cf_connect: String,
}

/// The first command of a client that cannot speak before it is answered: the body of a `POST`, or in the address.
pub(super) async fn opening(
    request: Request,
    most: usize,
) -> Result<(http::request::Parts, String), Box<Response>> {
    let (parts, body) = request.into_parts();
    let bad = |reason, advice| Err(Box::new(refuse(reason, StatusCode::BAD_REQUEST, advice)));
    if parts.method != Method::POST {
        let Ok(Query(opening)) = Query::<Opening>::try_from_uri(&parts.uri) else {
            return bad("bad_request", "the address cannot be read");
        };
        return Ok((parts, opening.cf_connect));
    }
    let Ok(body) = to_bytes(body, most).await else {
        let advice = "the first command is too long";
        return Err(Box::new(refuse(
            "too_large",
            StatusCode::PAYLOAD_TOO_LARGE,
            advice,
        )));
    };
    match String::from_utf8(body.into()) {
        Ok(text) => Ok((parts, text)),
        Err(_) => bad("not_text", "the body is not utf-8: send JSON"),
    }
}
