//! One reader of a feed: comes, reads a while, goes or stalls, comes back with its position, each time by whichever transport its dice say. It panics
//! at the first item that is not the next.

use super::{
    FEED, SITE,
    crowd::Troubles,
    stream::{Events, Lines},
};
use futures::{SinkExt, StreamExt};
use rand::{Rng, SeedableRng, rngs::StdRng};
use reqwest::RequestBuilder;
use serde_json::{Value, json};
use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use tokio::{sync::watch, time::Instant};
use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest};

/// By which transport it reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// WebSocket.
    Socket,
    /// HTTP streaming, with commands beside it.
    Stream,
    /// SSE, with commands beside it.
    Sse,
    /// SSE for clients that only listen.
    OneWay,
    /// A feed as plain events.
    Plain,
    /// Long polling.
    Poll,
}

impl Kind {
    pub const ALL: [Self; 6] = [
        Self::Socket,
        Self::Stream,
        Self::Sse,
        Self::OneWay,
        Self::Plain,
        Self::Poll,
    ];
}

pub struct Reader {
    dice: StdRng,
    client: reqwest::Client,
    address: watch::Receiver<String>,
    /// The last item; `None` until it has a position.
    tells: watch::Sender<Option<u64>>,
    troubles: Arc<Troubles>,
    kind: Kind,
    epoch: String,
    offset: u64,
    /// The last item.
    last: u64,
}

/// Why a conversation is over: nobody there, or not let in.
#[derive(Debug)]
struct Over;

impl From<reqwest::Error> for Over {
    fn from(_: reqwest::Error) -> Self {
        Self
    }
}

impl From<tokio_tungstenite::tungstenite::Error> for Over {
    fn from(_: tokio_tungstenite::tungstenite::Error) -> Self {
        Self
    }
}

impl Reader {
    pub fn new(
        seed: u64,
        address: watch::Receiver<String>,
        tells: watch::Sender<Option<u64>>,
        troubles: Arc<Troubles>,
    ) -> Self {
        Self {
            dice: StdRng::seed_from_u64(seed),
            client: reqwest::Client::new(),
            address,
            tells,
            troubles,
            kind: Kind::Socket,
            epoch: String::new(),
            offset: 0,
            last: 0,
        }
    }

    /// Reads for as long as it is let.
    pub async fn read(mut self) {
        loop {
            self.kind = match self.epoch.is_empty() {
                // The first position comes by the plainest way there is.
                true => Kind::Poll,
                false => Kind::ALL[self.dice.random_range(0..Kind::ALL.len())],
            };
            let talk = match self.kind {
                Kind::Socket => self.by_socket().await,
                Kind::Stream => self.by_stream().await,
                Kind::Sse => self.by_sse().await,
                Kind::OneWay => self.by_one_way().await,
                Kind::Plain => self.by_plain_events().await,
                Kind::Poll => self.by_polling().await,
            };
            match talk {
                Ok(()) => self.troubles.talked(self.kind),
                Err(Over) => drop(self.troubles.refused.fetch_add(1, Ordering::Relaxed)),
            }
            let pause = self.dice.random_range(5..60);
            tokio::time::sleep(Duration::from_millis(pause)).await;
        }
    }

    /// Until when it stays this time: some leave soon, some stay until they are thrown out or the others are done.
    fn until(&mut self) -> Instant {
        let stays = match self.dice.random_range(0..4) {
            0 => self.dice.random_range(1..80),
            1 | 2 => self.dice.random_range(80..1_500),
            _ => self.dice.random_range(1_500..20_000),
        };
        Instant::now() + Duration::from_millis(stays)
    }

    fn url(&mut self, path: &str) -> String {
        format!("http://{}{path}", *self.address.borrow_and_update())
    }

    fn with_origin(&self, request: RequestBuilder) -> RequestBuilder {
        request.header("origin", format!("https://{SITE}"))
    }

    fn since(&self) -> String {
        format!("{}:{}", self.epoch, self.offset)
    }

