//! What Plausible exports (site settings, "Export data"): a ZIP of `imported_*.csv`, figures by day and group. They stay figures: of whom they
//! were nobody can tell any more. Columns are found by their names, so that older and newer exports are read alike.

use super::{
    Context, ImportError,
    days::Covered,
    report::Tally,
    sink::Sink,
    source::{Counted, File, SourceError},
};
use crate::{
    enrich::channel,
    event::Utm,
    store::{Change, Daily, ImportId},
};
use chrono::NaiveDate;
use csv::StringRecord;
use std::{
    collections::HashMap,
    io::{self, Read},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};
use zip::ZipArchive;

/// Rows that go to the store together.
const PART: usize = 5_000;

/// Largest figure of a row: beyond what anybody counts in a day, and all rows together stay within the store's numbers.
const MOST: u64 = 1_000_000_000_000_000;

/// A file of the export: which report it is, and which of our columns and figures its own are.
struct Table {
    file: &'static str,
    columns: &'static [(&'static str, &'static str)],
    figures: &'static [(&'static str, &'static str, u64)],
}

const VISITS: &[(&str, &str, u64)] = &[
    ("visitors", "visitors", 1),
    ("visits", "visits", 1),
    ("entrances", "visits", 1),
    ("exits", "visits", 1),
    ("pageviews", "pageviews", 1),
    ("bounces", "bounces", 1),
    // Plausible has seconds.
    ("visit_duration", "duration_ms", 1000),
];
const PAGES: &[(&str, &str, u64)] = &[
    ("visitors", "visitors", 1),
    ("visits", "visits", 1),
    ("pageviews", "pageviews", 1),
    ("total_time_on_page", "engaged_ms", 1000),
    ("total_time_on_page_visits", "engaged_visits", 1),
    ("total_scroll_depth", "scroll_sum", 1),
    ("total_scroll_depth_visits", "scroll_visits", 1),
];

/// Headers as of Plausible's `exports.ex`, 2026. Cities are left out: they come as numbers of geonames.org.
const TABLES: &[Table] = &[
    Table {
        file: "visitors",
        columns: &[],
        figures: VISITS,
    },
    Table {
        file: "sources",
        columns: &[
            ("source", "source"),
            ("referrer", "referrer"),
            ("utm_source", "utm_source"),
            ("utm_medium", "utm_medium"),
            ("utm_campaign", "utm_campaign"),
            ("utm_content", "utm_content"),
            ("utm_term", "utm_term"),
        ],
        figures: VISITS,
    },
    Table {
        file: "pages",
        columns: &[("hostname", "hostname"), ("page", "page")],
        figures: PAGES,
    },
    Table {
        file: "entry_pages",
        columns: &[("entry_page", "page")],
        figures: VISITS,
    },
    Table {
        file: "exit_pages",
        columns: &[("exit_page", "page")],
        figures: VISITS,
    },
    Table {
        file: "custom_events",
        columns: &[("name", "event"), ("path", "page")],
        figures: &[("visitors", "visitors", 1), ("events", "events", 1)],
    },
    Table {
        file: "locations",
        columns: &[("country", "country"), ("region", "region")],
        figures: VISITS,
    },
    Table {
        file: "devices",
        columns: &[("device", "device")],
        figures: VISITS,
    },
    Table {
        file: "browsers",
        columns: &[("browser", "browser"), ("browser_version", "browser_version")],
        figures: VISITS,
    },
    Table {
        file: "operating_systems",
        columns: &[
            ("operating_system", "os"),
            ("operating_system_version", "os_version"),
        ],
        figures: VISITS,
    },
];

/// `imported_pages.csv`, `imported_pages_20260101_20260131.csv`.
fn table(name: &str) -> Option<&'static Table> {
    let file = name
        .rsplit('/')
        .next()?
        .strip_suffix(".csv")?
        .strip_prefix("imported_")?;
    let plain = file.trim_end_matches(|c: char| c.is_ascii_digit() || c == '_');
    TABLES.iter().find(|table| table.file == plain)
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
    let mut reading = Reading {
        context,
        covered,
        import,
        sink,
        tally: Tally::default(),
        rows: Vec::new(),
        part: 0,
        read: Arc::new(AtomicU64::new(0)),
    };
    for file in files {
        reading.file(&file)?;
    }
    reading.pass_on(true)
}

struct Reading<'a> {
    context: &'a Context<'a>,
    covered: &'a Covered,
    import: ImportId,
    sink: &'a mut dyn Sink,
    tally: Tally,
    rows: Vec<Daily>,
    part: u32,
    read: Arc<AtomicU64>,
}

