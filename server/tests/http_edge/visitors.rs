//! Signed-in visitors of a site behind the whole edge: how their site is set up, whom it lets into which rooms, and whom it turns away.

use crate::support::{EMAIL, NOW, PASSWORD, Server, Wish, header};
use futures::{SinkExt, StreamExt};
use pulsecast_protocol::{
    Timestamp,
    account::SiteSettings,
    visitor::{OldSecretMay, TokenTrust, VisitorSettings},
};
use pulsecast_server::{
    auth::{
        key::Wanted,
        visitor::{Draft, fresh_secret, sign},
    },
    store::accounts::{Accounts, AuditBook, KeyRight, Role, VisitorBook, load_sites},
};
use serde_json::{Value, json};
use std::{collections::BTreeMap, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, client::IntoClientRequest},
};

const PAGE: &str = "https://www.example.com";
const LOBBY: &str = "room:example.com:lobby";

/// A client of the protocol.
struct Client {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    lines: Vec<Value>,
    commands: u32,
}

impl Client {
    async fn open(server: &Server, headers: &[(&'static str, &str)]) -> Self {
        let address = server.url("/connection/websocket").replace("http:", "ws:");
        let mut request = address.into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        let (socket, _) = connect_async(request).await.unwrap();
        Self {
            socket,
            lines: Vec::new(),
            commands: 0,
        }
    }

    /// On a page of the site, with this token.
    async fn with_token(server: &Server, token: &str) -> (Self, Value) {
        let mut client = Self::open(server, &[("origin", PAGE)]).await;
        let answer = client.ask("connect", json!({"token": token})).await;
        (client, answer)
    }

    /// The next message; the close code where it is over.
    async fn next(&mut self) -> Result<Value, Option<u16>> {
        loop {
            if !self.lines.is_empty() {
                return Ok(self.lines.remove(0));
            }
            let message = tokio::time::timeout(Duration::from_secs(20), self.socket.next()).await;
            match message.expect("a message within twenty seconds") {
                Some(Ok(Message::Text(text))) => {
                    let lines = text.lines().filter(|line| !line.is_empty());
                    self.lines
                        .extend(lines.map(|line| serde_json::from_str::<Value>(line).unwrap()));
                }
                Some(Ok(Message::Close(frame))) => return Err(frame.map(|frame| u16::from(frame.code))),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Err(None),
            }
        }
    }

    /// The answer to a command, pushes and pings passed over; `{"closed": code}` where the connection ends instead.
    async fn ask(&mut self, method: &str, body: Value) -> Value {
        self.commands += 1;
        let command = json!({"id": self.commands, method: body}).to_string();
        self.socket.send(Message::text(command)).await.unwrap();
        loop {
            match self.next().await {
                Ok(answer) if answer["id"] == self.commands => return answer,
                Ok(_) => {}
                Err(code) => return json!({"closed": code}),
            }
        }
    }

    async fn closed(&mut self) -> Option<u16> {
        loop {
            if let Err(code) = self.next().await {
                return code;
            }
        }
    }
}

/// A server with `example.com` of the owner's, which believes tokens that are signed with its secret.
async fn world() -> (Server, String) {
    let server = Server::start_with(Wish::default()).await;
    server.owner().await;
    let owner = server.accounts.account(EMAIL).await.unwrap().unwrap().id;
    for domain in ["example.com", "other.example"] {
        let settings = SiteSettings::new(domain.parse().unwrap());
        server.accounts.add_site(&settings, &[owner], NOW).await.unwrap();
    }
    load_sites(&server.accounts, &server.sites).await.unwrap();
    let site = site(&server);
    let settings = VisitorSettings {
        tokens: TokenTrust::Secret,
        ..VisitorSettings::default()
    };
    server.accounts.save_visitors(site, &settings).await.unwrap();
    let secret = fresh_secret(&server.accounts, site, OldSecretMay::End, NOW)
        .await
        .unwrap();
    load_sites(&server.accounts, &server.sites).await.unwrap();
    (server, secret.expose().to_owned())
}

fn site(server: &Server) -> pulsecast_server::event::SiteId {
    server.sites.get(&"example.com".parse().unwrap()).unwrap().id
}

fn token(secret: &str, user: &str, rooms: Value, minutes: i64) -> String {
    let rooms: BTreeMap<String, Vec<String>> = serde_json::from_value(rooms).unwrap();
    let info = pulsecast_server::auth::visitor::info(&json!({"name": user.to_uppercase()}).to_string());
    let site = "example.com".parse().unwrap();
    let draft = Draft {
        sub: user,
        aud: &site,
        iat: NOW.millis() / 1000 - 5,
        exp: NOW.millis() / 1000 + minutes * 60,
        jti: &format!("{user}-1"),
        info: info.as_ref(),
        rooms: &rooms,
    };
    sign(&draft, secret).unwrap()
}

fn everything() -> Value {
    json!({"lobby": ["read", "publish", "presence", "history"]})
}

async fn publish_key(server: &Server) -> String {
    let wanted = Wanted {
        name: "site",
        account: None,
        site: Some(site(server)),
        right: KeyRight::Publish,
    };
    server.keys.make(&server.accounts, &wanted, NOW).await.unwrap()
}

async fn post(server: &Server, path: &str, key: &str, body: Value) -> (u16, Value) {
    let request = server
        .browser()
        .client
        .post(server.url(path))
        .header("x-api-key", key);
    let answer = request.body(body.to_string()).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

#[tokio::test]
async fn two_visitors_meet_in_a_room_and_each_sees_who_said_what() {
    let (server, secret) = world().await;
    let (mut ann, greeting) = Client::with_token(&server, &token(&secret, "ann", everything(), 10)).await;
    assert_eq!(
        (&greeting["connect"]["expires"], &greeting["connect"]["ttl"]),
        (&json!(true), &json!(600)),
        "{greeting}"
    );
    let (mut bob, _) = Client::with_token(&server, &token(&secret, "bob", everything(), 10)).await;
    let joined = ann
        .ask("subscribe", json!({"channel": LOBBY, "join_leave": true}))
        .await;
    assert_eq!(joined["subscribe"]["recoverable"], true, "{joined}");
    bob.ask("subscribe", json!({"channel": LOBBY})).await;
    let said = bob
        .ask("publish", json!({"channel": LOBBY, "data": {"text": "hello"}}))
        .await;
    assert!(said["publish"].is_object(), "{said}");
    let heard = loop {
        let push = ann.next().await.unwrap();
        if push["push"]["pub"].is_object() {
            break push;
        }
    };
    let heard = &heard["push"]["pub"];
    assert_eq!(
        (&heard["data"]["text"], &heard["info"]["user"]),
        (&json!("hello"), &json!("bob"))
    );
    assert_eq!(heard["info"]["conn_info"], json!({"name": "BOB"}));
    let here = ann.ask("presence", json!({"channel": LOBBY})).await;
    let mut users: Vec<_> = here["presence"]["presence"]
        .as_object()
        .unwrap()
        .values()
        .map(|who| who["user"].as_str().unwrap().to_owned())
        .collect();
    users.sort();
    assert_eq!(users, ["ann", "bob"]);
}

#[tokio::test]
async fn a_token_opens_no_more_than_its_rooms_and_its_rights() {
    let (server, secret) = world().await;
    let rooms = json!({"news": ["read"], "team-*": ["publish"]});
    let (mut eve, _) = Client::with_token(&server, &token(&secret, "eve", rooms, 10)).await;
    let code = |answer: Value| answer["error"]["code"].clone();
    let news = json!({"channel": "room:example.com:news"});
    assert!(eve.ask("subscribe", news.clone()).await["subscribe"].is_object());
    for method in ["history", "presence", "presence_stats"] {
        assert_eq!(code(eve.ask(method, news.clone()).await), 103, "{method}");
    }
    let to = |room: &str| json!({"channel": format!("room:{room}"), "data": 1});
    assert_eq!(code(eve.ask("publish", to("example.com:news")).await), 103);
    assert!(eve.ask("publish", to("example.com:team-a")).await["publish"].is_object());
    assert_eq!(code(eve.ask("publish", to("other.example:team-a")).await), 103);
    for channel in [
        "room:example.com:team-a",
        LOBBY,
        "room:other.example:news",
        "live:example.com",
    ] {
        assert_eq!(
            code(eve.ask("subscribe", json!({"channel": channel})).await),
            103,
            "{channel}"
        );
    }
    let mut nobody = Client::open(&server, &[("origin", PAGE)]).await;
    nobody.ask("connect", json!({})).await;
    assert_eq!(code(nobody.ask("subscribe", news).await), 103);
}

#[tokio::test]
async fn an_old_token_is_to_be_renewed_and_a_forged_one_stays_away() {
    let (server, secret) = world().await;
    let (_, old) = Client::with_token(&server, &token(&secret, "ann", everything(), -10)).await;
    assert_eq!(old["error"]["code"], 109, "{old}");
    let (_, forged) = Client::with_token(&server, &token("another secret", "ann", everything(), 10)).await;
    assert_eq!(forged["closed"], 3500, "{forged}");
}

#[tokio::test]
async fn a_token_is_renewed_on_the_open_connection_by_the_same_visitor_only() {
    let (server, secret) = world().await;
    let (mut ann, _) = Client::with_token(&server, &token(&secret, "ann", everything(), 10)).await;
    ann.ask("subscribe", json!({"channel": LOBBY})).await;
    let renewed = ann
        .ask(
            "refresh",
            json!({"token": token(&secret, "ann", everything(), 30)}),
        )
        .await;
    assert_eq!(renewed["refresh"]["ttl"], 1800, "{renewed}");
    // What the new token does not say is not theirs any more, at once.
    let less = ann
        .ask(
            "refresh",
            json!({"token": token(&secret, "ann", json!({"news": ["read"]}), 30)}),
        )
        .await;
    assert!(less["refresh"].is_object(), "{less}");
    let told = ann.next().await.unwrap();
    assert_eq!(told["push"]["unsubscribe"]["code"], 2000, "{told}");
    let other = ann
        .ask(
            "refresh",
            json!({"token": token(&secret, "bob", everything(), 30)}),
        )
        .await;
    assert_eq!(other["closed"], 3500, "{other}");
}

#[tokio::test]
async fn whoever_is_turned_away_is_out_at_once_and_their_token_is_worthless() {
    let (server, secret) = world().await;
    let key = publish_key(&server).await;
    let tokens = ["ann", "bob", "cy"].map(|user| token(&secret, user, everything(), 10));
    let mut clients = Vec::new();
    for token in &tokens {
        let (mut client, _) = Client::with_token(&server, token).await;
        client.ask("subscribe", json!({"channel": LOBBY})).await;
        clients.push(client);
    }
    let by_user = json!({"site": "example.com", "user": "ann"});
    assert_eq!(
        post(&server, "/api/revoke", &key, by_user).await,
        (200, json!({"result": {}}))
    );
    assert_eq!(clients[0].closed().await, Some(3503));
    assert_eq!(
        post(&server, "/api/revoke", &key, json!({"token": "bob-1"}))
            .await
            .0,
        200
    );
    assert_eq!(clients[1].closed().await, Some(3503));
    assert_eq!(
        post(&server, "/api/disconnect", &key, json!({"user": "cy"}))
            .await
            .0,
        200
    );
    assert_eq!(clients[2].closed().await, Some(3503));

    for (token, expected) in tokens.iter().zip([json!(3500), json!(3500), Value::Null]) {
        let (_, again) = Client::with_token(&server, token).await;
        assert_eq!(again["closed"], expected, "{again}");
    }
    let trail = server.accounts.changes(site(&server), None, 10).await.unwrap();
    let revoked = trail
        .iter()
        .filter(|entry| entry.action == "visitors.revoke")
        .count();
    assert_eq!(revoked, 2);
}

#[tokio::test]
async fn a_key_turns_away_visitors_of_its_own_site_and_says_what_is_wrong_with_a_request() {
    let (server, secret) = world().await;
    let key = publish_key(&server).await;
    let (mut ann, _) = Client::with_token(&server, &token(&secret, "ann", everything(), 10)).await;
    let foreign = json!({"site": "other.example", "user": "ann"});
    let refused = post(&server, "/api/revoke", &key, foreign).await.1;
    assert_eq!(refused["error"]["code"], 102, "{refused}");
    assert_eq!(
        post(&server, "/api/revoke", "pc_no", json!({"user": "ann"}))
            .await
            .0,
        401
    );
    for bad in [
        json!({}),
        json!({"user": "a", "token": "b"}),
        json!({"user": ""}),
        json!({"who": "ann"}),
        json!([]),
    ] {
        let (_, answer) = post(&server, "/api/revoke", &key, bad.clone()).await;
        assert_eq!(answer["error"]["code"], 107, "{bad}: {answer}");
    }
    assert!(ann.ask("subscribe", json!({"channel": LOBBY})).await["subscribe"].is_object());
}

/// A site's own server: says of the cookie `sid=NAME` that it is NAME's, fails for `sid=broken`, and knows nobody else.
async fn sites_own_server() -> (String, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = Vec::new();
            while !request.ends_with(b"}") && stream.read_buf(&mut request).await.unwrap_or_default() > 0 {}
            let request = String::from_utf8_lossy(&request).into_owned();
            let user = request.split("sid=").nth(1).map(|rest| {
                rest.chars()
                    .take_while(char::is_ascii_alphanumeric)
                    .collect::<String>()
            });
            let answer = match user.as_deref() {
                Some("broken") => {
                    "HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n\r\n".to_owned()
                }
                Some(user) => {
                    let body = json!({"user": user, "rooms": ["lobby"], "expires_in": 60}).to_string();
                    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len())
                }
                None => "HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n".to_owned(),
            };
            drop(stream.write_all(answer.as_bytes()).await);
        }
    });
    (format!("http://{at}/connect"), tasks)
}

