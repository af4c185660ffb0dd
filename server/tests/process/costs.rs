//! Questions that cost more than they may, asked of the real binary: told so, and nobody else notices.

use crate::program::{Place, Running};
use reqwest::Response;
use serde_json::{Value, json};
use std::{fmt::Write, fs};

/// A server with these limits, on which so many pageviews happened, each with a path and a property that no other has; and a key.
async fn busy(limits: &[&str], events: usize, property: usize) -> (Place, Running, String) {
    let place = Place::new();
    let added = place.run_with(
        &["user", "add", "ann@example.com", "--password-stdin"],
        "correct horse battery\n",
    );
    assert!(added.status.success());
    let added = place.run(&["site", "add", "example.com"]);
    assert!(
        added.status.success(),
        "{}",
        String::from_utf8_lossy(&added.stderr)
    );
    let mut lines = String::new();
    for n in 0..events {
        let time = format!(
            "2026-01-{:02}T{:02}:{:02}:00.000Z",
            1 + n % 28,
            n / 28 % 24,
            n % 60
        );
        let line = json!({
            "time": time, "name": "pageview", "kind": "pageview", "visitor": format!("{:016x}", n / 3), "visit": n + 1,
            "hostname": "example.com", "path": format!("/page/{n:x}/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
            "props": { "text": format!("{n:x} {}", "x".repeat(property)) },
        });
        writeln!(lines, "{line}").unwrap();
    }
    let file = place.path().join("events.ndjson");
    fs::write(&file, lines).unwrap();
    let import = place.run(&["import", "--site", "example.com", file.to_str().unwrap()]);
    assert!(
        import.status.success(),
        "{}",
        String::from_utf8_lossy(&import.stderr)
    );
    let key = place.run(&["key", "add", "--user", "ann@example.com", "--right", "stats"]);
    let key = String::from_utf8(key.stdout).unwrap().trim().to_owned();
    let server = place.serve_with(&[&["--rollups", "off"], limits].concat());
    (place, server, key)
}

async fn ask(server: &Running, key: &str, question: Value) -> Response {
    let mut query = json!({ "site_id": "example.com", "metrics": ["visitors"], "date_range": ["2026-01-01", "2026-01-31"] });
    for (name, value) in question.as_object().unwrap() {
        query[name] = value.clone();
    }
    let request = server
        .client
        .post(format!("{}/api/v2/query", server.url))
        .bearer_auth(key);
    request.json(&query).send().await.unwrap()
}

async fn refused(response: Response) -> (u16, String) {
    let status = response.status().as_u16();
    let body: Value = response.json().await.unwrap();
    (status, body["error"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn a_question_that_takes_too_long_is_cancelled_and_says_so_and_the_next_is_answered() {
    let (_place, server, key) = busy(&["--query-timeout", "1"], 20_000, 1).await;
    let patterns: Vec<String> = (0..1000).map(|n| format!("(a|aa)*(aaa|a)*{n}b$")).collect();
    let slow = json!({ "filters": [["matches", "event:page", patterns]] });
    let (status, error) = refused(ask(&server, &key, slow).await).await;
    assert_eq!(status, 422, "{error}");
    assert!(
        error.contains("took longer than 1 second") && error.contains("shorter period"),
        "{error}"
    );
    let next = ask(&server, &key, json!({})).await;
    assert_eq!(next.status(), 200);
    let body: Value = next.json().await.unwrap();
    assert_eq!(body["results"][0]["metrics"][0], 20_000_u64.div_ceil(3));
}

#[tokio::test]
async fn a_question_that_needs_too_much_memory_is_cancelled_and_says_so_and_the_next_is_answered() {
    let (_place, server, key) = busy(&["--store-memory", "48", "--store-threads", "1"], 20_000, 3_000).await;
    let big = json!({ "dimensions": ["event:props:text"], "metrics": ["visitors", "events"] });
    let (status, error) = refused(ask(&server, &key, big).await).await;
    assert_eq!(status, 422, "{error}");
    assert!(error.contains("more memory than it may have"), "{error}");
    let next = ask(&server, &key, json!({})).await;
    assert_eq!(next.status(), 200);
}
