//! The account and the sites of a generated data directory, made by the server's own command line.

use crate::process::Place;
use anyhow::{Context, Result};
use chrono::NaiveDate;
use std::path::Path;

/// Who owns the sites.
pub const EMAIL: &str = "bench@example.com";
/// And signs in with this.
pub const PASSWORD: &str = "a password for the bench";

/// The one that most of the traffic is of.
pub const BIG: &str = "big.example";

/// Domain, time zone, share of the traffic.
const SITES: [(&str, &str, f64); 10] = [
    (BIG, "Europe/Berlin", 0.8),
    ("shop.example", "America/New_York", 0.06),
    ("docs.example", "UTC", 0.04),
    ("blog.example", "Europe/London", 0.03),
    ("app.example", "Asia/Kolkata", 0.02),
    ("news.example", "America/Los_Angeles", 0.015),
    ("wiki.example", "Australia/Sydney", 0.015),
    ("forum.example", "Asia/Tokyo", 0.01),
    ("status.example", "UTC", 0.006),
    ("tiny.example", "Pacific/Chatham", 0.004),
];

/// A site that was made.
#[derive(Debug)]
pub struct Made {
    /// Its number.
    pub id: i64,
    /// Its domain.
    pub domain: &'static str,
    /// Its part of all visits.
    pub share: f64,
}

/// Adds the account and the sites; they have had events since `first`.
pub fn add(place: &Place, accounts: &Path, first: NaiveDate) -> Result<Vec<Made>> {
    place.tell(
        &["user", "add", EMAIL, "--password-stdin"],
        &format!("{PASSWORD}\n"),
    )?;
    for (domain, zone, _) in SITES {
        place.tell(&["site", "add", domain, "--timezone", zone, "--owner", EMAIL], "")?;
    }
    let accounts = rusqlite::Connection::open(accounts)
        .with_context(|| format!("cannot open {}", accounts.display()))?;
    let since = first
        .and_time(chrono::NaiveTime::MIN)
        .and_utc()
        .timestamp_millis();
    accounts.execute("update sites set first_event_at = ?", [since])?;
    SITES
        .iter()
        .map(|(domain, _, share)| {
            let id = accounts.query_row("select id from sites where domain = ?", [domain], |row| {
                row.get(0)
            })?;
            Ok(Made {
                id,
                domain,
                share: *share,
            })
        })
        .collect()
}
