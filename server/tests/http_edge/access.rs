//! Who may see and change what: roles, invitations, shared links, the trail of changes.

use crate::support::{Browser, EMAIL, NOW, PASSWORD, Server, header, location};
use pulsecast_protocol::{Domain, Timestamp};
use pulsecast_server::{
    sites::{AccountId, Role, Site},
    store::accounts::{Accounts, AuditBook, People, load_sites},
};
use reqwest::Response;
use std::sync::Arc;

pub const SITE: &str = "example.com";

fn domain() -> Domain {
    SITE.parse().unwrap()
}

pub fn site(server: &Server) -> Arc<Site> {
    server.sites.get(&domain()).unwrap()
}

pub async fn with_site() -> Server {
    let server = Server::start().await;
    let owner = server.owner().await;
    owner
        .form("/fn/add-site", &[("domain", SITE), ("timezone", "UTC")])
        .await;
    server
}

pub async fn account(server: &Server, email: &str) -> AccountId {
    let hash = server.passwords.hash(PASSWORD.into()).await.unwrap();
    server.accounts.add_account(email, &hash, NOW).await.unwrap()
}

pub async fn member<'a>(server: &'a Server, email: &str, role: Role) -> Browser<'a> {
    let id = account(server, email).await;
    server
        .accounts
        .add_member(site(server).id, id, role)
        .await
        .unwrap();
    load_sites(&server.accounts, &server.sites).await.unwrap();
    signed_in(server, email).await
}

pub async fn signed_in<'a>(server: &'a Server, email: &str) -> Browser<'a> {
    let browser = server.browser();
    assert_eq!(browser.sign_in(email, PASSWORD).await.status(), 303);
    browser
}

/// Calls a server function as a program does: the status says how it went.
pub async fn call(who: &Browser<'_>, to: &str, fields: &[(&str, &str)]) -> u16 {
    let all = [&[("domain", SITE)], fields].concat();
    let request = who.client.post(who.url(to)).header("origin", who.url(""));
    request.form(&all).send().await.unwrap().status().as_u16()
}

pub async fn text(response: Response) -> (u16, String) {
    (response.status().as_u16(), response.text().await.unwrap())
}

/// The secret that a page shows once, from the address that a form leads to.
pub fn shown(response: &Response, name: &str) -> String {
    let to = location(response);
    let query = to.split_once('?').unwrap_or_else(|| panic!("{to}")).1;
    let mut pairs = url::form_urlencoded::parse(query.as_bytes());
    let found = pairs.find(|(key, _)| key == name);
    found.unwrap_or_else(|| panic!("{to}")).1.into_owned()
}