#[tokio::test]
async fn a_visitor_with_a_cookie_is_who_the_sites_own_server_says_they_are() {
    let (server, _) = world().await;
    let (endpoint, _site) = sites_own_server().await;
    let settings = VisitorSettings {
        endpoint: Some(endpoint.parse().unwrap()),
        ..VisitorSettings::default()
    };
    server
        .accounts
        .save_visitors(site(&server), &settings)
        .await
        .unwrap();
    load_sites(&server.accounts, &server.sites).await.unwrap();
    let lobby = json!({"channel": LOBBY});
    let open = async |origin: &str, cookie: &str| {
        let mut client = Client::open(&server, &[("origin", origin), ("cookie", cookie)]).await;
        let greeting = client.ask("connect", json!({})).await;
        assert!(
            greeting["connect"]["expires"].is_null(),
            "there is no token to renew: {greeting}"
        );
        client
    };
    let mut ann = open(PAGE, "sid=ann; theme=dark").await;
    assert!(ann.ask("subscribe", lobby.clone()).await["subscribe"].is_object());
    let here = ann.ask("presence", lobby.clone()).await;
    let who = here["presence"]["presence"]
        .as_object()
        .unwrap()
        .values()
        .next()
        .unwrap();
    assert_eq!(who["user"], "ann", "{here}");

    let mut stranger = open(PAGE, "theme=dark").await;
    assert_eq!(
        stranger.ask("subscribe", lobby.clone()).await["error"]["code"],
        103
    );
    let mut elsewhere = open("https://other.example", "sid=ann").await;
    assert_eq!(
        elsewhere.ask("subscribe", lobby.clone()).await["error"]["code"],
        103
    );
    let mut unlucky = open(PAGE, "sid=broken").await;
    let answer = unlucky.ask("subscribe", lobby).await;
    assert_eq!(
        (&answer["error"]["code"], &answer["error"]["temporary"]),
        (&json!(100), &json!(true)),
        "{answer}"
    );
    assert!(
        answer["error"]["message"].as_str().unwrap().contains("try again"),
        "{answer}"
    );
    // Whatever becomes of the site's server, the rest of its pages goes on.
    let count = unlucky
        .ask("subscribe", json!({"channel": "online:example.com"}))
        .await;
    assert!(count["subscribe"].is_object(), "{count}");
}

