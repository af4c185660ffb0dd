//! Puts the server together: the only place that names adapters. Starts what runs, says where the page is, and ends everything in order.

mod dev;
mod streams;

pub use dev::dev;

use crate::{
    auth::{
        self, Auth, Keys, LoginLimits, MemberGate, Passwords, Sessions, Tokens, Visitors,
        visitor::TokenLimits,
    },
    clock::{SharedClock, SystemClock},
    config::{DataDir, LogFormat, ServeConfig},
    enrich::{Agents, Cities, Countries, Salts, country},
    feed::{Feed, FeedLimits},
    fetch::{FetchLimits, Fetcher},
    health::Health,
    http::{
        AppState, EdgeConfig, Parts, ServeLimits,
        config::Demo,
        demo::ensure_demo,
        event::{self, IngestState},
        export::{self, ExportState, Exports},
        import::{self, ImportUploads},
        router, serve as serve_http,
    },
    hub::{Families, Hub, Publishing},
    ingest::{
        Ears, Ended, Inbox, Ingest, Tables, Writer, firsts::Firsts, import::Importer, recover, retention,
        run_feeder, salts,
    },
    live::{self, Bounds, Live},
    metrics,
    sites::Sites,
    stats::{
        self, Stats,
        live::{LiveLimits, LiveQueries},
        rollup::{Keeper, Switch},
    },
    store::{
        Aside, EventReader,
        accounts::{Accounts, SqliteAccounts, load_sites, watch_sites},
        duck::{self, DuckSettings},
    },
    tasks::Tasks,
    transport::{self, StreamLimits, TransportState},
};
use anyhow::{Context, Result, bail};
use leptos::config::LeptosOptions;
use pulsecast_protocol::Timestamp;
use std::{
    net::SocketAddr,
    panic::AssertUnwindSafe,
    path::PathBuf,
    sync::{Arc, OnceLock},
    thread::JoinHandle,
    time::Duration,
};
use tokio::net::TcpListener;

/// How long connections may take to end when the server goes down.
const PATIENCE: Duration = Duration::from_secs(10);

/// Listens on an address, and says which it is where the system was left to choose the port.
async fn listen(addr: SocketAddr) -> Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(addr).await.with_context(|| {
        format!("cannot listen on {addr}: choose another address with --addr, or end what uses it")
    })?;
    let address = listener
        .local_addr()
        .context("the listening socket has no address")?;
    Ok((listener, address))
}

/// `pulsecast serve`: runs until it is told to end by SIGTERM or SIGINT.
///
/// # Errors
/// One line that says what to do; nothing was changed that cannot be used again.
pub async fn serve(config: ServeConfig) -> Result<()> {
    log(&config)?;
    config.data.make()?;
    let mut ending = Ending::listen().context("cannot listen for SIGTERM and SIGINT")?;
    // Before anything slow: a port that is taken is the commonest mistake.
    let (listener, address) = listen(config.addr).await?;
    let tasks = Tasks::new();
    let server = Server::compose(&config, address, &tasks).await?;

    let base = server.base_url(&config, address);
    let serving = config.data.serving();
    std::fs::write(&serving, local_url(address))
        .with_context(|| format!("cannot write {}", serving.display()))?;
    println!("listening on {base}");
    match auth::setup::first_link(&server.accounts, &base, server.clock.now()).await? {
        Some(link) => println!("create the first account: {link}"),
        None => println!("open {base} and sign in"),
    }
    let limits = ServeLimits {
        connections: config.max_connections,
        ..ServeLimits::default()
    };
    let http = serve_http(listener, server.router.clone(), limits, tasks.clone());
    tokio::select! {
        () = http => {}
        signal = ending.asked() => {
            tracing::info!(signal, "ending: accepting stops, connections are told, what is acknowledged is written");
            tasks.stop();
        }
    }
    let broken = server.broken.clone();
    server.end(&tasks).await;
    // Only a hint for commands beside the server; a stale one harms nobody.
    drop(std::fs::remove_file(&serving));
    match broken.get() {
        Some(why) => bail!("{why}"),
        None => Ok(()),
    }
}

