//! Changing what was set up: goals, funnels, segments, shared links, in the place where they are.

use crate::{
    access::{SITE, call, link, member, signed_in, site, text, with_site},
    support::{EMAIL, Server, location},
};
use pulsecast_protocol::{Timestamp, stats::GoalKind};
use pulsecast_server::{sites::Role, store::accounts::AuditBook};
use serde_json::Value;

const GERMANS: &str = r#"[["is","visit:country",["DE"]]]"#;

async fn last_change(server: &Server) -> (String, Value) {
    let changes = server.accounts.changes(site(server).id, None, 1).await.unwrap();
    let last = changes.into_iter().next().unwrap();
    (last.action, last.what)
}

#[tokio::test]
async fn a_goal_is_edited_and_the_segments_that_name_it_follow() {
    let server = with_site().await;
    let owner = signed_in(&server, EMAIL).await;
    let signup = [
        ("kind", "event"),
        ("event", "Signup"),
        ("props", "plan=team"),
        ("currency", "EUR"),
    ];
    assert_eq!(call(&owner, "/fn/add-goal", &signup).await, 200);
    assert_eq!(
        call(&owner, "/fn/add-goal", &[("kind", "page"), ("path", "/paid")]).await,
        200
    );
    let named = r#"[["or",[["is","event:goal",["Signup"]],["has_done",["is","event:goal",["Visit /paid","Signup"]]]]]]"#;
    assert_eq!(
        call(
            &owner,
            "/fn/save-segment",
            &[("name", "Joined"), ("filters", named)]
        )
        .await,
        200
    );

    let page = format!("/sites/{SITE}/settings/goals?edit=1");
    let (_, form) = text(owner.open(&page).await).await;
    for part in ["Edit Signup", "/fn/change-goal", "plan=team", "value=\"EUR\""] {
        assert!(form.contains(part), "{part}: {form}");
    }
    let change = [
        ("id", "1"),
        ("kind", "page"),
        ("path", "/welcome"),
        ("name", "Joined us"),
    ];
    assert_eq!(call(&owner, "/fn/change-goal", &change).await, 200);
    let goal = site(&server).goals[0].clone();
    let kind = GoalKind::Page {
        path: "/welcome".into(),
    };
    assert_eq!(
        (goal.id, goal.name.as_str(), goal.kind, goal.currency),
        (1, "Joined us", kind, None)
    );
    let filters = serde_json::to_string(&site(&server).segments[0].segment.filters).unwrap();
    assert_eq!(filters, named.replace("Signup", "Joined us"));
    let (action, what) = last_change(&server).await;
    assert_eq!(
        (action.as_str(), &what["to"]["name"]),
        ("goal.change", &"Joined us".into())
    );
    assert_eq!(what["from"]["currency"], "EUR");
    let (_, trail) = text(owner.open(&format!("/sites/{SITE}/settings/audit")).await).await;
    assert!(
        trail.contains("changed a goal") && trail.contains("name: Signup → Joined us"),
        "{trail}"
    );

    // Two of one name, a field that cannot be read, one that is gone.
    let taken = [
        ("id", "1"),
        ("kind", "page"),
        ("path", "/x"),
        ("name", "Visit /paid"),
    ];
    assert_eq!(call(&owner, "/fn/change-goal", &taken).await, 409);
    let back = owner
        .post("/fn/change-goal")
        .header("referer", owner.url(&page))
        .form(&[
            ("domain", SITE),
            ("id", "1"),
            ("kind", "page"),
            ("path", "no path"),
            ("name", "Typed"),
        ]);
    let back = back.send().await.unwrap();
    let to = location(&back).replace(&owner.url(""), "");
    let (_, form) = text(owner.open(&to).await).await;
    assert!(
        form.contains("no path") && form.contains("Typed") && form.contains("Start the path with /"),
        "{form}"
    );
    assert_eq!(
        call(
            &owner,
            "/fn/change-goal",
            &[("id", "99"), ("kind", "page"), ("path", "/x")]
        )
        .await,
        404
    );
    assert_eq!(site(&server).goals[0].name, "Joined us");
}

