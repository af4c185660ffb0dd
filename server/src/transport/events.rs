//! Server-sent events for a plain `EventSource`, which only listens, reconnects by itself and then says which event was its last:
//! `/connection/uni_sse`, as Centrifugo has it, for any channels; `/api/feed/{site}/events` for a feed, without any protocol.

use super::{
    TransportState,
    connection::Connection,
    dress::{Dress, event, written},
    entry::{identity, looks, seat},
    feed::{self, Asked},
    flow::{First, Flow, Hangup},
    marks::{self, Marks},
    one_way::{self, Joined, bad},
    stream::opening,
};
use axum::{
    extract::{Path, Query, Request, State},
    http::request::Parts,
    response::Response,
};
use bytes::BytesMut;
use pulsecast_protocol::wire::{ConnectRequest, Push};
use serde::Deserialize;

const CONTENT: &str = "text/event-stream";
/// Tells a client of the simple stream that it has missed something: the events that follow are the newest, not what it missed.
const RESET: &[u8] = b"event: reset\n";

#[derive(Deserialize)]
struct Brought {
    last_event_id: Option<String>,
}

/// The id of the last event that the client has seen. The browser's word, which it sends when it comes back by itself, is the newer one.
pub(super) fn brought(parts: &Parts) -> Option<String> {
    let header = parts.headers.get("last-event-id");
    let header = header.and_then(|value| value.to_str().ok()).map(str::to_owned);
    let address = || Query::<Brought>::try_from_uri(&parts.uri).ok()?.0.last_event_id;
    header
        .filter(|id| !id.is_empty())
        .or_else(address)
        .filter(|id| !id.is_empty())
}

/// `GET /connection/uni_sse?cf_connect={"subs":{…}}`.
pub(super) async fn uni(State(state): State<TransportState>, request: Request) -> Response {
    open_uni(&state, request).await.unwrap_or_else(|refusal| *refusal)
}

async fn open_uni(state: &TransportState, request: Request) -> Result<Response, Box<Response>> {
    let (parts, text) = opening(request, state.0.limits.message).await?;
    let wish = match text.trim() {
        "" => ConnectRequest::default(),
        text => serde_json::from_str(text)
            .map_err(|_| bad("cf_connect is not a connect request: write {\"subs\":{\"CHANNEL\":{}}}"))?,
    };
    let seat = seat(state, &parts.extensions, "uni_sse")?;
    let mut connection = Connection::new(
        state,
        identity(&parts.headers, &parts.extensions),
        looks(&parts.headers, &parts.extensions),
    );
    let Joined {
        connect,
        marks,
        later,
    } = one_way::join(&mut connection, wish, brought(&parts).as_deref()).await?;
    let push = Push {
        connect: Some(connect),
        ..Push::default()
    };
    let mut told = BytesMut::new();
    event(&mut told, marks.id().as_deref(), written(&push).as_bytes());
    let mut dress = Dress::OneWay(marks);
    told.extend_from_slice(&dress.pack(&later));
    let flow = Flow {
        connection,
        seat,
        first: First::Told(told.freeze()),
        commands: None,
        dress,
        hangup: parts.extensions.get::<Hangup>().cloned(),
    };
    Ok(flow.start(state, CONTENT))
}

/// `GET /api/feed/{site}/events`: the backlog, or what came since the last event, then what comes; each event is an item, its id the
/// position to come back with.
pub(super) async fn of_feed(
    State(state): State<TransportState>,
    Path(site): Path<String>,
    request: Request,
) -> Response {
    open_feed(&state, &site, request)
        .await
        .unwrap_or_else(|refusal| *refusal)
}

async fn open_feed(state: &TransportState, site: &str, request: Request) -> Result<Response, Box<Response>> {
    let (parts, _) = request.into_parts();
    let Query(asked) = Query::<Asked>::try_from_uri(&parts.uri).map_err(|_| bad(feed::ADVICE))?;
    let since = brought(&parts).map(|id| marks::read(&id));
    let seat = seat(state, &parts.extensions, "feed_events")?;
    let (connection, began) = feed::begin(state, &parts, site, since.as_ref(), asked.limit).await?;
    let mut marks = Marks::new([began.channel.clone()]);
    let mut told = BytesMut::new();
    if since.is_some() && !began.recovered {
        told.extend_from_slice(RESET);
        event(&mut told, None, br#"{"recovered":false}"#);
    }
    let epoch = &began.position.epoch;
    if began.recovered {
        for item in &began.items {
            event(&mut told, Some(&format!("{epoch}:{}", item.offset)), &item.data);
        }
    } else {
        // Who stays until the end sees the newest last. Only then is there a position to come back with.
        for item in began.items.iter().rev() {
            event(&mut told, None, &item.data);
        }
    }
    // Without data there is no event, yet browsers remember the id: who is cut off now comes back from here.
    told.extend_from_slice(format!("id: {}\n\n", began.position).as_bytes());
    marks.begin(&began.channel, began.position);
    let mut dress = Dress::Payloads(marks);
    told.extend_from_slice(&dress.pack(&began.later));
    let flow = Flow {
        connection,
        seat,
        first: First::Told(told.freeze()),
        commands: None,
        dress,
        hangup: parts.extensions.get::<Hangup>().cloned(),
    };
    Ok(flow.start(state, CONTENT))
}
