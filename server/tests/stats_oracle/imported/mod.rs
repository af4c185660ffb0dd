//! Figures that came as figures: random reports by day, as an import writes them.

mod questions;

use super::{dice::Dice, history::*};
use chrono::{Days, NaiveDate};
use pulsecast_protocol::Timestamp;
use pulsecast_server::{
    event::SiteId,
    store::{Change, Daily, Import, ImportId},
};
use std::collections::{BTreeMap, BTreeSet};

/// An imported row: of the site that is asked about, or of another.
pub type Row = (SiteId, Daily);

const OF_VISITS: &[&str] = &["visitors", "visits", "pageviews", "bounces", "duration_ms"];
const OF_PAGES: &[&str] = &[
    "visitors",
    "visits",
    "pageviews",
    "engaged_ms",
    "engaged_visits",
    "scroll_sum",
    "scroll_visits",
];
const TAGGED: &[(&str, &[&str])] = &[
    ("source", &SOURCES),
    ("referrer", &REFERRERS),
    ("channel", &CHANNELS),
    ("utm_source", &TAGS),
    ("utm_medium", &TAGS),
    ("utm_campaign", &TAGS),
    ("utm_content", &TAGS),
    ("utm_term", &TAGS),
];

/// A report's name, its columns with what may stand in them, and its figures.
type Report = (
    &'static str,
    &'static [(&'static str, &'static [&'static str])],
    &'static [&'static str],
);

const REPORTS: &[Report] = &[
    ("visitors", &[], OF_VISITS),
    ("sources", TAGGED, OF_VISITS),
    ("pages", &[("page", &PATHS), ("hostname", &HOSTS)], OF_PAGES),
    ("entry_pages", &[("page", &PATHS)], OF_VISITS),
    ("exit_pages", &[("page", &PATHS)], OF_VISITS),
    (
        "custom_events",
        &[("event", &NAMES), ("page", &PATHS)],
        &["visitors", "events"],
    ),
    (
        "locations",
        &[("country", &COUNTRIES), ("region", &REGIONS)],
        OF_VISITS,
    ),
    ("devices", &[("device", &DEVICES)], OF_VISITS),
    (
        "browsers",
        &[("browser", &BROWSERS), ("browser_version", &VERSIONS)],
        OF_VISITS,
    ),
    (
        "operating_systems",
        &[("os", &SYSTEMS), ("os_version", &VERSIONS)],
        OF_VISITS,
    ),
];

/// What was imported into a history's sites. Days that the first has events of are left out, as an import leaves them out that is made when they
/// are there; one that was made before them knows of none.
pub fn random(dice: &mut Dice, history: &History) -> Vec<Row> {
    if dice.percent(30) {
        return Vec::new();
    }
    let around = crate::naive::wall(history.around, history.zone).date();
    let own: BTreeSet<NaiveDate> = match dice.percent(25) {
        true => BTreeSet::new(),
        false => history
            .hits()
            .map(|hit| crate::naive::wall(hit.at, history.zone).date())
            .collect(),
    };
    let days: BTreeSet<NaiveDate> = (0..dice.places(1, 12))
        .map(|_| {
            let back = match dice.between(0, 9) {
                0..5 => dice.between(0, 6),
                5..9 => dice.between(0, 60),
                _ => dice.between(330, 400),
            };
            around + Days::new(2) - Days::new(back.unsigned_abs())
        })
        .filter(|day| !own.contains(day))
        .collect();
    let mut rows = Vec::new();
    for day in days {
        let site = SiteId(if dice.percent(90) { 1 } else { 2 });
        for report in REPORTS {
            if dice.percent(85) {
                let many = if report.1.is_empty() { 1 } else { dice.places(1, 4) };
                rows.extend((0..many).map(|_| (site, row(dice, day, report))));
            }
        }
    }
    rows
}

fn row(dice: &mut Dice, day: NaiveDate, (report, columns, figures): &Report) -> Daily {
    let mut row = Daily {
        day,
        report,
        group: Default::default(),
        figures: Default::default(),
    };
    for (column, values) in *columns {
        let at = Daily::COLUMNS.iter().position(|known| known == column).unwrap();
        row.group[at] = dice.maybe(25, values);
    }
    for figure in *figures {
        let at = Daily::FIGURES.iter().position(|known| known == figure).unwrap();
        let many = dice.between(0, 12).unsigned_abs();
        row.figures[at] = if figure.ends_with("_ms") {
            many * 7_000
        } else {
            many
        };
    }
    if *report == "visitors" {
        // Of whoever counted elsewhere, pageviews are all the events that are known by day.
        let at = |name: &str| Daily::FIGURES.iter().position(|known| *known == name).unwrap();
        row.figures[at("events")] = row.figures[at("pageviews")];
    }
    row
}

/// The changes that bring them into a store.
pub fn changes(rows: &[Row], at: Timestamp) -> Vec<Change> {
    let mut changes = Vec::new();
    for site in [SiteId(1), SiteId(2)] {
        let import = Import {
            id: ImportId(site.0),
            site,
            kind: "plausible".to_owned(),
            name: "plausible.zip".to_owned(),
            started: at,
            ended: None,
            days: None,
            rows: 0,
            events: 0,
            visits: 0,
            skipped: BTreeMap::new(),
        };
        let of_site = rows.iter().filter(|(of, _)| *of == site);
        let rows: Vec<Daily> = of_site.map(|(_, row)| row.clone()).collect();
        changes.push(Change::ImportBegins(Box::new(import.clone())));
        changes.push(Change::ImportDaily {
            import: import.id,
            site,
            part: 1,
            rows: rows.into(),
        });
        changes.push(Change::ImportEnds(Box::new(Import {
            ended: Some(at),
            ..import
        })));
    }
    changes
}
