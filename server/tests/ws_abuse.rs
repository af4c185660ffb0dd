//! Strangers, floods and nonsense: each gets a named refusal, and the server goes on.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod ws_support;

use serde_json::json;
use tokio_tungstenite::tungstenite::{
    Bytes, Message,
    protocol::frame::{
        Frame,
        coding::{Data, OpCode},
    },
};
use ws_support::{Client, Server, eventually, status};

/// The server is as well as before.
async fn still_serves(server: &Server) {
    let mut ann = server.ann().await;
    assert!(ann.ask(r#"{"id":2,"subscribe":{"channel":"live:a.com"}}"#).await["subscribe"].is_object());
}

#[tokio::test]
async fn a_foreign_origin_gets_no_socket() {
    let server = Server::signed_in().await;
    for origin in [
        "https://evil.com",
        "https://a.com.evil.com",
        "http://a.com",
        "null",
        "nonsense",
        "",
    ] {
        assert_eq!(status(server.connect(Some(origin)).await), 403, "{origin}");
    }
    assert_eq!(server.transport.connections(), 0);
    still_serves(&server).await;
}

#[tokio::test]
async fn a_page_of_the_site_gets_the_count_but_never_the_dashboards_data() {
    // Ann's browser sends her cookie along, and somebody put her token into the page.
    let server = Server::signed_in().await;
    for connect in [
        r#"{"id":1,"connect":{}}"#,
        r#"{"id":1,"connect":{"token":"ann"}}"#,
    ] {
        let mut page = server.connect(Some("https://a.com")).await.unwrap();
        page.ask(connect).await;
        let live = page.ask(r#"{"id":2,"subscribe":{"channel":"live:a.com"}}"#).await;
        assert_eq!(live["error"]["code"], 103);
        let history = page.ask(r#"{"id":3,"history":{"channel":"live:a.com"}}"#).await;
        assert_eq!(history["error"]["code"], 103);
        let online = page
            .ask(r#"{"id":4,"subscribe":{"channel":"online:a.com"}}"#)
            .await;
        assert!(online["subscribe"]["data"]["online"].is_u64());
    }
}

#[tokio::test]
async fn a_cookie_that_travels_with_a_sites_page_speaks_for_nobody() {
    let server = Server::signed_in().await;
    let mut page = server.page().await;
    page.hear().await;
    let mut program = server.connect(None).await.unwrap();
    program.ask(r#"{"id":1,"connect":{}}"#).await;
    program
        .ask(r#"{"id":2,"subscribe":{"channel":"online:a.com"}}"#)
        .await;
    assert_eq!(
        (
            server.hub.readers("online:a.com"),
            server.hub.users("online:a.com")
        ),
        (2, 2)
    );
}

#[tokio::test]
async fn a_wrong_token_is_sent_away_for_good_and_an_old_one_to_renew_itself() {
    let server = Server::start().await;
    let mut forger = server.connect(None).await.unwrap();
    forger.say(r#"{"id":1,"connect":{"token":"forged"}}"#).await;
    assert_eq!(forger.closed().await, (3500, "invalid token".to_owned()));
    let mut late = server.connect(None).await.unwrap();
    assert_eq!(
        late.ask(r#"{"id":1,"connect":{"token":"old"}}"#).await["error"],
        json!({"code": 109, "message": "token expired"})
    );
}

#[tokio::test]
async fn a_reader_that_does_not_read_is_cut_as_slow_and_the_others_are_not() {
    let server = Server::with(|limits| limits.outbox = 100_000, |routes| routes).await;
    let (mut slow, mut quick) = (server.ann().await, server.ann().await);
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
    assert_eq!(slow.closed().await, (3008, "slow".to_owned()));
    let next = server.hub.publish("live:a.com", b"1").offset;
    assert_eq!(quick.hear().await["push"]["pub"]["offset"], next);
}

#[tokio::test]
async fn a_message_over_the_limit_ends_its_connection_only() {
    let server = Server::start().await;
    let mut client = server.ann().await;
    client
        .say_anything(Message::text("x".repeat(64 * 1024 + 1)))
        .await;
    assert_eq!(client.closed().await.0, 1009);
    let mut huge = server.ann().await;
    huge.say_anything(Message::text("x".repeat(8 << 20))).await;
    eventually("its seat is free", || server.transport.connections() == 0).await;
    still_serves(&server).await;
}

#[tokio::test]
async fn a_message_of_64_kib_is_within_the_limit() {
    let server = Server::start().await;
    let mut client = server.ann().await;
    let command = |fill: usize| format!(r#"{{"id":2,"rpc":{{"method":"{}"}}}}"#, "x".repeat(fill));
    let fill = 64 * 1024 - command(0).len();
    assert_eq!(client.ask(&command(fill)).await["error"]["code"], 104);
}

#[tokio::test]
async fn what_is_not_the_protocol_is_sent_away_for_good() {
    let server = Server::start().await;
    for nonsense in [
        "hello",
        "[1,2,3]",
        "{\"id\":-1}",
        "{\"id\":1,\"connect\":7}",
        "{\"id\":2,\"subscribe\"",
        "\"",
        "null",
    ] {
        let mut client = server.connect(None).await.unwrap();
        client.say_anything(Message::text(nonsense)).await;
        assert_eq!(
            client.closed().await,
            (3501, "bad request".to_owned()),
            "{nonsense}"
        );
    }
    let mut deep = server.connect(None).await.unwrap();
    let nested = format!(
        r#"{{"id":1,"connect":{{"data":{}1{}}}}}"#,
        "[".repeat(10_000),
        "]".repeat(10_000)
    );
    deep.say_anything(Message::text(nested)).await;
    let mut deeper = server.connect(None).await.unwrap();
    deeper.say_anything(Message::text("[".repeat(60_000))).await;
    assert_eq!(deeper.closed().await.0, 3501);
    let mut binary = server.connect(None).await.unwrap();
    binary
        .say_anything(Message::binary(vec![0_u8, 159, 146, 150]))
        .await;
    assert_eq!(binary.closed().await.0, 3501);
    still_serves(&server).await;
}

#[tokio::test]
async fn text_that_is_not_utf8_ends_its_connection_only() {
    let server = Server::start().await;
    let mut client = server.ann().await;
    let frame = Frame::message(
        Bytes::from_static(b"{\"id\":1,\"connect\":{\"name\":\"\xff\xfe\"}}"),
        OpCode::Data(Data::Text),
        true,
    );
    client.say_anything(Message::Frame(frame)).await;
    assert_eq!(client.closed().await.0, 1007);
    still_serves(&server).await;
}

#[tokio::test]
async fn a_flood_of_subscriptions_is_refused_by_number_and_then_ended() {
    let server = Server::start().await;
    let mut client = server.ann().await;
    let (mut unknown, mut too_many) = (0, 0);
    for id in 2..=300 {
        client
            .say(&format!(
                r#"{{"id":{id},"subscribe":{{"channel":"live:site-{id}.com"}}}}"#
            ))
            .await;
        match client.hear().await["error"]["code"].as_u64() {
            Some(102) => unknown += 1,
            Some(111) => too_many += 1,
            other => panic!("unexpected {other:?}"),
        }
    }
    assert_eq!(
        (unknown, too_many),
        (255, 44),
        "the clock stands still: what is spent stays spent"
    );
    let flood: Vec<_> = (0..1_000)
        .map(|id| format!(r#"{{"id":{},"ping":{{}}}}"#, id + 1))
        .collect();
    client.say_anything(Message::text(flood.join("\n"))).await;
    assert_eq!(client.closed().await, (3013, "too many requests".to_owned()));
    still_serves(&server).await;
}

#[tokio::test]
async fn a_command_that_nobody_knows_is_answered_and_harms_nothing() {
    let server = Server::start().await;
    let mut client = server.ann().await;
    assert_eq!(
        client.ask(r#"{"id":2,"dance":{"tango":true}}"#).await["error"],
        json!({"code": 104, "message": "method not found"})
    );
    assert_eq!(client.ask(r#"{"id":3,"ping":{}}"#).await["id"], 3);
}

#[tokio::test]
async fn one_address_gets_so_many_connections_and_all_together_so_many() {
    let server = Server::seen_from("203.0.113.9", |limits| limits.connections_per_ip = 2).await;
    let held: Vec<Client> = vec![server.ann().await, server.ann().await];
    assert_eq!(status(server.connect(None).await), 429);
    drop(held);
    eventually("the seats are free", || server.transport.connections() == 0).await;
    still_serves(&server).await;

    let server = Server::with(|limits| limits.connections = 1, |routes| routes).await;
    let _held = server.ann().await;
    assert_eq!(status(server.connect(None).await), 503);
}

#[tokio::test]
async fn a_plain_request_is_told_that_this_is_a_websocket() {
    let server = Server::start().await;
    let answer = reqwest::get(format!("http://{}/connection/websocket", server.address))
        .await
        .unwrap();
    assert!(answer.status().is_client_error(), "{}", answer.status());
}
