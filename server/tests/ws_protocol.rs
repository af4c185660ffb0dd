//! The client protocol over a real socket: joining, coming back, being counted, staying alive.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod ws_support;

use serde_json::{Value, json};
use std::sync::atomic::Ordering;
use ws_support::{Server, eventually};

const JOIN: &str = r#"{"id":2,"subscribe":{"channel":"live:a.com"}}"#;

fn paths(publication: &Value) -> Vec<&str> {
    publication["data"]["stream"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["path"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn a_member_gets_the_sites_state_and_then_every_change() {
    let server = Server::start().await;
    server.visit(1, "/before");
    let mut ann = server.ann().await;
    let joined = ann.ask(JOIN).await;
    let subscribed = &joined["subscribe"];
    assert_eq!(
        (
            &joined["id"],
            &subscribed["recoverable"],
            &subscribed["positioned"]
        ),
        (&json!(2), &json!(true), &json!(true))
    );
    assert_eq!(subscribed["data"]["stream"][0]["path"], "/before");
    assert_eq!(
        subscribed["data"]["position"],
        json!({"epoch": subscribed["epoch"], "offset": 0})
    );
    server.visit(2, "/after");
    let push = ann.hear().await;
    let publication = &push["push"]["pub"];
    assert_eq!(
        (&push["push"]["channel"], &publication["offset"]),
        (&json!("live:a.com"), &json!(1))
    );
    assert_eq!(paths(publication), ["/after"]);
    assert_eq!(publication["data"]["current_visitors"], 2);
}

#[tokio::test]
async fn a_returning_dashboard_misses_nothing() {
    let server = Server::start().await;
    let mut ann = server.ann().await;
    let epoch = ann.ask(JOIN).await["subscribe"]["epoch"].clone();
    server.visit_and_publish(1, "/seen").await;
    assert_eq!(paths(&ann.hear().await["push"]["pub"]), ["/seen"]);
    drop(ann);
    eventually("the server notices that she is away", || {
        server.hub.readers("live:a.com") == 0
    })
    .await;
    for (visitor, path) in [(2, "/missed"), (3, "/missed too")] {
        server.visit_and_publish(visitor, path).await;
    }
    let mut ann = server.ann().await;
    let back = json!({"id": 2, "subscribe": {"channel": "live:a.com", "recover": true, "epoch": epoch, "offset": 1}});
    let joined = ann.ask(&back.to_string()).await;
    let subscribed = &joined["subscribe"];
    assert_eq!(
        (&subscribed["recovered"], &subscribed["was_recovering"]),
        (&json!(true), &json!(true))
    );
    assert_eq!(
        (&subscribed["offset"], &subscribed["data"]),
        (&json!(3), &Value::Null)
    );
    let missed: Vec<_> = subscribed["publications"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(paths)
        .collect();
    assert_eq!(missed, ["/missed", "/missed too"]);
    server.visit_and_publish(4, "/next").await;
    assert_eq!(ann.hear().await["push"]["pub"]["offset"], 4);
}

#[tokio::test]
async fn a_position_of_another_time_gets_the_state_anew_and_is_told_so() {
    let server = Server::start().await;
    server.visit(1, "/");
    let mut ann = server.ann().await;
    let back = r#"{"id":2,"subscribe":{"channel":"live:a.com","recover":true,"epoch":"gone","offset":5}}"#;
    let joined = ann.ask(back).await;
    let subscribed = &joined["subscribe"];
    assert_eq!(
        (&subscribed["recovered"], &subscribed["was_recovering"]),
        (&Value::Null, &json!(true))
    );
    assert_eq!(subscribed["data"]["stream"][0]["path"], "/");
}

#[tokio::test]
async fn open_pages_are_counted_and_every_page_is_told() {
    let server = Server::start().await;
    let mut first = server.page().await;
    assert_eq!(first.hear().await["subscribe"]["data"], json!({"online": 1}));
    assert_eq!(first.hear().await["push"]["pub"]["data"], json!({"online": 1}));
    server.clock.advance(250);
    let mut second = server.page().await;
    assert_eq!(second.hear().await["subscribe"]["data"], json!({"online": 2}));
    assert_eq!(
        first.hear().await["push"],
        json!({"channel": "online:a.com", "pub": {"data": {"online": 2}}})
    );
    drop(second);
    // Whoever does not come back within five seconds has left. The server hears of a socket's end when it hears of it.
    let gone = async {
        loop {
            server.clock.advance(1_000);
            server.live.tick();
            if server.live.online(&"a.com".parse().unwrap(), None) == 1 {
                break;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), gone)
        .await
        .unwrap();
    assert_eq!(first.hear().await["push"]["pub"]["data"], json!({"online": 1}));
    let stats = first
        .ask(r#"{"id":3,"presence_stats":{"channel":"online:a.com"}}"#)
        .await;
    assert_eq!(stats["presence_stats"], json!({"num_clients": 1, "num_users": 1}));
}

#[tokio::test]
async fn leaving_a_channel_ends_its_pushes() {
    let server = Server::start().await;
    let mut ann = server.ann().await;
    ann.ask(JOIN).await;
    assert_eq!(
        ann.ask(r#"{"id":3,"unsubscribe":{"channel":"live:a.com"}}"#)
            .await,
        json!({"id": 3, "unsubscribe": {}})
    );
    server.visit_and_publish(1, "/").await;
    assert_eq!(
        ann.ask(r#"{"id":4,"ping":{}}"#).await,
        json!({"id": 4, "ping": {}})
    );
}

#[tokio::test]
async fn many_commands_may_come_in_one_message() {
    let server = Server::start().await;
    let mut client = server.connect(None).await.unwrap();
    client.say("{\"id\":1,\"connect\":{\"token\":\"ann\"}}\n{\"id\":2,\"subscribe\":{\"channel\":\"live:a.com\"}}\n{\"id\":3,\"ping\":{}}").await;
    for id in 1..=3 {
        assert_eq!(client.hear().await["id"], id);
    }
}

#[tokio::test]
async fn the_past_can_be_read_without_joining() {
    let server = Server::start().await;
    let mut ann = server.ann().await;
    ann.ask(JOIN).await;
    for (visitor, path) in [(1, "/1"), (2, "/2"), (3, "/3")] {
        server.visit_and_publish(visitor, path).await;
        ann.hear().await;
    }
    let history = ann
        .ask(r#"{"id":3,"history":{"channel":"live:a.com","limit":2,"reverse":true}}"#)
        .await;
    let offsets: Vec<_> = history["history"]["publications"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| p["offset"].clone())
        .collect();
    assert_eq!(
        (offsets, &history["history"]["offset"]),
        (vec![json!(3), json!(2)], &json!(3))
    );
    let epoch = history["history"]["epoch"].as_str().unwrap();
    let older = ann
        .ask(&format!(
            r#"{{"id":6,"history":{{"channel":"live:a.com","limit":-1,"reverse":true,"since":{{"epoch":"{epoch}","offset":3}}}}}}"#
        ))
        .await;
    let offsets: Vec<_> = older["history"]["publications"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| p["offset"].clone())
        .collect();
    assert_eq!(offsets, [json!(2), json!(1)], "backwards is what is older");
    let wrong = ann
        .ask(r#"{"id":4,"history":{"channel":"live:a.com","limit":-1,"since":{"epoch":"gone","offset":1}}}"#)
        .await;
    assert_eq!(wrong["error"]["code"], 112);
    let none = ann
        .ask(r#"{"id":5,"history":{"channel":"online:a.com","limit":1}}"#)
        .await;
    assert_eq!(none["error"]["code"], 108);
}

#[tokio::test]
async fn a_session_cookie_speaks_for_its_account() {
    let server = Server::signed_in().await;
    let own = format!("http://{}", server.address);
    let mut dashboard = server.connect(Some(&own)).await.unwrap();
    dashboard.ask(r#"{"id":1,"connect":{}}"#).await;
    assert!(dashboard.ask(JOIN).await["subscribe"]["data"].is_object());
}

#[tokio::test]
async fn the_subprotocol_that_sdks_offer_is_accepted() {
    let server = Server::start().await;
    let client = server
        .connect_with(Some(("Sec-WebSocket-Protocol", "centrifuge-json")))
        .await
        .unwrap();
    assert_eq!(client.protocol.as_deref(), Some("centrifuge-json"));
}

#[tokio::test]
async fn who_answers_pings_stays_and_who_does_not_is_cut() {
    let server = Server::start().await;
    let (mut awake, mut asleep) = (server.ann().await, server.ann().await);
    server.clock.advance(27_000);
    assert_eq!((awake.hear().await, asleep.hear().await), (json!({}), json!({})));
    awake.say("{}").await;
    awake.ask(r#"{"id":2,"ping":{}}"#).await;
    server.clock.advance(12_000);
    assert_eq!(asleep.closed().await, (3012, "no pong".to_owned()));
    assert_eq!(awake.ask(r#"{"id":3,"ping":{}}"#).await["id"], 3);
}

#[tokio::test]
async fn who_never_says_connect_is_stale() {
    let server = Server::start().await;
    let mut silent = server.connect(None).await.unwrap();
    server.clock.advance(12_000);
    assert_eq!(silent.closed().await, (3502, "stale".to_owned()));
    drop(silent);
    eventually("its seat is free", || server.transport.connections() == 0).await;
}

#[tokio::test]
async fn a_member_who_was_removed_stops_receiving_at_the_next_pong() {
    let server = Server::start().await;
    let mut ann = server.ann().await;
    ann.ask(JOIN).await;
    server.gate.ann_is_out.store(true, Ordering::SeqCst);
    ann.say("{}").await;
    let ended = ann.hear().await;
    assert_eq!(
        ended["push"],
        json!({"channel": "live:a.com", "unsubscribe": {"code": 2000, "reason": "permission revoked"}})
    );
    assert_eq!(server.hub.readers("live:a.com"), 0);
}

#[tokio::test]
async fn a_server_that_goes_down_says_so_and_waits_for_goodbyes() {
    let server = Server::start().await;
    let mut ann = server.ann().await;
    server.tasks.stop();
    assert_eq!(ann.closed().await, (3001, "shutdown".to_owned()));
    drop(ann);
    assert!(server.tasks.wait(ws_support::DEADLINE).await);
    assert_eq!(server.transport.connections(), 0);
}