#[tokio::test]
async fn what_a_shared_link_is_limited_by_is_changed_by_who_may_share() {
    let server = with_site().await;
    let owner = signed_in(&server, EMAIL).await;
    assert_eq!(
        call(&owner, "/fn/add-goal", &[("kind", "event"), ("event", "Signup")]).await,
        200
    );
    let filters = r#"[["is","event:goal",["Signup"]]]"#;
    let segment = [("name", "Joined"), ("filters", filters), ("shared", "true")];
    assert_eq!(call(&owner, "/fn/save-segment", &segment).await, 200);
    let editor = member(&server, "editor@example.com", Role::Editor).await;
    let wider = |name| [("id", "1"), ("kind", "page"), ("path", "/**"), ("name", name)];
    let renamed = [
        ("id", "1"),
        ("kind", "event"),
        ("event", "Signup"),
        ("name", "Signed up"),
    ];
    assert_eq!(
        call(&owner, "/fn/add-link", &[("name", "For them"), ("segment", "1")]).await,
        200
    );
    assert_eq!(call(&editor, "/fn/change-goal", &wider("Signup")).await, 403);
    assert_eq!(call(&editor, "/fn/change-goal", &renamed).await, 200);
    assert_eq!(call(&editor, "/fn/change-goal", &wider("Signed up")).await, 403);
    assert_eq!(call(&owner, "/fn/change-goal", &wider("Signed up")).await, 200);
}

#[tokio::test]
async fn a_funnel_gets_another_name_and_other_steps() {
    let server = with_site().await;
    let owner = signed_in(&server, EMAIL).await;
    for path in ["/a", "/b", "/c"] {
        call(&owner, "/fn/add-goal", &[("kind", "page"), ("path", path)]).await;
    }
    let add = [("name", "Buy"), ("steps[0]", "1"), ("steps[1]", "2")];
    assert_eq!(call(&owner, "/fn/add-funnel", &add).await, 200);
    let (_, form) = text(
        owner
            .open(&format!("/sites/{SITE}/settings/funnels?edit=1"))
            .await,
    )
    .await;
    assert!(
        form.contains("Edit Buy") && form.contains("/fn/change-funnel"),
        "{form}"
    );
    let change = |steps: [&'static str; 3]| {
        let [a, b, c] = steps;
        [
            ("id", "1"),
            ("name", "Pay"),
            ("steps[0]", a),
            ("steps[1]", b),
            ("steps[2]", c),
        ]
    };
    assert_eq!(
        call(&owner, "/fn/change-funnel", &change(["3", "1", "2"])).await,
        200
    );
    let funnel = site(&server).funnels[0].clone();
    assert_eq!((funnel.name.as_str(), funnel.steps), ("Pay", vec![3, 1, 2]));
    let (action, what) = last_change(&server).await;
    assert_eq!(
        (action.as_str(), &what["from"]["steps"][0]),
        ("funnel.change", &"Visit /a".into())
    );
    assert_eq!(
        call(&owner, "/fn/change-funnel", &change(["3", "", ""])).await,
        400
    );
    assert_eq!(
        call(&owner, "/fn/change-funnel", &change(["3", "99", ""])).await,
        404
    );
    assert_eq!(site(&server).funnels[0].steps, [3, 1, 2]);
}

