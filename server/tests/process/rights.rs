//! Who may take what out of a site, and who may put something in or delete: every such route, asked by everybody.

use crate::program::{Place, Running, eventually};
use pulsecast_protocol::{account::SiteSettings, stats::Filter, stats::GoalKind};
use pulsecast_server::{
    clock::{Clock, SystemClock},
    sites::Role,
    store::accounts::{Accounts, GoalBook, NewGoal, NewSegment, SqliteAccounts},
};
use reqwest::{Client, Method, RequestBuilder, redirect::Policy};
use serde_json::{Value, json};

const SITE: &str = "example.com";
const PASSWORD: &str = "correct horse battery";
/// Those of [`Who`] that have an account.
const PEOPLE: [&str; 5] = ["viewer", "editor", "admin", "owner", "stranger"];

/// A site with a goal, a funnel, a shared segment, and people of every role; and another owner's site.
async fn site_with_people() -> (Place, Running) {
    let place = Place::new();
    for name in PEOPLE {
        let email = format!("{name}@example.com");
        let added = place.run_with(
            &["user", "add", &email, "--password-stdin"],
            &format!("{PASSWORD}\n"),
        );
        assert!(
            added.status.success(),
            "{}",
            String::from_utf8_lossy(&added.stderr)
        );
    }
    let accounts = SqliteAccounts::open(&place.data()).await.unwrap();
    let mut ids = Vec::new();
    for name in PEOPLE {
        let account = accounts.account(&format!("{name}@example.com")).await.unwrap();
        ids.push(account.unwrap().id);
    }
    let (now, owner, stranger) = (SystemClock.now(), ids[3], ids[4]);
    let settings = |domain: &str| SiteSettings::new(domain.parse().unwrap());
    let site = accounts.add_site(&settings(SITE), &[owner], now).await.unwrap();
    for (role, id) in [Role::Viewer, Role::Editor, Role::Admin].into_iter().zip(&ids) {
        accounts.add_member(site, *id, role).await.unwrap();
    }
    accounts
        .add_site(&settings("other.example"), &[stranger], now)
        .await
        .unwrap();
    let goal = |path: &str| NewGoal {
        name: format!("Visit {path}"),
        kind: GoalKind::Page {
            path: path.to_owned(),
        },
        currency: None,
    };
    let first = accounts.add_goal(site, &goal("/a")).await.unwrap();
    let second = accounts.add_goal(site, &goal("/b")).await.unwrap();
    accounts.add_funnel(site, "Both", &[first, second]).await.unwrap();
    let segment = NewSegment {
        name: "Only a".to_owned(),
        shared: true,
        filters: vec![Filter::is(pulsecast_protocol::stats::Dimension::Page, ["/a"])],
    };
    accounts.add_segment(site, owner, &segment).await.unwrap();
    accounts.close().await;
    let server = place.serve();
    (place, server)
}

fn client() -> Client {
    let client = Client::builder().cookie_store(true).redirect(Policy::none());
    client.build().unwrap()
}

async fn signed_in(server: &Running, name: &str) -> Client {
    let client = client();
    let form = [
        ("email", format!("{name}@example.com")),
        ("password", PASSWORD.to_owned()),
    ];
    let request = client.post(format!("{}/login", server.url));
    let answer = request
        .header("origin", &server.url)
        .form(&form)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 303, "{name}");
    client
}

/// A shared link of the site, with these fields: its path.
async fn link(server: &Running, owner: &Client, fields: &[(&str, &str)]) -> String {
    let all = [&[("domain", SITE), ("name", "Board")], fields].concat();
    let request = owner.post(format!("{}/fn/add-link", server.url));
    let request = request
        .header("origin", &server.url)
        .header("accept", "text/html");
    let made = request.form(&all).send().await.unwrap();
    let to = made.headers()["location"].to_str().unwrap();
    let slug = to.split_once("made=").unwrap_or_else(|| panic!("{to}")).1;
    format!("/share/{}", slug.split('&').next().unwrap())
}

fn csv(base: &str, query: &Value) -> String {
    let pairs = [("query", query.to_string())];
    let url = reqwest::Url::parse_with_params("http://localhost/", pairs).unwrap();
    format!("{base}/csv?{}", url.query().unwrap())
}

fn pages() -> Value {
    json!({ "metrics": ["visitors"], "date_range": "all", "dimensions": ["event:page"] })
}

