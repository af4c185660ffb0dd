//! The window against a naive recount, and the changes against the snapshots.

use super::*;
use crate::{
    clock::{Clock, ManualClock},
    event::{Client, Event, Hit, Kind, Utm, VisitId, VisitorId},
    hub::{Outbox, Subscription, Taken},
};
use bytes::Bytes;
use proptest::prelude::*;
use pulsecast_protocol::{
    account::SiteSettings,
    live::{
        HOURS, LiveChange, MINUTES, MinuteCount, OnlineCount, STREAM_ROWS, TOP_ROWS, Tile, TopList, TopRow,
    },
    wire::Reply,
};
use std::collections::{BTreeMap, BTreeSet};

const START: Timestamp = Timestamp(1_700_000_000_000);

/// A dashboard's own window onto `live:`, or a page's onto `online:`.
struct Watcher {
    outbox: Outbox,
    _held: Subscription,
}

impl Watcher {
    fn pushes<T: serde::de::DeserializeOwned>(&self) -> Vec<T> {
        let mut all = Vec::new();
        while let Some(Taken::Frames(frames)) = self.outbox.try_take(usize::MAX) {
            for frame in frames.iter().filter(|frame| !frame.is_empty()) {
                let publication = serde_json::from_slice::<Reply>(frame)
                    .unwrap()
                    .push
                    .unwrap()
                    .publication
                    .unwrap();
                all.push(serde_json::from_str(publication.data.get()).unwrap());
            }
        }
        all
    }
}

struct World {
    clock: Arc<ManualClock>,
    hub: Hub,
    live: Live,
    site: Site,
    seq: u64,
}

impl World {
    fn new() -> Self {
        Self::bounded(Bounds::default())
    }

    fn bounded(bounds: Bounds) -> Self {
        let clock = Arc::new(ManualClock::new(START));
        let site = Site {
            id: SiteId(1),
            settings: SiteSettings::new("a.com".parse().unwrap()),
            members: Vec::new(),
        };
        let sites = Sites::default();
        sites.replace(vec![site.clone()]);
        let hub = Hub::new(families(), clock.clone(), 1);
        let label = |code: &str| (code == "DE").then_some("Germany");
        let live = Live::new(hub.clone(), sites, clock.clone(), bounds, label);
        Self {
            clock,
            hub,
            live,
            site,
            seq: 0,
        }
    }

    fn snapshot(&self) -> LiveState {
        self.live.snapshot(&self.site.settings.domain)
    }

    fn watch(&self) -> (LiveState, Watcher) {
        let state = self.snapshot();
        (state.clone(), self.attach("live:a.com", Some(&state.position)))
    }

    fn attach(&self, channel: &str, after: Option<&pulsecast_protocol::Position>) -> Watcher {
        let outbox = Outbox::new(10 << 20);
        let held = self
            .hub
            .attach(channel, after, &outbox, &"".into(), |_| Bytes::new())
            .unwrap();
        Watcher { outbox, _held: held }
    }

    fn event(&mut self, visitor: u64, path: &str) -> Seen {
        self.seq += 1;
        let hit = Hit {
            site: self.site.id,
            at: self.clock.now(),
            kind: Kind::Pageview,
            name: "pageview".into(),
            visitor: VisitorId(visitor),
            visitor_before: None,
            hostname: "a.com".into(),
            path: path.into(),
            referrer: None,
            source: None,
            medium: None,
            utm: Utm::default(),
            client: Client {
                country: Some("DE".into()),
                browser: Some("Firefox".into()),
                ..Client::default()
            },
            props: BTreeMap::new(),
            revenue: None,
            scroll_depth: None,
            engaged: None,
        };
        let visitor = VisitorId(visitor);
        Seen {
            event: Event {
                seq: self.seq,
                visit: VisitId(visitor.0),
                visitor,
                hit,
            },
            ip: Some("203.0.113.77".parse().unwrap()),
        }
    }

    fn visit(&mut self, visitor: u64, path: &str) {
        let seen = self.event(visitor, path);
        self.live.record(&self.site, &[seen]);
    }

    fn wait(&self, millis: i64) {
        self.clock.advance(millis);
    }
}

fn rows(state: &LiveState, tile: Tile) -> Vec<(String, u32)> {
    let list = state.top.iter().find(|list| list.tile == tile).unwrap();
    list.rows
        .iter()
        .map(|row| (row.label.clone(), row.visitors))
        .collect()
}

