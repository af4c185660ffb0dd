//! The program `pulsecast-bench`: measures the release build against the budgets. See README.md for how to read what it prints.
#![allow(
    clippy::disallowed_methods,
    reason = "a load generator is about real time, and its tasks end with the measurement that they belong to"
)]

mod floor;
mod generate;
mod histogram;
mod http;
mod measure;
mod plan;
mod process;
mod report;
mod socket;
mod traffic;

use anyhow::Result;
use clap::{Parser, Subcommand};
use plan::Options;
use std::process::ExitCode;

/// The server's own, so that a floor differs from the server in what it does only.
#[cfg(not(target_env = "msvc"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Measures a pulsecast server against its budgets.
#[derive(Debug, Parser)]
#[command(name = "pulsecast-bench")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the measurements and prints one table
    Run(Options),
    /// Measures the dashboard's panels over a generated data directory, while events come in
    Stats(measure::stats::Options),
    /// Measures live queries over a generated data directory, while events come in
    LiveQueries(measure::live_queries::Options),
    /// Measures memory while a thousand readers do not read what is published as fast as it goes
    Stalled(measure::stalled::Options),
    /// Makes a data directory with months of traffic in it
    Generate(generate::Options),
    /// Serves what a measurement is compared with; `run` starts it by itself
    #[command(subcommand)]
    Floor(Floor),
}

#[derive(Clone, Copy, Debug, Subcommand)]
enum Floor {
    /// HTTP that parses an event and answers 202
    Ingest,
    /// TCP that sends what one connection says to all others
    Fanout,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Cli::parse().command).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> Result<()> {
    match command {
        Command::Run(options) => plan::run(&options).await,
        Command::Stats(options) => measure::stats::run(&options).await,
        Command::LiveQueries(options) => measure::live_queries::run(&options).await,
        Command::Stalled(options) => measure::stalled::run(&options).await,
        Command::Generate(options) => generate::run(&options),
        Command::Floor(Floor::Ingest) => floor::ingest::serve().await,
        Command::Floor(Floor::Fanout) => floor::fanout::serve().await,
    }
}
