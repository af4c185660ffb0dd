//! Skins over one per-connection state machine: how clients of the Centrifugo protocol reach the hub.
//!
//! [`session`] decides what each command means (`commands`) and does no I/O; [`connection`] does what it decided, against hub and live window
//! (`join`: how a client comes to receive a channel); [`keeper`] watches all connections with one task; `entry` is the door that all share; a
//! skin carries bytes and feeds the same [`connection::Connection`]: `ws`; `stream`, HTTP streaming and SSE, whose commands come beside them
//! (`emulation`); `events`, SSE for clients that only listen; `poll`, for clients with nothing but fetch. What is streamed goes through one `flow`.

mod budget;
mod commands;
pub mod connection;
mod doors;
mod dress;
mod emulation;
mod entry;
mod events;
mod feed;
mod flow;
mod heart;
mod introduce;
mod join;
pub mod keeper;
mod marks;
mod one_way;
pub mod past;
mod poll;
mod presence;
mod queries;
mod rooms;
mod seats;
pub mod session;
mod stream;
mod streams;
mod ws;

pub use flow::Hangup;

use crate::{
    clock::SharedClock,
    gate::{Gate, SessionKey, Visitor},
    hub::{Disconnect, Hub, Publishing},
    live::Live,
    sites::{AccountId, Sites},
    stats::live::LiveQueries,
    tasks::Tasks,
};
use axum::{
    Router,
    middleware::from_fn_with_state,
    routing::{any, get, post},
};
use emulation::Emulation;
use keeper::Keeper;
use rooms::Rooms;
use seats::Seats;
use std::{
    hash::RandomState,
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};
pub use streams::{StreamLimits, families};
use tokio::sync::Semaphore;

/// Bytes packed into one write.
const PACK: usize = 32 << 10;
/// Bytes of answers that may wait before the next command is looked at.
const ENOUGH: usize = 64 << 10;

/// How a conversation ended.
enum End {
    TheyLeft,
    WeSay(Disconnect),
}

/// What one client, and all of them, may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections in all.
    pub connections: usize,
    /// Connections from one address; loopback is exempt.
    pub connections_per_ip: u32,
    /// Channels of one connection.
    pub channels: usize,
    /// Live queries among them.
    pub queries: usize,
    /// Counts of single pages among them: one client cannot use up a site's.
    pub pages: usize,
    /// Bytes of one message from a client.
    pub message: usize,
    /// Bytes of one publication's data.
    pub publication: usize,
    /// Connections in one room.
    pub room_members: u32,
    /// Publications of clients in one room, a second.
    pub room_rate: u32,
    /// Bytes of publications that may wait for one connection.
    pub outbox: usize,
    /// Commands at once.
    pub burst: u32,
    /// Commands a second in the long run.
    pub commands_per_second: u32,
    /// Milliseconds from opening to `connect`.
    pub greet_within: i64,
    /// Milliseconds between pings.
    pub ping_every: i64,
    /// Milliseconds from ping to pong.
    pub pong_within: i64,
    /// How long a closing handshake may take.
    pub close_within: Duration,
    /// How often the keeper looks at the connections that are due.
    pub keep_every: Duration,
    /// Over how long connections are ended when the server goes down.
    pub drain: Duration,
    /// How long a poll may wait for news.
    pub poll_for: Duration,
    /// Polls that wait at a time.
    pub polls: usize,
    /// Items of a feed for a client that comes without a position, where it does not say how many.
    pub backlog: usize,
    /// The same where it does.
    pub most_backlog: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 20_000,
            connections_per_ip: 200,
            channels: 128,
            queries: 32,
            pages: 32,
            message: 64 * 1024,
            publication: 32 * 1024,
            room_members: 5_000,
            room_rate: 50,
            outbox: 1 << 20,
            burst: 256,
            commands_per_second: 50,
            greet_within: 10_000,
            ping_every: 25_000,
            pong_within: 10_000,
            close_within: Duration::from_secs(5),
            keep_every: Duration::from_secs(1),
            drain: Duration::from_secs(2),
            poll_for: Duration::from_secs(25),
            polls: 5_000,
            backlog: 20,
            most_backlog: 100,
        }
    }
}

