//! How long a dashboard waits for its panels over months of history, while events come in: each panel alone, seven asked at once, and the
//! whole page. Beside it the floor: counting the same events by the bare engine, and each panel as plain SQL.

use super::page::{self, Looker};
use crate::{
    generate::SITE,
    histogram::Histogram,
    http::Client,
    process::{Place, Program, Usage},
    report::{Budget, Report, Unit, seconds},
    traffic::Traffic,
};
use anyhow::{Context, Result, bail};
use chrono::{Days, Utc};
use clap::Args;
use duckdb::{AccessMode, Config, Connection};
use serde_json::{Value, json};
use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};
use tokio::task::JoinSet;

/// Connections that bring events.
const WRITERS: usize = 8;
/// Times that a floor is measured.
const FLOORS: u32 = 4;
/// Rounds before it counts.
const WARM: usize = 2;

/// What to measure.
#[derive(Args, Debug)]
pub struct Options {
    /// The data directory that `generate` made
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The server's binary; without it, the one beside this program
    #[arg(long, value_name = "FILE")]
    server: Option<PathBuf>,
    /// Days up to today
    #[arg(long, value_delimiter = ',', default_values_t = [30])]
    days: Vec<u64>,
    /// Every panel so often
    #[arg(long, default_value_t = 30)]
    rounds: usize,
    /// Events a second meanwhile
    #[arg(long, default_value_t = 500)]
    rate: usize,
    /// More for the server's command line, such as `--rollups=off`
    #[arg(long, value_name = "FLAGS", allow_hyphen_values = true, value_delimiter = ' ')]
    flags: Vec<String>,
    /// Before it begins, wait so many seconds: for the server to sum up days in the background
    #[arg(long, default_value_t = 0, value_name = "SECONDS")]
    settle: u64,
}

/// A panel: what is asked, and the same in plain SQL (`{v}` and `{e}` are the conditions on visits and events).
struct Panel {
    name: &'static str,
    metrics: &'static [&'static str],
    dimensions: &'static [&'static str],
    sql: &'static str,
    /// Whether it is one of the seven on screen at once.
    is_first: bool,
}

macro_rules! by_visit {
    ($name:literal, $dimension:literal, $column:literal, $first:literal) => {
        Panel {
            name: $name,
            metrics: &["visitors", "percentage"],
            dimensions: &[$dimension],
            sql: concat!(
                "select ",
                $column,
                ", count(distinct visitor) n from visits where {v} group by 1 order by n desc limit 9"
            ),
            is_first: $first,
        }
    };
}

const PANELS: [Panel; 9] = [
    Panel {
        name: "top figures",
        metrics: &[
            "visitors",
            "visits",
            "pageviews",
            "views_per_visit",
            "bounce_rate",
            "visit_duration",
        ],
        dimensions: &[],
        sql: "select count(distinct visitor), count(*), sum(pageviews), count(*) filter (bounce), sum(epoch_ms(last_at) - epoch_ms(start_at)) \
              filter (not bounce), (select count(*) from events where {e} and kind = 'pageview') from visits where {v}",
        is_first: true,
    },
    Panel {
        name: "graph by day",
        metrics: &["visitors"],
        dimensions: &["time:day"],
        sql: "select start_at::date, count(distinct visitor) from visits where {v} group by 1 order by 1",
        is_first: true,
    },
    Panel {
        name: "pages",
        metrics: &["visitors", "percentage"],
        dimensions: &["event:page"],
        sql: "select path, count(distinct visitor) n from events where {e} and kind <> 'engagement' group by 1 order by n desc limit 9",
        is_first: true,
    },
    by_visit!("entry pages", "visit:entry_page", "entry_path", false),
    by_visit!("sources", "visit:source", "source", true),
    by_visit!("channels", "visit:channel", "channel", false),
    by_visit!("countries", "visit:country", "country", true),
    by_visit!("devices", "visit:device", "device", true),
    by_visit!("browsers", "visit:browser", "browser", true),
];

