//! What programs with a key may publish and see of a site's channels.

use crate::{
    api_keys::{key_for, world},
    support::{EMAIL, NOW, PASSWORD, Server},
};
use pulsecast_server::{
    auth::key::Wanted,
    store::accounts::{Accounts, KeyRight, Role, load_sites},
};
use reqwest::Response;
use serde_json::{Value, json};

const ROOM: &str = "room:example.com:lobby";

async fn send(server: &Server, key: &str, path: &str, body: &Value) -> Response {
    let request = reqwest::Client::new().post(server.url(path)).json(body);
    request.header("x-api-key", key).send().await.unwrap()
}

/// What is answered, always with status 200.
async fn ask(server: &Server, key: &str, path: &str, body: Value) -> Value {
    let answer = send(server, key, path, &body).await;
    assert_eq!(answer.status(), 200, "{path} {body}");
    answer.json().await.unwrap()
}

async fn publisher() -> (Server, String) {
    let (server, _) = world().await;
    let key = key_for(&server, Some("example.com"), KeyRight::Publish).await;
    (server, key)
}

#[tokio::test]
async fn a_program_publishes_and_reads_what_was_published() {
    let (server, key) = publisher().await;
    let first = ask(
        &server,
        &key,
        "/api/publish",
        json!({"channel": ROOM, "data": {"n": 1}}),
    )
    .await;
    assert_eq!(first["result"]["offset"], 1, "{first}");
    let past = ask(
        &server,
        &key,
        "/api/history",
        json!({"channel": ROOM, "limit": 10}),
    )
    .await;
    assert_eq!(
        past["result"],
        json!({"publications": [{"data": {"n": 1}, "offset": 1}], "epoch": first["result"]["epoch"], "offset": 1})
    );
    let stats = ask(&server, &key, "/api/presence_stats", json!({"channel": ROOM})).await;
    assert_eq!(stats["result"], json!({"num_clients": 0, "num_users": 0}));
    let presence = ask(&server, &key, "/api/presence", json!({"channel": ROOM})).await;
    assert_eq!(presence["result"], json!({"presence": {}}));
    let channels = ask(&server, &key, "/api/channels", json!({})).await;
    assert_eq!(channels["result"], json!({"channels": {}}));
}

