//! HTTP streaming and SSE with commands beside them: what a socket can do, they can do; what a socket refuses, they refuse.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod ws_support;

use reqwest::{Client, Method, StatusCode};
use serde_json::json;
use std::{cell::RefCell, collections::BTreeSet, time::Duration};
use ws_support::{
    Server, eventually,
    streams::{Kind, PAGE, from},
};

const BOTH: [Kind; 2] = [Kind::Lines, Kind::Events];

/// The server is as well as before.
async fn still_serves(server: &Server) {
    let mut ann = server.anns_stream(Kind::Lines).await;
    assert!(ann.ask(r#"{"id":2,"subscribe":{"channel":"live:a.com"}}"#).await["subscribe"].is_object());
}

#[tokio::test]
async fn a_stream_answers_commands_that_came_beside_it_and_brings_what_is_published() {
    let server = Server::start().await;
    for kind in BOTH {
        server.visit(1, "/before");
        let mut ann = server.anns_stream(kind).await;
        let subscribed = ann.ask(r#"{"id":2,"subscribe":{"channel":"live:a.com"}}"#).await;
        assert_eq!(
            (&subscribed["id"], &subscribed["subscribe"]["recoverable"]),
            (&json!(2), &json!(true)),
            "{kind:?}"
        );
        let next = server.hub.publish("live:a.com", br#"{"n":1}"#).offset;
        assert_eq!(
            ann.hear().await,
            json!({"push": {"channel": "live:a.com", "pub": {"data": {"n": 1}, "offset": next}}})
        );
        assert_eq!(ann.ask(r#"{"id":3,"ping":{}}"#).await["id"], 3);
        drop(ann);
        eventually("it has left", || {
            server.hub.readers("live:a.com") == 0 && server.transport.connections() == 0
        })
        .await;
    }
}

#[tokio::test]
async fn a_position_from_one_transport_recovers_on_every_other() {
    let server = Server::start().await;
    let mut socket = server.ann().await;
    let first = socket
        .ask(r#"{"id":2,"subscribe":{"channel":"live:a.com"}}"#)
        .await;
    let epoch = first["subscribe"]["epoch"].as_str().unwrap().to_owned();
    let mut offset = first["subscribe"]["offset"].as_u64().unwrap_or_default();
    drop(socket);
    for kind in [Kind::Lines, Kind::Events, Kind::Lines] {
        server.hub.publish("live:a.com", b"1");
        server.hub.publish("live:a.com", b"2");
        let mut ann = server.anns_stream(kind).await;
        let command = format!(
            r#"{{"id":2,"subscribe":{{"channel":"live:a.com","recover":true,"epoch":"{epoch}","offset":{offset}}}}}"#
        );
        let back = ann.ask(&command).await["subscribe"].clone();
        assert_eq!(back["recovered"], true, "{kind:?}: {back}");
        assert_eq!(
            back["publications"],
            json!([{"data": 1, "offset": offset + 1}, {"data": 2, "offset": offset + 2}])
        );
        offset += 2;
    }
}

#[tokio::test]
async fn pings_go_out_and_a_pong_beside_the_stream_keeps_it_alive() {
    let server = Server::start().await;
    for kind in BOTH {
        let mut ann = server.anns_stream(kind).await;
        for _ in 0..2 {
            server.clock.advance(26_000);
            assert_eq!(ann.hear_anything().await, "{}");
            assert_eq!(ann.say("{}").await, StatusCode::NO_CONTENT);
            assert_eq!(ann.ask(r#"{"id":9,"ping":{}}"#).await["id"], 9);
        }
        server.clock.advance(26_000);
        assert_eq!(ann.hear_anything().await, "{}");
        server.clock.advance(11_000);
        assert_eq!(ann.closed().await, (3012, "no pong".to_owned()));
    }
}

#[tokio::test]
async fn when_the_server_goes_down_every_stream_is_told_to_come_back() {
    let server = Server::start().await;
    let mut streams = vec![
        server.anns_stream(Kind::Lines).await,
        server.anns_stream(Kind::Events).await,
    ];
    server
        .transport
        .end_all(pulsecast_server::hub::Disconnect::Shutdown);
    for stream in &mut streams {
        assert_eq!(stream.closed().await, (3001, "shutdown".to_owned()));
    }
    eventually("all have left", || server.transport.connections() == 0).await;
}

#[tokio::test]
async fn when_the_server_goes_down_not_all_clients_are_told_at_once() {
    let server = Server::start().await;
    let (mut streams, mut sockets) = (Vec::new(), Vec::new());
    for _ in 0..30 {
        streams.push(server.anns_stream(Kind::Lines).await);
        sockets.push(server.ann().await);
    }
    server.tasks.stop();
    let seen = RefCell::new(BTreeSet::new());
    eventually("all have left", || {
        seen.borrow_mut().insert(server.transport.connections());
        server.transport.connections() == 0
    })
    .await;
    let seen = seen.into_inner();
    assert!(seen.len() > 5, "they went almost all at once: {seen:?}");
    for socket in &mut sockets {
        assert_eq!(socket.closed().await, (3001, "shutdown".to_owned()));
    }
    for stream in &mut streams {
        assert_eq!(stream.closed().await, (3001, "shutdown".to_owned()));
    }
}

#[tokio::test]
async fn what_is_not_the_protocol_ends_the_stream_for_good() {
    let server = Server::start().await;
    for kind in BOTH {
        for nonsense in [
            "hello",
            "[1,2,3]",
            r#"{"id":2,"subscribe":{"channel":"live:a.com"}}"#,
        ] {
            let response = server.ask_for_stream(kind, nonsense, None).await;
            assert_eq!(response.status(), StatusCode::OK);
            let text = response.text().await.unwrap();
            assert!(
                text.contains(r#"{"push":{"disconnect":{"code":3501,"reason":"bad request"}}}"#),
                "{kind:?} {nonsense}: {text}"
            );
        }
        let forged = server
            .ask_for_stream(kind, r#"{"id":1,"connect":{"token":"forged"}}"#, None)
            .await;
        assert!(forged.text().await.unwrap().contains(r#""code":3500"#));
        let (_, late) = server
            .stream(kind, r#"{"id":1,"connect":{"token":"old"}}"#, None)
            .await;
        assert_eq!(late["error"]["code"], 109);
    }
    still_serves(&server).await;
}

#[tokio::test]
async fn who_opens_a_stream_and_says_nothing_is_stale() {
    let server = Server::start().await;
    let mut response = server.ask_for_stream(Kind::Events, "", None).await;
    eventually("it is there", || server.transport.connections() == 1).await;
    server.clock.advance(12_000);
    let mut text = String::new();
    while let Some(chunk) = response.chunk().await.unwrap() {
        text.push_str(std::str::from_utf8(&chunk).unwrap());
    }
    assert!(text.contains(r#""code":3502"#), "{text}");
}

#[tokio::test]
async fn commands_for_nobody_find_nobody() {
    let server = Server::start().await;
    let mut ann = server.anns_stream(Kind::Lines).await;
    let (session, node) = ann.names.clone();
    assert_eq!((session.len(), node.len()), (32, 32), "128 random bits each");
    for (session, node) in [
        ("", ""),
        ("nonsense", node.as_str()),
        ("00000000000000000000000000000000", node.as_str()),
        (session.as_str(), "00000000000000000000000000000000"),
    ] {
        let body = json!({"session": session, "node": node, "data": "{}"}).to_string();
        assert_eq!(ann.post(body).await, StatusCode::NOT_FOUND, "{session} {node}");
    }
    for nonsense in ["", "{}", "[]", r#"{"session":1,"node":2,"data":3}"#] {
        assert_eq!(ann.post(nonsense).await, StatusCode::BAD_REQUEST, "{nonsense}");
    }
    let (mut invalid, node) = (
        format!(r#"{{"session":"{session}","node":""#).into_bytes(),
        [0xff, 0xfe],
    );
    invalid.extend(node);
    assert_eq!(ann.post(invalid).await, StatusCode::BAD_REQUEST, "invalid UTF-8");
    assert_eq!(ann.ask(r#"{"id":2,"ping":{}}"#).await["id"], 2);
}

#[tokio::test]
async fn a_message_over_the_limit_is_refused_and_one_of_64_kib_is_not() {
    let server = Server::start().await;
    let mut ann = server.anns_stream(Kind::Events).await;
    let command = |fill: usize| format!(r#"{{"id":2,"rpc":{{"method":"{}"}}}}"#, "x".repeat(fill));
    let fill = 64 * 1024 - command(0).len();
    assert_eq!(ann.ask(&command(fill)).await["error"]["code"], 104);
    assert_eq!(ann.say(&command(fill + 1)).await, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(ann.say(&command(8 << 20)).await, StatusCode::PAYLOAD_TOO_LARGE);
    let first = format!(r#"{{"id":1,"connect":{{"name":"{}"}}}}"#, "x".repeat(64 * 1024));
    let refused = server.ask_for_stream(Kind::Lines, &first, None).await;
    assert_eq!(refused.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(ann.ask(r#"{"id":3,"ping":{}}"#).await["id"], 3);
}

#[tokio::test]
async fn a_flood_beside_the_stream_is_refused_and_then_ended() {
    let server = Server::start().await;
    let mut ann = server.anns_stream(Kind::Lines).await;
    let flood = |count: u32| {
        let lines: Vec<_> = (2..count + 2)
            .map(|id| format!(r#"{{"id":{id},"ping":{{}}}}"#))
            .collect();
        lines.join("\n")
    };
    assert_eq!(ann.say(&flood(300)).await, StatusCode::NO_CONTENT);
    let mut refused = 0;
    for _ in 0..300 {
        refused += u32::from(ann.hear().await["error"]["code"] == 111);
    }
    assert_eq!(
        refused, 45,
        "255 of the first 256 were left, and the clock stands still"
    );
    assert_eq!(ann.say(&flood(1_000)).await, StatusCode::NO_CONTENT);
    assert_eq!(ann.closed().await, (3013, "too many requests".to_owned()));
    eventually("its name is forgotten", || server.transport.connections() == 0).await;
    assert_eq!(ann.say("{}").await, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_foreign_page_gets_no_stream_and_can_send_no_commands() {
    let server = Server::signed_in().await;
    let ann = server.anns_stream(Kind::Lines).await;
    for origin in ["https://evil.com", "http://a.com", "null", "nonsense", ""] {
        for kind in BOTH {
            let refused = server
                .ask_for_stream(kind, r#"{"id":1,"connect":{}}"#, Some(origin))
                .await;
            assert_eq!(refused.status(), StatusCode::FORBIDDEN, "{kind:?} {origin}");
            assert!(!refused.headers().contains_key("access-control-allow-origin"));
        }
        let (session, node) = &ann.names;
        let body = json!({"session": session, "node": node, "data": "{}"}).to_string();
        let request = from(
            Client::new().post(server.http("/emulation")).body(body),
            Some(origin),
        );
        assert_eq!(request.send().await.unwrap().status(), StatusCode::FORBIDDEN);
    }
    // What another page has a browser fetch without reading it (an image, a script) carries no origin, but says so.
    for site in ["cross-site", "same-site"] {
        let request = Client::new()
            .get(server.http("/connection/sse?cf_connect=%7B%22id%22%3A1%2C%22connect%22%3A%7B%7D%7D"))
            .header("sec-fetch-site", site);
        assert_eq!(request.send().await.unwrap().status(), StatusCode::FORBIDDEN);
    }
}

#[tokio::test]
async fn a_sites_page_may_read_its_stream_and_send_commands_without_cookies() {
    let server = Server::signed_in().await;
    for path in [
        "/connection/http_stream",
        "/connection/sse",
        "/emulation",
        "/api/feed/a.com",
    ] {
        let preflight = Client::new()
            .request(Method::OPTIONS, server.http(path))
            .header("origin", PAGE)
            .header("access-control-request-method", "POST");
        let answer = preflight.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::NO_CONTENT, "{path}");
        let header = |name: &str| {
            answer
                .headers()
                .get(name)
                .map(|value| value.to_str().unwrap().to_owned())
        };
        assert_eq!(header("access-control-allow-origin").as_deref(), Some(PAGE));
        assert!(
            header("access-control-allow-headers")
                .unwrap()
                .contains("content-type")
        );
        assert_eq!(header("access-control-allow-credentials"), None);
        assert!(header("vary").unwrap().contains("origin"));
    }
    for kind in BOTH {
        let response = server
            .ask_for_stream(kind, r#"{"id":1,"connect":{}}"#, Some(PAGE))
            .await;
        assert_eq!(response.headers()["access-control-allow-origin"], PAGE);
        assert_eq!(response.headers()["x-accel-buffering"], "no");
        assert!(
            !response
                .headers()
                .contains_key("access-control-allow-credentials")
        );
        let (mut page, _) = server.stream(kind, r#"{"id":1,"connect":{}}"#, Some(PAGE)).await;
        let online = page
            .ask(r#"{"id":2,"subscribe":{"channel":"online:a.com"}}"#)
            .await;
        assert!(online["subscribe"]["data"]["online"].is_u64(), "{online}");
        // Ann's cookie came along, and speaks for nobody here.
        let mut live = page.ask(r#"{"id":3,"subscribe":{"channel":"live:a.com"}}"#).await;
        while live["id"] != 3 {
            live = page.hear().await;
        }
        assert_eq!(live["error"]["code"], 103);
    }
}

#[tokio::test]
async fn an_event_source_of_our_own_page_is_known_although_it_says_no_origin() {
    let server = Server::signed_in().await;
    let base = server.http("");
    for (name, value) in [
        ("sec-fetch-site", "same-origin".to_owned()),
        ("referer", format!("{base}/sites/a.com")),
    ] {
        let first = r#"{"id":1,"connect":{}}"#;
        let response = Client::new()
            .get(server.http("/connection/sse"))
            .query(&[("cf_connect", first)])
            .header(name, value)
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{name}");
    }
}

#[tokio::test]
async fn one_address_gets_so_many_streams_and_all_together_so_many() {
    let server = Server::seen_from("203.0.113.9", |limits| limits.connections_per_ip = 2).await;
    let held = [
        server.anns_stream(Kind::Lines).await,
        server.anns_stream(Kind::Events).await,
    ];
    for kind in BOTH {
        let refused = server
            .ask_for_stream(kind, r#"{"id":1,"connect":{}}"#, None)
            .await;
        assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
        assert!(refused.headers().contains_key("retry-after"));
    }
    drop(held);
    eventually("the seats are free", || server.transport.connections() == 0).await;
    still_serves(&server).await;
}

#[tokio::test]
async fn a_reader_that_does_not_read_is_cut_and_the_others_are_not() {
    for kind in BOTH {
        let server = Server::with(
            |limits| {
                limits.outbox = 100_000;
                limits.close_within = Duration::from_millis(50);
            },
            |routes| routes,
        )
        .await;
        let (mut slow, mut quick) = (server.anns_stream(kind).await, server.anns_stream(kind).await);
        for client in [&mut slow, &mut quick] {
            client
                .ask(r#"{"id":2,"subscribe":{"channel":"live:a.com"}}"#)
                .await;
        }
        // What the system buffers on the way comes first; then the queue fills.
        let payload = format!("\"{}\"", "x".repeat(50_000));
        let mut published = 0;
        while server.hub.readers("live:a.com") == 2 {
            let offset = server.hub.publish("live:a.com", payload.as_bytes()).offset;
            assert_eq!(quick.hear().await["push"]["pub"]["offset"], offset);
            published += 1;
            assert!(published < 5_000, "nobody was cut");
        }
        eventually("its seat is free although it never read", || {
            server.transport.connections() == 1
        })
        .await;
        let next = server.hub.publish("live:a.com", b"1").offset;
        assert_eq!(quick.hear().await["push"]["pub"]["offset"], next);
        drop(slow);
    }
}
