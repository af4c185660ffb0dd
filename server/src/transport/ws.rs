//! WebSocket: one task a connection, small buffers, and everything that waits goes into one write.

use super::{
    TransportState,
    connection::{Connection, Looks},
    seats::{NoSeat, Seat},
};
use crate::{
    gate::{Cookies, Identity, RemoteIp, SessionKey, SignedIn},
    hub::{Disconnect, Outbox, Taken},
};
use axum::{
    extract::{
        ConnectInfo, State,
        ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade},
    },
    http::{Extensions, HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::{BufMut, Bytes, BytesMut};
use pulsecast_protocol::Origin;
use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};
use tokio_tungstenite::tungstenite;

/// The subprotocol that clients may offer.
const SUBPROTOCOL: &str = "centrifuge-json";
/// Bytes packed into one write.
const PACK: usize = 32 << 10;
/// Bytes of answers that may wait before the next command is looked at.
const ENOUGH: usize = 64 << 10;

pub(super) async fn upgrade(
    State(state): State<TransportState>,
    extensions: Extensions,
    headers: HeaderMap,
    socket: Result<WebSocketUpgrade, axum::extract::ws::rejection::WebSocketUpgradeRejection>,
) -> Response {
    let who = match admit(&state, &headers, &extensions) {
        Ok(who) => who,
        Err(Foreign) => {
            let advice =
                "this origin may not open sockets here: add it to the site's origins in its settings";
            return refuse("origin", StatusCode::FORBIDDEN, advice);
        }
    };
    let socket = match socket {
        Ok(socket) => socket,
        Err(rejection) => return rejection.into_response(),
    };
    let seat = match state.0.seats.take(remote_ip(&extensions)) {
        Ok(_) if state.0.tasks.is_stopping() => {
            return refuse(
                "shutdown",
                StatusCode::SERVICE_UNAVAILABLE,
                "the server is going down: come back in a moment",
            );
        }
        Ok(seat) => seat,
        Err(NoSeat::Full) => {
            return refuse(
                "full",
                StatusCode::SERVICE_UNAVAILABLE,
                "too many connections: come back later",
            );
        }
        Err(NoSeat::TooManyFromThere) => {
            return refuse(
                "address",
                StatusCode::TOO_MANY_REQUESTS,
                "too many connections from this address: close some",
            );
        }
    };
    let limits = state.0.limits;
    let connection = Connection::new(&state, who, looks(&headers, &extensions));
    socket
        .protocols([SUBPROTOCOL])
        // What an idle connection costs most; a longer message makes it grow for as long as it is read.
        .read_buffer_size(2 << 10)
        .write_buffer_size(0)
        .max_message_size(limits.message)
        .max_frame_size(limits.message)
        .on_upgrade(move |socket| run(socket, connection, seat, limits.close_within))
}

/// From an origin that has no business here.
struct Foreign;

/// Whom the request speaks for, if it may come in at all.
fn admit(state: &TransportState, headers: &HeaderMap, extensions: &Extensions) -> Result<Identity, Foreign> {
    let mut origins = headers.get_all(header::ORIGIN).iter();
    let origin = match (origins.next(), origins.next()) {
        (None, _) => None,
        (Some(one), None) => Some(
            one.to_str()
                .ok()
                .and_then(|text| text.parse::<Origin>().ok())
                .ok_or(Foreign)?,
        ),
        (Some(_), Some(_)) => return Err(Foreign),
    };
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let entrance = state.0.gate.open(origin.as_ref(), host).map_err(|_| Foreign)?;
    // A cookie travels with requests of any page; it counts only where the page is the server's own, or there is no page.
    let trusted = entrance.own_origin || origin.is_none();
    let signed_in = extensions.get::<SignedIn>().filter(|_| trusted);
    Ok(Identity {
        account: signed_in.map(|signed_in| signed_in.0),
        session: signed_in.and_then(|_| extensions.get::<SessionKey>().copied()),
        user: signed_in.map(|signed_in| signed_in.1.clone()).unwrap_or_default(),
        origin,
        own_origin: entrance.own_origin,
        cookies: Cookies::of(headers),
        ..Identity::default()
    })
}

/// Programs without a user agent are each taken for a visitor of their own.
fn looks<'a>(headers: &'a HeaderMap, extensions: &Extensions) -> Option<Looks<'a>> {
    let user_agent = headers.get(header::USER_AGENT)?.to_str().ok()?;
    Some(Looks {
        ip: remote_ip(extensions)?,
        user_agent,
    })
}

