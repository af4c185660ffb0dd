//! A site's feed for clients that know no protocol: where it stands, what they missed or else the newest items, and then what comes. The
//! stream of events and the long poll begin alike and go through the same connection as every other client.

use super::{
    TransportState,
    connection::Connection,
    entry::{identity, looks},
    one_way::{self, Joined, bad, bearer},
};
use axum::{http::request::Parts, response::Response};
use bytes::Bytes;
use pulsecast_protocol::{
    Channel, Domain, Position,
    exclude::CountryCode,
    wire::{ConnectRequest, Raw, SubscribeRequest},
};
use serde::Deserialize;

pub(super) const ADVICE: &str =
    "the address cannot be read: use ?since=EPOCH:OFFSET as the answer before gave it, ?limit=N";

/// What the address asks for.
#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    /// How much of the past a client wants that has no position, or cannot go on from the one it has.
    pub(super) limit: Option<usize>,
    /// Where the client is.
    pub(super) since: Option<String>,
}

/// What was published, and its place.
pub(super) struct Item {
    pub(super) offset: u64,
    pub(super) data: Bytes,
}

/// Where a client begins.
pub(super) struct Began {
    pub(super) channel: String,
    /// Whether the items are exactly what it missed, oldest first. Else they are what is to be shown, the newest first.
    pub(super) recovered: bool,
    /// Up to where.
    pub(super) position: Position,
    pub(super) items: Vec<Item>,
    /// Where its visitor is, as far as the feed says so.
    pub(super) country: Option<CountryCode>,
    /// Frames that came meanwhile.
    pub(super) later: Vec<Bytes>,
}

/// Connects and joins the feed.
pub(super) async fn begin(
    state: &TransportState,
    parts: &Parts,
    site: &str,
    since: Option<&Position>,
    limit: Option<usize>,
) -> Result<(Connection, Began), Box<Response>> {
    let site: Domain = site
        .parse()
        .map_err(|_| bad("the site is not a domain: use /api/feed/example.com"))?;
    let channel = Channel::Feed { site }.to_string();
    let subscribe = SubscribeRequest {
        recover: since.is_some(),
        epoch: since.map(|since| since.epoch.clone()).unwrap_or_default(),
        offset: since.map_or(0, |since| since.offset),
        ..SubscribeRequest::default()
    };
    let wish = ConnectRequest {
        token: bearer(&parts.headers),
        name: "feed".to_owned(),
        subs: [(channel.clone(), subscribe)].into(),
        ..ConnectRequest::default()
    };
    let who = identity(&parts.headers, &parts.extensions);
    let mut connection = Connection::new(state, who, looks(&parts.headers, &parts.extensions));
    let Joined {
        mut connect, later, ..
    } = one_way::join(&mut connection, wish, None).await?;
    let result = connect.subs.remove(&channel).unwrap_or_default();
    let position = Position {
        epoch: result.epoch,
        offset: result.offset,
    };
    let most = limit
        .unwrap_or(state.0.limits.backlog)
        .min(state.0.limits.most_backlog);
    let (items, country) = if result.recovered {
        let items = result.publications.into_iter().map(|one| Item {
            offset: one.offset,
            data: Bytes::from(one.data.get().to_owned()),
        });
        (items.collect(), None)
    } else {
        opening(state, &channel, &position, result.data, most)
    };
    let began = Began {
        channel,
        recovered: result.recovered,
        position,
        items,
        country,
        later,
    };
    Ok((connection, began))
}

/// What a feed greets newcomers with: see [`pulsecast_protocol::feed::FeedOpening`]. Passed on without being looked at.
#[derive(Deserialize)]
struct Greeting {
    items: Vec<Raw>,
    #[serde(default)]
    country: Option<CountryCode>,
}

/// What is to be shown to one who comes without having been there, in the greeting's order; else the newest publications, newest first.
fn opening(
    state: &TransportState,
    channel: &str,
    position: &Position,
    data: Option<Raw>,
    most: usize,
) -> (Vec<Item>, Option<CountryCode>) {
    let greeting = data.and_then(|data| serde_json::from_str::<Greeting>(data.get()).ok());
    if let Some(Greeting { items, country }) = greeting {
        let item = |data: Raw| Item {
            offset: position.offset,
            data: Bytes::from(data.get().to_owned()),
        };
        return (items.into_iter().take(most).map(item).collect(), country);
    }
    let kept = state.0.hub.look(channel, None).map(|look| look.publications);
    let newest = kept.unwrap_or_default().into_iter().rev();
    let items = newest
        .filter(|one| one.offset <= position.offset)
        .take(most)
        .map(|one| Item {
            offset: one.offset,
            data: one.data,
        });
    (items.collect(), None)
}
