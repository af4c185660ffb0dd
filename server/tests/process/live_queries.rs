//! Live queries on the real server: what the store takes reaches whoever follows a query, under its filter.

use crate::program::{Place, Running};
use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::{collections::VecDeque, time::Duration};
use tokio::net::TcpStream;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async, tungstenite::Message};

const EMAIL: &str = "ann@example.com";

struct Follower {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    lines: VecDeque<Value>,
}

impl Follower {
    async fn connect(server: &Running, token: &str) -> Self {
        let (socket, _) = connect_async(format!("ws://{}/connection/websocket", server.address()))
            .await
            .unwrap();
        let mut follower = Self {
            socket,
            lines: VecDeque::new(),
        };
        follower
            .say(json!({ "id": 1, "connect": { "token": token } }))
            .await;
        assert!(follower.hear().await["connect"].is_object());
        follower
    }

    async fn say(&mut self, command: Value) {
        self.socket
            .send(Message::text(command.to_string()))
            .await
            .unwrap();
    }

    /// The next line that is no ping.
    async fn hear(&mut self) -> Value {
        loop {
            while let Some(line) = self.lines.pop_front() {
                if line != json!({}) {
                    return line;
                }
            }
            // What waits is packed: a message may hold several lines.
            let message = tokio::time::timeout(Duration::from_secs(20), self.socket.next()).await;
            let message = message.expect("nothing came in 20 s").unwrap().unwrap();
            let lines = message.to_text().unwrap().lines();
            self.lines
                .extend(lines.map(|line| serde_json::from_str::<Value>(line).unwrap()));
        }
    }

    /// Hears pushes until one of this channel says so.
    async fn until(&mut self, channel: &str, is_so: impl Fn(&Value) -> bool) {
        loop {
            let push = self.hear().await["push"].clone();
            if push["channel"] == channel && is_so(&push["pub"]["data"]) {
                return;
            }
            assert!(push["pub"]["data"]["error"].is_null(), "{push}");
        }
    }
}

#[tokio::test]
async fn a_visit_reaches_those_who_follow_a_query_that_it_fits() {
    let place = Place::new();
    let added = place.run_with(
        &["user", "add", EMAIL, "--password-stdin"],
        "a long enough password\n",
    );
    assert!(
        added.status.success(),
        "{}",
        String::from_utf8_lossy(&added.stderr)
    );
    let server = place.serve();
    server.visit("/first").await.unwrap();
    let printed = place.run(&["member-token", "--user", EMAIL]).stdout;
    let token = String::from_utf8(printed).unwrap().trim().to_owned();

    let mut follower = Follower::connect(&server, &token).await;
    let query = |filters: Value| json!({ "site_id": "demo", "metrics": ["pageviews"], "date_range": "day", "filters": filters });
    follower
        .say(json!({ "id": 2, "subscribe": { "channel": "query:demo:all", "data": query(json!([])) } }))
        .await;
    let whole = follower.hear().await;
    assert_eq!(whole["subscribe"]["data"]["len"], 1, "{whole}");
    let only = query(json!([["is", "event:page", ["/pricing"]]]));
    follower
        .say(json!({ "id": 3, "subscribe": { "channel": "query:demo:pricing", "data": only } }))
        .await;
    let filtered = loop {
        // The first visit may still be on its way to the other query.
        let line = follower.hear().await;
        if line["id"] == 3 {
            break line;
        }
    };
    assert_eq!(
        filtered["subscribe"]["data"]["rows"],
        json!([{ "i": 0, "metrics": [0] }]),
        "{filtered}"
    );

    server.visit("/pricing").await.unwrap();
    let counts = |n: u32| move |data: &Value| data["rows"][0]["metrics"] == json!([n]);
    follower.until("query:demo:pricing", counts(1)).await;
    server.visit("/pricing").await.unwrap();
    server.visit("/other").await.unwrap();
    follower.until("query:demo:pricing", counts(2)).await;
    server.visit("/last").await.unwrap();
    follower.until("query:demo:all", counts(5)).await;
    assert_eq!(server.metric("pulsecast_live_queries").await, 2);
    assert!(server.end());
}
