//! The window against a naive recount, and the changes against the snapshots.

use super::{super::*, world::World};
use crate::{
    clock::Clock,
    event::{Kind, VisitId, VisitorId},
};
use proptest::prelude::*;
use pulsecast_protocol::live::{
    HOURS, LiveChange, MINUTES, MinuteCount, STREAM_ROWS, TOP_ROWS, Tile, TopList, TopRow,
};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone, Debug)]
enum Step {
    Event {
        visitor: u64,
        visit: u64,
        path: usize,
        kind: Kind,
        source: Option<usize>,
        country: Option<usize>,
        age: i64,
    },
    Wait(i64),
    Tick,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let kind = prop_oneof![
        4 => Just(Kind::Pageview),
        1 => Just(Kind::Custom),
        2 => Just(Kind::Engagement),
    ];
    let age = prop_oneof![6 => Just(0), 2 => 0..120_000i64, 1 => 0..40 * Timestamp::MINUTE, 1 => 0..26 * Timestamp::HOUR];
    let event = (
        0..5u64,
        0..2u64,
        0..12usize,
        kind,
        prop::option::of(0..3usize),
        prop::option::of(0..2usize),
        age,
    )
        .prop_map(|(visitor, visit, path, kind, source, country, age)| Step::Event {
            visitor,
            visit: visitor * 2 + visit,
            path,
            kind,
            source,
            country,
            age,
        });
    let wait = prop_oneof![6 => 0..20_000i64, 2 => 0..6 * Timestamp::MINUTE, 1 => 0..40 * Timestamp::MINUTE];
    prop::collection::vec(
        prop_oneof![5 => event, 3 => wait.prop_map(Step::Wait), 2 => Just(Step::Tick)],
        1..80,
    )
}

/// Everything that was recorded, with the source of its visit then; and what of it was news: number and source.
#[derive(Default)]
struct Recount(Vec<(Seen, Option<String>)>, Vec<(u64, Option<String>)>);

impl Recount {
    fn window(&self, now: Timestamp) -> impl Iterator<Item = &(Seen, Option<String>)> {
        self.0
            .iter()
            .filter(move |(seen, _)| seen.event.hit.at.minute() > now.minute() - MINUTES as i64)
    }

    fn add(&mut self, seen: Seen, now: Timestamp) {
        let known = self
            .window(now)
            .filter(|(other, _)| other.event.visit == seen.event.visit)
            .last();
        let source = known.map_or_else(|| seen.event.hit.source.clone(), |(_, source)| source.clone());
        let is_news = seen.event.hit.at.minute() > now.minute() - MINUTES as i64;
        if is_news && seen.event.hit.kind != Kind::Engagement {
            self.1.push((seen.event.seq, source.clone()));
        }
        self.0.push((seen, source));
    }

    fn top(&self, tile: Tile, now: Timestamp) -> TopList {
        let mut visitors: BTreeMap<String, BTreeSet<VisitorId>> = BTreeMap::new();
        for (seen, source) in self.window(now) {
            let hit = &seen.event.hit;
            let key = match tile {
                Tile::Pages => (hit.kind == Kind::Pageview).then(|| hit.path.clone()),
                Tile::Sources => Some(source.clone().unwrap_or_default()),
                Tile::Countries => hit.client.country.clone(),
                Tile::Devices => hit.client.device.clone(),
                Tile::Browsers => hit.client.browser.clone(),
            };
            if let Some(key) = key {
                visitors.entry(key).or_default().insert(seen.event.visitor);
            }
        }
        let label = |key: &str| match (tile, key) {
            (Tile::Sources, "") => "Direct / None".to_owned(),
            (Tile::Countries, "DE") => "Germany".to_owned(),
            _ => key.to_owned(),
        };
        let row = |(key, who): (String, BTreeSet<_>)| TopRow {
            label: label(&key),
            visitors: who.len() as u32,
            key,
        };
        let mut rows: Vec<_> = visitors.into_iter().map(row).collect();
        rows.sort_by_key(|row| std::cmp::Reverse(row.visitors));
        rows.truncate(if tile == Tile::Countries {
            usize::MAX
        } else {
            TOP_ROWS
        });
        TopList { tile, rows }
    }

