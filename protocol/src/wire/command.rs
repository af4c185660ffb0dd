//! What a client asks.

use super::{Empty, Raw, is_false, is_zero, is_zero_u32};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

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
    /// Channels to receive, for clients that only listen and cannot subscribe.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub subs: BTreeMap<String, SubscribeRequest>,
}

/// Starts receiving a channel, from a position on where the client has one.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SubscribeRequest {
    /// See [`crate::Channel`].
    #[serde(skip_serializing_if = "String::is_empty")]
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
