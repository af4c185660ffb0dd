//! Setting up, signing in and out.

use crate::support::{EMAIL, NOW, PASSWORD, Server, eventually, header, location};
use pulsecast_protocol::Timestamp;
use pulsecast_server::auth::{LoginLimits, session::keep_clean, setup};
use serde_json::Value;

#[tokio::test]
async fn the_link_in_the_terminal_makes_the_first_account_and_only_once() {
    let server = Server::start().await;
    let token = server.token();
    assert_eq!(
        server
            .browser()
            .open(&format!("/setup?token={token}"))
            .await
            .status(),
        200
    );
    let owner = server.owner().await;
    assert!(owner.is_signed_in().await);

    let second = server.browser();
    let again = second
        .form(
            "/setup",
            &[
                ("token", &token),
                ("email", "eve@example.com"),
                ("password", PASSWORD),
            ],
        )
        .await;
    assert_eq!(location(&again), "/login?error=exists");
    assert!(!second.is_signed_in().await);
    assert_eq!(
        location(&second.open(&format!("/setup?token={token}")).await),
        "/login?error=exists"
    );
    assert_eq!(
        setup::first_link(&server.accounts, "http://x", NOW)
            .await
            .unwrap(),
        None
    );
}

#[tokio::test]
async fn a_wrong_setup_token_makes_nothing_and_a_new_start_makes_the_old_link_worthless() {
    let server = Server::start().await;
    let stranger = server.browser();
    let fields = |token| [("token", token), ("email", EMAIL), ("password", PASSWORD)];
    let refused = stranger.form("/setup", &fields("guess")).await;
    assert!(
        location(&refused).starts_with("/setup?error=token"),
        "{}",
        location(&refused)
    );

    let old = server.token();
    let new = setup::first_link(&server.accounts, &server.origin(), NOW)
        .await
        .unwrap()
        .unwrap();
    assert!(location(&stranger.form("/setup", &fields(&old)).await).starts_with("/setup?error=token"));
    let new = new.split_once("token=").unwrap().1;
    assert_eq!(location(&stranger.form("/setup", &fields(new)).await), "/");
}

#[tokio::test]
async fn a_short_password_or_a_wrong_address_can_be_corrected_with_the_same_link() {
    let server = Server::start().await;
    let owner = server.browser();
    let token = server.token();
    let short = owner
        .form(
            "/setup",
            &[("token", &token), ("email", EMAIL), ("password", "short")],
        )
        .await;
    let to = location(&short);
    assert!(
        to.contains("error=password") && to.contains("email=ann%40example.com") && to.contains(&token),
        "{to}"
    );
    assert!(!to.contains("short"), "the password never comes back: {to}");
    let no_address = owner
        .form(
            "/setup",
            &[("token", &token), ("email", "ann"), ("password", PASSWORD)],
        )
        .await;
    assert!(location(&no_address).contains("error=email"));
    assert_eq!(
        location(
            &owner
                .form(
                    "/setup",
                    &[("token", &token), ("email", EMAIL), ("password", PASSWORD)]
                )
                .await
        ),
        "/"
    );
}

#[tokio::test]
async fn before_there_is_an_account_the_sign_in_says_where_to_find_the_link() {
    let server = Server::start().await;
    let visitor = server.browser();
    assert_eq!(location(&visitor.open("/").await), "/login");
    assert_eq!(location(&visitor.open("/login").await), "/login?error=setup");
    assert_eq!(visitor.open("/login?error=setup").await.status(), 200);
    server.owner().await;
    assert_eq!(location(&visitor.open("/login?error=setup").await), "/login");
    assert_eq!(visitor.open("/login").await.status(), 200);
}

#[tokio::test]
async fn signing_in_leads_to_where_one_wanted_to_go() {
    let server = Server::start().await;
    server.owner().await;
    let ann = server.browser();
    let sent = ann.open("/sites/demo?period=day").await;
    assert_eq!(
        (sent.status().as_u16(), location(&sent)),
        (303, "/login?next=%2Fsites%2Fdemo%3Fperiod%3Dday")
    );
    let fields = |next| {
        [
            ("email", "ANN@example.com"),
            ("password", PASSWORD),
            ("next", next),
        ]
    };
    let back = ann.form("/login", &fields("/sites/demo?period=day")).await;
    assert_eq!(
        (back.status().as_u16(), location(&back)),
        (303, "/sites/demo?period=day")
    );
    assert_eq!(
        location(&ann.form("/login", &fields("//evil.example")).await),
        "/"
    );
    assert_eq!(
        location(&ann.open("/login").await),
        "/",
        "who is signed in has no business at the sign-in"
    );
}

