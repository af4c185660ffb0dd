//! The program `pulsecast`: reads the command line and hands over.

use clap::Parser;
use pulsecast_server::cli::Cli;
use std::process::ExitCode;

/// jemalloc gives memory back and does not fragment under many small connections.
#[cfg(not(target_env = "msvc"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

#[tokio::main]
async fn main() -> ExitCode {
    match Cli::parse().run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("pulsecast: {error:#}");
            ExitCode::FAILURE
        }
    }
}
