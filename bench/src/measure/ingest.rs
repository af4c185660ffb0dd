//! As many events as 64 connections can bring, each sending the next when the last is answered.

use crate::{histogram::Histogram, http::Client, process::Program, traffic::Traffic};
use anyhow::Result;
use std::{
    cmp::Reverse,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};
use tokio::task::JoinSet;

const CONNECTIONS: usize = 64;
/// Before it counts: caches fill, connections open.
const WARM: Duration = Duration::from_secs(2);

/// When the load ends: whichever comes first.
#[derive(Clone, Copy, Debug)]
pub struct Until {
    /// So many events answered.
    pub events: u64,
    /// So long.
    pub time: Duration,
}

/// What came of it.
#[derive(Debug)]
pub struct Ingest {
    /// Events answered with 202 in the measured time, a second.
    pub per_second: f64,
    /// From sending to the whole answer.
    pub latency: Arc<Histogram>,
    /// The server's processor time for one.
    pub cpu: Duration,
    /// The same by the names of its threads, most first, as far as it matters.
    pub threads: Vec<(String, Duration)>,
    /// Its memory at most, in bytes.
    pub peak: u64,
    /// All that were answered with 202, the warm-up's included.
    pub acknowledged: u64,
    /// All that were answered otherwise.
    pub refused: u64,
}

#[derive(Debug, Default)]
struct Load {
    next: AtomicUsize,
    acknowledged: AtomicU64,
    refused: AtomicU64,
    counts: AtomicBool,
    over: AtomicBool,
    latency: Arc<Histogram>,
}

/// Loads the server.
pub async fn measure(program: &Program, traffic: &Arc<Traffic>, until: Until) -> Result<Ingest> {
    let load = Arc::new(Load::default());
    let mut connections = JoinSet::new();
    for _ in 0..CONNECTIONS {
        let client = Client::open(program.address).await?;
        connections.spawn(drive(client, traffic.clone(), load.clone()));
    }
    tokio::time::sleep(WARM).await;

    let (began, cpu, before) = (
        Instant::now(),
        program.usage()?.cpu,
        load.acknowledged.load(Relaxed),
    );
    let threads_before = program.threads()?;
    load.counts.store(true, Relaxed);
    let mut ended = None;
    while began.elapsed() < until.time && load.acknowledged.load(Relaxed) < until.events && ended.is_none() {
        tokio::time::sleep(Duration::from_millis(20)).await;
        ended = connections.try_join_next();
    }
    load.over.store(true, Relaxed);
    let (took, used) = (began.elapsed(), program.usage()?);
    let counted = load.acknowledged.load(Relaxed) - before;
    let each = |used: Duration| used.div_f64(counted.max(1) as f64);
    let mut threads: Vec<_> = program.threads()?.into_iter().collect();
    for (name, used) in &mut threads {
        *used = each(used.saturating_sub(threads_before.get(name).copied().unwrap_or_default()));
    }
    threads.retain(|(_, used)| *used > Duration::from_nanos(100));
    threads.sort_by_key(|(_, used)| Reverse(*used));
    ended.transpose()?.transpose()?;
    while let Some(ended) = connections.join_next().await {
        ended??;
    }
    Ok(Ingest {
        per_second: counted as f64 / took.as_secs_f64(),
        latency: load.latency.clone(),
        cpu: each(used.cpu - cpu),
        threads,
        peak: used.peak,
        acknowledged: load.acknowledged.load(Relaxed),
        refused: load.refused.load(Relaxed),
    })
}

async fn drive(mut client: Client, traffic: Arc<Traffic>, load: Arc<Load>) -> Result<()> {
    while !load.over.load(Relaxed) {
        let request = traffic.nth(load.next.fetch_add(1, Relaxed));
        let began = Instant::now();
        let status = client.send(request).await;
        if !matches!(status, Ok(202)) {
            load.refused.fetch_add(1, Relaxed);
            // An error ends the measurement; 503 means to come again a little later.
            status.inspect_err(|_| load.over.store(true, Relaxed))?;
            tokio::time::sleep(Duration::from_millis(20)).await;
            continue;
        }
        load.acknowledged.fetch_add(1, Relaxed);
        if load.counts.load(Relaxed) {
            load.latency.record(began.elapsed());
        }
    }
    Ok(())
}
