//! Settings of `serve`: flags and `PULSECAST_*` environment alike. Every limit is here, with its default.

mod exports;
mod streams;

pub use exports::Exports;
pub use streams::Streams;

use crate::{
    fetch::TrustedHost,
    http::{PublicUrl, config::MetricsFor},
    stats::rollup::Switch,
};
use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use ipnet::IpNet;
use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
};

/// Where everything that has to survive is kept.
#[derive(Args, Clone, Debug)]
pub struct DataDir {
    /// Directory of accounts, inbox and events; made when missing
    #[arg(
        long = "data",
        env = "PULSECAST_DATA",
        default_value = "data",
        value_name = "DIR"
    )]
    pub path: PathBuf,
}

impl DataDir {
    /// The durable inbox.
    #[must_use]
    pub fn inbox(&self) -> PathBuf {
        self.path.join("inbox.sqlite")
    }

    /// Feeds and rooms.
    #[must_use]
    pub fn streams(&self) -> PathBuf {
        self.path.join("streams.sqlite")
    }

    /// The event store.
    #[must_use]
    pub fn events(&self) -> PathBuf {
        self.path.join("events.duckdb")
    }

    /// Files that are being imported; emptied when the server starts.
    #[must_use]
    pub fn uploads(&self) -> PathBuf {
        self.path.join("uploads")
    }

    /// Files that are being downloaded; emptied when the server starts.
    #[must_use]
    pub fn exports(&self) -> PathBuf {
        self.path.join("exports")
    }

    /// Holds the address of the server that runs on this directory, for commands beside it.
    #[must_use]
    pub fn serving(&self) -> PathBuf {
        self.path.join("serving")
    }

    /// Makes the directory, for its owner only: it holds the key of today's visitor hashes.
    ///
    /// # Errors
    /// One line that says what to do.
    pub fn make(&self) -> Result<()> {
        let path = &self.path;
        if !path.is_dir() {
            let mut builder = std::fs::DirBuilder::new();
            builder.recursive(true);
            #[cfg(unix)]
            std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
            builder.create(path).with_context(|| {
                format!(
                    "cannot make the data directory {}: name a place that this user may write to with --data",
                    path.display()
                )
            })?;
        }
        std::fs::read_dir(path).map(drop).with_context(|| {
            format!(
                "cannot read the data directory {}: give it to this user, or name another with --data",
                path.display()
            )
        })
    }
}

/// Who may read `/metrics`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum MetricsAccess {
    /// Programs on this machine
    Loopback,
    /// Everybody who reaches the port
    Everybody,
}

impl From<MetricsAccess> for MetricsFor {
    fn from(access: MetricsAccess) -> Self {
        match access {
            MetricsAccess::Loopback => Self::Loopback,
            MetricsAccess::Everybody => Self::Everybody,
        }
    }
}

/// How the log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people
    Text,
    /// For collectors, one object a line
    Json,
}

/// A network, or one address: `10.0.0.0/8`, `192.0.2.1`.
fn network(text: &str) -> Result<IpNet, String> {
    let text = text.trim();
    let one = || text.parse::<IpAddr>().map(IpNet::from);
    text.parse::<IpNet>()
        .or_else(|_| one())
        .map_err(|_| "write a network such as 10.0.0.0/8, or an address".to_owned())
}