/// Filters: a name, as the API takes them, as SQL.
fn filters() -> [(&'static str, Value, &'static str); 3] {
    [
        ("unfiltered", json!([]), ""),
        (
            "DE and Mobile",
            json!([
                ["is", "visit:country", ["DE"]],
                ["is", "visit:device", ["Mobile"]]
            ]),
            " and country = 'DE' and device = 'Mobile'",
        ),
        (
            "Desktop, not US",
            json!([
                ["is", "visit:device", ["Desktop"]],
                ["is_not", "visit:country", ["US"]]
            ]),
            " and device = 'Desktop' and country <> 'US'",
        ),
    ]
}

/// Measures and prints.
pub async fn run(options: &Options) -> Result<()> {
    let beside = || Ok::<_, anyhow::Error>(std::env::current_exe()?.with_file_name("pulsecast"));
    let binary = options.server.clone().map_or_else(beside, Ok)?;
    let place = Place::at(&binary, &options.data)?;
    let mut report = Report::default();
    let mut floors = Vec::new();
    for days in &options.days {
        for (_, _, condition) in filters() {
            floors.push(Floor::measure(&options.data, *days, condition)?);
        }
    }
    let key = place.tell(&["key", "add", "--site", SITE, "--right", "stats"], "")?;
    let mut flags = vec!["--api-rate=1000000".to_owned()];
    flags.extend(options.flags.iter().cloned());
    let server = place.serve_with(&flags)?;
    tokio::time::sleep(Duration::from_secs(options.settle)).await;
    let load = Load::start(&server, options.rate).await?;
    tokio::time::sleep(Duration::from_secs(3)).await;
    let (began, cpu) = (Instant::now(), server.usage()?.cpu);
    tokio::time::sleep(Duration::from_secs(5)).await;
    let idle = seconds(server.usage()?.cpu - cpu) / seconds(began.elapsed());
    report.remark(format!(
        "{} events/s alone take {:.1} % of a processor",
        options.rate,
        idle * 100.0
    ));
    let asker = Asker {
        idle,
        key,
        looker: Looker::sign_in(server.address).await?,
        server: &server,
        rounds: options.rounds,
    };
    let mut floors = floors.into_iter();
    for days in &options.days {
        for (filter, json, _) in filters() {
            let floor = floors.next().context("a floor is missing")?;
            asker.measure(*days, filter, &json, &floor, &mut report).await?;
        }
    }
    let (sent, refused) = load.end().await?;
    report.remark(format!("{sent} events came in meanwhile, {refused} were refused"));
    report.remark(format!(
        "resident memory at most {:.0} MB",
        server.usage()?.peak as f64 / 1e6
    ));
    server.end().with_context(|| place.log())?;
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!("\nload at the end {load}");
    report.print();
    Ok(())
}

/// The bare engine over the same file.
struct Floor {
    count: Cost,
    plain: Vec<Cost>,
}

/// How long something took, and how much of the processors.
#[derive(Clone, Copy, Debug, Default)]
struct Cost {
    took: Duration,
    cpu: Duration,
}

