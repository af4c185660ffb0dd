//! Saved filters: which can be saved, what becomes of those that name a goal, and what whoever is held within one learns of the rest.

use crate::{
    access::{SITE, call, link, member, signed_in, site, text, with_site},
    support::{EMAIL, NOW, Server},
};
use pulsecast_protocol::stats::{Filter, GoalKind};
use pulsecast_server::{
    event::{Client, Hit, Kind, SiteId, Utm, VisitorId},
    sites::Role,
    store::accounts::{GoalBook, NewGoal, load_sites},
};
use serde_json::json;
use std::collections::BTreeMap;

/// A custom event of a visitor from there, a minute ago, with this property.
fn event(site: SiteId, visitor: u64, country: &str, name: &str, prop: &str) -> Hit {
    Hit {
        site,
        at: NOW.plus(-60_000),
        kind: Kind::Custom,
        name: name.into(),
        visitor: VisitorId(visitor),
        visitor_before: None,
        hostname: SITE.into(),
        path: "/".into(),
        referrer: None,
        source: None,
        medium: None,
        channel: None,
        utm: Utm::default(),
        client: Client {
            country: Some(country.into()),
            ..Client::default()
        },
        props: BTreeMap::from([(prop.into(), "yes".into())]),
        revenue: None,
        scroll_depth: None,
        engaged: None,
    }
}

async fn goal(server: &Server, name: &str) -> i64 {
    let goal = NewGoal {
        name: name.to_owned(),
        kind: GoalKind::Event {
            event: name.to_owned(),
            props: Vec::new(),
        },
        currency: None,
    };
    let id = server.accounts.add_goal(site(server).id, &goal).await.unwrap();
    load_sites(&server.accounts, &server.sites).await.unwrap();
    id
}

async fn funnel(server: &Server, name: &str, steps: &[i64]) {
    let site = site(server).id;
    server.accounts.add_funnel(site, name, steps).await.unwrap();
    load_sites(&server.accounts, &server.sites).await.unwrap();
}

fn segments(server: &Server) -> Vec<String> {
    let saved = site(server).segments.clone();
    saved
        .iter()
        .map(|saved| serde_json::to_string(&saved.segment.filters).unwrap())
        .collect()
}

#[tokio::test]
async fn whoever_is_held_within_a_segment_learns_no_names_from_outside_of_it() {
    let server = with_site().await;
    let owner = signed_in(&server, EMAIL).await;
    let [local, both, foreign] = [
        goal(&server, "Local offer").await,
        goal(&server, "Newsletter").await,
        goal(&server, "Secret launch").await,
    ];
    funnel(&server, "Offer to letter", &[local, both]).await;
    funnel(&server, "Letter to launch", &[both, foreign]).await;
    let id = site(&server).id;
    let history = [
        event(id, 1, "DE", "Local offer", "german plan"),
        event(id, 1, "DE", "Newsletter", "letter"),
        event(id, 2, "FR", "Newsletter", "letter"),
        event(id, 2, "FR", "Secret launch", "french plan"),
    ];
    server.happened(history.into()).await;
    let filters = r#"[["is","visit:country",["DE"]]]"#;
    call(
        &owner,
        "/fn/save-segment",
        &[("name", "Germans"), ("filters", filters), ("shared", "on")],
    )
    .await;
    let segment = site(&server).segments[0].segment.id.to_string();
    let limited = link(&owner, &[("segment", &segment)]).await;
    let embedded = link(&owner, &[("segment", &segment), ("embed", "on")]).await;
    let open = link(&owner, &[]).await;

    let guest = server.browser();
    let all = [
        "german plan",
        "french plan",
        "Local offer",
        "Newsletter",
        "Secret launch",
        "Offer to letter",
        "Letter to launch",
    ];
    for state in [
        "?edit=goal",
        "?tabs=funnels",
        "?tabs=properties",
        "?tabs=goals&embed=true",
    ] {
        let (_, page) = text(guest.open(&format!("{open}{state}")).await).await;
        assert!(
            page.contains("french plan"),
            "{state}: whoever sees all sees all: {page}"
        );
        for here in [&limited, &embedded] {
            let (status, page) = text(guest.open(&format!("{here}{state}")).await).await;
            assert!(status == 200 && page.contains("german plan"), "{state}: {page}");
            for name in all {
                let foreign = ["french plan", "Secret launch", "Letter to launch"].contains(&name);
                assert!(!foreign || !page.contains(name), "{state} tells {name}");
            }
        }
    }
    let (_, page) = text(guest.open(&format!("{limited}?edit=goal")).await).await;
    assert!(
        page.contains("Local offer") && page.contains("Newsletter"),
        "{page}"
    );
    let (_, page) = text(guest.open(&format!("{limited}?tabs=funnels")).await).await;
    assert!(page.contains("Offer to letter"), "{page}");
    // Nor does a guess tell a goal that is there from one that is not.
    let guessed = async |name: &str| {
        let (_, page) = text(guest.open(&format!("{limited}?f=is,goal,{name}")).await).await;
        page.contains("has no goal")
    };
    assert!(!guessed("Secret%20launch").await && !guessed("Nothing").await);
    let (_, page) = text(owner.open(&format!("/sites/{SITE}?f=is,goal,Nothing")).await).await;
    assert!(page.contains("has no goal"), "members are told: {page}");
}

