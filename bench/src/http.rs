//! An HTTP/1.1 client that costs next to nothing: the generator shares the machine with what it measures.

use anyhow::{Context, Result, bail};
use std::{net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// How long an answer may take before the measurement is given up.
const PATIENCE: Duration = Duration::from_secs(15);

/// The longest answer that is read.
const LONGEST: usize = 16 << 20;

/// One connection, kept alive.
#[derive(Debug)]
pub struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Client {
    /// Connects.
    pub async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address)
            .await
            .with_context(|| format!("cannot connect to {address}"))?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            buffer: vec![0; 4096],
        })
    }

    /// Sends a whole request and waits for its whole answer; gives the status.
    pub async fn send(&mut self, request: &[u8]) -> Result<u16> {
        Ok(self.ask(request).await?.0)
    }

    /// The same, with head and body as they came.
    pub async fn ask(&mut self, request: &[u8]) -> Result<(u16, &[u8])> {
        let (status, length) = timeout(PATIENCE, self.exchange(request))
            .await
            .context("no answer in 15 s")??;
        Ok((status, &self.buffer[..length]))
    }

    async fn exchange(&mut self, request: &[u8]) -> Result<(u16, usize)> {
        self.stream.write_all(request).await?;
        let mut filled = 0;
        loop {
            if filled == self.buffer.len() {
                if filled >= LONGEST {
                    bail!("an answer of more than {filled} bytes");
                }
                self.buffer.resize(filled * 2, 0);
            }
            let read = self.stream.read(&mut self.buffer[filled..]).await?;
            if read == 0 {
                bail!("the server closed a connection in the middle of an answer");
            }
            filled += read;
            if let Some(status) = complete(&self.buffer[..filled])? {
                return Ok((status, filled));
            }
        }
    }
}

/// Gets a page on a connection of its own; gives status and text.
pub async fn get(address: SocketAddr, path: &str) -> Result<(u16, String)> {
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    once(address, &request)
        .await
        .with_context(|| format!("asked for {path}"))
}

/// Sends a request that asks for the connection to be closed; gives status and all that came.
pub async fn once(address: SocketAddr, request: &str) -> Result<(u16, String)> {
    let mut answer = Vec::new();
    let exchange = async {
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(request.as_bytes()).await?;
        stream.read_to_end(&mut answer).await
    };
    timeout(PATIENCE, exchange).await.context("no answer in 15 s")??;
    let text = String::from_utf8_lossy(&answer).into_owned();
    Ok((status(text.as_bytes())?, text))
}

/// The status, once the answer is there with all of its body.
fn complete(answer: &[u8]) -> Result<Option<u16>> {
    let Some(head) = answer.windows(4).position(|window| window == b"\r\n\r\n") else {
        return Ok(None);
    };
    let body = answer[..head]
        .split(|byte| *byte == b'\n')
        .find_map(length)
        .unwrap_or(0);
    if answer.len() < head + 4 + body {
        return Ok(None);
    }
    status(answer).map(Some)
}

fn length(line: &[u8]) -> Option<usize> {
    let (name, value) = line.split_at_checked(15)?;
    if !name.eq_ignore_ascii_case(b"content-length:") {
        return None;
    }
    std::str::from_utf8(value).ok()?.trim().parse().ok()
}

fn status(answer: &[u8]) -> Result<u16> {
    let code = answer.get(9..12).and_then(|code| std::str::from_utf8(code).ok());
    code.and_then(|code| code.parse().ok())
        .context("an answer that is not HTTP")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_complete_with_the_last_byte_of_its_body() {
        let answer = b"HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\nok";
        assert_eq!(complete(answer).unwrap(), Some(202));
        assert_eq!(complete(&answer[..answer.len() - 1]).unwrap(), None);
        assert_eq!(complete(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap(), Some(204));
        assert_eq!(complete(b"HTTP/1.1 202 Acc").unwrap(), None);
    }
}
