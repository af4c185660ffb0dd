//! One site's last half hour, kept up to date event by event, and what its dashboards have been told of it.
//!
//! "The last 30 minutes" are the current minute and the 29 before it. Everything here is told the time.

use super::{
    rows::{self, Look, Rows},
    tally::Tally,
    visitors::{Visitors, window_start},
    wheel::Wheel,
};
use crate::event::{Kind, Seen, VisitId};
use pulsecast_protocol::{
    Position, Timestamp,
    account::IpDisplay,
    live::{
        HOURS, HourCount, LiveChange, LiveState, MinuteCount, STREAM_ROWS, TOP_ROWS, Tile, TopList, TopRow,
    },
};
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

/// How much of a site is kept in memory. Over a bound the oldest falls out, and is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Distinct visitors, and likewise visits.
    pub visitors: usize,
    /// Distinct pairs of a visitor and a path, source, country, device or browser.
    pub facts: usize,
    /// Bytes of those paths, sources and so on.
    pub text: usize,
    /// Pages that are open and whose visitors are counted page by page.
    pub pages: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            visitors: 200_000,
            facts: 600_000,
            text: 16 << 20,
            pages: 10_000,
        }
    }
}

#[derive(Debug)]
struct Visit {
    source: Option<Arc<str>>,
    last: i64,
}

/// What dashboards know.
#[derive(Debug, Default)]
struct Told {
    at: Timestamp,
    current: u32,
    online: u32,
    minutes: Vec<MinuteCount>,
    hours: Vec<HourCount>,
    top: [Vec<TopRow>; Tile::ALL.len()],
}

#[derive(Debug)]
pub(super) struct Window {
    bounds: Bounds,
    country_name: fn(&str) -> Option<&'static str>,
    visitors: Visitors,
    visits: HashMap<VisitId, Visit>,
    visits_wheel: Wheel<VisitId>,
    tally: Tally,
    top: [Vec<TopRow>; Tile::ALL.len()],
    hours: BTreeMap<i64, u32>,
    rows: Rows,
    told: Told,
}

impl Window {
    pub(super) fn new(bounds: Bounds, country_name: fn(&str) -> Option<&'static str>) -> Self {
        Self {
            bounds,
            country_name,
            visitors: Visitors::default(),
            visits: HashMap::new(),
            visits_wheel: Wheel::default(),
            tally: Tally::default(),
            top: Default::default(),
            hours: BTreeMap::new(),
            rows: Rows::default(),
            told: Told::default(),
        }
    }

    /// Takes in events in the order of their numbers. Says how many older facts had to fall out for them.
    pub(super) fn record(&mut self, seen: &[Seen], now: Timestamp, ip: IpDisplay) -> u64 {
        for seen in seen.iter().filter(|seen| seen.event.hit.kind == Kind::Pageview) {
            *self.hours.entry(seen.event.hit.at.min(now).hour()).or_default() += 1;
        }
        self.replay(seen, now, ip)
    }

    /// Starts from what the store knows; the hours hold these events already.
    pub(super) fn restore(&mut self, hours: &[HourCount], seen: &[Seen], now: Timestamp) -> u64 {
        self.hours = hours.iter().map(|hour| (hour.hour, hour.pageviews)).collect();
        self.replay(seen, now, IpDisplay::None)
    }

    fn replay(&mut self, seen: &[Seen], now: Timestamp, ip: IpDisplay) -> u64 {
        self.expire(now);
        let look = Look {
            ip,
            country_name: self.country_name,
        };
        // An event that waited in its page's queue past the window is history, not news.
        let oldest = window_start(now);
        let is_shown =
            |seen: &Seen| rows::is_shown(seen.event.hit.kind) && seen.event.hit.at.minute() >= oldest;
        let shown = seen.iter().filter(|seen| is_shown(seen)).count();
        let mut gone_before_seen = shown.saturating_sub(STREAM_ROWS);
        self.rows.skip(gone_before_seen);
        for seen in seen {
            let source = self.count(seen, now);
            if is_shown(seen) {
                if gone_before_seen > 0 {
                    gone_before_seen -= 1;
                } else {
                    self.rows.add(seen, source.as_deref(), look);
                }
            }
        }
        self.visitors.shrink(self.bounds.visitors)
            + self.tally.shrink(self.bounds.facts, self.bounds.text)
            + self.shrink_visits()
    }