#[tokio::test]
async fn a_filter_that_cannot_be_asked_is_not_saved() {
    let server = with_site().await;
    let owner = signed_in(&server, EMAIL).await;
    goal(&server, "Signup").await;
    let save = async |filters: &str| {
        let fields = [("name", "x"), ("filters", filters)];
        call(&owner, "/fn/save-segment", &fields).await
    };
    for wrong in [
        r#"[["is","event:goal",["Nope"]]]"#,
        r#"[["or",[["is","visit:country",["DE"]],["not",["has_done",["is","event:goal",["Nope"]]]]]]]"#,
        r#"[["matches","event:page",["("]]]"#,
        r#"[["matches","event:page",["a{1001}"]]]"#,
        r#"[["matches","event:goal",["["]]]"#,
        r#"[["is","event:page",[]]]"#,
        r#"[["is","segment",[1]]]"#,
    ] {
        assert_eq!(save(wrong).await, 400, "{wrong}");
    }
    assert!(segments(&server).is_empty());
    assert_eq!(save(r#"[["is","event:goal",["Signup"]]]"#).await, 200);
    assert_eq!(save(r#"[["matches","event:page",["^/a+$"]]]"#).await, 200);
    assert_eq!(segments(&server).len(), 2);
}

#[tokio::test]
async fn a_goal_that_a_shared_segment_names_stays_and_one_of_somebodys_own_says_what_is_wrong() {
    let server = with_site().await;
    let owner = signed_in(&server, EMAIL).await;
    let viewer = member(&server, "bob@example.com", Role::Viewer).await;
    let id = goal(&server, "Signup").await.to_string();
    server
        .happened(vec![event(site(&server).id, 1, "DE", "Signup", "plan")])
        .await;
    let named = r#"[["has_done",["is","event:goal",["Signup"]]]]"#;
    let shared = [("name", "Joined"), ("filters", named), ("shared", "on")];
    assert_eq!(call(&owner, "/fn/save-segment", &shared).await, 200);
    assert_eq!(
        call(
            &viewer,
            "/fn/save-segment",
            &[("name", "Mine"), ("filters", named)]
        )
        .await,
        200
    );
    assert_eq!(call(&owner, "/fn/remove-goal", &[("id", &id)]).await, 409);

    let of = |name: &str| {
        let saved = site(&server).segments.clone();
        saved
            .iter()
            .find(|saved| saved.segment.name == name)
            .unwrap()
            .segment
            .id
    };
    let (joined, mine) = (of("Joined").to_string(), of("Mine"));
    assert_eq!(call(&owner, "/fn/remove-segment", &[("id", &joined)]).await, 200);
    assert_eq!(call(&owner, "/fn/remove-goal", &[("id", &id)]).await, 200);
    let (status, page) = text(viewer.open(&format!("/sites/{SITE}?segment={mine}")).await).await;
    let told = "the segment “Mine” cannot be used: the site has no goal “Signup”";
    assert!(status == 200 && page.contains(told), "{status} {page}");
    let (_, page) = text(viewer.open(&format!("/sites/{SITE}")).await).await;
    assert!(!page.contains("cannot be used"), "{page}");
    let filters: Vec<Filter> =
        serde_json::from_value(json!([["has_done", ["is", "event:goal", ["Signup"]]]])).unwrap();
    assert_eq!(segments(&server), [serde_json::to_string(&filters).unwrap()]);
}
