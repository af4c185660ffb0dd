//! Streams behind the whole edge: the real session, the real gate, the real connections.

use crate::{
    sockets::with_site,
    support::{Server, Wish, eventually},
};
use pulsecast_protocol::account::SiteSettings;
use pulsecast_server::{event::SiteId, sites::Site, transport::Limits};
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

const PAGE: &str = "https://example.com";
const CONNECT: &str = r#"{"id":1,"connect":{}}"#;

fn stream(server: &Server, origin: &str) -> RequestBuilder {
    Client::new()
        .post(server.url("/connection/http_stream"))
        .header("origin", origin)
        .body(CONNECT)
}

fn emulation(server: &Server, origin: &str, connected: &Value, commands: &str) -> RequestBuilder {
    let names = &connected["connect"];
    let body = json!({"session": names["session"], "node": names["node"], "data": commands});
    Client::new()
        .post(server.url("/emulation"))
        .header("origin", origin)
        .body(body.to_string())
}

async fn line(response: &mut Response) -> Value {
    let chunk = response.chunk().await.unwrap().unwrap();
    serde_json::from_slice(&chunk).unwrap()
}

#[tokio::test]
async fn a_sites_page_can_post_to_a_stream_though_to_nothing_else() {
    let (server, cookie) = with_site(Wish::default()).await;
    let mut response = stream(&server, PAGE)
        .header("cookie", &cookie)
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["access-control-allow-origin"], PAGE);
    assert!(!response.headers().contains_key("content-encoding"));
    let connected = line(&mut response).await;
    let live = r#"{"id":2,"subscribe":{"channel":"live:example.com"}}"#;
    let said = emulation(&server, PAGE, &connected, live).send().await.unwrap();
    assert_eq!(said.status(), StatusCode::NO_CONTENT);
    assert_eq!(
        line(&mut response).await["error"]["code"],
        103,
        "the cookie counts on our own pages only"
    );
    for origin in ["https://evil.example", "null"] {
        assert_eq!(
            stream(&server, origin).send().await.unwrap().status(),
            StatusCode::FORBIDDEN
        );
        let said = emulation(&server, origin, &connected, "{}").send().await.unwrap();
        assert_eq!(said.status(), StatusCode::FORBIDDEN);
    }
    let logout = Client::new()
        .post(server.url("/logout"))
        .header("origin", PAGE)
        .header("cookie", &cookie);
    assert_eq!(logout.send().await.unwrap().status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn our_own_page_is_its_member_on_a_stream_and_signing_out_ends_it() {
    let (server, cookie) = with_site(Wish::default()).await;
    let origin = server.origin();
    let mut response = stream(&server, &origin)
        .header("cookie", &cookie)
        .send()
        .await
        .unwrap();
    let connected = line(&mut response).await;
    let live = r#"{"id":2,"subscribe":{"channel":"live:example.com"}}"#;
    emulation(&server, &origin, &connected, live)
        .send()
        .await
        .unwrap();
    assert!(line(&mut response).await["subscribe"].is_object());
    let logout = Client::new()
        .post(server.url("/logout"))
        .header("origin", &origin)
        .header("cookie", &cookie);
    logout.send().await.unwrap();
    let rest = response.text().await.unwrap();
    assert!(rest.contains(r#""code":3005"#), "{rest}");
}

#[tokio::test]
async fn a_stream_outlives_the_time_that_a_request_may_take() {
    let wish = Wish {
        config: Box::new(|config| config.request_timeout = Duration::from_millis(700)),
        ..Wish::default()
    };
    // No account: making one may take longer than requests may here.
    let server = Server::start_with(wish).await;
    let settings = SiteSettings::new("example.com".parse().unwrap());
    server.sites.replace(vec![Site::new(SiteId(1), settings)]);
    let mut response = stream(&server, PAGE).send().await.unwrap();
    let connected = line(&mut response).await;
    let began = tokio::time::Instant::now();
    while began.elapsed() < Duration::from_millis(1_000) {
        let said = emulation(&server, PAGE, &connected, r#"{"id":2,"ping":{}}"#);
        assert_eq!(said.send().await.unwrap().status(), StatusCode::NO_CONTENT);
        assert_eq!(line(&mut response).await["id"], 2);
    }
}

#[tokio::test]
async fn a_reader_that_never_reads_loses_its_connection_and_holds_nothing_up() {
    let limits = Limits {
        outbox: 200_000,
        close_within: Duration::from_millis(100),
        ..Limits::default()
    };
    let wish = Wish {
        sockets: limits,
        ..Wish::default()
    };
    let (server, _) = with_site(wish).await;
    // A socket whose buffer is small fills soon.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut stalled: TcpStream = socket.connect(server.at).await.unwrap();
    let path = "/connection/uni_sse?cf_connect=%7B%22subs%22%3A%7B%22online%3Aexample.com%22%3A%7B%7D%7D%7D";
    let request = format!(
        "GET {path} HTTP/1.1\r\nhost: {}\r\norigin: {PAGE}\r\n\r\n",
        server.at
    );
    stalled.write_all(request.as_bytes()).await.unwrap();
    let mut first = [0; 12];
    stalled.read_exact(&mut first).await.unwrap();
    assert_eq!(&first, b"HTTP/1.1 200");
    eventually("it is there", || async {
        server.hub.readers("online:example.com") == 1
    })
    .await;
    // Of a count the latest wins, so that nothing is cut: what waits in the system is what holds on.
    let payload = format!(r#"{{"online":1,"x":"{}"}}"#, "x".repeat(60_000));
    for _ in 0..200 {
        server.hub.publish("online:example.com", payload.as_bytes());
        tokio::task::yield_now().await;
    }
    server.tasks.stop();
    assert!(
        server.tasks.wait(Duration::from_secs(8)).await,
        "a client that does not read keeps the server from ending"
    );
    assert_eq!(server.sockets.connections(), 0);
}
