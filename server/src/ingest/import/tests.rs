use super::*;
use crate::{
    clock::ManualClock,
    enrich::{Agents, Cities, Countries, Salts},
    ingest::drain,
    sessions::{Sessions, fixture::hit},
    store::{
        Batch, EventReader, EventStore, Slice,
        duck::{self, DuckReader, DuckSettings, DuckWriter},
    },
};
use chrono::NaiveDate;
use pulsecast_protocol::{Timestamp, account::SiteSettings};
use std::{io::Write, path::PathBuf, sync::OnceLock};

/// 2026-07-01T00:00:00Z
const NOW: i64 = 1_782_864_000_000;
const CHROME: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36";

fn tables() -> Tables {
    static TABLES: OnceLock<Tables> = OnceLock::new();
    TABLES
        .get_or_init(|| Tables {
            agents: Agents::embedded().unwrap(),
            countries: Countries::embedded().unwrap(),
            cities: Cities::default(),
            salts: Salts::new(),
        })
        .clone()
}

/// A store, a site and a folder of files.
struct World {
    dir: tempfile::TempDir,
    store: DuckWriter,
    reader: DuckReader,
    site: Site,
    sites: Sites,
}

impl World {
    fn new(timezone: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (store, reader) = duck::open(&settings(&dir)).unwrap();
        let site = Site::new(
            SiteId(1),
            SiteSettings {
                timezone: timezone.into(),
                ..SiteSettings::new("example.com".parse().unwrap())
            },
        );
        let sites = Sites::default();
        sites.replace(vec![site.clone()]);
        Self {
            dir,
            store,
            reader,
            site,
            sites,
        }
    }