/// Settings of `pulsecast serve`.
#[derive(Args, Clone, Debug)]
pub struct ServeConfig {
    /// Address to listen on; port 0 takes a free one
    #[arg(
        long,
        env = "PULSECAST_ADDR",
        default_value = "127.0.0.1:3000",
        value_name = "IP:PORT"
    )]
    pub addr: SocketAddr,

    #[command(flatten)]
    pub data: DataDir,

    /// Address that browsers reach the server at, where that is not what they ask for: https://stats.example.com
    #[arg(long, env = "PULSECAST_PUBLIC_URL", value_name = "URL")]
    pub public_url: Option<PublicUrl>,

    /// Reverse proxies whose X-Forwarded-For and Forwarded are believed
    #[arg(long, env = "PULSECAST_TRUSTED_PROXIES", value_delimiter = ',', value_parser = network, value_name = "CIDR,…")]
    pub trusted_proxies: Vec<IpNet>,

    /// Databases of regions and cities in MaxMind's format (.mmdb), asked in turn; without one both stay unknown
    #[arg(
        long,
        env = "PULSECAST_CITY_DATABASE",
        value_delimiter = ',',
        value_name = "FILE,…"
    )]
    pub city_database: Vec<PathBuf>,

    /// Directory of the dashboard's files [default: `site` beside the binary, else target/site]
    #[arg(long, env = "PULSECAST_SITE_ROOT", value_name = "DIR")]
    pub site_root: Option<PathBuf>,

    /// Do not make the demo site or serve /demo
    #[arg(long, env = "PULSECAST_NO_DEMO")]
    pub no_demo: bool,

    /// Who may read /metrics
    #[arg(long, env = "PULSECAST_METRICS", value_enum, default_value = "loopback")]
    pub metrics: MetricsAccess,

    /// HTTP connections at a time, sockets included; more wait in the system's queue
    #[arg(
        long,
        env = "PULSECAST_MAX_CONNECTIONS",
        default_value_t = 25_000,
        value_name = "N"
    )]
    pub max_connections: usize,

    /// Push connections at a time; more are refused with 503
    #[arg(
        long,
        env = "PULSECAST_MAX_SOCKETS",
        default_value_t = 20_000,
        value_name = "N"
    )]
    pub max_sockets: usize,

    /// Push connections at a time from one address, this machine's excepted
    #[arg(
        long,
        env = "PULSECAST_MAX_SOCKETS_PER_IP",
        default_value_t = 200,
        value_name = "N"
    )]
    pub max_sockets_per_ip: usize,

    /// Time over which push connections are told to come back when the server goes down, so that they do not come all at once
    #[arg(long, env = "PULSECAST_DRAIN", default_value_t = 2, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(..=60))]
    pub drain: u64,

    /// Long polls that wait for news at a time; more are refused with 503
    #[arg(long, env = "PULSECAST_MAX_POLLS", default_value_t = 5_000, value_name = "N")]
    pub max_polls: usize,

    /// How long a poll waits for news before it is answered with none
    #[arg(long, env = "PULSECAST_POLL_WAIT", default_value_t = 25, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=120))]
    pub poll_wait: u64,

    /// Different live queries at a time; the dashboards of more are shown as they were loaded
    #[arg(long, env = "PULSECAST_LIVE_QUERIES", default_value_t = 500, value_name = "N")]
    pub live_queries: usize,

    /// Live queries of one push connection
    #[arg(
        long,
        env = "PULSECAST_LIVE_QUERIES_PER_SOCKET",
        default_value_t = 32,
        value_name = "N"
    )]
    pub live_queries_per_socket: usize,

    /// Rows of a live query's answer; more are not streamed
    #[arg(
        long,
        env = "PULSECAST_LIVE_QUERY_ROWS",
        default_value_t = 1_000,
        value_name = "ROWS"
    )]
    pub live_query_rows: u32,

    /// How long bringing a live query's answer up to date may take; beyond, it stays as it is for a while
    #[arg(
        long,
        env = "PULSECAST_LIVE_QUERY_TIMEOUT",
        default_value_t = 2,
        value_name = "SECONDS"
    )]
    pub live_query_timeout: u64,

    /// Acknowledged events held in memory until the event store has them; beyond, events are answered with 503
    #[arg(
        long,
        env = "PULSECAST_MAX_BACKLOG",
        default_value_t = 200_000,
        value_name = "EVENTS"
    )]
    pub max_backlog: usize,

    /// Events of the last half hour kept in memory for a site's live page; beyond, the oldest leave it early
    #[arg(
        long,
        env = "PULSECAST_MAX_WINDOW",
        default_value_t = 200_000,
        value_name = "EVENTS"
    )]
    pub max_window: usize,

    /// Pages of a site that visitors can be counted on one by one at a time; beyond, a page's counter stays empty and the site's goes on
    #[arg(
        long,
        env = "PULSECAST_MAX_ONLINE_PAGES",
        default_value_t = 10_000,
        value_name = "PAGES"
    )]
    pub max_online_pages: usize,

    /// Requests a minute with one API key; more are answered with 429
    #[arg(long, env = "PULSECAST_API_RATE", default_value_t = crate::auth::key::RATE, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub api_rate: u32,

    /// Most goals of a site, and as many funnels, segments, shared links, members
    #[arg(
        long,
        env = "PULSECAST_MAX_SITE_ITEMS",
        default_value_t = 200,
        value_name = "N"
    )]
    pub max_site_items: usize,

    /// Items of its feed that a page gets when it opens
    #[arg(
        long,
        env = "PULSECAST_FEED_BACKLOG",
        default_value_t = 20,
        value_name = "ITEMS"
    )]
    pub feed_backlog: usize,

    /// Items of a site's feed that are kept, drafts and those that are over included; beyond, the oldest make room
    #[arg(
        long,
        env = "PULSECAST_FEED_ITEMS",
        default_value_t = 2_000,
        value_name = "ITEMS",
        value_parser = clap::value_parser!(u32).range(1..)
    )]
    pub feed_items: u32,

    #[command(flatten)]
    pub streams: Streams,

    #[command(flatten)]
    pub exports: Exports,

    /// Days after which entries of the audit trail are deleted
    #[arg(
        long,
        env = "PULSECAST_AUDIT_DAYS",
        default_value_t = 400,
        value_name = "DAYS"
    )]
    pub audit_days: u32,

    /// Memory limit of the event store's engine; it may go 50 % above, and uses up to twice as much disk for what does not fit
    #[arg(
        long,
        env = "PULSECAST_STORE_MEMORY",
        default_value_t = 1024,
        value_name = "MiB"
    )]
    pub store_memory: u32,

    /// Threads of the event store's engine
    #[arg(long, env = "PULSECAST_STORE_THREADS", default_value_t = 2, value_name = "N")]
    pub store_threads: u32,

    /// Time that a question about history may take, waiting for its turn included; then it is cancelled
    #[arg(
        long,
        env = "PULSECAST_QUERY_TIMEOUT",
        default_value_t = 10,
        value_name = "SECONDS"
    )]
    pub query_timeout: u64,

    /// Questions about history answered at a time
    #[arg(
        long,
        env = "PULSECAST_QUERY_CONCURRENCY",
        default_value_t = 4,
        value_name = "N"
    )]
    pub query_concurrency: usize,

    /// Whether days that are over are summed up in the background, which keeps long periods fast: on or off
    #[arg(long, env = "PULSECAST_ROLLUPS", value_enum, default_value_t = Switch::On)]
    pub rollups: Switch,

    /// Questions about history that wait for their turn; more are refused with 503
    #[arg(long, env = "PULSECAST_QUERY_QUEUE", default_value_t = 256, value_name = "N")]
    pub query_queue: usize,

    /// Age that the figures of visits still going on may have in answers
    #[arg(
        long,
        env = "PULSECAST_QUERY_FRESHNESS",
        default_value_t = 250,
        value_name = "MILLISECONDS"
    )]
    pub query_freshness: u32,

    /// Connections in one room at a time; more are told that it is full
    #[arg(
        long,
        env = "PULSECAST_ROOM_MEMBERS",
        default_value_t = 5_000,
        value_name = "N"
    )]
    pub room_members: u32,

    /// Publications of visitors in one room a second, twice as many at once; more are told to wait
    #[arg(long, env = "PULSECAST_ROOM_RATE", default_value_t = 50, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub room_rate: u32,

    /// Hosts of sites' own servers that may be asked over http and at private addresses, such as localhost:8080 or app.internal
    #[arg(
        long,
        env = "PULSECAST_TRUST_ENDPOINTS",
        value_delimiter = ',',
        value_name = "HOST[:PORT],…"
    )]
    pub trust_endpoints: Vec<TrustedHost>,

    /// Authorities (PEM) whose certificates sites' own servers may have, beside those that browsers know
    #[arg(long, env = "PULSECAST_ENDPOINT_AUTHORITIES", value_name = "FILE")]
    pub endpoint_authorities: Option<PathBuf>,

    /// How long a site's own server may take to say who its visitor is, or which its public keys are
    #[arg(
        long,
        env = "PULSECAST_ENDPOINT_TIMEOUT",
        default_value_t = 5,
        value_name = "SECONDS"
    )]
    pub endpoint_timeout: u64,

    /// Size of its answer
    #[arg(
        long,
        env = "PULSECAST_ENDPOINT_ANSWER",
        default_value_t = 64,
        value_name = "KiB"
    )]
    pub endpoint_answer: usize,

    /// Questions to sites' own servers under way at a time; visitors beyond are asked to try again
    #[arg(
        long,
        env = "PULSECAST_ENDPOINT_CONCURRENCY",
        default_value_t = 64,
        value_name = "N"
    )]
    pub endpoint_concurrency: usize,

    /// How far ahead the end of a visitor token may be; revocations are remembered for as long
    #[arg(
        long,
        env = "PULSECAST_VISITOR_TOKEN_DAYS",
        default_value_t = 31,
        value_name = "DAYS"
    )]
    pub visitor_token_days: u32,

    /// Size of what others in a room are told about a visitor
    #[arg(
        long,
        env = "PULSECAST_VISITOR_INFO",
        default_value_t = 1024,
        value_name = "BYTES"
    )]
    pub visitor_info: usize,

    /// Size of the files that one import takes in through the page or beside the server
    #[arg(
        long,
        env = "PULSECAST_IMPORT_LIMIT",
        default_value_t = 1024,
        value_name = "MiB"
    )]
    pub import_limit: u64,

    /// Where cargo-leptos tells pages to reload; it sets this while it watches
    #[arg(long, env = "LEPTOS_RELOAD_PORT", hide = true)]
    pub reload_port: Option<u16>,

    /// What is logged: error, warn, info, debug, trace, or per module as in `info,pulsecast_server::ingest=debug`
    #[arg(long, env = "PULSECAST_LOG", default_value = "info", value_name = "FILTER")]
    pub log: String,

    /// How the log is written
    #[arg(long, env = "PULSECAST_LOG_FORMAT", value_enum, default_value = "text")]
    pub log_format: LogFormat,
}

/// `pulsecast dev`.
#[derive(Clone, Debug, Args)]
pub struct DevConfig {
    /// The folder
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
    /// Where to listen; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:8000", value_name = "HOST:PORT")]
    pub addr: SocketAddr,
    /// Open it in the browser
    #[arg(long)]
    pub open: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trusted_proxy_is_a_network_or_an_address() {
        assert_eq!(network("192.0.2.1"), network("192.0.2.1/32"));
        assert_eq!(network("::1").unwrap().to_string(), "::1/128");
        assert!(network("localhost").unwrap_err().contains("10.0.0.0/8"));
    }
}