#[tokio::test]
async fn each_role_may_what_it_is_for_and_strangers_find_nothing() {
    let server = with_site().await;
    let goal: &[(&str, &str)] = &[("kind", "page"), ("path", "/thanks")];
    let settings: &[(&str, &str)] = &[
        ("timezone", "UTC"),
        ("hostnames", ""),
        ("origins", ""),
        ("ip_display", "none"),
    ];
    let filters = r#"[["is","visit:country",["DE"]]]"#;
    // What, how, and the least role for it.
    type Row<'a> = (&'a str, &'a [(&'a str, &'a str)], Role);
    let table: [Row<'_>; 16] = [
        (
            "/fn/save-segment",
            &[("name", "mine"), ("filters", filters)],
            Role::Viewer,
        ),
        (
            "/fn/save-segment",
            &[("name", "ours"), ("filters", filters), ("shared", "on")],
            Role::Editor,
        ),
        ("/fn/add-goal", goal, Role::Editor),
        (
            "/fn/change-goal",
            &[("id", "99"), ("kind", "page"), ("path", "/x")],
            Role::Editor,
        ),
        ("/fn/remove-goal", &[("id", "99")], Role::Editor),
        (
            "/fn/change-funnel",
            &[("id", "99"), ("name", "f"), ("steps[0]", "1"), ("steps[1]", "2")],
            Role::Editor,
        ),
        ("/fn/remove-funnel", &[("id", "99")], Role::Editor),
        ("/fn/save-site", settings, Role::Admin),
        (
            "/fn/save-exclusions",
            &[("ips", ""), ("paths", ""), ("hostnames", ""), ("countries", "")],
            Role::Admin,
        ),
        ("/fn/save-retention", &[("days", "")], Role::Admin),
        (
            "/fn/invite",
            &[("email", "new@example.com"), ("role", "viewer")],
            Role::Admin,
        ),
        ("/fn/add-link", &[("name", "link")], Role::Admin),
        ("/fn/change-link", &[("id", "99"), ("name", "x")], Role::Admin),
        ("/fn/remove-link", &[("id", "99")], Role::Admin),
        (
            "/fn/invite",
            &[("email", "boss@example.com"), ("role", "owner")],
            Role::Owner,
        ),
        ("/fn/transfer-site", &[("account", "99")], Role::Owner),
    ];
    for role in Role::ALL {
        let who = member(&server, &format!("{role}@example.com"), role).await;
        for (to, fields, least) in table {
            let got = call(&who, to, fields).await;
            if role < least {
                assert_eq!(got, 403, "{role} {to} {fields:?}");
            } else {
                // What is not there, or there twice, is found out only by those who may.
                assert!(
                    matches!(got, 200 | 302 | 404 | 409),
                    "{role} {to} {fields:?}: {got}"
                );
            }
        }
        for (page, least) in [
            ("/live", Role::Viewer),
            ("/settings", Role::Viewer),
            ("/settings/goals", Role::Viewer),
            ("/settings/segments", Role::Viewer),
            ("/settings/danger", Role::Viewer),
        ] {
            let got = who.open(&format!("/sites/{SITE}{page}")).await.status();
            assert!(role < least || got == 200, "{role} {page}: {got}");
        }
        for read in ["people", "links", "changes", "exclusions"] {
            let got = who
                .client
                .get(who.url(&format!("/fn/{read}?domain={SITE}")))
                .send()
                .await
                .unwrap();
            let expected = if role < Role::Admin { 403 } else { 200 };
            assert_eq!(got.status(), expected, "{role} {read}");
        }
    }
    account(&server, "stranger@example.com").await;
    let stranger = signed_in(&server, "stranger@example.com").await;
    for (to, fields, _) in table {
        assert_eq!(call(&stranger, to, fields).await, 404, "{to}");
        assert_eq!(call(&server.browser(), to, fields).await, 401, "{to}");
    }
    assert!(server.sites.get(&domain()).is_some());
}

#[tokio::test]
async fn an_admin_makes_no_owners_and_unmakes_none() {
    let server = with_site().await;
    let admin = member(&server, "admin@example.com", Role::Admin).await;
    let bob = account(&server, "bob@example.com").await;
    server
        .accounts
        .add_member(site(&server).id, bob, Role::Viewer)
        .await
        .unwrap();
    load_sites(&server.accounts, &server.sites).await.unwrap();
    let ann = server
        .accounts
        .account(EMAIL)
        .await
        .unwrap()
        .unwrap()
        .id
        .0
        .to_string();
    let bob = bob.0.to_string();
    for (account, role) in [(&ann, "viewer"), (&bob, "owner")] {
        assert_eq!(
            call(&admin, "/fn/change-role", &[("account", account), ("role", role)]).await,
            403
        );
    }
    assert_eq!(call(&admin, "/fn/remove-person", &[("account", &ann)]).await, 403);
    assert_eq!(
        call(
            &admin,
            "/fn/change-role",
            &[("account", &bob), ("role", "editor")]
        )
        .await,
        200
    );
    assert_eq!(
        site(&server).role(AccountId(bob.parse().unwrap())),
        Some(Role::Editor)
    );
    assert_eq!(call(&admin, "/fn/remove-person", &[("account", &bob)]).await, 200);
    assert_eq!(site(&server).role(AccountId(bob.parse().unwrap())), None);
}