    fn file(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Imports files, dry or not, and gives the report.
    fn import(&mut self, paths: &[PathBuf], dry: bool) -> Result<Report, ImportError> {
        let clock = ManualClock::new(Timestamp(NOW));
        let watched = Watched::default();
        let tables = tables();
        let context = Context {
            site: &self.site,
            sites: &self.sites,
            tables: &tables,
            clock: &clock,
            watched: &watched,
        };
        let files = paths
            .iter()
            .map(|path| File::open(path, path.file_name().unwrap().to_str().unwrap()))
            .collect::<Result<Vec<_>, _>>()?;
        let covered = self.reader.covered(SiteId(1))?;
        let next = self
            .reader
            .imports(None)?
            .first()
            .map_or(1, |import| import.id.0 + 1);
        let mut stored = Stored(&mut self.store);
        let mut nowhere = Dry;
        let sink: &mut dyn Sink = if dry { &mut nowhere } else { &mut stored };
        run(&context, files, &covered, ImportId(next), sink)?;
        Ok(watched.report())
    }

    fn events(&self) -> Vec<serde_json::Map<String, serde_json::Value>> {
        let all = Slice::all(SiteId(1));
        let last = self.reader.last_of(all).unwrap();
        let rows = self.reader.export(all, 0, last, 10_000).unwrap();
        rows.into_iter().map(|(_, row)| row).collect()
    }

    /// `start|last|pageviews|events|bounce|source` of each visit, as the store has them.
    fn visits(&mut self) -> Vec<String> {
        self.store.checkpoint().unwrap();
        let file = self.dir.path().join("look.duckdb");
        std::fs::copy(self.dir.path().join("events.duckdb"), &file).unwrap();
        let look = duckdb::Connection::open(&file).unwrap();
        let mut select = look
            .prepare(
                "select concat_ws('|', start_at, last_at, pageviews, events, bounce, source, visitor) from visits order by all",
            )
            .unwrap();
        let rows = select.query_map([], |row| row.get(0)).unwrap();
        rows.map(Result::unwrap).collect()
    }
}

fn settings(dir: &tempfile::TempDir) -> DuckSettings {
    DuckSettings {
        path: dir.path().join("events.duckdb"),
        memory_mib: 256,
        threads: 1,
    }
}

fn line(ip: &str, time: &str, request: &str, status: u16, referrer: &str, agent: &str) -> String {
    format!("{ip} - - [{time}] \"{request} HTTP/1.1\" {status} 2326 \"{referrer}\" \"{agent}\"\n")
}

/// Two people and what else is in a log: parts of pages, programs, errors, rubbish.
fn log() -> String {
    let get = |ip, time, path: &str, referrer| line(ip, time, &format!("GET {path}"), 200, referrer, CHROME);
    [
        get(
            "203.0.113.9",
            "10/Jun/2026:10:00:00 +0200",
            "/?utm_campaign=x",
            "https://www.google.com/",
        ),
        get(
            "203.0.113.9",
            "10/Jun/2026:10:00:01 +0200",
            "/style.css",
            "https://example.com/",
        ),
        get(
            "203.0.113.9",
            "10/Jun/2026:10:05:00 +0200",
            "/pricing",
            "https://example.com/",
        ),
        get(
            "198.51.100.7",
            "10/Jun/2026:10:06:00 +0200",
            "/blog/post.html",
            "-",
        ),
        get("203.0.113.9", "10/Jun/2026:11:00:00 +0200", "/pricing", "-"),
        line(
            "198.51.100.8",
            "10/Jun/2026:11:01:00 +0200",
            "GET /",
            200,
            "-",
            "Googlebot/2.1 (+http://www.google.com/bot.html)",
        ),
        line(
            "198.51.100.8",
            "10/Jun/2026:11:01:00 +0200",
            "POST /login",
            200,
            "-",
            CHROME,
        ),
        line(
            "198.51.100.8",
            "10/Jun/2026:11:01:00 +0200",
            "GET /nothing",
            404,
            "-",
            CHROME,
        ),
        line(
            "198.51.100.8",
            "10/Jun/2026:11:01:00 +0200",
            "GET /",
            200,
            "-",
            "-",
        ),
        "rubbish\n".to_owned(),
        "\n".to_owned(),
        line(
            "198.51.100.8",
            "10/Jul/2026:11:01:00 +0200",
            "GET /",
            200,
            "-",
            CHROME,
        ),
    ]
    .concat()
}

fn skipped(report: &Report) -> Vec<(&str, u64)> {
    report
        .skipped
        .iter()
        .map(|(reason, count)| (reason.as_str(), *count))
        .collect()
}

#[test]
fn a_log_becomes_pageviews_and_visits_of_people_and_says_what_it_left_out() {
    let mut world = World::new("Europe/Berlin");
    let file = world.file("access.log", log());
    let dry = world.import(std::slice::from_ref(&file), true).unwrap();
    assert!(world.events().is_empty(), "a dry run leaves nothing");
    let report = world.import(&[file], false).unwrap();
    assert_eq!(
        (dry.rows, dry.events, dry.by_day.clone()),
        (12, 4, report.by_day.clone())
    );
    assert_eq!((report.events, report.visits), (4, 3));
    assert_eq!(
        skipped(&report),
        [
            ("bot", 2),
            ("in the future", 1),
            ("not a GET", 1),
            ("not a page", 1),
            ("status not 200 or 304", 1),
            ("unreadable", 1)
        ]
    );
    assert!(
        report.examples[0].starts_with("access.log line 10:"),
        "{:?}",
        report.examples
    );
    let events = world.events();
    let seen: Vec<_> = events
        .iter()
        .map(|e| (e["path"].as_str().unwrap(), e["time"].as_str().unwrap()))
        .collect();
    assert!(
        seen.contains(&("/pricing", "2026-06-10T08:05:00.000Z")),
        "{seen:?}"
    );
    let pricing = events.iter().find(|e| e["path"] == "/pricing").unwrap();
    assert_eq!(
        (&pricing["source"], &pricing["channel"], &pricing["browser"]),
        (&"Google".into(), &"Organic Search".into(), &"Chrome".into())
    );
    assert!(
        world.visits()[0].starts_with("2026-06-10 08:00:00|2026-06-10 08:05:00|2|2|false|Google"),
        "{:?}",
        world.visits()
    );
    assert_eq!(
        world.reader.open_visits(VisitId(0)).unwrap(),
        [],
        "imported visits have ended"
    );
}

use crate::event::VisitId;

#[test]
fn days_that_are_counted_already_are_left_out_so_that_an_import_that_comes_again_brings_nothing() {
    let mut world = World::new("Europe/Berlin");
    let file = world.file("access.log", log());
    world.import(std::slice::from_ref(&file), false).unwrap();
    let again = world.import(&[file], false).unwrap();
    assert_eq!((again.events, again.skipped["day already counted"]), (0, 6));
    assert_eq!(world.events().len(), 4);
}

#[test]
fn rotated_and_packed_logs_are_read_in_the_order_of_time() {
    let mut world = World::new("UTC");
    let old = line(
        "203.0.113.9",
        "10/Jun/2026:23:50:00 +0000",
        "GET /a",
        200,
        "https://news.ycombinator.com/",
        CHROME,
    );
    let new = line(
        "203.0.113.9",
        "11/Jun/2026:00:10:00 +0000",
        "GET /b",
        304,
        "-",
        CHROME,
    );
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed
        .write_all(format!("shop.example.net:443 {old}www.example.com:443 {old}").as_bytes())
        .unwrap();
    let files = [
        world.file("access.log", new),
        world.file("access.log.1.gz", packed.finish().unwrap()),
    ];
    let report = world.import(&files, false).unwrap();
    assert_eq!(skipped(&report), [("another host", 1)]);
    assert_eq!(
        report.visits,
        1,
        "the visit goes on over midnight: {:?}",
        world.visits()
    );
    assert!(
        world
            .events()
            .iter()
            .all(|event| event["source"] == "Hacker News")
    );
}

#[test]
fn an_import_is_undone_as_if_it_had_never_been() {
    let mut world = World::new("UTC");
    let own = Sessions::new().attribute(1, hit(7, 0, "/own"));
    world
        .store
        .append(&Batch {
            events: vec![own],
            ..Batch::default()
        })
        .unwrap();
    let file = world.file("access.log", log());
    world.import(&[file], false).unwrap();
    let listed = world.reader.imports(Some(SiteId(1))).unwrap();
    assert_eq!(
        (
            listed[0].kind.as_str(),
            listed[0].events,
            listed[0].ended.is_some()
        ),
        ("access_log", 4, true)
    );
    world
        .store
        .append(&Batch {
            changes: vec![Change::ImportUndone(listed[0].id)],
            ..Batch::default()
        })
        .unwrap();
    assert_eq!(
        world
            .events()
            .iter()
            .map(|event| event["path"].clone())
            .collect::<Vec<_>>(),
        ["/own"]
    );
    assert_eq!(
        (world.visits().len(), world.reader.imports(None).unwrap().len()),
        (0, 0)
    );
}

#[test]
fn what_an_interrupted_import_left_is_gone_after_the_next_start() {
    let mut world = World::new("UTC");
    let import = Import {
        id: ImportId(1),
        site: SiteId(1),
        kind: "access_log".into(),
        name: "access.log".into(),
        started: Timestamp(NOW),
        ended: None,
        days: None,
        rows: 0,
        events: 0,
        visits: 0,
        skipped: Default::default(),
    };
    let mut sessions = Sessions::new();
    let events: Vec<_> = (0..5)
        .map(|n| sessions.attribute(n, hit(7, n as i64, "/half")))
        .collect();
    let mut sink = Stored(&mut world.store);
    sink.change(Change::ImportBegins(Box::new(import))).unwrap();
    // Its visits were to come with the next transaction.
    sink.piece(
        ImportId(1),
        Piece {
            events,
            visits: Vec::new(),
        },
    )
    .unwrap();
    assert_eq!(world.events().len(), 5);
    drain(
        &world.dir.path().join("inbox.sqlite"),
        &mut world.store,
        &world.reader,
    )
    .unwrap();
    assert!(world.events().is_empty());
    assert_eq!(world.reader.imports(None).unwrap(), []);
}

#[test]
fn our_own_export_comes_back_as_it_was() {
    let mut world = World::new("UTC");
    let mut sessions = Sessions::new();
    let mut custom = hit(u64::MAX, 6, "/b");
    custom.kind = crate::event::Kind::Custom;
    custom.name = "Signup".into();
    custom.props.insert("plan".into(), "pro".into());
    custom.revenue = Some((9.5, "EUR".into()));
    let mut engagement = hit(7, 12, "/a");
    engagement.kind = crate::event::Kind::Engagement;
    (engagement.name, engagement.engaged, engagement.scroll_depth) =
        ("engagement".into(), Some(1200), Some(80));
    let mut first = hit(u64::MAX, 5, "/");
    (first.source, first.client.country, first.client.city) =
        (Some("news".into()), Some("DE".into()), Some("Berlin".into()));
    let hits = [
        first,
        hit(7, 6, "/a"),
        custom,
        hit(7, 6, "/b"),
        engagement,
        hit(7, 200, "/"),
    ];
    let events: Vec<_> = (1..)
        .zip(hits)
        .map(|(seq, hit)| sessions.attribute(seq, hit))
        .collect();
    let ended = sessions.end(Timestamp(10_000 * Timestamp::MINUTE));
    world
        .store
        .append(&Batch {
            events,
            ended,
            ..Batch::default()
        })
        .unwrap();
    let (before, visits) = (world.events(), world.visits());
    let text: String = before
        .iter()
        .map(|row| serde_json::to_string(row).unwrap() + "\n")
        .collect();

    let mut other = World::new("UTC");
    let file = other.file("events.ndjson", text + "{\"broken\": 1}\n");
    let report = other.import(&[file], false).unwrap();
    assert_eq!(
        (report.events, report.visits, skipped(&report)),
        (6, 3, vec![("unreadable", 1)])
    );
    let plain = |mut rows: Vec<serde_json::Map<String, serde_json::Value>>| {
        for row in &mut rows {
            row.remove("seq");
            row.remove("visit");
        }
        rows.sort_by_key(|row| {
            row["visitor"].to_string() + &row["time"].to_string() + &row["path"].to_string()
        });
        rows
    };
    assert_eq!(plain(other.events()), plain(before));
    assert_eq!(other.visits(), visits);
}

const VISITORS: &str = "date,visitors,pageviews,bounces,visits,visit_duration\n2026-05-01,10,25,4,12,600\n2026-05-02,8,9,8,8,0\n2026-06-10,1,1,1,1,0\n";
const SOURCES: &str = "\"date\",\"source\",\"referrer\",\"utm_source\",\"utm_medium\",\"utm_campaign\",\"utm_content\",\"utm_term\",\"pageviews\",\"visitors\",\"visits\",\"visit_duration\",\"bounces\"\n\
     \"2026-05-01\",\"Google\",\"google.com\",\"\",\"\",\"\",\"\",\"\",20,8,9,500,3\n\"2026-05-01\",\"\",\"\",\"\",\"\",\"\",\"\",\"\",5,2,3,100,1\n";

fn zip(files: &[(&str, &str)]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, text) in files {
        zip.start_file(*name, zip::write::SimpleFileOptions::default())
            .unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[test]
fn plausibles_export_comes_in_as_figures_by_day() {
    let mut world = World::new("UTC");
    // 2026-06-10 is counted by us.
    let own = Sessions::new().attribute(1, hit(7, 29_684_160 + 600, "/own"));
    world
        .store
        .append(&Batch {
            events: vec![own],
            ..Batch::default()
        })
        .unwrap();
    let pages = "date,hostname,page,visits,visitors,pageviews,total_scroll_depth,total_scroll_depth_visits,total_time_on_page,total_time_on_page_visits\n\
         2026-05-01,example.com,/,9,8,20,500,8,90,7\nyesterday,example.com,/,1,1,1,,,,\n";
    let file = zip(&[
        ("imported_visitors_20260501_20260610.csv", VISITORS),
        ("imported_sources_20260501_20260610.csv", SOURCES),
        ("imported_pages_20260501_20260610.csv", pages),
        ("readme.txt", "hello"),
    ]);
    let file = world.file("plausible.zip", file);
    let report = world.import(std::slice::from_ref(&file), false).unwrap();
    assert_eq!((report.events, report.visits, report.rows), (34, 20, 7));
    assert_eq!(
        report.days(),
        NaiveDate::from_ymd_opt(2026, 5, 1).zip(NaiveDate::from_ymd_opt(2026, 5, 2))
    );
    assert_eq!(
        skipped(&report),
        [
            ("day already counted", 1),
            ("file of another kind", 1),
            ("unreadable", 1)
        ]
    );
    assert!(
        report.examples[0].contains("imported_pages_20260501_20260610.csv line 3: date: `yesterday`"),
        "{:?}",
        report.examples
    );
    let (_, days) = world.reader.covered(SiteId(1)).unwrap();
    assert_eq!(days.len(), 2);
    assert_eq!(
        daily(&mut world),
        [
            "2026-05-01|pages|/|8|20|0|90000|500",
            "2026-05-01|sources|Google|Organic Search|8|20|500000|0|0",
            "2026-05-01|sources|2|5|100000|0|0",
            "2026-05-01|visitors|10|25|600000|0|0",
            "2026-05-02|visitors|8|9|0|0|0",
        ]
    );
    assert_eq!(world.import(&[file], false).unwrap().events, 0, "not twice");
}

fn daily(world: &mut World) -> Vec<String> {
    world.store.checkpoint().unwrap();
    let file = world.dir.path().join("look.duckdb");
    std::fs::copy(world.dir.path().join("events.duckdb"), &file).unwrap();
    let look = duckdb::Connection::open(&file).unwrap();
    let mut select = look
        .prepare(
            "select concat_ws('|', day, report, page, source, channel, visitors, pageviews, duration_ms, engaged_ms, scroll_sum) as line \
             from imported_daily order by day, report, visitors desc",
        )
        .unwrap();
    let rows = select.query_map([], |row| row.get(0)).unwrap();
    rows.map(Result::unwrap).collect()
}

#[test]
fn figures_that_nobody_counts_and_days_before_anybody_counted_are_left_out() {
    let mut world = World::new("UTC");
    let visitors = "date,visitors,pageviews,bounces,visits,visit_duration\n0001-01-01,1,1,1,1,0\n1969-12-31,1,1,1,1,0\n\
         2026-05-01,18446744073709551615,1,1,1,0\n2026-05-02,1,1,1,1,9223372036854775\n2026-05-03,1,1,1,1,0\n";
    let file = world.file("imported_visitors.csv", visitors);
    let report = world.import(&[file], false).unwrap();
    assert_eq!(skipped(&report), [("before 1970", 2), ("unreadable", 2)]);
    assert_eq!((report.events, report.visits), (1, 1));
    assert!(
        report.examples[0].ends_with("line 4: visitors: `18446744073709551615` is more than there can be"),
        "{:?}",
        report.examples
    );
    let old = line(
        "203.0.113.9",
        "10/Jun/0001:23:50:00 +0000",
        "GET /a",
        200,
        "-",
        CHROME,
    );
    let file = world.file("access.log", old);
    let report = world.import(&[file], false).unwrap();
    assert_eq!((report.events, skipped(&report)), (0, vec![("before 1970", 1)]));
}

#[test]
fn an_archive_that_is_none_of_plausibles_is_refused_with_advice() {
    let mut world = World::new("UTC");
    let file = world.file("photos.zip", zip(&[("cat.txt", "meow")]));
    let error = world.import(&[file], false).unwrap_err().to_string();
    assert!(
        error.contains("photos.zip") && error.contains("imported_*.csv"),
        "{error}"
    );
    let empty = world.file("empty.log", "");
    assert!(
        world
            .import(&[empty], false)
            .unwrap_err()
            .to_string()
            .contains("is empty")
    );
    assert_eq!(world.reader.imports(None).unwrap(), [], "nothing is left of it");
}
