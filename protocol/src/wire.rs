//! The Centrifugo client protocol in JSON (<https://centrifugal.dev/docs/transports/client_protocol>): what a client commands, what
//! the server replies and pushes. Frames are newline-separated JSON objects; `{}` is the server's ping and the client's pong.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// A payload that is passed on as it came, without being read.
pub type Raw = Box<RawValue>;

fn is_zero(n: &u64) -> bool {
    *n == 0
}

fn is_false(b: &bool) -> bool {
    !*b
}

/// One command; exactly one of the method fields is set. An empty command is a pong.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Command {
    /// Rises with each command; replies carry it back. 0 for those that get no reply (`send`, pong).
    #[serde(skip_serializing_if = "is_zero_u32")]
    pub id: u32,
    /// Must be the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connect: Option<ConnectRequest>,
    /// Start receiving a channel.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subscribe: Option<SubscribeRequest>,
    /// Stop receiving a channel.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unsubscribe: Option<ChannelRequest>,
    /// Publish into a channel.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub publish: Option<PublishRequest>,
    /// Who is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub presence: Option<ChannelRequest>,
    /// How many are there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub presence_stats: Option<ChannelRequest>,
    /// What was published.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub history: Option<HistoryRequest>,
    /// A client's own liveness check.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ping: Option<Empty>,
    /// A message without reply.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub send: Option<Payload>,
    /// A call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rpc: Option<RpcRequest>,
    /// A new connection token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh: Option<TokenRequest>,
    /// A new subscription token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sub_refresh: Option<SubRefreshRequest>,
}

#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_zero_u32(n: &u32) -> bool {
    *n == 0
}

/// `{}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Empty {}

/// Opens the session.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ConnectRequest {
    /// JWT that says who this is; without one the session cookie or nobody.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub token: String,
    /// Free data from the client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<Raw>,
    /// Which program this is: `js`, `pulse`, `dashboard`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Its version.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub version: String,
}

/// Starts receiving a channel, from a position on where the client has one.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SubscribeRequest {
    /// See [`crate::Channel`].
    pub channel: String,
    /// JWT for this channel.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub token: String,
    /// Send what came after `epoch`/`offset`.
    #[serde(skip_serializing_if = "is_false")]
    pub recover: bool,
    /// See [`crate::Position`].
    #[serde(skip_serializing_if = "String::is_empty")]
    pub epoch: String,
    /// See [`crate::Position`].
    #[serde(skip_serializing_if = "is_zero")]
    pub offset: u64,
    /// Free data from the client: a stats query, say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<Raw>,
    /// Ask for a positioned subscription.
    #[serde(skip_serializing_if = "is_false")]
    pub positioned: bool,
    /// Ask for a recoverable subscription.
    #[serde(skip_serializing_if = "is_false")]
    pub recoverable: bool,
    /// Ask for join and leave pushes.
    #[serde(skip_serializing_if = "is_false")]
    pub join_leave: bool,
}

/// Names a channel, nothing else.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ChannelRequest {
    /// See [`crate::Channel`].
    pub channel: String,
}

/// Publishes `data` into a channel.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct PublishRequest {
    /// See [`crate::Channel`].
    pub channel: String,
    /// What to publish.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<Raw>,
}

/// Asks for publications since a position.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct HistoryRequest {
    /// See [`crate::Channel`].
    pub channel: String,
    /// How many at most; 0 asks for the position only, negative for no limit.
    pub limit: i32,
    /// Only what came after.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<crate::Position>,
    /// Newest first.
    #[serde(skip_serializing_if = "is_false")]
    pub reverse: bool,
}

/// Free data.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Payload {
    /// The data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<Raw>,
}

/// Calls a method by name.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RpcRequest {
    /// Its argument.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<Raw>,
    /// Its name.
    pub method: String,
}

/// Carries a token.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct TokenRequest {
    /// The new JWT.
    pub token: String,
}

/// Carries a token for one channel.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SubRefreshRequest {
    /// See [`crate::Channel`].
    pub channel: String,
    /// The new JWT.
    pub token: String,
}

/// What the server sends: the answer to a command (`id` set) or a push. An empty reply is a ping.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Reply {
    /// Of the command that this answers; 0 for pushes.
    #[serde(skip_serializing_if = "is_zero_u32")]
    pub id: u32,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorReply>,
    /// Unasked-for news.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub push: Option<Push>,
    /// To `connect`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connect: Option<ConnectResult>,
    /// To `subscribe`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subscribe: Option<SubscribeResult>,
    /// To `unsubscribe`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unsubscribe: Option<Empty>,
    /// To `publish`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub publish: Option<Empty>,
    /// To `presence`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub presence: Option<PresenceResult>,
    /// To `presence_stats`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub presence_stats: Option<PresenceStatsResult>,
    /// To `history`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub history: Option<HistoryResult>,
    /// To `ping`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ping: Option<Empty>,
    /// To `rpc`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rpc: Option<Payload>,
    /// To `refresh`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh: Option<RefreshResult>,
    /// To `sub_refresh`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sub_refresh: Option<RefreshResult>,
}

