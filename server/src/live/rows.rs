//! The event stream: the last pageviews and custom events as people read them. Addresses are shortened as the site wishes and forgotten
//! after half an hour.

use crate::event::{Kind, Seen};
use pulsecast_protocol::{
    Timestamp,
    account::IpDisplay,
    live::{MINUTES, STREAM_ROWS, StreamRow},
};
use std::{
    collections::VecDeque,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

/// Rows that one change carries at most; of a busy site's the newest.
const ROWS_A_CHANGE: usize = 100;

/// How the stream is shown.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    pub(super) ip: IpDisplay,
    pub(super) country_name: fn(&str) -> Option<&'static str>,
}

#[derive(Debug, Default)]
pub(super) struct Rows {
    rows: VecDeque<StreamRow>,
    /// Events since the last change was taken, shown or not.
    news: usize,
}

impl Rows {
    /// Adds one event; `source` is its visit's.
    pub(super) fn add(&mut self, seen: &Seen, source: Option<&str>, look: Look) {
        let hit = &seen.event.hit;
        if self.rows.len() == STREAM_ROWS {
            self.rows.pop_front();
        }
        self.news += 1;
        self.rows.push_back(StreamRow {
            seq: seen.event.seq,
            at: hit.at,
            name: hit.name.clone(),
            hostname: hit.hostname.clone(),
            path: hit.path.clone(),
            source: source.map(ToOwned::to_owned),
            country_name: hit
                .client
                .country
                .as_deref()
                .and_then(look.country_name)
                .map(ToOwned::to_owned),
            country: hit.client.country.clone(),
            browser: hit.client.browser.clone(),
            os: hit.client.os.clone(),
            device: hit.client.device.clone(),
            ip: seen.ip.and_then(|ip| show(ip, look.ip)),
        });
    }

    /// Counts events that are already gone from the stream's end.
    pub(super) fn skip(&mut self, events: usize) {
        self.news += events;
    }

    /// All of it, oldest first.
    pub(super) fn all(&self) -> Vec<StreamRow> {
        self.rows.iter().cloned().collect()
    }

    /// What came since this was last asked, oldest first, and how many were left out.
    pub(super) fn take_news(&mut self) -> (Vec<StreamRow>, u32) {
        let news = std::mem::take(&mut self.news);
        let shown = news.min(ROWS_A_CHANGE).min(self.rows.len());
        let rows = self.rows.range(self.rows.len() - shown..).cloned().collect();
        (rows, u32::try_from(news - shown).unwrap_or(u32::MAX))
    }

    /// An address lives no longer than the window.
    pub(super) fn forget_addresses(&mut self, now: Timestamp) {
        for row in self
            .rows
            .iter_mut()
            .filter(|row| now.since(row.at) >= MINUTES as i64 * Timestamp::MINUTE)
        {
            row.ip = None;
        }
    }
}

/// Whether the stream shows it.
pub(super) fn is_shown(kind: Kind) -> bool {
    kind != Kind::Engagement
}

/// As much of an address as the site shows.
fn show(ip: IpAddr, display: IpDisplay) -> Option<String> {
    match (display, ip.to_canonical()) {
        (IpDisplay::None, _) => None,
        (IpDisplay::Whole, ip) => Some(ip.to_string()),
        (IpDisplay::Shortened, IpAddr::V4(ip)) => {
            let [a, b, c, _] = ip.octets();
            Some(Ipv4Addr::new(a, b, c, 0).to_string())
        }
        (IpDisplay::Shortened, IpAddr::V6(ip)) => {
            let [a, b, c, ..] = ip.segments();
            Some(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0).to_string())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_as_the_site_wishes() {
        let shown = |ip: &str, display| show(ip.parse().unwrap(), display);
        assert_eq!(
            shown("203.0.113.77", IpDisplay::Shortened).as_deref(),
            Some("203.0.113.0")
        );
        assert_eq!(
            shown("2001:db8:1:2:3::4", IpDisplay::Shortened).as_deref(),
            Some("2001:db8:1::")
        );
        assert_eq!(
            shown("::ffff:203.0.113.77", IpDisplay::Shortened).as_deref(),
            Some("203.0.113.0")
        );
        assert_eq!(
            shown("203.0.113.77", IpDisplay::Whole).as_deref(),
            Some("203.0.113.77")
        );
        assert_eq!(shown("203.0.113.77", IpDisplay::None), None);
    }
}
