//! Sockets behind the whole edge: the real session, the real gate.

use crate::support::{EMAIL, NOW, PASSWORD, Server, Wish, header};
use futures::{SinkExt, StreamExt};
use pulsecast_protocol::account::SiteSettings;
use pulsecast_server::{
    store::accounts::{Accounts, load_sites},
    transport::Limits,
};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{self, Message, client::IntoClientRequest},
};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn open(server: &Server, headers: &[(&'static str, &str)]) -> Result<Socket, u16> {
    let mut request = server
        .url("/connection/websocket")
        .replace("http:", "ws:")
        .into_client_request()
        .unwrap();
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    match connect_async(request).await {
        Ok((socket, _)) => Ok(socket),
        Err(tungstenite::Error::Http(answer)) => Err(answer.status().as_u16()),
        Err(error) => panic!("{error}"),
    }
}

async fn ask(socket: &mut Socket, command: Value) -> Value {
    socket.send(Message::text(command.to_string())).await.unwrap();
    let answer = socket.next().await.unwrap().unwrap();
    serde_json::from_str(answer.to_text().unwrap().lines().next().unwrap()).unwrap()
}

/// What `live:example.com` answers to whoever opened this socket.
async fn ask_for_live(socket: &mut Socket, token: &str) -> Value {
    ask(socket, serde_json::json!({"id": 1, "connect": {"token": token}})).await;
    ask(
        socket,
        serde_json::json!({"id": 2, "subscribe": {"channel": "live:example.com"}}),
    )
    .await
}

/// A server with a site of the owner's, and the owner's cookie.
pub async fn with_site(wish: Wish) -> (Server, String) {
    let server = Server::start_with(wish).await;
    server.owner().await;
    let owner = server.accounts.account(EMAIL).await.unwrap().unwrap().id;
    let settings = SiteSettings::new("example.com".parse().unwrap());
    server.accounts.add_site(&settings, &[owner], NOW).await.unwrap();
    load_sites(&server.accounts, &server.sites).await.unwrap();
    let signed_in = server.browser().sign_in(EMAIL, PASSWORD).await;
    let cookie = header(&signed_in, "set-cookie")
        .split(';')
        .next()
        .unwrap()
        .to_owned();
    (server, cookie)
}

#[tokio::test]
async fn a_members_dashboard_gets_its_live_channel_by_the_cookie() {
    let (server, cookie) = with_site(Wish::default()).await;
    let origin = server.origin();
    let mut socket = open(&server, &[("origin", &origin), ("cookie", &cookie)])
        .await
        .unwrap();
    let answer = ask_for_live(&mut socket, "").await;
    assert!(answer["subscribe"]["data"]["position"].is_object(), "{answer}");
}

#[tokio::test]
async fn a_program_gets_it_by_the_members_token_and_not_without() {
    let (server, cookie) = with_site(Wish::default()).await;
    let issued = server
        .browser()
        .client
        .post(server.url("/api/token"))
        .header("origin", server.origin());
    let issued: Value = issued
        .header("cookie", &cookie)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let mut program = open(&server, &[]).await.unwrap();
    let answer = ask_for_live(&mut program, issued["token"].as_str().unwrap()).await;
    assert!(answer["subscribe"].is_object(), "{answer}");
    let mut stranger = open(&server, &[]).await.unwrap();
    assert_eq!(ask_for_live(&mut stranger, "").await["error"]["code"], 103);
}

#[tokio::test]
async fn a_foreign_page_gets_neither_socket_nor_data_with_the_members_own_cookie() {
    let (server, cookie) = with_site(Wish::default()).await;
    for origin in ["https://evil.example", "null", "http://127.0.0.1:1"] {
        assert_eq!(
            open(&server, &[("origin", origin), ("cookie", &cookie)])
                .await
                .err(),
            Some(403),
            "{origin}"
        );
    }
    let mut page = open(&server, &[("origin", "https://example.com"), ("cookie", &cookie)])
        .await
        .unwrap();
    assert_eq!(
        ask_for_live(&mut page, "").await["error"]["code"],
        103,
        "the site's own page is no dashboard"
    );
}

#[tokio::test]
async fn who_signed_out_gets_nothing() {
    let (server, cookie) = with_site(Wish::default()).await;
    let origin = server.origin();
    let post = server
        .browser()
        .client
        .post(server.url("/logout"))
        .header("origin", &origin);
    post.header("cookie", &cookie).send().await.unwrap();
    let mut socket = open(&server, &[("origin", &origin), ("cookie", &cookie)])
        .await
        .unwrap();
    assert_eq!(ask_for_live(&mut socket, "").await["error"]["code"], 103);
}

#[tokio::test]
async fn behind_a_trusted_proxy_connections_count_for_the_client_not_the_proxy() {
    let (server, _) = with_site(Wish {
        config: Box::new(|c| c.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()]),
        sockets: Limits {
            connections_per_ip: 1,
            ..Limits::default()
        },
        ..Wish::default()
    })
    .await;
    let first = open(&server, &[("x-forwarded-for", "203.0.113.1")]).await;
    assert!(first.is_ok());
    assert_eq!(
        open(&server, &[("x-forwarded-for", "203.0.113.1")]).await.err(),
        Some(429)
    );
    assert!(open(&server, &[("x-forwarded-for", "203.0.113.2")]).await.is_ok());
}

#[tokio::test]
async fn signing_out_ends_what_that_browser_holds_open_and_no_other() {
    let (server, cookie) = with_site(Wish::default()).await;
    let origin = server.origin();
    let signed_in = server.browser().sign_in(EMAIL, PASSWORD).await;
    let elsewhere = header(&signed_in, "set-cookie")
        .split(';')
        .next()
        .unwrap()
        .to_owned();
    let mut here = open(&server, &[("origin", &origin), ("cookie", &cookie)])
        .await
        .unwrap();
    let mut there = open(&server, &[("origin", &origin), ("cookie", &elsewhere)])
        .await
        .unwrap();
    for socket in [&mut here, &mut there] {
        assert!(ask_for_live(socket, "").await["subscribe"].is_object());
    }
    let post = server
        .browser()
        .client
        .post(server.url("/logout"))
        .header("origin", &origin);
    post.header("cookie", &cookie).send().await.unwrap();
    let end = async {
        loop {
            match here.next().await {
                Some(Ok(Message::Close(frame))) => break frame.map(|frame| u16::from(frame.code)),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => break None,
            }
        }
    };
    let end = tokio::time::timeout(std::time::Duration::from_secs(10), end).await;
    assert!(end.is_ok(), "it is still open");
    let still = ask(
        &mut there,
        serde_json::json!({"id": 3, "unsubscribe": {"channel": "live:example.com"}}),
    )
    .await;
    assert_eq!(still["id"], 3, "{still}");
}
