//! The command line: one binary, `pulsecast`.

mod data;
mod export;
mod import;
mod key;
mod running;
mod site;
mod token;
mod user;
mod visitor;

use crate::{
    boot,
    config::{DataDir, DevConfig, ServeConfig},
};
use anyhow::Result;
use clap::{Parser, Subcommand, ValueEnum};
use pulsecast_protocol::Domain;
use std::path::PathBuf;

/// Real-time web analytics that pushes.
#[derive(Debug, Parser)]
#[command(
    name = "pulsecast",
    version,
    about,
    after_help = "Every flag of `serve` can be given as PULSECAST_* environment variable. Start with: pulsecast serve"
)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the server
    Serve(Box<ServeConfig>),
    /// Accounts that can sign in
    #[command(subcommand)]
    User(UserCommand),
    /// Sites that are counted
    #[command(subcommand)]
    Site(SiteCommand),
    /// API keys, with which programs ask for statistics or publish
    #[command(subcommand)]
    Key(KeyCommand),
    /// Writes a site's raw events to standard output or a file, beside a running server too
    Export {
        /// The site
        #[arg(long, value_name = "DOMAIN")]
        site: Domain,
        /// How they are written
        #[arg(long, value_enum, default_value = "ndjson")]
        format: ExportFormat,
        /// First day such as 2026-01-31, or a time [default: from the beginning]
        #[arg(long, value_name = "DAY")]
        from: Option<String>,
        /// Last day, included; or a time, not included [default: up to now]
        #[arg(long, value_name = "DAY")]
        to: Option<String>,
        /// Where to; - is standard output
        #[arg(long, default_value = "-", value_name = "FILE")]
        output: PathBuf,
        #[command(flatten)]
        data: DataDir,
    },
    /// Serves a folder and reloads its pages whenever a file in it is saved
    Dev(DevConfig),
    /// Takes in what was counted elsewhere: Plausible's exported ZIP, access logs (plain or gzip), or raw events of `export`
    Import {
        /// The site
        #[arg(long, value_name = "DOMAIN")]
        site: Domain,
        /// Only say what would come
        #[arg(long)]
        dry_run: bool,
        /// Databases of regions and cities for access logs, where no server runs
        #[arg(
            long,
            env = "PULSECAST_CITY_DATABASE",
            value_delimiter = ',',
            value_name = "FILE,…"
        )]
        city_database: Vec<PathBuf>,
        /// The files, of one kind, all at once
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        #[command(flatten)]
        data: DataDir,
    },
    /// Prints a connection token with which a program subscribes to live: channels as this account, for ten minutes
    MemberToken {
        /// The account
        #[arg(long, value_name = "EMAIL")]
        user: String,
        #[command(flatten)]
        data: DataDir,
    },
    /// Prints a token of a visitor of a site, for trying its rooms out
    VisitorToken(visitor::Token),
    /// Makes the secret with which a site's own server signs visitor tokens, and prints it, this once
    VisitorSecret(visitor::NewSecret),
}

#[derive(Debug, Subcommand)]
enum UserCommand {
    /// Adds an account; asks for the password
    Add {
        /// The address to sign in with
        email: String,
        /// Read the password from standard input's first line
        #[arg(long)]
        password_stdin: bool,
        #[command(flatten)]
        data: DataDir,
    },
}

#[derive(Debug, Subcommand)]
enum SiteCommand {
    /// Adds a site and prints its snippet's attributes
    Add {
        /// Such as example.com
        domain: Domain,
        /// Account that owns it; all accounts when left out
        #[arg(long, value_name = "EMAIL")]
        owner: Option<String>,
        /// IANA name such as Europe/Berlin: where its days begin
        #[arg(long, default_value = "UTC", value_name = "ZONE")]
        timezone: String,
        #[command(flatten)]
        data: DataDir,
    },
}

#[derive(Debug, Subcommand)]
enum KeyCommand {
    /// Makes a key and prints it, this once
    Add(key::Add),
    /// Lists keys by number, with when they were last used
    List {
        /// Those that are good for this site
        #[arg(long, value_name = "DOMAIN")]
        site: Option<Domain>,
        #[command(flatten)]
        data: DataDir,
    },
    /// Makes a key worthless
    Revoke {
        /// Its number, as `key list` shows it
        number: i64,
        #[command(flatten)]
        data: DataDir,
    },
}

/// How raw events are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ExportFormat {
    /// One JSON object a line
    Ndjson,
    /// A table for DuckDB, pandas, Spark and the like
    Parquet,
}

impl Cli {
    /// Does what was asked for.
    ///
    /// # Errors
    /// One line that says what to do.
    pub async fn run(self) -> Result<()> {
        match self.command {
            Command::Serve(config) => boot::serve(*config).await,
            Command::User(UserCommand::Add {
                email,
                password_stdin,
                data,
            }) => user::add(&data, &email, password_stdin).await,
            Command::Site(SiteCommand::Add {
                domain,
                owner,
                timezone,
                data,
            }) => site::add(&data, domain, owner, timezone).await,
            Command::Key(KeyCommand::Add(add)) => key::add(add).await,
            Command::Key(KeyCommand::List { site, data }) => key::list(&data, site).await,
            Command::Key(KeyCommand::Revoke { number, data }) => key::revoke(&data, number).await,
            Command::Export {
                site,
                format,
                from,
                to,
                output,
                data,
            } => {
                let job = export::Job {
                    domain: site,
                    format,
                    from,
                    to,
                    output,
                };
                export::run(&data, &job).await
            }
            Command::Dev(config) => boot::dev(config).await,
            Command::Import {
                site,
                dry_run,
                city_database,
                files,
                data,
            } => {
                let job = import::Job {
                    domain: site,
                    files,
                    dry_run,
                    cities: city_database,
                };
                import::import(&data, &job).await
            }
            Command::MemberToken { user, data } => token::member(&data, &user).await,
            Command::VisitorToken(args) => visitor::token(args).await,
            Command::VisitorSecret(args) => visitor::new_secret(args).await,
        }
    }
}
