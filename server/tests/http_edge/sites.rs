//! What the screens' server functions answer to whom.

use crate::support::{Browser, NOW, PASSWORD, Server, location};
use pulsecast_server::store::accounts::Accounts;
use reqwest::Response;

/// Posts the form of the page "add a site", as a browser does without WebAssembly.
async fn add_site(who: &Browser<'_>, domain: &str, timezone: &str) -> Response {
    who.form("/fn/add-site", &[("domain", domain), ("timezone", timezone)])
        .await
}

async fn call(who: &Browser<'_>, path: &str) -> (u16, String) {
    let answer = who.client.get(who.url(path)).send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

#[tokio::test]
async fn a_site_is_added_by_a_plain_form_and_its_page_is_there() {
    let server = Server::start().await;
    let owner = server.owner().await;
    let added = add_site(&owner, "https://Example.com/", "Europe/Berlin").await;
    assert_eq!(
        (added.status().as_u16(), location(&added)),
        (302, "/sites/example.com/live")
    );
    assert_eq!(owner.open("/sites/example.com/live").await.status(), 200);
    let site = server.sites.get(&"example.com".parse().unwrap()).unwrap();
    assert_eq!(site.settings.timezone, "Europe/Berlin");
    let (status, list) = call(&owner, "/fn/sites").await;
    assert_eq!(status, 200);
    assert!(
        list.contains("\"domain\":\"example.com\"") && list.contains("\"has_events\":false"),
        "{list}"
    );
}

#[tokio::test]
async fn whoever_is_not_signed_in_learns_nothing_and_changes_nothing() {
    let server = Server::start().await;
    add_site(&server.owner().await, "example.com", "UTC").await;
    let stranger = server.browser();
    for path in ["/fn/sites", "/fn/settings?domain=example.com"] {
        let (status, text) = call(&stranger, path).await;
        assert!(
            status == 401 && text.contains("unauthorized") && !text.contains("timezone"),
            "{path}: {status} {text}"
        );
    }
    add_site(&stranger, "evil.example", "UTC").await;
    assert!(server.sites.get(&"evil.example".parse().unwrap()).is_none());
}

#[tokio::test]
async fn another_account_does_not_know_that_the_site_is_there() {
    let server = Server::start().await;
    add_site(&server.owner().await, "example.com", "UTC").await;
    let hash = server.passwords.hash(PASSWORD.into()).await.unwrap();
    server
        .accounts
        .add_account("bob@example.com", &hash, NOW)
        .await
        .unwrap();
    let bob = server.browser();
    bob.sign_in("bob@example.com", PASSWORD).await;
    let (_, list) = call(&bob, "/fn/sites").await;
    assert!(!list.contains("example.com"), "{list}");
    let there = call(&bob, "/fn/settings?domain=example.com").await;
    let nowhere = call(&bob, "/fn/settings?domain=nowhere.example").await;
    assert_eq!(
        there.1.replace("example.com", "X"),
        nowhere.1.replace("nowhere.example", "X")
    );
    bob.form(
        "/fn/remove-site",
        &[("domain", "example.com"), ("confirm", "example.com")],
    )
    .await;
    assert!(server.sites.get(&"example.com".parse().unwrap()).is_some());
    assert_eq!(bob.open("/sites/example.com").await.status(), 404);
}

#[tokio::test]
async fn a_site_that_is_there_and_a_zone_that_is_not_are_refused() {
    let server = Server::start().await;
    let owner = server.owner().await;
    add_site(&owner, "example.com", "UTC").await;
    let call = |domain: &'static str, zone: &'static str| {
        let form = [("domain", domain), ("timezone", zone)];
        owner
            .client
            .post(server.url("/fn/add-site"))
            .header("origin", server.origin())
            .form(&form)
            .send()
    };
    let twice = call("example.com", "UTC").await.unwrap().text().await.unwrap();
    assert!(twice.contains("conflict"), "{twice}");
    let nowhere = call("example.org", "Mars/Olympus")
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert!(nowhere.contains("Europe/Berlin"), "{nowhere}");
    assert_eq!(server.sites.all().len(), 1);
}

#[tokio::test]
async fn a_site_is_removed_by_typing_its_name() {
    let server = Server::start().await;
    let owner = server.owner().await;
    add_site(&owner, "example.com", "UTC").await;
    owner
        .form(
            "/fn/remove-site",
            &[("domain", "example.com"), ("confirm", "exam")],
        )
        .await;
    assert_eq!(server.sites.all().len(), 1);
    owner
        .form(
            "/fn/remove-site",
            &[("domain", "example.com"), ("confirm", "example.com")],
        )
        .await;
    assert_eq!(server.sites.all().len(), 0);
    assert_eq!(owner.open("/sites/example.com").await.status(), 404);
}

#[tokio::test]
async fn what_cannot_be_read_is_the_askers_fault_not_ours() {
    let server = Server::start().await;
    let owner = server.owner().await;
    let send = |body: String| {
        let post = owner
            .client
            .post(server.url("/fn/add-site"))
            .header("origin", server.origin());
        post.header("content-type", "application/x-www-form-urlencoded")
            .body(body)
            .send()
    };
    for body in [
        "".to_owned(),
        "[".repeat(10_000),
        "domain=%ff%fe&timezone=UTC".to_owned(),
        "domain=a+b&timezone=UTC".to_owned(),
    ] {
        let answer = send(body.clone()).await.unwrap();
        assert_eq!(
            answer.status(),
            400,
            "{}",
            body.chars().take(20).collect::<String>()
        );
    }
    assert_eq!(
        send("domain=example.com&timezone=UTC".to_owned())
            .await
            .unwrap()
            .status(),
        200
    );
    assert_eq!(
        send("domain=example.com&timezone=UTC".to_owned())
            .await
            .unwrap()
            .status(),
        409
    );
    assert_eq!(call(&owner, "/fn/settings?domain=nowhere.example").await.0, 404);
}
