//! The audit trail: every change is in it, and no change is without it.

use crate::{
    access::{SITE, call, link, member, signed_in, site, with_site},
    support::{EMAIL, NOW, PASSWORD, Server},
};
use pulsecast_protocol::visitor::{RevokedKind, VisitorSettings};
use pulsecast_protocol::{account::SiteSettings, exclude::Exclusions, stats::GoalKind};
use pulsecast_server::{
    sites::{AccountId, LinkId, Role, Secret},
    store::accounts::{
        Accounts, AccountsError, AuditBook, Change, Edited, KeyBook, KeyRight, LinkBook, LinkChange, NewGoal,
        NewInvitation, NewKey, NewLink, NewSegment, OldSecret, People, Revocation, SiteChange, load_sites,
    },
};
use serde_json::Value;
use sqlx::Connection;

async fn sql(server: &Server, statement: &str) {
    let file = format!("sqlite://{}", server.data().join("accounts.sqlite").display());
    let mut connection = sqlx::SqliteConnection::connect(&file).await.unwrap();
    sqlx::query(statement).execute(&mut connection).await.unwrap();
}

async fn actions(server: &Server) -> Vec<String> {
    let all = server
        .accounts
        .changes(site(server).id, None, 1000)
        .await
        .unwrap();
    all.into_iter().rev().map(|entry| entry.action).collect()
}

async fn id_of(server: &Server, email: &str) -> AccountId {
    server.accounts.account(email).await.unwrap().unwrap().id
}

/// What anybody can see of a site, so that a change shows.
async fn seen(server: &Server) -> String {
    let sites = server.accounts.sites().await.unwrap();
    let id = sites[0].id;
    let (people, invitations, links, keys) = (
        server.accounts.people(id).await.unwrap(),
        server.accounts.invitations(id, NOW).await.unwrap(),
        server.accounts.links(id).await.unwrap(),
        server.accounts.keys(None).await.unwrap(),
    );
    format!("{sites:?} {people:?} {invitations:?} {links:?} {keys:?}")
}

#[tokio::test]
async fn a_change_whose_entry_cannot_be_kept_is_not_made() {
    let server = with_site().await;
    let owner = signed_in(&server, EMAIL).await;
    let bob = member(&server, "bob@example.com", Role::Viewer).await;
    let bobs = id_of(&server, "bob@example.com").await.0.to_string();
    for fields in [
        [("kind", "page"), ("path", "/cart")],
        [("kind", "page"), ("path", "/paid")],
    ] {
        assert_eq!(call(&owner, "/fn/add-goal", &fields).await, 200);
    }
    let filters = r#"[["is","visit:country",["DE"]]]"#;
    let shared = [("name", "Germans"), ("filters", filters), ("shared", "on")];
    assert_eq!(call(&owner, "/fn/save-segment", &shared).await, 200);
    let steps = [("name", "Buy"), ("steps[0]", "1"), ("steps[1]", "2")];
    assert_eq!(call(&owner, "/fn/add-funnel", &steps).await, 200);
    link(&owner, &[]).await;
    assert_eq!(
        call(
            &owner,
            "/fn/add-key",
            &[("name", "k"), ("right", "stats"), ("reach", "site")]
        )
        .await,
        200
    );
    let invite = [("email", "eve@example.com"), ("role", "viewer")];
    assert_eq!(call(&owner, "/fn/invite", &invite).await, 200);

    sql(
        &server,
        "create trigger full before insert on audit begin select raise(abort, 'the disk is full'); end",
    )
    .await;
    let before = seen(&server).await;
    let settings = [
        ("timezone", "Europe/Berlin"),
        ("hostnames", ""),
        ("origins", ""),
        ("ip_display", "none"),
    ];
    let lists = [
        ("ips", "10.0.0.0/8"),
        ("paths", ""),
        ("hostnames", ""),
        ("countries", ""),
    ];
    let changes: [(&str, &[(&str, &str)]); 19] = [
        ("/fn/save-site", &settings),
        ("/fn/save-exclusions", &lists),
        ("/fn/save-retention", &[("days", "30")]),
        ("/fn/add-goal", &[("kind", "page"), ("path", "/more")]),
        (
            "/fn/change-goal",
            &[("id", "1"), ("kind", "page"), ("path", "/other")],
        ),
        ("/fn/remove-funnel", &[("id", "1")]),
        (
            "/fn/change-funnel",
            &[("id", "1"), ("name", "Pay"), ("steps[0]", "2"), ("steps[1]", "1")],
        ),
        (
            "/fn/save-segment",
            &[
                ("id", "1"),
                ("name", "Deutsche"),
                ("filters", filters),
                ("shared", "on"),
            ],
        ),
        ("/fn/remove-segment", &[("id", "1")]),
        ("/fn/add-link", &[("name", "other")]),
        ("/fn/change-link", &[("id", "1"), ("name", "another")]),
        ("/fn/remove-link", &[("id", "1")]),
        (
            "/fn/add-key",
            &[("name", "l"), ("right", "stats"), ("reach", "site")],
        ),
        ("/fn/revoke-key", &[("id", "1")]),
        (
            "/fn/invite",
            &[("email", "mallory@example.com"), ("role", "viewer")],
        ),
        ("/fn/change-role", &[("account", &bobs), ("role", "admin")]),
        ("/fn/remove-person", &[("account", &bobs)]),
        ("/fn/transfer-site", &[("account", &bobs)]),
        ("/fn/remove-site", &[("confirm", SITE)]),
    ];
    for (to, fields) in changes {
        assert_eq!(call(&owner, to, fields).await, 503, "{to} {fields:?}");
        assert_eq!(seen(&server).await, before, "{to} {fields:?}");
    }
    assert_eq!(call(&bob, "/fn/leave-site", &[]).await, 503);
    assert_eq!(seen(&server).await, before);

    sql(&server, "drop trigger full").await;
    for (to, fields) in changes {
        // What is gone by now is gone: each of them can be done.
        let got = call(&owner, to, fields).await;
        assert!(matches!(got, 200 | 302 | 403 | 404), "{to} {fields:?}: {got}");
    }
}

