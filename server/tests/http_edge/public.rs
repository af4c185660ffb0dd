//! What everybody may ask for: scripts, demo, health; and the headers that go with our pages.

use crate::support::{Server, Wish, header};
use pulsecast_server::{
    http::{config::Demo, demo::ensure_demo},
    store::accounts::{Accounts, load_sites},
};

#[tokio::test]
async fn scripts_are_for_every_page_cacheable_and_compressed() {
    let server = Server::start().await;
    let client = server.browser().client;
    for name in ["pulse.js", "script.js", "live.js"] {
        let script = client
            .get(server.url(&format!("/js/{name}")))
            .header("accept-encoding", "gzip")
            .send()
            .await
            .unwrap();
        assert_eq!(script.status(), 200);
        assert_eq!(header(&script, "content-type"), "text/javascript; charset=utf-8");
        assert_eq!(header(&script, "access-control-allow-origin"), "*");
        assert_eq!(header(&script, "cross-origin-resource-policy"), "cross-origin");
        assert!(header(&script, "cache-control").contains("max-age=86400"));
        assert_eq!(header(&script, "content-encoding"), "gzip");
        assert!(header(&script, "set-cookie").is_empty());
        let again = client
            .get(server.url(&format!("/js/{name}")))
            .header("if-none-match", header(&script, "etag"));
        assert_eq!(again.send().await.unwrap().status(), 304);
    }
    let plausible = client
        .get(server.url("/js/script.js"))
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    let ours = client
        .get(server.url("/js/pulse.js"))
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert_eq!(plausible, ours);
    assert!(!ours.is_empty());
    assert_eq!(
        client
            .get(server.url("/js/other.js"))
            .send()
            .await
            .unwrap()
            .status(),
        404
    );
}

#[tokio::test]
async fn the_demo_is_there_for_everybody_and_carries_the_script() {
    let server = Server::start().await;
    let visitor = server.browser();
    for path in ["/demo", "/demo/article", "/demo/app"] {
        let page = visitor.open(path).await;
        assert_eq!(page.status(), 200, "{path}");
        let html = page.text().await.unwrap();
        assert!(
            html.contains("src=\"/js/pulse.js\"")
                && html.contains("data-site=\"demo\"")
                && html.contains("data-live"),
            "{path}"
        );
        assert!(
            !html.contains("<script>"),
            "the policy lets no inline script run: {path}"
        );
    }
    assert!(
        visitor
            .open("/demo/app")
            .await
            .text()
            .await
            .unwrap()
            .contains("data-hash")
    );
    let counter = visitor.open("/demo/counter").await.text().await.unwrap();
    assert!(
        counter.contains("<pulse-counter site=\"demo\"") && counter.contains("src=\"/js/counter.js\""),
        "{counter}"
    );
    assert!(!counter.contains("{{"), "{counter}");
    for path in ["/demo/demo.css", "/demo/demo.js", "/demo/tides.csv"] {
        assert_eq!(visitor.open(path).await.status(), 200, "{path}");
    }
}

#[tokio::test]
async fn without_demo_there_is_none() {
    let server = Server::start_with(Wish {
        config: Box::new(|c| c.demo = Demo::Off),
        ..Wish::default()
    })
    .await;
    assert_eq!(server.browser().open("/demo").await.status(), 404);
}

#[tokio::test]
async fn the_demo_site_takes_events_from_our_hosts_and_belongs_to_everybody() {
    let server = Server::start().await;
    let hosts = ["localhost".to_owned(), "127.0.0.1".to_owned()];
    ensure_demo(&server.accounts, &hosts, crate::support::NOW)
        .await
        .unwrap();
    server.owner().await;
    let late = server
        .accounts
        .add_account("late@example.com", "x", crate::support::NOW)
        .await
        .unwrap();
    let more = [hosts.as_slice(), &["stats.example.com".to_owned()]].concat();
    ensure_demo(&server.accounts, &more, crate::support::NOW)
        .await
        .unwrap();
    load_sites(&server.accounts, &server.sites).await.unwrap();
    let demo = server.sites.get(&"demo".parse().unwrap()).unwrap();
    assert!(demo.is_member(late) && demo.members.len() == 2);
    for host in ["localhost", "127.0.0.1", "stats.example.com"] {
        assert!(demo.settings.accepts_host(host), "{host}");
    }
    assert!(!demo.settings.accepts_host("evil.example") && demo.settings.hostnames.len() == 3);
}

