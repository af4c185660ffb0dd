//! Feeds and rooms over a real socket: what is published reaches everybody once and in order, who was away gets exactly what was missed, and who
//! may what in a room.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod ws_support;

use serde_json::{Value, json};
use ws_support::{Client, Server};

const ROOM: &str = "room:a.com:lobby";

async fn subscribe(client: &mut Client, id: u32, channel: &str, more: Value) -> Value {
    let mut request = json!({ "channel": channel });
    for (key, value) in more.as_object().unwrap() {
        request[key] = value.clone();
    }
    client
        .ask(&json!({"id": id, "subscribe": request}).to_string())
        .await
}

async fn command(client: &mut Client, id: u32, name: &str, request: Value) -> Value {
    let mut command = json!({ "id": id });
    command[name] = request;
    client.ask(&command.to_string()).await
}

/// A page of the site, connected.
async fn page(server: &Server) -> Client {
    let mut client = server.connect(Some("https://a.com")).await.unwrap();
    client.ask(r#"{"id":1,"connect":{}}"#).await;
    client
}

async fn publish(server: &Server, channel: &str, number: u32) {
    let payload = number.to_string().into();
    server.hub.publish_durable(channel, payload, None).await.unwrap();
}

#[tokio::test]
async fn a_page_that_was_away_gets_exactly_the_items_it_missed() {
    let server = Server::start().await;
    let mut page_a = page(&server).await;
    let joined = subscribe(&mut page_a, 2, "feed:a.com", json!({})).await;
    let epoch = joined["subscribe"]["epoch"].clone();
    assert_eq!(joined["subscribe"]["recoverable"], true);
    publish(&server, "feed:a.com", 1).await;
    assert_eq!(
        page_a.hear().await["push"],
        json!({"channel": "feed:a.com", "pub": {"data": 1, "offset": 1}})
    );
    drop(page_a);
    for number in 2..=4 {
        publish(&server, "feed:a.com", number).await;
    }
    let mut page_a = page(&server).await;
    let back = json!({"recover": true, "epoch": epoch, "offset": 1});
    let joined = subscribe(&mut page_a, 2, "feed:a.com", back).await;
    let missed: Vec<_> = joined["subscribe"]["publications"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["data"].clone(), one["offset"].clone()))
        .collect();
    assert_eq!(joined["subscribe"]["recovered"], true);
    assert_eq!(
        missed,
        [(json!(2), json!(2)), (json!(3), json!(3)), (json!(4), json!(4))]
    );
    let other = json!({"recover": true, "epoch": "another", "offset": 1});
    let mut page_b = page(&server).await;
    let joined = subscribe(&mut page_b, 2, "feed:a.com", other).await;
    assert_eq!(
        (
            &joined["subscribe"]["recovered"],
            &joined["subscribe"]["was_recovering"]
        ),
        (&Value::Null, &json!(true))
    );
    assert_eq!(joined["subscribe"]["offset"], 4);
}

#[tokio::test]
async fn a_page_without_a_position_can_ask_for_everything_that_is_kept() {
    let server = Server::start().await;
    publish(&server, "feed:a.com", 1).await;
    let mut page = page(&server).await;
    let from_the_start = json!({"recover": true, "epoch": "", "offset": 0});
    let joined = subscribe(&mut page, 2, "feed:a.com", from_the_start).await;
    assert_eq!(joined["subscribe"]["recovered"], true);
    assert_eq!(joined["subscribe"]["publications"][0]["data"], 1);
}

#[tokio::test]
async fn visitors_publish_to_each_other_and_are_named() {
    let server = Server::start().await;
    let (mut cat, mut dog) = (server.guest("cat").await, server.guest("dog").await);
    for client in [&mut cat, &mut dog] {
        let joined = subscribe(client, 2, ROOM, json!({})).await;
        assert_eq!(joined["subscribe"]["positioned"], true, "{joined}");
    }
    cat.say(&json!({"id": 3, "publish": {"channel": ROOM, "data": {"text": "hello\nthere"}}}).to_string())
        .await;
    let push = dog.hear().await["push"].clone();
    assert_eq!(push["pub"]["data"], json!({"text": "hello\nthere"}));
    assert_eq!(
        (&push["pub"]["info"]["user"], &push["pub"]["info"]["conn_info"]),
        (&json!("cat"), &json!({"name": "cat"}))
    );
    // Whoever publishes gets it too, and an answer.
    let heard = [cat.hear().await, cat.hear().await];
    assert!(heard.iter().any(|line| line["push"] == push), "{heard:?}");
    assert!(heard.contains(&json!({"id": 3, "publish": {}})), "{heard:?}");
    let history = command(&mut dog, 4, "history", json!({"channel": ROOM, "limit": 10})).await;
    assert_eq!(
        history["history"]["publications"][0]["info"]["user"], "cat",
        "{history}"
    );
}