#[test]
fn a_pageview_is_on_the_dashboard_at_once_and_the_next_within_a_quarter_second() {
    let mut world = World::new();
    let (_, dashboard) = world.watch();
    world.visit(1, "/");
    world.live.tick();
    let changes: Vec<LiveChange> = dashboard.pushes();
    assert_eq!(changes.len(), 1);
    assert_eq!(
        (changes[0].current_visitors, changes[0].stream[0].path.as_str()),
        (Some(1), "/")
    );
    assert_eq!(changes[0].stream[0].ip.as_deref(), Some("203.0.113.0"));
    assert_eq!(changes[0].stream[0].country_name.as_deref(), Some("Germany"));
    for path in ["/a", "/b"] {
        world.wait(100);
        world.visit(1, path);
        world.live.tick();
    }
    assert!(dashboard.pushes::<LiveChange>().is_empty(), "changes gather");
    world.wait(50);
    world.live.tick();
    let changes: Vec<LiveChange> = dashboard.pushes();
    assert_eq!(
        (
            changes.len(),
            changes[0].stream.len(),
            changes[0].current_visitors
        ),
        (1, 2, None)
    );
}

#[test]
fn a_visitor_leaves_after_five_minutes_though_nothing_happens() {
    let mut world = World::new();
    let (_, dashboard) = world.watch();
    world.visit(1, "/");
    world.live.tick();
    world.wait(5 * Timestamp::MINUTE - 1);
    assert_eq!(world.snapshot().current_visitors, 1);
    world.live.tick();
    let before = dashboard.pushes::<LiveChange>();
    assert!(
        before
            .iter()
            .skip(1)
            .all(|change| change.current_visitors.is_none())
    );
    world.wait(1000);
    world.live.tick();
    assert_eq!(dashboard.pushes::<LiveChange>()[0].current_visitors, Some(0));
    assert_eq!(
        rows(&world.snapshot(), Tile::Pages),
        [("/".to_owned(), 1)],
        "but was there within half an hour"
    );
}

#[test]
fn reading_on_keeps_a_visitor_there_and_is_not_in_the_stream() {
    let mut world = World::new();
    world.visit(1, "/");
    world.wait(4 * Timestamp::MINUTE);
    let mut reading = world.event(1, "/elsewhere");
    reading.event.hit.kind = Kind::Engagement;
    world.live.record(&world.site, &[reading]);
    world.wait(4 * Timestamp::MINUTE);
    let state = world.snapshot();
    assert_eq!((state.current_visitors, state.stream.len()), (1, 1));
    assert_eq!(rows(&state, Tile::Pages), [("/".to_owned(), 1)]);
}

#[test]
fn the_source_is_the_visits_not_the_second_pages() {
    let mut world = World::new();
    let mut first = world.event(1, "/");
    first.event.hit.source = Some("Hacker News".into());
    world.live.record(&world.site, &[first]);
    world.visit(1, "/second");
    world.visit(2, "/");
    let state = world.snapshot();
    assert_eq!(
        rows(&state, Tile::Sources),
        [("Direct / None".to_owned(), 1), ("Hacker News".to_owned(), 1)]
    );
    assert_eq!(state.stream[1].source.as_deref(), Some("Hacker News"));
}

#[test]
fn nothing_is_published_when_nothing_changed() {
    let mut world = World::new();
    let (_, dashboard) = world.watch();
    for _ in 0..100 {
        world.wait(1000);
        world.live.tick();
    }
    assert!(dashboard.pushes::<LiveChange>().is_empty());
    world.visit(1, "/");
    world.live.tick();
    world.wait(10);
    world.live.tick();
    assert_eq!(dashboard.pushes::<LiveChange>().len(), 1);
}

#[test]
fn a_minute_that_begins_moves_the_picture_once_until_it_is_empty() {
    let mut world = World::new();
    let (_, dashboard) = world.watch();
    world.visit(1, "/");
    world.live.tick();
    let mut moves = 0;
    for _ in 0..40 * 60 {
        world.wait(1000);
        world.live.tick();
        moves += dashboard
            .pushes::<LiveChange>()
            .iter()
            .filter(|change| change.is_empty())
            .count();
    }
    // Thirty minutes begin; in one of them the visitor left and in the last one the lists emptied.
    assert!((28..=30).contains(&moves), "{moves}");
}

#[test]
fn an_hour_that_falls_out_of_the_day_is_told_though_nothing_else_happens() {
    let mut world = World::new();
    world.visit(1, "/");
    world.wait(23 * Timestamp::HOUR);
    let (state, dashboard) = world.watch();
    assert_eq!(state.hours.len(), 1);
    world.wait(Timestamp::HOUR);
    world.live.tick();
    assert_eq!((dashboard.pushes::<LiveChange>().len(), world.snapshot().hours.len()), (1, 0));
}

