//! What a stranger may send: each gets a named answer, a count, and the process goes on.

use crate::program::{BROWSER, Place, Running, eventually};
use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

async fn errors(server: &Running, body: impl Into<reqwest::Body>) -> (u16, String) {
    let response = server.post(body).await.unwrap();
    (response.status().as_u16(), response.text().await.unwrap())
}

#[tokio::test]
async fn a_wrong_event_is_told_which_field_is_wrong_and_counted() {
    let server = Place::new();
    let server = server.serve();
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    for (body, says) in [
        (b"{".to_vec(), "is not JSON"),
        (b"{\"n\":\"\xff\xfe\"}".to_vec(), "is not UTF-8"),
        (deep.into_bytes(), "recursion limit"),
        (
            br#"{"n":"pageview","d":"demo"}"#.to_vec(),
            r#""url":["is required"]"#,
        ),
        (
            br#"{"n":"pageview","d":"demo","u":"nonsense"}"#.to_vec(),
            "is not an absolute URL",
        ),
        (
            br#"{"n":"pageview","d":"demo","u":"http://localhost/","a":99999999999}"#.to_vec(),
            r#""age""#,
        ),
        (
            br#"{"n":"pageview","d":"demo","u":"http://localhost/","a":-5}"#.to_vec(),
            r#""age""#,
        ),
        (
            br#"{"n":"pageview","d":"no such domain!","u":"http://localhost/"}"#.to_vec(),
            r#""domain""#,
        ),
    ] {
        let shown = String::from_utf8_lossy(&body[..body.len().min(60)]).into_owned();
        let (status, text) = errors(&server, body).await;
        assert_eq!(status, 400, "{shown}: {text}");
        assert!(text.contains(says), "{shown}: {text}");
    }
    assert_eq!(
        server.metric("pulsecast_events_total{outcome=\"invalid\"}").await,
        8
    );
    assert_eq!(server.visit("/still-here").await.unwrap().status(), 202);
}

#[tokio::test]
async fn an_oversized_event_is_refused_before_it_is_read() {
    let place = Place::new();
    let server = place.serve();
    // A megabyte is announced, none of it is sent: the answer comes all the same.
    let mut socket = TcpStream::connect(server.address()).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    socket
        .write_all(b"POST /api/event HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1048576\r\n\r\n")
        .unwrap();
    let mut answer = Vec::new();
    while !String::from_utf8_lossy(&answer).contains("65536 bytes") {
        let mut piece = [0; 1024];
        let read = socket.read(&mut piece).unwrap();
        assert!(read > 0, "{}", String::from_utf8_lossy(&answer));
        answer.extend_from_slice(&piece[..read]);
    }
    assert!(
        answer.starts_with(b"HTTP/1.1 413 "),
        "{}",
        String::from_utf8_lossy(&answer)
    );
    let (status, _) = errors(&server, vec![b' '; 65_537]).await;
    assert_eq!(status, 413);
    assert_eq!(server.visit("/still-here").await.unwrap().status(), 202);
}

#[tokio::test]
async fn an_event_of_a_foreign_host_is_dropped_and_counted_under_its_reason() {
    let place = Place::new();
    let server = place.serve();
    let response = server
        .post(r#"{"n":"pageview","d":"demo","u":"https://evil.example/demo"}"#)
        .await
        .unwrap();
    assert_eq!(response.status(), 202);
    assert_eq!(response.headers()["x-pulsecast-dropped"], "hostname");
    assert_eq!(response.headers()["x-plausible-dropped"], "1");
    assert_eq!(
        server
            .metric("pulsecast_events_total{outcome=\"hostname\"}")
            .await,
        1
    );
    assert_eq!(
        server
            .metric("pulsecast_events_total{outcome=\"accepted\"}")
            .await,
        0
    );
    assert!(server.end());
    assert!(place.export("demo").is_empty());
}

#[tokio::test]
async fn an_event_of_an_unknown_site_says_so() {
    let place = Place::new();
    let server = place.serve();
    let (status, text) = errors(
        &server,
        r#"{"n":"pageview","d":"example.org","u":"https://example.org/"}"#,
    )
    .await;
    assert_eq!(status, 400);
    assert!(
        text.contains("`example.org` is not a site of this server: add it on the dashboard"),
        "{text}"
    );
    assert_eq!(
        server
            .metric("pulsecast_events_total{outcome=\"unknown_site\"}")
            .await,
        1
    );
}

#[tokio::test]
async fn a_program_is_dropped_by_its_name() {
    let place = Place::new();
    let server = place.serve();
    let response = server
        .client
        .post(format!("{}/api/event", server.url))
        .header(
            "user-agent",
            "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        )
        .body(r#"{"n":"pageview","d":"demo","u":"http://localhost/"}"#)
        .send()
        .await
        .unwrap();
    assert_eq!(
        (
            response.status().as_u16(),
            &response.headers()["x-pulsecast-dropped"]
        ),
        (202, &"bot".parse().unwrap())
    );
    assert_eq!(server.metric("pulsecast_bots_total{bot=\"Googlebot\"}").await, 1);
}

#[tokio::test]
async fn the_pixel_counts_a_page_without_javascript() {
    let place = Place::new();
    let server = place.serve();
    let get = |query: &str| {
        let request = server
            .client
            .get(format!("{}/api/event/pixel.gif{query}", server.url))
            .header("user-agent", BROWSER);
        request.header("referer", "http://localhost/no-js").send()
    };
    let response = get("?d=demo").await.unwrap();
    assert_eq!(
        (response.status().as_u16(), &response.headers()["content-type"]),
        (200, &"image/gif".parse().unwrap())
    );
    assert_eq!(response.headers()["cache-control"], "no-store");
    assert_eq!(
        get("?d=demo&u=http://localhost/given").await.unwrap().status(),
        200
    );
    assert_eq!(get("").await.unwrap().status(), 400);
    assert_eq!(get("?d=nope.org").await.unwrap().status(), 400);
    assert!(server.end());
    let paths: Vec<_> = place
        .export("demo")
        .iter()
        .map(|event| event["path"].clone())
        .collect();
    assert_eq!(paths, ["/no-js", "/given"]);
}

#[tokio::test]
async fn a_megabyte_of_headers_and_half_open_sockets_harm_nobody() {
    let place = Place::new();
    let server = place.serve();
    let mut socket = TcpStream::connect(server.address()).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    socket
        .write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n")
        .unwrap();
    let line = format!("x-{}: {}\r\n", "a".repeat(100), "b".repeat(1000));
    for _ in 0..1000 {
        // The server may close before it has all.
        if socket.write_all(line.as_bytes()).is_err() {
            break;
        }
    }
    let mut answer = [0; 64];
    let read = socket.read(&mut answer).unwrap_or(0);
    let answer = String::from_utf8_lossy(&answer[..read]).into_owned();
    assert!(
        read == 0 || answer.contains(" 431 ") || answer.contains(" 400 "),
        "{answer}"
    );

    let half_open: Vec<_> = (0..200)
        .map(|_| {
            let mut socket = TcpStream::connect(server.address()).unwrap();
            socket.write_all(b"POST /api/event HTTP/1.1\r\nhost: lo").unwrap();
            socket
        })
        .collect();
    assert_eq!(server.visit("/meanwhile").await.unwrap().status(), 202);
    // They are closed after the ten seconds that a request's head may take; the test of the edge shows that with a short time.
    drop(half_open);
    eventually("their connections are gone", || async {
        server.metric("pulsecast_http_connections").await < 20
    })
    .await;
}