#[tokio::test]
async fn whoever_is_invited_makes_an_account_and_joins_once() {
    let server = with_site().await;
    let owner = signed_in(&server, EMAIL).await;
    let made = owner
        .form(
            "/fn/invite",
            &[("domain", SITE), ("email", "bob@example.com"), ("role", "editor")],
        )
        .await;
    let token = shown(&made, "invited");
    let here = format!("/invitations/{token}");
    let page = text(
        owner
            .open(&format!("/sites/{SITE}/settings/people?invited={token}"))
            .await,
    )
    .await;
    assert!(
        page.1.contains(&here) && page.1.contains("bob@example.com"),
        "{}",
        page.1
    );

    let bob = server.browser();
    let (status, page) = text(bob.open(&here).await).await;
    assert!(
        status == 200 && page.contains("bob@example.com") && page.contains("editor"),
        "{page}"
    );
    assert_eq!(
        location(&bob.form(&here, &[("password", "short")]).await),
        format!("{here}?error=password")
    );
    let joined = bob.form(&here, &[("password", PASSWORD)]).await;
    assert_eq!(location(&joined), format!("/sites/{SITE}"));
    assert_eq!(bob.open(&format!("/sites/{SITE}/settings")).await.status(), 200);
    let id = server
        .accounts
        .account("bob@example.com")
        .await
        .unwrap()
        .unwrap()
        .id;
    assert_eq!(site(&server).role(id), Some(Role::Editor));

    let (status, page) = text(server.browser().open(&here).await).await;
    assert!(status == 404 && page.contains("over"), "{status} {page}");
    assert_eq!(
        location(&server.browser().form(&here, &[("password", PASSWORD)]).await),
        here
    );
}

#[tokio::test]
async fn an_invitation_ends_after_seven_days_or_when_it_is_withdrawn() {
    let server = with_site().await;
    let owner = signed_in(&server, EMAIL).await;
    let invite = async |email: &str| {
        let made = owner
            .form(
                "/fn/invite",
                &[("domain", SITE), ("email", email), ("role", "viewer")],
            )
            .await;
        format!("/invitations/{}", shown(&made, "invited"))
    };
    let here = invite("bob@example.com").await;
    let replaced = here.clone();
    let here = invite("bob@example.com").await;
    assert_eq!(
        server.browser().open(&replaced).await.status(),
        404,
        "a new one replaces the old"
    );
    assert_eq!(server.browser().open(&here).await.status(), 200);
    server.clock.advance(7 * Timestamp::DAY);
    assert_eq!(server.browser().open(&here).await.status(), 404);

    let here = invite("eve@example.com").await;
    let id = server
        .accounts
        .invitations(site(&server).id, server.clock_now())
        .await
        .unwrap()[0]
        .id;
    assert_eq!(
        call(&owner, "/fn/withdraw-invitation", &[("id", &id.to_string())]).await,
        200
    );
    assert_eq!(server.browser().open(&here).await.status(), 404);
}

#[tokio::test]
async fn whoever_has_an_account_joins_with_it_and_keeps_a_higher_role() {
    let server = with_site().await;
    let owner = signed_in(&server, EMAIL).await;
    account(&server, "bob@example.com").await;
    let made = owner
        .form(
            "/fn/invite",
            &[("domain", SITE), ("email", "bob@example.com"), ("role", "viewer")],
        )
        .await;
    let here = format!("/invitations/{}", shown(&made, "invited"));
    let (_, page) = text(server.browser().open(&here).await).await;
    assert!(page.contains("Sign in and join"), "{page}");
    let taken = server.browser().form(&here, &[("password", PASSWORD)]).await;
    assert!(
        location(&taken).starts_with("/login?error=exists"),
        "{}",
        location(&taken)
    );
    let bob = signed_in(&server, "bob@example.com").await;
    assert_eq!(location(&bob.form(&here, &[]).await), format!("/sites/{SITE}"));

    let made = owner
        .form(
            "/fn/invite",
            &[
                ("domain", SITE),
                ("email", "elsewhere@example.com"),
                ("role", "viewer"),
            ],
        )
        .await;
    owner
        .form(&format!("/invitations/{}", shown(&made, "invited")), &[])
        .await;
    let ann = server.accounts.account(EMAIL).await.unwrap().unwrap().id;
    assert_eq!(site(&server).role(ann), Some(Role::Owner));
}

