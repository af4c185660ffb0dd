//! `pulsecast member-token --user EMAIL`: for programs that read dashboards' channels with a Centrifugo client.

use super::data;
use crate::{
    auth::Tokens,
    clock::{Clock, SystemClock},
    config::DataDir,
    store::accounts::Accounts,
};
use anyhow::{Context, Result};

pub(super) async fn member(dir: &DataDir, email: &str) -> Result<()> {
    let accounts = data::accounts(dir).await?;
    let account = accounts
        .account(email)
        .await?
        .with_context(|| format!("there is no account {email}: make it with `pulsecast user add {email}`"))?;
    let (token, _) = Tokens::load(&accounts)
        .await?
        .issue(account.id, SystemClock.now())?;
    accounts.close().await;
    println!("{token}");
    Ok(())
}