#[tokio::test]
async fn readiness_names_what_is_broken_and_recovers() {
    let server = Server::start().await;
    let visitor = server.browser();
    assert_eq!(visitor.open("/health/ready").await.status(), 200);
    server.health.red("inbox", "disk full");
    let red = visitor.open("/health/ready").await;
    assert_eq!(red.status(), 503);
    assert_eq!(red.text().await.unwrap(), "inbox: disk full\n");
    assert_eq!(visitor.open("/health/live").await.status(), 200);
    server.health.ok("inbox");
    assert_eq!(visitor.open("/health/ready").await.status(), 200);
}

#[tokio::test]
async fn metrics_are_for_this_machine_and_not_for_those_behind_a_proxy_on_it() {
    let server = Server::start().await;
    let client = server.browser().client;
    let direct = client.get(server.url("/metrics")).send().await.unwrap();
    assert_eq!(
        direct.status(),
        404,
        "this test's server keeps none, but would show them"
    );
    let proxied = client
        .get(server.url("/metrics"))
        .header("x-forwarded-for", "203.0.113.9")
        .send()
        .await
        .unwrap();
    assert_eq!(proxied.status(), 403);
}

#[tokio::test]
async fn a_page_runs_its_own_scripts_and_nobody_elses() {
    let server = Server::start().await;
    let owner = server.owner().await;
    let page = owner.open("/").await;
    assert_eq!(header(&page, "x-content-type-options"), "nosniff");
    assert_eq!(header(&page, "referrer-policy"), "same-origin");
    assert_eq!(header(&page, "cache-control"), "private, no-cache");
    let policy = header(&page, "content-security-policy").to_owned();
    assert!(
        policy.contains("frame-ancestors 'none'") && policy.contains("connect-src 'self'"),
        "{policy}"
    );
    let scripts = policy
        .split(';')
        .find(|p| p.trim().starts_with("script-src"))
        .unwrap();
    assert!(
        scripts.contains("'wasm-unsafe-eval'") && !scripts.contains("unsafe-inline"),
        "{scripts}"
    );
    let nonce = scripts
        .split("'nonce-")
        .nth(1)
        .unwrap()
        .split('\'')
        .next()
        .unwrap();
    let html = page.text().await.unwrap();
    assert!(html.contains(&format!("nonce=\"{nonce}\"")), "{nonce}");
    let inline = html
        .split("<script")
        .skip(1)
        .filter(|s| !s.split('>').next().unwrap().contains("src="));
    for script in inline {
        assert!(
            script.split('>').next().unwrap().contains(nonce),
            "{}",
            script.split('>').next().unwrap()
        );
    }
    let other = owner.open("/").await;
    assert!(
        !header(&other, "content-security-policy").contains(nonce),
        "a nonce is used once"
    );
    let demo = header(&owner.open("/demo").await, "content-security-policy").to_owned();
    assert!(demo.contains("script-src 'self';"), "{demo}");
}

#[tokio::test]
async fn an_unknown_page_says_so() {
    let server = Server::start().await;
    let owner = server.owner().await;
    let missing = owner.open("/no/such/page").await;
    assert_eq!(missing.status(), 404);
    assert!(header(&missing, "content-type").starts_with("text/html"));
    let program = owner.client.get(server.url("/api/nothing")).send().await.unwrap();
    assert_eq!(
        (program.status().as_u16(), program.text().await.unwrap().as_str()),
        (404, "there is nothing here\n")
    );
}
