//! Deletes what is older than its site wants it kept: whole days, whole visits, in the order of everything else that is written.

use super::Backlog;
use crate::{
    clock::SharedClock,
    period::day_start,
    sites::{Site, Sites},
    store::{
        Change, EventReader, Slice, StoreError,
        accounts::{Accounts, AccountsError, audit},
    },
    tasks::Tasks,
};
use chrono::{DateTime, Days};
use chrono_tz::Tz;
use pulsecast_protocol::Timestamp;
use serde_json::json;
use std::{sync::Arc, time::Duration};

/// How often it is looked for. What is deleted are whole days, so each site's turn comes once a day, in the hour after its midnight.
const EVERY: Duration = Duration::from_secs(3600);

/// Starts the task that does so every hour.
///
/// What is deleted is noted before: the trail may name what a process that ended then did not delete, and the next hour will.
pub fn keep(
    sites: Sites,
    reader: Arc<dyn EventReader>,
    trail: Arc<dyn Accounts>,
    backlog: Backlog,
    clock: SharedClock,
    tasks: &Tasks,
) {
    let stop = tasks.clone();
    tasks.spawn("retention", async move {
        let mut every = tokio::time::interval(EVERY);
        loop {
            tokio::select! {
                () = stop.stopping() => break,
                _ = every.tick() => {}
            }
            for site in sites.all() {
                let Some(change) = due(&site, clock.now()) else {
                    continue;
                };
                let reader = reader.clone();
                let asked = tokio::task::spawn_blocking(move || {
                    is_needed(&*reader, &change).map(|is| is.then_some(change))
                });
                match asked.await {
                    Ok(Ok(Some(change))) => {
                        if let Err(error) = note(&*trail, &site, &change, clock.now()).await {
                            tracing::warn!(%error, "what is over age stays until the audit trail can be written");
                            continue;
                        }
                        tracing::info!(site = %site.settings.domain, "deleting what is over age");
                        backlog.change(change);
                    }
                    Ok(Ok(None)) | Err(_) => {}
                    Ok(Err(error)) => tracing::warn!(%error, "what is over age stays for now"),
                }
            }
        }
    });
}

/// Notes what is about to be deleted, as the deletion of a person would be.
async fn note(
    trail: &dyn Accounts,
    site: &Site,
    change: &Change,
    now: Timestamp,
) -> Result<(), AccountsError> {
    let last = match change {
        Change::Delete {
            days: Some((_, last)),
            ..
        } => *last,
        _ => None,
    };
    let entry = audit::Change {
        site: Some(site.id),
        email: "retention",
        action: "data.delete",
        what: json!({"to": last, "kept days": site.settings.retention_days}),
    };
    trail.note(entry, now).await
}

/// What is over age at the site: all before the day that begins its last so many days.
fn due(site: &Site, now: Timestamp) -> Option<Change> {
    let days = u64::from(site.settings.retention_days?);
    let timezone: Tz = site.settings.timezone.parse().unwrap_or_default();
    let today = DateTime::from_timestamp_millis(now.millis())?
        .with_timezone(&timezone)
        .date_naive();
    let first_kept = today.checked_sub_days(Days::new(days))?;
    Some(Change::Delete {
        slice: Slice {
            to: Some(day_start(first_kept, timezone)?),
            ..Slice::all(site.id)
        },
        days: Some((None, first_kept.pred_opt())),
    })
}

fn is_needed(reader: &dyn EventReader, change: &Change) -> Result<bool, StoreError> {
    match change {
        Change::Delete {
            slice,
            days: Some((_, Some(last))),
        } => reader.has_any(*slice, *last),
        _ => Ok(false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        event::SiteId,
        store::accounts::{AuditBook, SqliteAccounts},
    };
    use pulsecast_protocol::account::SiteSettings;

    #[test]
    fn so_many_whole_days_of_the_site_are_kept() {
        let mut settings = SiteSettings::new("example.com".parse().unwrap());
        settings.timezone = "Europe/Berlin".into();
        let now = Timestamp(20 * Timestamp::DAY + 12 * Timestamp::HOUR);
        assert_eq!(
            due(&Site::new(SiteId(1), settings.clone()), now),
            None,
            "kept for ever"
        );
        settings.retention_days = Some(10);
        let Some(Change::Delete { slice, days }) = due(&Site::new(SiteId(1), settings), now) else {
            panic!("nothing is due");
        };
        assert_eq!(slice.to, Some(Timestamp(10 * Timestamp::DAY - Timestamp::HOUR)));
        assert_eq!(
            (slice.from, days.unwrap().1.unwrap().to_string()),
            (None, "1970-01-10".to_owned())
        );
    }

    #[tokio::test]
    async fn what_is_deleted_by_itself_is_in_the_trail() {
        let folder = tempfile::tempdir().unwrap();
        let accounts = SqliteAccounts::open(folder.path()).await.unwrap();
        let now = Timestamp(20 * Timestamp::DAY + 12 * Timestamp::HOUR);
        let mut settings = SiteSettings::new("example.com".parse().unwrap());
        settings.retention_days = Some(10);
        let site = Site::new(SiteId(1), settings);
        note(&accounts, &site, &due(&site, now).unwrap(), now)
            .await
            .unwrap();
        let entry = accounts.changes(SiteId(1), None, 1).await.unwrap().remove(0);
        assert_eq!(
            (entry.email.as_str(), entry.action.as_str(), entry.at),
            ("retention", "data.delete", now)
        );
        assert_eq!(entry.what, json!({"to": "1970-01-10", "kept days": 10}));
    }
}