fn shown_secret(page: &str) -> Option<String> {
    let (_, rest) = page.split_once(" id=\"visitor-secret\"")?;
    let (_, rest) = rest.split_once("value=\"")?;
    rest.split_once('"')
        .map(|(secret, _)| secret.to_owned())
        .filter(|secret| secret.len() > 40)
}

#[tokio::test]
async fn a_site_is_set_up_on_its_page_and_its_secret_is_shown_once() {
    let (server, first) = world().await;
    let ann = server.browser();
    ann.sign_in(EMAIL, PASSWORD).await;
    let form = [("domain", "example.com"), ("keep_old", "on")];
    let renewed = ann.form("/fn/renew-visitor-secret", &form).await;
    assert_eq!(
        header(&renewed, "location"),
        "/sites/example.com/settings/visitors"
    );
    let page = ann
        .open("/sites/example.com/settings/visitors")
        .await
        .text()
        .await
        .unwrap();
    let secret = shown_secret(&page).expect("the new secret is on the page");
    let again = ann
        .open("/sites/example.com/settings/visitors")
        .await
        .text()
        .await
        .unwrap();
    assert!(!again.contains(&secret), "it is shown once");
    assert!(
        again.contains("The secret before this one"),
        "the old one goes on"
    );
    for secret in [&first, &secret] {
        let (_, greeting) = Client::with_token(&server, &token(secret, "ann", everything(), 10)).await;
        assert!(greeting["connect"].is_object(), "{greeting}");
    }
    ann.form("/fn/end-old-visitor-secret", &[("domain", "example.com")])
        .await;
    let (_, old) = Client::with_token(&server, &token(&first, "ann", everything(), 10)).await;
    assert_eq!(old["closed"], 3500, "{old}");

    let save = async |fields: &[(&str, &str)]| {
        let all = [&[("domain", "example.com")], fields].concat();
        let saved = ann.form("/fn/save-visitors", &all).await;
        let to = header(&saved, "location").to_owned();
        let settings = server.sites.get(&"example.com".parse().unwrap()).unwrap();
        (to.ends_with("done=saved"), settings.visitors.settings.clone())
    };
    let public = include_str!("../../src/auth/visitor/test-keys/ec.pub.pem");
    let (saved, settings) = save(&[("tokens", "ec"), ("key", public), ("presence", "on")]).await;
    assert!(saved && matches!(settings.tokens, TokenTrust::Ec { .. }));
    let inside = ("endpoint", "https://169.254.169.254/latest");
    let plain = ("endpoint", "http://example.com/connect");
    for wrong in [
        &[("tokens", "rsa"), ("key", public)][..],
        &[("tokens", "ec"), ("key", "nonsense")],
        &[("tokens", "key_set"), ("url", "ftp://example.com")],
        &[("tokens", "nobody"), inside],
        &[("tokens", "nobody"), plain],
    ] {
        let (saved, settings) = save(wrong).await;
        assert!(
            !saved && matches!(settings.tokens, TokenTrust::Ec { .. }),
            "{wrong:?}"
        );
    }
    let trail = server.accounts.changes(site(&server), None, 20).await.unwrap();
    let actions: Vec<_> = trail.iter().map(|entry| entry.action.as_str()).collect();
    for action in ["visitors.secret", "visitors.secret.end", "visitors.settings"] {
        assert!(actions.contains(&action), "{actions:?}");
    }
    assert!(
        trail
            .iter()
            .all(|entry| !entry.what.to_string().contains(&secret))
    );
}

