//! `pulsecast site add DOMAIN`. A running server sees it within a second.

use super::data;
use crate::{
    clock::{Clock, SystemClock},
    config::DataDir,
    store::accounts::{Accounts, AuditBook, Change},
};
use anyhow::{Context, Result, bail};
use pulsecast_protocol::{Domain, account::SiteSettings};
use serde_json::json;

pub(super) async fn add(
    dir: &DataDir,
    domain: Domain,
    owner: Option<String>,
    timezone: String,
) -> Result<()> {
    if timezone.parse::<chrono_tz::Tz>().is_err() {
        bail!("`{timezone}` is not a time zone: write one such as Europe/Berlin");
    }
    let accounts = data::accounts(dir).await?;
    let owner = match owner {
        Some(email) => Some(accounts.account(&email).await?.with_context(|| {
            format!("there is no account {email}: make it with `pulsecast user add {email}`")
        })?),
        None => None,
    };
    let settings = SiteSettings {
        timezone,
        ..SiteSettings::new(domain.clone())
    };
    let owners: Vec<_> = owner.iter().map(|account| account.id).collect();
    let now = SystemClock.now();
    let change = Change {
        site: None,
        email: "command line",
        action: "site.add",
        what: json!({"domain": domain}),
    };
    let noting = accounts.noting(change, now);
    let site = noting.add_site(&settings, &owners, now).await?;
    if owners.is_empty() {
        accounts.add_everybody(site).await?;
    }
    accounts.close().await;
    println!("added {domain}; put this into its pages, with the address that the server is reached at:");
    println!(
        "<script defer data-site=\"{domain}\" data-live src=\"http://127.0.0.1:3000/js/pulse.js\"></script>"
    );
    Ok(())
}