#[tokio::test]
async fn a_site_changes_hands_and_its_last_owner_cannot_leave() {
    let server = with_site().await;
    let owner = signed_in(&server, EMAIL).await;
    assert_eq!(call(&owner, "/fn/leave-site", &[]).await, 409);
    let bob = member(&server, "bob@example.com", Role::Viewer).await;
    let id = server
        .accounts
        .account("bob@example.com")
        .await
        .unwrap()
        .unwrap()
        .id;
    assert_eq!(
        call(&owner, "/fn/transfer-site", &[("account", &id.0.to_string())]).await,
        200
    );
    assert_eq!(call(&owner, "/fn/remove-site", &[("confirm", SITE)]).await, 403);
    assert_eq!(call(&owner, "/fn/leave-site", &[]).await, 200);
    assert_eq!(owner.open(&format!("/sites/{SITE}/settings")).await.status(), 404);
    assert_eq!(call(&bob, "/fn/remove-site", &[("confirm", SITE)]).await, 200);
}

#[tokio::test]
async fn every_change_is_in_the_trail_with_who_when_and_what() {
    let server = with_site().await;
    let owner = signed_in(&server, EMAIL).await;
    call(
        &owner,
        "/fn/add-goal",
        &[("kind", "event"), ("event", "Signup"), ("name", "Signups <b>")],
    )
    .await;
    call(
        &owner,
        "/fn/save-exclusions",
        &[
            ("ips", "10.0.0.0/8"),
            ("paths", ""),
            ("hostnames", ""),
            ("countries", ""),
        ],
    )
    .await;
    call(
        &owner,
        "/fn/invite",
        &[("email", "bob@example.com"), ("role", "viewer")],
    )
    .await;
    let secret = shown(
        &owner
            .form("/fn/add-link", &[("domain", SITE), ("name", "Board")])
            .await,
        "made",
    );
    let id = site(&server).id;
    let changes = server.accounts.changes(id, None, 100).await.unwrap();
    let actions: Vec<_> = changes.iter().map(|change| change.action.as_str()).collect();
    assert_eq!(
        actions,
        [
            "link.add",
            "invitation.add",
            "site.exclusions",
            "goal.add",
            "site.add"
        ]
    );
    assert!(
        changes
            .iter()
            .all(|change| change.email == EMAIL && change.at == NOW)
    );
    assert!(
        changes
            .iter()
            .all(|change| !change.what.to_string().contains(&secret))
    );
    let (_, page) = text(owner.open(&format!("/sites/{SITE}/settings/audit")).await).await;
    assert!(
        page.contains("added a goal") && page.contains("Signups &lt;b&gt;") && page.contains("10.0.0.0/8"),
        "{page}"
    );

    let bob = member(&server, "bob@example.com", Role::Admin).await;
    call(&bob, "/fn/save-retention", &[("days", "90")]).await;
    assert_eq!(site(&server).settings.retention_days, Some(90));
    let gone = bob
        .client
        .post(bob.url("/fn/remove-account"))
        .header("origin", bob.url(""))
        .form(&[("password", PASSWORD)]);
    assert_eq!(gone.send().await.unwrap().status(), 200);
    assert!(!bob.is_signed_in().await);
    let changes = server.accounts.changes(id, None, 2).await.unwrap();
    assert!(
        changes.iter().all(|change| change.email == "bob@example.com"),
        "{changes:?}"
    );

    server.accounts.forget_changes(NOW.plus(1)).await.unwrap();
    assert!(server.accounts.changes(id, None, 100).await.unwrap().is_empty());
}

#[tokio::test]
async fn another_password_ends_the_other_sessions_and_needs_the_old_one() {
    let server = Server::start().await;
    let here = server.owner().await;
    let elsewhere = signed_in(&server, EMAIL).await;
    let change = async |current: &str, new: &str| {
        let fields = [("current", current), ("new", new)];
        let post = here
            .client
            .post(here.url("/fn/change-password"))
            .header("origin", here.url(""));
        post.form(&fields).send().await.unwrap().status().as_u16()
    };
    assert_eq!(change("not my password", "another good one").await, 403);
    assert_eq!(change(PASSWORD, "short").await, 400);
    assert!(elsewhere.is_signed_in().await);
    assert_eq!(change(PASSWORD, "another good one").await, 200);
    assert!(here.is_signed_in().await, "who changed it stays");
    assert!(!elsewhere.is_signed_in().await);
    assert!(location(&server.browser().sign_in(EMAIL, PASSWORD).await).contains("credentials"));
}