#[tokio::test]
async fn who_may_not_manage_the_site_neither_sees_nor_decides_who_its_visitors_are() {
    let (server, _) = world().await;
    let hash = server.passwords.hash(PASSWORD.into()).await.unwrap();
    let bob = server
        .accounts
        .add_account("bob@example.com", &hash, NOW)
        .await
        .unwrap();
    server
        .accounts
        .add_member(site(&server), bob, Role::Editor)
        .await
        .unwrap();
    load_sites(&server.accounts, &server.sites).await.unwrap();
    let before = server
        .sites
        .get(&"example.com".parse().unwrap())
        .unwrap()
        .visitors
        .clone();
    let browser = server.browser();
    browser.sign_in("bob@example.com", PASSWORD).await;
    let look = browser
        .client
        .get(server.url("/fn/visitors?domain=example.com"))
        .send()
        .await
        .unwrap();
    assert_eq!(look.status(), 403);
    let domain = ("domain", "example.com");
    browser
        .form("/fn/save-visitors", &[domain, ("tokens", "nobody")])
        .await;
    browser.form("/fn/renew-visitor-secret", &[domain]).await;
    browser
        .form("/fn/revoke-visitor", &[domain, ("kind", "user"), ("name", "ann")])
        .await;
    load_sites(&server.accounts, &server.sites).await.unwrap();
    let after = server
        .sites
        .get(&"example.com".parse().unwrap())
        .unwrap()
        .visitors
        .clone();
    assert_eq!(before, after);
    assert!(server.accounts.revocations().await.unwrap().is_empty());
}

#[tokio::test]
async fn who_was_turned_away_stays_away_after_a_restart_until_their_token_would_have_run_out() {
    let (server, secret) = world().await;
    let key = publish_key(&server).await;
    let ann = token(&secret, "ann", everything(), 10);
    post(&server, "/api/revoke", &key, json!({"user": "ann"})).await;
    let server = server.restart().await;
    let (_, again) = Client::with_token(&server, &ann).await;
    assert_eq!(again["closed"], 3500, "{again}");
    let forgotten = server.clock_now().plus(40 * Timestamp::DAY);
    server.accounts.forget_revocations(forgotten).await.unwrap();
    assert!(server.accounts.revocations().await.unwrap().is_empty());
}
