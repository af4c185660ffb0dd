//! What moves on a dashboard: the state of a site's last 30 minutes, and the changes to it.
//!
//! A change holds new values, never differences, and stream rows carry rising numbers: applying one twice, or applying one that the
//! snapshot already holds, changes nothing. That is what lets a client merge a snapshot with what was pushed meanwhile.

use crate::{channel::Position, time::Timestamp};
use serde::{Deserialize, Serialize};

/// Minutes that the live page shows.
pub const MINUTES: usize = 30;
/// Hours that a site's sparkline shows.
pub const HOURS: usize = 24;
/// Rows of the event stream that a snapshot holds and a page keeps.
pub const STREAM_ROWS: usize = 200;
/// Rows of a top list.
pub const TOP_ROWS: usize = 10;

/// Pageviews and distinct visitors in one minute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MinuteCount {
    /// Minutes since the epoch.
    pub minute: i64,
    /// Pageviews in it.
    pub pageviews: u32,
    /// Distinct visitors in it.
    pub visitors: u32,
}

/// Pageviews in one hour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HourCount {
    /// Hours since the epoch.
    pub hour: i64,
    /// Pageviews in it.
    pub pageviews: u32,
}

/// What a top list counts by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tile {
    /// Paths.
    Pages,
    /// Sources of the visits.
    Sources,
    /// Countries.
    Countries,
    /// Devices.
    Devices,
    /// Browsers.
    Browsers,
}

impl Tile {
    /// All of them, in the order of the page.
    pub const ALL: [Self; 5] = [
        Self::Pages,
        Self::Sources,
        Self::Countries,
        Self::Devices,
        Self::Browsers,
    ];
}

/// One row of a top list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopRow {
    /// What is counted: a path, a source, an ISO 3166-1 alpha-2 code, a device class, a browser's name.
    pub key: String,
    /// How people read it: `Germany` for `DE`; equals `key` where there is no better name.
    pub label: String,
    /// Distinct visitors within the window.
    pub visitors: u32,
}

/// A top list: who was active within the window, by what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopList {
    /// What it counts by.
    pub tile: Tile,
    /// Most visitors first, then by key; at most [`TOP_ROWS`] rows ([`Tile::Countries`]: all, for the map).
    pub rows: Vec<TopRow>,
}

/// One event as the stream shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamRow {
    /// Rises with each event of the server; names the row.
    pub seq: u64,
    /// When it happened.
    pub at: Timestamp,
    /// `pageview` or the custom event's name.
    pub name: String,
    /// The host it happened on.
    pub hostname: String,
    /// The page.
    pub path: String,
    /// Where the visit came from; `None` is direct.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// ISO 3166-1 alpha-2 code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// Its English name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country_name: Option<String>,
    /// `Chrome`, `Firefox`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub browser: Option<String>,
    /// `Windows`, `iOS`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub os: Option<String>,
    /// `Desktop`, `Mobile`, `Tablet`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// The visitor's address as far as the site shows it; never stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
}

/// All of it, as a page starts from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveState {
    /// Where in `live:{site}` this snapshot was taken: changes up to here are in it.
    pub position: Position,
    /// The server's time when it was taken.
    pub at: Timestamp,
    /// Distinct visitors with an event in the last five minutes.
    pub current_visitors: u32,
    /// Visitors with a page of the site open: tabs do not add up, and who leaves counts for five seconds more.
    pub online: u32,
    /// The minutes with anything in them, oldest first, at most [`MINUTES`].
    pub minutes: Vec<MinuteCount>,
    /// The hours with anything in them, oldest first, at most [`HOURS`].
    pub hours: Vec<HourCount>,
    /// The last events, oldest first, at most [`STREAM_ROWS`].
    pub stream: Vec<StreamRow>,
    /// One list a tile.
    pub top: Vec<TopList>,
}

/// A change: what is named has this value now, what is not is as it was. Minutes and hours outside the window fall out by `at`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LiveChange {
    /// The server's time.
    pub at: Timestamp,
    /// See [`LiveState::current_visitors`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current_visitors: Option<u32>,
    /// See [`LiveState::online`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub online: Option<u32>,
    /// Minutes that changed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub minutes: Vec<MinuteCount>,
    /// Hours that changed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hours: Vec<HourCount>,
    /// New events, oldest first. A busy site's are thinned.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stream: Vec<StreamRow>,
    /// How many events were left out of `stream`.
    #[serde(skip_serializing_if = "is_zero")]
    pub skipped: u32,
    /// Lists that changed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub top: Vec<TopList>,
}

#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_zero(n: &u32) -> bool {
    *n == 0
}

impl LiveChange {
    /// Whether nothing changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.current_visitors.is_none()
            && self.online.is_none()
            && self.minutes.is_empty()
            && self.hours.is_empty()
            && self.stream.is_empty()
            && self.skipped == 0
            && self.top.is_empty()
    }
}

/// What a client may say when it subscribes to a count; by itself whoever subscribes is counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CountRequest {
    /// Only tell me: my visitor is not there, but on another page.
    pub watch: bool,
}

/// What `online:{site}` and `online:{site}:{path}` carry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OnlineCount {
    /// Visitors with a page of the site open, or that page.
    pub online: u32,
}
