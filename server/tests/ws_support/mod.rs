//! A server of nothing but sockets, on port 0, with a clock that stands still until it is moved; and a client that speaks plain JSON.
#![allow(dead_code, reason = "each test binary uses its part")]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

pub mod streams;

use axum::{Extension, Router, serve::ListenerExt};
use futures::{SinkExt, StreamExt};
use pulsecast_protocol::{Channel, Origin, Timestamp, account::SiteSettings};
use pulsecast_server::{
    clock::{Clock, ManualClock},
    event::{Client as With, Event, Hit, Kind, Seen, SiteId, Utm, VisitId, VisitorId},
    gate::{Entrance, Gate, Identity, Refused, RemoteIp, Right, RoomGrant, SignedIn, TokenError, Visitor},
    hub::Hub,
    live::{Bounds, Live, families},
    sites::{AccountId, Role, Site, Sites},
    stats::{
        self,
        live::{Answers, LiveLimits, LiveQueries},
    },
    tasks::Tasks,
    transport::{self, Limits, StreamLimits, TransportState},
};
use serde_json::Value;
use std::{
    collections::{BTreeMap, VecDeque},
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream,
    tungstenite::{self, Message, client::IntoClientRequest},
};

/// How long anything may take before a test says that it does not happen.
pub const DEADLINE: Duration = Duration::from_secs(20);

/// Who may what, in the plainest form: `ann` is a member of `a.com`, whose pages are at `https://a.com`; `bob` is somebody; `cat` and `dog` are
/// visitors who may do everything in its rooms, `mouse` one who may only read there.
#[derive(Debug, Default)]
pub struct TestGate {
    /// Ann has been removed.
    pub ann_is_out: AtomicBool,
}

impl Gate for TestGate {
    fn open(&self, origin: Option<&Origin>, host: Option<&str>) -> Result<Entrance, Refused> {
        let own_origin = origin.is_some_and(|origin| origin.authority() == host);
        let known = origin.is_none_or(|origin| origin.as_str() == "https://a.com");
        if own_origin || known {
            Ok(Entrance { own_origin })
        } else {
            Err(Refused::NotAllowed)
        }
    }

    fn identify_token(&self, token: &str, _: Timestamp) -> Result<Identity, TokenError> {
        if ["cat", "dog", "mouse"].contains(&token) {
            return Ok(visitor(token));
        }
        let account = match token {
            "ann" => 1,
            "bob" => 2,
            "old" => return Err(TokenError::Expired),
            _ => return Err(TokenError::Invalid),
        };
        Ok(Identity {
            account: Some(AccountId(account)),
            user: account.to_string(),
            ..Identity::default()
        })
    }

    fn may(&self, who: &Identity, right: Right, channel: &Channel) -> Result<(), Refused> {
        if channel.site().as_str() != "a.com" {
            return Err(Refused::UnknownChannel);
        }
        if let Channel::Room { name, .. } = channel {
            let visitor = who.visitor.as_ref();
            let may = visitor.is_some_and(|visitor| visitor.may(right, name));
            return if may { Ok(()) } else { Err(Refused::NotAllowed) };
        }
        let member = who.account == Some(AccountId(1)) && !self.ann_is_out.load(Ordering::SeqCst);
        let may = match channel {
            Channel::Live { .. } | Channel::Query { .. } => {
                member && (who.origin.is_none() || who.own_origin)
            }
            _ => {
                member
                    || who
                        .origin
                        .as_ref()
                        .is_some_and(|origin| origin.as_str() == "https://a.com")
            }
        };
        if may { Ok(()) } else { Err(Refused::NotAllowed) }
    }
}

