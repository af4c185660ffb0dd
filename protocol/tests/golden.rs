//! Every message has a golden file, and every golden file is a message: what is read is written again, value for value.
//! The scripts' tests read the same files, and one of them holds them against npm's `centrifuge`.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use chrono::NaiveDate;
use pulsecast_protocol::{
    ApiError, Channel, FieldErrors, Position,
    account::{SiteSettings, SiteSummary, Viewer},
    api_key::KeysView,
    beacon::{Beacon, ENGAGEMENT, PAGEVIEW},
    feed::{FeedChange, FeedDraft, FeedOpening},
    live::{LiveChange, LiveState, OnlineCount},
    stats::{
        Comparison, ComparisonMode, Condition, DateRange, Dimension, Direction, Filter, Include, LiveResult,
        Metric, Operator, OrderBy, OrderKey, Pagination, Query, QueryResult, Subject, TimeUnit,
    },
    visitor::VisitorsView,
    wire::{Command, EmulationRequest, PollResult, Push, Reply},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use std::{fs, path::PathBuf};

fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("golden")
}

fn read(name: &str) -> String {
    fs::read_to_string(directory().join(format!("{name}.json"))).unwrap_or_else(|e| panic!("{name}: {e}"))
}

fn names() -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(directory())
        .unwrap()
        .filter_map(|entry| {
            entry
                .unwrap()
                .file_name()
                .to_str()?
                .strip_suffix(".json")
                .map(str::to_owned)
        })
        .collect();
    names.sort();
    names
}

/// Reads and writes again; the two must be the same value.
fn same<T: Serialize + DeserializeOwned>(name: &str) {
    let text = read(name);
    let message: T = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{name} cannot be read: {e}"));
    let again: Value = serde_json::from_str(&serde_json::to_string(&message).unwrap()).unwrap();
    assert_eq!(again, serde_json::from_str::<Value>(&text).unwrap(), "{name}");
}

/// What a foreign client sends and we need not be able to say ourselves: it is read.
fn understood<T: DeserializeOwned>(name: &str) -> T {
    serde_json::from_str(&read(name)).unwrap_or_else(|e| panic!("{name} cannot be read: {e}"))
}

/// What only we write: the golden file is exactly that.
fn writes<T: Serialize>(name: &str, message: &T) {
    let golden: Value = serde_json::from_str(&read(name)).unwrap();
    assert_eq!(serde_json::to_value(message).unwrap(), golden, "{name}");
}

fn small_query() -> Query {
    Query {
        site_id: "example.com".parse().unwrap(),
        metrics: vec![Metric::Visitors],
        date_range: DateRange::LastDays(7),
        date: None,
        dimensions: Vec::new(),
        filters: Vec::new(),
        order_by: Vec::new(),
        include: Include::default(),
        pagination: Pagination::default(),
    }
}

fn full_query() -> Query {
    let contains = Condition {
        operator: Operator::Contains,
        subject: Subject::Dimension(Dimension::Source),
        values: vec!["goo".into(), "duck".into()],
        case_sensitive: false,
    };
    let segment = Condition {
        operator: Operator::Is,
        subject: Subject::Segment,
        values: vec!["7".into()],
        case_sensitive: true,
    };
    let day = |text: &str| text.parse::<NaiveDate>().unwrap();
    Query {
        metrics: vec![Metric::Visitors, Metric::ConversionRate],
        date_range: DateRange::Dates(day("2026-01-01"), day("2026-01-31")),
        date: Some(day("2026-02-01")),
        dimensions: vec![Dimension::Time(TimeUnit::Day), Dimension::Prop("plan".into())],
        filters: vec![
            Filter::is(Dimension::Goal, ["Signup"]),
            Filter::Or(vec![
                Filter::Condition(contains),
                Filter::Not(Box::new(Filter::Condition(segment))),
            ]),
            Filter::HasDone(Box::new(Filter::is(Dimension::Page, ["/pricing"]))),
        ],
        order_by: vec![
            OrderBy(OrderKey::Metric(Metric::Visitors), Direction::Desc),
            OrderBy(
                OrderKey::Dimension(Dimension::Prop("plan".into())),
                Direction::Asc,
            ),
        ],
        include: Include {
            imports: true,
            time_labels: true,
            total_rows: true,
            comparisons: Some(Comparison {
                mode: ComparisonMode::Custom,
                date_range: Some((day("2025-01-01"), day("2025-01-31"))),
                match_day_of_week: true,
            }),
        },
        pagination: Pagination {
            limit: 100,
            offset: 200,
        },
        ..small_query()
    }
}