/// Live queries, being kept current.
fn live_queries(
    config: &ServeConfig,
    stats: &Stats,
    (hub, sites): (&Hub, &Sites),
    clock: &SharedClock,
    tasks: &Tasks,
) -> LiveQueries {
    let limits = LiveLimits {
        queries: config.live_queries,
        rows: config.live_query_rows,
        patience: Duration::from_secs(config.live_query_timeout),
    };
    let (hub, sites) = (hub.clone(), sites.clone());
    let queries = LiveQueries::new(
        Arc::new(stats.clone()),
        hub,
        sites,
        clock.clone(),
        tasks.clone(),
        limits,
    );
    queries.start();
    queries
}

/// Sites' signed-in visitors, known by what their own servers say.
async fn visitors(
    config: &ServeConfig,
    accounts: &Arc<dyn Accounts>,
    sites: &Sites,
    clock: &SharedClock,
    tasks: &Tasks,
) -> Result<Visitors> {
    let limits = FetchLimits {
        within: Duration::from_secs(config.endpoint_timeout),
        answer: config.endpoint_answer << 10,
        at_once: config.endpoint_concurrency,
    };
    let authorities = match &config.endpoint_authorities {
        Some(path) => std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?,
        None => Vec::new(),
    };
    let fetcher = Fetcher::with_authorities(config.trust_endpoints.clone(), limits, &authorities)
        .context("cannot use --endpoint-authorities")?;
    let limits = TokenLimits {
        lifetime: i64::from(config.visitor_token_days) * Timestamp::DAY,
        info: config.visitor_info,
        ..TokenLimits::default()
    };
    let visitors = Visitors::load(&**accounts, sites.clone(), clock.clone(), fetcher, limits).await?;
    let stop = tasks.clone();
    let cleaned = visitors
        .clone()
        .keep_clean(accounts.clone(), async move { stop.stopping().await });
    tasks.spawn("keep-visitors-clean", cleaned);
    Ok(visitors)
}

/// How each kind of channel behaves.
fn families(streams: StreamLimits) -> Families {
    let (name, family) = stats::live::family();
    let families = live::families().and(name, family);
    let streams = transport::families(streams).into_iter();
    streams.fold(families, |all, (name, family)| all.and(name, family))
}

/// Where programs on this machine reach the server.
fn local_url(address: SocketAddr) -> String {
    match address.ip() {
        ip if ip.is_unspecified() && address.is_ipv4() => format!("http://127.0.0.1:{}", address.port()),
        ip if ip.is_unspecified() => format!("http://[::1]:{}", address.port()),
        _ => format!("http://{address}"),
    }
}

struct Server {
    router: axum::Router,
    accounts: SqliteAccounts,
    inbox: Inbox,
    hub: Hub,
    clock: SharedClock,
    threads: Vec<JoinHandle<()>>,
    /// Why the process ends although nobody asked for it: whoever watches over it starts it again.
    broken: Arc<OnceLock<String>>,
    drain: Duration,
}

