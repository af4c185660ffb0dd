//! Brings in what was counted elsewhere: Plausible's exported figures, access logs of web servers, our own raw events. Reads files once, piece by
//! piece, with bounded memory; leaves out days that the site has figures of already, so that nothing is counted twice.

mod days;
mod jobs;
mod log;
mod ndjson;
mod plausible;
mod report;
mod sink;
mod source;
mod view;
mod visits;

pub use jobs::{Busy, Importer, JobView, Order};
pub use report::Watched;
pub use report::{Report, State};
pub use sink::{Dry, Piece, Sink, Stored};
pub use source::{File, Kind, SourceError};
pub use view::{import_view, job_view};

use crate::{
    clock::Clock,
    event::SiteId,
    ingest::Tables,
    sites::{Site, Sites},
    store::{Change, Import, ImportId, StoreError},
};
use chrono_tz::Tz;
use days::Covered;

/// Why an import ends early. What it had brought in by then is undone.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// Somebody asked for that.
    #[error("cancelled")]
    Cancelled,
    /// A file.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The store does not take what it brings, whenever it is asked.
    #[error("the event store refuses what this import brings, and nothing of it was kept: {0}")]
    Refused(String),
    /// The files are of different kinds.
    #[error("the files are of different kinds: import one kind at a time")]
    Mixed,
    /// The server is going down.
    #[error("the server is going down: import again when it is back")]
    Stopping,
}

/// What an import works with.
pub struct Context<'a> {
    /// For which site.
    pub site: &'a Site,
    /// All sites: access logs pass the same stages as events do.
    pub sites: &'a Sites,
    /// What addresses and browsers are looked up in.
    pub tables: &'a Tables,
    /// What time it is.
    pub clock: &'a dyn Clock,
    /// Told how far it is; asked whether to go on.
    pub watched: &'a Watched,
}

impl Context<'_> {
    fn timezone(&self) -> Tz {
        self.site.settings.timezone.parse().unwrap_or_default()
    }

    fn site_id(&self) -> SiteId {
        self.site.id
    }
}

/// Imports files of one kind, in the order of their beginnings. Blocks.
///
/// # Errors
/// See [`ImportError`]; the sink undoes what it had taken.
pub fn run(
    context: &Context<'_>,
    files: Vec<File>,
    covered: &(Vec<i64>, Vec<chrono::NaiveDate>),
    id: ImportId,
    sink: &mut dyn Sink,
) -> Result<(), ImportError> {
    let kind = files.first().map_or(Kind::AccessLog, |file| file.kind);
    if files.iter().any(|file| file.kind != kind) {
        return Err(ImportError::Mixed);
    }
    let names: Vec<&str> = files.iter().map(|file| file.name.as_str()).collect();
    let import = Import {
        id,
        site: context.site_id(),
        kind: kind.name().to_owned(),
        name: names.join(", ").chars().take(300).collect(),
        started: context.clock.now(),
        ended: None,
        days: None,
        rows: 0,
        events: 0,
        visits: 0,
        skipped: std::collections::BTreeMap::new(),
    };
    sink.change(Change::ImportBegins(Box::new(import.clone())))?;
    let covered = Covered::new(context.timezone(), covered);
    let outcome = match kind {
        Kind::Plausible => plausible::run(context, files, &covered, id, sink),
        Kind::AccessLog => log::run(context, files, &covered, id, sink),
        Kind::Ndjson => ndjson::run(context, files, &covered, id, sink),
    };
    match outcome {
        Ok(()) => {
            let report = context.watched.report();
            sink.change(Change::ImportEnds(Box::new(Import {
                ended: Some(context.clock.now()),
                days: report.days(),
                rows: report.rows,
                events: report.events,
                visits: report.visits,
                skipped: report.skipped.clone(),
                ..import
            })))?;
            sink.settle()
        }
        Err(error) => {
            // A store that does not take this either undoes it at its next start.
            if let Err(undo) = sink.change(Change::ImportUndone(id)).and_then(|()| sink.settle()) {
                tracing::warn!(error = %undo, "what an import left is deleted at the next start");
            }
            Err(error)
        }
    }
}

/// A salt that nobody keeps, for each day of a log.
fn throw_away_salt() -> crate::enrich::Salt {
    crate::enrich::Salt(rand::random())
}

#[cfg(test)]
mod tests;
