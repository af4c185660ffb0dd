//! Live queries over months of history while events come in: a thousand readers of one query, and two hundred of twenty different ones.
//! How often the server evaluates, what that takes, and how long an event takes to readers' sockets.
//!
//! A marked event is sent a few times a second; one of the queries counts them, and how many it counts says which have arrived.

use super::{readers::follow, stats::Load};
use crate::{
    generate::{EMAIL, SITE},
    histogram::Histogram,
    http::Client,
    process::{Place, Program},
    report::{Budget, Report, Unit, seconds},
    socket::Socket,
    traffic::Traffic,
};
use anyhow::{Context, Result, bail};
use clap::Args;
use pulsecast_protocol::{stats::LiveResult, wire::Reply};
use serde_json::{Value, json};
use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};
use tokio::task::JoinSet;

/// Connections that are opened at a time.
const AT_A_TIME: usize = 32;
/// Milliseconds between two marked events.
const MARK_EVERY: u64 = 100;
/// How long the last marks may take to arrive.
const TAIL: Duration = Duration::from_secs(5);
/// Before it counts.
const WARM: Duration = Duration::from_secs(3);

/// What to measure.
#[derive(Args, Debug)]
pub struct Options {
    /// The data directory that `generate` made
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The server's binary; without it, the one beside this program
    #[arg(long, value_name = "FILE")]
    server: Option<PathBuf>,
    /// Events a second, one measurement each
    #[arg(long, value_delimiter = ',', default_values_t = [50, 500])]
    rates: Vec<usize>,
    /// How long each measurement takes
    #[arg(long, default_value_t = 30)]
    seconds: u64,
    /// Before it begins, wait so many seconds: for the server to sum up days in the background
    #[arg(long, default_value_t = 0, value_name = "SECONDS")]
    settle: u64,
    /// More for the server's command line
    #[arg(long, value_name = "FLAGS", allow_hyphen_values = true, value_delimiter = ' ')]
    flags: Vec<String>,
}

/// Measures and prints.
pub async fn run(options: &Options) -> Result<()> {
    let beside = || Ok::<_, anyhow::Error>(std::env::current_exe()?.with_file_name("pulsecast"));
    let binary = options.server.clone().map_or_else(beside, Ok)?;
    let place = Place::at(&binary, &options.data)?;
    let token = place.tell(&["member-token", "--user", EMAIL], "")?;
    let server = place.serve_with(&options.flags)?;
    tokio::time::sleep(Duration::from_secs(options.settle)).await;
    let mut report = Report::default();
    let marks = Marks::new();
    for &rate in &options.rates {
        let load = Load::start(&server, rate).await?;
        let time = Duration::from_secs(options.seconds);
        let idle = Window::of(&server, time / 3).await?;
        report.remark(format!(
            "{rate} events/s and no reader: the server takes {:.2} of a processor",
            idle.cpu
        ));
        for (what, queries, readers) in [
            ("1,000 readers of one query", 1, 1_000),
            ("200 readers of 20 queries", 20, 200),
        ] {
            eprintln!("bench: {what}, {rate} events/s…");
            let audience = Audience::gather(&server, &token, &marks, queries, readers).await?;
            let seen = audience
                .measure(&server, &marks, time)
                .await
                .with_context(|| place.log())?;
            seen.report(&format!("{what}, {rate} events/s"), &idle, &mut report);
        }
        let (sent, refused) = load.end().await?;
        report.remark(format!("{rate} events/s: {sent} came in, {refused} were refused"));
    }
    server.end().with_context(|| place.log())?;
    report.print();
    Ok(())
}

/// When each marked event was sent.
struct Marks {
    began: Instant,
    /// Of this run: other runs over the same directory have marked events of their own.
    name: String,
    times: Vec<AtomicU64>,
    sent: AtomicU64,
}

