//! Publishing and looking at channels, for the description: shapes and places. What is really read and written is in `http::push`.
#![allow(dead_code, reason = "described, never made or called")]

use serde_json::Value;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Something to publish.
#[derive(ToSchema)]
pub struct Publication {
    /// `feed:SITE` or `room:SITE:NAME`.
    channel: String,
    /// What: any JSON in a room, an item in a feed.
    data: Value,
    /// Two publications of one channel with the same key, within an hour, are one.
    #[schema(nullable = false, max_length = 128)]
    idempotency_key: Option<String>,
}

/// The same for many channels.
#[derive(ToSchema)]
pub struct Broadcast {
    #[schema(min_items = 1, max_items = 1000)]
    channels: Vec<String>,
    data: Value,
    #[schema(nullable = false, max_length = 128)]
    idempotency_key: Option<String>,
}

/// Things to do one after the other.
#[derive(ToSchema)]
pub struct Batch {
    /// Each with one member, whose value is what the address of that name takes.
    #[schema(min_items = 1, max_items = 1000)]
    commands: Vec<BTreeMap<String, Value>>,
}

/// Which piece of a channel's past.
#[derive(ToSchema)]
pub struct PastWanted {
    channel: String,
    /// Publications at most; 0 for the position only, -1 for all that is kept.
    #[schema(nullable = false)]
    limit: Option<i32>,
    /// What came after this position.
    #[schema(nullable = false)]
    since: Option<Place>,
    /// The newest first.
    #[schema(nullable = false)]
    reverse: Option<bool>,
}

/// Which channel.
#[derive(ToSchema)]
pub struct ChannelWanted {
    channel: String,
}

/// Which channels.
#[derive(ToSchema)]
pub struct ChannelsWanted {
    /// A name, or its beginning and `*`; all of the key's sites when left out.
    #[schema(nullable = false)]
    pattern: Option<String>,
}

/// A place in a channel.
#[derive(ToSchema)]
pub struct Place {
    /// The channel's incarnation.
    epoch: String,
    offset: u64,
}

#[derive(ToSchema)]
pub struct Published {
    result: Place,
}

#[derive(ToSchema)]
pub struct Broadcasted {
    result: Responses,
}

/// In the order of the channels: each with `result` or `error`.
#[derive(ToSchema)]
pub struct Responses {
    responses: Vec<Response>,
}

#[derive(ToSchema)]
pub struct Response {
    #[schema(nullable = false)]
    result: Option<Place>,
    #[schema(nullable = false)]
    error: Option<Why>,
}

/// In the order of the commands: each with one member, named as its command, or with `error`.
#[derive(ToSchema)]
pub struct Replies {
    replies: Vec<BTreeMap<String, Value>>,
}

#[derive(ToSchema)]
pub struct Past {
    result: PastFound,
}

/// A piece of a channel's past.
#[derive(ToSchema)]
pub struct PastFound {
    publications: Vec<PastOne>,
    /// Where the channel stands now.
    epoch: String,
    offset: u64,
}

#[derive(ToSchema)]
pub struct PastOne {
    data: Value,
    offset: u64,
    /// The visitor who published it.
    #[schema(nullable = false)]
    info: Option<Somebody>,
}

/// One connection of somebody.
#[derive(ToSchema)]
pub struct Somebody {
    user: String,
    client: String,
    /// What else the site says of them.
    #[schema(nullable = false)]
    conn_info: Option<Value>,
}

#[derive(ToSchema)]
pub struct Present {
    result: PresentFound,
}

#[derive(ToSchema)]
pub struct PresentFound {
    /// By connection.
    presence: BTreeMap<String, Somebody>,
}

#[derive(ToSchema)]
pub struct HowMany {
    result: Numbers,
}

#[derive(ToSchema)]
pub struct Numbers {
    /// Connections.
    num_clients: u32,
    /// Different users.
    num_users: u32,
}

#[derive(ToSchema)]
pub struct Channels {
    result: ChannelsFound,
}

#[derive(ToSchema)]
pub struct ChannelsFound {
    /// Those with readers now, by name.
    channels: BTreeMap<String, Readers>,
}

#[derive(ToSchema)]
pub struct Readers {
    num_clients: u32,
}

/// Why not.
#[derive(ToSchema)]
pub struct PushRefused {
    error: Why,
}

#[derive(ToSchema)]
pub struct Why {
    /// 100 try again, 101 no key, 102 no such channel, 106 over a limit, 107 wrong body, 108 not for this kind of channel, 111 too often, 112 the
    /// past is not known.
    code: u32,
    /// A sentence that says what to do.
    message: String,
}

macro_rules! described {
    ($(#[$doc:meta])* $name:ident, $path:tt, $body:ident, $result:ident, $($example:tt)*) => {
        $(#[$doc])*
        #[utoipa::path(
            post,
            path = $path,
            tag = "publishing",
            security(("publish_key" = [])),
            request_body(content = $body, examples(("example" = (value = $($example)*)))),
            responses(
                (status = 200, description = "Done; or `error`, unless the header X-Centrifugo-Error-Mode: transport asks for a status", body = $result),
                (status = 400, description = "Something in the body is wrong or missing", body = PushRefused,
                    example = json!({"error": {"code": 107, "message": "data: is required"}})),
                (status = 401, description = "No key for publishing", body = PushRefused),
                (status = 404, description = "No such channel among those of the key's sites, or not of this kind", body = PushRefused),
                (status = 413, description = "Over a limit", body = PushRefused),
                (status = 429, description = "Too many requests with this key; Retry-After says when to come back", body = PushRefused),
                (status = 503, description = "Not now: nobody got it; try again with the same idempotency_key", body = PushRefused),
            )
        )]
        pub fn $name() {}
    };
}

described!(
    /// Publishes in a channel: when this is answered, it is on disk and on its way to all readers.
    publish, "/api/publish", Publication, Published,
    json!({"channel": "feed:example.com", "data": {"title": "Back at two", "text": "*Sorry!*"}, "idempotency_key": "lunch-2026-11-20"})
);
described!(
    /// Publishes the same in many channels.
    broadcast, "/api/broadcast", Broadcast, Broadcasted,
    json!({"channels": ["room:example.com:lobby", "room:example.com:help"], "data": {"text": "hello"}})
);
described!(
    /// Does many things in one request, one after the other.
    batch, "/api/batch", Batch, Replies,
    json!({"commands": [
        {"publish": {"channel": "room:example.com:lobby", "data": {"text": "one"}}},
        {"publish": {"channel": "room:example.com:lobby", "data": {"text": "two"}}},
        {"presence_stats": {"channel": "room:example.com:lobby"}}
    ]})
);
described!(
    /// What was published in a channel.
    history, "/api/history", PastWanted, Past,
    json!({"channel": "room:example.com:lobby", "limit": 10, "reverse": true})
);
described!(
    /// Who is in a room.
    presence, "/api/presence", ChannelWanted, Present, json!({"channel": "room:example.com:lobby"})
);
described!(
    /// How many receive a channel.
    presence_stats, "/api/presence_stats", ChannelWanted, HowMany, json!({"channel": "feed:example.com"})
);
described!(
    /// Channels that somebody receives now.
    channels, "/api/channels", ChannelsWanted, Channels, json!({"pattern": "room:example.com:*"})
);
