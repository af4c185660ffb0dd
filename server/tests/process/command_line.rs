//! `pulsecast user add`, `site add`, `export`: what an operator types.

use crate::program::{Place, eventually};

#[test]
fn an_account_is_added_with_a_password_from_standard_input() {
    let place = Place::new();
    let output = place.run_with(
        &["user", "add", "ann@example.com", "--password-stdin"],
        "correct horse battery\n",
    );
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let again = place.run_with(
        &["user", "add", "ann@example.com", "--password-stdin"],
        "correct horse battery\n",
    );
    assert_eq!(again.status.code(), Some(1));
    let short = place.run_with(&["user", "add", "bob@example.com", "--password-stdin"], "short\n");
    assert!(
        String::from_utf8_lossy(&short.stderr).contains("10 characters"),
        "{short:?}"
    );
    let token = place.run(&["member-token", "--user", "ann@example.com"]);
    assert_eq!(
        String::from_utf8(token.stdout).unwrap().trim().split('.').count(),
        3,
        "a JWT"
    );
}

#[tokio::test]
async fn a_site_added_beside_a_running_server_takes_events_within_seconds() {
    let place = Place::new();
    let server = place.serve();
    let event = r#"{"n":"pageview","d":"example.org","u":"https://example.org/"}"#;
    assert_eq!(server.post(event).await.unwrap().status(), 400);
    let output = place.run(&["site", "add", "example.org"]);
    assert!(
        String::from_utf8_lossy(&output.stdout).contains("data-site=\"example.org\""),
        "{output:?}"
    );
    eventually("the server knows the site", || async {
        server.post(event).await.unwrap().status() == 202
    })
    .await;
}

#[tokio::test]
async fn an_export_works_beside_a_running_server_and_is_complete() {
    let place = Place::new();
    let added = place.run_with(
        &["user", "add", "ann@example.com", "--password-stdin"],
        "correct horse battery\n",
    );
    assert!(added.status.success());
    let server = place.serve();
    for page in 0..20 {
        assert_eq!(server.visit(&format!("/{page}")).await.unwrap().status(), 202);
    }
    eventually("what is acknowledged is exported", || async {
        place.export("demo").len() == 20
    })
    .await;
    assert_eq!(
        server.get("/sites/demo/export.ndjson").await.status(),
        401,
        "not for strangers"
    );
    let forged = server
        .client
        .get(format!("{}/sites/demo/export.ndjson", server.url))
        .bearer_auth("a.b.c")
        .send()
        .await
        .unwrap();
    assert_eq!(forged.status(), 401);
}

#[test]
fn wrong_words_are_told_what_would_be_right() {
    let place = Place::new();
    for (arguments, says) in [
        (&["site", "add", "not a domain"][..], "such as example.com"),
        (
            &["site", "add", "example.com", "--timezone", "Mars/Olympus"],
            "Europe/Berlin",
        ),
        (
            &["site", "add", "example.com", "--owner", "nobody@example.com"],
            "pulsecast user add",
        ),
        (&["export", "--site", "example.com"], "no site example.com"),
        (
            &["serve", "--public-url", "example.com"],
            "https://stats.example.com",
        ),
    ] {
        let output = place.run(arguments);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            !output.status.success() && error.contains(says),
            "{arguments:?}: {error}"
        );
    }
}