impl Marks {
    fn new() -> Arc<Self> {
        let unique = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap_or_default();
        Arc::new(Self {
            began: Instant::now(),
            name: format!("mark-{}", unique.as_millis()),
            times: (0..100_000).map(|_| AtomicU64::new(0)).collect(),
            sent: AtomicU64::new(0),
        })
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// Sends the next one and waits until it is accepted, so that they are stored in this order.
    async fn send(&self, client: &mut Client, traffic: &Traffic) -> Result<()> {
        let n = self.sent.load(Relaxed);
        let index = usize::try_from(n)?;
        let body = json!({ "n": self.name, "d": SITE, "u": format!("https://{SITE}/marked") });
        let request = traffic.event(index, &body.to_string());
        self.times
            .get(index)
            .context("more marks than there is room for")?
            .store(self.now(), Relaxed);
        match client.send(&request).await? {
            202 => self.sent.store(n + 1, Relaxed),
            status => bail!("a marked event was answered with {status}"),
        }
        Ok(())
    }

    fn query(&self) -> Value {
        json!({
            "site_id": SITE,
            "metrics": ["events"],
            "date_range": "day",
            "filters": [["is", "event:name", [self.name]]],
        })
    }
}

/// What a dashboard asks, over today and over thirty days; the first is the one that counts marks.
fn queries(marks: &Marks, count: usize) -> Vec<Value> {
    let panels: [(&[&str], &[&str]); 10] = [
        (
            &[
                "visitors",
                "visits",
                "pageviews",
                "views_per_visit",
                "bounce_rate",
                "visit_duration",
            ],
            &[],
        ),
        (&["visitors"], &["time"]),
        (&["visitors"], &["event:page"]),
        (&["visitors"], &["visit:entry_page"]),
        (&["visitors"], &["visit:source"]),
        (&["visitors"], &["visit:channel"]),
        (&["visitors"], &["visit:country"]),
        (&["visitors"], &["visit:device"]),
        (&["visitors"], &["visit:browser"]),
        (&["visitors"], &["visit:os"]),
    ];
    let asked = ["day", "30d"].into_iter().flat_map(|range| {
        panels.map(|(metrics, dimensions)| {
            json!({
                "site_id": SITE,
                "metrics": metrics,
                "dimensions": dimensions,
                "date_range": range,
                "pagination": { "limit": if dimensions == ["time"] { 100 } else { 9 } },
            })
        })
    });
    std::iter::once(marks.query()).chain(asked).take(count).collect()
}

/// Sockets, each following one query.
struct Audience {
    /// Those of the query that counts marks come first.
    sockets: Vec<(Socket, bool)>,
}

impl Audience {
    async fn gather(
        server: &Program,
        token: &str,
        marks: &Marks,
        distinct: usize,
        readers: usize,
    ) -> Result<Self> {
        let queries = queries(marks, distinct);
        let mut sockets = Vec::with_capacity(readers);
        while sockets.len() < readers {
            let mut opening = JoinSet::new();
            for n in sockets.len()..readers.min(sockets.len() + AT_A_TIME) {
                let (address, token) = (server.address, token.to_owned());
                let query = queries[n % distinct].to_string();
                opening.spawn(async move {
                    let channel = format!("query:{SITE}:q{}", n % distinct);
                    let socket = follow(address, &token, &channel, &query).await?;
                    Ok::<_, anyhow::Error>((socket, n % distinct == 0))
                });
            }
            while let Some(socket) = opening.join_next().await {
                sockets.push(socket??);
            }
        }
        Ok(Self { sockets })
    }

