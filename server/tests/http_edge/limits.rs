//! What one connection may take: the process is unharmed by those who want more.

use crate::support::{Server, Wish, eventually};
use pulsecast_server::http::ServeLimits;
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::Instant,
};

async fn lives(server: &Server) -> bool {
    server.browser().open("/health/live").await.status() == 200
}

/// Sends what fits and reads what comes, until the server closes.
async fn exchange(server: &Server, bytes: &[u8]) -> String {
    let stream = TcpStream::connect(server.at).await.unwrap();
    let (mut read, mut write) = stream.into_split();
    let mut answer = Vec::new();
    // The server may close while we still send; either end of that is fine.
    let send = async { write.write_all(bytes).await.is_ok() };
    let receive = async { read.read_to_end(&mut answer).await.is_ok() };
    tokio::time::timeout(Duration::from_secs(10), async { tokio::join!(send, receive) })
        .await
        .expect("the server closes");
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn a_megabyte_of_headers_is_refused_and_the_next_request_is_served() {
    let server = Server::start().await;
    let request = format!(
        "GET / HTTP/1.1\r\nhost: x\r\nx-long: {}\r\n\r\n",
        "a".repeat(1 << 20)
    );
    let answer = exchange(&server, request.as_bytes()).await;
    // A reset may overtake the answer: the server closes on a client that is still sending.
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 431"),
        "{answer}"
    );
    let many: String = (0..2000).map(|n| format!("x-{n}: y\r\n")).collect();
    let answer = exchange(
        &server,
        format!("GET / HTTP/1.1\r\nhost: x\r\n{many}\r\n").as_bytes(),
    )
    .await;
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 431"),
        "{answer}"
    );
    let one_too_long = format!(
        "GET / HTTP/1.1\r\nhost: x\r\nx-long: {}\r\n\r\n",
        "a".repeat(34 * 1024)
    );
    assert!(
        exchange(&server, one_too_long.as_bytes())
            .await
            .starts_with("HTTP/1.1 431")
    );
    assert!(lives(&server).await);
}

#[tokio::test]
async fn a_client_that_never_finishes_its_headers_is_hung_up_on() {
    let limits = ServeLimits {
        head_timeout: Duration::from_millis(200),
        ..ServeLimits::default()
    };
    let server = Server::start_with(Wish {
        limits,
        ..Wish::default()
    })
    .await;
    let began = Instant::now();
    let answer = exchange(&server, b"GET / HTTP/1.1\r\nhost: x\r\nx-slow: ").await;
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 408"),
        "{answer}"
    );
    assert!(began.elapsed() >= Duration::from_millis(150));
    exchange(&server, b"").await;
    assert!(lives(&server).await);
}

#[tokio::test]
async fn a_body_that_never_comes_is_not_waited_for() {
    let server = Server::start_with(Wish {
        config: Box::new(|c| c.request_timeout = Duration::from_millis(200)),
        ..Wish::default()
    })
    .await;
    let request = format!(
        "POST /login HTTP/1.1\r\nhost: {}\r\norigin: {}\r\nconnection: close\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: 100\r\n\r\nemail=",
        server.at,
        server.origin()
    );
    assert!(
        exchange(&server, request.as_bytes())
            .await
            .starts_with("HTTP/1.1 503")
    );
}

#[tokio::test]
async fn a_form_over_the_limit_is_refused() {
    let server = Server::start().await;
    let sent = server
        .browser()
        .form("/login", &[("email", &"a".repeat(80 * 1024)), ("password", "x")])
        .await;
    assert_eq!(sent.status(), 413);
}

#[tokio::test]
async fn garbage_gets_400() {
    let server = Server::start().await;
    assert!(
        exchange(&server, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n")
            .await
            .starts_with("HTTP/1.1 400")
    );
    assert!(lives(&server).await);
}

#[tokio::test]
async fn over_the_cap_connections_wait_until_another_ends() {
    let limits = ServeLimits {
        connections: 1,
        ..ServeLimits::default()
    };
    let server = Server::start_with(Wish {
        limits,
        ..Wish::default()
    })
    .await;
    let mut first = TcpStream::connect(server.at).await.unwrap();
    first
        .write_all(b"GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    let mut some = [0; 15];
    first.read_exact(&mut some).await.unwrap();
    assert_eq!(&some, b"HTTP/1.1 200 OK");

    let mut second = TcpStream::connect(server.at).await.unwrap();
    second
        .write_all(b"GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    let early = tokio::time::timeout(Duration::from_millis(100), second.peek(&mut some)).await;
    assert!(early.is_err(), "nobody serves the second yet");
    drop(first);
    second.read_exact(&mut some).await.unwrap();
    assert_eq!(&some, b"HTTP/1.1 200 OK");
}

#[tokio::test]
async fn at_shutdown_accepting_stops_and_open_connections_end() {
    let server = Server::start().await;
    let mut idle = TcpStream::connect(server.at).await.unwrap();
    idle.write_all(b"GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    let mut some = [0; 15];
    idle.read_exact(&mut some).await.unwrap();
    server.tasks.stop();
    assert!(server.tasks.wait(Duration::from_secs(5)).await, "all tasks end");
    eventually("the port is closed", || async {
        TcpStream::connect(server.at).await.is_err()
    })
    .await;
}
