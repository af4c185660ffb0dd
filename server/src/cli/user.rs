//! `pulsecast user add EMAIL`.

use super::data;
use crate::config::DataDir;
use anyhow::{Context, Result, bail};
use std::io::{BufRead, IsTerminal, Write};

pub(super) async fn add(dir: &DataDir, email: &str, password_stdin: bool) -> Result<()> {
    let accounts = data::accounts(dir).await?;
    let auth = data::auth(&accounts).await?;
    let password = password(password_stdin)?;
    auth.add_account(email, password).await?;
    accounts.close().await;
    println!("added {email}; sign in on the server's page");
    Ok(())
}

fn password(from_stdin: bool) -> Result<String> {
    let mut input = std::io::stdin().lock();
    if !from_stdin {
        if !input.is_terminal() {
            bail!("no terminal to ask for a password on: pipe it in and add --password-stdin");
        }
        eprint!("password (at least 10 characters, shown as you type): ");
        std::io::stderr()
            .flush()
            .context("cannot write to the terminal")?;
    }
    let mut line = String::new();
    input
        .read_line(&mut line)
        .context("cannot read the password from standard input")?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}