impl Server {
    async fn compose(config: &ServeConfig, address: SocketAddr, tasks: &Tasks) -> Result<Self> {
        let metrics = metrics::install()?;
        let clock: SharedClock = Arc::new(SystemClock);
        let health = Health::default();
        let edge = edge(config)?;

        // The user-agent rules take longest to compile: beside everything else.
        let rules = tasks.thread("user-agent-rules", Agents::embedded)?;
        let accounts = SqliteAccounts::open(&config.data.path).await?;
        let shared: Arc<dyn Accounts> = Arc::new(accounts.clone());
        if edge.demo == Demo::On {
            ensure_demo(&accounts, &demo_hosts(&edge, address), clock.now()).await?;
        }
        let sites = Sites::default();
        load_sites(&accounts, &sites).await?;
        watch_sites(accounts.clone(), sites.clone(), tasks);
        let salts = Salts::new();
        salts::refresh(&accounts, &salts, clock.now()).await?;
        salts::keep(
            shared.clone(),
            salts.clone(),
            clock.clone(),
            health.clone(),
            tasks,
        );

        let hub = Hub::new(families(config.streams.kept()), clock.clone(), rand::random());
        let (hub, streams) = streams::durable(
            hub,
            &config.data.streams(),
            config.streams.max_rooms,
            &health,
            tasks,
        )?;
        hub.start(tasks);
        streams::keep_clean(&hub, &sites, tasks);
        let bounds = Bounds {
            visitors: config.max_window,
            facts: config.max_window * 3,
            pages: config.max_online_pages,
            ..Bounds::default()
        };
        let live = Live::new(hub.clone(), sites.clone(), clock.clone(), bounds, country::name);
        let (mut store, reader) = duck::open(&DuckSettings {
            path: config.data.events(),
            memory_mib: config.store_memory,
            threads: config.store_threads,
        })?;
        let recovered = recover(
            &config.data.inbox(),
            config.max_backlog,
            &mut store,
            &reader,
            &live,
            &sites,
            clock.now(),
        )?;
        if recovered.replayed > 0 {
            tracing::info!(
                events = recovered.replayed,
                "acknowledged events were still in the inbox: moving them on"
            );
        }
        live.start(tasks);

        let backlog = recovered.backlog.clone();
        let writer = Writer {
            file: recovered.file,
            sessions: recovered.sessions,
            live: live.clone(),
            backlog: recovered.backlog,
            sites: sites.clone(),
            clock: clock.clone(),
            health: health.clone(),
            firsts: Firsts::start(shared.clone(), clock.clone(), tasks),
        };
        let (inbox, writer) = writer.start(tasks)?;
        let stats = Stats::new(
            Arc::new(reader.stats(clock.clone(), config.query_freshness.into())?),
            clock.clone(),
            stats::Limits {
                timeout: Duration::from_secs(config.query_timeout),
                concurrency: config.query_concurrency,
                queue: config.query_queue,
            },
        )
        .with_rollups(config.rollups);
        if config.rollups == Switch::On {
            Keeper::new(Arc::new(reader.rollups()?), sites.clone(), clock.clone()).start(tasks);
        }
        let queries = live_queries(config, &stats, (&hub, &sites), &clock, tasks);
        let (feed, told, stop) = (backlog.clone(), health.clone(), tasks.clone());
        let (touched, aside) = (queries.clone(), Aside::new(&config.data.inbox()));
        let broken = Arc::new(OnceLock::new());
        let why = broken.clone();
        let feeder = tasks.thread("feeder", move || {
            let ears = Ears {
                health: &told,
                stored: &|batch| touched.stored(batch),
                stopping: &|| stop.is_stopping(),
            };
            let fed = AssertUnwindSafe(|| run_feeder(store, &feed, aside, ears));
            let error = match std::panic::catch_unwind(fed) {
                Ok(Ended::InOrder) => return,
                Ok(Ended::Broken(error)) => error.to_string(),
                Err(_) => "what writes the event store panicked: start pulsecast again, what is acknowledged is in the inbox".to_owned(),
            };
            tracing::error!(%error, "ending, so that the next start opens the event store anew");
            told.red("store", error.clone());
            why.get_or_init(|| error);
            stop.stop();
        })?;

        let agents = rules
            .join()
            .map_err(|_| anyhow::anyhow!("compiling the user-agent rules panicked"))??;
        let tables = Tables {
            agents,
            countries: Countries::embedded()?,
            cities: Cities::open(&config.city_database)?,
            salts,
        };
        let kept = FeedLimits {
            backlog: config.feed_backlog,
            items: config.feed_items,
        };
        let feed = Feed::open(
            shared.clone(),
            hub.clone(),
            sites.clone(),
            tables.countries.clone(),
            (clock.clone(), tasks.clone()),
            kept,
        );
        let feed = feed.await?;
        feed.start();
        let ingest = Ingest::new(sites.clone(), tables.clone(), inbox.clone(), clock.clone());
        let tokens = Tokens::load(&accounts).await?;
        let visitors = visitors(config, &shared, &sites, &clock, tasks).await?;
        let gate = MemberGate::new(sites.clone(), edge.own_origin(), tokens.clone());
        let gate = Arc::new(gate.with_visitors(visitors.clone()));
        let limits = transport::Limits {
            connections: config.max_sockets,
            connections_per_ip: u32::try_from(config.max_sockets_per_ip).unwrap_or(u32::MAX),
            queries: config.live_queries_per_socket,
            publication: config.streams.max_publication,
            drain: Duration::from_secs(config.drain),
            polls: config.max_polls.min(tokio::sync::Semaphore::MAX_PERMITS),
            poll_for: Duration::from_secs(config.poll_wait),
            backlog: config.feed_backlog,
            room_members: config.room_members,
            room_rate: config.room_rate,
            ..transport::Limits::default()
        };
        let events: Arc<dyn EventReader> = Arc::new(reader);
        let folder = config.data.exports();
        let exports = Exports::open(folder.clone(), config.exports.limits(), clock.clone(), tasks)
            .with_context(|| format!("cannot make the folder {}", folder.display()))?;
        let importer = Importer::new(
            sites.clone(),
            tables,
            clock.clone(),
            events.clone(),
            inbox.clone(),
            backlog.clone(),
            tasks.clone(),
        );
        retention::keep(
            sites.clone(),
            events.clone(),
            Arc::new(accounts.clone()),
            backlog.clone(),
            clock.clone(),
            tasks,
        );
        let attempts = LoginLimits::new(clock.clone());
        let keys = Keys::new(clock.clone(), config.api_rate);
        let stop = tasks.clone();
        let cleaned =
            auth::session::keep_clean(accounts.sessions(), attempts.clone(), keys.clone(), async move {
                stop.stopping().await
            });
        tasks.spawn("keep-sessions-clean", cleaned);
        let (stop, kept) = (tasks.clone(), i64::from(config.audit_days) * Timestamp::DAY);
        let forgetting = auth::trail::keep_short(shared.clone(), clock.clone(), kept, async move {
            stop.stopping().await
        });
        tasks.spawn("forget-old-changes", forgetting);
        let members = ExportState {
            sites: sites.clone(),
            events: events.clone(),
            exports: exports.clone(),
            tokens: tokens.clone(),
            clock: clock.clone(),
        };
        let publishing =
            Publishing::new(hub.clone(), limits.publication).with("feed", Arc::new(feed.clone()));
        let sockets = TransportState::new(
            hub.clone(),
            live.clone(),
            gate,
            tasks.clone(),
            clock.clone(),
            limits,
        )
        .with_queries(queries, sites.clone())
        .with_publishing(publishing);
        let parts = Parts {
            ingest: event::routes(IngestState {
                ingest,
                trusted_proxies: edge.trusted_proxies.clone().into(),
            }),
            transport: transport::routes(sockets.clone()),
            uploads: import::routes(ImportUploads {
                members: members.clone(),
                importer: importer.clone(),
                accounts: shared.clone(),
                folder: uploads(&config.data)?,
                limit: edge.import_limit,
            }),
            members: export::routes(members),
        };
        let state = AppState {
            sockets,
            auth: Auth {
                accounts: shared,
                passwords: Passwords::new()?,
                limits: attempts,
                keys,
                tokens,
                own: edge.own_origin(),
                clock: clock.clone(),
            },
            sessions: Sessions::new(accounts.sessions()),
            visitors,
            backlog,
            sites,
            live,
            stats,
            exports,
            importer: Some(importer),
            feed: Some(feed),
            health,
            metrics: Some(metrics),
            config: Arc::new(edge),
        };
        let options = leptos_options(&state.config.site_root, address);
        Ok(Self {
            router: router(state, parts, options),
            accounts,
            inbox,
            clock,
            hub,
            threads: vec![writer, feeder, streams],
            broken,
            drain: Duration::from_secs(config.drain),
        })
    }

