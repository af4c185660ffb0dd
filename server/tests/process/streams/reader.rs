//! One reader of a feed: comes, reads a while, goes or stalls, comes back with its position. It panics at the first item that is not the next.

use super::{FEED, SITE, crowd::Troubles};
use futures::{SinkExt, StreamExt};
use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};
use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use tokio::sync::watch;
use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest};

/// By which transport it reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Socket,
    /// HTTP streaming, with commands beside it.
    Lines,
    /// SSE, with commands beside it.
    Sse,
    /// What a plain `EventSource` does.
    Events,
    Poll,
}

impl Kind {
    pub const ALL: [Self; 5] = [Self::Socket, Self::Lines, Self::Sse, Self::Events, Self::Poll];
}

pub struct Reader {
    kind: Kind,
    dice: StdRng,
    address: watch::Receiver<String>,
    tells: watch::Sender<u64>,
    troubles: Arc<Troubles>,
    epoch: String,
    offset: u64,
    /// The last item.
    last: u64,
}

/// Why a conversation is over.
#[derive(Debug)]
struct Over;

impl Reader {
    pub fn new(
        kind: Kind,
        seed: u64,
        address: watch::Receiver<String>,
        tells: watch::Sender<u64>,
        troubles: Arc<Troubles>,
    ) -> Self {
        Self {
            kind,
            dice: StdRng::seed_from_u64(seed),
            address,
            tells,
            troubles,
            epoch: String::new(),
            offset: 0,
            last: 0,
        }
    }

    /// Reads for as long as it is let.
    pub async fn read(mut self) {
        loop {
            let address = self.address.borrow_and_update().clone();
            let talk = match self.kind {
                Kind::Socket => self.over_a_socket(&address).await,
                Kind::Lines | Kind::Sse => self.over_a_stream(&address).await,
                Kind::Events => self.by_events(&address).await,
                Kind::Poll => self.by_polling(&address).await,
            };
            if talk.is_err() {
                self.troubles.refused.fetch_add(1, Ordering::Relaxed);
            }
            let pause = self.dice.random_range(5..60);
            tokio::time::sleep(Duration::from_millis(pause)).await;
        }
    }

    /// How long it stays this time: some leave soon, some stay until they are thrown out.
    fn patience(&mut self) -> Duration {
        match self.dice.random_range(0..4) {
            0 => Duration::from_millis(self.dice.random_range(1..80)),
            1 | 2 => Duration::from_millis(self.dice.random_range(80..1_500)),
            _ => Duration::from_secs(3_600),
        }
    }

    async fn over_a_socket(&mut self, address: &str) -> Result<(), Over> {
        let mut request = format!("ws://{address}/connection/websocket")
            .into_client_request()
            .map_err(|_| Over)?;
        let origin = format!("https://{SITE}").parse().map_err(|_| Over)?;
        request.headers_mut().insert("origin", origin);
        let (mut socket, _) = tokio_tungstenite::connect_async(request)
            .await
            .map_err(|_| Over)?;
        let subscribe = json!({"id": 2, "subscribe": {
            "channel": FEED, "recover": true, "epoch": self.epoch, "offset": self.offset,
        }});
        let hello = format!("{{\"id\":1,\"connect\":{{}}}}\n{subscribe}");
        socket.send(Message::text(hello)).await.map_err(|_| Over)?;
        let until = tokio::time::Instant::now() + self.patience();
        loop {
            let message = match tokio::time::timeout_at(until, socket.next()).await {
                // It has had enough, and leaves without a word.
                Err(_) => {
                    self.troubles.cut.fetch_add(1, Ordering::Relaxed);
                    return Ok(());
                }
                Ok(Some(Ok(message))) => message,
                Ok(_) => return Ok(()),
            };
            let Message::Text(text) = message else { continue };
            for line in text.lines() {
                let line: Value = serde_json::from_str(line).unwrap();
                if line == json!({}) {
                    socket.send(Message::text("{}")).await.map_err(|_| Over)?;
                }
                self.hears(&line)?;
            }
            self.stalls().await;
        }
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
        let joined = &line["subscribe"];
        if joined.is_object() {
            assert_eq!(
                joined["recovered"], true,
                "at {}:{}: {joined}",
                self.epoch, self.offset
            );
            self.troubles.recovered.fetch_add(1, Ordering::Relaxed);
            self.is_in(joined["epoch"].as_str().unwrap());
            for publication in joined["publications"].as_array().into_iter().flatten() {
                self.gets(publication);
            }
        }
        let publication = &line["push"]["pub"];
        if publication.is_object() {
            self.gets(publication);
        }
        Ok(())
    }

    fn is_in(&mut self, epoch: &str) {
        assert!(self.epoch.is_empty() || self.epoch == epoch, "the epoch changed");
        self.epoch = epoch.to_owned();
    }

    /// An item, which has to be the next.
    fn gets(&mut self, publication: &Value) {
        let offset = publication["offset"].as_u64().unwrap();
        let data = &publication["data"];
        let item = if data["publish"].is_object() {
            &data["publish"]
        } else {
            data
        };
        let number: u64 = item["title"].as_str().unwrap().parse().unwrap();
        assert_eq!(
            (offset, number),
            (self.offset + 1, self.last + 1),
            "not the next for a reader by {:?}",
            self.kind
        );
        (self.offset, self.last) = (offset, number);
        self.tells.send_replace(number);
    }
}

