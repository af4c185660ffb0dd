//! An event on its way from the page to the store: what each stage has made of it.

use pulsecast_protocol::Timestamp;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, net::IpAddr};

/// A site's number in the accounts database; never used again once given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SiteId(pub i64);

/// A person for one day: a keyed hash of address, browser and site. The key is deleted after 48 hours; then nobody can tell who it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct VisitorId(pub u64);

/// A visit, named by the sequence number of its first event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct VisitId(pub u64);

/// What kind of event it is; decides what it does to its visit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A page was looked at.
    Pageview,
    /// Something the site named, done by the visitor: keeps the visit from bouncing.
    Custom,
    /// Something the site named that just happened.
    CustomPassive,
    /// How long and how far a page was looked at: keeps the visit alive, changes nothing else.
    Engagement,
}

/// An enriched event: all that is ever stored of it, except its sequence number and its visit. No address, no user agent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hit {
    /// Whose.
    pub site: SiteId,
    /// When it happened, by our clock less the time it waited in the page's queue.
    pub at: Timestamp,
    /// Which kind.
    pub kind: Kind,
    /// `pageview`, `engagement` or the custom event's name.
    pub name: String,
    /// By today's salt.
    pub visitor: VisitorId,
    /// The same person by yesterday's salt, while that is kept: lets a visit cross midnight.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visitor_before: Option<VisitorId>,
    /// Host of the page, lowercase, without `www.`.
    pub hostname: String,
    /// Path of the page, with `#…` when the page routes by fragment.
    pub path: String,
    /// Full address of where the visitor came from, without query; `None` for direct and for the site's own pages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub referrer: Option<String>,
    /// Its name: `Google`, `Hacker News`, a bare hostname; or `utm_source`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// `utm_medium`, else what kind of place the source is: `organic`, `social`, `email`, `referral`; `None` for direct.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub medium: Option<String>,
    /// Acquisition channel: what kind of way led here, `Organic Search`, `Paid Social`, `Direct`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// UTM tags of the page's address.
    #[serde(default, skip_serializing_if = "Utm::is_empty")]
    pub utm: Utm,
    /// What the visitor looks with and from where.
    #[serde(default)]
    pub client: Client,
    /// Custom properties.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub props: BTreeMap<String, String>,
    /// Amount and ISO 4217 currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revenue: Option<(f64, String)>,
    /// How far down the page, in percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scroll_depth: Option<u8>,
    /// Milliseconds of engaged time that this event adds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engaged: Option<u32>,
}

/// UTM tags.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Utm {
    /// `utm_source`, else `source` or `ref`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// `utm_medium`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub medium: Option<String>,
    /// `utm_campaign`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub campaign: Option<String>,
    /// `utm_content`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// `utm_term`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub term: Option<String>,
}

impl Utm {
    /// Whether the address had none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What a visitor looks with, and where from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Client {
    /// `Chrome`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub browser: Option<String>,
    /// Major version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub browser_version: Option<String>,
    /// `Windows`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub os: Option<String>,
    /// `10`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub os_version: Option<String>,
    /// `Desktop`, `Mobile`, `Tablet`, `TV` …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// `xs` to `2xl`, by CSS width.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub screen: Option<String>,
    /// ISO 3166-1 alpha-2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// ISO 3166-2, such as `DE-BE`; needs a city database.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Its English name; needs a city database.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
    /// ISO 639-1, the first of `Accept-Language`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
}

/// An event that is on disk and belongs to a visit. Its hit's source, tags and client are those of the visit.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Rises by at least one with each event of this server.
    pub seq: u64,
    /// The visit it belongs to.
    pub visit: VisitId,
    /// The visitor it counts for: of yesterday's salt when the visit crossed midnight.
    pub visitor: VisitorId,
    /// What happened.
    pub hit: Hit,
}

/// An event as the live window takes it: with the address, which is shown (as the site wishes) and never stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// The event.
    pub event: Event,
    /// From where; `None` for events read back from the store.
    pub ip: Option<IpAddr>,
}
