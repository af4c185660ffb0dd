//! Many sockets that listen, and the board on which they find when something was said.

use crate::{histogram::Histogram, socket::Socket};
use anyhow::{Context, Result, bail};
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};
use tokio::{task::JoinSet, time::timeout};

const PATIENCE: Duration = Duration::from_secs(15);
/// Connections that are opened at a time.
const AT_A_TIME: usize = 64;

/// `online:` of the site with this number.
pub fn channel(site: usize) -> String {
    format!("online:b{site}.example")
}

/// The push that the server sends for it.
pub fn push(site: usize, online: usize) -> String {
    format!(r#"{{"push":{{"channel":"online:b{site}.example","pub":{{"data":{{"online":{online}}}}}}}}}"#)
}

/// A socket that has connected and subscribed, all of which was confirmed.
pub async fn connect(address: SocketAddr, token: &str, channels: &[String]) -> Result<Socket> {
    let mut socket = Socket::open(address, "/connection/websocket").await?;
    let hello = format!(r#"{{"id":1,"connect":{{"token":"{token}","name":"bench"}}}}"#);
    command(&mut socket, &hello, 1).await?;
    subscribe(&mut socket, channels).await?;
    Ok(socket)
}

/// A socket that follows a live query and has its first answer.
pub async fn follow(address: SocketAddr, token: &str, channel: &str, query: &str) -> Result<Socket> {
    let mut socket = connect(address, token, &[]).await?;
    let line = format!(r#"{{"id":2,"subscribe":{{"channel":"{channel}","data":{query}}}}}"#);
    command(&mut socket, &line, 1).await?;
    Ok(socket)
}

/// Subscribes a connected socket to more.
pub async fn subscribe(socket: &mut Socket, channels: &[String]) -> Result<()> {
    let line = |(n, channel)| format!(r#"{{"id":{},"subscribe":{{"channel":"{channel}"}}}}"#, n + 2);
    let commands: Vec<String> = channels.iter().enumerate().map(line).collect();
    if commands.is_empty() {
        Ok(())
    } else {
        command(socket, &commands.join("\n"), commands.len()).await
    }
}

/// Sends commands and waits for their answers.
async fn command(socket: &mut Socket, lines: &str, answers: usize) -> Result<()> {
    socket.send(lines).await?;
    let mut left = answers;
    while left > 0 {
        let message = timeout(PATIENCE, socket.next())
            .await
            .context("no answer to a command in 15 s")??;
        for line in message
            .split(|byte| *byte == b'\n')
            .filter(|line| line.starts_with(br#"{"id":"#))
        {
            if line.windows(9).any(|window| window == br#","error":"#) {
                bail!("the server refused a command: {}", String::from_utf8_lossy(line));
            }
            left -= 1;
        }
    }
    Ok(())
}

/// Opens many, a few at a time. Without a token they are plain connections of the floor.
pub async fn open(
    address: SocketAddr,
    token: Option<&str>,
    channels: &[String],
    count: usize,
) -> Result<Vec<Socket>> {
    let mut sockets = Vec::with_capacity(count);
    while sockets.len() < count {
        let mut opening = JoinSet::new();
        for _ in 0..AT_A_TIME.min(count - sockets.len()) {
            let (token, channels) = (token.map(str::to_owned), channels.to_vec());
            opening.spawn(async move {
                match token {
                    Some(token) => connect(address, &token, &channels).await,
                    None => Socket::open(address, "/read").await,
                }
            });
        }
        while let Some(socket) = opening.join_next().await {
            sockets.push(socket??);
        }
    }
    Ok(sockets)
}

/// When each site's count last became odd and when it last became even: a reader that hears a count knows since when it was so.
#[derive(Debug)]
pub struct Board {
    began: Instant,
    said: Vec<[AtomicU64; 2]>,
    /// Whether what arrives counts.
    pub counts: AtomicBool,
    /// From saying to hearing.
    pub lag: Histogram,
}

impl Board {
    /// For so many sites.
    pub fn new(sites: usize) -> Arc<Self> {
        Arc::new(Self {
            began: Instant::now(),
            said: (0..sites)
                .map(|_| [AtomicU64::new(0), AtomicU64::new(0)])
                .collect(),
            counts: AtomicBool::new(false),
            lag: Histogram::default(),
        })
    }

    /// Somebody is about to say it.
    pub fn say(&self, site: usize, online: usize) {
        self.said[site][online % 2].store(self.now(), Relaxed);
    }

    fn hear(&self, now: u64, (site, online): (usize, usize)) {
        let Some(said) = self.said.get(site).map(|said| said[online % 2].load(Relaxed)) else {
            return;
        };
        if said > 0 && self.counts.load(Relaxed) {
            self.lag.record(Duration::from_nanos(now.saturating_sub(said)));
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

/// Lets sockets listen until the set is dropped; a task ends when its connection does.
pub fn listen(
    readers: &mut JoinSet<Result<()>>,
    sockets: impl IntoIterator<Item = Socket>,
    board: &Arc<Board>,
) {
    for socket in sockets {
        readers.spawn(read(socket, board.clone()));
    }
}

async fn read(mut socket: Socket, board: Arc<Board>) -> Result<()> {
    loop {
        let message = socket.next().await?;
        let now = board.now();
        let mut pinged = false;
        for line in message.split(|byte| *byte == b'\n') {
            pinged |= line == b"{}";
            if let Some(heard) = count(line) {
                board.hear(now, heard);
            }
        }
        if pinged {
            socket.send("{}").await?;
        }
    }
}

/// Which site's count a push tells, read as a thousand readers can afford to.
fn count(line: &[u8]) -> Option<(usize, usize)> {
    let rest = line.strip_prefix(br#"{"push":{"channel":"online:b"#)?;
    let (site, rest) = number(rest)?;
    let rest = rest.strip_prefix(br#".example","pub":{"data":{"online":"#)?;
    Some((site, number(rest)?.0))
}

fn number(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let digits = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let number = bytes[..digits]
        .iter()
        .fold(0, |n, digit| n * 10 + usize::from(digit - b'0'));
    (digits > 0).then_some((number, &bytes[digits..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use pulsecast_protocol::{
        Channel,
        live::OnlineCount,
        wire::{Publication, Push, Reply},
    };

    #[test]
    fn what_the_readers_look_for_is_what_the_protocol_writes() {
        let channel: Channel = channel(17).parse().unwrap();
        let data = serde_json::value::to_raw_value(&OnlineCount { online: 1001 }).unwrap();
        let push_of_it = Push {
            channel: channel.to_string(),
            publication: Some(Publication {
                data,
                offset: 0,
                info: None,
            }),
            ..Push::default()
        };
        let line = serde_json::to_string(&Reply {
            push: Some(push_of_it),
            ..Reply::default()
        })
        .unwrap();
        assert_eq!(line, push(17, 1001));
        assert_eq!(count(line.as_bytes()), Some((17, 1001)));
        assert_eq!(count(b"{}"), None);
    }
}