#[tokio::test]
async fn what_is_written_for_a_change_is_kept_with_its_entry_and_what_fails_leaves_none() {
    let server = with_site().await;
    let id = site(&server).id;
    let ann = id_of(&server, EMAIL).await;
    let bob = server
        .accounts
        .add_account("bob@example.com", "x", NOW)
        .await
        .unwrap();
    let noting = |action: &'static str| {
        let change = Change {
            site: Some(id),
            email: EMAIL,
            action,
            what: Value::Null,
        };
        server.accounts.noting(change, NOW)
    };
    let goal = |name: &str| NewGoal {
        name: name.into(),
        kind: GoalKind::Page { path: "/".into() },
        currency: None,
    };
    let segment = NewSegment {
        name: "s".into(),
        shared: true,
        filters: Vec::new(),
    };
    let invitation = |hash: &'static [u8; 32]| NewInvitation {
        hash,
        email: "eve@example.com",
        role: Role::Viewer,
        invited_by: EMAIL,
        expires: NOW.plus(1000),
    };
    let link = NewLink {
        hash: &[1; 32],
        prefix: "p",
        name: "l",
        password_hash: None,
        segment: None,
        embed: false,
        expires: None,
    };
    let key = NewKey {
        hash: [1; 32],
        prefix: "p",
        name: "k",
        account: Some(ann),
        site: Some(id),
        right: KeyRight::Stats,
    };
    let revocation = Revocation {
        site: id,
        kind: RevokedKind::User,
        name: "eve".into(),
        at: NOW,
        until: NOW.plus(1000),
    };
    let renamed = LinkChange {
        name: "m",
        password_hash: Edited::Now(Some("hash")),
        expires: Edited::AsItIs,
    };
    let secret = Secret::new("secret".into());
    let general = SiteChange::General(Box::new(SiteSettings::new(SITE.parse().unwrap())));
    noting("a").add_goal(id, &goal("one")).await.unwrap();
    noting("b").add_goal(id, &goal("two")).await.unwrap();
    noting("c").change_goal(id, 1, &goal("uno")).await.unwrap();
    noting("d").add_funnel(id, "f", &[1, 2]).await.unwrap();
    noting("e").change_funnel(id, 1, "g", &[2, 1]).await.unwrap();
    noting("f").add_segment(id, ann, &segment).await.unwrap();
    noting("g").save_segment(id, 1, &segment).await.unwrap();
    noting("h").remove_segment(id, 1).await.unwrap();
    noting("i").remove_funnel(id, 1).await.unwrap();
    noting("j").remove_goal(id, 1).await.unwrap();
    noting("k").add_link(id, &link, NOW).await.unwrap();
    noting("l").change_link(id, LinkId(1), &renamed).await.unwrap();
    noting("m").remove_link(id, LinkId(2)).await.unwrap();
    noting("n").add_key(&key, NOW).await.unwrap();
    assert!(noting("o").revoke_key(1, NOW).await.unwrap());
    noting("p").add_member(id, bob, Role::Viewer).await.unwrap();
    noting("q").change_role(id, bob, Role::Admin).await.unwrap();
    noting("r").transfer(id, ann, bob).await.unwrap();
    noting("s").remove_member(id, ann).await.unwrap();
    noting("t").invite(id, &invitation(&[2; 32]), NOW).await.unwrap();
    noting("u").accept(&[2; 32], ann, NOW).await.unwrap();
    noting("v").invite(id, &invitation(&[3; 32]), NOW).await.unwrap();
    noting("w").withdraw(id, 2).await.unwrap();
    noting("x").change_password(ann, "y").await.unwrap();
    noting("y").change_site(id, &general).await.unwrap();
    noting("z")
        .save_visitors(id, &VisitorSettings::default())
        .await
        .unwrap();
    noting("A")
        .put_visitor_secret(id, &secret, OldSecret::Ends)
        .await
        .unwrap();
    noting("B").end_old_secret(id).await.unwrap();
    noting("C").revoke(&revocation).await.unwrap();
    noting("D").remove_account(ann).await.unwrap();
    let expected: Vec<String> = ('a'..='z').chain('A'..='D').map(String::from).collect();
    let noted = actions(&server).await;
    assert_eq!(noted[noted.len() - expected.len()..], expected);

    let none = actions(&server).await.len();
    assert!(matches!(
        noting("-").remove_goal(id, 99).await,
        Err(AccountsError::Gone(_))
    ));
    assert!(
        noting("-").add_goal(id, &goal("two")).await.is_err(),
        "there is one of that name"
    );
    assert!(!noting("-").revoke_key(99, NOW).await.unwrap());
    assert!(matches!(
        noting("-").change_role(id, bob, Role::Viewer).await,
        Err(AccountsError::LastOwner)
    ));
    assert!(
        noting("-").accept(&[2; 32], bob, NOW).await.is_err(),
        "it is used up"
    );
    assert_eq!(actions(&server).await.len(), none);
    noting("E").remove_site(id).await.unwrap();
    assert_eq!(actions(&server).await.last().unwrap(), "E");
}

