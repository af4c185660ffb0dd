//! Feeds and rooms of the real binary: what was acknowledged is there after `kill -9`, and everybody ends with everything, whatever happens to
//! them and to the server.

mod crowd;
mod reader;
mod stream;

use crate::program::{Place, Running};
use crowd::Crowd;
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

pub const SITE: &str = "shop.example";
pub const FEED: &str = "feed:shop.example";
const ROOM: &str = "room:shop.example:lobby";

/// A place with the site, and a key to publish there.
fn shop() -> (Place, String) {
    let place = Place::new();
    let run = |arguments: &[&str]| {
        let output = place.run(arguments);
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    run(&["site", "add", SITE]);
    let key = run(&["key", "add", "--site", SITE, "--right", "publish"]);
    (place, key)
}

async fn ask(server: &Running, key: &str, path: &str, body: &Value) -> Result<Value, reqwest::Error> {
    let request = server.client.post(format!("{}{path}", server.url));
    let answer = request.header("x-api-key", key).json(body).send().await?;
    answer.json().await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_acknowledged_publication_survives_kill_9_in_its_place_and_once() {
    let (place, key) = shop();
    let start = || {
        Arc::new(place.serve_with(&[
            "--api-rate",
            "10000000",
            "--room-history",
            "1000000",
            "--room-history-size",
            "100000",
        ]))
    };
    let (mut placed, mut epochs, mut doubtful) = (BTreeMap::new(), BTreeSet::new(), Vec::new());
    let next = Arc::new(AtomicU64::new(0));
    for round in 0..5_u64 {
        let server = start();
        let enough = next.load(Ordering::Relaxed) + 200 + round * 137;
        let publishers: Vec<_> = (0..16)
            .map(|number| {
                let (server, key, next) = (server.clone(), key.clone(), next.clone());
                // What nobody knows the fate of is published again, by its key.
                let mut again: Vec<u64> = doubtful.iter().copied().skip(number).step_by(16).collect();
                tokio::spawn(async move {
                    let mut mine = Vec::new();
                    loop {
                        let number = again
                            .pop()
                            .unwrap_or_else(|| next.fetch_add(1, Ordering::Relaxed));
                        let body =
                            json!({"channel": ROOM, "data": number, "idempotency_key": number.to_string()});
                        match ask(&server, &key, "/api/publish", &body).await {
                            Ok(told) if told["result"].is_object() => {
                                mine.push((number, told["result"].clone()))
                            }
                            // It died, before or after: who knows.
                            _ => {
                                again.push(number);
                                return (mine, again);
                            }
                        }
                    }
                })
            })
            .collect();
        doubtful.clear();
        while next.load(Ordering::Relaxed) < enough {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        server.kill();
        for publisher in publishers {
            let (mine, again) = publisher.await.unwrap();
            doubtful.extend(again);
            for (number, result) in mine {
                epochs.insert(result["epoch"].as_str().unwrap().to_owned());
                let before = placed.insert(result["offset"].as_u64().unwrap(), number);
                assert_eq!(before, None, "two publications in one place");
            }
        }
        Arc::into_inner(server).unwrap().kill9();
    }
    let server = start();
    let past = ask(
        &server,
        &key,
        "/api/history",
        &json!({"channel": ROOM, "limit": -1}),
    )
    .await
    .unwrap();
    let kept: Vec<(u64, u64)> = past["result"]["publications"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["offset"].as_u64().unwrap(), one["data"].as_u64().unwrap()))
        .collect();
    println!(
        "{} handed in, {} acknowledged, {} kept after five kills",
        next.load(Ordering::Relaxed),
        placed.len(),
        kept.len()
    );
    assert!(
        placed.len() > 1_000,
        "the rounds were too short: {}",
        placed.len()
    );
    assert_eq!(epochs.len(), 1, "the epoch changed: {epochs:?}");
    assert_eq!(past["result"]["epoch"], *epochs.first().unwrap());
    assert!(
        kept.iter().zip(1..).all(|((offset, _), place)| *offset == place),
        "the offsets have holes"
    );
    let by_place: BTreeMap<u64, u64> = kept.iter().copied().collect();
    for (offset, number) in &placed {
        assert_eq!(by_place.get(offset), Some(number), "acknowledged at {offset}");
    }
    let distinct: BTreeSet<u64> = kept.iter().map(|(_, number)| *number).collect();
    assert_eq!(distinct.len(), kept.len(), "something was published twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_cannot_be_written_refuses_publications_readers_go_on_and_it_heals() {
    let (place, key) = shop();
    let server = place.serve();
    let publish = |number: u32| json!({"channel": ROOM, "data": number});
    let first = ask(&server, &key, "/api/publish", &publish(1)).await.unwrap();
    assert_eq!(first["result"]["offset"], 1, "{first}");
    let other = rusqlite::Connection::open(place.data().join("streams.sqlite")).unwrap();
    other.execute_batch("begin immediate").unwrap();
    let refused = ask(&server, &key, "/api/publish", &publish(2)).await.unwrap();
    assert_eq!(refused["error"]["code"], 100, "{refused}");
    assert!(
        refused["error"]["message"]
            .as_str()
            .unwrap()
            .contains("try again")
    );
    let past = ask(
        &server,
        &key,
        "/api/history",
        &json!({"channel": ROOM, "limit": -1}),
    )
    .await
    .unwrap();
    assert_eq!(past["result"]["publications"].as_array().unwrap().len(), 1);
    other.execute_batch("rollback").unwrap();
    let third = ask(&server, &key, "/api/publish", &publish(3)).await.unwrap();
    assert_eq!(third["result"]["offset"], 2, "{third}");
}

/// The issue's own words: every client ends with every item once and in order.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_crowd_that_is_cut_stalled_and_restarted_ends_with_every_item_once_and_in_order() {
    const ITEMS: u64 = 1_000;
    const CLIENTS: usize = 200;
    let (place, key) = shop();
    let arguments = ["--api-rate", "10000000", "--max-sockets-per-ip", "1000"];
    let mut server = place.serve_with(&arguments);
    let crowd = Crowd::gather(CLIENTS, server.address()).await;
    for number in 1..=ITEMS {
        let item = json!({"channel": FEED, "idempotency_key": format!("item {number}"), "data": {
            "kind": "message", "title": number.to_string(), "text": format!("This is item **{number}**."),
        }});
        // Twice the server goes away under everybody, the second time without a word and while it is asked to publish.
        if number == 300 {
            assert!(server.end(), "it ends well when asked to");
            server = place.serve_with(&arguments);
            crowd.moved(server.address());
        } else if number == 700 {
            let (told, ()) = tokio::join!(ask(&server, &key, "/api/publish", &item), async {
                tokio::time::sleep(Duration::from_millis(2)).await;
                server.kill();
            });
            println!("while it was killed: {told:?}");
            server.kill9();
            server = place.serve_with(&arguments);
            crowd.moved(server.address());
        }
        let told = ask(&server, &key, "/api/publish", &item).await.unwrap();
        assert!(told["result"].is_object(), "{number}: {told}");
    }
    let ended = crowd.ends_with(ITEMS, Duration::from_secs(120)).await;
    println!("{ended}");
}
