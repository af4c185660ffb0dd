//! A server of this test's own on a free port, and people with browsers who visit it.

use pulsecast_protocol::Timestamp;
use pulsecast_server::{
    auth::{Auth, Keys, LoginLimits, MemberGate, Passwords, Sessions, Tokens, Visitors, setup},
    clock::{ManualClock, SharedClock},
    enrich::Countries,
    event::Hit,
    feed::{Feed, FeedLimits},
    fetch::{FetchLimits, Fetcher},
    health::Health,
    http::{AppState, EdgeConfig, Parts, ServeLimits, export::Exports, router, serve},
    hub::Hub,
    ingest::Backlog,
    live::{Bounds, Live, families},
    sessions::Sessions as Visits,
    sites::Sites,
    stats::{Limits, Stats},
    store::{
        Batch, EventStore,
        accounts::{Accounts, SqliteAccounts, load_sites},
        duck::{self, DuckSettings},
    },
    tasks::Tasks,
    transport::{self, StreamLimits, TransportState},
};
use reqwest::{Client, RequestBuilder, Response, redirect::Policy};
use std::{
    future::Future,
    net::SocketAddr,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};
use tempfile::TempDir;
use tokio::net::TcpListener;

pub const EMAIL: &str = "ann@example.com";
pub const PASSWORD: &str = "correct horse battery";
pub const NOW: Timestamp = Timestamp(1_800_000_000_000);

/// A running server. Stops when it is dropped.
pub struct Server {
    pub at: SocketAddr,
    pub accounts: SqliteAccounts,
    pub sites: Sites,
    pub health: Health,
    pub hub: Hub,
    pub sockets: TransportState,
    pub clock: Arc<ManualClock>,
    pub passwords: Passwords,
    pub keys: Keys,
    /// What happened on the sites, as far as a test says so.
    pub history: Mutex<Box<dyn EventStore>>,
    /// What the terminal shows.
    pub setup_link: Option<String>,
    pub tasks: Tasks,
    data: Option<TempDir>,
}

/// How a test's server differs from the usual one.
pub struct Wish {
    pub config: Box<dyn FnOnce(&mut EdgeConfig)>,
    pub limits: ServeLimits,
    pub sockets: transport::Limits,
}

impl Default for Wish {
    fn default() -> Self {
        Self {
            config: Box::new(|_| {}),
            limits: ServeLimits::default(),
            sockets: transport::Limits::default(),
        }
    }
}

impl Server {
    pub async fn start() -> Self {
        Self::start_with(Wish::default()).await
    }

    pub async fn start_with(wish: Wish) -> Self {
        Self::start_in(folder(), wish).await
    }

    pub async fn start_in(data: TempDir, wish: Wish) -> Self {
        let clock = Arc::new(ManualClock::new(NOW));
        let shared: SharedClock = clock.clone();
        let accounts = SqliteAccounts::open(data.path()).await.unwrap();
        let sites = Sites::default();
        load_sites(&accounts, &sites).await.unwrap();
        let mut config = EdgeConfig::new(data.path().join("site"));
        std::fs::create_dir_all(data.path().join("site/pkg")).unwrap();
        (wish.config)(&mut config);
        let own = config.own_origin();
        let passwords = Passwords::with_cost(8, 1).unwrap();
        let keys = Keys::new(shared.clone(), 60);
        let auth = Auth {
            accounts: Arc::new(accounts.clone()),
            passwords: passwords.clone(),
            limits: LoginLimits::new(shared.clone()),
            keys: keys.clone(),
            tokens: Tokens::load(&accounts).await.unwrap(),
            own,
            clock: shared.clone(),
        };
        let streams = transport::families(StreamLimits::default()).into_iter();
        let families = streams.fold(families(), |all, (name, family)| all.and(name, family));
        let hub = Hub::new(families, shared.clone(), 1);
        let health = Health::default();
        let live = Live::new(
            hub.clone(),
            sites.clone(),
            shared.clone(),
            Bounds::default(),
            |_| None,
        );
        // Sites' own servers are on this machine.
        let fetcher = Fetcher::new(vec!["127.0.0.1".parse().unwrap()], FetchLimits::default()).unwrap();
        let visitors = Visitors::load(
            &accounts,
            sites.clone(),
            shared.clone(),
            fetcher,
            Default::default(),
        )
        .await
        .unwrap();
        let gate = MemberGate::new(sites.clone(), auth.own.clone(), auth.tokens.clone());
        let gate = Arc::new(gate.with_visitors(visitors.clone()));
        let tasks = Tasks::new();
        let feed = Feed::open(
            Arc::new(accounts.clone()),
            hub.clone(),
            sites.clone(),
            Countries::embedded().unwrap(),
            (shared.clone(), tasks.clone()),
            FeedLimits::default(),
        );
        let feed = feed.await.unwrap();
        let sockets = TransportState::new(
            hub.clone(),
            live.clone(),
            gate,
            tasks.clone(),
            shared.clone(),
            wish.sockets,
        );
        let (history, reader) = duck::open(&DuckSettings {
            path: data.path().join("events.duckdb"),
            memory_mib: 256,
            threads: 1,
        })
        .unwrap();
        let answers = reader.stats(shared.clone(), 0).unwrap();
        let stats = Stats::new(Arc::new(answers), shared.clone(), Limits::default());
        let folder = data.path().join("exports");
        let exports = Exports::open(folder, Default::default(), shared.clone(), &tasks).unwrap();
        let state = AppState {
            sockets: sockets.clone(),
            auth,
            sessions: Sessions::new(accounts.sessions()),
            visitors,
            backlog: Backlog::new(1_000, 0),
            sites: sites.clone(),
            live,
            stats,
            exports,
            importer: None,
            feed: Some(feed),
            health: health.clone(),
            metrics: None,
            config: Arc::new(config),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let setup_link = setup::first_link(&accounts, &format!("http://{at}"), NOW)
            .await
            .unwrap();
        let options = leptos::prelude::LeptosOptions::builder()
            .output_name("pulsecast")
            .build();
        let parts = Parts {
            transport: transport::routes(sockets.clone()),
            ..Parts::default()
        };
        let all = router(state, parts, options);
        tasks.spawn("serve", serve(listener, all, wish.limits, tasks.clone()));
        Self {
            at,
            accounts,
            sites,
            health,
            hub,
            sockets,
            clock,
            passwords,
            keys,
            history: Mutex::new(Box::new(history)),
            setup_link,
            tasks,
            data: Some(data),
        }
    }

    /// Another process on the same data, after this one has ended.
    pub async fn restart(mut self) -> Self {
        self.tasks.stop();
        assert!(self.tasks.wait(Duration::from_secs(5)).await);
        self.accounts.close().await;
        Self::start_in(self.data.take().unwrap(), Wish::default()).await
    }

    /// Puts a history into the store, once a test, as the feeder would.
    pub async fn happened(&self, hits: Vec<Hit>) {
        let sites: Vec<_> = hits.iter().map(|hit| hit.site).collect();
        let (mut sessions, mut batch) = (Visits::new(), Batch::default());
        for hit in hits {
            let seq = batch.events.len() as u64 + 1;
            batch.events.push(sessions.attribute(seq, hit));
        }
        batch.ended = sessions.end(self.clock_now());
        batch.oldest_open = sessions.oldest_open();
        self.history.lock().unwrap().append(&batch).unwrap();
        self.accounts.note_first_event(&sites, NOW).await.unwrap();
    }

    pub fn clock_now(&self) -> Timestamp {
        use pulsecast_server::clock::Clock;
        self.clock.now()
    }

    pub fn data(&self) -> &Path {
        self.data.as_ref().unwrap().path()
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.at)
    }

