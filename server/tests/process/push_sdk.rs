//! npm's `centrifuge`, a client that nobody here wrote, on the real server over three transports: all that a site's visitors do with it, a restart
//! in the middle included. And what needs no client at all: curl.

use crate::program::{Place, Running};
use serde_json::{Value, json};
use std::{
    net::TcpListener,
    process::{Command as Program, Stdio},
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    process::Command,
};

const SITE: &str = "shop.example";
const EMAIL: &str = "ann@example.com";
/// How long a conversation may take, on a machine that does other things.
const DEADLINE: Duration = Duration::from_secs(120);

fn told(place: &Place, arguments: &[&str]) -> String {
    let output = place.run(arguments);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {error}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A port that is free now, for a server that comes back to where it was.
fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

async fn all_that_visitors_do(transport: &str) {
    let place = Place::new();
    let added = place.run_with(
        &["user", "add", EMAIL, "--password-stdin"],
        "a long enough password\n",
    );
    assert!(added.status.success());
    told(&place, &["site", "add", SITE, "--owner", EMAIL]);
    let member = told(&place, &["member-token", "--user", EMAIL]);
    let secret = told(&place, &["visitor-secret", "--site", SITE]);
    let key = told(&place, &["key", "add", "--site", SITE, "--right", "publish"]);
    let address = free_address();
    let mut server = Some(place.serve_at(&address));
    let order = json!({"address": address, "transport": transport, "site": SITE, "secret": secret, "key": key, "member": member});
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/process/push_sdk.mjs");
    let mut client = Command::new("node")
        .args([
            "--no-warnings",
            "--experimental-websocket",
            script,
            &order.to_string(),
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("node is needed: `make setup` says how to get it");
    let mut lines = BufReader::new(client.stdout.take().unwrap()).lines();
    let mut stdin = client.stdin.take().unwrap();
    let mut done = Vec::new();
    let conversation = async {
        while let Some(line) = lines.next_line().await.unwrap() {
            let line: Value = serde_json::from_str(&line).unwrap();
            let did = line["did"].as_str().unwrap().to_owned();
            if did == "restart" {
                let before = server.take().unwrap();
                let ended = tokio::task::spawn_blocking(move || before.end()).await.unwrap();
                assert!(ended, "it ends well when asked to");
                server = Some(place.serve_at(&address));
                stdin.write_all(b"back\n").await.unwrap();
            }
            done.push(did);
        }
    };
    let in_time = tokio::time::timeout(DEADLINE, conversation).await;
    if in_time.is_err() || done.last().is_none_or(|last| last != "all") {
        let mut error = String::new();
        if in_time.is_ok() {
            client
                .stderr
                .take()
                .unwrap()
                .read_to_string(&mut error)
                .await
                .unwrap();
        }
        panic!("over {transport}, after {done:?}: {error}");
    }
    println!("over {transport}: {}", done.join(", "));
}

#[tokio::test(flavor = "multi_thread")]
async fn centrifuge_does_all_that_visitors_do_over_websocket() {
    all_that_visitors_do("websocket").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn centrifuge_does_all_that_visitors_do_over_http_streaming() {
    all_that_visitors_do("http_stream").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn centrifuge_does_all_that_visitors_do_over_sse() {
    all_that_visitors_do("sse").await;
}

fn curl(server: &Running, path: &str, more: &[&str]) -> String {
    let output = Program::new("curl")
        .args(["-sS", "--max-time", "30", "-H", "Origin: https://shop.example"])
        .args(more)
        .arg(format!("{}{path}", server.url))
        .output()
        .expect("curl is needed");
    String::from_utf8(output.stdout).unwrap()
}

fn publish(server: &Running, key: &str, title: &str) {
    let body =
        json!({"channel": format!("feed:{SITE}"), "data": {"kind": "message", "title": title, "text": ""}});
    let header = format!("X-API-Key: {key}");
    let answer = curl(server, "/api/publish", &["-H", &header, "-d", &body.to_string()]);
    assert!(answer.contains("\"result\""), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn curl_reads_a_feed_by_polling_and_as_events() {
    let place = Place::new();
    told(&place, &["site", "add", SITE]);
    let key = told(&place, &["key", "add", "--site", SITE, "--right", "publish"]);
    let server = place.serve();
    publish(&server, &key, "first");
    let feed = format!("/api/feed/{SITE}");
    let opening: Value = serde_json::from_str(&curl(&server, &feed, &[])).unwrap();
    assert_eq!(opening["items"][0]["publish"]["title"], "first", "{opening}");
    let since = format!(
        "{feed}?since={}:{}",
        opening["epoch"].as_str().unwrap(),
        opening["offset"]
    );
    let waiting = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| curl(&server, &since, &[]));
        publish(&server, &key, "second");
        waiting.join().unwrap()
    });
    let news: Value = serde_json::from_str(&waiting).unwrap();
    assert_eq!(
        (&news["recovered"], &news["items"][0]["publish"]["title"]),
        (&json!(true), &json!("second")),
        "{news}"
    );
    let last = format!("Last-Event-ID: {}:1", opening["epoch"].as_str().unwrap());
    let events = curl(
        &server,
        &format!("{feed}/events"),
        &["-N", "--max-time", "2", "-H", &last],
    );
    assert!(
        events.contains("\"second\"") && !events.contains("\"first\""),
        "{events}"
    );
    let stranger = Program::new("curl")
        .args([
            "-s",
            "-o",
            "/dev/null",
            "-w",
            "%{http_code}",
            "-H",
            "Origin: https://evil.example",
        ])
        .arg(format!("{}{feed}", server.url))
        .output()
        .unwrap();
    assert_eq!(stranger.stdout, b"403");
}
