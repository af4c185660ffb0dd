//! The socket where there is none: on the server. `socket.rs` is its twin: same names, same signatures.

use super::{rows::Answer, status::Status};
use leptos::prelude::*;
use pulsecast_protocol::{
    Channel, Domain, Position, Timestamp,
    live::{LiveChange, LiveState},
};

/// What a `live:` channel tells its page.
#[derive(Clone, Debug)]
pub enum LiveNews {
    /// Start from this.
    State(Box<LiveState>),
    /// This changed.
    Change(Box<LiveChange>),
}

/// The one connection that all pages share.
#[derive(Clone, Copy, Debug)]
pub struct Socket {
    /// How it is doing.
    pub status: RwSignal<Status>,
    /// When the last message came, by the viewer's clock.
    pub heard: RwSignal<Option<Timestamp>>,
}

impl Socket {
    /// Makes the socket of a page and puts it into the context.
    pub fn provide() -> Self {
        Self::provide_for(String::new())
    }

    /// The same for whoever this token speaks for, instead of the session.
    pub fn provide_for(_token: String) -> Self {
        let socket = Self {
            status: RwSignal::new(Status::default()),
            heard: RwSignal::new(None),
        };
        provide_context(socket);
        socket
    }

    /// Receives a channel from a position on, until the calling component goes away.
    pub fn follow(self, _channel: &Channel, _from: Position, _news: Callback<LiveNews>) {}

    /// Receives the answer to a query and what becomes of it, until the calling component goes away.
    pub fn follow_query(self, _site: &Domain, _key: &str, _query: String, _news: impl Fn(&Answer) + 'static) {
    }
}