#[tokio::test]
async fn settings_that_are_changed_at_the_same_time_do_not_undo_each_other() {
    let server = with_site().await;
    let id = site(&server).id;
    // What three people saw before any of them saved.
    let read = site(&server).settings.clone();
    let exclusions = Exclusions {
        ips: vec!["10.0.0.0/8".parse().unwrap()],
        ..Exclusions::default()
    };
    let general = SiteSettings {
        timezone: "Europe/Berlin".into(),
        ..read
    };
    for change in [
        SiteChange::Retention(Some(30)),
        SiteChange::Exclusions(exclusions.clone()),
        SiteChange::General(Box::new(general)),
    ] {
        server.accounts.change_site(id, &change).await.unwrap();
    }
    let settings = server.accounts.sites().await.unwrap()[0].settings.clone();
    assert_eq!(
        (
            settings.retention_days,
            settings.exclusions,
            settings.timezone.as_str()
        ),
        (Some(30), exclusions, "Europe/Berlin")
    );
}

#[tokio::test]
async fn an_invitation_is_worth_no_more_than_what_its_maker_may_still_give() {
    let server = with_site().await;
    let owner = signed_in(&server, EMAIL).await;
    let admin = member(&server, "bob@example.com", Role::Admin).await;
    let bob = id_of(&server, "bob@example.com").await.0.to_string();
    let invite = async |who: &crate::support::Browser<'_>, email: &str, role: &str| {
        let made = who
            .form(
                "/fn/invite",
                &[("domain", SITE), ("email", email), ("role", role)],
            )
            .await;
        let to = crate::support::location(&made).to_owned();
        format!("/invitations/{}", to.split_once("invited=").unwrap().1)
    };
    let is_good = async |here: &str| server.browser().open(here).await.status() == 200;

    let theirs = invite(&owner, "carol@example.com", "admin").await;
    let kept = invite(&admin, "spare@example.com", "admin").await;
    assert!(is_good(&kept).await && is_good(&theirs).await);
    let demote = [("account", bob.as_str()), ("role", "editor")];
    assert_eq!(call(&owner, "/fn/change-role", &demote).await, 200);
    assert!(!is_good(&kept).await, "made by who may not invite any more");
    assert!(is_good(&theirs).await, "of somebody else");

    let promote = [("account", bob.as_str()), ("role", "admin")];
    assert_eq!(call(&owner, "/fn/change-role", &promote).await, 200);
    assert!(!is_good(&kept).await, "what ended does not come back");
    let kept = invite(&admin, "spare@example.com", "admin").await;
    assert_eq!(call(&owner, "/fn/remove-person", &[("account", &bob)]).await, 200);
    assert!(!is_good(&kept).await);
    let used = server.browser().form(&kept, &[("password", PASSWORD)]).await;
    assert_eq!(crate::support::location(&used), kept);
    load_sites(&server.accounts, &server.sites).await.unwrap();
    assert_eq!(site(&server).members.len(), 1);

    // Whoever hands the site over is an admin from then on, and makes no owners.
    let dave = member(&server, "dave@example.com", Role::Viewer).await;
    let id = id_of(&server, "dave@example.com").await.0.to_string();
    let boss = invite(&owner, "boss@example.com", "owner").await;
    let reader = invite(&owner, "reader@example.com", "viewer").await;
    assert_eq!(call(&owner, "/fn/transfer-site", &[("account", &id)]).await, 200);
    assert!(!is_good(&boss).await && is_good(&reader).await);
    assert!(is_good(&invite(&dave, "boss@example.com", "owner").await).await);
}
