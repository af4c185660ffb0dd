//! Clients that only listen: all that they want is in one request, and is granted or refused as a whole before the answer begins. What was
//! refused is an HTTP status with a text, for there is nobody to send another command.

use super::{PACK, connection::Connection, dress::written, entry::refuse, marks::Marks};
use crate::hub::{Disconnect, Taken};
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use pulsecast_protocol::{
    Position,
    wire::{Command, ConnectRequest, ConnectResult, ErrorReply, Reply, code},
};
use std::time::Duration;

/// How long a channel may take to be joined.
const PATIENCE: Duration = Duration::from_secs(10);

/// What was granted.
#[derive(Debug)]
pub(super) struct Joined {
    /// The answer to all of it.
    pub(super) connect: ConnectResult,
    /// Where the client is now.
    pub(super) marks: Marks,
    /// Frames that came while it joined: they follow the answer.
    pub(super) later: Vec<Bytes>,
}

/// Connects and joins all channels of the wish, from where `brought` says that the client was.
pub(super) async fn join(
    connection: &mut Connection,
    mut wish: ConnectRequest,
    brought: Option<&str>,
) -> Result<Joined, Box<Response>> {
    let mut subscriptions = std::mem::take(&mut wish.subs);
    let mut marks = Marks::new(subscriptions.keys().cloned());
    for (channel, Position { epoch, offset }) in marks.read(brought.unwrap_or_default()) {
        if let Some(request) = subscriptions.get_mut(&channel) {
            (request.recover, request.epoch, request.offset) = (true, epoch, offset);
        }
    }
    let channels: Vec<String> = subscriptions.keys().cloned().collect();
    say(connection, 1, |command| command.connect = Some(wish)).await;
    for (id, (channel, mut request)) in (2..).zip(subscriptions) {
        request.channel = channel;
        say(connection, id, |command| command.subscribe = Some(request)).await;
    }

    let (mut connect, mut later) = (None, Vec::new());
    let mut unanswered = channels.len() + 1;
    let mut subs = std::collections::BTreeMap::new();
    while unanswered > 0 {
        let taken = tokio::time::timeout(PATIENCE, connection.outbox().take(PACK)).await;
        let frames = match taken {
            Ok(Taken::Frames(frames)) => frames,
            Ok(Taken::Cut(why)) => return Err(ended(why)),
            Err(_) => return Err(ended(Disconnect::ServerError)),
        };
        for frame in frames {
            let reply: Reply = serde_json::from_slice(&frame).unwrap_or_default();
            if reply.id == 0 {
                later.push(frame);
                continue;
            }
            unanswered -= 1;
            if let Some(error) = reply.error {
                return Err(refused(&error));
            }
            if let Some(result) = reply.subscribe {
                let nth = usize::try_from(reply.id).unwrap_or_default().saturating_sub(2);
                let Some(channel) = channels.get(nth) else {
                    continue;
                };
                let position = Position {
                    epoch: result.epoch.clone(),
                    offset: result.offset,
                };
                marks.begin(channel, position);
                subs.insert(channel.clone(), result);
            }
            connect = connect.or(reply.connect);
        }
    }
    let connect = ConnectResult {
        // Nobody can send one.
        pong: false,
        subs,
        ..connect.unwrap_or_default()
    };
    Ok(Joined {
        connect,
        marks,
        later,
    })
}

async fn say(connection: &mut Connection, id: u32, what: impl FnOnce(&mut Command)) {
    let mut command = Command {
        id,
        ..Command::default()
    };
    what(&mut command);
    connection.hear(&written(&command)).await;
}

/// The status for a command that was refused.
fn refused(error: &ErrorReply) -> Box<Response> {
    let (reason, status) = match error.code {
        code::UNAUTHORIZED | code::TOKEN_EXPIRED => ("token", StatusCode::UNAUTHORIZED),
        code::PERMISSION_DENIED => ("denied", StatusCode::FORBIDDEN),
        code::UNKNOWN_CHANNEL => ("unknown_channel", StatusCode::NOT_FOUND),
        code::TOO_MANY_REQUESTS => ("flood", StatusCode::TOO_MANY_REQUESTS),
        code::INTERNAL => ("internal", StatusCode::SERVICE_UNAVAILABLE),
        _ => ("bad_request", StatusCode::BAD_REQUEST),
    };
    let mut response = refuse(reason, status, "");
    *response.body_mut() = format!("{} ({})", error.message, error.code).into();
    Box::new(response)
}

/// The status for a connection that ended before it began.
fn ended(why: Disconnect) -> Box<Response> {
    let (reason, status) = match why {
        Disconnect::InvalidToken | Disconnect::Expired => ("token", StatusCode::UNAUTHORIZED),
        Disconnect::BadRequest | Disconnect::TooLarge | Disconnect::NotText => {
            ("bad_request", StatusCode::BAD_REQUEST)
        }
        Disconnect::TooManyRequests => ("flood", StatusCode::TOO_MANY_REQUESTS),
        Disconnect::Shutdown => ("shutdown", StatusCode::SERVICE_UNAVAILABLE),
        _ => ("internal", StatusCode::SERVICE_UNAVAILABLE),
    };
    Box::new(refuse(reason, status, why.reason()))
}

/// The token that the request shows.
pub(super) fn bearer(headers: &HeaderMap) -> String {
    let value = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    value
        .and_then(|value| value.strip_prefix("Bearer "))
        .unwrap_or_default()
        .trim()
        .to_owned()
}

/// A request that cannot be read.
pub(super) fn bad(advice: &'static str) -> Box<Response> {
    Box::new(refuse("bad_request", StatusCode::BAD_REQUEST, advice))
}