fn remote_ip(extensions: &Extensions) -> Option<IpAddr> {
    let peer = || {
        extensions
            .get::<ConnectInfo<SocketAddr>>()
            .map(|peer| peer.0.ip())
    };
    extensions.get::<RemoteIp>().map(|remote| remote.0).or_else(peer)
}

fn refuse(reason: &'static str, status: StatusCode, advice: &'static str) -> Response {
    metrics::counter!("pulsecast_connections_refused_total", "reason" => reason).increment(1);
    let mut response = (status, advice).into_response();
    if status != StatusCode::FORBIDDEN {
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, HeaderValue::from_static("10"));
    }
    response
}

/// How a conversation ended.
enum End {
    TheyLeft,
    WeSay(Disconnect),
}

async fn run(mut socket: WebSocket, mut connection: Connection, seat: Seat, close_within: Duration) {
    let outbox = connection.outbox().clone();
    let end = loop {
        if let Err(end) = turn(&mut socket, &mut connection, &outbox).await {
            break end;
        }
    };
    // Channels are left before the handshake, which a slow client may draw out.
    drop(connection);
    let why = match end {
        End::TheyLeft => Disconnect::Normal,
        End::WeSay(why) => {
            // A client that does not take its leave in time is left without one.
            let _in_time = tokio::time::timeout(close_within, close(&mut socket, why)).await;
            why
        }
    };
    metrics::counter!("pulsecast_disconnects_total", "reason" => why.reason()).increment(1);
    drop((socket, seat));
}

/// Writes what waits or hears what comes, whichever is there.
async fn turn(socket: &mut WebSocket, connection: &mut Connection, outbox: &Outbox) -> Result<(), End> {
    let message = tokio::select! {
        taken = outbox.take(PACK) => return write(socket, outbox, taken).await,
        message = socket.recv() => message.ok_or(End::TheyLeft)?.map_err(unreadable)?,
    };
    match message {
        Message::Text(text) => {
            for line in text.lines().filter(|line| !line.trim().is_empty()) {
                connection.hear(line).await;
                while outbox.waiting() > ENOUGH {
                    let Some(taken) = outbox.try_take(PACK) else { break };
                    write(socket, outbox, taken).await?;
                }
                if outbox.ended().is_some() {
                    break;
                }
            }
            Ok(())
        }
        Message::Binary(_) => Err(End::WeSay(Disconnect::BadRequest)),
        Message::Ping(_) | Message::Pong(_) => Ok(()),
        Message::Close(_) => Err(End::TheyLeft),
    }
}

async fn write(socket: &mut WebSocket, outbox: &Outbox, taken: Taken) -> Result<(), End> {
    let frames = match taken {
        Taken::Frames(frames) => frames,
        Taken::Cut(why) => return Err(End::WeSay(why)),
    };
    let text = Utf8Bytes::try_from(pack(frames)).map_err(|_| End::WeSay(Disconnect::ServerError))?;
    tokio::select! {
        biased;
        sent = socket.send(Message::Text(text)) => sent.map_err(|_| End::TheyLeft),
        why = outbox.when_cut() => Err(End::WeSay(why)),
    }
}

/// Frames become lines of one message; a single one stays what it is, shared with all its other readers.
fn pack(mut frames: Vec<Bytes>) -> Bytes {
    if frames.len() == 1 {
        return frames.pop().unwrap_or_default();
    }
    let mut packed = BytesMut::with_capacity(frames.iter().map(|frame| frame.len() + 1).sum());
    for frame in frames {
        if !packed.is_empty() {
            packed.put_u8(b'\n');
        }
        packed.put_slice(&frame);
    }
    packed.freeze()
}

fn unreadable(error: axum::Error) -> End {
    match error.into_inner().downcast_ref::<tungstenite::Error>() {
        Some(tungstenite::Error::Capacity(_)) => End::WeSay(Disconnect::TooLarge),
        Some(tungstenite::Error::Utf8(_)) => End::WeSay(Disconnect::NotText),
        _ => End::TheyLeft,
    }
}

/// Says why, and hears the client out: closing with its bytes unread would make the system throw our last words away.
async fn close(socket: &mut WebSocket, why: Disconnect) {
    let frame = CloseFrame {
        code: why.code(),
        reason: Utf8Bytes::from_static(why.reason()),
    };
    if socket.send(Message::Close(Some(frame))).await.is_ok() {
        while let Some(Ok(_)) = socket.recv().await {}
    }
}