    fn subscription(&self) -> Value {
        json!({"channel": FEED, "recover": true, "epoch": self.epoch, "offset": self.offset})
    }

    async fn by_socket(&mut self) -> Result<(), Over> {
        let url = self.url("/connection/websocket").replace("http://", "ws://");
        let mut request = url.into_client_request()?;
        let origin = format!("https://{SITE}").parse().unwrap();
        request.headers_mut().insert("origin", origin);
        let (mut socket, _) = tokio_tungstenite::connect_async(request).await?;
        let subscribe = json!({"id": 2, "subscribe": self.subscription()});
        let hello = format!("{{\"id\":1,\"connect\":{{}}}}\n{subscribe}");
        socket.send(Message::text(hello)).await?;
        let until = self.until();
        while let Ok(message) = tokio::time::timeout_at(until, socket.next()).await {
            let Some(Ok(message)) = message else { return Ok(()) };
            let Message::Text(text) = message else { continue };
            for line in text.lines() {
                let line: Value = serde_json::from_str(line).unwrap();
                if line == json!({}) {
                    socket.send(Message::text("{}")).await?;
                }
                self.hears(&line)?;
            }
            self.stalls().await;
        }
        self.leaves();
        Ok(())
    }

    async fn by_stream(&mut self) -> Result<(), Over> {
        let url = self.url("/connection/http_stream");
        let request = self
            .with_origin(self.client.post(url))
            .body(r#"{"id":1,"connect":{}}"#);
        let mut lines = Lines::of(request.send().await?)?;
        let until = self.until();
        while let Ok(line) = tokio::time::timeout_at(until, lines.next()).await {
            let Some(line) = line else { return Ok(()) };
            self.obeys(&line).await?;
        }
        self.leaves();
        Ok(())
    }

    async fn by_sse(&mut self) -> Result<(), Over> {
        let url = self.url("/connection/sse");
        let request = self
            .client
            .get(url)
            .query(&[("cf_connect", r#"{"id":1,"connect":{}}"#)]);
        let mut events = Events::of(self.with_origin(request).send().await?)?;
        let until = self.until();
        while let Ok(event) = tokio::time::timeout_at(until, events.next()).await {
            let Some(event) = event else { return Ok(()) };
            self.obeys(&event.data).await?;
        }
        self.leaves();
        Ok(())
    }

    /// A line of a stream whose other direction is a request of its own.
    async fn obeys(&mut self, line: &str) -> Result<(), Over> {
        let line: Value = serde_json::from_str(line).unwrap();
        let connected = &line["connect"];
        if connected.is_object() {
            let subscribe = json!({"id": 2, "subscribe": self.subscription()}).to_string();
            let body = json!({"session": connected["session"], "node": connected["node"], "data": subscribe});
            let url = self.url("/emulation");
            let request = self.with_origin(self.client.post(url)).body(body.to_string());
            request.send().await?.error_for_status()?;
        }
        self.hears(&line)?;
        self.stalls().await;
        Ok(())
    }

    async fn by_one_way(&mut self) -> Result<(), Over> {
        let mut subs = json!({});
        subs[FEED] = self.subscription();
        let connect = json!({ "subs": subs }).to_string();
        let url = self.url("/connection/uni_sse");
        let request = self.client.get(url).query(&[("cf_connect", connect)]);
        let mut events = Events::of(self.with_origin(request).send().await?)?;
        let until = self.until();
        while let Ok(event) = tokio::time::timeout_at(until, events.next()).await {
            let Some(event) = event else { return Ok(()) };
            let push: Value = serde_json::from_str(&event.data).unwrap();
            let joined = &push["connect"]["subs"][FEED];
            if joined.is_object() {
                self.joins(joined);
            }
            if push["pub"].is_object() {
                self.gets(&push["pub"]);
                assert_eq!(event.id.unwrap(), self.since(), "the id is the position");
            }
            self.stalls().await;
        }
        self.leaves();
        Ok(())
    }

    async fn by_plain_events(&mut self) -> Result<(), Over> {
        let url = self.url(&format!("/api/feed/{SITE}/events"));
        let request = self.client.get(url).header("last-event-id", self.since());
        let mut events = Events::of(self.with_origin(request).send().await?)?;
        let until = self.until();
        while let Ok(event) = tokio::time::timeout_at(until, events.next()).await {
            let Some(event) = event else { return Ok(()) };
            assert_ne!(event.name.as_deref(), Some("reset"), "at {}", self.since());
            if let Some((_, offset)) = event.id.as_deref().and_then(|id| id.rsplit_once(':')) {
                if event.data.is_empty() {
                    continue;
                }
                let data: Value = serde_json::from_str(&event.data).unwrap();
                self.gets(&json!({"offset": offset.parse::<u64>().unwrap(), "data": data}));
            }
            self.stalls().await;
        }
        self.leaves();
        Ok(())
    }

    async fn by_polling(&mut self) -> Result<(), Over> {
        let until = self.until();
        while Instant::now() < until {
            let mut url = self.url(&format!("/api/feed/{SITE}"));
            if !self.epoch.is_empty() {
                url = format!("{url}?since={}", self.since());
            }
            let answer = tokio::time::timeout_at(until, self.with_origin(self.client.get(url)).send());
            let Ok(answer) = answer.await else { break };
            let answer: Value = answer?.error_for_status()?.json().await?;
            let (epoch, offset) = (
                answer["epoch"].as_str().unwrap(),
                answer["offset"].as_u64().unwrap(),
            );
            if self.epoch.is_empty() {
                assert_eq!(offset, 0, "nothing is published yet");
                self.epoch = epoch.to_owned();
                self.tells.send_replace(Some(0));
                continue;
            }
            assert_eq!(answer["recovered"], true, "at {}: {answer}", self.since());
            let items = answer["items"].as_array().unwrap();
            let first = offset + 1 - items.len() as u64;
            for (data, offset) in items.iter().zip(first..) {
                self.gets(&json!({"offset": offset, "data": data}));
            }
            self.stalls().await;
        }
        self.leaves();
        Ok(())
    }

    fn leaves(&self) {
        self.troubles.cut.fetch_add(1, Ordering::Relaxed);
    }

    /// Does not read for a while.
    async fn stalls(&mut self) {
        if self.dice.random_range(0..200) == 0 {
            self.troubles.stalled.fetch_add(1, Ordering::Relaxed);
            let pause = self.dice.random_range(50..800);
            tokio::time::sleep(Duration::from_millis(pause)).await;
        }
    }

    /// A line of the protocol.
    fn hears(&mut self, line: &Value) -> Result<(), Over> {
        if line["error"].is_object() {
            return Err(Over);
        }
        if line["subscribe"].is_object() {
            self.joins(&line["subscribe"]);
        }
        if line["push"]["pub"].is_object() {
            self.gets(&line["push"]["pub"]);
        }
        Ok(())
    }

    fn joins(&mut self, joined: &Value) {
        assert_eq!(
            joined["recovered"],
            true,
            "by {:?} at {}: {joined}",
            self.kind,
            self.since()
        );
        self.troubles.recovered.fetch_add(1, Ordering::Relaxed);
        assert_eq!(joined["epoch"], self.epoch.as_str(), "the epoch changed");
        for publication in joined["publications"].as_array().into_iter().flatten() {
            self.gets(publication);
        }
    }

    /// An item, which has to be the next.
    fn gets(&mut self, publication: &Value) {
        let offset = publication["offset"].as_u64().unwrap();
        let item = &publication["data"]["publish"];
        let number: u64 = item["title"].as_str().unwrap().parse().unwrap();
        assert_eq!(
            (offset, number),
            (self.offset + 1, self.last + 1),
            "not the next for a reader by {:?}",
            self.kind
        );
        (self.offset, self.last) = (offset, number);
        self.tells.send_replace(Some(number));
    }
}