#[tokio::test]
async fn the_same_key_of_a_publication_is_the_same_publication() {
    let (server, key) = publisher().await;
    let body = json!({"channel": ROOM, "data": 1, "idempotency_key": "order-17"});
    let first = ask(&server, &key, "/api/publish", body.clone()).await;
    ask(&server, &key, "/api/publish", json!({"channel": ROOM, "data": 2})).await;
    assert_eq!(ask(&server, &key, "/api/publish", body).await, first);
    let past = ask(
        &server,
        &key,
        "/api/history",
        json!({"channel": ROOM, "limit": -1}),
    )
    .await;
    assert_eq!(past["result"]["publications"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn many_channels_and_many_commands_are_answered_one_by_one() {
    let (server, key) = publisher().await;
    let told = ask(
        &server,
        &key,
        "/api/broadcast",
        json!({"channels": [ROOM, "room:example.org:lobby", "room:example.com:other"], "data": 1}),
    )
    .await;
    let responses = told["result"]["responses"].as_array().unwrap();
    let kinds: Vec<_> = responses
        .iter()
        .map(|one| {
            one["result"]["offset"]
                .as_u64()
                .or(one["error"]["code"].as_u64())
                .unwrap()
        })
        .collect();
    assert_eq!(kinds, [1, 102, 1], "{told}");
    let commands: Vec<_> = (0..300)
        .map(|n| json!({"publish": {"channel": ROOM, "data": n}}))
        .chain([
            json!({"history": {"channel": ROOM, "limit": 1, "reverse": true}}),
            json!({"dance": {}}),
        ])
        .collect();
    let told = ask(&server, &key, "/api/batch", json!({ "commands": commands })).await;
    let replies = told["replies"].as_array().unwrap();
    let offsets: Vec<_> = replies[..300]
        .iter()
        .map(|one| one["publish"]["offset"].as_u64().unwrap())
        .collect();
    assert_eq!(
        offsets,
        (2..=301).collect::<Vec<u64>>(),
        "in the order of the commands"
    );
    assert_eq!(replies[300]["history"]["publications"][0]["data"], 299);
    assert_eq!(replies[301]["error"]["code"], 104);
}

#[tokio::test]
async fn what_is_wrong_is_told_by_number_and_in_words() {
    let (server, key) = publisher().await;
    for (path, body, code) in [
        (
            "/api/publish",
            json!({"channel": "feed:example.org", "data": 1}),
            102,
        ),
        (
            "/api/publish",
            json!({"channel": "feed:nowhere.example", "data": 1}),
            102,
        ),
        ("/api/publish", json!({"channel": "news", "data": 1}), 102),
        ("/api/publish", json!({"data": 1}), 107),
        ("/api/publish", json!({"channel": ROOM}), 107),
        ("/api/publish", json!([1]), 107),
        (
            "/api/publish",
            json!({"channel": ROOM, "data": 1, "idempotency_key": "x".repeat(129)}),
            107,
        ),
        (
            "/api/publish",
            json!({"channel": "live:example.com", "data": 1}),
            108,
        ),
        (
            "/api/publish",
            json!({"channel": ROOM, "data": "x".repeat(40_000)}),
            106,
        ),
        ("/api/broadcast", json!({"channels": [], "data": 1}), 107),
        (
            "/api/broadcast",
            json!({"channels": vec![ROOM; 1001], "data": 1}),
            106,
        ),
        (
            "/api/history",
            json!({"channel": "online:example.com", "limit": 1}),
            108,
        ),
        (
            "/api/history",
            json!({"channel": ROOM, "limit": 1, "since": {"epoch": "gone", "offset": 3}}),
            112,
        ),
        ("/api/presence", json!({"channel": "feed:example.com"}), 108),
        ("/api/presence_stats", json!({"channel": "live:example.com"}), 108),
    ] {
        let told = ask(&server, &key, path, body.clone()).await;
        assert_eq!(told["error"]["code"], code, "{path} {body}: {told}");
        assert!(!told["error"]["message"].as_str().unwrap().is_empty());
    }
    let request = reqwest::Client::new()
        .post(server.url("/api/publish"))
        .header("x-api-key", &key)
        .header("x-centrifugo-error-mode", "transport")
        .json(&json!({"channel": "news", "data": 1}));
    assert_eq!(request.send().await.unwrap().status(), 404);
    let huge = json!({"channel": ROOM, "data": "x".repeat(2 << 20)});
    assert_eq!(send(&server, &key, "/api/publish", &huge).await.status(), 413);
}

#[tokio::test]
async fn only_a_key_with_the_right_to_publish_is_let_in_and_not_too_often() {
    let (server, stats) = world().await;
    let key = key_for(&server, Some("example.com"), KeyRight::Publish).await;
    let body = json!({"channel": ROOM, "data": 1});
    for wrong in ["", "pc_x", &stats] {
        let answer = send(&server, wrong, "/api/publish", &body).await;
        assert_eq!(answer.status(), 401, "{wrong}");
        assert_eq!(answer.json::<Value>().await.unwrap()["error"]["code"], 101);
    }
    let bare = reqwest::Client::new()
        .post(server.url("/api/publish"))
        .json(&body);
    assert_eq!(bare.send().await.unwrap().status(), 401);
    let bearer = reqwest::Client::new()
        .post(server.url("/api/publish"))
        .json(&body)
        .header("authorization", format!("apikey {key}"));
    assert_eq!(bearer.send().await.unwrap().status(), 200);
    let mut last = 200;
    for _ in 0..70 {
        let answer = send(&server, &key, "/api/publish", &body).await;
        last = answer.status().as_u16();
        if last != 200 {
            assert!(answer.headers().contains_key("retry-after"));
            break;
        }
    }
    assert_eq!(last, 429, "60 a minute in this server");
}

#[tokio::test]
async fn what_was_published_goes_with_its_site() {
    let (server, _) = world().await;
    let key = key_for(&server, None, KeyRight::Publish).await;
    let body = json!({"channel": ROOM, "data": 1});
    let first = ask(&server, &key, "/api/publish", body.clone()).await;
    let owner = server.browser();
    owner
        .form("/login", &[("email", EMAIL), ("password", PASSWORD)])
        .await;
    owner
        .form(
            "/fn/remove-site",
            &[("domain", "example.com"), ("confirm", "example.com")],
        )
        .await;
    assert_eq!(
        ask(&server, &key, "/api/publish", body.clone()).await["error"]["code"],
        102
    );
    owner
        .form("/fn/add-site", &[("domain", "example.com"), ("timezone", "UTC")])
        .await;
    let again = ask(&server, &key, "/api/publish", body).await;
    assert_eq!(again["result"]["offset"], 1);
    assert_ne!(again["result"]["epoch"], first["result"]["epoch"]);
}

#[tokio::test]
async fn a_key_for_all_sites_does_on_each_what_its_maker_may_do_there_now() {
    let (server, _) = world().await;
    let bob = server
        .accounts
        .add_account("bob@example.com", "no password", NOW)
        .await
        .unwrap();
    let is = async |domain: &str, role| {
        let site = server.sites.get(&domain.parse().unwrap()).unwrap().id;
        server.accounts.add_member(site, bob, role).await.unwrap();
        load_sites(&server.accounts, &server.sites).await.unwrap();
    };
    is("example.com", Role::Admin).await;
    is("example.org", Role::Viewer).await;
    let wanted = Wanted {
        name: "bob's",
        account: Some(bob),
        site: None,
        right: KeyRight::Publish,
    };
    let key = server.keys.make(&server.accounts, &wanted, NOW).await.unwrap();
    let code = async |path: &str, body: Value| ask(&server, &key, path, body).await["error"]["code"].as_u64();
    let publish = |site: &str| json!({"channel": format!("room:{site}:lobby"), "data": 1});
    let feed =
        |site: &str| json!({"channel": format!("feed:{site}"), "data": {"kind": "message", "text": "Hello"}});
    let turn = |site: &str| json!({"site": site, "user": "eve"});

    assert_eq!(code("/api/publish", publish("example.com")).await, None);
    assert_eq!(code("/api/publish", feed("example.com")).await, None);
    for (path, body) in [
        ("/api/publish", publish("example.org")),
        ("/api/publish", feed("example.org")),
        ("/api/history", json!({"channel": "room:example.org:lobby"})),
        ("/api/presence", json!({"channel": "room:example.org:lobby"})),
        ("/api/revoke", turn("example.org")),
        ("/api/disconnect", turn("example.org")),
    ] {
        assert_eq!(code(path, body.clone()).await, Some(103), "{path} {body}");
    }

    is("example.org", Role::Editor).await;
    assert_eq!(code("/api/publish", publish("example.org")).await, None);
    assert_eq!(code("/api/revoke", turn("example.org")).await, Some(103));
    assert_eq!(code("/api/revoke", turn("example.com")).await, None);
    is("example.com", Role::Viewer).await;
    assert_eq!(code("/api/publish", publish("example.com")).await, Some(103));
}
