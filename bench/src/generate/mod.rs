//! Makes a data directory as a server would have written it after months of traffic: schema by the server itself, events in the order of
//! time with rising numbers, visits inserted as they end, in the same columns. Set-based SQL in DuckDB, a day at a time.

mod sites;

pub use sites::{BIG as SITE, EMAIL, PASSWORD};

use crate::process::Place;
use anyhow::{Context, Result, bail};
use chrono::{DateTime, Datelike, Days, NaiveDate, Utc, Weekday};
use clap::Args;
use duckdb::{Config, Connection};
use std::{
    path::{Path, PathBuf},
    time::Instant,
};

const DICTIONARIES: &str = include_str!("dictionaries.sql");
const DAY: &str = include_str!("day.sql");
/// Events of a visit, about: what turns wished events into visits.
const EVENTS_OF_A_VISIT: f64 = 4.75;
/// How busy each hour of a UTC day is.
const HOURS: [u32; 24] = [
    2, 1, 1, 1, 1, 2, 3, 5, 7, 9, 10, 10, 10, 10, 10, 10, 9, 8, 8, 8, 8, 7, 5, 3,
];
/// What a visit takes from its first event.
const ATTRIBUTES: &str = "referrer varchar, source varchar, medium varchar, channel varchar, utm_source varchar, utm_medium varchar, \
     utm_campaign varchar, browser varchar, browser_version varchar, os varchar, os_version varchar, device varchar, screen varchar, \
     country varchar, region varchar, city varchar, language varchar";

/// How large.
#[derive(Args, Debug)]
pub struct Options {
    /// The data directory; new, or empty
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// About so many events
    #[arg(long, default_value_t = 10_000_000)]
    events: u64,
    /// The days up to now that they are spread over
    #[arg(long, default_value_t = 30)]
    days: u32,
    /// A month with a hundred thousand events, for screenshots
    #[arg(long, conflicts_with_all = ["events", "days"])]
    small: bool,
    /// The server's binary, which makes the schema and the accounts; without it, the one beside this program
    #[arg(long, value_name = "FILE")]
    server: Option<PathBuf>,
}

/// Makes the directory and says how to sign in.
pub fn run(options: &Options) -> Result<()> {
    let (events, days) = if options.small {
        (100_000, 31)
    } else {
        (options.events, options.days.max(1))
    };
    let beside = || Ok::<_, anyhow::Error>(std::env::current_exe()?.with_file_name("pulsecast"));
    let server = options.server.clone().map_or_else(beside, Ok)?;
    let store = options.data.join("events.duckdb");
    if store.exists() {
        bail!("{} exists: give a directory without one", store.display());
    }
    let place = Place::at(&server, &options.data)?;
    let now = Utc::now();
    let first = day_before(now.date_naive(), days - 1);
    let sites = sites::add(&place, &options.data.join("accounts.sqlite"), first)?;
    // The server makes the schema.
    place.serve()?.end()?;

    let began = Instant::now();
    let seq = History::open(&store, &sites)?.write(now, days, events)?;
    let bytes = place.store_bytes();
    println!(
        "{seq} events of {days} days in {:.0} s: {} MB, {:.1} MB a million; sign in as {} with `{}`",
        began.elapsed().as_secs_f64(),
        bytes / 1_000_000,
        bytes as f64 / seq.max(1) as f64,
        sites::EMAIL,
        sites::PASSWORD,
    );
    Ok(())
}

fn day_before(day: NaiveDate, days: u32) -> NaiveDate {
    day.checked_sub_days(Days::new(u64::from(days))).unwrap_or(day)
}

/// The store while it is being written.
struct History {
    connection: Connection,
    /// Columns that the store has and the generator knows.
    events: String,
    visits: String,
}

