//! Access logs in the combined format, as Apache and nginx write them, with or without the virtual host in front. A line that is a page shown to
//! a person becomes a pageview, by the very stages that reports of pages pass; visitors are hashed under salts that nobody keeps.

use super::{
    Context, ImportError,
    days::Covered,
    report::Tally,
    sink::Sink,
    source::{File, SourceError},
    throw_away_salt,
    visits::{Gathered, Open},
};
use crate::{
    enrich::Salts,
    event::Hit,
    ingest::{DropReason, Outcome, Sender, Tables, stages},
    sessions::Sessions,
    store::ImportId,
};
use chrono::DateTime;
use pulsecast_protocol::{Timestamp, beacon::Beacon};
use std::{
    net::IpAddr,
    sync::{Arc, atomic::AtomicU64},
};

/// Lines between two looks at which visits have ended.
const SWEEP: u64 = 1_000;

/// Endings of paths that are parts of pages, not pages.
const PARTS: &[&str] = &[
    "css",
    "js",
    "mjs",
    "map",
    "json",
    "xml",
    "txt",
    "rss",
    "atom",
    "ico",
    "png",
    "jpg",
    "jpeg",
    "gif",
    "svg",
    "webp",
    "avif",
    "bmp",
    "woff",
    "woff2",
    "ttf",
    "otf",
    "eot",
    "mp3",
    "mp4",
    "webm",
    "ogg",
    "wav",
    "mov",
    "m4a",
    "m4v",
    "wasm",
    "webmanifest",
    "gz",
    "zip",
    "tar",
    "bz2",
    "xz",
    "7z",
    "rar",
    "exe",
    "dmg",
    "pkg",
    "deb",
    "rpm",
    "iso",
    "apk",
    "env",
    "bak",
    "sql",
    "csv",
    "yml",
    "yaml",
];

/// A request as the log has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line<'a> {
    pub(super) host: Option<&'a str>,
    pub(super) ip: IpAddr,
    pub(super) at: Timestamp,
    pub(super) method: &'a str,
    pub(super) target: &'a str,
    pub(super) status: u16,
    pub(super) referrer: Option<String>,
    pub(super) user_agent: String,
}

/// Reads `[host[:port] ]ip ident user [time] "method target protocol" status bytes "referrer" "user agent"`, whatever follows.
pub(super) fn parse(line: &str) -> Option<Line<'_>> {
    let (head, rest) = line.split_once('[')?;
    let (time, rest) = rest.split_once(']')?;
    let mut words = head.split_whitespace();
    let first = words.next()?;
    let (host, ip) = match first.parse::<IpAddr>() {
        Ok(ip) => (None, ip),
        Err(_) => {
            let host = first.rsplit_once(':').map_or(first, |(host, _)| host);
            (Some(host), words.next()?.parse().ok()?)
        }
    };
    let at = DateTime::parse_from_str(time, "%d/%b/%Y:%H:%M:%S %z").ok()?;
    let (request, rest) = quoted(rest.trim_start())?;
    let mut words = request.split(' ');
    let (method, target) = (words.next()?, words.next()?);
    let mut numbers = rest.split_whitespace();
    let status = numbers.next()?.parse().ok()?;
    let after = rest.find('"').map(|at| &rest[at..]);
    let (referrer, rest) = after.and_then(quoted).unwrap_or_default();
    let (user_agent, _) = quoted(rest.trim_start()).unwrap_or_default();
    let some = |text: &str| (!text.is_empty() && text != "-").then(|| unescape(text));
    Some(Line {
        host,
        ip,
        at: Timestamp(at.timestamp_millis()),
        method,
        target,
        status,
        referrer: some(referrer),
        user_agent: some(user_agent).unwrap_or_default(),
    })
}

/// What stands between quotes at the beginning, and what comes after; `\"` is no end.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let text = text.strip_prefix('"')?;
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            '\\' if !escaped => escaped = true,
            '"' if !escaped => return Some((&text[..at], &text[at + 1..])),
            _ => escaped = false,
        }
    }
    None
}

fn unescape(text: &str) -> String {
    text.replace("\\\"", "\"").replace("\\\\", "\\")
}

