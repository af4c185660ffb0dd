//! `pulsecast key add|list|revoke`. A running server knows at once: keys are looked up whenever they are used.

use super::data;
use crate::{
    auth::key::Wanted,
    clock::{Clock, SystemClock},
    config::DataDir,
    event::SiteId,
    store::accounts::{Accounts, AccountsError, AuditBook, Change, KeyBook, KeyRight, SqliteAccounts},
};
use anyhow::{Context, Result, bail};
use chrono::DateTime;
use clap::Args;
use pulsecast_protocol::{Domain, Timestamp};
use serde_json::json;

/// What a new key is to be.
#[derive(Args, Debug)]
pub(super) struct Add {
    /// The site it is for; all sites of the account when left out
    #[arg(long, value_name = "DOMAIN", required_unless_present = "user")]
    site: Option<Domain>,
    /// What it is for: stats or publish
    #[arg(long, value_name = "RIGHT")]
    right: KeyRight,
    /// The account that it acts for: it ends with that account's membership
    #[arg(long, value_name = "EMAIL")]
    user: Option<String>,
    /// What lists call it
    #[arg(long, default_value = "command line")]
    name: String,
    #[command(flatten)]
    data: DataDir,
}

pub(super) async fn add(add: Add) -> Result<()> {
    let accounts = data::accounts(&add.data).await?;
    let site = match &add.site {
        Some(domain) => Some(number(&accounts, domain).await?),
        None => None,
    };
    let account = match &add.user {
        Some(email) => {
            let account = accounts.account(email).await?;
            let missing =
                || format!("there is no account {email}: make it with `pulsecast user add {email}`");
            Some(account.with_context(missing)?.id)
        }
        None => None,
    };
    let wanted = Wanted {
        name: &add.name,
        account,
        site,
        right: add.right,
    };
    let keys = data::auth(&accounts).await?.keys;
    let now = SystemClock.now();
    let change = Change {
        site,
        email: "command line",
        action: "key.add",
        what: json!({"name": add.name, "right": add.right}),
    };
    let key = keys.make(&*accounts.noting(change, now), &wanted, now).await?;
    accounts.close().await;
    println!("{key}");
    eprintln!("keep it safe: it cannot be shown again");
    Ok(())
}

pub(super) async fn list(dir: &DataDir, site: Option<Domain>) -> Result<()> {
    let accounts = data::accounts(dir).await?;
    let site = match &site {
        Some(domain) => Some(number(&accounts, domain).await?),
        None => None,
    };
    let domains = domains(&accounts).await?;
    for key in accounts.keys(site).await? {
        let of = match key.site {
            Some(id) => domains
                .iter()
                .find(|(other, _)| *other == id)
                .map(|(_, domain)| domain.as_str()),
            None => Some("all sites"),
        };
        println!(
            "{}\t{}…\t{}\t{}\t{}\tmade {}\tlast used {}",
            key.id,
            key.prefix,
            key.right,
            of.unwrap_or("?"),
            key.name,
            time(key.created),
            key.last_used.map_or_else(|| "never".to_owned(), time),
        );
    }
    accounts.close().await;
    Ok(())
}

pub(super) async fn revoke(dir: &DataDir, number: i64) -> Result<()> {
    let accounts = data::accounts(dir).await?;
    let now = SystemClock.now();
    let key = accounts
        .keys(None)
        .await?
        .into_iter()
        .find(|key| key.id == number);
    let change = Change {
        site: key.as_ref().and_then(|key| key.site),
        email: "command line",
        action: "key.revoke",
        what: json!({"name": key.map(|key| key.name)}),
    };
    let revoked = accounts.noting(change, now).revoke_key(number, now).await?;
    accounts.close().await;
    if !revoked {
        bail!("there is no key {number}: `pulsecast key list` shows which there are");
    }
    println!("revoked");
    Ok(())
}

async fn domains(accounts: &SqliteAccounts) -> Result<Vec<(SiteId, Domain)>, AccountsError> {
    let sites = accounts.sites().await?;
    Ok(sites
        .into_iter()
        .map(|site| (site.id, site.settings.domain))
        .collect())
}

async fn number(accounts: &SqliteAccounts, domain: &Domain) -> Result<SiteId> {
    let domains = domains(accounts).await?;
    let found = domains.iter().find(|(_, other)| other == domain);
    let (id, _) = found
        .with_context(|| format!("there is no site {domain}: make it with `pulsecast site add {domain}`"))?;
    Ok(*id)
}

/// To the minute, in UTC.
fn time(at: Timestamp) -> String {
    let time = DateTime::from_timestamp_millis(at.millis()).unwrap_or_default();
    time.format("%Y-%m-%d %H:%MZ").to_string()
}
