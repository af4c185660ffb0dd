//! What is said over plain HTTP, beside the frames.

use super::Raw;
use crate::exclude::CountryCode;
use serde::{Deserialize, Serialize};

/// `POST /emulation`: what a client says whose transport carries answers only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmulationRequest {
    /// The connection, as the answer to `connect` named it.
    pub session: String,
    /// The server that holds it, likewise.
    pub node: String,
    /// Commands, a line each.
    pub data: String,
}

/// `GET /api/feed/{site}`: a piece of a feed. The client asks for the next with `?since=epoch:offset`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct PollResult {
    /// The stream's incarnation.
    pub epoch: String,
    /// Up to where this goes.
    pub offset: u64,
    /// Whether `items` is exactly what came after `since`, oldest first. Else they are what is to be shown from here on: the pinned first, then
    /// the newest first.
    pub recovered: bool,
    /// Changes of the feed: see [`crate::feed::FeedChange`].
    pub items: Vec<Raw>,
    /// Where the visitor is, for the audience of items; with an opening only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<CountryCode>,
}
