//! Events for tests.

use crate::event::{Client, Hit, Kind, SiteId, Utm, VisitorId};
use pulsecast_protocol::Timestamp;
use std::collections::BTreeMap;

/// A pageview of site 1 by this visitor, so many minutes after the epoch.
pub(crate) fn hit(visitor: u64, at_minute: i64, path: &str) -> Hit {
    Hit {
        site: SiteId(1),
        at: Timestamp(at_minute * Timestamp::MINUTE),
        kind: Kind::Pageview,
        name: "pageview".into(),
        visitor: VisitorId(visitor),
        visitor_before: None,
        hostname: "example.com".into(),
        path: path.into(),
        referrer: None,
        source: None,
        medium: None,
        channel: None,
        utm: Utm::default(),
        client: Client::default(),
        props: BTreeMap::new(),
        revenue: None,
        scroll_depth: None,
        engaged: None,
    }
}
