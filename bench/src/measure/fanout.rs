//! One says something, a thousand hear it: counts of `online:` channels, which is what visitors' pages listen to.
//!
//! A count is published when it changes, so a few connections come and go: each change of one is one publication to every reader. A
//! channel tells its count four times a second at most; where more is asked of the server, it is asked of more channels.

use super::readers::{Board, connect, listen, push};
use crate::{process::Program, socket::Socket};
use anyhow::{Result, bail};
use std::{
    sync::{Arc, atomic::Ordering::Relaxed},
    time::{Duration, Instant},
};
use tokio::{task::JoinSet, time::MissedTickBehavior};

/// Connections that come and go; each may send 50 commands a second.
const MOVERS: usize = 16;
/// After the readers have begun to listen, before the first publication: what their coming set off has passed.
const SETTLE: Duration = Duration::from_millis(1500);

/// Who causes publications.
#[derive(Debug)]
enum Speaker {
    /// Connections that enter and leave the channels of sites.
    Movers {
        sockets: Vec<Socket>,
        inside: Vec<bool>,
        commands: u32,
    },
    /// The floor's publishing connection.
    Floor { socket: Box<Socket>, inside: Vec<bool> },
}

/// Readers that listen, and who talks to them.
#[derive(Debug)]
pub struct Audience {
    readers: JoinSet<Result<()>>,
    size: usize,
    board: Arc<Board>,
    speaker: Speaker,
    sites: usize,
}

/// What came of one pace.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Publications heard by a reader, all readers together, a second.
    pub deliveries: f64,
    /// How many of those that were due came; below 1, newer counts replaced some that still waited.
    pub share: f64,
    /// The server's processor time for one delivery.
    pub cpu: Duration,
    /// From saying to hearing.
    pub median: Duration,
    /// Of a hundred, 99 were faster.
    pub p99: Duration,
}

impl Audience {
    /// Readers, subscribed to the first so many sites. Without a token they are the floor's.
    pub async fn new(
        program: &Program,
        token: Option<&str>,
        readers: Vec<Socket>,
        sites: usize,
    ) -> Result<Self> {
        let inside = vec![false; sites];
        let speaker = match token {
            Some(token) => {
                let mut sockets = Vec::new();
                for _ in 0..MOVERS {
                    sockets.push(connect(program.address, token, &[]).await?);
                }
                Speaker::Movers {
                    sockets,
                    inside,
                    commands: 1,
                }
            }
            None => Speaker::Floor {
                socket: Box::new(Socket::open(program.address, "/publish").await?),
                inside,
            },
        };
        let (size, board) = (readers.len(), Board::new(sites));
        let readers = listen(readers, &board);
        tokio::time::sleep(SETTLE).await;
        Ok(Self {
            readers,
            size,
            board,
            speaker,
            sites,
        })
    }

    /// Publishes so many times a second for so long, to each site in turn.
    pub async fn hear(&mut self, program: &Program, rate: u32, time: Duration) -> Result<Pace> {
        self.board.lag.reset();
        let mut tick = tokio::time::interval(Duration::from_secs(1) / rate);
        tick.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let (began, cpu) = (Instant::now(), program.usage()?.cpu);
        self.board.counts.store(true, Relaxed);
        let mut said = 0;
        while began.elapsed() < time {
            tick.tick().await;
            self.speaker
                .say(said % self.sites, self.size, &self.board)
                .await?;
            said += 1;
        }
        // What was said last may still be heard.
        tokio::time::sleep(Duration::from_millis(100)).await;
        self.board.counts.store(false, Relaxed);
        let (took, cpu) = (time.as_secs_f64(), program.usage()?.cpu - cpu);
        if let Some(ended) = self.readers.try_join_next() {
            ended??;
            bail!("a reader ended");
        }
        let heard = self.board.lag.count() as f64;
        Ok(Pace {
            deliveries: heard / took,
            share: heard / (said * self.size) as f64,
            cpu: cpu.div_f64(heard.max(1.0)),
            median: self.board.lag.percentile(50.0),
            p99: self.board.lag.percentile(99.0),
        })
    }
}

impl Speaker {
    async fn say(&mut self, site: usize, readers: usize, board: &Board) -> Result<()> {
        match self {
            Self::Movers {
                sockets,
                inside,
                commands,
            } => {
                inside[site] = !inside[site];
                *commands += 1;
                let verb = if inside[site] { "subscribe" } else { "unsubscribe" };
                let command = format!(
                    r#"{{"id":{commands},"{verb}":{{"channel":"{}"}}}}"#,
                    super::readers::channel(site)
                );
                let mover = site % sockets.len();
                let socket = &mut sockets[mover];
                board.say(site, readers + usize::from(inside[site]));
                socket.send(&command).await?;
                answer_pings(socket).await
            }
            Self::Floor { socket, inside } => {
                inside[site] = !inside[site];
                let online = readers + usize::from(inside[site]);
                board.say(site, online);
                socket.send(&push(site, online)).await
            }
        }
    }
}

async fn answer_pings(socket: &mut Socket) -> Result<()> {
    let mut pinged = false;
    while let Some(message) = socket.try_next()? {
        for line in message.split(|byte| *byte == b'\n') {
            if line.windows(8).any(|window| window == br#""error":"#) {
                bail!("the server refused a command: {}", String::from_utf8_lossy(line));
            }
            pinged |= line == b"{}";
        }
    }
    if pinged { socket.send("{}").await } else { Ok(()) }
}
