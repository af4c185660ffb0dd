//! The other direction of streams: commands come as requests of their own (`POST /emulation`) and find their connection by its name, which
//! only its client has been told. Size and number of what waits are bounded, and the connection's own budget of commands holds here too.

use super::TransportState;
use axum::{
    body::{Body, to_bytes},
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use parking_lot::Mutex;
use pulsecast_protocol::wire::EmulationRequest;
use std::{collections::HashMap, sync::Arc, time::Duration};
use tokio::sync::mpsc;

/// Requests that may wait for one connection to hear them.
const WAITING: usize = 4;
/// How long a request waits to become one of those.
const PATIENCE: Duration = Duration::from_secs(1);

type Clients = Arc<Mutex<HashMap<u128, mpsc::Sender<String>>>>;

/// The connections of this server whose commands come beside them, by name. A cheap handle.
#[derive(Clone, Debug)]
pub(super) struct Emulation {
    node: u128,
    clients: Clients,
}

/// The names by which a client's commands find their way: not to be guessed, and told to nobody else.
#[derive(Clone, Debug)]
pub(super) struct Names {
    pub(super) session: String,
    pub(super) node: String,
}

/// Where the commands of one connection arrive, for as long as it is held.
#[derive(Debug)]
pub(super) struct Commands {
    name: u128,
    clients: Clients,
    arriving: mpsc::Receiver<String>,
}

impl Emulation {
    pub(super) fn new() -> Self {
        Self {
            node: rand::random(),
            clients: Clients::default(),
        }
    }

    /// A name for a new connection.
    pub(super) fn register(&self) -> (Names, Commands) {
        let (sender, arriving) = mpsc::channel(WAITING);
        let name: u128 = rand::random();
        self.clients.lock().insert(name, sender);
        let names = Names {
            session: text(name),
            node: text(self.node),
        };
        let clients = self.clients.clone();
        let commands = Commands {
            name,
            clients,
            arriving,
        };
        (names, commands)
    }

    fn find(&self, request: &EmulationRequest) -> Option<mpsc::Sender<String>> {
        if request.node != text(self.node) {
            return None;
        }
        let name = u128::from_str_radix(&request.session, 16).ok()?;
        self.clients.lock().get(&name).cloned()
    }
}

impl Commands {
    /// What the client said next; `None` never comes while this is held.
    pub(super) async fn next(&mut self) -> Option<String> {
        self.arriving.recv().await
    }
}

impl Drop for Commands {
    fn drop(&mut self) {
        self.clients.lock().remove(&self.name);
    }
}

fn text(name: u128) -> String {
    format!("{name:032x}")
}

/// `POST /emulation`: hands commands to their connection. The answers come through its stream; this one is empty.
pub(super) async fn take(State(state): State<TransportState>, body: Body) -> Response {
    let most = state.0.limits.message;
    // Commands travel as a string in JSON, where quotes are twice as long.
    let Ok(body) = to_bytes(body, 2 * most + 1024).await else {
        return too_large();
    };
    let Ok(text) = std::str::from_utf8(&body) else {
        return refuse(
            "not_text",
            StatusCode::BAD_REQUEST,
            "the body is not utf-8: send JSON",
        );
    };
    let Ok(request) = serde_json::from_str::<EmulationRequest>(text) else {
        return refuse(
            "bad_request",
            StatusCode::BAD_REQUEST,
            "send {\"session\":…,\"node\":…,\"data\":\"commands, a line each\"}",
        );
    };
    if request.data.len() > most {
        return too_large();
    }
    let unknown = || {
        refuse(
            "unknown_session",
            StatusCode::NOT_FOUND,
            "no connection of this name: connect again",
        )
    };
    let Some(sender) = state.0.emulation.find(&request) else {
        return unknown();
    };
    match tokio::time::timeout(PATIENCE, sender.send(request.data)).await {
        Ok(Ok(())) => StatusCode::NO_CONTENT.into_response(),
        Ok(Err(_)) => unknown(),
        Err(_) => refuse(
            "busy",
            StatusCode::TOO_MANY_REQUESTS,
            "the connection has not heard the commands before yet: read its stream, and send fewer",
        ),
    }
}

fn too_large() -> Response {
    refuse(
        "too_large",
        StatusCode::PAYLOAD_TOO_LARGE,
        "too large: send fewer commands at a time",
    )
}

fn refuse(reason: &'static str, status: StatusCode, advice: &'static str) -> Response {
    metrics::counter!("pulsecast_emulation_refused_total", "reason" => reason).increment(1);
    (status, advice).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn commands_find_their_connection_by_its_name_for_as_long_as_it_is_there() {
        let emulation = Emulation::new();
        let (names, mut commands) = emulation.register();
        let (others, _held) = emulation.register();
        assert_ne!(names.session, others.session);
        let request = EmulationRequest {
            session: names.session,
            node: names.node,
            data: "{}".into(),
        };
        emulation
            .find(&request)
            .unwrap()
            .send(request.data.clone())
            .await
            .unwrap();
        assert_eq!(commands.next().await.unwrap(), "{}");
        let elsewhere = EmulationRequest {
            node: "another".into(),
            ..request.clone()
        };
        assert!(emulation.find(&elsewhere).is_none());
        drop(commands);
        assert!(emulation.find(&request).is_none());
    }
}