/// What somebody does.
enum Deed<'a> {
    Get,
    /// Sends this form.
    Form(&'a [(&'a str, &'a str)]),
    /// Sends this file.
    Body(&'a str),
}

impl Deed<'_> {
    fn by(&self, who: &Client, server: &Running, path: &str) -> RequestBuilder {
        let method = match self {
            Self::Get => Method::GET,
            Self::Form(_) | Self::Body(_) => Method::POST,
        };
        let request = who
            .request(method, format!("{}{path}", server.url))
            .header("origin", &server.url);
        match self {
            Self::Get => request,
            Self::Form(fields) => request.form(fields),
            Self::Body(text) => request.body((*text).to_owned()),
        }
    }
}

/// The least role for which a route does what it is there for, and what it says then.
type Row<'a> = (&'a str, Deed<'a>, Role, &'a [u16]);

#[tokio::test]
async fn whoever_may_see_a_site_takes_its_reports_and_only_admins_its_events_and_nobody_elses_are_touched() {
    let (_place, server) = site_with_people().await;
    let mut people = Vec::new();
    for name in PEOPLE {
        people.push((name, signed_in(&server, name).await));
    }
    let here = link(&server, &people[3].1, &[]).await;
    let guest = client();
    let opened = guest
        .get(format!("{}{here}", server.url))
        .header("accept", "text/html");
    assert_eq!(opened.send().await.unwrap().status(), 200);

    let question = csv("", &pages());
    let lists = &[
        ("domain", SITE),
        ("ips", ""),
        ("paths", ""),
        ("hostnames", ""),
        ("countries", ""),
    ];
    let kept = &[("domain", SITE), ("days", "")];
    let site = |rest: &str| format!("/sites/{SITE}{rest}");
    let done: &[u16] = &[200, 302];
    let table: Vec<(String, Row<'_>)> = vec![
        (site(&question), ("csv", Deed::Get, Role::Viewer, &[200])),
        (site("/export.zip"), ("zip", Deed::Get, Role::Viewer, &[200])),
        (site("/funnel.csv"), ("funnel", Deed::Get, Role::Viewer, &[200])),
        (
            site("/retention.csv"),
            ("retention", Deed::Get, Role::Viewer, &[200]),
        ),
        (
            site("/cohorts.csv?prop=user"),
            ("cohorts", Deed::Get, Role::Viewer, &[200]),
        ),
        (site("/export.ndjson"), ("ndjson", Deed::Get, Role::Admin, &[200])),
        (
            site("/export.parquet"),
            ("parquet", Deed::Get, Role::Admin, &[200]),
        ),
        (site("/import.json"), ("progress", Deed::Get, Role::Admin, &[200])),
        (
            format!("/fn/data?domain={SITE}"),
            ("imports", Deed::Get, Role::Admin, &[200]),
        ),
        (
            site("/import?dry_run=true"),
            (
                "import",
                Deed::Body("nothing of ours\n"),
                Role::Admin,
                &[202, 409],
            ),
        ),
        (
            site("/import/cancel"),
            ("cancel", Deed::Form(&[]), Role::Admin, &[202]),
        ),
        // There is no such import; who may not does not learn that.
        (
            site("/import/undo"),
            ("undo", Deed::Form(&[("id", "999")]), Role::Admin, &[404]),
        ),
        // It has to be confirmed; who may not is not asked.
        (
            site("/data/delete"),
            ("delete", Deed::Form(&[]), Role::Admin, &[400]),
        ),
        (
            "/fn/save-retention".to_owned(),
            ("retention", Deed::Form(kept), Role::Admin, done),
        ),
        (
            "/fn/save-exclusions".to_owned(),
            ("exclusions", Deed::Form(lists), Role::Admin, done),
        ),
    ];
    let roles = [
        ("viewer", Role::Viewer),
        ("editor", Role::Editor),
        ("admin", Role::Admin),
        ("owner", Role::Owner),
    ];
    for (path, (what, deed, least, well)) in &table {
        for (name, nobody) in [("nobody", &client()), ("link", &guest)] {
            let got = deed
                .by(nobody, &server, path)
                .send()
                .await
                .unwrap()
                .status()
                .as_u16();
            assert_eq!(got, 401, "{name} {what} {path}");
        }
        for (name, who) in &people {
            let role = roles.iter().find(|(role, _)| role == name).map(|(_, role)| *role);
            let answer = deed.by(who, &server, path).send().await.unwrap();
            let got = answer.status().as_u16();
            match role {
                None => {
                    let text = answer.text().await.unwrap();
                    assert_eq!(got, 404, "{name} {what} {text}");
                    assert!(text.contains("there is no site"), "{name} {what} {text}");
                }
                Some(role) if role < *least => assert_eq!(got, 403, "{name} {what}"),
                Some(_) => assert!(well.contains(&got), "{name} {what}: {got}"),
            }
        }
    }
}

