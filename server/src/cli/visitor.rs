//! `pulsecast visitor-token` and `pulsecast visitor-secret`: for trying rooms out, and for setting a site up without its settings page. A
//! running server knows within a second.

use super::data;
use crate::{
    auth::visitor::{self, Draft, TokenLimits},
    clock::{Clock, SystemClock},
    config::DataDir,
    sites::{Secret, Site},
    store::accounts::{Accounts, AuditBook, Change, SqliteAccounts, VisitorBook},
};
use anyhow::{Context, Result, bail};
use clap::Args;
use pulsecast_protocol::{
    Domain, Timestamp,
    visitor::{OldSecretMay, TokenTrust},
};
use serde_json::json;
use std::collections::BTreeMap;

/// What a token is to say.
#[derive(Args, Debug)]
pub(super) struct Token {
    /// The site
    #[arg(long, value_name = "DOMAIN")]
    site: Domain,
    /// Who, by the site's own name for them
    #[arg(long, value_name = "NAME")]
    user: String,
    /// A room, or all whose names begin alike (team-*), and what may be done there [default: everything], such as lobby or
    /// news=read,history; may be given several times
    #[arg(long, value_name = "ROOM[=RIGHT,…]")]
    room: Vec<String>,
    /// What others in a room are told about them, in JSON
    #[arg(long, value_name = "JSON")]
    info: Option<String>,
    /// How long it is good
    #[arg(long, default_value_t = 60, value_name = "MINUTES")]
    minutes: u32,
    #[command(flatten)]
    data: DataDir,
}

/// Which site.
#[derive(Args, Debug)]
pub(super) struct NewSecret {
    /// The site
    #[arg(long, value_name = "DOMAIN")]
    site: Domain,
    /// Let tokens that are signed with the secret before go on for a day
    #[arg(long)]
    keep_old: bool,
    #[command(flatten)]
    data: DataDir,
}

pub(super) async fn token(args: Token) -> Result<()> {
    let accounts = data::accounts(&args.data).await?;
    let site = site(&accounts, &args.site).await?;
    let secret = match (&site.visitors.settings.tokens, &site.visitors.secret) {
        (TokenTrust::Secret, Some(secret)) => secret.clone(),
        (TokenTrust::Secret | TokenTrust::Nobody, _) => {
            let secret = renew(&accounts, &site, OldSecretMay::End).await?;
            eprintln!(
                "{} believes tokens that are signed with a secret from now on",
                args.site
            );
            secret
        }
        _ => bail!(
            "{} believes tokens that its own key signs: sign one where that key is, or choose a secret in the site's settings",
            args.site
        ),
    };
    let now = SystemClock.now();
    let rooms: BTreeMap<String, Vec<String>> = args.room.iter().map(|room| granted(room)).collect();
    let info = match args.info.as_deref().map(|text| (text, visitor::info(text))) {
        Some((text, None)) => bail!("`{text}` is no JSON: write it like {{\"name\":\"Ann\"}}"),
        Some((_, info)) => info,
        None => None,
    };
    let id = format!("{:016x}", rand::random::<u64>());
    let draft = Draft {
        sub: &args.user,
        aud: &args.site,
        iat: now.millis() / 1000,
        exp: now.plus(i64::from(args.minutes) * Timestamp::MINUTE).millis() / 1000,
        jti: &id,
        info: info.as_ref(),
        rooms: &rooms,
    };
    let token = visitor::sign(&draft, secret.expose())?;
    accounts.close().await;
    // Better told here than by a server that refuses it.
    visitor::token::check_draft(&token, secret.expose(), &args.site, &TokenLimits::default(), now)
        .map_err(|why| anyhow::anyhow!(why))?;
    println!("{token}");
    Ok(())
}

pub(super) async fn new_secret(args: NewSecret) -> Result<()> {
    let accounts = data::accounts(&args.data).await?;
    let site = site(&accounts, &args.site).await?;
    let old = if args.keep_old {
        OldSecretMay::GoOn
    } else {
        OldSecretMay::End
    };
    let secret = renew(&accounts, &site, old).await?;
    accounts.close().await;
    println!("{}", secret.expose());
    eprintln!("give it to the site's own server, nobody else: it cannot be shown again");
    Ok(())
}

/// A new secret, which the site believes from now on.
async fn renew(accounts: &SqliteAccounts, site: &Site, old: OldSecretMay) -> Result<Secret> {
    let now = SystemClock.now();
    let mut settings = site.visitors.settings.clone();
    settings.tokens = TokenTrust::Secret;
    accounts.save_visitors(site.id, &settings).await?;
    let change = Change {
        site: Some(site.id),
        email: "command line",
        action: "visitors.secret",
        what: json!({"old goes on": old == OldSecretMay::GoOn}),
    };
    let accounts = accounts.noting(change, now);
    let secret = visitor::fresh_secret(&*accounts, site.id, old, now).await?;
    Ok(secret)
}

async fn site(accounts: &SqliteAccounts, domain: &Domain) -> Result<Site> {
    let sites = accounts.sites().await?;
    let found = sites.into_iter().find(|site| site.settings.domain == *domain);
    found.with_context(|| format!("there is no site {domain}: make it with `pulsecast site add {domain}`"))
}

/// `lobby`, `news=read,history`.
fn granted(room: &str) -> (String, Vec<String>) {
    match room.split_once('=') {
        Some((name, rights)) => {
            let rights = rights.split(',').map(str::trim).filter(|right| !right.is_empty());
            (name.to_owned(), rights.map(str::to_owned).collect())
        }
        None => (
            room.to_owned(),
            ["read", "publish", "presence", "history"]
                .map(str::to_owned)
                .to_vec(),
        ),
    }
}