impl History {
    fn open(path: &Path, sites: &[sites::Made]) -> Result<Self> {
        let config = Config::default()
            .max_memory("4GiB")?
            .with("preserve_insertion_order", "true")?;
        let connection = Connection::open_with_flags(path, config)
            .with_context(|| format!("cannot open {}", path.display()))?;
        connection.execute_batch("set checkpoint_threshold = '256MB'; select setseed(0.2026);")?;
        connection.execute_batch("create temp table sites (site integer, hostname varchar, share double)")?;
        for site in sites {
            connection.execute(
                "insert into sites values (?, ?, ?)",
                duckdb::params![site.id, site.domain, site.share],
            )?;
        }
        let event = format!(
            "site integer, happened_at timestamp, kind varchar, name varchar, visitor ubigint, visit bigint, number bigint, hostname varchar, \
             path integer, {ATTRIBUTES}, props varchar, revenue double, currency varchar, scroll_depth utinyint, engaged uinteger"
        );
        connection.execute_batch(&format!(
            "create temp table coming ({event}); create temp table going (seq bigint, {event});"
        ))?;
        connection.execute_batch(DICTIONARIES)?;
        let of_visit = "visit start_at last_at pageviews events bounce entry_hostname entry_path exit_hostname exit_path";
        let events = shared(&connection, "events", &format!("seq bigint, {event}"))?;
        let own: String = of_visit.split(' ').map(|name| format!("{name} -, ")).collect();
        let visits = shared(
            &connection,
            "visits",
            &format!("{own}site -, visitor -, {ATTRIBUTES}"),
        )?;
        Ok(Self {
            connection,
            events,
            visits,
        })
    }

    /// Writes day after day; gives the number of the last event.
    fn write(&self, now: DateTime<Utc>, days: u32, events: u64) -> Result<u64> {
        let today = now.date_naive();
        let weights: Vec<f64> = (0..days)
            .map(|n| weight(day_before(today, days - 1 - n), f64::from(n) / f64::from(days)))
            .collect();
        let passed = f64::from(
            now.time()
                .signed_duration_since(chrono::NaiveTime::MIN)
                .num_minutes() as u32,
        ) / 1440.0;
        let all: f64 = weights.iter().sum::<f64>() - weights.last().unwrap_or(&0.0) * (1.0 - passed);
        let hours: Vec<String> = (0..24)
            .flat_map(|hour| vec![hour.to_string(); HOURS[hour as usize] as usize])
            .collect();
        let attributes: Vec<String> = names(&format!("site -, visitor -, {ATTRIBUTES}"))
            .map(|name| format!("any_value({name}) as {name}"))
            .collect();
        let text = DAY
            .replace("$hours", &format!("[{}]", hours.join(",")))
            .replace("$now", &format!("'{}'", now.format("%Y-%m-%d %H:%M:%S%.3f")))
            .replace("$attributes", &attributes.join(", "))
            .replace("$event_columns", &self.events)
            .replace("$visit_columns", &self.visits);
        let (mut seq, mut first) = (0_u64, 0_u64);
        for (n, weight) in (0..days).zip(weights) {
            let day = day_before(today, days - 1 - n);
            let visits = (events as f64 / EVENTS_OF_A_VISIT * weight / all) as u64;
            let text = text
                .replace("$day", &format!("'{day} 00:00:00'"))
                .replace("$visits", &visits.to_string())
                .replace("$first", &first.to_string())
                .replace("$seq", &seq.to_string());
            self.connection.execute_batch(&format!("begin; {text} commit;"))?;
            seq = self
                .connection
                .query_row("select coalesce(max(seq), ?) from due", [seq], |row| row.get(0))?;
            // Sites' shares are rounded: some more than `visits`.
            first += visits + 100;
            if n % 10 == 9 {
                eprintln!("bench: {day}: {seq} events");
            }
        }
        self.connection.execute_batch(&format!(
            "update progress set last_seq = {seq}, oldest_open = coalesce((select min(visit) from going), {seq} + 1); checkpoint;"
        ))?;
        Ok(seq)
    }
}

/// How much traffic a day has: weekends less, the site grows, and no day is like the other.
fn weight(day: NaiveDate, age: f64) -> f64 {
    let week = match day.weekday() {
        Weekday::Sat => 0.66,
        Weekday::Sun => 0.72,
        _ => 1.12,
    };
    let noise = f64::from(day.num_days_from_ce() * 37 % 11) / 11.0;
    week * (0.85 + 0.3 * age) * (0.93 + 0.14 * noise)
}

/// The names in `a type, b type`.
fn names(columns: &str) -> impl Iterator<Item = &str> {
    columns
        .split(", ")
        .filter_map(|column| column.split_whitespace().next())
}

/// Those of the columns that the table has: what later schemas add is filled as soon as both know it.
fn shared(connection: &Connection, table: &str, columns: &str) -> Result<String> {
    let mut select = connection.prepare("select column_name from duckdb_columns() where table_name = ?")?;
    let has: Vec<String> = select
        .query_map([table], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let shared: Vec<&str> = names(columns)
        .filter(|name| has.iter().any(|column| column == name))
        .collect();
    Ok(shared.join(", "))
}