#[tokio::test]
async fn the_cookie_is_for_the_server_only_and_a_new_one_at_each_sign_in() {
    let server = Server::start().await;
    server.owner().await;
    let ann = server.browser();
    let first = ann.sign_in(EMAIL, PASSWORD).await;
    let cookie = header(&first, "set-cookie").to_owned();
    for part in [
        "pulsecast_session=",
        "HttpOnly",
        "SameSite=Lax",
        "Path=/",
        "Max-Age=2592000",
    ] {
        assert!(cookie.contains(part), "{part} in {cookie}");
    }
    assert!(
        !cookie.contains("Secure"),
        "http works where nobody said https: {cookie}"
    );
    let second = ann.sign_in(EMAIL, PASSWORD).await;
    let value = |c: &str| c.split(';').next().unwrap().to_owned();
    assert_ne!(value(&cookie), value(header(&second, "set-cookie")));

    let old = server.browser();
    let with_old = old
        .client
        .get(server.url("/"))
        .header("cookie", value(&cookie))
        .send()
        .await
        .unwrap();
    assert_eq!(
        with_old.status(),
        303,
        "the name from before the sign-in is worthless"
    );
}

#[tokio::test]
async fn with_an_https_public_url_the_cookie_travels_over_https_only() {
    let server = Server::start_with(crate::support::Wish {
        config: Box::new(|c| c.public_url = Some("https://stats.example.com".parse().unwrap())),
        ..Default::default()
    })
    .await;
    let owner = server.browser();
    let made = owner
        .client
        .post(server.url("/setup"))
        .header("origin", "https://stats.example.com")
        .form(&[
            ("token", server.token().as_str()),
            ("email", EMAIL),
            ("password", PASSWORD),
        ])
        .send()
        .await
        .unwrap();
    assert!(header(&made, "set-cookie").contains("Secure"));
}

#[tokio::test]
async fn wrong_passwords_and_unknown_addresses_get_the_same_answer() {
    let server = Server::start().await;
    server.owner().await;
    let eve = server.browser();
    let wrong = eve.sign_in(EMAIL, "not the password").await;
    assert_eq!(
        location(&wrong),
        "/login?error=credentials&email=ann%40example.com&next=%2F"
    );
    let unknown = eve.sign_in("nobody@example.com", PASSWORD).await;
    assert_eq!(
        location(&unknown),
        "/login?error=credentials&email=nobody%40example.com&next=%2F"
    );
    assert!(header(&wrong, "set-cookie").is_empty() && !eve.is_signed_in().await);
}

#[tokio::test]
async fn guessing_ends_after_ten_attempts_even_with_the_right_password_until_time_has_passed() {
    let server = Server::start().await;
    server.owner().await;
    let eve = server.browser();
    for _ in 0..10 {
        assert!(location(&eve.sign_in(EMAIL, "a wrong guess").await).contains("error=credentials"));
    }
    assert!(location(&eve.sign_in(EMAIL, PASSWORD).await).contains("error=rate"));
    server.clock.advance(31_000);
    assert_eq!(location(&eve.sign_in(EMAIL, PASSWORD).await), "/");
}

#[tokio::test]
async fn signing_out_makes_the_cookie_worthless() {
    let server = Server::start().await;
    server.owner().await;
    let ann = server.browser();
    let signed_in = ann.sign_in(EMAIL, PASSWORD).await;
    let stolen = header(&signed_in, "set-cookie")
        .split(';')
        .next()
        .unwrap()
        .to_owned();
    let use_stolen = || async {
        server
            .browser()
            .client
            .get(server.url("/"))
            .header("cookie", &stolen)
            .send()
            .await
            .unwrap()
            .status()
            .as_u16()
    };
    assert_eq!(use_stolen().await, 200);
    assert_eq!(location(&ann.form("/logout", &[]).await), "/login");
    assert!(!ann.is_signed_in().await);
    assert_eq!(use_stolen().await, 303);
}

