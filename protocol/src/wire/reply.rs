//! What the server answers, and what it says unasked.

use super::{Empty, Payload, Raw, is_false, is_zero, is_zero_u32};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

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
    /// What a client that only listens has been subscribed to.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub subs: BTreeMap<String, SubscribeResult>,
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
    /// Who published it, where a client did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub info: Option<ClientInfo>,
}

/// Who is in a channel, by connection id.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct PresenceResult {
    /// Connection id to who it is.
    pub presence: BTreeMap<String, ClientInfo>,
}

/// One connection.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ClientInfo {
    /// Who.
    pub user: String,
    /// Which connection.
    pub client: String,
    /// What else is told of them, as whoever vouches for them has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conn_info: Option<Raw>,
    /// The same for one channel.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chan_info: Option<Raw>,
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
    /// Somebody came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub join: Option<Coming>,
    /// Somebody left.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leave: Option<Coming>,
    /// The server ended the subscription.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unsubscribe: Option<Ended>,
    /// The session of a client that only listens is open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connect: Option<ConnectResult>,
    /// The server is about to close the connection (transports without close codes).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disconnect: Option<Ended>,
}

/// Somebody came, or left.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Coming {
    /// Who.
    pub info: ClientInfo,
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