    async fn measure(self, server: &Program, marks: &Arc<Marks>, time: Duration) -> Result<Seen> {
        let heard = Arc::new(Heard {
            lag: Histogram::default(),
            pushes: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            counts: AtomicBool::new(false),
        });
        let mut listening = JoinSet::new();
        for (socket, counting) in self.sockets {
            listening.spawn(listen(socket, counting, marks.clone(), heard.clone()));
        }
        let traffic = Traffic::of(SITE, &format!("https://{SITE}"));
        let mut client = Client::open(server.address).await?;
        let mut pace = tokio::time::interval(Duration::from_millis(MARK_EVERY));
        let mark_for = async |client: &mut Client, pace: &mut tokio::time::Interval, time: Duration| {
            let until = Instant::now() + time;
            while Instant::now() < until {
                pace.tick().await;
                marks.send(client, &traffic).await?;
            }
            Ok::<_, anyhow::Error>(())
        };
        mark_for(&mut client, &mut pace, WARM).await?;
        heard.counts.store(true, Relaxed);
        let before = Reading::of(server).await?;
        mark_for(&mut client, &mut pace, time).await?;
        let window = before.until(&Reading::of(server).await?);
        tokio::time::sleep(TAIL).await;
        heard.counts.store(false, Relaxed);
        if let Some(ended) = listening.try_join_next() {
            ended??;
        }
        listening.abort_all();
        Ok(Seen { window, heard })
    }
}

/// What readers have heard, all together.
struct Heard {
    lag: Histogram,
    pushes: AtomicU64,
    bytes: AtomicU64,
    counts: AtomicBool,
}

async fn listen(mut socket: Socket, counting: bool, marks: Arc<Marks>, heard: Arc<Heard>) -> Result<()> {
    // What was marked before it began to listen is not this reader's news.
    let mut arrived = usize::try_from(marks.sent.load(Relaxed))?;
    loop {
        let message = socket.next().await?;
        let now = marks.now();
        let mut pinged = false;
        for line in message.split(|byte| *byte == b'\n') {
            if line == b"{}" {
                pinged = true;
                continue;
            }
            let counts = heard.counts.load(Relaxed);
            if counts {
                heard.pushes.fetch_add(1, Relaxed);
                heard.bytes.fetch_add(line.len() as u64, Relaxed);
            }
            if !counting {
                continue;
            }
            let Some(count) = count(line)? else { continue };
            for sent in marks.times.iter().take(count).skip(arrived) {
                if counts {
                    heard
                        .lag
                        .record(Duration::from_nanos(now.saturating_sub(sent.load(Relaxed))));
                }
            }
            arrived = arrived.max(count);
        }
        if pinged {
            socket.send("{}").await?;
        }
    }
}

/// How many marked events a push counts.
fn count(line: &[u8]) -> Result<Option<usize>> {
    let reply: Reply = serde_json::from_slice(line).context("a message that is not the protocol's")?;
    let Some(publication) = reply.push.and_then(|push| push.publication) else {
        return Ok(None);
    };
    let result: LiveResult = serde_json::from_str(publication.data.get())?;
    if let Some(error) = result.error {
        eprintln!("bench: readers were told: {error}");
    }
    let first = result.rows.first().and_then(|row| row.metrics.first());
    Ok(first
        .and_then(pulsecast_protocol::stats::MetricValue::number)
        .map(|n| n as usize))
}

/// The server's own figures at a moment.
struct Reading {
    at: Instant,
    cpu: Duration,
    evaluations: f64,
    unchanged: f64,
    failed: f64,
    evaluating: f64,
}

/// And between two.
struct Window {
    time: f64,
    cpu: f64,
    evaluations: f64,
    unchanged: f64,
    failed: f64,
    evaluating: f64,
}

impl Window {
    async fn of(server: &Program, time: Duration) -> Result<Self> {
        let before = Reading::of(server).await?;
        tokio::time::sleep(time).await;
        Ok(before.until(&Reading::of(server).await?))
    }
}

impl Reading {
    async fn of(server: &Program) -> Result<Self> {
        let mut client = Client::open(server.address).await?;
        let request = b"GET /metrics HTTP/1.1\r\nhost: localhost\r\n\r\n";
        let (status, text) = client.ask(request).await?;
        if status != 200 {
            bail!("/metrics answers {status}");
        }
        let text = String::from_utf8_lossy(text).into_owned();
        let sum = |name: &str, has: &str| -> f64 {
            text.lines()
                .filter(|line| line.starts_with(name) && line.contains(has))
                .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
                .sum()
        };
        let evaluations = "pulsecast_live_query_evaluations_total{";
        Ok(Self {
            at: Instant::now(),
            cpu: server.usage()?.cpu,
            evaluations: sum(evaluations, r#"turn="again""#),
            unchanged: sum(evaluations, r#"outcome="unchanged""#),
            failed: sum(evaluations, r#"outcome="failed""#),
            evaluating: sum("pulsecast_live_query_seconds_sum{", r#"turn="again""#),
        })
    }

    fn until(&self, later: &Self) -> Window {
        let time = (later.at - self.at).as_secs_f64();
        let rate = |before: f64, after: f64| (after - before) / time;
        Window {
            time,
            cpu: rate(self.cpu.as_secs_f64(), later.cpu.as_secs_f64()),
            evaluations: rate(self.evaluations, later.evaluations),
            unchanged: rate(self.unchanged, later.unchanged),
            failed: rate(self.failed, later.failed),
            evaluating: rate(self.evaluating, later.evaluating),
        }
    }
}

/// What came of a measurement.
struct Seen {
    window: Window,
    heard: Arc<Heard>,
}

impl Seen {
    fn report(&self, what: &str, idle: &Window, report: &mut Report) {
        let Self { window, heard } = self;
        for percent in [50.0, 99.0] {
            report.add(
                format!("{what}: event → push, p{percent}"),
                Unit::Time,
                seconds(heard.lag.percentile(percent)),
                None,
                Budget::None,
            );
        }
        report.add(
            format!("{what}: evaluations/s"),
            Unit::Count,
            window.evaluations,
            None,
            Budget::None,
        );
        report.remark(format!(
            "{what}: {:.2} evaluations/s of {:.1} ms ({:.2} unchanged/s, {:.2} failed/s): {:.1} % of the time is spent on evaluating; \
             {:.0} pushes/s of {:.0} bytes on average; the server takes {:.2} of a processor ({:+.2} for the readers); {} arrivals of marked events",
            window.evaluations,
            window.evaluating / window.evaluations.max(1e-9) * 1e3,
            window.unchanged,
            window.failed,
            window.evaluating * 100.0,
            heard.pushes.load(Relaxed) as f64 / (window.time + TAIL.as_secs_f64()),
            heard.bytes.load(Relaxed) as f64 / heard.pushes.load(Relaxed).max(1) as f64,
            window.cpu,
            window.cpu - idle.cpu,
            heard.lag.count(),
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_as_many_different_queries_as_are_asked_for() {
        let marks = Marks::new();
        let texts: std::collections::BTreeSet<String> =
            queries(&marks, 20).iter().map(Value::to_string).collect();
        assert_eq!(texts.len(), 20);
    }

    #[test]
    fn a_push_says_how_many_it_counts() {
        let push = br#"{"push":{"channel":"query:a.com:q0","pub":{"data":{"version":3,"from":2,"len":1,"rows":[{"i":0,"metrics":[41]}]}}}}"#;
        assert_eq!(count(push).unwrap(), Some(41));
    }
}