impl Floor {
    fn measure(data: &Path, days: u64, condition: &str) -> Result<Self> {
        let config = Config::default()
            .access_mode(AccessMode::ReadOnly)?
            .threads(2)?
            .max_memory("1536MiB")?;
        let connection = Connection::open_with_flags(data.join("events.duckdb"), config)
            .context("cannot open the store: does a server run on it, or did one end badly?")?;
        let site: i64 = connection.query_row(
            "select site from visits group by site order by count(*) desc limit 1",
            [],
            |row| row.get(0),
        )?;
        let (from, to) = (day(days), Utc::now().date_naive() + Days::new(1));
        let visits = format!("site = {site} and start_at < '{to}' and last_at >= '{from}'{condition}");
        let events = format!("site = {site} and happened_at >= '{from}' and happened_at < '{to}'{condition}");
        let best = |sql: &str| -> Result<Cost> {
            let (mut took, before) = (Duration::MAX, Usage::own()?.cpu);
            for _ in 0..FLOORS {
                let began = Instant::now();
                let mut statement = connection.prepare(sql)?;
                let mut rows = statement.query([])?;
                while rows.next()?.is_some() {}
                took = took.min(began.elapsed());
            }
            Ok(Cost {
                took,
                cpu: (Usage::own()?.cpu - before) / FLOORS,
            })
        };
        Ok(Self {
            count: best(&format!("select count(*) from events where {events}"))?,
            plain: PANELS
                .iter()
                .map(|panel| best(&panel.sql.replace("{v}", &visits).replace("{e}", &events)))
                .collect::<Result<_>>()?,
        })
    }
}

/// The first of so many days up to today.
fn day(days: u64) -> chrono::NaiveDate {
    Utc::now().date_naive() - Days::new(days - 1)
}

struct Asker<'a> {
    /// Processor time a second that the events alone cost.
    idle: f64,
    key: String,
    looker: Looker,
    server: &'a Program,
    rounds: usize,
}

impl Asker<'_> {
    fn request(&self, panel: &Panel, days: u64, filters: &Value) -> Vec<u8> {
        let body = json!({
            "site_id": SITE,
            "metrics": panel.metrics,
            "dimensions": panel.dimensions,
            "date_range": [day(days), Utc::now().date_naive()],
            "filters": filters,
            "include": { "imports": true },
            "pagination": { "limit": if panel.name == "graph by day" { 100 } else { 9 } },
        })
        .to_string();
        format!(
            "POST /api/v2/query HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n{body}",
            self.key,
            body.len()
        )
        .into_bytes()
    }

    async fn measure(
        &self,
        days: u64,
        filter: &str,
        filters: &Value,
        floor: &Floor,
        report: &mut Report,
    ) -> Result<()> {
        let mut client = Client::open(self.server.address).await?;
        let requests: Vec<Vec<u8>> = PANELS
            .iter()
            .map(|panel| self.request(panel, days, filters))
            .collect();
        let mut panels: Vec<Asked> = PANELS.iter().map(|_| Asked::default()).collect();
        let (mut together, mut page) = (Asked::default(), Asked::default());
        let path = page::path(day(days), Utc::now().date_naive(), filters);
        for round in 0..WARM + self.rounds {
            for (request, panel) in requests.iter().zip(&mut panels) {
                let (began, cpu) = (Instant::now(), self.server.usage()?.cpu);
                ask(&mut client, request).await?;
                if round >= WARM {
                    panel.add(began.elapsed(), self.server.usage()?.cpu - cpu);
                }
            }
            let (began, cpu) = (Instant::now(), self.server.usage()?.cpu);
            let mut asked = JoinSet::new();
            for (_, request) in PANELS.iter().zip(&requests).filter(|(panel, _)| panel.is_first) {
                let (mut client, request) = (Client::open(self.server.address).await?, request.clone());
                asked.spawn(async move { ask(&mut client, &request).await });
            }
            while let Some(answered) = asked.join_next().await {
                answered??;
            }
            if round >= WARM {
                together.add(began.elapsed(), self.server.usage()?.cpu - cpu);
            }
            let (began, cpu) = (Instant::now(), self.server.usage()?.cpu);
            self.looker.look(&path).await?;
            if round >= WARM {
                page.add(began.elapsed(), self.server.usage()?.cpu - cpu);
            }
        }
        let title = |what: &str| format!("{days} days, {filter}: {what}");
        let is_budgeted = days == 30;
        for ((panel, asked), plain) in PANELS.iter().zip(&panels).zip(&floor.plain) {
            asked.report(
                &title(panel.name),
                *plain,
                self.idle,
                is_budgeted.then_some(0.15),
                report,
            );
        }
        let mut plain = Cost::default();
        for (_, cost) in PANELS
            .iter()
            .zip(&floor.plain)
            .filter(|(panel, _)| panel.is_first)
        {
            plain.took += cost.took;
            plain.cpu += cost.cpu;
        }
        let limit = is_budgeted.then_some(0.4);
        together.report(&title("seven at once"), plain, self.idle, limit, report);
        page.report(&title("whole page"), plain, self.idle, None, report);
        report.remark(format!(
            "{days} days, {filter}: counting these events takes the bare engine {:.0} ms, {:.0} ms of processor time",
            seconds(floor.count.took) * 1e3,
            seconds(floor.count.cpu) * 1e3
        ));
        Ok(())
    }
}

