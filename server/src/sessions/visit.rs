//! One visit: what its events add up to. Plausible's definitions (design §2), pure arithmetic.

use crate::event::{Client, Event, Hit, Kind, SiteId, Utm, VisitId, VisitorId};
use pulsecast_protocol::Timestamp;

/// A visit ends after this long without an event, in milliseconds.
pub const TIMEOUT: i64 = 30 * Timestamp::MINUTE;

/// A visit so far. Its source, tags and device are those of its first event.
#[derive(Clone, Debug, PartialEq)]
pub struct Visit {
    /// Named by the sequence number of its first event.
    pub id: VisitId,
    /// Whose.
    pub site: SiteId,
    /// Who.
    pub visitor: VisitorId,
    /// Time of the earliest event.
    pub start: Timestamp,
    /// Time of the latest event.
    pub last: Timestamp,
    /// Pages looked at.
    pub pageviews: u32,
    /// Pageviews and custom events.
    pub events: u32,
    /// Whether a custom event kept it from bouncing.
    pub interacted: bool,
    /// First page; `None` while only custom events have come.
    pub entry: Option<Page>,
    /// Last page.
    pub exit: Option<Page>,
    /// See [`Hit::referrer`].
    pub referrer: Option<String>,
    /// See [`Hit::source`].
    pub source: Option<String>,
    /// See [`Hit::medium`].
    pub medium: Option<String>,
    /// See [`Hit::channel`].
    pub channel: Option<String>,
    /// See [`Hit::utm`].
    pub utm: Utm,
    /// See [`Hit::client`].
    pub client: Client,
}

/// A page and when it was looked at; events may arrive out of order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Its host.
    pub hostname: String,
    /// Its path.
    pub path: String,
    /// When.
    pub at: Timestamp,
}

impl Page {
    fn of(hit: &Hit) -> Self {
        Self {
            hostname: hit.hostname.clone(),
            path: hit.path.clone(),
            at: hit.at,
        }
    }
}

/// Whether an event at `at` belongs to a visit with events from `start` to `last`. Never decided by midnight or a campaign.
#[must_use]
pub fn continues(start: Timestamp, last: Timestamp, at: Timestamp) -> bool {
    at.since(last) <= TIMEOUT && start.since(at) <= TIMEOUT
}

impl Visit {
    /// The visit that this event opens.
    #[must_use]
    pub fn open(event: &Event) -> Self {
        let hit = &event.hit;
        let mut visit = Self {
            id: event.visit,
            site: hit.site,
            visitor: event.visitor,
            start: hit.at,
            last: hit.at,
            pageviews: 0,
            events: 0,
            interacted: false,
            entry: None,
            exit: None,
            referrer: hit.referrer.clone(),
            source: hit.source.clone(),
            medium: hit.medium.clone(),
            channel: hit.channel.clone(),
            utm: hit.utm.clone(),
            client: hit.client.clone(),
        };
        visit.add(hit);
        visit
    }

    /// Gives one of its events what all of them have in common: a visit has one source, whatever a later page's address says.
    pub fn lend(&self, hit: &mut Hit) {
        hit.referrer.clone_from(&self.referrer);
        hit.source.clone_from(&self.source);
        hit.medium.clone_from(&self.medium);
        hit.channel.clone_from(&self.channel);
        hit.utm.clone_from(&self.utm);
        hit.client.clone_from(&self.client);
    }

    /// Takes in one more event. Of two pages at the same time the one that came first enters and the one that came last exits.
    pub fn add(&mut self, hit: &Hit) {
        self.start = self.start.min(hit.at);
        self.last = self.last.max(hit.at);
        match hit.kind {
            Kind::Pageview => {
                self.pageviews += 1;
                self.events += 1;
                if self.entry.as_ref().is_none_or(|page| hit.at < page.at) {
                    self.entry = Some(Page::of(hit));
                }
                if self.exit.as_ref().is_none_or(|page| hit.at >= page.at) {
                    self.exit = Some(Page::of(hit));
                }
            }
            Kind::Custom => {
                self.events += 1;
                self.interacted = true;
            }
            Kind::CustomPassive => self.events += 1,
            Kind::Engagement => {}
        }
    }

    /// Fewer than two pageviews and nothing done.
    #[must_use]
    pub fn is_bounce(&self) -> bool {
        self.pageviews < 2 && !self.interacted
    }

    /// Milliseconds from first to last event; a bounce counts as zero where durations are averaged.
    #[must_use]
    pub fn duration(&self) -> i64 {
        self.last.since(self.start)
    }
}