#[tokio::test]
async fn a_session_outlives_a_restart() {
    let server = Server::start().await;
    server.owner().await;
    let signed_in = server.browser().sign_in(EMAIL, PASSWORD).await;
    let cookie = header(&signed_in, "set-cookie")
        .split(';')
        .next()
        .unwrap()
        .to_owned();
    let server = server.restart().await;
    let page = server
        .browser()
        .client
        .get(server.url("/"))
        .header("cookie", cookie)
        .send()
        .await
        .unwrap();
    assert_eq!(page.status(), 200);
}

#[tokio::test]
async fn a_session_is_renewed_while_it_is_used() {
    let server = Server::start().await;
    let owner = server.owner().await;
    assert!(
        header(&owner.open("/").await, "set-cookie").is_empty(),
        "not written at each request"
    );
    server.clock.advance(2 * Timestamp::DAY);
    assert!(header(&owner.open("/").await, "set-cookie").contains("Max-Age=2592000"));
    assert!(header(&owner.open("/").await, "set-cookie").is_empty());
}

#[tokio::test]
async fn a_full_disk_signs_nobody_out() {
    let server = Server::start().await;
    let owner = server.owner().await;
    let refuse =
        "create trigger full before insert on tower_sessions begin select raise(abort, 'disk is full'); end";
    crate::accounts::write(&server, refuse).await;
    server.clock.advance(2 * Timestamp::DAY);
    let page = owner.open("/").await;
    assert_eq!((page.status().as_u16(), header(&page, "set-cookie")), (200, ""));
    crate::accounts::write(&server, "drop trigger full").await;
    assert!(
        header(&owner.open("/").await, "set-cookie").contains("Max-Age"),
        "renewed as soon as it can be"
    );
}

#[tokio::test]
async fn ended_sessions_are_deleted() {
    let server = Server::start().await;
    server.owner().await;
    server.browser().sign_in(EMAIL, PASSWORD).await;
    assert_eq!(
        crate::accounts::count(&server, "select count(*) from tower_sessions").await,
        2
    );
    let past = "update tower_sessions set expiry_date = '2020-01-01T00:00:00Z' where rowid = 1";
    crate::accounts::write(&server, past).await;
    let limits = LoginLimits::new(server.clock.clone());
    let stop = server.tasks.clone();
    let clean = keep_clean(
        server.accounts.sessions(),
        limits,
        server.keys.clone(),
        async move { stop.stopping().await },
    );
    server.tasks.spawn("keep-clean", clean);
    eventually("the ended session is gone", || async {
        crate::accounts::count(&server, "select count(*) from tower_sessions").await == 1
    })
    .await;
}

#[tokio::test]
async fn a_connection_token_is_for_who_is_signed_in() {
    let server = Server::start().await;
    let stranger = server
        .browser()
        .client
        .post(server.url("/api/token"))
        .send()
        .await
        .unwrap();
    assert_eq!(stranger.status(), 401);
    assert_eq!(stranger.json::<Value>().await.unwrap()["code"], "unauthorized");

    let owner = server.owner().await;
    let issued = owner
        .client
        .post(server.url("/api/token"))
        .header("origin", server.origin())
        .send()
        .await
        .unwrap();
    assert_eq!(issued.status(), 200);
    let issued: Value = issued.json().await.unwrap();
    assert_eq!(issued["expires_at"], NOW.plus(10 * Timestamp::MINUTE).millis());
    assert_eq!(issued["token"].as_str().unwrap().split('.').count(), 3);
}

#[tokio::test]
async fn a_form_that_cannot_be_read_goes_back_to_its_page() {
    let server = Server::start().await;
    let odd = server
        .browser()
        .post("/login")
        .body("\u{0}not a form")
        .send()
        .await
        .unwrap();
    assert_eq!(
        (odd.status().as_u16(), location(&odd)),
        (303, "/login?error=invalid")
    );
}