#[tokio::test]
async fn an_account_that_a_site_needs_is_not_removed() {
    let server = with_site().await;
    let owner = signed_in(&server, EMAIL).await;
    let answer = owner
        .client
        .post(owner.url("/fn/remove-account"))
        .header("origin", owner.url(""))
        .form(&[("password", PASSWORD)]);
    let (status, body) = text(answer.send().await.unwrap()).await;
    assert!(
        status == 409 && body.contains("example.com has no other owner"),
        "{status} {body}"
    );
    assert!(owner.is_signed_in().await);
}

pub async fn link(owner: &Browser<'_>, fields: &[(&str, &str)]) -> String {
    let all = [&[("domain", SITE), ("name", "Board")], fields].concat();
    let made = owner.form("/fn/add-link", &all).await;
    format!("/share/{}", shown(&made, "made"))
}

#[tokio::test]
async fn a_shared_link_shows_the_dashboard_to_whoever_has_it_and_nothing_else() {
    let server = with_site().await;
    let owner = signed_in(&server, EMAIL).await;
    let here = link(&owner, &[]).await;
    let guest = server.browser();
    let (status, page) = text(guest.open(&here).await).await;
    assert!(
        status == 200 && page.contains(SITE) && page.contains("data-testid=\"shared\""),
        "{status} {page}"
    );
    assert!(!page.contains("/settings") && !page.contains(EMAIL), "{page}");
    for closed in ["/", "/sites/example.com", "/sites/example.com/settings"] {
        assert_eq!(guest.open(closed).await.status(), 303, "{closed}");
    }
    let board = guest
        .client
        .get(guest.url("/fn/board?domain=example.com&search="))
        .send()
        .await
        .unwrap();
    assert_eq!(board.status(), 401);
    // The owner sees on it what the guest sees.
    let (_, page) = text(owner.open(&here).await).await;
    assert!(!page.contains("/settings") && !page.contains(EMAIL), "{page}");
    assert_eq!(guest.open("/share/AAAAAAAAAAAAAAAAAAAAAA").await.status(), 404);

    let id = site(&server).links[0].id.0.to_string();
    assert_eq!(call(&owner, "/fn/remove-link", &[("id", &id)]).await, 200);
    assert_eq!(guest.open(&here).await.status(), 404);
}

#[tokio::test]
async fn a_link_with_a_password_opens_for_who_knows_it_and_for_that_browser_only() {
    let server = with_site().await;
    let owner = signed_in(&server, EMAIL).await;
    let here = link(&owner, &[("password", "open sesame please")]).await;
    let other = link(&owner, &[("password", "another password")]).await;
    let guest = server.browser();
    let (status, page) = text(guest.open(&here).await).await;
    assert!(
        status == 200 && page.contains("type=\"password\"") && !page.contains(SITE),
        "{page}"
    );
    let wrong = guest.form(&here, &[("password", "open says me")]).await;
    assert_eq!(location(&wrong), format!("{here}?error=wrong"));
    let right = guest
        .form(
            &format!("{here}?theme=dark"),
            &[("password", "open sesame please")],
        )
        .await;
    assert_eq!(location(&right), format!("{here}?theme=dark"));
    let cookie = header(&right, "set-cookie");
    assert!(
        cookie.contains("HttpOnly") && cookie.contains(&format!("Path={here}")),
        "{cookie}"
    );
    let (_, page) = text(guest.open(&here).await).await;
    assert!(page.contains("data-testid=\"shared\""), "{page}");

    // The cookie of one link is worth nothing at another, wherever it is sent.
    let token = cookie.split(';').next().unwrap().to_owned();
    let elsewhere = server.browser();
    let asked = elsewhere
        .client
        .get(elsewhere.url(&other))
        .header("accept", "text/html")
        .header("cookie", &token);
    assert!(
        !text(asked.send().await.unwrap())
            .await
            .1
            .contains("data-testid=\"shared\"")
    );
    assert!(
        !text(server.browser().open(&here).await)
            .await
            .1
            .contains("data-testid=\"shared\"")
    );
}