/// All that transports need of the server.
pub struct Services {
    hub: Hub,
    live: Live,
    /// Live queries, and what questions may be asked of; without it there are none.
    queries: Option<(LiveQueries, Sites)>,
    /// Where clients publish.
    publishing: Publishing,
    gate: Arc<dyn Gate>,
    tasks: Tasks,
    clock: SharedClock,
    limits: Limits,
    seats: Seats,
    keeper: Keeper,
    emulation: Emulation,
    /// Places for polls that wait.
    parked: Semaphore,
    rooms: Rooms,
    /// Connections opened so far; numbers them.
    opened: AtomicU64,
    /// Hashes what clients look like, under a random key of this process.
    faces: RandomState,
}

/// A cheap handle on [`Services`].
#[derive(Clone)]
pub struct TransportState(Arc<Services>);

impl TransportState {
    /// Transports over these.
    #[must_use]
    pub fn new(
        hub: Hub,
        live: Live,
        gate: Arc<dyn Gate>,
        tasks: Tasks,
        clock: SharedClock,
        limits: Limits,
    ) -> Self {
        let seats = Seats::new(limits.connections, limits.connections_per_ip);
        let (keeper, opened) = (Keeper::default(), AtomicU64::new(0));
        let (emulation, parked) = (Emulation::new(), Semaphore::new(limits.polls));
        Self(Arc::new(Services {
            publishing: Publishing::new(hub.clone(), limits.publication),
            hub,
            live,
            queries: None,
            gate,
            tasks,
            clock,
            limits,
            seats,
            keeper,
            emulation,
            parked,
            rooms: Rooms::new(limits.room_members, limits.room_rate),
            opened,
            faces: RandomState::new(),
        }))
    }

    /// With live queries of these sites. Before the first connection.
    #[must_use]
    pub fn with_queries(mut self, queries: LiveQueries, sites: Sites) -> Self {
        if let Some(services) = Arc::get_mut(&mut self.0) {
            services.queries = Some((queries, sites));
        }
        self
    }

    /// Where publications of some kinds of channels are looked at first. Before the first connection.
    #[must_use]
    pub fn with_publishing(mut self, publishing: Publishing) -> Self {
        if let Some(services) = Arc::get_mut(&mut self.0) {
            services.publishing = publishing;
        }
        self
    }

    /// Where clients publish, and others may.
    #[must_use]
    pub fn publishing(&self) -> &Publishing {
        &self.0.publishing
    }

    /// Ends all connections for this reason; clients come back or do not, as its code says.
    pub fn end_all(&self, why: Disconnect) {
        self.0.keeper.cut_all(why);
    }

    /// Ends the connections of a browser whose session is over: somebody signed out there.
    pub fn end_session(&self, session: SessionKey) {
        self.0
            .keeper
            .cut(Disconnect::Expired, |line| line.came_with.1 == Some(session));
    }

    /// Ends all connections that came with an account's cookies: its password is another one, or it is gone.
    pub fn end_account(&self, account: AccountId) {
        self.0
            .keeper
            .cut(Disconnect::Expired, |line| line.came_with.0 == Some(account));
    }

    /// Ends the connections of visitors whom their site turns away. They do not come back by themselves.
    pub fn end_visitors(&self, is_meant: impl Fn(&Visitor) -> bool) {
        self.0.keeper.cut(Disconnect::Forced, |line| {
            line.visitors.lock().iter().any(|visitor| is_meant(visitor))
        });
    }

    /// How many connections are open.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.0.seats.taken()
    }
}

/// The routes of all transports; starts the task that keeps their connections.
pub fn routes(state: TransportState) -> Router {
    keeper::start(&state);
    Router::new()
        .route("/connection/websocket", any(ws::upgrade))
        .route("/connection/http_stream", post(stream::lines))
        .route("/connection/sse", get(stream::events).post(stream::events))
        .route("/connection/uni_sse", get(events::uni).post(events::uni))
        .route("/emulation", post(emulation::take))
        .route("/api/feed/{site}", get(poll::feed))
        .route("/api/feed/{site}/events", get(events::of_feed))
        .route_layer(from_fn_with_state(state.clone(), entry::enter))
        .with_state(state)
}