#[tokio::test]
async fn whoever_has_a_link_takes_as_much_as_it_shows_and_no_more() {
    let (_place, server) = site_with_people().await;
    let owner = signed_in(&server, "owner").await;
    for (path, browser) in [("/a", "121"), ("/b", "122"), ("/b", "123")] {
        let body = json!({ "n": "pageview", "d": SITE, "u": format!("https://{SITE}{path}") });
        let sent = server.client.post(format!("{}/api/event", server.url));
        let agent = crate::program::BROWSER.replace("126", browser);
        let sent = sent
            .header("user-agent", agent)
            .body(body.to_string())
            .send()
            .await;
        assert_eq!(sent.unwrap().status(), 202);
    }
    let taken = |who: &Client, path: String| {
        let request = who.get(format!("{}{path}", server.url));
        async move {
            let answer = request.send().await.unwrap();
            (answer.status().as_u16(), answer.text().await.unwrap())
        }
    };
    let guest = client();
    let all = link(&server, &owner, &[]).await;
    eventually("all of it is there", || async {
        taken(&guest, csv(&all, &pages())).await == (200, "page,visitors\r\n/b,2\r\n/a,1\r\n".to_owned())
    })
    .await;
    let limited = link(&server, &owner, &[("segment", "1")]).await;
    let of_a = (200, "page,visitors\r\n/a,1\r\n".to_owned());
    assert_eq!(taken(&guest, csv(&limited, &pages())).await, of_a);
    // Naming another site, or no filter, or all segments changes nothing.
    let mut sly = pages();
    sly["site_id"] = json!("other.example");
    assert_eq!(taken(&guest, csv(&limited, &sly)).await, of_a);
    let archive = guest
        .get(format!("{}{limited}/export.zip", server.url))
        .send()
        .await
        .unwrap();
    assert_eq!(archive.headers()["content-type"], "application/zip");
    let bytes = archive.bytes().await.unwrap();
    let mut files = zip::ZipArchive::new(std::io::Cursor::new(bytes.to_vec())).unwrap();
    let mut text = |name: &str| {
        let mut text = String::new();
        std::io::Read::read_to_string(&mut files.by_name(name).unwrap(), &mut text).unwrap();
        text
    };
    assert!(!text("pages.csv").contains("/b"));
    assert!(text("sources.csv").contains(",1,"), "one visitor");
    // The funnel is made of a goal that nobody of the segment reached: nobody here knows of it.
    assert!(files.by_name("funnels/01_Both.csv").is_err());
    assert_eq!(taken(&guest, format!("{limited}/funnel.csv")).await.0, 404);
    let (status, funnel) = taken(&guest, format!("{all}/funnel.csv")).await;
    assert!(status == 200 && funnel.contains("(all visitors),3,"), "{funnel}");
    let (status, returns) = taken(&guest, format!("{limited}/retention.csv")).await;
    assert!(
        status == 200 && returns.contains("visits_in_a_day,1,1"),
        "{returns}"
    );

    let closed = link(&server, &owner, &[("password", "open sesame please")]).await;
    assert_eq!(taken(&guest, csv(&closed, &pages())).await.0, 401);
    let knock = guest
        .post(format!("{}{closed}", server.url))
        .header("origin", &server.url);
    knock
        .form(&[("password", "open sesame please")])
        .send()
        .await
        .unwrap();
    assert_eq!(taken(&guest, csv(&closed, &pages())).await.0, 200);
    assert_eq!(taken(&client(), csv(&closed, &pages())).await.0, 401);
    assert_eq!(
        taken(&guest, csv("/share/AAAAAAAAAAAAAAAAAAAAAA", &pages()))
            .await
            .0,
        404
    );
    // Raw events are nobody's by a link.
    for kind in ["ndjson", "parquet"] {
        assert_eq!(
            taken(&guest, format!("{all}/export.{kind}")).await.0,
            404,
            "{kind}"
        );
    }
}

#[tokio::test]
async fn what_a_file_is_called_is_no_header_of_somebody_elses() {
    let (_place, server) = site_with_people().await;
    let owner = signed_in(&server, "owner").await;
    let pairs = [
        ("query", pages().to_string()),
        ("name", "a\"; x=\r\nset-cookie: evil=1".to_owned()),
    ];
    let url = reqwest::Url::parse_with_params(&format!("{}/sites/{SITE}/csv", server.url), pairs).unwrap();
    let answer = owner.get(url).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(
        answer.headers()["content-disposition"],
        "attachment; filename=\"example.com-a---x---set-cookie--evil-1.csv\""
    );
    assert!(!answer.headers().contains_key("set-cookie"));
    let times = "from=2026-01-01T00%3A00%3A00Z%22%0D%0Ax&to=2026-01-02";
    let answer = owner.get(format!("{}/sites/{SITE}/export.ndjson?{times}", server.url));
    assert_eq!(answer.send().await.unwrap().status(), 400);
}