/// The transports that are plain HTTP.
impl Reader {
    async fn over_a_stream(&mut self, address: &str) -> Result<(), Over> {
        let client = reqwest::Client::new();
        let hello = r#"{"id":1,"connect":{}}"#;
        let request = match self.kind {
            Kind::Sse => client
                .get(format!("http://{address}/connection/sse"))
                .query(&[("cf_connect", hello)]),
            _ => client
                .post(format!("http://{address}/connection/http_stream"))
                .body(hello),
        };
        let mut response = answered(request).await?;
        let (mut unread, mut names) = (String::new(), (Value::Null, Value::Null));
        let until = tokio::time::Instant::now() + self.patience();
        while let Some(text) = self.reads(&mut response, until).await {
            unread.push_str(&text);
            while let Some((line, rest)) = unread.split_once('\n') {
                let line = line.strip_prefix("data: ").unwrap_or(line).to_owned();
                unread = rest.to_owned();
                let Ok(line) = serde_json::from_str::<Value>(&line) else {
                    continue;
                };
                let mut says = None;
                if line["connect"].is_object() {
                    names = (
                        line["connect"]["session"].clone(),
                        line["connect"]["node"].clone(),
                    );
                    let (epoch, offset) = (&self.epoch, self.offset);
                    let subscribe =
                        json!({"channel": FEED, "recover": true, "epoch": epoch, "offset": offset});
                    says = Some(json!({"id": 2, "subscribe": subscribe}));
                } else if line == json!({}) {
                    says = Some(line.clone());
                }
                if let Some(command) = says {
                    let said = json!({"session": names.0, "node": names.1, "data": command.to_string()});
                    let request = client
                        .post(format!("http://{address}/emulation"))
                        .body(said.to_string());
                    answered(request).await?;
                }
                self.hears(&line)?;
            }
            self.stalls().await;
        }
        Ok(())
    }

    async fn by_events(&mut self, address: &str) -> Result<(), Over> {
        let last = format!("{}:{}", self.epoch, self.offset);
        let request = reqwest::Client::new()
            .get(format!("http://{address}/api/feed/{SITE}/events"))
            .header("last-event-id", last);
        let mut response = answered(request).await?;
        let mut unread = String::new();
        let until = tokio::time::Instant::now() + self.patience();
        self.troubles.recovered.fetch_add(1, Ordering::Relaxed);
        while let Some(text) = self.reads(&mut response, until).await {
            unread.push_str(&text);
            while let Some((event, rest)) = unread.split_once("\n\n") {
                let event = event.to_owned();
                unread = rest.to_owned();
                let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name));
                assert_eq!(field("event: "), None, "something was missed");
                let Some(id) = field("id: ") else { continue };
                let (epoch, offset) = id.split_once(':').unwrap();
                self.is_in(epoch);
                if let Some(data) = field("data: ") {
                    let (offset, data): (u64, Value) =
                        (offset.parse().unwrap(), serde_json::from_str(data).unwrap());
                    self.gets(&json!({"offset": offset, "data": data}));
                }
            }
            self.stalls().await;
        }
        Ok(())
    }

    async fn by_polling(&mut self, address: &str) -> Result<(), Over> {
        let client = reqwest::Client::new();
        let until = tokio::time::Instant::now() + self.patience();
        loop {
            let since = format!("{}:{}", self.epoch, self.offset);
            let request = client
                .get(format!("http://{address}/api/feed/{SITE}"))
                .query(&[("since", since)]);
            let ask = async { answered(request).await?.json::<Value>().await.map_err(|_| Over) };
            let Ok(answer) = tokio::time::timeout_at(until, ask).await else {
                self.troubles.cut.fetch_add(1, Ordering::Relaxed);
                return Ok(());
            };
            let answer = answer?;
            assert_eq!(answer["recovered"], true, "{answer}");
            self.is_in(answer["epoch"].as_str().unwrap());
            for (offset, data) in (self.offset + 1..).zip(answer["items"].as_array().unwrap()) {
                self.gets(&json!({"offset": offset, "data": data}));
            }
            assert_eq!(self.offset, answer["offset"].as_u64().unwrap());
            self.stalls().await;
        }
    }

    /// What comes next; nothing where the stream has ended, or the reader has had enough.
    async fn reads(
        &mut self,
        response: &mut reqwest::Response,
        until: tokio::time::Instant,
    ) -> Option<String> {
        match tokio::time::timeout_at(until, response.chunk()).await {
            Err(_) => {
                self.troubles.cut.fetch_add(1, Ordering::Relaxed);
                None
            }
            // Items are plain ASCII, so that no chunk ends within a character.
            Ok(chunk) => Some(String::from_utf8(chunk.ok()??.into()).unwrap()),
        }
    }
}

async fn answered(request: reqwest::RequestBuilder) -> Result<reqwest::Response, Over> {
    let request = request.header("origin", format!("https://{SITE}"));
    let response = request.send().await.map_err(|_| Over)?;
    if response.status().is_success() {
        Ok(response)
    } else {
        Err(Over)
    }
}
