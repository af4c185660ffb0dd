//! The run: which measurements, in which order, how large; and what of them goes into the table.

use crate::{
    http,
    measure::{
        dashboard,
        fanout::{Audience, Pace},
        ingest::{self, Ingest, Until},
        readers, store,
    },
    process::{Place, Program},
    report::{Budget, Report, Unit, seconds},
    traffic::Traffic,
};
use anyhow::{Context, Result};
use clap::Args;
use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

const EMAIL: &str = "bench@example.com";
const PASSWORD: &str = "a password for the bench\n";
/// The site that the server brings along.
const SITE: &str = "demo";
/// Sites of the fan-out: 120 channels of four counts a second are more than is asked for.
const SITES: usize = 120;
/// Sites that ten publications a second are spread over.
const FEW: usize = 5;
/// Publications a second, upwards until the readers hear no more.
const LADDER: [u32; 4] = [100, 200, 300, 400];
/// One in so many of the idle connections opens before memory is read, so that what the first ones bring with them is not the others'.
const EARLY: usize = 20;
/// How long visitors who have left are counted, and a little longer.
const GRACE: Duration = Duration::from_secs(7);
/// What 250 ms of gathering, which the dashboard's channel does, make of the slowest of a hundred events.
const GATHER: f64 = 0.2475;

/// What to run.
#[derive(Args, Debug)]
pub struct Options {
    /// The server's binary
    #[arg(long, value_name = "FILE")]
    server: PathBuf,
    /// Directory for the data, on the disk to be measured
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
    /// A tenth of everything: to see that it works, not to measure
    #[arg(long)]
    quick: bool,
    /// Only these: ingest (with the dashboard and the store after it), fanout
    #[arg(long, value_name = "NAME", value_delimiter = ',', default_values_t = ["ingest".to_owned(), "fanout".to_owned()])]
    only: Vec<String>,
}

/// How large it is.
#[derive(Clone, Copy, Debug)]
struct Size {
    floor: Until,
    ingest: Until,
    dashboard: Duration,
    readers: usize,
    idle: usize,
    pace: Duration,
    step: Duration,
}

impl Options {
    fn size(&self) -> Result<Size> {
        let secs = |full: u64, quick: u64| Duration::from_secs(if self.quick { quick } else { full });
        let many = |full: usize| if self.quick { full / 10 } else { full };
        let files = open_files().context("cannot read the limit of open files")?;
        Ok(Size {
            floor: Until {
                events: 2_000_000,
                time: secs(8, 2),
            },
            ingest: Until {
                events: if self.quick { 20_000 } else { 1_000_000 },
                time: secs(40, 8),
            },
            dashboard: secs(20, 4),
            readers: many(1000),
            idle: many(5000).min(files.saturating_sub(200)),
            pace: secs(8, 3),
            step: secs(4, 2),
        })
    }
}

/// Measures and prints.
pub async fn run(options: &Options) -> Result<()> {
    let size = options.size()?;
    let mut report = Report::default();
    let machine = machine(&options.dir)?;
    let wanted = |name: &str| options.only.iter().any(|only| only == name);
    // What was measured before something went wrong is worth printing, and the other half worth measuring.
    let mut outcome = Ok(());
    if wanted("ingest") {
        outcome = events(options, size, &mut report).await;
    }
    if wanted("fanout") {
        outcome = push(options, size, &mut report).await.and(outcome);
    }
    println!("\n{machine}\n");
    report.print();
    outcome
}

/// Ingest, what a dashboard sees of it, and the store that is left.
async fn events(options: &Options, size: Size, report: &mut Report) -> Result<()> {
    let traffic = Arc::new(Traffic::new());
    eprintln!("bench: the floor of ingest…");
    let floor = ingest::measure(&Program::floor("ingest")?, &traffic, size.floor).await?;

    let place = Place::new(&options.server, &options.dir, "events")?;
    let load = place.load_time()?;
    let token = account(&place)?;
    let server = place.serve()?;
    eprintln!("bench: ingest…");
    let done = ingest::measure(&server, &traffic, size.ingest).await?;
    report.ingest(&done, &floor);
    confirm(&server, done.acknowledged, report).await?;

    eprintln!("bench: events to a dashboard…");
    let rate = 1000;
    match dashboard::measure(&server, &token, &traffic, rate, size.dashboard).await {
        Ok(seen) => {
            let [p50, p99] = [50.0, 99.0].map(|percent| seconds(seen.lag.percentile(percent)));
            report.add(
                "event sent → on a dashboard, 1,000/s: median",
                Unit::Time,
                p50,
                Some(0.125),
                Budget::None,
            );
            report.add(
                "event sent → on a dashboard, 1,000/s: p99",
                Unit::Time,
                p99,
                Some(GATHER),
                Budget::AtMost(0.25),
            );
            let kib = seen.bytes / seen.changes.max(1) / 1024;
            report.remark(format!(
                "dashboard: {} events in {} changes of {kib} KiB",
                seen.sent, seen.changes
            ));
        }
        Err(error) => report.remark(format!("dashboard: not measured: {error:#}")),
    }
    let peak = server.usage()?.peak;
    server.end().with_context(|| place.log())?;
    let events = done.acknowledged as f64 + (rate * usize::try_from(size.dashboard.as_secs())?) as f64;
    let bytes = place.store_bytes() as f64 / events * 1e6;
    report.add(
        "store, bytes per million events",
        Unit::Bytes,
        bytes,
        None,
        Budget::AtMost(50e6),
    );

    eprintln!("bench: starting on that store…");
    let start = store::measure(&place).await?;
    report.add(
        "start to serving on that store",
        Unit::Time,
        seconds(start.took),
        Some(seconds(load)),
        Budget::AtMost(1.0),
    );
    report.add(
        "resident memory, idle on that store",
        Unit::Bytes,
        start.resident as f64,
        None,
        Budget::AtMost(80e6),
    );
    report.remark(format!(
        "that store holds {events:.0} events; the floor of starting is `pulsecast --version`"
    ));
    report.remark(format!(
        "resident memory after ingest and dashboard: {:.0} MB at most",
        peak as f64 / 1e6
    ));
    Ok(())
}

