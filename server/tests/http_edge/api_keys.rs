//! What programs with an API key may ask, and what they are told when they may not.

use crate::support::{NOW, PASSWORD, Server, header};
use pulsecast_server::{
    auth::key::Wanted,
    store::accounts::{Accounts, AuditBook, KeyBook, KeyRight, People, Role, load_sites},
};
use reqwest::Response;
use serde_json::{Value, json};

/// Two sites of the owner's, and a key for the first.
pub async fn world() -> (Server, String) {
    let server = Server::start().await;
    let owner = server.owner().await;
    for domain in ["example.com", "example.org"] {
        owner
            .form("/fn/add-site", &[("domain", domain), ("timezone", "UTC")])
            .await;
    }
    let key = key_for(&server, Some("example.com"), KeyRight::Stats).await;
    (server, key)
}

pub async fn key_for(server: &Server, domain: Option<&str>, right: KeyRight) -> String {
    let site = domain.map(|domain| server.sites.get(&domain.parse().unwrap()).unwrap().id);
    let account = server.accounts.account("ann@example.com").await.unwrap().unwrap();
    let wanted = Wanted {
        name: "test",
        account: Some(account.id),
        site,
        right,
    };
    server.keys.make(&server.accounts, &wanted, NOW).await.unwrap()
}

async fn ask(server: &Server, key: &str, body: &Value) -> Response {
    let request = reqwest::Client::new()
        .post(server.url("/api/v2/query"))
        .json(body);
    let request = if key.is_empty() {
        request
    } else {
        request.bearer_auth(key)
    };
    request.send().await.unwrap()
}

fn visitors_of(domain: &str) -> Value {
    json!({"site_id": domain, "metrics": ["visitors"], "date_range": "7d"})
}

pub async fn error(answer: Response) -> (u16, Value) {
    (answer.status().as_u16(), answer.json().await.unwrap())
}

#[tokio::test]
async fn without_a_good_key_nothing_is_answered() {
    let (server, key) = world().await;
    for wrong in [
        "",
        "pc_",
        "nonsense",
        &key.replace("pc_", "pc_x"),
        &key[..key.len() - 1],
    ] {
        let (status, body) = error(ask(&server, wrong, &visitors_of("example.com")).await).await;
        assert!(
            status == 401 && body["error"].as_str().unwrap().contains("API key"),
            "{wrong}: {status} {body}"
        );
    }
    let publish = key_for(&server, Some("example.com"), KeyRight::Publish).await;
    assert_eq!(
        ask(&server, &publish, &visitors_of("example.com")).await.status(),
        401
    );
}

#[tokio::test]
async fn a_foreign_site_and_none_look_the_same() {
    let (server, key) = world().await;
    let foreign = error(ask(&server, &key, &visitors_of("example.org")).await).await;
    let nowhere = error(ask(&server, &key, &visitors_of("nowhere.example")).await).await;
    assert_eq!(foreign.0, 401);
    assert_eq!(foreign, nowhere);
    let all = key_for(&server, None, KeyRight::Stats).await;
    assert_ne!(
        ask(&server, &all, &visitors_of("example.org")).await.status(),
        401
    );
}

#[tokio::test]
async fn a_wrong_question_is_told_where_it_is_wrong() {
    let (server, key) = world().await;
    let mut query = visitors_of("example.com");
    query["metrics"] = json!(["visitors", "visitorz"]);
    let (status, body) = error(ask(&server, &key, &query).await).await;
    assert_eq!((status, body["path"].as_str()), (400, Some("metrics[1]")));
    let text = body["error"].as_str().unwrap();
    assert!(
        text.starts_with("metrics[1]: no such metric \"visitorz\": use one of visitors,"),
        "{text}"
    );
}

#[tokio::test]
async fn a_revoked_key_and_one_whose_maker_left_are_worthless_at_once() {
    let (server, key) = world().await;
    let query = visitors_of("example.com");
    assert_ne!(ask(&server, &key, &query).await.status(), 401);
    let id = server.accounts.keys(None).await.unwrap()[0].id;
    assert!(server.accounts.revoke_key(id, NOW).await.unwrap());
    assert_eq!(ask(&server, &key, &query).await.status(), 401);

    let all = key_for(&server, None, KeyRight::Stats).await;
    let hash = server.passwords.hash(PASSWORD.into()).await.unwrap();
    let bob = server
        .accounts
        .add_account("bob@example.com", &hash, NOW)
        .await
        .unwrap();
    let site = server.sites.get(&"example.com".parse().unwrap()).unwrap().id;
    server.accounts.add_member(site, bob, Role::Owner).await.unwrap();
    let ann = server
        .accounts
        .account("ann@example.com")
        .await
        .unwrap()
        .unwrap()
        .id;
    server.accounts.remove_member(site, ann).await.unwrap();
    load_sites(&server.accounts, &server.sites).await.unwrap();
    assert_eq!(ask(&server, &all, &query).await.status(), 401);
}

#[tokio::test]
async fn a_key_is_used_so_often_a_minute_and_no_oftener() {
    let (server, key) = world().await;
    let other = key_for(&server, Some("example.com"), KeyRight::Stats).await;
    let query = visitors_of("example.com");
    for _ in 0..60 {
        assert_ne!(ask(&server, &key, &query).await.status(), 429);
    }
    let refused = ask(&server, &key, &query).await;
    assert_eq!(refused.status(), 429);
    assert!(header(&refused, "retry-after").parse::<u64>().unwrap() <= 60);
    assert_ne!(ask(&server, &other, &query).await.status(), 429);
    server.clock.advance(60_000);
    assert_ne!(ask(&server, &key, &query).await.status(), 429);
}