#[tokio::test]
async fn who_may_only_read_is_told_so_and_still_reads() {
    let server = Server::start().await;
    let mut mouse = server.guest("mouse").await;
    subscribe(&mut mouse, 2, ROOM, json!({})).await;
    for (name, request) in [
        ("publish", json!({"channel": ROOM, "data": 1})),
        ("history", json!({"channel": ROOM, "limit": 1})),
        ("presence", json!({"channel": ROOM})),
        ("presence_stats", json!({"channel": ROOM})),
    ] {
        let answer = command(&mut mouse, 3, name, request).await;
        assert_eq!(answer["error"]["code"], 103, "{name}: {answer}");
    }
    publish(&server, ROOM, 1).await;
    assert_eq!(mouse.hear().await["push"]["pub"]["data"], 1);
    let mut stranger = page(&server).await;
    let answer = subscribe(&mut stranger, 2, ROOM, json!({})).await;
    assert_eq!(answer["error"]["code"], 103);
}

#[tokio::test]
async fn a_publication_that_is_too_large_or_no_data_is_refused_and_the_connection_stays() {
    let server = Server::with(|limits| limits.publication = 100, |routes| routes).await;
    let mut cat = server.guest("cat").await;
    let large = json!({"channel": ROOM, "data": "x".repeat(99)});
    let answer = command(&mut cat, 2, "publish", large).await;
    assert_eq!(answer["error"]["code"], 106);
    let answer = command(&mut cat, 3, "publish", json!({"channel": ROOM})).await;
    assert_eq!(answer["error"]["code"], 107);
    let fits = json!({"channel": ROOM, "data": "x".repeat(98)});
    assert_eq!(
        command(&mut cat, 4, "publish", fits).await,
        json!({"id": 4, "publish": {}})
    );
    let mut ann = server.ann().await;
    for channel in ["live:a.com", "online:a.com"] {
        let answer = command(&mut ann, 2, "publish", json!({"channel": channel, "data": 1})).await;
        assert_eq!(answer["error"]["code"], 103, "{channel}");
    }
}

#[tokio::test]
async fn a_room_says_who_is_there_and_who_comes_and_goes_to_those_who_may_know() {
    let server = Server::start().await;
    let mut cat = server.guest("cat").await;
    subscribe(&mut cat, 2, ROOM, json!({"join_leave": true})).await;
    assert_eq!(cat.hear().await["push"]["join"]["info"]["user"], "cat");
    let mut mouse = server.guest("mouse").await;
    subscribe(&mut mouse, 2, ROOM, json!({"join_leave": true})).await;
    let joined = cat.hear().await;
    assert_eq!(joined["push"]["join"]["info"]["user"], "mouse", "{joined}");
    let answer = command(&mut cat, 3, "presence", json!({"channel": ROOM})).await;
    let present = answer["presence"]["presence"].as_object().unwrap();
    let mut users: Vec<_> = present
        .values()
        .map(|info| info["user"].as_str().unwrap())
        .collect();
    users.sort_unstable();
    assert_eq!(users, ["cat", "mouse"]);
    for (client, info) in present {
        assert_eq!(info["client"], *client);
    }
    let answer = command(&mut cat, 4, "presence_stats", json!({"channel": ROOM})).await;
    assert_eq!(
        answer["presence_stats"],
        json!({"num_clients": 2, "num_users": 2})
    );
    let mut dog = server.guest("dog").await;
    subscribe(&mut dog, 2, ROOM, json!({})).await;
    assert_eq!(cat.hear().await["push"]["join"]["info"]["user"], "dog");
    // The mouse may not know: the first it hears is a publication.
    publish(&server, ROOM, 1).await;
    assert_eq!(mouse.hear().await["push"]["pub"]["data"], 1);
    drop(dog);
    cat.hear().await;
    assert_eq!(cat.hear().await["push"]["leave"]["info"]["user"], "dog");
    let answer = command(&mut cat, 5, "presence", json!({"channel": "online:a.com"})).await;
    assert!(answer["error"].is_object(), "people are not named to everybody");
}

