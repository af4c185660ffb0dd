//! From an event's sending to its arrival on a dashboard, while a steady stream of others comes in.
//!
//! Each event is a page of its own, so that a row of the stream names it. A busy site's stream is thinned to the newest rows of each
//! change, which have waited least; counting those alone would flatter. An event that is not shown counts as arrived with the first
//! change that shows it or a later one: the change whose numbers it is in.

use super::readers::connect;
use crate::{histogram::Histogram, http::Client, process::Program, socket::Socket, traffic::Traffic};
use anyhow::{Context, Result, bail};
use pulsecast_protocol::{live::LiveChange, wire::Reply};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};
use tokio::{task::JoinSet, time::timeout};

const SENDERS: usize = 16;
/// How long the last events may take to show.
const TAIL: Duration = Duration::from_secs(3);

/// What came of it.
#[derive(Debug, Default)]
pub struct Dashboard {
    /// From sending to arrival.
    pub lag: Histogram,
    /// Events sent.
    pub sent: usize,
    /// Changes that arrived.
    pub changes: usize,
    /// Bytes of them.
    pub bytes: usize,
}

/// Sends so many events a second for so long, and watches `live:demo`.
pub async fn measure(
    program: &Program,
    token: &str,
    traffic: &Arc<Traffic>,
    rate: usize,
    time: Duration,
) -> Result<Dashboard> {
    let events = rate * usize::try_from(time.as_secs())?;
    let mut socket = connect(program.address, token, &["live:demo".to_owned()]).await?;
    let times: Arc<Vec<AtomicU64>> = Arc::new((0..events).map(|_| AtomicU64::new(0)).collect());
    let began = Instant::now();
    let mut senders = JoinSet::new();
    for first in 0..SENDERS {
        let client = Client::open(program.address).await?;
        senders.spawn(send(client, traffic.clone(), times.clone(), first, rate, began));
    }
    let mut dashboard = Dashboard {
        sent: events,
        ..Dashboard::default()
    };
    let all = dashboard.watch(&mut socket, &times, began);
    timeout(time + TAIL, all)
        .await
        .context("the last events did not reach the dashboard in 3 s")??;
    while let Some(ended) = senders.join_next().await {
        ended??;
    }
    Ok(dashboard)
}

/// Every 16th event, each at its time.
async fn send(
    mut client: Client,
    traffic: Arc<Traffic>,
    times: Arc<Vec<AtomicU64>>,
    first: usize,
    rate: usize,
    began: Instant,
) -> Result<()> {
    let due = |n: usize| began + Duration::from_secs_f64(n as f64 / rate as f64);
    for n in (first..times.len()).step_by(SENDERS) {
        let request = traffic.pageview(n, &format!("/bench/{n}"));
        tokio::time::sleep_until(due(n).into()).await;
        times[n].store(since(began), Relaxed);
        let status = client.send(&request).await?;
        if status != 202 {
            bail!("an event was answered with {status}");
        }
    }
    Ok(())
}

fn since(began: Instant) -> u64 {
    u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

impl Dashboard {
    async fn watch(&mut self, socket: &mut Socket, times: &[AtomicU64], began: Instant) -> Result<()> {
        let mut arrived = 0;
        while arrived < times.len() {
            let message = socket.next().await?;
            let now = since(began);
            let mut pinged = false;
            for line in message.split(|byte| *byte == b'\n') {
                let reply: Reply =
                    serde_json::from_slice(line).context("a message that is not the protocol's")?;
                let Some(publication) = reply.push.and_then(|push| push.publication) else {
                    pinged = true;
                    continue;
                };
                let change: LiveChange = serde_json::from_str(publication.data.get())?;
                self.changes += 1;
                self.bytes += line.len();
                let shown = change
                    .stream
                    .iter()
                    .filter_map(|row| row.path.strip_prefix("/bench/")?.parse::<usize>().ok());
                let newest = shown.max().map_or(0, |n| n + 1);
                for sent in times.iter().take(newest).skip(arrived) {
                    self.lag
                        .record(Duration::from_nanos(now.saturating_sub(sent.load(Relaxed))));
                }
                arrived = arrived.max(newest);
            }
            if pinged {
                socket.send("{}").await?;
            }
        }
        Ok(())
    }
}
