//! npm's own `centrifuge` client against our transports: it connects, receives, is cut off, and recovers what it missed.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod ws_support;

use serde_json::{Value, json};
use std::process::Stdio;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
};
use ws_support::{DEADLINE, Server, eventually};

struct Sdk {
    orders: ChildStdin,
    told: Lines<BufReader<ChildStdout>>,
    _process: Child,
}

impl Sdk {
    fn start(server: &Server, transport: &str, token: &str) -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/ws_support/sdk.mjs");
        // Node has had a WebSocket of its own since 22; 20 wants to be asked.
        let mut process = Command::new("node")
            .args([
                "--experimental-websocket",
                script,
                &server.address.to_string(),
                transport,
                token,
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("node is needed: `make setup` says how to get it");
        let orders = process.stdin.take().unwrap();
        let told = BufReader::new(process.stdout.take().unwrap()).lines();
        Self {
            orders,
            told,
            _process: process,
        }
    }

    async fn order(&mut self, order: &str) {
        self.orders
            .write_all(format!("{order}\n").as_bytes())
            .await
            .unwrap();
    }

    /// Waits until the client tells of this.
    async fn tells(&mut self, what: &str) -> Value {
        let wait = async {
            loop {
                let line = self
                    .told
                    .next_line()
                    .await
                    .unwrap()
                    .expect("the client ended: is node_modules installed?");
                let told: Value = serde_json::from_str(&line).unwrap();
                assert_ne!(told["what"], "error", "{told}");
                if told["what"] == what {
                    return told;
                }
            }
        };
        tokio::time::timeout(DEADLINE, wait)
            .await
            .unwrap_or_else(|_| panic!("the client never told of `{what}`"))
    }
}

const TRANSPORTS: [&str; 3] = ["websocket", "http_stream", "sse"];

#[tokio::test]
async fn the_centrifuge_sdk_receives_and_recovers_what_it_missed() {
    for transport in TRANSPORTS {
        receives_and_recovers(transport).await;
    }
}

async fn receives_and_recovers(transport: &str) {
    let server = Server::start().await;
    server.visit(1, "/before");
    let mut sdk = Sdk::start(&server, transport, "ann");
    sdk.order("connect").await;
    assert_eq!(sdk.tells("connected").await["transport"], transport);
    let subscribed = sdk.tells("subscribed").await;
    assert_eq!(subscribed["data"]["stream"][0]["path"], "/before");
    assert_eq!(subscribed["position"]["offset"], 0);

    server.visit_and_publish(2, "/seen").await;
    let publication = sdk.tells("publication").await;
    assert_eq!(
        (&publication["offset"], &publication["data"]["stream"][0]["path"]),
        (&json!(1), &json!("/seen"))
    );

    sdk.order("away").await;
    sdk.tells("disconnected").await;
    eventually("the server notices", || server.hub.readers("live:a.com") == 0).await;
    server.visit_and_publish(3, "/missed").await;
    server.visit_and_publish(4, "/missed too").await;
    sdk.order("connect").await;
    let subscribed = sdk.tells("subscribed").await;
    assert_eq!(
        (&subscribed["wasRecovering"], &subscribed["recovered"]),
        (&json!(true), &json!(true))
    );
    for (offset, path) in [(2, "/missed"), (3, "/missed too")] {
        let publication = sdk.tells("publication").await;
        assert_eq!(
            (&publication["offset"], &publication["data"]["stream"][0]["path"]),
            (&json!(offset), &json!(path))
        );
    }
}

#[tokio::test]
async fn the_centrifuge_sdk_answers_our_pings_and_comes_back_by_itself_when_it_may() {
    for transport in TRANSPORTS {
        answers_and_comes_back(transport).await;
    }
}

async fn answers_and_comes_back(transport: &str) {
    let server = Server::start().await;
    let mut sdk = Sdk::start(&server, transport, "ann");
    sdk.order("connect").await;
    sdk.tells("subscribed").await;
    // A client that did not answer would be cut with 3012 at the next ping.
    for _ in 0..3 {
        server.clock.advance(27_000);
        sdk.tells("pong").await;
        sdk.order("count").await;
        assert_eq!(sdk.tells("counted").await["clients"], 1);
    }
    assert_eq!(server.transport.connections(), 1);
    server.transport.end_all(pulsecast_server::hub::Disconnect::Slow);
    assert_eq!(sdk.tells("connecting").await["code"], 3008);
    assert_eq!(sdk.tells("subscribed").await["recovered"], true);
}

#[tokio::test]
async fn the_centrifuge_sdk_stays_away_when_its_token_is_wrong() {
    for transport in TRANSPORTS {
        let server = Server::start().await;
        let mut sdk = Sdk::start(&server, transport, "forged");
        sdk.order("connect").await;
        assert_eq!(sdk.tells("disconnected").await["code"], 3500, "{transport}");
    }
}