/// What asking so often came to.
#[derive(Default)]
struct Asked {
    times: Histogram,
    all: Cost,
}

impl Asked {
    fn add(&mut self, took: Duration, cpu: Duration) {
        self.times.record(took);
        self.all.took += took;
        self.all.cpu += cpu;
    }

    /// Three rows: the middle, the slowest of twenty, and the processor time less what the events that come in cost.
    fn report(&self, title: &str, plain: Cost, idle: f64, limit: Option<f64>, report: &mut Report) {
        let floor = Some(seconds(plain.took));
        for (percent, budget) in [(50.0, None), (95.0, limit)] {
            let took = seconds(self.times.percentile(percent));
            let budget = budget.map_or(Budget::None, Budget::AtMost);
            report.add(format!("{title}, p{percent}"), Unit::Time, took, floor, budget);
        }
        let own = seconds(self.all.cpu) - idle * seconds(self.all.took);
        let each = own.max(0.0) / self.times.count().max(1) as f64;
        let floor = Some(seconds(plain.cpu));
        report.add(format!("{title}, CPU"), Unit::Time, each, floor, Budget::None);
    }
}

async fn ask(client: &mut Client, request: &[u8]) -> Result<()> {
    let (status, answer) = client.ask(request).await?;
    if status != 200 {
        bail!("{status}: {}", String::from_utf8_lossy(answer));
    }
    Ok(())
}

/// Events that come in meanwhile.
pub(super) struct Load {
    over: Arc<AtomicBool>,
    sent: Arc<AtomicU64>,
    refused: Arc<AtomicU64>,
    writers: JoinSet<Result<()>>,
}

impl Load {
    pub(super) async fn start(server: &Program, rate: usize) -> Result<Self> {
        let traffic = Arc::new(Traffic::of(SITE, &format!("https://{SITE}")));
        let mut load = Self {
            over: Arc::default(),
            sent: Arc::default(),
            refused: Arc::default(),
            writers: JoinSet::new(),
        };
        let began = Instant::now();
        for first in 0..WRITERS.min(rate) {
            let mut client = Client::open(server.address).await?;
            let (over, sent, refused, traffic) = (
                load.over.clone(),
                load.sent.clone(),
                load.refused.clone(),
                traffic.clone(),
            );
            load.writers.spawn(async move {
                let mut n = first;
                while !over.load(Relaxed) {
                    let due = began + Duration::from_secs_f64(n as f64 / rate as f64);
                    tokio::time::sleep_until(due.into()).await;
                    let counter = if client.send(traffic.nth(n)).await? == 202 {
                        &sent
                    } else {
                        &refused
                    };
                    counter.fetch_add(1, Relaxed);
                    n += WRITERS;
                }
                Ok(())
            });
        }
        Ok(load)
    }

    /// How many were taken and refused.
    pub(super) async fn end(mut self) -> Result<(u64, u64)> {
        self.over.store(true, Relaxed);
        while let Some(ended) = self.writers.join_next().await {
            ended??;
        }
        Ok((self.sent.load(Relaxed), self.refused.load(Relaxed)))
    }
}
