//! Bytes on their way to one client. Waits for a slow one without a thread, and ends one that takes nothing for too long.

use super::slots::Slot;
use crate::{tasks::Tasks, transport::Hangup};
use axum::body::Body;
use bytes::Bytes;
use futures::Stream;
use metrics::counter;
use std::{
    convert::Infallible,
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};
use tokio::sync::{mpsc, oneshot};

/// Pieces that may wait for the client; beyond, writing waits.
const WAITING: usize = 2;
/// Size of a piece.
pub(super) const PIECE: usize = 64 * 1024;
/// How long a client that takes nothing is waited for once the server is to end.
const GRACE: Duration = Duration::from_secs(1);

/// Whom the bytes go to.
#[derive(Clone, Debug)]
pub(super) struct Line {
    /// How long they may take nothing.
    pub(super) patience: Duration,
    /// Ends their connection.
    pub(super) hangup: Option<Hangup>,
    /// Their place.
    pub(super) slot: Slot,
    /// Says when the server ends.
    pub(super) tasks: Tasks,
}

/// The client is gone, or was sent away.
#[derive(Debug)]
pub(super) struct Over;

/// The server's end.
pub(super) struct Outflow {
    line: Line,
    pieces: mpsc::Sender<io::Result<Bytes>>,
    taken: oneshot::Receiver<Infallible>,
}

/// The client's end.
struct Inflow {
    pieces: mpsc::Receiver<io::Result<Bytes>>,
    /// Gone with the body: then the last piece was taken, too.
    _taken: oneshot::Sender<Infallible>,
}

impl Stream for Inflow {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.pieces.poll_recv(context)
    }
}

/// Both ends.
pub(super) fn outflow(line: Line) -> (Outflow, Body) {
    let (sender, pieces) = mpsc::channel(WAITING);
    let (_taken, taken) = oneshot::channel();
    let outflow = Outflow {
        line,
        pieces: sender,
        taken,
    };
    (outflow, Body::from_stream(Inflow { pieces, _taken }))
}

impl Outflow {
    /// Sends a piece when there is room for it.
    pub(super) async fn send(&self, piece: Bytes) -> Result<(), Over> {
        self.put(Ok(piece)).await
    }

    /// Sends all of this, piece by piece: what is slow about a client is told by pieces.
    pub(super) async fn send_all(&self, mut bytes: Bytes) -> Result<(), Over> {
        while !bytes.is_empty() {
            let piece = bytes.split_to(bytes.len().min(PIECE));
            self.send(piece).await?;
        }
        Ok(())
    }

    async fn put(&self, piece: io::Result<Bytes>) -> Result<(), Over> {
        self.in_time(async { self.pieces.send(piece).await.map_err(|_| Over) })
            .await
    }

    async fn in_time(&self, sent: impl Future<Output = Result<(), Over>>) -> Result<(), Over> {
        let ending = async {
            self.line.tasks.stopping().await;
            tokio::time::sleep(GRACE).await;
        };
        tokio::select! {
            biased;
            sent = sent => return sent,
            () = tokio::time::sleep(self.line.patience) => {}
            () = ending => {}
        }
        counter!("pulsecast_downloads_cut_total").increment(1);
        if let Some(hangup) = &self.line.hangup {
            hangup.hang_up();
        }
        Err(Over)
    }

    /// Waits until the client is gone.
    pub(super) async fn gone(&self) {
        self.pieces.closed().await;
    }

    /// That was all. Its place is free when the client has it.
    pub(super) async fn end(mut self) {
        let (closed, _) = mpsc::channel(1);
        drop(std::mem::replace(&mut self.pieces, closed));
        let taken = std::mem::replace(&mut self.taken, oneshot::channel().1);
        // Ends with an error, as nothing is ever sent: who was to send it is gone.
        let all = async { taken.await.map_or(Ok(()), |never| match never {}) };
        drop(self.in_time(all).await);
    }

    /// It breaks off, and the client is to know.
    pub(super) async fn fail(self, error: io::Error) {
        drop(self.put(Err(error)).await);
    }
}

#[cfg(test)]
mod tests {
    use super::{super::slots::Asker, *};
    use crate::{http::export::slots::Slots, sites::AccountId};
    use futures::StreamExt;

    fn line(slots: &Slots) -> Line {
        Line {
            patience: Duration::from_millis(50),
            hangup: Some(Hangup::default()),
            slot: slots.take(Asker::Account(AccountId(1))).unwrap(),
            tasks: Tasks::new(),
        }
    }

    /// Whether a connection is ended; within ten seconds.
    async fn is_over(hangup: Hangup) -> bool {
        let over = tokio::time::timeout(Duration::from_secs(10), hangup.over());
        over.await.is_ok()
    }

    #[tokio::test]
    async fn a_client_that_takes_nothing_is_cut_off_and_its_place_is_free() {
        let slots = Slots::new(1, 1);
        let line = line(&slots);
        let hangup = line.hangup.clone().unwrap();
        let (out, body) = outflow(line);
        let all = Bytes::from(vec![0; 10 * PIECE]);
        assert!(out.send_all(all).await.is_err());
        assert!(is_over(hangup).await);
        drop(out);
        assert!(slots.take(Asker::Account(AccountId(1))).is_ok());
        drop(body);
    }

    #[tokio::test]
    async fn a_client_that_takes_gets_all_of_it() {
        let slots = Slots::new(1, 1);
        let (out, body) = outflow(line(&slots));
        let all: Vec<u8> = (0..10 * PIECE + 1).map(|n| (n % 251) as u8).collect();
        let sent = all.clone();
        let sending = async {
            out.send_all(sent.into()).await.unwrap();
            out.end().await;
        };
        let taking = async {
            let (mut got, mut body) = (Vec::new(), body.into_data_stream());
            while let Some(piece) = body.next().await {
                got.extend(piece.unwrap());
            }
            got
        };
        let ((), got) = tokio::join!(sending, taking);
        assert!(got == all, "{} bytes", got.len());
        assert!(slots.take(Asker::Account(AccountId(1))).is_ok());
    }

    #[tokio::test]
    async fn a_client_that_does_not_take_the_end_is_cut_off_too() {
        let slots = Slots::new(1, 1);
        let line = line(&slots);
        let hangup = line.hangup.clone().unwrap();
        let (out, _body) = outflow(line);
        out.send(Bytes::from_static(b"a little")).await.unwrap();
        out.end().await;
        assert!(is_over(hangup).await);
    }
}
