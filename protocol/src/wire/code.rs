//! The protocol's numbers. Errors answer a command. Disconnects close the connection: below 3500 and in 4000–4499 the client comes
//! back, in 3500–3999 and 4500–4999 it does not. Unsubscribes: from 2500 on the client subscribes again.

/// Our fault.
pub const INTERNAL: u32 = 100;
/// Who are you?
pub const UNAUTHORIZED: u32 = 101;
/// No such channel.
pub const UNKNOWN_CHANNEL: u32 = 102;
/// Not for you.
pub const PERMISSION_DENIED: u32 = 103;
/// No such method.
pub const METHOD_NOT_FOUND: u32 = 104;
/// Subscribed already.
pub const ALREADY_SUBSCRIBED: u32 = 105;
/// Over a limit.
pub const LIMIT_EXCEEDED: u32 = 106;
/// Cannot be read.
pub const BAD_REQUEST: u32 = 107;
/// The channel does not do that.
pub const NOT_AVAILABLE: u32 = 108;
/// The token is too old; get another and try again.
pub const TOKEN_EXPIRED: u32 = 109;
/// Too often.
pub const TOO_MANY_REQUESTS: u32 = 111;
/// The position cannot be recovered from.
pub const UNRECOVERABLE_POSITION: u32 = 112;

/// The client left.
pub const DISCONNECT_NORMAL: u16 = 3000;
/// The server is going down; come back.
pub const DISCONNECT_SHUTDOWN: u16 = 3001;
/// Something went wrong with the connection; come back.
pub const DISCONNECT_SERVER_ERROR: u16 = 3004;
/// The token ran out; get a new one and come back.
pub const DISCONNECT_EXPIRED: u16 = 3005;
/// The client reads too slowly; come back and recover.
pub const DISCONNECT_SLOW: u16 = 3008;
/// The client did not answer pings; come back.
pub const DISCONNECT_NO_PONG: u16 = 3012;
/// Too many commands; come back later.
pub const DISCONNECT_TOO_MANY_REQUESTS: u16 = 3013;
/// Not a valid token; stay away.
pub const DISCONNECT_INVALID_TOKEN: u16 = 3500;
/// Not the protocol; stay away.
pub const DISCONNECT_BAD_REQUEST: u16 = 3501;
/// No `connect` in time; stay away: it was no client of the protocol.
pub const DISCONNECT_STALE: u16 = 3502;
/// Signed out or removed; stay away.
pub const DISCONNECT_FORCED: u16 = 3503;
/// Over the connection limit; stay away.
pub const DISCONNECT_CONNECTION_LIMIT: u16 = 3504;
/// Over the subscription limit; stay away.
pub const DISCONNECT_CHANNEL_LIMIT: u16 = 3505;
/// Not allowed; stay away.
pub const DISCONNECT_PERMISSION_DENIED: u16 = 3507;

/// The right to the channel was taken away.
pub const UNSUBSCRIBE_PERMISSION_REVOKED: u32 = 2000;
/// Subscribe again: a gap was found.
pub const UNSUBSCRIBE_INSUFFICIENT: u32 = 2500;
/// Subscribe again with a new token: this one is too old.
pub const UNSUBSCRIBE_EXPIRED: u32 = 2501;
