//! The dashboard's own files.

use crate::support::{Server, header};

async fn server_with_files() -> Server {
    let server = Server::start().await;
    let site = server.data().join("site");
    let large = "/* style */".repeat(200);
    for (name, text) in [
        ("pkg/pulsecast.css", large.as_str()),
        ("pkg/pulsecast.css.br", "brotli"),
        ("pkg/pulsecast.css.gz", "gzip"),
        ("pkg/pulsecast.0123456789abcdefABCD.wasm", "wasm"),
        ("favicon.svg", "<svg/>"),
        (".secret", "no"),
    ] {
        std::fs::write(site.join(name), text).unwrap();
    }
    std::fs::write(server.data().join("outside"), "no").unwrap();
    server
}

#[tokio::test]
async fn files_come_compressed_as_they_lie_there_and_are_asked_for_anew() {
    let server = server_with_files().await;
    let client = server.browser().client;
    let get = |encoding: &'static str| {
        client
            .get(server.url("/pkg/pulsecast.css"))
            .header("accept-encoding", encoding)
    };
    let br = get("gzip, br").send().await.unwrap();
    assert_eq!(
        (header(&br, "content-encoding"), header(&br, "content-type")),
        ("br", "text/css")
    );
    assert_eq!(header(&br, "cache-control"), "no-cache");
    assert_eq!(header(&br, "vary"), "accept-encoding");
    let tag = header(&br, "etag").to_owned();
    assert_eq!(br.text().await.unwrap(), "brotli");
    assert_eq!(
        get("gzip, br")
            .header("if-none-match", tag)
            .send()
            .await
            .unwrap()
            .status(),
        304
    );
    assert_eq!(get("gzip").send().await.unwrap().text().await.unwrap(), "gzip");
    assert!(
        get("identity")
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap()
            .starts_with("/* style */")
    );
}

#[tokio::test]
async fn a_name_with_a_hash_is_never_asked_for_again() {
    let server = server_with_files().await;
    let file = server
        .browser()
        .open("/pkg/pulsecast.0123456789abcdefABCD.wasm")
        .await;
    assert_eq!(header(&file, "content-type"), "application/wasm");
    assert!(header(&file, "cache-control").contains("immutable"));
    assert_eq!(server.browser().open("/favicon.svg").await.status(), 200);
}

#[tokio::test]
async fn nothing_outside_the_folder_and_nothing_hidden_is_served() {
    let server = server_with_files().await;
    for path in [
        "/.secret",
        "/pkg/pulsecast.css.br",
        "/../outside",
        "/%2e%2e/outside",
        "/pkg/..%2f..%2foutside",
    ] {
        let answer = server.browser().open(path).await;
        assert!(
            answer.status().is_client_error() || answer.status().is_redirection(),
            "{path}: {}",
            answer.status()
        );
        assert_ne!(answer.text().await.unwrap(), "no", "{path}");
    }
}