impl Report {
    fn ingest(&mut self, done: &Ingest, floor: &Ingest) {
        let times = |ingest: &Ingest| [50.0, 99.0].map(|percent| seconds(ingest.latency.percentile(percent)));
        let ([p50, p99], [floor50, floor99]) = (times(done), times(floor));
        self.add(
            "ingest: events/s acknowledged",
            Unit::Count,
            done.per_second,
            Some(floor.per_second),
            Budget::AtLeast(40e3),
        );
        self.add(
            "ingest: server CPU per event",
            Unit::Time,
            seconds(done.cpu),
            Some(seconds(floor.cpu)),
            Budget::AtMost(25e-6),
        );
        self.add(
            "ingest: latency, median",
            Unit::Time,
            p50,
            Some(floor50),
            Budget::None,
        );
        self.add(
            "ingest: latency, p99",
            Unit::Time,
            p99,
            Some(floor99),
            Budget::AtMost(0.01),
        );
        self.add(
            "ingest: resident memory at most",
            Unit::Bytes,
            done.peak as f64,
            Some(floor.peak as f64),
            Budget::None,
        );
        let threads = done
            .threads
            .iter()
            .map(|(name, used)| format!("{name} {:.1} µs", seconds(*used) * 1e6));
        self.remark(format!(
            "ingest: of that processor time, by thread: {}",
            threads.collect::<Vec<_>>().join(", ")
        ));
        if done.refused + floor.refused > 0 {
            self.remark(format!(
                "ingest: {} events were answered 503 and not counted",
                done.refused
            ));
        }
    }
}

/// The server has to have counted what it said that it took.
async fn confirm(server: &Program, acknowledged: u64, report: &mut Report) -> Result<()> {
    let (_, metrics) = http::get(server.address, "/metrics").await?;
    let outcome = |line: &str| {
        line.strip_prefix("pulsecast_events_total{outcome=\"")
            .map(str::to_owned)
    };
    let outcomes: Vec<String> = metrics.lines().filter_map(outcome).collect();
    let accepted = outcomes
        .iter()
        .find_map(|line| line.strip_prefix("accepted\"}")?.trim().parse::<u64>().ok());
    if accepted == Some(acknowledged) {
        report.remark(format!(
            "ingest: all {acknowledged} acknowledged events were accepted, by the server's own count"
        ));
    } else {
        report.remark(format!(
            "ingest: {acknowledged} events were acknowledged, but the server counts {}",
            outcomes.join(", ")
        ));
    }
    Ok(())
}

/// Readers: what they cost when nothing happens, how fast they hear, and how many can be told.
async fn push(options: &Options, size: Size, report: &mut Report) -> Result<()> {
    let place = Place::new(&options.server, &options.dir, "push")?;
    eprintln!("bench: making {SITES} sites…");
    let token = account(&place)?;
    for site in 0..SITES {
        let name = readers::channel(site);
        place.tell(&["site", "add", name.trim_start_matches("online:")], "")?;
    }
    let server = place.serve()?;
    let floor = Program::floor("fanout")?;

    eprintln!("bench: idle connections and ten publications a second…");
    let (cost, pace) = few(&server, Some(&token), size)
        .await
        .with_context(|| place.log())?;
    let (floor_cost, floor_pace) = few(&floor, None, size).await?;
    let what = format!("idle connection, of {}: resident memory", size.idle);
    report.add(what, Unit::Bytes, cost, Some(floor_cost), Budget::AtMost(8192.0));
    report.pace(size.idle, 10, &pace, &floor_pace, Budget::AtMost(0.04));

    eprintln!("bench: fan-out…");
    tokio::time::sleep(GRACE).await;
    let (slow, best) = ladder(&server, Some(&token), size, report)
        .await
        .with_context(|| place.log())?;
    let (floor_slow, floor_best) = ladder(&floor, None, size, report).await?;
    report.pace(size.readers, 10, &slow, &floor_slow, Budget::None);
    let what = format!("fan-out to {} readers: deliveries/s", size.readers);
    report.add(
        what,
        Unit::Count,
        best.deliveries,
        Some(floor_best.deliveries),
        Budget::AtLeast(300e3),
    );
    report.add(
        "fan-out: server CPU per delivery",
        Unit::Time,
        seconds(best.cpu),
        Some(seconds(floor_best.cpu)),
        Budget::AtMost(4.5e-6),
    );
    server.end().with_context(|| place.log())
}