/// Why a line is no page that somebody looked at.
fn no_page(line: &Line<'_>) -> Option<&'static str> {
    let path = line.target.split(['?', '#']).next().unwrap_or_default();
    let name = path.rsplit('/').next().unwrap_or_default();
    let ending = name
        .rsplit_once('.')
        .map(|(_, ending)| ending.to_ascii_lowercase());
    match line.status {
        200 | 203 | 206 | 304 if line.method == "GET" => {}
        200 | 203 | 206 | 304 => return Some("not a GET"),
        _ => return Some("status not 200 or 304"),
    }
    if ending.is_some_and(|ending| PARTS.contains(&ending.as_str())) || path.starts_with("/.well-known/") {
        return Some("not a page");
    }
    None
}

pub(super) fn run(
    context: &Context<'_>,
    files: Vec<File>,
    covered: &Covered,
    import: ImportId,
    sink: &mut dyn Sink,
) -> Result<(), ImportError> {
    let total = files.iter().map(|file| file.bytes).sum();
    context.watched.update(|report| report.bytes_total = total);
    let files = in_order(files)?;
    let read = Arc::new(AtomicU64::new(0));
    let mut reading = Reading {
        context,
        covered,
        // The same tables with salts of this import's own: from these hashes nobody can tell who it was.
        tables: Tables {
            salts: Salts::new(),
            ..context.tables.clone()
        },
        sessions: Sessions::new(),
        open: Open::new(),
        latest: Timestamp(i64::MIN),
        next: 0,
        tally: Tally::default(),
    };
    let mut gathered = Gathered::new(context, import, sink);
    for file in files {
        let mut lines = file.lines(read.clone())?;
        while let Some(text) = lines.next()? {
            reading.tally.row();
            match parse(&text) {
                Some(line) => reading.take(line),
                None if text.trim().is_empty() => {}
                None => {
                    let place = || {
                        format!(
                            "{}: not in the combined log format: {}",
                            lines.place(),
                            short(&text)
                        )
                    };
                    reading.tally.unreadable(place);
                }
            }
            if lines.number % SWEEP == 0 {
                reading.end(reading.latest, &mut gathered);
                gathered.pass_on(&mut reading.tally, &read, false)?;
            }
        }
    }
    reading.end(Timestamp(i64::MAX / 2), &mut gathered);
    gathered.pass_on(&mut reading.tally, &read, true)
}

pub(super) fn short(text: &str) -> String {
    text.chars().take(80).collect()
}

/// Rotated logs are given in any order; visits need them in time's.
fn in_order(files: Vec<File>) -> Result<Vec<File>, SourceError> {
    let mut dated = Vec::new();
    for file in files {
        let mut lines = file.lines(Arc::default())?;
        let mut at = None;
        // The first lines may be broken; a file without any that can be read comes last.
        for _ in 0..100 {
            let Some(text) = lines.next()? else { break };
            at = parse(&text).map(|line| line.at);
            if at.is_some() {
                break;
            }
        }
        dated.push((at.unwrap_or(Timestamp(i64::MAX)), file));
    }
    dated.sort_by_key(|(at, _)| *at);
    Ok(dated.into_iter().map(|(_, file)| file).collect())
}

struct Reading<'a> {
    context: &'a Context<'a>,
    covered: &'a Covered,
    tables: Tables,
    sessions: Sessions,
    open: Open,
    latest: Timestamp,
    next: u64,
    tally: Tally,
}

impl Reading<'_> {
    fn take(&mut self, line: Line<'_>) {
        if let Some(reason) = no_page(&line) {
            return self.tally.skip(reason);
        }
        if line.at > self.context.clock.now() {
            return self.tally.skip("in the future");
        }
        let Some(day) = self.covered.day(line.at) else {
            return self.tally.skip("unreadable");
        };
        if let Some(reason) = self.covered.leaves_out(day) {
            return self.tally.skip(reason);
        }
        self.latest = self.latest.max(line.at);
        match self.hit(line) {
            Ok(hit) => {
                self.tally.pageviews(day, 1);
                let event = self.sessions.attribute(self.next, hit);
                self.next += 1;
                self.open.entry(event.visit).or_default().push(event);
            }
            Err(reason) => self.tally.skip(reason),
        }
    }

    fn hit(&mut self, line: Line<'_>) -> Result<Hit, &'static str> {
        let day = line.at.day();
        if !self.tables.salts.has(day) {
            self.tables.salts.put(day, throw_away_salt());
            self.tables.salts.forget(self.latest.day());
        }
        let domain = self.context.site.settings.domain.as_str();
        let address = if line.target.starts_with("http://") || line.target.starts_with("https://") {
            line.target.to_owned()
        } else {
            format!("https://{}{}", line.host.unwrap_or(domain), line.target)
        };
        let beacon = Beacon::pageview(domain.to_owned(), address, line.referrer);
        let sender = Sender {
            ip: line.ip,
            user_agent: line.user_agent,
            accept_language: None,
        };
        if sender.user_agent.is_empty() {
            return Err("bot");
        }
        stages::prepare(beacon, domain, &sender, self.context.sites, &self.tables, line.at).map_err(
            |outcome| match outcome {
                Outcome::Dropped(DropReason::Hostname) => "another host",
                Outcome::Dropped(reason) => reason.name(),
                _ => "unreadable",
            },
        )
    }

    /// Hands over the visits that have ended by this time.
    fn end(&mut self, now: Timestamp, gathered: &mut Gathered<'_>) {
        for visit in self.sessions.end(now) {
            if let Some(events) = self.open.remove(&visit.id) {
                gathered.visit(visit, events);
            }
        }
    }
}
