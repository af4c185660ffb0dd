//! What a store of a million events costs: starting on it, its size, and the memory of a server that has nothing to do.

use crate::{http, process::Place};
use anyhow::{Result, bail};
use std::time::{Duration, Instant};

/// Starts on the same store, of which the middle one counts.
const STARTS: usize = 3;
/// How long a server may take to get there.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between the first answer and the request to end: signals are heard a moment after that.
const SETTLE: Duration = Duration::from_millis(200);
/// How long it has nothing to do before its memory is read.
const IDLE: Duration = Duration::from_secs(12);

/// What came of it.
#[derive(Clone, Copy, Debug)]
pub struct Start {
    /// From the program's start to the first 200 of `/health/live`.
    pub took: Duration,
    /// Resident memory when nothing happens, in bytes.
    pub resident: u64,
}

/// Starts the server a few times.
pub async fn measure(place: &Place) -> Result<Start> {
    let mut times = Vec::new();
    for n in 1..=STARTS {
        let server = place.serve()?;
        let asked = Instant::now();
        while !matches!(http::get(server.address, "/health/live").await, Ok((200, _))) {
            if asked.elapsed() > PATIENCE {
                bail!("/health/live did not answer 200 in {} s", PATIENCE.as_secs());
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        times.push(server.began.elapsed());
        if n == STARTS {
            tokio::time::sleep(IDLE).await;
            let resident = server.usage()?.resident;
            server.end()?;
            times.sort();
            return Ok(Start {
                took: times[STARTS / 2],
                resident,
            });
        }
        tokio::time::sleep(SETTLE).await;
        server.end()?;
    }
    bail!("the server was never started")
}
