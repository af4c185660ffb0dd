//! Accepts connections and reads requests from them, within limits: so many at a time, headers so large, and so long to send them.
//! Shutdown: accepting stops, requests under way are finished, upgraded sockets are their transport's to end.

use crate::{tasks::Tasks, transport::Hangup};
use axum::{Router, body::Body, extract::ConnectInfo};
use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use metrics::{counter, gauge};
use socket2::{SockRef, TcpKeepalive};
use std::{io, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};
use tower::Service;

/// What a connection may cost.
#[derive(Clone, Copy, Debug)]
pub struct ServeLimits {
    /// Connections at a time; beyond it they wait in the system's own queue, which is bounded too.
    pub connections: usize,
    /// How long a client may take to send a request's head; then its connection is closed. Counts between requests as well.
    pub head_timeout: Duration,
    /// Bytes of a request's head; beyond it the answer is 431.
    pub head_bytes: usize,
}

impl Default for ServeLimits {
    fn default() -> Self {
        Self {
            connections: 25_000,
            head_timeout: Duration::from_secs(10),
            head_bytes: 32 * 1024,
        }
    }
}

/// Serves `router` on `listener` until shutdown is asked for. Connections are tasks of `tasks`, so that [`Tasks::wait`] waits for them.
pub async fn serve(listener: TcpListener, router: Router, limits: ServeLimits, tasks: Tasks) {
    let places = Arc::new(Semaphore::new(limits.connections));
    loop {
        let next = async {
            let place = places.clone().acquire_owned().await.map_err(io::Error::other)?;
            let (stream, peer) = listener.accept().await?;
            Ok::<_, io::Error>((place, stream, peer))
        };
        let accepted = tokio::select! {
            () = tasks.stopping() => return,
            accepted = next => accepted,
        };
        match accepted {
            Ok((place, stream, peer)) => {
                let (router, stop) = (router.clone(), tasks.clone());
                tasks.spawn("connection", async move {
                    gauge!("pulsecast_http_connections").increment(1.0);
                    connection(stream, peer, router, limits, stop).await;
                    gauge!("pulsecast_http_connections").decrement(1.0);
                    drop(place);
                });
            }
            Err(error) if is_the_connections(&error) => {}
            Err(error) => {
                // Usually out of file descriptors: others have to close first.
                counter!("pulsecast_http_accept_errors_total").increment(1);
                tracing::error!(%error, "cannot accept connections; trying again");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

fn is_the_connections(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset
    )
}

async fn connection(stream: TcpStream, peer: SocketAddr, router: Router, limits: ServeLimits, stop: Tasks) {
    prepare(&stream);
    let hangup = Hangup::default();
    let each = hangup.clone();
    let service = service_fn(move |request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(peer));
        request.extensions_mut().insert(each.clone());
        router.clone().call(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_timeout)
        .max_header_size(limits.head_bytes)
        .max_buf_size(limits.head_bytes.max(16 * 1024) * 2)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    let served = async {
        tokio::select! {
            result = connection.as_mut() => result,
            () = stop.stopping() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        }
    };
    let result = tokio::select! {
        result = served => result,
        // A stream is over whose client does not read: what it was sent last would wait for good.
        () = hangup.over() => Ok(()),
    };
    hangup.hang_up();
    if let Err(error) = result {
        // Clients that go away, dawdle or send garbage: their affair, worth a number but not a line each.
        counter!("pulsecast_http_connection_errors_total").increment(1);
        tracing::debug!(%error, "connection ended");
    }
}

/// Small writes leave at once, and a peer that vanished is noticed.
fn prepare(stream: &TcpStream) {
    let keepalive = TcpKeepalive::new()
        .with_time(Duration::from_secs(60))
        .with_interval(Duration::from_secs(20));
    if let Err(error) = stream
        .set_nodelay(true)
        .and_then(|()| SockRef::from(stream).set_tcp_keepalive(&keepalive))
    {
        tracing::debug!(%error, "cannot set the socket's options");
    }
}