impl Reading<'_> {
    fn file(&mut self, file: &File) -> Result<(), ImportError> {
        let fault = |error: io::Error| SourceError::Read {
            name: file.name.clone(),
            error,
        };
        let opened = std::fs::File::open(&file.path).map_err(fault)?;
        if let Some(table) = table(&file.name) {
            let counted = Counted {
                inner: opened,
                read: self.read.clone(),
            };
            return self.csv(table, &file.name, counted);
        }
        let archive = |error: zip::result::ZipError| fault(io::Error::other(error));
        let not_ours = || SourceError::NotPlausible {
            name: file.name.clone(),
        };
        let mut zip = ZipArchive::new(opened).map_err(|_| not_ours())?;
        let names: Vec<String> = zip.file_names().map(str::to_owned).collect();
        if !names.iter().any(|name| table(name).is_some()) {
            return Err(not_ours().into());
        }
        for name in names {
            let packed = zip.by_name(&name).map_err(archive)?;
            let bytes = packed.compressed_size();
            match table(&name) {
                Some(table) => self.csv(table, &name, packed)?,
                None if packed.is_dir() => {}
                None => self.tally.skip("file of another kind"),
            }
            self.read.fetch_add(bytes, Ordering::Relaxed);
        }
        Ok(())
    }

    fn csv(&mut self, table: &'static Table, name: &str, from: impl Read) -> Result<(), ImportError> {
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(from);
        let unreadable = |error: csv::Error| SourceError::Read {
            name: name.to_owned(),
            error: io::Error::other(error),
        };
        let head: HashMap<String, usize> = reader
            .headers()
            .map_err(unreadable)?
            .iter()
            .enumerate()
            .map(|(at, column)| (column.trim_start_matches('\u{feff}').to_owned(), at))
            .collect();
        let mut record = StringRecord::new();
        loop {
            let more = match reader.read_record(&mut record) {
                Ok(more) => more,
                Err(error) if matches!(error.kind(), csv::ErrorKind::Utf8 { .. }) => {
                    self.tally.row();
                    self.tally.unreadable(|| format!("{name}: {error}"));
                    continue;
                }
                Err(error) => return Err(unreadable(error).into()),
            };
            if !more {
                return Ok(());
            }
            self.tally.row();
            match row(table, &head, &record) {
                Ok(row) => self.take(row),
                Err(reason) => {
                    let line = record.position().map_or(0, csv::Position::line);
                    self.tally.unreadable(|| format!("{name} line {line}: {reason}"));
                }
            }
            self.pass_on(false)?;
        }
    }

    fn take(&mut self, row: Daily) {
        let today = self.covered.day(self.context.clock.now());
        if today.is_some_and(|today| row.day > today) {
            return self.tally.skip("in the future");
        }
        if let Some(reason) = self.covered.leaves_out(row.day) {
            return self.tally.skip(reason);
        }
        if row.report == "visitors" {
            self.tally.pageviews(row.day, row.figure("pageviews"));
            let (events, visits) = (row.figure("pageviews"), row.figure("visits"));
            self.context.watched.update(|report| {
                report.events += events;
                report.visits += visits;
            });
        }
        // Of other reports the days are known, and nothing to count.
        self.tally.pageviews(row.day, 0);
        self.rows.push(row);
    }

    fn pass_on(&mut self, last: bool) -> Result<(), ImportError> {
        if self.rows.len() < PART && !last {
            return Ok(());
        }
        if self.context.watched.is_cancelled() {
            return Err(ImportError::Cancelled);
        }
        if !self.rows.is_empty() {
            self.part += 1;
            self.sink.change(Change::ImportDaily {
                import: self.import,
                site: self.context.site_id(),
                part: self.part,
                rows: std::mem::take(&mut self.rows).into(),
            })?;
            // Not more than a part is in memory.
            self.sink.settle()?;
        }
        self.tally
            .tell(self.context.watched, self.read.load(Ordering::Relaxed), 0, 0);
        Ok(())
    }
}

fn row(table: &'static Table, head: &HashMap<String, usize>, record: &StringRecord) -> Result<Daily, String> {
    let cell = |column: &str| head.get(column).and_then(|at| record.get(*at));
    let date = cell("date").ok_or("no column `date`")?;
    let day: NaiveDate = date
        .parse()
        .map_err(|_| format!("date: `{}` is no day", super::log::short(date)))?;
    let mut daily = Daily {
        day,
        report: table.file,
        group: Default::default(),
        figures: Default::default(),
    };
    for (theirs, ours) in table.columns {
        let value = cell(theirs).filter(|value| !value.is_empty()).map(str::to_owned);
        if let Some(at) = Daily::COLUMNS.iter().position(|column| column == ours) {
            daily.group[at] = value;
        }
    }
    for (theirs, ours, factor) in table.figures {
        let Some(text) = cell(theirs).filter(|text| !text.is_empty()) else {
            continue;
        };
        let value: u64 = text
            .parse()
            .map_err(|_| format!("{theirs}: `{}` is no number", super::log::short(text)))?;
        let value = value.checked_mul(*factor).filter(|value| *value <= MOST);
        let value = value.ok_or_else(|| {
            format!(
                "{theirs}: `{}` is more than there can be",
                super::log::short(text)
            )
        })?;
        if let Some(at) = Daily::FIGURES.iter().position(|figure| figure == ours) {
            daily.figures[at] = value;
        }
    }
    if table.file == "visitors" {
        let at = |name| {
            Daily::FIGURES
                .iter()
                .position(|figure| *figure == name)
                .unwrap_or_default()
        };
        daily.figures[at("events")] = daily.figures[at("pageviews")];
    }
    if table.file == "sources" {
        set_channel(&mut daily);
    }
    Ok(daily)
}

/// Plausible does not export channels: they follow from the source and its tags.
fn set_channel(daily: &mut Daily) {
    let at = |name| {
        Daily::COLUMNS
            .iter()
            .position(|column| *column == name)
            .unwrap_or_default()
    };
    let value = |name| daily.group[at(name)].clone();
    let source = value("source");
    let utm = Utm {
        source: value("utm_source"),
        medium: value("utm_medium"),
        campaign: value("utm_campaign"),
        content: value("utm_content"),
        term: value("utm_term"),
    };
    daily.group[at("channel")] = channel::channel(source.as_deref(), &utm, None).map(str::to_owned);
}
