//! Sends what arrives on `/publish` to every other connection, packing what waits into one write, as the server does: no
//! channels, no limits, no sessions.

use crate::socket::{Socket, frame};
use anyhow::Result;
use bytes::{Bytes, BytesMut};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::broadcast::{self, Receiver, Sender, error::RecvError},
};

/// Bytes packed into one write: the server's.
const PACK: usize = 32 << 10;

/// Serves until killed.
pub async fn serve() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on http://{}", listener.local_addr()?);
    let (news, _) = broadcast::channel(4096);
    loop {
        let (stream, _) = listener.accept().await?;
        let news = news.clone();
        tokio::spawn(async move {
            // A connection that ends is no matter of the others.
            drop(connection(stream, news).await);
        });
    }
}

async fn connection(stream: TcpStream, news: Sender<Bytes>) -> Result<()> {
    let mut socket = Socket::of(stream)?;
    let head = socket.head().await?;
    socket
        .raw(b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n")
        .await?;
    if head.starts_with("GET /publish ") {
        loop {
            let frame = Bytes::from(frame(socket.next().await?, 0));
            // Nobody listens yet: then nobody gets it.
            drop(news.send(frame));
        }
    }
    let mut news = news.subscribe();
    loop {
        let frames = tokio::select! {
            frames = waiting(&mut news) => frames?,
            gone = socket.gone() => return gone,
        };
        socket.raw(&frames).await?;
    }
}

async fn waiting(news: &mut Receiver<Bytes>) -> Result<Bytes> {
    let first = loop {
        match news.recv().await {
            Ok(frame) => break frame,
            Err(RecvError::Lagged(_)) => {}
            Err(closed) => return Err(closed.into()),
        }
    };
    let Ok(second) = news.try_recv() else {
        return Ok(first);
    };
    let mut packed = BytesMut::from(&first[..]);
    packed.extend_from_slice(&second);
    while packed.len() < PACK
        && let Ok(frame) = news.try_recv()
    {
        packed.extend_from_slice(&frame);
    }
    Ok(packed.freeze())
}