    pub fn origin(&self) -> String {
        self.url("")
    }

    pub fn token(&self) -> String {
        let link = self.setup_link.as_deref().unwrap();
        link.split_once("token=").unwrap().1.to_owned()
    }

    /// A browser with nobody signed in.
    pub fn browser(&self) -> Browser<'_> {
        let client = Client::builder()
            .cookie_store(true)
            .redirect(Policy::none())
            .build()
            .unwrap();
        Browser { server: self, client }
    }

    /// The owner, who has come by the link in the terminal.
    pub async fn owner(&self) -> Browser<'_> {
        let owner = self.browser();
        let made = owner
            .form(
                "/setup",
                &[("token", &self.token()), ("email", EMAIL), ("password", PASSWORD)],
            )
            .await;
        assert_eq!((made.status().as_u16(), location(&made)), (303, "/"));
        owner
    }
}

/// In memory where there is such a place: what is tested is not how long a busy disk takes to sync.
fn folder() -> TempDir {
    tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .unwrap()
}

impl Drop for Server {
    fn drop(&mut self) {
        self.tasks.stop();
    }
}

/// A browser: keeps cookies, says where its forms come from, does not follow redirects by itself so that tests see them.
pub struct Browser<'a> {
    server: &'a Server,
    pub client: Client,
}

impl Browser<'_> {
    pub fn url(&self, path: &str) -> String {
        self.server.url(path)
    }

    pub async fn open(&self, path: &str) -> Response {
        self.client
            .get(self.server.url(path))
            .header("accept", "text/html")
            .send()
            .await
            .unwrap()
    }

    pub fn post(&self, path: &str) -> RequestBuilder {
        self.client
            .post(self.server.url(path))
            .header("accept", "text/html")
            .header("origin", self.server.origin())
    }

    pub async fn form(&self, path: &str, fields: &[(&str, &str)]) -> Response {
        self.post(path).form(fields).send().await.unwrap()
    }

    pub async fn sign_in(&self, email: &str, password: &str) -> Response {
        self.form(
            "/login",
            &[("email", email), ("password", password), ("next", "")],
        )
        .await
    }

    pub async fn is_signed_in(&self) -> bool {
        self.open("/").await.status() == 200
    }
}

pub fn location(response: &Response) -> &str {
    header(response, "location")
}

pub fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response
        .headers()
        .get(name)
        .map_or("", |value| value.to_str().unwrap())
}

/// Waits until `holds`, at most thirty seconds.
pub async fn eventually<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let look = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    assert!(
        tokio::time::timeout(Duration::from_secs(30), look).await.is_ok(),
        "{what}: not within thirty seconds"
    );
}
