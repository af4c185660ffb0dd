//! What dashboards and pages are told, and when.

mod recount;
mod world;

use super::*;
use crate::event::Kind;
use pulsecast_protocol::live::{LiveChange, OnlineCount, Tile};
use world::World;

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
    assert_eq!(
        (
            dashboard.pushes::<LiveChange>().len(),
            world.snapshot().hours.len()
        ),
        (1, 0)
    );
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
fn visitors_with_open_pages_are_counted_and_the_count_is_told_to_pages_and_dashboards() {
    let world = World::new();
    let (_, dashboard) = world.watch();
    let page = world.attach("online:a.com", None);
    let _ann = world.enter(1);
    world.live.tick();
    let bob = world.enter(2);
    let _another_tab = world.enter(1);
    world.live.tick();
    let counts = || {
        page.pushes::<OnlineCount>()
            .iter()
            .map(|count| count.online)
            .collect::<Vec<_>>()
    };
    assert_eq!(counts(), [1], "the second change waits");
    world.wait(250);
    world.live.tick();
    assert_eq!(counts(), [2]);
    drop(bob);
    for _ in 0..4 {
        world.wait(1000);
        world.live.tick();
    }
    assert_eq!(counts(), [0; 0], "bob may be reloading");
    for _ in 0..4 {
        world.wait(1000);
        world.live.tick();
    }
    assert_eq!(counts(), [1], "told when it changed, and once");
    let changes = dashboard.pushes::<LiveChange>();
    let told: Vec<_> = changes.iter().filter_map(|change| change.online).collect();
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
        ..Bounds::default()
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