/// Why a command was refused; the connection stays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorReply {
    /// See [`code`].
    pub code: u32,
    /// Short text.
    pub message: String,
    /// Whether trying again later can help.
    #[serde(default, skip_serializing_if = "is_false")]
    pub temporary: bool,
}

/// The session is open.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ConnectResult {
    /// This connection's id.
    pub client: String,
    /// The server's version.
    pub version: String,
    /// Whether the token expires.
    #[serde(skip_serializing_if = "is_false")]
    pub expires: bool,
    /// Seconds until it does.
    #[serde(skip_serializing_if = "is_zero_u32")]
    pub ttl: u32,
    /// Free data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<Raw>,
    /// Seconds between the server's pings.
    #[serde(skip_serializing_if = "is_zero_u32")]
    pub ping: u32,
    /// Whether the server waits for pongs.
    #[serde(skip_serializing_if = "is_false")]
    pub pong: bool,
    /// Names this session for emulated transports.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub session: String,
    /// Names this server for emulated transports.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub node: String,
}

/// The channel is being received.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SubscribeResult {
    /// Whether the subscription's token expires.
    #[serde(skip_serializing_if = "is_false")]
    pub expires: bool,
    /// Seconds until it does.
    #[serde(skip_serializing_if = "is_zero_u32")]
    pub ttl: u32,
    /// Whether the channel keeps a history to recover from.
    #[serde(skip_serializing_if = "is_false")]
    pub recoverable: bool,
    /// The stream's incarnation.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub epoch: String,
    /// What was missed, oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub publications: Vec<Publication>,
    /// Whether `publications` is all that was missed.
    #[serde(skip_serializing_if = "is_false")]
    pub recovered: bool,
    /// Offset of the stream's last publication.
    #[serde(skip_serializing_if = "is_zero")]
    pub offset: u64,
    /// Whether publications carry offsets.
    #[serde(skip_serializing_if = "is_false")]
    pub positioned: bool,
    /// The channel's state to start from, where it has one: a [`crate::live::LiveState`], a count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<Raw>,
    /// Whether recovery was asked for.
    #[serde(skip_serializing_if = "is_false")]
    pub was_recovering: bool,
}

/// One message of a channel.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Publication {
    /// The payload.
    pub data: Raw,
    /// Its place, where the channel is positioned.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub offset: u64,
}

/// Who is in a channel, by connection id.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct PresenceResult {
    /// Connection id to who it is.
    pub presence: BTreeMap<String, ClientInfo>,
}

/// One connection.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientInfo {
    /// Who.
    pub user: String,
    /// Which connection.
    pub client: String,
}

/// How many are in a channel.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PresenceStatsResult {
    /// Connections.
    #[serde(default)]
    pub num_clients: u32,
    /// Distinct users.
    #[serde(default)]
    pub num_users: u32,
}

/// A piece of a channel's history.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct HistoryResult {
    /// In the order asked for.
    #[serde(default)]
    pub publications: Vec<Publication>,
    /// The stream's incarnation.
    #[serde(default)]
    pub epoch: String,
    /// Offset of its last publication.
    #[serde(default)]
    pub offset: u64,
}

/// The token was taken.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefreshResult {
    /// Whether the new one expires.
    #[serde(default, skip_serializing_if = "is_false")]
    pub expires: bool,
    /// Seconds until it does.
    #[serde(default, skip_serializing_if = "is_zero_u32")]
    pub ttl: u32,
}

/// News from the server.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Push {
    /// Which channel, where it is about one.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub channel: String,
    /// A publication.
    #[serde(rename = "pub", skip_serializing_if = "Option::is_none")]
    pub publication: Option<Publication>,
    /// The server ended the subscription.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unsubscribe: Option<Ended>,
    /// The server is about to close the connection (transports without close codes).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disconnect: Option<Ended>,
}

/// Why something ended; see [`code`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Ended {
    /// See [`code`].
    pub code: u32,
    /// Short text.
    pub reason: String,
}

/// The protocol's numbers. Errors answer a command. Disconnects close the connection: below 3500 and in 4000–4499 the client comes
/// back, in 3500–3999 and 4500–4999 it does not. Unsubscribes: from 2500 on the client subscribes again.
pub mod code {
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
}
