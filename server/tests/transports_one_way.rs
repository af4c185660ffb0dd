//! Clients that only listen: a plain `EventSource`, on any channels or on a feed; and those that ask again and again, by long polling.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod ws_support;

use reqwest::{Client, Response, StatusCode};
use serde_json::{Value, json};
use std::time::Duration;
use ws_support::{
    DEADLINE, Server, eventually,
    streams::{PAGE, Stream, from},
};

/// `uni_sse` with this connect request.
fn uni(connect: &Value) -> String {
    let text = connect.to_string();
    let escaped: String = text.bytes().map(|byte| format!("%{byte:02X}")).collect();
    format!("/connection/uni_sse?cf_connect={escaped}")
}

async fn status_of(server: &Server, path: &str, origin: Option<&str>) -> u16 {
    server.ask_for_events(path, origin, None).await.status().as_u16()
}

fn data(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[tokio::test]
async fn an_event_source_gets_all_it_asked_for_in_one_answer_and_then_what_comes() {
    let server = Server::start().await;
    let path = uni(&json!({"token": "ann", "subs": {"feed:a.com": {}, "online:a.com": {}}}));
    let mut source = server.event_source(&path, None, None).await;
    let first = source.message().await;
    let connect = &data(&first.data)["connect"];
    assert!(connect["subs"]["feed:a.com"]["epoch"].is_string(), "{connect}");
    assert!(connect["subs"]["online:a.com"]["data"]["online"].is_u64());
    assert_eq!((connect.get("pong"), connect.get("session")), (None, None));
    publish(&server, "news").await;
    let mut news = source.message().await;
    while data(&news.data)["channel"] != "feed:a.com" {
        news = source.message().await;
    }
    assert_eq!(
        data(&news.data)["pub"],
        json!({"data": {"title": "news"}, "offset": 1})
    );
    server.hub.publish("online:a.com", br#"{"online":7}"#);
    let mut count = source.message().await;
    while data(&count.data)["pub"]["data"]["online"] != 7 {
        count = source.message().await;
    }
    assert_eq!(count.id, news.id, "a count moves no position");
}

#[tokio::test]
async fn an_event_source_that_was_cut_off_gets_exactly_what_it_missed_by_its_last_event() {
    let server = Server::start().await;
    let path = uni(&json!({"token": "ann", "subs": {"feed:a.com": {}, "online:a.com": {}}}));
    let mut source = server.event_source(&path, None, None).await;
    source.message().await;
    publish(&server, "1").await;
    let mut seen = source.message().await;
    while data(&seen.data)["channel"] != "feed:a.com" {
        seen = source.message().await;
    }
    let last = seen.id.unwrap();
    drop(source);
    eventually("it has left", || server.hub.readers("feed:a.com") == 0).await;
    publish(&server, "2").await;
    publish(&server, "3").await;
    for (header, address) in [(Some(&last), None), (None, Some(&last))] {
        let path = match address {
            Some(last) => format!("{path}&last_event_id={}", last.replace(',', "%2C")),
            None => path.clone(),
        };
        let mut back = server.event_source(&path, None, header.map(String::as_str)).await;
        let first = back.message().await;
        let live = data(&first.data)["connect"]["subs"]["feed:a.com"].clone();
        assert_eq!(live["recovered"], true, "{live}");
        let missed: Vec<_> = live["publications"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["data"]["title"].as_str().unwrap())
            .collect();
        assert_eq!(missed, ["2", "3"]);
        assert_ne!(first.id.unwrap(), last);
    }
    // Whoever brings what nobody gave them is told that it cannot be gone on from.
    for wrong in ["nonsense", "0000000000000000:5,", ":,"] {
        let mut back = server.event_source(&path, None, Some(wrong)).await;
        let live = data(&back.message().await.data)["connect"]["subs"]["feed:a.com"].clone();
        assert_eq!(
            (live.get("recovered"), &live["was_recovering"]),
            (None, &json!(true)),
            "{wrong}"
        );
    }
}

#[tokio::test]
async fn who_only_listens_is_pinged_and_lives_without_an_answer_until_rights_are_lost() {
    let server = Server::start().await;
    let path = uni(&json!({"token": "ann", "subs": {"live:a.com": {}}}));
    let mut source = server.event_source(&path, None, None).await;
    source.message().await;
    for _ in 0..3 {
        server.clock.advance(26_000);
        assert_eq!(source.hear_anything().await, "{}");
    }
    assert_eq!(server.transport.connections(), 1);
    server
        .gate
        .ann_is_out
        .store(true, std::sync::atomic::Ordering::SeqCst);
    eventually("the ping that was read is taken for an answer", || {
        server.clock.advance(26_000);
        server.hub.readers("live:a.com") == 0
    })
    .await;
    assert_eq!(source.hear().await["unsubscribe"]["code"], 2000);
    assert_eq!(
        source.closed().await.0,
        3005,
        "it cannot subscribe again, only come again"
    );
}

#[tokio::test]
async fn what_is_refused_to_an_event_source_is_a_status() {
    let server = Server::start().await;
    let subs = |channel: &str| uni(&json!({"token": "ann", "subs": {channel: {}}}));
    assert_eq!(status_of(&server, &subs("live:nowhere.com"), None).await, 404);
    assert_eq!(status_of(&server, &subs("nonsense"), None).await, 404);
    let nobody = uni(&json!({"subs": {"live:a.com": {}}}));
    assert_eq!(status_of(&server, &nobody, None).await, 403);
    for token in ["forged", "old"] {
        let path = uni(&json!({"token": token, "subs": {"live:a.com": {}}}));
        assert_eq!(status_of(&server, &path, None).await, 401, "{token}");
    }
    for nonsense in ["hello", "[1]", r#"{"subs":[]}"#, r#"{"subs":{"live:a.com":7}}"#] {
        let escaped: String = nonsense.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let path = format!("/connection/uni_sse?cf_connect={escaped}");
        assert_eq!(status_of(&server, &path, None).await, 400, "{nonsense}");
    }
    let many: serde_json::Map<String, Value> = (0..200)
        .map(|n| (format!("live:site-{n}.com"), json!({})))
        .collect();
    let path = uni(&json!({"token": "ann", "subs": many}));
    assert_ne!(status_of(&server, &path, None).await, 200);
    assert_eq!(
        status_of(&server, &subs("live:a.com"), Some("https://evil.com")).await,
        403
    );
    eventually("nobody is left", || server.transport.connections() == 0).await;
}

async fn publish(server: &Server, text: &str) -> String {
    let payload = json!({"title": text}).to_string();
    let position = server
        .hub
        .publish_durable("feed:a.com", payload.into(), None)
        .await;
    position.unwrap().to_string()
}

fn title(text: &str) -> String {
    data(text)["title"].as_str().unwrap_or_default().to_owned()
}

const EVENTS: &str = "/api/feed/a.com/events";

#[tokio::test]
async fn a_pages_event_source_gets_the_backlog_then_what_comes_each_with_its_position() {
    let server = Server::start().await;
    for n in 1..=30 {
        publish(&server, &format!("old {n}")).await;
    }
    let mut page = server.event_source(EVENTS, Some(PAGE), None).await;
    for n in 11..=30 {
        assert_eq!(title(&page.message().await.data), format!("old {n}"));
    }
    let position = publish(&server, "new").await;
    let news = page.message().await;
    assert_eq!((title(&news.data).as_str(), news.id), ("new", Some(position)));
    let mut few = server
        .event_source(&format!("{EVENTS}?limit=2"), Some(PAGE), None)
        .await;
    assert_eq!(title(&few.message().await.data), "old 30");
    assert_eq!(title(&few.message().await.data), "new");
}

#[tokio::test]
async fn a_pages_event_source_misses_nothing_and_hears_when_that_cannot_be_said() {
    let server = Server::start().await;
    let last = publish(&server, "seen").await;
    for n in 1..=3 {
        publish(&server, &format!("missed {n}")).await;
    }
    let by_address = format!("{EVENTS}?last_event_id={last}");
    for (path, header) in [(EVENTS, Some(last.as_str())), (&by_address, None)] {
        let mut back = server.event_source(path, Some(PAGE), header).await;
        for n in 1..=3 {
            assert_eq!(title(&back.message().await.data), format!("missed {n}"));
        }
    }
    let mut lost = server
        .event_source(EVENTS, Some(PAGE), Some("0000000000000000:1"))
        .await;
    let reset = lost.message().await;
    assert_eq!(
        (reset.name.as_str(), reset.data.as_str()),
        ("reset", r#"{"recovered":false}"#)
    );
    let first = lost.message().await;
    assert_eq!((title(&first.data).as_str(), first.id), ("seen", None));
}

#[tokio::test]
async fn a_feeds_stream_stays_open_by_comments() {
    let server = Server::start().await;
    let mut page = server.event_source(EVENTS, Some(PAGE), None).await;
    eventually("it is there", || server.hub.readers("feed:a.com") == 1).await;
    let mut quiet = 0;
    server.clock.advance(26_000);
    while quiet < 3 {
        let event = page.event().await;
        assert_eq!((event.data.as_str(), event.name.as_str()), ("", ""));
        quiet += 1;
    }
    publish(&server, "hello").await;
    assert_eq!(title(&page.message().await.data), "hello");
}

async fn poll(server: &Server, query: &str) -> Response {
    let url = server.http(&format!("/api/feed/a.com{query}"));
    let answer = from(Client::new().get(url), Some(PAGE)).send();
    tokio::time::timeout(DEADLINE, answer)
        .await
        .expect("it was not answered")
        .unwrap()
}

async fn polled(server: &Server, query: &str) -> Value {
    let answer = poll(server, query).await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.headers()["cache-control"], "no-store");
    assert_eq!(answer.headers()["access-control-allow-origin"], PAGE);
    answer.json().await.unwrap()
}

fn titles(answer: &Value) -> Vec<&str> {
    let items = answer["items"].as_array().unwrap();
    items.iter().map(|item| item["title"].as_str().unwrap()).collect()
}

fn since(answer: &Value) -> String {
    format!(
        "?since={}:{}",
        answer["epoch"].as_str().unwrap(),
        answer["offset"]
    )
}

#[tokio::test]
async fn a_poll_begins_with_the_backlog_and_goes_on_from_its_position() {
    let server = Server::start().await;
    for n in 1..=25 {
        publish(&server, &n.to_string()).await;
    }
    let first = polled(&server, "").await;
    assert_eq!((&first["recovered"], titles(&first).len()), (&json!(false), 20));
    assert_eq!(
        titles(&polled(&server, "?limit=3").await),
        ["25", "24", "23"],
        "the newest first"
    );
    publish(&server, "while away").await;
    publish(&server, "twice").await;
    let next = polled(&server, &since(&first)).await;
    assert_eq!(next["recovered"], true);
    assert_eq!(titles(&next), ["while away", "twice"]);
    let lost = polled(&server, "?since=0000000000000000:3").await;
    assert_eq!((&lost["recovered"], titles(&lost).len()), (&json!(false), 20));
    assert_eq!(since(&lost), since(&next));
}

#[tokio::test]
async fn a_poll_that_is_not_behind_waits_and_is_answered_when_something_comes() {
    let server = Server::start().await;
    let first = polled(&server, "").await;
    let (waiting, ()) = tokio::join!(polled_since(&server, &first), async {
        eventually("it waits", || server.hub.readers("feed:a.com") == 1).await;
        publish(&server, "news").await;
    });
    assert_eq!(
        (titles(&waiting), &waiting["recovered"]),
        (vec!["news"], &json!(true))
    );
    eventually("nobody waits any more", || {
        server.hub.readers("feed:a.com") == 0 && server.transport.connections() == 0
    })
    .await;
}

async fn polled_since(server: &Server, answer: &Value) -> Value {
    polled(server, &since(answer)).await
}

#[tokio::test]
async fn a_poll_for_which_nothing_comes_is_answered_with_nothing_after_a_while() {
    let server = Server::with(
        |limits| limits.poll_for = Duration::from_millis(30),
        |routes| routes,
    )
    .await;
    let first = polled(&server, "").await;
    let nothing = polled_since(&server, &first).await;
    assert_eq!((titles(&nothing).len(), &nothing["recovered"]), (0, &json!(true)));
    assert_eq!(since(&nothing), since(&first));
}

#[tokio::test]
async fn polls_that_wait_are_bounded_and_end_when_the_server_does() {
    let server = Server::with(|limits| limits.polls = 1, |routes| routes).await;
    let first = polled(&server, "").await;
    let second = async {
        eventually("one waits", || server.hub.readers("feed:a.com") == 1).await;
        let refused = poll(&server, &since(&first)).await;
        assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(refused.headers().contains_key("retry-after"));
        server
            .transport
            .end_all(pulsecast_server::hub::Disconnect::Shutdown);
    };
    let (waiting, ()) = tokio::join!(polled_since(&server, &first), second);
    assert_eq!(titles(&waiting).len(), 0);
}

#[tokio::test]
async fn a_poller_that_goes_away_is_no_reader_any_more() {
    let server = Server::start().await;
    let first = polled(&server, "").await;
    let url = server.http(&format!("/api/feed/a.com{}", since(&first)));
    let mut request = Box::pin(from(Client::new().get(url), Some(PAGE)).send());
    tokio::select! {
        answer = &mut request => panic!("{answer:?}"),
        () = eventually("it waits", || server.hub.readers("feed:a.com") == 1) => {}
    }
    drop(request);
    eventually("it has left", || server.hub.readers("feed:a.com") == 0).await;
}

#[tokio::test]
async fn a_poll_that_makes_no_sense_is_told_what_would() {
    let server = Server::start().await;
    for query in [
        "?since=nonsense",
        "?since=1",
        "?since=a:b",
        "?limit=-1",
        "?since=a:99999999999999999999",
    ] {
        let answer = poll(&server, query).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{query}");
        assert!(answer.text().await.unwrap().contains("EPOCH:OFFSET"));
    }
    for (path, origin, status) in [
        ("/api/feed/nowhere.com", Some(PAGE), 404),
        ("/api/feed/no%20domain", Some(PAGE), 400),
        ("/api/feed/a.com", Some("https://evil.com"), 403),
        ("/api/feed/a.com", None, 403),
    ] {
        assert_eq!(
            status_of(&server, path, origin).await,
            status,
            "{path} {origin:?}"
        );
    }
    let member = Client::new()
        .get(server.http("/api/feed/a.com"))
        .header("authorization", "Bearer ann");
    assert_eq!(member.send().await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn every_transport_tells_a_feed_alike() {
    let server = Server::start().await;
    let mut page = server.connect(Some(PAGE)).await.unwrap();
    page.ask(r#"{"id":1,"connect":{}}"#).await;
    let joined = page.ask(r#"{"id":2,"subscribe":{"channel":"feed:a.com"}}"#).await;
    let epoch = joined["subscribe"]["epoch"].as_str().unwrap().to_owned();
    let mut source: Stream = server.event_source(EVENTS, Some(PAGE), None).await;
    eventually("both are there", || server.hub.readers("feed:a.com") == 2).await;
    let position = publish(&server, "for all").await;
    assert_eq!(position, format!("{epoch}:1"));
    assert_eq!(
        page.hear().await["push"]["pub"],
        json!({"data": {"title": "for all"}, "offset": 1})
    );
    let event = source.message().await;
    assert_eq!(
        (event.id, title(&event.data).as_str()),
        (Some(position), "for all")
    );
    let answer = polled(&server, &format!("?since={epoch}:0")).await;
    assert_eq!(titles(&answer), ["for all"]);
}
