//! One says something, a thousand hear it: counts of `online:` channels, which is what visitors' pages listen to.
//!
//! A count is published when it changes. So one visitor after the other comes and enters all channels in turn: each entrance is one
//! publication to everybody who is there. Nobody leaves, since a leave counts only after a grace. A channel tells its count four times
//! a second at most; where more is asked of the server, it is asked of more channels.

use super::readers::{Board, channel, connect, listen, push};
use crate::{process::Program, socket::Socket};
use anyhow::{Context, Result, bail};
use std::{
    sync::{Arc, atomic::Ordering::Relaxed},
    time::{Duration, Instant},
};
use tokio::{task::JoinSet, time::MissedTickBehavior};

/// After the readers have begun to listen, before the first publication: what their coming set off has passed.
const SETTLE: Duration = Duration::from_millis(1500);

/// Who causes publications.
#[derive(Debug)]
enum Speaker {
    /// Visitors that enter channels: those that wait, and the one whose turn it is.
    Visitors {
        token: String,
        waiting: Vec<Socket>,
        now: Option<Socket>,
    },
    /// The floor's publishing connection.
    Floor(Box<Socket>),
}

/// Readers that listen, and who talks to them.
#[derive(Debug)]
pub struct Audience {
    readers: JoinSet<Result<()>>,
    board: Arc<Board>,
    /// Of those whose hearing does not count, because they speak.
    deaf: Arc<Board>,
    speaker: Speaker,
    sites: usize,
    /// Readers at first: the number that the counts start from.
    first: usize,
    /// Publications so far; the next one's site follows from it.
    said: usize,
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
        let speaker = match token {
            Some(token) => Speaker::Visitors {
                token: token.to_owned(),
                waiting: Vec::new(),
                now: None,
            },
            None => Speaker::Floor(Box::new(Socket::open(program.address, "/publish").await?)),
        };
        let (first, board) = (readers.len(), Board::new(sites));
        let mut tasks = JoinSet::new();
        listen(&mut tasks, readers, &board);
        tokio::time::sleep(SETTLE).await;
        Ok(Self {
            readers: tasks,
            board,
            deaf: Board::new(0),
            speaker,
            sites,
            first,
            said: 0,
        })
    }

    /// Publishes so many times a second for so long, to each site in turn.
    pub async fn hear(&mut self, program: &Program, rate: u32, time: Duration) -> Result<Pace> {
        let rounds = time.as_secs_f64() * f64::from(rate) / self.sites as f64 + 2.0;
        self.speaker.prepare(program, rounds as usize).await?;
        self.board.lag.reset();
        let mut tick = tokio::time::interval(Duration::from_secs(1) / rate);
        tick.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let (began, cpu, mut due) = (Instant::now(), program.usage()?.cpu, 0);
        self.board.counts.store(true, Relaxed);
        while began.elapsed() < time {
            tick.tick().await;
            self.say().await?;
            due += self.first;
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
            share: heard / due as f64,
            cpu: cpu.div_f64(heard.max(1.0)),
            median: self.board.lag.percentile(50.0),
            p99: self.board.lag.percentile(99.0),
        })
    }

    async fn say(&mut self) -> Result<()> {
        let (round, site) = (self.said / self.sites, self.said % self.sites);
        let online = self.first + round + 1;
        self.said += 1;
        match &mut self.speaker {
            Speaker::Floor(socket) => {
                self.board.say(site, online);
                socket.send(&push(site, online)).await
            }
            Speaker::Visitors { waiting, now, .. } => {
                if site == 0 {
                    // Whoever has entered everywhere stays and listens, to what it missed while it spoke as well: that is nobody's lag.
                    let done = std::mem::replace(now, waiting.pop());
                    listen(&mut self.readers, done, &self.deaf);
                }
                let visitor = now.as_mut().context("no visitor left to enter")?;
                self.board.say(site, online);
                visitor
                    .send(&format!(
                        r#"{{"id":{},"subscribe":{{"channel":"{}"}}}}"#,
                        site + 2,
                        channel(site)
                    ))
                    .await
            }
        }
    }
}

impl Speaker {
    /// Sees to it that so many visitors wait.
    async fn prepare(&mut self, program: &Program, count: usize) -> Result<()> {
        if let Self::Visitors { token, waiting, .. } = self {
            waiting.clear();
            for _ in 0..count {
                waiting.push(connect(program.address, token, &[]).await?);
            }
        }
        Ok(())
    }
}