#[tokio::test]
async fn a_segment_is_renamed_rewritten_and_narrowed_from_the_dashboard() {
    let server = with_site().await;
    let owner = signed_in(&server, EMAIL).await;
    let viewer = member(&server, "bob@example.com", Role::Viewer).await;
    let save = [("name", "Germans"), ("filters", GERMANS), ("shared", "on")];
    assert_eq!(call(&owner, "/fn/save-segment", &save).await, 200);
    let (_, form) = text(
        owner
            .open(&format!("/sites/{SITE}/settings/segments?edit=1"))
            .await,
    )
    .await;
    assert!(
        form.contains("Edit Germans") && form.contains("visit:country"),
        "{form}"
    );
    let (_, form) = text(
        viewer
            .open(&format!("/sites/{SITE}/settings/segments?edit=1"))
            .await,
    )
    .await;
    assert!(!form.contains("Edit Germans"), "it is not theirs to edit: {form}");

    let rename = [
        ("id", "1"),
        ("name", "Deutsche"),
        ("filters", GERMANS),
        ("shared", "on"),
    ];
    assert_eq!(call(&viewer, "/fn/save-segment", &rename).await, 403);
    assert_eq!(call(&owner, "/fn/save-segment", &rename).await, 200);
    let (action, what) = last_change(&server).await;
    assert_eq!(
        (action.as_str(), &what["was"]),
        ("segment.change", &"Germans".into())
    );

    let state = format!("/sites/{SITE}?segment=1&f=is,page,/a");
    let (_, board) = text(owner.open(&state).await).await;
    assert!(board.contains("Add to Deutsche"), "{board}");
    let more = [
        ("id", "1"),
        ("filters", r#"[["is","event:page",["/a"]]]"#),
        ("narrowed", "/sites/example.com?segment=1"),
    ];
    assert_eq!(call(&viewer, "/fn/narrow-segment", &more).await, 403);
    let done = owner
        .form(
            "/fn/narrow-segment",
            &[&[("domain", SITE)][..], &more[..]].concat(),
        )
        .await;
    assert_eq!(location(&done), "/sites/example.com?segment=1");
    let segment = site(&server).segments[0].segment.clone();
    assert_eq!(segment.name, "Deutsche");
    assert_eq!(
        serde_json::to_string(&segment.filters).unwrap(),
        r#"[["is","visit:country",["DE"]],["is","event:page",["/a"]]]"#
    );
    for elsewhere in [
        "https://evil.example/",
        "//evil.example",
        "/sites/example.com.evil.example",
    ] {
        let fields = [("domain", SITE), more[0], more[1], ("narrowed", elsewhere)];
        let done = owner.form("/fn/narrow-segment", &fields).await;
        assert!(
            location(&done).starts_with("/sites/example.com/settings/segments"),
            "{elsewhere}"
        );
    }
    let wrong = [more[0], ("filters", r#"[["is","event:goal",["Nope"]]]"#)];
    assert_eq!(call(&owner, "/fn/narrow-segment", &wrong).await, 400);
}

#[tokio::test]
async fn a_link_with_another_password_or_end_asks_whoever_has_it_open_anew() {
    let server = with_site().await;
    let owner = signed_in(&server, EMAIL).await;
    let here = link(&owner, &[("password", "open sesame please"), ("expires", "7")]).await;
    let guest = server.browser();
    let opens = async || {
        text(guest.open(&here).await)
            .await
            .1
            .contains("data-testid=\"shared\"")
    };
    let id = || site(&server).links[0].id.0.to_string();
    let change = async |fields: &[(&str, &str)]| {
        let number = id();
        let all = [&[("id", number.as_str()), ("name", "Board")], fields].concat();
        call(&owner, "/fn/change-link", &all).await
    };
    guest.form(&here, &[("password", "open sesame please")]).await;
    assert!(opens().await);

    // Another name changes nothing for whoever is there.
    let number = id();
    assert_eq!(
        call(&owner, "/fn/change-link", &[("id", &number), ("name", "For Bob")]).await,
        200
    );
    assert!(opens().await && id() == number);
    let (_, page) = text(
        owner
            .open(&format!("/sites/{SITE}/settings/links?edit={number}"))
            .await,
    )
    .await;
    assert!(
        page.contains("Edit For Bob") && page.contains("No password any more"),
        "{page}"
    );

    assert_eq!(change(&[("password", "another one please")]).await, 200);
    assert!(!opens().await, "the cookie is of the old password");
    let old = guest.form(&here, &[("password", "open sesame please")]).await;
    assert_eq!(location(&old), format!("{here}?error=wrong"));
    guest.form(&here, &[("password", "another one please")]).await;
    assert!(opens().await);
    let (action, what) = last_change(&server).await;
    assert_eq!(
        (action.as_str(), &what["password"]),
        ("link.change", &"a new one".into())
    );
    assert!(!what.to_string().contains("another one"), "{what}");

    // Its end is counted from now on; then it goes without.
    server.clock.advance(6 * Timestamp::DAY);
    assert_eq!(change(&[("expires", "3")]).await, 200);
    server.clock.advance(2 * Timestamp::DAY);
    guest.form(&here, &[("password", "another one please")]).await;
    assert!(opens().await, "it would have ended by now");
    server.clock.advance(Timestamp::DAY);
    let (_, page) = text(guest.open(&here).await).await;
    assert!(page.contains("expired"), "{page}");
    assert_eq!(change(&[("never", "on"), ("no_password", "on")]).await, 200);
    assert_eq!(change(&[("password", "short")]).await, 400);
    assert_eq!(change(&[("never", "on"), ("expires", "7")]).await, 400);
    assert_eq!(
        call(&owner, "/fn/change-link", &[("id", "99"), ("name", "x")]).await,
        404
    );

    server.clock.advance(4000 * Timestamp::DAY);
    assert!(
        text(server.browser().open(&here).await)
            .await
            .1
            .contains("data-testid=\"shared\"")
    );
}