#[tokio::test]
async fn a_channels_own_token_lets_its_holder_in_until_it_ends() {
    let server = Server::start().await;
    let mut client = page(&server).await;
    let joined = subscribe(&mut client, 2, ROOM, json!({"token": "cat"})).await;
    assert_eq!(
        (&joined["subscribe"]["expires"], &joined["subscribe"]["ttl"]),
        (&json!(true), &json!(600)),
        "{joined}"
    );
    assert_eq!(
        server.hub.present(ROOM)[0].user(),
        "cat",
        "whom the token names is there"
    );
    let renewed = command(
        &mut client,
        3,
        "sub_refresh",
        json!({"channel": ROOM, "token": "cat"}),
    )
    .await;
    assert_eq!(renewed["sub_refresh"], json!({"expires": true, "ttl": 600}));
    for (token, code) in [("old", 109), ("forged", 103)] {
        let refused = command(
            &mut client,
            4,
            "sub_refresh",
            json!({"channel": ROOM, "token": token}),
        )
        .await;
        assert_eq!(refused["error"]["code"], code, "{token}");
    }
    server.clock.advance(10 * 60_000 + 26_000);
    assert_eq!(client.hear().await, json!({}), "a ping");
    client.say("{}").await;
    let ended = client.hear().await;
    assert_eq!(ended["push"]["unsubscribe"]["code"], 2501, "{ended}");
    assert_eq!(server.hub.readers(ROOM), 0);
}

#[tokio::test]
async fn who_is_told_to_come_again_may() {
    let server = Server::start().await;
    let mut cat = server.guest("cat").await;
    subscribe(&mut cat, 2, ROOM, json!({})).await;
    publish(&server, ROOM, 1).await;
    cat.hear().await;
    server.hub.erase(|name| name == ROOM).await.unwrap();
    let ended = cat.hear().await;
    assert_eq!(ended["push"]["unsubscribe"]["code"], 2500);
    let again = subscribe(&mut cat, 3, ROOM, json!({})).await;
    assert_eq!(again["subscribe"]["positioned"], true, "{again}");
    assert!(again["subscribe"]["offset"].is_null(), "begun anew: {again}");
}

#[tokio::test]
async fn the_servers_time_can_be_asked_for_and_nothing_else() {
    let server = Server::start().await;
    let mut cat = server.guest("cat").await;
    let time = command(&mut cat, 2, "rpc", json!({"method": "server.time"})).await;
    assert_eq!(time["rpc"]["data"]["time"], 1_700_000_000_000_i64);
    let other = command(&mut cat, 3, "rpc", json!({"method": "reboot"})).await;
    assert_eq!(other["error"]["code"], 104);
}

#[tokio::test]
async fn a_stalled_reader_is_cut_and_recovers_the_rest() {
    let server = Server::with(|limits| limits.outbox = 2_000, |routes| routes).await;
    let mut page_a = page(&server).await;
    let joined = subscribe(&mut page_a, 2, "feed:a.com", json!({})).await;
    let epoch = joined["subscribe"]["epoch"].clone();
    // As much as the system takes in for a reader that does not read, and then some.
    let payload: bytes::Bytes = format!("\"{}\"", "x".repeat(20_000)).into();
    let mut published = 0;
    while server.hub.readers("feed:a.com") > 0 {
        assert!(published < 5_000, "it is never cut");
        server
            .hub
            .publish_durable("feed:a.com", payload.clone(), None)
            .await
            .unwrap();
        published += 1;
        tokio::task::yield_now().await;
    }
    drop(page_a);
    let last = published - 5;
    let mut page_a = page(&server).await;
    let back = json!({"recover": true, "epoch": epoch, "offset": last});
    let joined = subscribe(&mut page_a, 2, "feed:a.com", back).await;
    let missed = joined["subscribe"]["publications"].as_array().unwrap();
    assert_eq!(
        (&joined["subscribe"]["recovered"], missed.len()),
        (&json!(true), 5)
    );
}

#[tokio::test]
async fn what_was_missed_and_is_much_comes_after_the_answer_in_order() {
    let server = Server::start().await;
    let mut page_a = page(&server).await;
    let joined = subscribe(&mut page_a, 2, "feed:a.com", json!({})).await;
    let epoch = joined["subscribe"]["epoch"].clone();
    drop(page_a);
    let payload: bytes::Bytes = format!("\"{}\"", "x".repeat(20_000)).into();
    for _ in 0..20 {
        server
            .hub
            .publish_durable("feed:a.com", payload.clone(), None)
            .await
            .unwrap();
    }
    let mut page_a = page(&server).await;
    let back = json!({"recover": true, "epoch": epoch, "offset": 2});
    let joined = subscribe(&mut page_a, 2, "feed:a.com", back).await;
    let result = &joined["subscribe"];
    assert_eq!(
        (&result["recovered"], &result["offset"]),
        (&json!(true), &json!(2))
    );
    assert_eq!(result["publications"], Value::Null);
    for offset in 3..=20 {
        assert_eq!(page_a.hear().await["push"]["pub"]["offset"], offset);
    }
}