    fn base_url(&self, config: &ServeConfig, address: SocketAddr) -> String {
        config
            .public_url
            .as_ref()
            .map_or_else(|| format!("http://{address}"), |url| url.as_str().to_owned())
    }

    /// Connections end, then the writer, then the feeder, then the accounts close.
    async fn end(self, tasks: &Tasks) {
        let patience = PATIENCE + self.drain;
        if !tasks.wait(patience).await {
            tracing::warn!(
                "some connections did not end in {} s; they are cut",
                patience.as_secs()
            );
        }
        self.inbox.close().await;
        self.hub.close().await;
        drop(self.router);
        let threads = self.threads;
        let joined =
            tokio::task::spawn_blocking(move || threads.into_iter().all(|thread| thread.join().is_ok()))
                .await;
        if !matches!(joined, Ok(true)) {
            tracing::error!(
                "a thread ended in a panic; acknowledged events are in the inbox and moved on at the next start"
            );
        }
        self.accounts.close().await;
    }
}

/// Where uploads wait; what a process that ended has left is of no use.
fn uploads(data: &DataDir) -> Result<PathBuf> {
    let folder = data.uploads();
    match std::fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => std::fs::create_dir_all(&folder),
    }
    .with_context(|| format!("cannot make the folder {}", folder.display()))?;
    Ok(folder)
}

