//! Why a connection is ended, by the client protocol's numbers. One list for every transport.

use pulsecast_protocol::wire::code;

/// Ends a connection; its code tells the client whether to come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Disconnect {
    /// The client left.
    Normal,
    /// The server is going down.
    Shutdown,
    /// A fault of ours.
    ServerError,
    /// The token ran out and no new one came.
    Expired,
    /// It reads slower than it is written to.
    Slow,
    /// It did not answer a ping.
    NoPong,
    /// Far too many commands.
    TooManyRequests,
    /// Its token is not one of ours.
    InvalidToken,
    /// What it sends is not the protocol.
    BadRequest,
    /// It was turned away.
    Forced,
    /// It never said `connect`.
    Stale,
    /// A message over the limit.
    TooLarge,
    /// Text that is not UTF-8.
    NotText,
}

impl Disconnect {
    /// The close code. The last two are WebSocket's own, which clients know as such.
    #[must_use]
    pub const fn code(self) -> u16 {
        match self {
            Self::Normal => code::DISCONNECT_NORMAL,
            Self::Shutdown => code::DISCONNECT_SHUTDOWN,
            Self::ServerError => code::DISCONNECT_SERVER_ERROR,
            Self::Expired => code::DISCONNECT_EXPIRED,
            Self::Slow => code::DISCONNECT_SLOW,
            Self::NoPong => code::DISCONNECT_NO_PONG,
            Self::TooManyRequests => code::DISCONNECT_TOO_MANY_REQUESTS,
            Self::InvalidToken => code::DISCONNECT_INVALID_TOKEN,
            Self::BadRequest => code::DISCONNECT_BAD_REQUEST,
            Self::Forced => code::DISCONNECT_FORCED,
            Self::Stale => code::DISCONNECT_STALE,
            Self::TooLarge => 1009,
            Self::NotText => 1007,
        }
    }

    /// The close reason and the metric's label. Never empty and never JSON: clients take a JSON reason for advice, and an empty one for
    /// leave to come back.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Normal => "connection closed",
            Self::Shutdown => "shutdown",
            Self::ServerError => "internal server error",
            Self::Expired => "connection expired",
            Self::Slow => "slow",
            Self::NoPong => "no pong",
            Self::TooManyRequests => "too many requests",
            Self::InvalidToken => "invalid token",
            Self::BadRequest => "bad request",
            Self::Forced => "force disconnect",
            Self::Stale => "stale",
            Self::TooLarge => "message size limit exceeded",
            Self::NotText => "not utf-8 text",
        }
    }
}