#[tokio::test]
async fn guessing_a_links_password_ends_after_ten_attempts() {
    let server = with_site().await;
    let owner = signed_in(&server, EMAIL).await;
    let here = link(&owner, &[("password", "open sesame please")]).await;
    let guest = server.browser();
    for _ in 0..10 {
        assert_eq!(
            location(&guest.form(&here, &[("password", "guess")]).await),
            format!("{here}?error=wrong")
        );
    }
    let right = guest.form(&here, &[("password", "open sesame please")]).await;
    assert_eq!(location(&right), format!("{here}?error=rate"));
}

#[tokio::test]
async fn an_expired_link_says_so_and_shows_nothing() {
    let server = with_site().await;
    let owner = signed_in(&server, EMAIL).await;
    let here = link(&owner, &[("expires", "7")]).await;
    let guest = server.browser();
    assert!(
        text(guest.open(&here).await)
            .await
            .1
            .contains("data-testid=\"shared\"")
    );
    server.clock.advance(7 * Timestamp::DAY);
    let (_, page) = text(guest.open(&here).await).await;
    assert!(page.contains("expired") && !page.contains(SITE), "{page}");
}

#[tokio::test]
async fn only_a_link_that_may_be_embedded_can_be_framed() {
    let server = with_site().await;
    let owner = signed_in(&server, EMAIL).await;
    let framed = link(&owner, &[("embed", "on")]).await;
    let plain = link(&owner, &[]).await;
    let guest = server.browser();
    let policy = |response: &Response| header(response, "content-security-policy").to_owned();
    let response = guest.open(&format!("{framed}?embed=true&theme=dark")).await;
    assert!(
        policy(&response).contains("frame-ancestors *"),
        "{}",
        policy(&response)
    );
    assert_eq!(header(&response, "x-frame-options"), "");
    assert_eq!(
        header(&response, "set-cookie"),
        "",
        "no cookie where no password is"
    );
    let (_, page) = text(response).await;
    assert!(page.contains("data-theme=\"dark\""), "{page}");
    for path in [plain.as_str(), "/login"] {
        let response = guest.open(&format!("{path}?embed=true")).await;
        assert!(policy(&response).contains("frame-ancestors 'none'"), "{path}");
        assert_eq!(header(&response, "x-frame-options"), "DENY", "{path}");
    }
}

#[tokio::test]
async fn what_a_form_gets_wrong_comes_back_with_what_was_typed() {
    let server = with_site().await;
    let owner = signed_in(&server, EMAIL).await;
    let form = owner
        .post("/fn/add-goal")
        .header("referer", owner.url(&format!("/sites/{SITE}/settings/goals")))
        .form(&[
            ("domain", SITE),
            ("kind", "event"),
            ("event", ""),
            ("props", "plan"),
            ("name", "My goal"),
        ]);
    let back = form.send().await.unwrap();
    assert_eq!(back.status(), 302);
    let to = location(&back).to_owned();
    let path = to.strip_prefix(&owner.url("")).unwrap_or(&to);
    let (_, page) = text(owner.open(path).await).await;
    assert!(
        page.contains("My goal") && page.contains("Write one property a line"),
        "{page}"
    );
    assert!(site(&server).goals.is_empty());
}

#[tokio::test]
async fn a_site_has_no_more_things_than_the_setting_allows() {
    use crate::support::Wish;
    let wish = Wish {
        config: Box::new(|config| config.max_items = 2),
        ..Wish::default()
    };
    let server = Server::start_with(wish).await;
    let owner = server.owner().await;
    owner
        .form("/fn/add-site", &[("domain", SITE), ("timezone", "UTC")])
        .await;
    for (path, expected) in [("/a", 200), ("/b", 200), ("/c", 400)] {
        assert_eq!(
            call(&owner, "/fn/add-goal", &[("kind", "page"), ("path", path)]).await,
            expected
        );
    }
}
