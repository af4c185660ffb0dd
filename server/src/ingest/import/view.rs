//! What screens and programs are shown of imports.

use super::{JobView, State as JobState};
use crate::store::Import;
use pulsecast_protocol::data::{ImportJob, ImportState, ImportView};

/// What the page shows of an import.
#[must_use]
pub fn job_view(job: JobView) -> ImportJob {
    let JobView {
        state,
        dry_run,
        name,
        error,
        report,
    } = job;
    let days = report.days();
    ImportJob {
        state: match state {
            JobState::Running => ImportState::Running,
            JobState::Done => ImportState::Done,
            JobState::Failed => ImportState::Failed,
        },
        dry_run,
        name,
        error,
        percent: u8::try_from((report.bytes * 100).checked_div(report.bytes_total).unwrap_or(0))
            .unwrap_or(100),
        rows: report.rows,
        events: report.events,
        visits: report.visits,
        days: report.by_day.len() as u64,
        first_day: days.map(|(first, _)| first.to_string()),
        last_day: days.map(|(_, last)| last.to_string()),
        skipped: report.skipped,
        examples: report.examples,
    }
}

/// What the page shows of an import that is in.
#[must_use]
pub fn import_view(import: Import) -> ImportView {
    ImportView {
        id: import.id.0,
        kind: import.kind,
        name: import.name,
        at: import.ended.unwrap_or(import.started),
        first_day: import.days.map(|(first, _)| first.to_string()),
        last_day: import.days.map(|(_, last)| last.to_string()),
        events: import.events,
        visits: import.visits,
    }
}
