//! WebSocket: one task a connection, small buffers, and everything that waits goes into one write.

use super::{
    ENOUGH, End, PACK, TransportState,
    connection::Connection,
    entry::{identity, looks, seat},
    seats::Seat,
};
use crate::hub::{Disconnect, Outbox, Taken};
use axum::{
    extract::{
        State,
        ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade},
    },
    http::{Extensions, HeaderMap},
    response::{IntoResponse, Response},
};
use bytes::{BufMut, Bytes, BytesMut};
use std::time::Duration;
use tokio_tungstenite::tungstenite;

/// The subprotocol that clients may offer.
const SUBPROTOCOL: &str = "centrifuge-json";

pub(super) async fn upgrade(
    State(state): State<TransportState>,
    extensions: Extensions,
    headers: HeaderMap,
    socket: Result<WebSocketUpgrade, axum::extract::ws::rejection::WebSocketUpgradeRejection>,
) -> Response {
    let socket = match socket {
        Ok(socket) => socket,
        Err(rejection) => return rejection.into_response(),
    };
    let seat = match seat(&state, &extensions, "websocket") {
        Ok(seat) => seat,
        Err(refusal) => return *refusal,
    };
    let limits = state.0.limits;
    let connection = Connection::new(
        &state,
        identity(&headers, &extensions),
        looks(&headers, &extensions),
    );
    socket
        .protocols([SUBPROTOCOL])
        // What an idle connection costs most; a longer message makes it grow for as long as it is read.
        .read_buffer_size(2 << 10)
        .write_buffer_size(0)
        .max_message_size(limits.message)
        .max_frame_size(limits.message)
        .on_upgrade(move |socket| run(socket, connection, seat, limits.close_within))
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