fn check(name: &str) {
    match name {
        "command-subscribe-centrifuge" | "command-history-centrifuge" => drop(understood::<Command>(name)),
        "live-state" => same::<LiveState>(name),
        "live-change" | "live-change-small" => same::<LiveChange>(name),
        "online-count" => same::<OnlineCount>(name),
        "feed-publish" | "feed-publish-small" | "feed-withdraw" => same::<FeedChange>(name),
        "feed-opening" => same::<FeedOpening>(name),
        "feed-draft" => same::<FeedDraft>(name),
        "live-result" | "live-result-change" | "live-result-error" => same::<LiveResult>(name),
        "keys-view" => same::<KeysView>(name),
        "visitors-view" => same::<VisitorsView>(name),
        "viewer" => same::<Viewer>(name),
        "site-settings" | "site-settings-open" => same::<SiteSettings>(name),
        "site-summary" => same::<SiteSummary>(name),
        "field-errors" => same::<FieldErrors>(name),
        "api-error" => same::<ApiError>(name),
        "channels" => same::<Vec<Channel>>(name),
        "position" => same::<Position>(name),
        "emulation-request" => same::<EmulationRequest>(name),
        "poll-result" => same::<PollResult>(name),
        "one-way-connect" | "one-way-publication" | "one-way-disconnect" => same::<Push>(name),
        // Queries are read by the server's `stats::parse`, whose tests read these same files.
        "stats-query" => writes(name, &full_query()),
        "stats-query-small" => writes(name, &small_query()),
        "stats-result" => {
            let golden: Value = serde_json::from_str(&read(name)).unwrap();
            let result = QueryResult {
                results: serde_json::from_value(golden["results"].clone()).unwrap(),
                meta: serde_json::from_value(golden["meta"].clone()).unwrap(),
                query: golden["query"].clone(),
            };
            writes(name, &result);
        }
        _ if name.starts_with("command-") => same::<Command>(name),
        _ if name.starts_with("reply-") || name.starts_with("push-") => same::<Reply>(name),
        _ if name.starts_with("beacon-") => {
            Beacon::parse(read(name).as_bytes()).unwrap_or_else(|e| panic!("{name} is refused: {e}"));
        }
        _ => panic!("{name}.json is not listed in tests/golden.rs: say which type it is"),
    }
}

#[test]
fn every_golden_file_is_read_and_written_back_the_same() {
    let names = names();
    assert!(names.len() > 50, "the golden files are gone: {names:?}");
    names.iter().for_each(|name| check(name));
}

#[test]
fn every_command_and_every_answer_has_a_golden_file() {
    let commands = [
        "connect",
        "subscribe",
        "unsubscribe",
        "publish",
        "presence",
        "presence_stats",
        "history",
        "ping",
        "send",
        "rpc",
        "refresh",
        "sub_refresh",
    ];
    let names = names();
    let has = |prefix: &str, key: &str| {
        names.iter().filter(|name| name.starts_with(prefix)).any(|name| {
            serde_json::from_str::<Value>(&read(name))
                .unwrap()
                .get(key)
                .is_some()
        })
    };
    for key in commands {
        assert!(has("command-", key), "no golden command {key}");
        assert!(key == "send" || has("reply-", key), "no golden reply {key}");
    }
    assert!(has("reply-", "error") && has("push-", "push"));
}

#[test]
fn a_field_that_is_unknown_is_passed_over_so_that_newer_clients_work() {
    let command: Command = understood("command-subscribe-centrifuge");
    let subscribe = command.subscribe.unwrap();
    assert!(subscribe.recover);
    assert_eq!((subscribe.epoch.as_str(), subscribe.offset), ("kq3x", 41));
}

#[test]
fn a_history_request_without_an_epoch_is_understood() {
    let since = understood::<Command>("command-history-centrifuge")
        .history
        .unwrap()
        .since
        .unwrap();
    assert_eq!((since.epoch.as_str(), since.offset), ("", 41));
}

#[test]
fn what_the_script_reports_means_what_it_should() {
    let beacon = |name: &str| Beacon::parse(read(name).as_bytes()).unwrap();
    let view = beacon("beacon-pageview");
    assert_eq!(
        (view.name.as_str(), view.age, view.hash, view.screen_width),
        (PAGEVIEW, 0, false, Some(1440))
    );
    assert!(beacon("beacon-hash-route").hash);
    let read = beacon("beacon-engagement");
    assert_eq!(
        (read.name.as_str(), read.engaged, read.scroll_depth),
        (ENGAGEMENT, Some(4200), Some(60))
    );
    assert_eq!(beacon("beacon-queued").age, 90_000);
    assert!(!beacon("beacon-not-found").interactive && beacon("beacon-form-submission").interactive);
    let theirs = beacon("beacon-plausible-engagement");
    assert_eq!(
        (theirs.engaged, theirs.version, theirs.hash),
        (Some(3100), Some(36), true)
    );
    assert_eq!(beacon("beacon-plausible-pageview").referrer, None);
}

#[test]
fn frames_of_several_commands_are_one_a_line() {
    let frame = format!(
        "{}{}",
        read("command-connect-pulse"),
        read("command-subscribe-online")
    );
    let commands: Vec<Command> = frame
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(commands.iter().map(|c| c.id).collect::<Vec<_>>(), [1, 2]);
}