#[tokio::test]
async fn the_last_use_is_known_to_the_minute() {
    let (server, key) = world().await;
    let query = visitors_of("example.com");
    assert_eq!(server.accounts.keys(None).await.unwrap()[0].last_used, None);
    ask(&server, &key, &query).await;
    server.clock.advance(59_000);
    ask(&server, &key, &query).await;
    assert_eq!(server.accounts.keys(None).await.unwrap()[0].last_used, Some(NOW));
    server.clock.advance(1_000);
    ask(&server, &key, &query).await;
    assert_eq!(
        server.accounts.keys(None).await.unwrap()[0].last_used,
        Some(NOW.plus(60_000))
    );
}

#[tokio::test]
async fn a_member_asks_from_our_own_page_without_a_key_and_a_foreign_page_does_not() {
    let (server, _) = world().await;
    let browser = server.browser();
    browser.sign_in("ann@example.com", PASSWORD).await;
    let post = |origin: String| {
        browser
            .client
            .post(server.url("/api/v2/query"))
            .header("origin", origin)
            .json(&visitors_of("example.com"))
    };
    let ours = post(server.origin()).send().await.unwrap().status();
    assert!(ours != 401 && ours != 403, "{ours}");
    assert_eq!(
        post("https://evil.example".to_owned())
            .send()
            .await
            .unwrap()
            .status(),
        403
    );
    let strange = browser
        .post("/api/v2/query")
        .json(&visitors_of("nowhere.example"))
        .send()
        .await
        .unwrap();
    assert_eq!(strange.status(), 404);
}

/// The value of the field that shows a new key.
fn shown_key(page: &str) -> Option<String> {
    let (_, rest) = page.split_once("value=\"pc_")?;
    rest.split_once('"').map(|(key, _)| format!("pc_{key}"))
}

#[tokio::test]
async fn a_key_is_made_by_a_plain_form_shown_once_used_and_revoked() {
    let (server, _) = world().await;
    let ann = server.browser();
    ann.sign_in("ann@example.com", PASSWORD).await;
    let form = [
        ("domain", "example.com"),
        ("name", "Sheet"),
        ("right", "stats"),
        ("reach", "site"),
    ];
    let made = ann.form("/fn/add-key", &form).await;
    assert_eq!(made.headers()["location"], "/sites/example.com/keys");
    let page = ann.open("/sites/example.com/keys").await.text().await.unwrap();
    let key = shown_key(&page).expect("the new key is on the page");
    assert_ne!(
        ask(&server, &key, &visitors_of("example.com")).await.status(),
        401
    );

    let again = ann.open("/sites/example.com/keys").await.text().await.unwrap();
    assert!(
        again.contains("Sheet") && !again.contains(&key),
        "it is shown once"
    );
    assert!(again.contains("Last used"), "its use is shown");

    let id = server
        .accounts
        .keys(None)
        .await
        .unwrap()
        .last()
        .unwrap()
        .id
        .to_string();
    ann.form("/fn/revoke-key", &[("domain", "example.com"), ("id", &id)])
        .await;
    assert_eq!(
        ask(&server, &key, &visitors_of("example.com")).await.status(),
        401
    );
    let trail = server
        .accounts
        .changes(
            server.sites.get(&"example.com".parse().unwrap()).unwrap().id,
            None,
            10,
        )
        .await
        .unwrap();
    let actions: Vec<_> = trail.iter().map(|entry| entry.action.as_str()).collect();
    assert!(
        actions.contains(&"key.add") && actions.contains(&"key.revoke"),
        "{actions:?}"
    );
}

#[tokio::test]
async fn who_may_not_manage_the_site_neither_sees_nor_makes_nor_revokes_its_keys() {
    let (server, key) = world().await;
    let hash = server.passwords.hash(PASSWORD.into()).await.unwrap();
    let bob = server
        .accounts
        .add_account("bob@example.com", &hash, NOW)
        .await
        .unwrap();
    let site = server.sites.get(&"example.com".parse().unwrap()).unwrap().id;
    server.accounts.add_member(site, bob, Role::Editor).await.unwrap();
    load_sites(&server.accounts, &server.sites).await.unwrap();
    let browser = server.browser();
    browser.sign_in("bob@example.com", PASSWORD).await;
    let list = browser
        .client
        .get(server.url("/fn/keys?domain=example.com"))
        .send()
        .await
        .unwrap();
    assert_eq!(list.status(), 403);
    let form = [
        ("domain", "example.com"),
        ("name", "x"),
        ("right", "stats"),
        ("reach", "site"),
    ];
    browser.form("/fn/add-key", &form).await;
    let id = server.accounts.keys(None).await.unwrap()[0].id.to_string();
    browser
        .form("/fn/revoke-key", &[("domain", "example.com"), ("id", &id)])
        .await;
    assert_eq!(server.accounts.keys(None).await.unwrap().len(), 1);
    assert_ne!(
        ask(&server, &key, &visitors_of("example.com")).await.status(),
        401
    );
}