#[test]
fn nothing_is_published_for_nobody_and_who_comes_then_misses_nothing() {
    let mut world = World::new();
    world.visit(1, "/before");
    world.live.tick();
    let (state, dashboard) = world.watch();
    assert_eq!((state.position.offset, state.stream.len()), (0, 1));
    world.wait(1000);
    world.visit(2, "/after");
    world.live.tick();
    let changes: Vec<LiveChange> = dashboard.pushes();
    let paths: Vec<_> = changes
        .iter()
        .flat_map(|change| &change.stream)
        .map(|row| row.path.as_str())
        .collect();
    assert_eq!(paths, ["/after"], "what the snapshot held is not sent again");
}

#[test]
fn a_busy_sites_stream_is_thinned_and_says_by_how_much() {
    let mut world = World::new();
    let (_, dashboard) = world.watch();
    let batch: Vec<_> = (0..350).map(|n| world.event(n, "/")).collect();
    world.live.record(&world.site, &batch);
    world.live.tick();
    let change = dashboard.pushes::<LiveChange>().remove(0);
    assert_eq!(
        (change.stream.len(), change.skipped, change.stream[99].seq),
        (100, 250, 350)
    );
    let state = world.snapshot();
    assert_eq!(
        (state.stream.len(), state.stream[0].seq, state.current_visitors),
        (200, 151, 350)
    );
}

#[test]
fn open_pages_are_counted_and_the_count_is_told_to_pages_and_dashboards() {
    let world = World::new();
    let (_, dashboard) = world.watch();
    let first = world.attach("online:a.com", None);
    world.live.tick();
    let second = world.attach("online:a.com", None);
    world.live.tick();
    assert_eq!(
        first.pushes::<OnlineCount>(),
        [OnlineCount { online: 1 }],
        "the second change waits"
    );
    world.wait(250);
    world.live.tick();
    assert_eq!(first.pushes::<OnlineCount>(), [OnlineCount { online: 2 }]);
    drop(second);
    for _ in 0..10 {
        world.wait(1000);
        world.live.tick();
    }
    assert_eq!(
        first.pushes::<OnlineCount>(),
        [OnlineCount { online: 1 }],
        "told when it changed, and once"
    );
    let told: Vec<_> = dashboard
        .pushes::<LiveChange>()
        .iter()
        .filter_map(|change| change.online)
        .collect();
    assert_eq!((told, world.snapshot().online), (vec![1, 2, 1], 1));
}

#[test]
fn an_address_is_forgotten_after_half_an_hour() {
    let mut world = World::new();
    world.visit(1, "/");
    world.wait(30 * Timestamp::MINUTE);
    let state = world.snapshot();
    assert_eq!((state.stream.len(), state.stream[0].ip.as_deref()), (1, None));
}

#[test]
fn a_restarted_server_shows_what_it_showed() {
    let mut world = World::new();
    let seen: Vec<_> = (0..5)
        .map(|n| {
            world.wait(7 * Timestamp::MINUTE);
            let mut seen = world.event(n, "/");
            seen.ip = None;
            world.live.record(&world.site, std::slice::from_ref(&seen));
            seen
        })
        .collect();
    let before = world.snapshot();
    let again = World::new();
    again.wait(35 * Timestamp::MINUTE);
    again.live.restore(world.site.id, &before.hours, &seen);
    let after = again.snapshot();
    assert_eq!(
        LiveState {
            position: before.position.clone(),
            ..after
        },
        before
    );
}

#[test]
fn a_flood_of_visitors_pushes_the_oldest_out_instead_of_filling_memory() {
    let mut world = World::bounded(Bounds {
        visitors: 10,
        facts: 40,
        text: 60,
    });
    for n in 0..100_u64 {
        world.visit(n, &format!("/page-{n}"));
        world.wait(Timestamp::MINUTE / 50);
    }
    let state = world.snapshot();
    assert_eq!((state.current_visitors, state.stream.len()), (10, 100));
    let pages = rows(&state, Tile::Pages);
    assert!(!pages.is_empty() && pages.len() <= 10);
    assert_eq!(
        state.minutes.iter().map(|count| count.pageviews).sum::<u32>(),
        100,
        "views are still counted"
    );
}

#[test]
fn a_site_that_is_removed_is_forgotten() {
    let mut world = World::new();
    world.visit(1, "/");
    world.live.0.sites.replace(Vec::new());
    world.wait(1000);
    world.live.tick();
    assert!(world.live.0.all.read().is_empty());
    assert_eq!(world.snapshot().stream.len(), 0);
}

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

/// Everything that was recorded, with when, and with the source of its visit then.
#[derive(Default)]
struct Recount(Vec<(Seen, Option<String>)>);

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
        let shown: Vec<_> = self
            .0
            .iter()
            .filter(|(seen, _)| seen.event.hit.kind != Kind::Engagement)
            .collect();
        let shown = &shown[shown.len().saturating_sub(STREAM_ROWS)..];
        let rows: Vec<_> = shown
            .iter()
            .map(|(seen, source)| (seen.event.seq, source.clone()))
            .collect();
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
