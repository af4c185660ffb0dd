//! A client of streams: what a program with an HTTP library does, and no more.

use super::{DEADLINE, Server};
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};

/// Which stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Lines,
    Events,
}

/// Where a page of the site is.
pub const PAGE: &str = "https://a.com";

pub struct Stream {
    kind: Kind,
    client: Client,
    response: Response,
    base: String,
    unread: String,
    /// As the answer to `connect` named them.
    pub names: (String, String),
}

/// An event as an `EventSource` sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event {
    pub name: String,
    pub id: Option<String>,
    pub data: String,
}

impl Server {
    pub fn http(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Asks for a stream, as a page of this origin or as a program.
    pub async fn ask_for_stream(&self, kind: Kind, first: &str, origin: Option<&str>) -> Response {
        let client = Client::new();
        let request = match kind {
            Kind::Lines => client
                .post(self.http("/connection/http_stream"))
                .body(first.to_owned()),
            Kind::Events => client
                .get(self.http("/connection/sse"))
                .query(&[("cf_connect", first)]),
        };
        from(request, origin).send().await.unwrap()
    }

    /// A stream that is open and has been answered.
    pub async fn stream(&self, kind: Kind, first: &str, origin: Option<&str>) -> (Stream, Value) {
        let response = self.ask_for_stream(kind, first, origin).await;
        assert_eq!(response.status(), StatusCode::OK);
        let mut stream = Stream {
            kind,
            client: Client::new(),
            response,
            base: self.http(""),
            unread: String::new(),
            names: Default::default(),
        };
        let connected = stream.hear().await;
        let text = |key: &str| connected["connect"][key].as_str().unwrap_or_default().to_owned();
        stream.names = (text("session"), text("node"));
        (stream, connected)
    }

    /// Ann's program, connected.
    pub async fn anns_stream(&self, kind: Kind) -> Stream {
        let (stream, connected) = self
            .stream(kind, r#"{"id":1,"connect":{"token":"ann"}}"#, None)
            .await;
        assert_eq!(connected["id"], 1, "{connected}");
        stream
    }

    /// A plain `EventSource` on this path.
    pub async fn event_source(&self, path: &str, origin: Option<&str>, last: Option<&str>) -> Stream {
        let response = self.ask_for_events(path, origin, last).await;
        assert_eq!(response.status(), StatusCode::OK);
        Stream {
            kind: Kind::Events,
            client: Client::new(),
            response,
            base: self.http(""),
            unread: String::new(),
            names: Default::default(),
        }
    }

    pub async fn ask_for_events(&self, path: &str, origin: Option<&str>, last: Option<&str>) -> Response {
        let mut request = from(Client::new().get(self.http(path)), origin);
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        request.send().await.unwrap()
    }
}

pub fn from(request: RequestBuilder, origin: Option<&str>) -> RequestBuilder {
    match origin {
        Some(origin) => request.header("origin", origin),
        None => request,
    }
}

impl Stream {
    /// The next line or event's data that is no ping.
    pub async fn hear(&mut self) -> Value {
        loop {
            let text = self.hear_anything().await;
            if text != "{}" {
                return serde_json::from_str(&text).unwrap();
            }
        }
    }

    /// The next line or event's data.
    pub async fn hear_anything(&mut self) -> String {
        match self.kind {
            Kind::Lines => self.until("\n").await.expect("the stream has ended"),
            Kind::Events => loop {
                let event = self.event().await;
                if !event.data.is_empty() {
                    return event.data;
                }
            },
        }
    }

    /// The next event; comments and blocks without data come as events without data.
    pub async fn event(&mut self) -> Event {
        let block = self.until("\n\n").await.expect("the stream has ended");
        let mut event = Event::default();
        for line in block.lines() {
            match line.split_once(": ") {
                Some(("data", data)) => event.data = data.to_owned(),
                Some(("event", name)) => event.name = name.to_owned(),
                Some(("id", id)) => event.id = Some(id.to_owned()),
                _ => assert!(line.starts_with(':') || line.starts_with("retry: "), "{line}"),
            }
        }
        event
    }

    /// The next event that has data.
    pub async fn message(&mut self) -> Event {
        loop {
            let event = self.event().await;
            if !event.data.is_empty() {
                return event;
            }
        }
    }

    /// What comes before this, or nothing where the stream ends first.
    async fn until(&mut self, end: &str) -> Option<String> {
        loop {
            if let Some((first, rest)) = self.unread.split_once(end) {
                let (first, rest) = (first.to_owned(), rest.to_owned());
                self.unread = rest;
                return Some(first);
            }
            let chunk = tokio::time::timeout(DEADLINE, self.response.chunk())
                .await
                .expect("nothing came in time");
            self.unread
                .push_str(std::str::from_utf8(&chunk.unwrap()?).unwrap());
        }
    }

    /// Says it beside the stream; answers with the status.
    pub async fn say(&self, commands: &str) -> StatusCode {
        let (session, node) = &self.names;
        let body = json!({"session": session, "node": node, "data": commands}).to_string();
        self.post(body).await
    }

    pub async fn post(&self, body: impl Into<reqwest::Body>) -> StatusCode {
        let request = self.client.post(format!("{}/emulation", self.base)).body(body);
        request.send().await.unwrap().status()
    }

    /// Says it, and hears the answer.
    pub async fn ask(&mut self, command: &str) -> Value {
        assert_eq!(self.say(command).await, StatusCode::NO_CONTENT);
        self.hear().await
    }

    /// Code and reason of the last words, after which the stream ends.
    pub async fn closed(&mut self) -> (u64, String) {
        loop {
            let push = self.hear().await;
            let why = match push.get("push") {
                Some(push) => push["disconnect"].clone(),
                None => push["disconnect"].clone(),
            };
            if let Some(code) = why["code"].as_u64() {
                assert_eq!(
                    self.until("\n\n").await,
                    None,
                    "nothing comes after the last words"
                );
                return (code, why["reason"].as_str().unwrap().to_owned());
            }
        }
    }
}