fn visitor(name: &str) -> Identity {
    let rights = match name {
        "mouse" => vec![Right::Read],
        _ => vec![Right::Read, Right::Publish, Right::Presence, Right::History],
    };
    let visitor = Visitor {
        site: "a.com".parse().unwrap(),
        user: name.to_owned(),
        rooms: vec![RoomGrant {
            room: "*".to_owned(),
            rights,
        }],
        token: None,
        issued: Timestamp(1_700_000_000_000),
        until: None,
    };
    Identity {
        visitor: Some(Arc::new(visitor)),
        info: Some(format!(r#"{{"name":"{name}"}}"#).into()),
        user: name.to_owned(),
        expires: Some(Timestamp(1_700_000_000_000).plus(10 * Timestamp::MINUTE)),
        ..Identity::default()
    }
}

pub struct Server {
    pub address: SocketAddr,
    pub hub: Hub,
    pub live: Live,
    pub gate: Arc<TestGate>,
    pub clock: Arc<ManualClock>,
    pub tasks: Tasks,
    pub transport: TransportState,
    pub queries: Option<LiveQueries>,
    site: Site,
    seq: AtomicU64,
}

impl Server {
    pub async fn start() -> Self {
        Self::with(|_| {}, |routes| routes).await
    }

    /// As if every request came from this address.
    pub async fn seen_from(ip: &str, limits: impl FnOnce(&mut Limits)) -> Self {
        let remote = RemoteIp(ip.parse().unwrap());
        Self::with(limits, |routes| routes.layer(Extension(remote))).await
    }

    /// As if every request carried Ann's session cookie.
    pub async fn signed_in() -> Self {
        Self::with(
            |_| {},
            |routes| routes.layer(Extension(SignedIn(AccountId(1), "1".to_owned()))),
        )
        .await
    }

    /// Live queries are answered by this.
    pub async fn answering(answers: Arc<dyn Answers>, few: LiveLimits) -> Self {
        Self::with_all(|limits| limits.queries = 3, |routes| routes, Some((answers, few))).await
    }

    pub async fn with(limits: impl FnOnce(&mut Limits), edge: impl FnOnce(Router) -> Router) -> Self {
        Self::with_all(limits, edge, None).await
    }

    async fn with_all(
        limits: impl FnOnce(&mut Limits),
        edge: impl FnOnce(Router) -> Router,
        answers: Option<(Arc<dyn Answers>, LiveLimits)>,
    ) -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp(1_700_000_000_000)));
        let settings = SiteSettings::new("a.com".parse().unwrap());
        let site = Site::new(SiteId(1), settings).with_member(AccountId(1), Role::Owner);
        let sites = Sites::default();
        sites.replace(vec![site.clone()]);
        let tasks = Tasks::new();
        let (name, family) = stats::live::family();
        let streams = transport::families(StreamLimits::default()).into_iter();
        let families = streams.fold(families().and(name, family), |all, (name, family)| {
            all.and(name, family)
        });
        let hub = Hub::new(families, clock.clone(), 7);
        let live = Live::new(
            hub.clone(),
            sites.clone(),
            clock.clone(),
            Bounds::default(),
            |_| None,
        );
        live.start(&tasks);
        let gate = Arc::new(TestGate::default());
        let mut limited = Limits {
            keep_every: Duration::from_millis(5),
            ..Limits::default()
        };
        limits(&mut limited);
        let mut transport = TransportState::new(
            hub.clone(),
            live.clone(),
            gate.clone(),
            tasks.clone(),
            clock.clone(),
            limited,
        );
        let queries = answers.map(|(answers, few)| {
            let (hub, sites, clock) = (hub.clone(), sites.clone(), clock.clone());
            LiveQueries::new(answers, hub, sites, clock, tasks.clone(), few)
        });
        if let Some(queries) = &queries {
            queries.start();
            transport = transport.with_queries(queries.clone(), sites);
        }
        let routes = edge(transport::routes(transport.clone()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        // As the server itself does it; else each small answer would wait for the one before.
        let listener = listener.tap_io(|socket| socket.set_nodelay(true).unwrap());
        let stop = tasks.clone();
        tasks.spawn("test-server", async move {
            let serve = axum::serve(
                listener,
                routes.into_make_service_with_connect_info::<SocketAddr>(),
            );
            tokio::select! {
                served = serve => served.unwrap(),
                () = stop.stopping() => {}
            }
        });
        Self {
            address,
            hub,
            live,
            gate,
            clock,
            tasks,
            transport,
            queries,
            site,
            seq: AtomicU64::new(0),
        }
    }

    /// A visitor looks at a page; the event is on disk and on its way to dashboards.
    pub fn visit(&self, visitor: u64, path: &str) {
        let seq = self.seq.fetch_add(1, Ordering::SeqCst) + 1;
        let hit = Hit {
            site: self.site.id,
            at: self.clock.now(),
            kind: Kind::Pageview,
            name: "pageview".into(),
            visitor: VisitorId(visitor),
            visitor_before: None,
            hostname: "a.com".into(),
            path: path.into(),
            referrer: None,
            source: None,
            medium: None,
            channel: None,
            utm: Utm::default(),
            client: With::default(),
            props: BTreeMap::new(),
            revenue: None,
            scroll_depth: None,
            engaged: None,
        };
        let event = Event {
            seq,
            visit: VisitId(visitor),
            visitor: VisitorId(visitor),
            hit,
        };
        self.live.record(&self.site, &[Seen { event, ip: None }]);
    }

    /// A visit that has been published, in a publication of its own.
    pub async fn visit_and_publish(&self, visitor: u64, path: &str) {
        let before = self.hub.open("live:a.com").offset;
        self.clock.advance(250);
        self.visit(visitor, path);
        eventually("the visit is published", || {
            self.hub.open("live:a.com").offset > before
        })
        .await;
    }

    pub async fn connect(&self, origin: Option<&str>) -> Result<Client, tungstenite::Error> {
        self.connect_with(origin.map(|origin| ("Origin", origin))).await
    }

    pub async fn connect_with(
        &self,
        header: Option<(&'static str, &str)>,
    ) -> Result<Client, tungstenite::Error> {
        let mut request = format!("ws://{}/connection/websocket", self.address).into_client_request()?;
        if let Some((name, value)) = header {
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        let (socket, response) = tokio_tungstenite::connect_async(request).await?;
        let protocol = response
            .headers()
            .get("sec-websocket-protocol")
            .map(|value| value.to_str().unwrap().to_owned());
        Ok(Client {
            socket,
            lines: VecDeque::new(),
            protocol,
        })
    }

    /// A page of the site in this browser, not connected yet. The same browser is the same visitor.
    pub async fn visitor(&self, user_agent: &str) -> Client {
        let mut request = format!("ws://{}/connection/websocket", self.address)
            .into_client_request()
            .unwrap();
        for (name, value) in [("Origin", "https://a.com"), ("User-Agent", user_agent)] {
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        let at_once = tokio_tungstenite::connect_async_with_config(request, None, true);
        let (socket, _) = at_once.await.unwrap();
        Client {
            socket,
            lines: VecDeque::new(),
            protocol: None,
        }
    }

    /// A program with Ann's token, connected.
    pub async fn ann(&self) -> Client {
        let mut client = self.connect(None).await.unwrap();
        client.ask(r#"{"id":1,"connect":{"token":"ann"}}"#).await;
        client
    }

    /// A visitor of the site, connected.
    pub async fn guest(&self, token: &str) -> Client {
        let mut client = self.connect(None).await.unwrap();
        client
            .ask(&format!(r#"{{"id":1,"connect":{{"token":"{token}"}}}}"#))
            .await;
        client
    }

    /// A page of the site, connected and counted.
    pub async fn page(&self) -> Client {
        let mut client = self.connect(Some("https://a.com")).await.unwrap();
        client.ask(r#"{"id":1,"connect":{"name":"pulse"}}"#).await;
        client
            .say(r#"{"id":2,"subscribe":{"channel":"online:a.com"}}"#)
            .await;
        client
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.tasks.stop();
    }
}

pub struct Client {
    pub socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    pub protocol: Option<String>,
    lines: VecDeque<Value>,
}

impl Client {
    pub async fn say(&mut self, text: &str) {
        self.socket.send(Message::text(text)).await.unwrap();
    }

    pub async fn say_anything(&mut self, message: Message) {
        // The server may have closed already; what it said is what the test is about.
        if self.socket.send(message).await.is_err() {}
    }

    /// The next line from the server that is no ping.
    pub async fn hear(&mut self) -> Value {
        loop {
            if let Some(line) = self.lines.pop_front() {
                return line;
            }
            match self.next().await {
                Some(Ok(Message::Text(text))) => self
                    .lines
                    .extend(text.lines().map(|line| serde_json::from_str(line).unwrap())),
                other => panic!("expected a line, got {other:?}"),
            }
        }
    }

    /// Says it, and hears the answer.
    pub async fn ask(&mut self, command: &str) -> Value {
        self.say(command).await;
        self.hear().await
    }

    /// Code and reason of the close frame that comes in the end.
    pub async fn closed(&mut self) -> (u16, String) {
        loop {
            match self.next().await {
                Some(Ok(Message::Close(Some(frame)))) => {
                    return (frame.code.into(), frame.reason.to_string());
                }
                Some(Ok(_)) => {}
                other => panic!("expected a close frame, got {other:?}"),
            }
        }
    }

    async fn next(&mut self) -> Option<Result<Message, tungstenite::Error>> {
        tokio::time::timeout(DEADLINE, self.socket.next())
            .await
            .expect("nothing came in time")
    }
}

/// Waits for a condition.
pub async fn eventually(what: &str, condition: impl Fn() -> bool) {
    let wait = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    assert!(
        tokio::time::timeout(DEADLINE, wait).await.is_ok(),
        "does not happen: {what}"
    );
}

/// The HTTP status that an upgrade was refused with.
pub fn status(refused: Result<Client, tungstenite::Error>) -> u16 {
    match refused {
        Err(tungstenite::Error::Http(response)) => response.status().as_u16(),
        Err(other) => panic!("expected a status, got {other}"),
        Ok(_) => panic!("expected a refusal, got a socket"),
    }
}
