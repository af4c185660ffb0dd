//! What happens to the store beside events coming in: imports begin, end and are undone; data is deleted. In order with the events, and in
//! the transactions that take them.

use super::Slice;
use crate::event::SiteId;
use chrono::NaiveDate;
use pulsecast_protocol::Timestamp;
use std::{collections::BTreeMap, sync::Arc};

/// An import's number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ImportId(pub i64);

/// Something that came from elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import {
    /// Its number.
    pub id: ImportId,
    /// Whose history it is.
    pub site: SiteId,
    /// `plausible`, `access_log`, `ndjson`.
    pub kind: String,
    /// What the files were called.
    pub name: String,
    /// When it began.
    pub started: Timestamp,
    /// When it was complete; `None` while it goes on.
    pub ended: Option<Timestamp>,
    /// The first and the last day that it has figures of.
    pub days: Option<(NaiveDate, NaiveDate)>,
    /// Rows or lines that were read.
    pub rows: u64,
    /// Events that came of them.
    pub events: u64,
    /// Visits that came of them.
    pub visits: u64,
    /// Rows that were left out, by reason.
    pub skipped: BTreeMap<String, u64>,
}

/// Figures of one group of a report on one day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Daily {
    /// A day of the site.
    pub day: NaiveDate,
    /// `visitors`, `sources`, `pages`, …: see migration 3.
    pub report: &'static str,
    /// The group, by [`Daily::COLUMNS`].
    pub group: [Option<String>; Daily::COLUMNS.len()],
    /// The figures, by [`Daily::FIGURES`].
    pub figures: [u64; Daily::FIGURES.len()],
}

impl Daily {
    /// What a report groups by.
    pub const COLUMNS: [&'static str; 19] = [
        "source",
        "referrer",
        "channel",
        "utm_source",
        "utm_medium",
        "utm_campaign",
        "utm_content",
        "utm_term",
        "hostname",
        "page",
        "event",
        "country",
        "region",
        "city",
        "device",
        "browser",
        "browser_version",
        "os",
        "os_version",
    ];
    /// What it counts.
    pub const FIGURES: [&'static str; 10] = [
        "visitors",
        "visits",
        "pageviews",
        "events",
        "bounces",
        "duration_ms",
        "engaged_ms",
        "engaged_visits",
        "scroll_sum",
        "scroll_visits",
    ];

    /// The figure of this name.
    #[must_use]
    pub fn figure(&self, name: &str) -> u64 {
        let at = Self::FIGURES.iter().position(|figure| *figure == name);
        at.map_or(0, |at| self.figures[at])
    }
}

/// What happens.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// An import begins: from here on it is undone if the process ends before it does.
    ImportBegins(Box<Import>),
    /// The events and visits of these numbers are an import's.
    ImportPiece {
        /// Whose.
        import: ImportId,
        /// The first number.
        first: u64,
        /// The last.
        last: u64,
    },
    /// Figures that came as figures.
    ImportDaily {
        /// Whose.
        import: ImportId,
        /// Which site's.
        site: SiteId,
        /// Counts from 1: a part that comes again is not taken twice.
        part: u32,
        /// They.
        rows: Arc<[Daily]>,
    },
    /// It is complete.
    ImportEnds(Box<Import>),
    /// All that came with it is deleted.
    ImportUndone(ImportId),
    /// Visits that were active in this part of a site's history, with all of their events, and imported figures of these days. Visits that have not ended
    /// are kept.
    Delete {
        /// Which part.
        slice: Slice,
        /// The days that are wholly in it, both included; `None` where there is none: then no imported figure goes.
        days: Option<(Option<NaiveDate>, Option<NaiveDate>)>,
    },
}

impl Change {
    /// The import that it is of.
    #[must_use]
    pub fn import(&self) -> Option<ImportId> {
        match self {
            Self::ImportBegins(import) | Self::ImportEnds(import) => Some(import.id),
            Self::ImportPiece { import, .. }
            | Self::ImportDaily { import, .. }
            | Self::ImportUndone(import) => Some(*import),
            Self::Delete { .. } => None,
        }
    }

    /// Whether it goes before the events it is told with: it says whose they are, and without it nobody could undo a piece that a crash cuts in two.
    #[must_use]
    pub fn comes_first(&self) -> bool {
        matches!(self, Self::ImportBegins(_) | Self::ImportPiece { .. })
    }
}
