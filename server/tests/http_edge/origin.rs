//! Requests from foreign pages change nothing.

use crate::support::{EMAIL, PASSWORD, Server, Wish, header, location};

#[tokio::test]
async fn a_form_on_a_foreign_page_cannot_act_for_whoever_is_signed_in() {
    let server = Server::start().await;
    let owner = server.owner().await;
    for path in ["/logout", "/api/token", "/login", "/setup", "/fn/anything"] {
        for origin in ["https://evil.example", "null", "http://127.0.0.1:1"] {
            let sent = owner
                .client
                .post(server.url(path))
                .header("origin", origin)
                .form(&[("x", "y")])
                .send()
                .await
                .unwrap();
            assert_eq!(sent.status(), 403, "{path} from {origin}");
        }
    }
    assert!(owner.is_signed_in().await);
}

#[tokio::test]
async fn a_browser_that_does_not_say_where_the_form_was_is_refused_a_program_is_not() {
    let server = Server::start().await;
    let owner = server.owner().await;
    let silent = owner.client.post(server.url("/logout")).send().await.unwrap();
    assert_eq!(silent.status(), 403);
    let program = server
        .browser()
        .client
        .post(server.url("/login"))
        .form(&[("email", EMAIL), ("password", PASSWORD)])
        .send();
    assert_eq!(program.await.unwrap().status(), 303);
    let elsewhere = server
        .browser()
        .client
        .post(server.url("/login"))
        .header("sec-fetch-site", "cross-site")
        .send();
    assert_eq!(elsewhere.await.unwrap().status(), 403);
}

#[tokio::test]
async fn the_refusal_says_what_to_do_to_people_in_html_and_to_programs_in_json() {
    let server = Server::start().await;
    let post = || {
        server
            .browser()
            .client
            .post(server.url("/login"))
            .header("origin", "https://evil.example")
    };
    let page = post().header("accept", "text/html,*/*").send().await.unwrap();
    assert!(header(&page, "content-type").starts_with("text/html"));
    assert!(page.text().await.unwrap().contains("--public-url"));
    let json: serde_json::Value = post().send().await.unwrap().json().await.unwrap();
    assert_eq!(json["code"], "forbidden");
}

#[tokio::test]
async fn with_a_public_url_only_that_address_counts() {
    let server = Server::start_with(Wish {
        config: Box::new(|c| c.public_url = Some("https://stats.example.com".parse().unwrap())),
        ..Default::default()
    })
    .await;
    let by_ip = server.browser().sign_in(EMAIL, PASSWORD).await;
    assert_eq!(by_ip.status(), 403, "{}", location(&by_ip));
    let by_name = server
        .browser()
        .client
        .post(server.url("/login"))
        .header("origin", "https://stats.example.com");
    assert_eq!(
        by_name
            .form(&[("email", EMAIL), ("password", PASSWORD)])
            .send()
            .await
            .unwrap()
            .status(),
        303
    );
}

#[tokio::test]
async fn a_cookie_that_comes_along_from_a_foreign_page_speaks_for_nobody() {
    let server = Server::start().await;
    let owner = server.owner().await;
    let from = |origin: &'static str| owner.client.get(server.url("/")).header("origin", origin).send();
    assert_eq!(from("https://evil.example").await.unwrap().status(), 303);
    assert_eq!(from("null").await.unwrap().status(), 303);
    let ours = owner
        .client
        .get(server.url("/"))
        .header("origin", server.origin())
        .send()
        .await
        .unwrap();
    assert_eq!(ours.status(), 200);
}