impl Report {
    fn pace(&mut self, readers: usize, rate: u32, pace: &Pace, floor: &Pace, budget: Budget) {
        let what = format!("{rate} publications/s to {readers} readers");
        self.add(
            format!("{what}: median"),
            Unit::Time,
            seconds(pace.median),
            Some(seconds(floor.median)),
            Budget::None,
        );
        self.add(
            format!("{what}: p99"),
            Unit::Time,
            seconds(pace.p99),
            Some(seconds(floor.p99)),
            budget,
        );
        if pace.share < 0.999 {
            self.remark(format!(
                "{what}: {:.1} % arrived, newer counts replaced the others",
                pace.share * 100.0
            ));
        }
    }
}

/// Many connections: bytes of each when idle, and how fast they hear ten publications a second.
async fn few(program: &Program, token: Option<&str>, size: Size) -> Result<(f64, Pace)> {
    let channels: Vec<String> = (0..FEW).map(readers::channel).collect();
    let early = size.idle / EARLY;
    let mut sockets = readers::open(program.address, token, &channels[..1], early).await?;
    let before = settled(program).await?;
    sockets.extend(readers::open(program.address, token, &channels[..1], size.idle - early).await?);
    let cost = (settled(program).await? - before) / (size.idle - early) as f64;
    if token.is_some() {
        for socket in &mut sockets {
            readers::subscribe(socket, &channels[1..]).await?;
        }
    }
    let pace = Audience::new(program, token, sockets, FEW)
        .await?
        .hear(program, 10, size.pace)
        .await?;
    Ok((cost, pace))
}

/// A thousand readers: ten publications a second, then more and more. Gives the first pace and the one with the most deliveries.
async fn ladder(
    program: &Program,
    token: Option<&str>,
    size: Size,
    report: &mut Report,
) -> Result<(Pace, Pace)> {
    let channels: Vec<String> = (0..SITES).map(readers::channel).collect();
    let sockets = readers::open(program.address, token, &channels, size.readers).await?;
    let mut audience = Audience::new(program, token, sockets, SITES).await?;
    let slow = audience.hear(program, 10, size.pace).await?;
    let mut best = slow;
    for rate in LADDER {
        let pace = audience.hear(program, rate, size.step).await?;
        report.remark(format!(
            "{} at {rate} publications/s: {:.0} thousand deliveries/s ({:.0} % of those due), {:.1} µs CPU each, median {:.0} ms, p99 {:.0} ms",
            if token.is_some() { "fan-out" } else { "its floor" },
            pace.deliveries / 1e3,
            pace.share * 100.0,
            pace.cpu.as_secs_f64() * 1e6,
            pace.median.as_secs_f64() * 1e3,
            pace.p99.as_secs_f64() * 1e3,
        ));
        if pace.deliveries > best.deliveries {
            best = pace;
        }
    }
    Ok((slow, best))
}

/// Resident memory once it no longer moves: freed pages go back to the system with some delay.
async fn settled(program: &Program) -> Result<f64> {
    let mut last = program.usage()?.resident as f64;
    for _ in 0..12 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let now = program.usage()?.resident as f64;
        if (now - last).abs() < last * 0.002 {
            return Ok(now);
        }
        last = now;
    }
    Ok(last)
}

/// An account, and a token with which programs read its dashboards.
fn account(place: &Place) -> Result<String> {
    place.tell(&["user", "add", EMAIL, "--password-stdin"], PASSWORD)?;
    place.tell(&["member-token", "--user", EMAIL], "")
}

/// What it ran on, and how long this disk takes to keep something for good.
fn machine(dir: &Path) -> Result<String> {
    let cpus = std::thread::available_parallelism()?;
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or("unknown", |(_, model)| model);
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or_default();
    let path = dir.join("fsync");
    let mut file = fs::File::create(&path)?;
    let mut times = Vec::new();
    for _ in 0..200 {
        file.write_all(&[0; 4096])?;
        let began = Instant::now();
        file.sync_data()?;
        times.push(began.elapsed());
    }
    times.sort();
    fs::remove_file(path)?;
    Ok(format!(
        "{cpus} × {model}, load {load} at the start, fdatasync {:.2} ms, site `{SITE}`",
        times[100].as_secs_f64() * 1e3
    ))
}

/// How many files a process may have open.
fn open_files() -> Option<usize> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}
