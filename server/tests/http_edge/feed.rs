//! The editors' page of a feed: who gets there, what a mistake costs, and what the page may load.

use crate::support::{Browser, NOW, PASSWORD, Server, header, location};
use pulsecast_protocol::{Domain, feed::FeedState};
use pulsecast_server::{
    sites::Role,
    store::accounts::{Accounts, FeedBook, load_sites},
};

const SITE: &str = "example.com";
const PAGE: &str = "/sites/example.com/feed";

async fn with_site() -> Server {
    let server = Server::start().await;
    let owner = server.owner().await;
    let site = [("domain", SITE), ("timezone", "Europe/Berlin")];
    owner.form("/fn/add-site", &site).await;
    server
}

async fn member<'a>(server: &'a Server, email: &str, role: Role) -> Browser<'a> {
    let hash = server.passwords.hash(PASSWORD.into()).await.unwrap();
    let id = server.accounts.add_account(email, &hash, NOW).await.unwrap();
    let site = server.sites.get(&SITE.parse::<Domain>().unwrap()).unwrap();
    server.accounts.add_member(site.id, id, role).await.unwrap();
    load_sites(&server.accounts, &server.sites).await.unwrap();
    let browser = server.browser();
    assert_eq!(browser.sign_in(email, PASSWORD).await.status(), 303);
    browser
}

async fn states(server: &Server) -> Vec<FeedState> {
    let site = server.sites.get(&SITE.parse::<Domain>().unwrap()).unwrap();
    let rows = server.accounts.feed_items(site.id, 10).await.unwrap();
    rows.into_iter().map(|row| row.state).collect()
}

#[tokio::test]
async fn editors_publish_and_viewers_and_strangers_do_not() {
    let server = with_site().await;
    let item = [("action", "publish"), ("kind", "message"), ("title", "Hello")];
    let editor = member(&server, "ed@example.com", Role::Editor).await;
    let done = editor.form(PAGE, &item).await;
    assert_eq!(
        (done.status().as_u16(), location(&done)),
        (303, "/sites/example.com/feed?done=published")
    );
    let page = editor.open(location(&done)).await.text().await.unwrap();
    assert!(page.contains("Hello") && page.contains("Published"), "{page}");

    let viewer = member(&server, "vi@example.com", Role::Viewer).await;
    assert_eq!(viewer.form(PAGE, &item).await.status(), 403);
    assert_eq!(
        viewer.open("/sites/example.com/feed/received").await.status(),
        403
    );
    assert!(!viewer.open(PAGE).await.text().await.unwrap().contains("Hello"));
    assert_eq!(server.browser().form(PAGE, &item).await.status(), 401);
    let foreign = editor
        .client
        .post(editor.url(PAGE))
        .header("origin", "https://evil.example");
    assert_eq!(foreign.form(&item).send().await.unwrap().status(), 403);
    assert_eq!(states(&server).await, [FeedState::Live]);
}

#[tokio::test]
async fn what_was_typed_survives_a_mistake_in_it() {
    let server = with_site().await;
    let editor = member(&server, "ed@example.com", Role::Editor).await;
    let long = "word ".repeat(900);
    let wrong = [
        ("action", "publish"),
        ("kind", "link"),
        ("url", "javascript:alert(1)"),
        ("text", long.as_str()),
    ];
    let back = editor.form(PAGE, &wrong).await;
    assert!(
        location(&back).contains("edit=") && location(&back).contains("done=wrong"),
        "{}",
        location(&back)
    );
    let page = editor.open(location(&back)).await;
    let policy = header(&page, "content-security-policy").to_owned();
    let page = page.text().await.unwrap();
    assert!(
        page.contains("Write the whole address") && page.contains(&long[..4000]),
        "{page}"
    );
    assert_eq!(states(&server).await, [FeedState::Draft]);
    assert!(
        policy.contains("frame-src https://www.youtube-nocookie.com") && policy.contains("https:;"),
        "{policy}"
    );
    let elsewhere = editor.open("/sites/example.com/settings").await;
    assert!(!header(&elsewhere, "content-security-policy").contains("youtube"));
}

#[tokio::test]
async fn a_draft_can_be_looked_at_forgotten_and_planned() {
    let server = with_site().await;
    let editor = member(&server, "ed@example.com", Role::Editor).await;
    let seen = editor
        .form(
            PAGE,
            &[
                ("action", "preview"),
                ("kind", "message"),
                (
                    "text",
                    "So *good* <script>1</script></textarea><script>1</script>",
                ),
            ],
        )
        .await;
    let page = editor.open(location(&seen)).await.text().await.unwrap();
    assert!(
        page.contains("As visitors will see it") && page.contains("So <em>good</em>"),
        "{page}"
    );
    assert!(
        !page.contains("<script>1") && page.contains("&lt;script>1&lt;/script>&lt;/textarea>"),
        "also where it is typed: {page}"
    );
    let id = location(&seen).split_once("edit=").unwrap().1.to_owned();
    editor
        .form("/sites/example.com/feed/discard", &[("id", &id)])
        .await;
    assert!(states(&server).await.is_empty());

    let later = [
        ("action", "publish"),
        ("title", "Later"),
        ("publish_at", "2027-01-16T10:00"),
    ];
    assert_eq!(
        location(&editor.form(PAGE, &later).await),
        "/sites/example.com/feed?done=scheduled"
    );
    let page = editor.open(PAGE).await.text().await.unwrap();
    assert!(
        page.contains("Planned") && page.contains("2027-01-16 10:00"),
        "by the site's clock: {page}"
    );
}
