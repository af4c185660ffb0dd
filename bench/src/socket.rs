//! A WebSocket end that only splits frames: a thousand of these have to cost less than the server that they listen to.
//!
//! It masks with zeros, checks no handshake keys, knows no fragments and no extensions: what our server sends it, and no more.

use anyhow::{Context, Result, bail};
use std::{net::SocketAddr, ops::Range, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

const PATIENCE: Duration = Duration::from_secs(15);
const TEXT: u8 = 1;
const CLOSE: u8 = 8;

/// One connection, upgraded.
#[derive(Debug)]
pub struct Socket {
    stream: TcpStream,
    buffer: Vec<u8>,
    /// What was read and not yet handed out.
    unread: Range<usize>,
}

impl Socket {
    /// Connects and upgrades.
    pub async fn open(address: SocketAddr, path: &str) -> Result<Self> {
        let stream = TcpStream::connect(address)
            .await
            .with_context(|| format!("cannot connect to {address}"))?;
        let mut socket = Self::of(stream)?;
        let request = format!(
            "GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: cHVsc2VjYXN0LWJlbmNoIQ==\r\n\r\n"
        );
        socket.stream.write_all(request.as_bytes()).await?;
        let head = timeout(PATIENCE, socket.head())
            .await
            .context("no handshake in 15 s")??;
        if !head.starts_with("HTTP/1.1 101") {
            bail!("no socket: {}", head.lines().next().unwrap_or_default());
        }
        Ok(socket)
    }

    /// Of a connection that has not said anything yet.
    pub fn of(stream: TcpStream) -> Result<Self> {
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            buffer: vec![0; 512],
            unread: 0..0,
        })
    }

    /// Reads an HTTP head.
    pub async fn head(&mut self) -> Result<String> {
        loop {
            let unread = &self.buffer[self.unread.clone()];
            if let Some(length) = unread.windows(4).position(|window| window == b"\r\n\r\n") {
                let head = String::from_utf8_lossy(&unread[..length]).into_owned();
                self.unread.start += length + 4;
                return Ok(head);
            }
            self.fill().await?;
        }
    }

    /// Sends bytes as they are.
    pub async fn raw(&mut self, bytes: &[u8]) -> Result<()> {
        Ok(self.stream.write_all(bytes).await?)
    }

    /// Sends a text, masked with zeros.
    pub async fn send(&mut self, text: &str) -> Result<()> {
        let mut bytes = frame(text.as_bytes(), 0x80);
        let at = bytes.len() - text.len();
        bytes.splice(at..at, [0; 4]);
        self.raw(&bytes).await
    }

    /// The next text message.
    pub async fn next(&mut self) -> Result<&[u8]> {
        let text = loop {
            match self.split()? {
                Some(text) => break text,
                None => self.fill().await?,
            }
        };
        Ok(&self.buffer[text])
    }

    /// The server's end of a connection that only listens: gives up when the client has gone.
    pub async fn gone(&mut self) -> Result<()> {
        loop {
            self.unread = 0..0;
            self.fill().await?;
        }
    }

    async fn fill(&mut self) -> Result<()> {
        self.make_room();
        let read = self.stream.read(&mut self.buffer[self.unread.end..]).await?;
        if read == 0 {
            bail!("the other end closed the connection");
        }
        self.unread.end += read;
        Ok(())
    }

    fn make_room(&mut self) {
        if self.unread.is_empty() {
            self.unread = 0..0;
        } else if self.unread.end == self.buffer.len() && self.unread.start > 0 {
            self.buffer.copy_within(self.unread.clone(), 0);
            self.unread = 0..self.unread.len();
        }
        if self.unread.end == self.buffer.len() {
            self.buffer.resize(self.buffer.len() * 2, 0);
        }
    }

    /// Takes the next text out of what is unread.
    fn split(&mut self) -> Result<Option<Range<usize>>> {
        loop {
            let unread = &self.buffer[self.unread.clone()];
            let Some((opcode, payload)) = first_frame(unread) else {
                return Ok(None);
            };
            let start = self.unread.start;
            let payload = start + payload.start..start + payload.end;
            self.unread.start = payload.end;
            match opcode {
                TEXT => return Ok(Some(payload)),
                CLOSE => {
                    let reason = String::from_utf8_lossy(self.buffer[payload].get(2..).unwrap_or_default())
                        .into_owned();
                    bail!("the server ended the connection: {reason}");
                }
                _ => {}
            }
        }
    }
}

/// One text frame; `mask` is the mask bit.
pub fn frame(payload: &[u8], mask: u8) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(payload.len() + 14);
    bytes.push(0x80 | TEXT);
    match u16::try_from(payload.len()) {
        Ok(length) if length < 126 => bytes.push(mask | length as u8),
        Ok(length) => {
            bytes.push(mask | 126);
            bytes.extend(length.to_be_bytes());
        }
        Err(_) => {
            bytes.push(mask | 127);
            bytes.extend((payload.len() as u64).to_be_bytes());
        }
    }
    bytes.extend(payload);
    bytes
}

/// Opcode of the first frame and where its payload is, once all of it is there.
fn first_frame(bytes: &[u8]) -> Option<(u8, Range<usize>)> {
    let (opcode, short) = (bytes.first()? & 0x0f, bytes.get(1)? & 0x7f);
    let (length, mut start) = match short {
        126 => (u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?).into(), 4),
        127 => (u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?), 10),
        short => (u64::from(short), 2),
    };
    if bytes[1] & 0x80 != 0 {
        start += 4;
    }
    let end = start + usize::try_from(length).ok()?;
    (bytes.len() >= end).then_some((opcode, start..end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_of_any_length_reads_back() {
        for length in [0, 125, 126, 65_535, 65_536] {
            let payload = vec![b'x'; length];
            let bytes = frame(&payload, 0);
            let (opcode, range) = first_frame(&bytes).unwrap();
            assert_eq!(
                (opcode, &bytes[range.clone()], range.end),
                (TEXT, &payload[..], bytes.len())
            );
            assert_eq!(first_frame(&bytes[..bytes.len() - 1]), None);
        }
    }
}
