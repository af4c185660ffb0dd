//! A streamed response: one task owns the connection, hears its commands and fills the response's body, as the WebSocket's task does with
//! its socket. What a client does not read waits in its outbox; once that is cut, the client is left within a bounded time, read or not.

use super::{
    ENOUGH, End, PACK, TransportState, connection::Connection, dress::Dress, emulation::Commands, seats::Seat,
};
use crate::hub::{Disconnect, Outbox, Taken};
use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures::stream;
use rand::Rng;
use std::{convert::Infallible, ops::RangeInclusive, time::Duration};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

/// Milliseconds after which an `EventSource` comes back: each is told its own, so that they do not come all at once.
const RETRY: RangeInclusive<u32> = 1_000..=5_000;

/// Closes a request's connection, however much still waits to be written to it. Set as a request extension by whoever serves.
#[derive(Clone, Debug, Default)]
pub struct Hangup(CancellationToken);

impl Hangup {
    /// Waits until the connection is over, or is to be.
    pub async fn over(&self) {
        self.0.cancelled().await;
    }

    /// It is over, or is to be.
    pub fn hang_up(&self) {
        self.0.cancel();
    }
}

/// One client and how it is written to.
pub(super) struct Flow {
    pub(super) connection: Connection,
    pub(super) seat: Seat,
    /// What it said when it opened the stream, or what there is to tell it first.
    pub(super) first: First,
    /// What it says later, in requests of its own.
    pub(super) commands: Option<Commands>,
    pub(super) dress: Dress,
    pub(super) hangup: Option<Hangup>,
}

/// How a stream begins.
pub(super) enum First {
    /// With these commands.
    Said(String),
    /// With this, ready to go out: its commands have been dealt with.
    Told(Bytes),
}

impl Default for First {
    fn default() -> Self {
        Self::Told(Bytes::new())
    }
}

impl Flow {
    /// The response, and the task that fills it.
    pub(super) fn start(self, state: &TransportState, content: &'static str) -> Response {
        let (chunks, waiting) = mpsc::channel(1);
        let (held, gone) = oneshot::channel();
        let within = state.0.limits.close_within;
        state.0.tasks.spawn("stream", self.run(chunks, gone, within));
        let body = Body::from_stream(stream::unfold(
            (waiting, held),
            |(mut waiting, held): (mpsc::Receiver<Bytes>, oneshot::Sender<()>)| async move {
                let chunk = waiting.recv().await?;
                Some((Ok::<_, Infallible>(chunk), (waiting, held)))
            },
        ));
        let headers = [
            (header::CONTENT_TYPE, content),
            (
                header::CACHE_CONTROL,
                "private, no-cache, no-store, must-revalidate, max-age=0",
            ),
            (header::PRAGMA, "no-cache"),
            // A connection that ends with its stream can be closed over an answer that nobody reads, with no other request on it.
            (header::CONNECTION, "close"),
        ];
        let mut response = (StatusCode::OK, headers, body).into_response();
        // nginx would hold the stream back.
        response
            .headers_mut()
            .insert("x-accel-buffering", HeaderValue::from_static("no"));
        response
    }

    async fn run(mut self, chunks: mpsc::Sender<Bytes>, gone: oneshot::Receiver<()>, within: Duration) {
        let outbox = self.connection.outbox().clone();
        let end = self.converse(&chunks, &outbox).await;
        let Self {
            connection,
            seat,
            commands,
            dress,
            hangup,
            ..
        } = self;
        // Channels are left first: a slow client may draw out the rest.
        drop((connection, commands));
        let why = match end {
            End::TheyLeft => Disconnect::Normal,
            End::WeSay(why) => {
                let farewell = async {
                    if chunks.send(dress.farewell(why)).await.is_ok() {
                        drop(chunks);
                        over(hangup.as_ref(), gone).await;
                    }
                };
                let _in_time = tokio::time::timeout(within, farewell).await;
                hangup.iter().for_each(Hangup::hang_up);
                why
            }
        };
        metrics::counter!("pulsecast_disconnects_total", "reason" => why.reason()).increment(1);
        drop(seat);
    }

    async fn converse(&mut self, chunks: &mpsc::Sender<Bytes>, outbox: &Outbox) -> End {
        if let Err(end) = self.begin(chunks, outbox).await {
            return end;
        }
        loop {
            if let Err(end) = self.turn(chunks, outbox).await {
                return end;
            }
        }
    }

    async fn begin(&mut self, chunks: &mpsc::Sender<Bytes>, outbox: &Outbox) -> Result<(), End> {
        let opening = self.dress.opening(rand::rng().random_range(RETRY));
        let (told, said) = match std::mem::take(&mut self.first) {
            First::Said(said) => (opening, said),
            First::Told(told) => ([opening, told].concat().into(), String::new()),
        };
        if !told.is_empty() {
            chunks.send(told).await.map_err(|_| End::TheyLeft)?;
        }
        self.hear(&said, chunks, outbox).await
    }

    /// Writes what waits or hears what comes, whichever is there.
    async fn turn(&mut self, chunks: &mpsc::Sender<Bytes>, outbox: &Outbox) -> Result<(), End> {
        let commands = &mut self.commands;
        let said = tokio::select! {
            () = chunks.closed() => return Err(End::TheyLeft),
            taken = outbox.take(PACK) => return self.write(chunks, outbox, taken).await,
            Some(said) = next(commands) => said,
        };
        self.hear(&said, chunks, outbox).await
    }

    /// Takes in what the client said, writing what it answers where that is much.
    async fn hear(&mut self, said: &str, chunks: &mpsc::Sender<Bytes>, outbox: &Outbox) -> Result<(), End> {
        for line in said.lines().filter(|line| !line.trim().is_empty()) {
            self.connection.hear(line).await;
            while outbox.waiting() > ENOUGH {
                let Some(taken) = outbox.try_take(PACK) else { break };
                self.write(chunks, outbox, taken).await?;
            }
            if outbox.ended().is_some() {
                break;
            }
        }
        Ok(())
    }

    async fn write(
        &mut self,
        chunks: &mpsc::Sender<Bytes>,
        outbox: &Outbox,
        taken: Taken,
    ) -> Result<(), End> {
        let frames = match taken {
            Taken::Frames(frames) => frames,
            Taken::Cut(why) => return Err(End::WeSay(why)),
        };
        let pinged = self.dress.is_one_way() && frames.iter().any(|frame| &frame[..] == b"{}");
        let packed = self.dress.pack(&frames);
        drop(frames);
        // An empty chunk would be the end of the answer.
        if !packed.is_empty() {
            tokio::select! {
                biased;
                sent = chunks.send(packed) => sent.map_err(|_| End::TheyLeft)?,
                why = outbox.when_cut() => return Err(End::WeSay(why)),
            }
        }
        if self.dress.is_over() {
            return Err(End::WeSay(Disconnect::Expired));
        }
        if pinged {
            // Who cannot answer is alive for as long as it reads.
            self.connection.hear("{}").await;
        }
        Ok(())
    }
}

/// Waits until the client has been told everything. That the body is gone says only that nobody else will write.
async fn over(hangup: Option<&Hangup>, gone: oneshot::Receiver<()>) {
    match hangup {
        Some(hangup) => hangup.over().await,
        // Nothing is ever sent: it ends by being dropped.
        None => drop(gone.await),
    }
}

async fn next(commands: &mut Option<Commands>) -> Option<String> {
    match commands {
        Some(commands) => commands.next().await,
        None => None,
    }
}
