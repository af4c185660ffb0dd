//! The event store's disk is full, for the real binary: the system refuses to let its files grow.

use crate::{
    imports::{add_account, cli, file, get, log, token},
    program::{Place, Running, eventually},
};
use std::{collections::BTreeSet, fs};

const PEOPLE: usize = 5_000;

/// A server whose store's log is large, by an import, and other files are small; and a key for its figures.
async fn with_a_large_log(place: &Place) -> (Running, String, u64) {
    add_account(place);
    let server = place.serve_within_limits();
    let log = file(place, "access.log", &log(PEOPLE));
    let done = cli(place, &[log.to_str().unwrap()]);
    assert!(
        done.contains(&format!("imported: {} events", 2 * PEOPLE)),
        "{done}"
    );
    let output = place.run(&["key", "add", "--site", "demo", "--right", "stats"]);
    let text = String::from_utf8(output.stdout).unwrap();
    let key = text
        .split_whitespace()
        .find(|word| word.starts_with("pc_"))
        .unwrap();
    let large = fs::metadata(place.data().join("events.duckdb.wal"))
        .unwrap()
        .len();
    assert!(large > 300_000, "{large} bytes");
    (server, key.to_owned(), large)
}

/// Pageviews ever, as the dashboard counts them.
async fn pageviews(server: &Running, key: &str) -> u64 {
    let query = r#"{"metrics": ["pageviews"], "date_range": "all"}"#;
    let answer = get(server, key, "csv", &[("query", query)]).await;
    let text = answer.text().await.unwrap();
    text.lines()
        .nth(1)
        .and_then(|count| count.parse().ok())
        .unwrap_or(0)
}

fn visited(place: &Place) -> Vec<String> {
    let paths = place.export("demo").into_iter();
    paths
        .map(|event| event["path"].as_str().unwrap().to_owned())
        .filter(|path| path.starts_with("/visit/"))
        .collect()
}

/// All of these, each once.
fn assert_visits(place: &Place, count: usize) {
    let expected: BTreeSet<String> = (0..count).map(|n| format!("/visit/{n}")).collect();
    let stored = visited(place);
    assert_eq!(stored.len(), count, "{stored:?}");
    assert_eq!(stored.into_iter().collect::<BTreeSet<_>>(), expected);
}

#[tokio::test]
async fn while_the_stores_disk_is_full_events_are_acknowledged_and_later_counted_once() {
    let place = Place::new();
    let (server, key, large) = with_a_large_log(&place).await;
    let imported = 2 * PEOPLE as u64;
    server.limit_files(Some(large));
    for n in 0..5 {
        assert_eq!(server.visit(&format!("/visit/{n}")).await.unwrap().status(), 202);
    }
    eventually("readiness is red", || async {
        server.get("/health/ready").await.status() == 503
    })
    .await;
    assert_eq!(
        pageviews(&server, &key).await,
        imported,
        "figures are still there"
    );
    server.limit_files(None);
    eventually("it recovers by itself", || async {
        server.get("/health/ready").await.status() == 200
    })
    .await;
    for n in 5..8 {
        assert_eq!(server.visit(&format!("/visit/{n}")).await.unwrap().status(), 202);
    }
    eventually(
        "the dashboard counts what came before, meanwhile and after",
        || async { pageviews(&server, &key).await == imported + 8 },
    )
    .await;
    assert!(server.end(), "it ends in good order");
    let server = place.serve();
    assert_eq!(pageviews(&server, &key).await, imported + 8);
    assert_visits(&place, 8);
}

#[tokio::test]
async fn when_the_engine_gives_up_the_server_ends_and_the_next_start_has_everything() {
    let place = Place::new();
    let (mut server, key, large) = with_a_large_log(&place).await;
    // What is deleted asks for a checkpoint at the next quiet moment: the engine gives up when the disk has no room for that.
    let token = token(&place);
    let deleted = server
        .client
        .post(format!("{}/sites/demo/data/delete", server.url))
        .bearer_auth(&token)
        .form(&[("from", "2020-01-01"), ("to", "2020-01-02"), ("confirm", "demo")])
        .send()
        .await
        .unwrap();
    assert_eq!(deleted.status(), 200);
    server.limit_files(Some(large / 16));
    assert!(!server.ended().await, "it does not call that good order");
    let server = place.serve();
    assert_eq!(pageviews(&server, &key).await, 2 * PEOPLE as u64);
    assert_eq!(server.visit("/visit/0").await.unwrap().status(), 202);
    eventually("and goes on", || async {
        pageviews(&server, &key).await == 2 * PEOPLE as u64 + 1
    })
    .await;
}