    fn check(&self, state: &LiveState, now: Timestamp) {
        let current: BTreeSet<_> = self
            .0
            .iter()
            .filter(|(seen, _)| now.since(seen.event.hit.at) < 5 * Timestamp::MINUTE)
            .map(|(seen, _)| seen.event.visitor)
            .collect();
        assert_eq!(state.current_visitors as usize, current.len(), "current visitors");
        let mut minutes: BTreeMap<i64, (u32, BTreeSet<VisitorId>)> = BTreeMap::new();
        for (seen, _) in self.window(now) {
            let minute = minutes.entry(seen.event.hit.at.minute()).or_default();
            minute.0 += u32::from(seen.event.hit.kind == Kind::Pageview);
            minute.1.insert(seen.event.visitor);
        }
        let minutes: Vec<_> = minutes
            .into_iter()
            .map(|(minute, (pageviews, who))| MinuteCount {
                minute,
                pageviews,
                visitors: who.len() as u32,
            })
            .collect();
        assert_eq!(state.minutes, minutes);
        let mut hours: BTreeMap<i64, u32> = BTreeMap::new();
        for (seen, _) in &self.0 {
            let hour = seen.event.hit.at.hour();
            if seen.event.hit.kind == Kind::Pageview && hour > now.hour() - HOURS as i64 {
                *hours.entry(hour).or_default() += 1;
            }
        }
        let hours: Vec<_> = hours
            .into_iter()
            .map(|(hour, pageviews)| HourCount { hour, pageviews })
            .collect();
        assert_eq!(state.hours, hours);
        for tile in Tile::ALL {
            assert_eq!(state.top[tile as usize], self.top(tile, now));
        }
        let rows = &self.1[self.1.len().saturating_sub(STREAM_ROWS)..];
        assert_eq!(
            state
                .stream
                .iter()
                .map(|row| (row.seq, row.source.clone()))
                .collect::<Vec<_>>(),
            rows
        );
    }
}

/// What a client does with a change, written as plainly as it can be.
fn merge(mut state: LiveState, change: LiveChange) -> LiveState {
    state.at = change.at;
    state.current_visitors = change.current_visitors.unwrap_or(state.current_visitors);
    state.online = change.online.unwrap_or(state.online);
    for new in change.minutes {
        state.minutes.retain(|old| old.minute != new.minute);
        state.minutes.push(new);
    }
    for new in change.hours {
        state.hours.retain(|old| old.hour != new.hour);
        state.hours.push(new);
    }
    state.minutes.sort_by_key(|count| count.minute);
    state.hours.sort_by_key(|count| count.hour);
    state
        .minutes
        .retain(|count| count.minute > change.at.minute() - MINUTES as i64);
    state
        .hours
        .retain(|count| count.hour > change.at.hour() - HOURS as i64);
    for row in change.stream {
        if state.stream.last().is_none_or(|last| last.seq < row.seq) {
            state.stream.push(row);
        }
    }
    for new in change.top {
        let tile = new.tile as usize;
        state.top[tile] = new;
    }
    state
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn every_number_agrees_with_a_recount_and_changes_lead_from_snapshot_to_snapshot(steps in steps()) {
        const PATHS: [&str; 12] = ["/", "/a", "/b", "/c", "/d", "/e", "/f", "/g", "/h", "/i", "/j", "/k"];
        let mut world = World::new();
        let mut recount = Recount::default();
        let (mut merged, dashboard) = world.watch();
        let mut published = 0;
        for step in steps {
            match step {
                Step::Wait(millis) => world.wait(millis),
                Step::Tick => { world.live.tick(); }
                Step::Event { visitor, visit, path, kind, source, country, age } => {
                    let mut seen = world.event(visitor, PATHS[path]);
                    seen.event.visit = VisitId(visit);
                    let hit = &mut seen.event.hit;
                    hit.at = hit.at.plus(-age);
                    hit.kind = kind;
                    hit.source = source.map(|n| ["Google", "Bing", "news.example"][n].to_owned());
                    hit.client.country = country.map(|n| ["DE", "FR"][n].to_owned());
                    world.live.record(&world.site, std::slice::from_ref(&seen));
                    recount.add(seen, world.clock.now());
                }
            }
            recount.check(&world.snapshot(), world.clock.now());
            for change in dashboard.pushes::<LiveChange>() {
                published += 1;
                merged = merge(merged, change);
            }
        }
        world.wait(1000);
        world.live.tick();
        for change in dashboard.pushes::<LiveChange>() {
            published += 1;
            merged = merge(merged, change);
        }
        let now = world.snapshot();
        merged.position.offset += published;
        // Both sides forget by the clock: rows their addresses, which no change says.
        merged.at = now.at;
        for (mine, theirs) in merged.stream.iter_mut().zip(&now.stream) {
            mine.ip.clone_from(&theirs.ip);
        }
        prop_assert_eq!(merged, now);
    }
}