fn edge(config: &ServeConfig) -> Result<EdgeConfig> {
    let site_root = site_root(config)?;
    let demo = if config.no_demo { Demo::Off } else { Demo::On };
    Ok(EdgeConfig {
        public_url: config.public_url.clone(),
        trusted_proxies: config.trusted_proxies.clone(),
        metrics: config.metrics.into(),
        demo,
        reload_port: config.reload_port,
        import_limit: config.import_limit << 20,
        max_items: config.max_site_items,
        publish_body: config.streams.max_publish_body << 10,
        ..EdgeConfig::new(site_root)
    })
}

/// `site` beside the binary (as `make dist` lays it out), else what cargo-leptos and `make run` build.
fn site_root(config: &ServeConfig) -> Result<PathBuf> {
    if let Some(root) = &config.site_root {
        if !root.join("pkg").is_dir() {
            bail!(
                "{} holds no pkg/: build the dashboard's files with `make run`, or name their directory with --site-root",
                root.display()
            );
        }
        return Ok(root.clone());
    }
    let beside = std::env::current_exe()
        .ok()
        .and_then(|binary| Some(binary.parent()?.join("site")));
    let places = beside.into_iter().chain([PathBuf::from("target/site")]);
    let found = places.into_iter().find(|place| place.join("pkg").is_dir());
    found.context("the dashboard's files are missing: build them with `make run`, or name their directory with --site-root")
}

fn demo_hosts(edge: &EdgeConfig, address: SocketAddr) -> Vec<String> {
    let mut hosts = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    if !address.ip().is_unspecified() && address.is_ipv4() {
        hosts.push(address.ip().to_string());
    }
    hosts.extend(
        edge.public_url
            .as_ref()
            .and_then(|url| url.host().map(str::to_owned)),
    );
    hosts.dedup();
    hosts
}

fn leptos_options(site_root: &std::path::Path, address: SocketAddr) -> LeptosOptions {
    LeptosOptions::builder()
        .output_name("pulsecast")
        .site_root(site_root.display().to_string())
        .site_pkg_dir("pkg")
        .site_addr(address)
        .build()
}

fn log(config: &ServeConfig) -> Result<()> {
    let filter = tracing_subscriber::EnvFilter::try_new(&config.log).with_context(|| {
        format!(
            "`{}` is not a log filter: write one such as info or info,pulsecast_server::ingest=debug",
            config.log
        )
    })?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    let started = match config.log_format {
        LogFormat::Text => builder.try_init(),
        LogFormat::Json => builder.json().try_init(),
    };
    started.map_err(|error| anyhow::anyhow!("the log cannot be started: {error}"))
}

/// The requests to end that an operator or a supervisor may send. Heard from the moment this exists: before, they kill.
struct Ending {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
}

impl Ending {
    #[cfg(unix)]
    fn listen() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Waits for one; says which.
    #[cfg(unix)]
    async fn asked(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }

    #[cfg(not(unix))]
    fn listen() -> std::io::Result<Self> {
        Ok(Self {})
    }

    #[cfg(not(unix))]
    async fn asked(&mut self) -> &'static str {
        match tokio::signal::ctrl_c().await {
            Ok(()) => "ctrl-c",
            // Without signals there is only the hard end, which is safe too.
            Err(_) => std::future::pending().await,
        }
    }
}