    /// Counts one event wherever it counts; one from before the window leaves with the next look at the clock. Answers with its visit's
    /// source.
    fn count(&mut self, seen: &Seen, now: Timestamp) -> Option<Arc<str>> {
        let (event, hit) = (&seen.event, &seen.event.hit);
        let at = hit.at.min(now);
        let minute = at.minute();
        let visit = self.visits.entry(event.visit).or_insert_with(|| {
            self.visits_wheel.file(minute, event.visit);
            Visit {
                source: hit.source.as_deref().map(Arc::from),
                last: minute,
            }
        });
        visit.last = visit.last.max(minute);
        let source = visit.source.clone();

        let pageview = hit.kind == Kind::Pageview;
        self.visitors.see(event.visitor, at, now, u32::from(pageview));
        let mut see = |tile, key: &str| self.tally.see(tile, key, event.visitor, minute);
        if pageview {
            see(Tile::Pages, &hit.path);
        }
        see(Tile::Sources, source.as_deref().unwrap_or_default());
        let client = &hit.client;
        for (tile, key) in [
            (Tile::Countries, &client.country),
            (Tile::Devices, &client.device),
            (Tile::Browsers, &client.browser),
        ] {
            if let Some(key) = key {
                see(tile, key);
            }
        }
        source
    }

    /// Lets go of what is over.
    pub(super) fn expire(&mut self, now: Timestamp) {
        let window = window_start(now);
        self.visitors.expire(now, window);
        self.tally.expire(window);
        while let Some(id) = self.visits_wheel.due(window) {
            match self.visits.get(&id) {
                Some(visit) if visit.last >= window => self.visits_wheel.file(visit.last, id),
                _ => drop(self.visits.remove(&id)),
            }
        }
        while let Some(oldest) = self
            .hours
            .first_entry()
            .filter(|oldest| *oldest.key() <= now.hour() - HOURS as i64)
        {
            oldest.remove();
        }
    }

    /// Everything, as it is now.
    pub(super) fn state(&mut self, position: Position, online: u32, now: Timestamp) -> LiveState {
        self.refresh(now);
        LiveState {
            position,
            at: now,
            current_visitors: self.visitors.current(),
            online,
            minutes: self.visitors.minutes(now),
            hours: self.hours(now),
            stream: self.rows.all(),
            top: Tile::ALL
                .iter()
                .map(|&tile| TopList {
                    tile,
                    rows: self.top[tile as usize].clone(),
                })
                .collect(),
        }
    }

    /// What is different from what dashboards know; from now on they know it.
    pub(super) fn change(&mut self, online: u32, now: Timestamp) -> Option<LiveChange> {
        self.refresh(now);
        let (stream, skipped) = self.rows.take_news();
        let (minutes, hours) = (self.visitors.minutes(now), self.hours(now));
        let told = &mut self.told;
        let mut change = LiveChange {
            at: now,
            stream,
            skipped,
            ..LiveChange::default()
        };
        let current = self.visitors.current();
        if std::mem::replace(&mut told.current, current) != current {
            change.current_visitors = Some(current);
        }
        if std::mem::replace(&mut told.online, online) != online {
            change.online = Some(online);
        }
        change.minutes = minutes
            .iter()
            .filter(|count| !told.minutes.contains(count))
            .copied()
            .collect();
        change.hours = hours
            .iter()
            .filter(|count| !told.hours.contains(count))
            .copied()
            .collect();
        for tile in Tile::ALL {
            let (known, rows) = (&mut told.top[tile as usize], &self.top[tile as usize]);
            if known != rows {
                known.clone_from(rows);
                change.top.push(TopList {
                    tile,
                    rows: rows.clone(),
                });
            }
        }
        // A minute or an hour that begins moves the whole picture, and what falls out at its end, though no value in it changed.
        let before = std::mem::replace(&mut told.at, now);
        let moved = before.minute() != now.minute() && !told.minutes.is_empty()
            || before.hour() != now.hour() && !told.hours.is_empty();
        (told.minutes, told.hours) = (minutes, hours);
        (moved || !change.is_empty()).then_some(change)
    }

    fn refresh(&mut self, now: Timestamp) {
        self.expire(now);
        self.rows.forget_addresses(now);
        for tile in Tile::ALL {
            if !self.tally.take_changed(tile) {
                continue;
            }
            let most = if tile == Tile::Countries {
                usize::MAX
            } else {
                TOP_ROWS
            };
            let label = |key: &str| match tile {
                Tile::Sources if key.is_empty() => "Direct / None".to_owned(),
                Tile::Countries => (self.country_name)(key).unwrap_or(key).to_owned(),
                _ => key.to_owned(),
            };
            let row = |(key, visitors): (&str, u32)| TopRow {
                key: key.to_owned(),
                label: label(key),
                visitors,
            };
            self.top[tile as usize] = self.tally.top(tile, most).into_iter().map(row).collect();
        }
    }

    fn hours(&self, now: Timestamp) -> Vec<HourCount> {
        self.hours
            .range(..=now.hour())
            .map(|(&hour, &pageviews)| HourCount { hour, pageviews })
            .collect()
    }

    fn shrink_visits(&mut self) -> u64 {
        let mut gone = 0;
        while self.visits.len() > self.bounds.visitors {
            let Some((filed, id)) = self.visits_wheel.oldest() else {
                break;
            };
            match self.visits.get(&id) {
                Some(visit) if visit.last > filed => self.visits_wheel.file(visit.last, id),
                _ => gone += u64::from(self.visits.remove(&id).is_some()),
            }
        }
        gone
    }
}
