//! What was counted elsewhere on its way into the real binary, and out of it again.

use crate::program::{BROWSER, Place, Running, eventually};
use pulsecast_protocol::data::{DataPage, ImportJob, ImportState};
use reqwest::{RequestBuilder, Response};
use serde_json::Value;
use std::{io::Read, path::PathBuf};

pub fn add_account(place: &Place) {
    let added = place.run_with(
        &["user", "add", "ann@example.com", "--password-stdin"],
        "correct horse battery\n",
    );
    assert!(added.status.success());
}

pub fn token(place: &Place) -> String {
    let output = place.run(&["member-token", "--user", "ann@example.com"]);
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn post(server: &Running, token: &str, path: &str) -> RequestBuilder {
    server
        .client
        .post(format!("{}/sites/demo/{path}", server.url))
        .bearer_auth(token)
}

async fn page(server: &Running, token: &str) -> DataPage {
    let url = format!("{}/sites/demo/import.json", server.url);
    server
        .client
        .get(url)
        .bearer_auth(token)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap()
}

/// The import's job, once it has ended.
async fn ended(server: &Running, token: &str) -> ImportJob {
    // As long as it moves: on a busy machine a large one takes its time.
    let mut rows = 0;
    loop {
        eventually("the import moves", || async {
            let job = page(server, token).await.job.unwrap();
            job.state != ImportState::Running || job.rows > rows
        })
        .await;
        let job = page(server, token).await.job.unwrap();
        if job.state != ImportState::Running {
            return job;
        }
        rows = job.rows;
    }
}

/// A log of May 2026 with so many people who look at two pages each, and a stylesheet and a program beside each.
pub fn log(people: usize) -> String {
    let mut text = String::new();
    for person in 0..people {
        let (day, minute, ip) = (
            1 + person % 14,
            person / 14 % 1_400,
            format!("203.0.{}.{}", person / 250 % 250, 1 + person % 250),
        );
        let time = |after: usize| {
            format!(
                "{day:02}/May/2026:{:02}:{:02}:{:02} +0000",
                minute / 60,
                minute % 60,
                after
            )
        };
        let mut line = |time: String, path: &str, agent: &str| {
            text += &format!(
                "{ip} - - [{time}] \"GET {path} HTTP/2.0\" 200 512 \"https://www.google.com/\" \"{agent}\"\n"
            );
        };
        line(time(0), "/", BROWSER);
        line(time(1), "/main.css?v=3", BROWSER);
        line(time(2), "/pricing", BROWSER);
        line(time(3), "/", "Googlebot/2.1 ");
    }
    text
}

pub fn file(place: &Place, name: &str, text: &str) -> PathBuf {
    let path = place.path().join(name);
    std::fs::write(&path, text).unwrap();
    path
}

pub fn cli(place: &Place, arguments: &[&str]) -> String {
    let output = place.run(&[&["import", "--site", "demo"], arguments].concat());
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test]
async fn a_log_is_imported_beside_a_running_server_listed_and_undone() {
    let place = Place::new();
    add_account(&place);
    let server = place.serve();
    let token = token(&place);
    let log = file(&place, "access.log", &log(30));
    let log = log.to_str().unwrap();
    let dry = cli(&place, &["--dry-run", log]);
    assert!(
        dry.contains("120 rows read; would be imported: 60 events in 30 visits"),
        "{dry}"
    );
    assert!(
        dry.contains("14 days, from 2026-05-01 to 2026-05-14") && dry.contains("left out: 30 (not a page)"),
        "{dry}"
    );
    assert_eq!(place.export("demo").len(), 0);

    assert_eq!(server.visit("/now").await.unwrap().status(), 202);
    let done = cli(&place, &[log]);
    assert!(done.contains("imported: 60 events in 30 visits"), "{done}");
    let events = place.export("demo");
    assert_eq!(events.len(), 61);
    let imported = events.iter().find(|event| event["path"] == "/pricing").unwrap();
    assert_eq!(
        (&imported["source"], &imported["browser"]),
        (&"Google".into(), &"Chrome".into())
    );
    let mut numbers: Vec<u64> = events
        .iter()
        .map(|event| event["seq"].as_u64().unwrap())
        .collect();
    numbers.dedup();
    assert_eq!(numbers.len(), 61, "no number twice");
    assert!(
        cli(&place, &[log]).contains("imported: 0 events"),
        "days that are counted are left out"
    );

    let imports = page(&server, &token).await.imports;
    assert_eq!(
        (
            imports[1].kind.as_str(),
            imports[1].events,
            imports[1].name.as_str()
        ),
        ("access_log", 60, "access.log")
    );
    let undone = post(&server, &token, "import/undo")
        .form(&[("id", imports[1].id)])
        .send()
        .await
        .unwrap();
    assert_eq!(undone.status(), 200);
    assert_eq!(place.export("demo").len(), 1, "what was counted here stays");
    let again = post(&server, &token, "import/undo")
        .form(&[("id", imports[1].id)])
        .send()
        .await
        .unwrap();
    assert_eq!(again.status(), 404);
    assert_eq!(
        post(&server, "a.b.c", "import")
            .body("x")
            .send()
            .await
            .unwrap()
            .status(),
        401
    );
}

#[tokio::test]
async fn an_import_that_was_killed_leaves_nothing_and_can_be_made_again() {
    let place = Place::new();
    add_account(&place);
    let server = place.serve();
    assert_eq!(server.visit("/now").await.unwrap().status(), 202);
    let bearer = token(&place);
    let text = log(20_000);
    let taken = post(&server, &bearer, "import?name=access.log")
        .body(text.clone())
        .send()
        .await
        .unwrap();
    assert_eq!(taken.status(), 202);
    eventually("some of it is there", || async {
        page(&server, &bearer).await.job.unwrap().events >= 5_000
    })
    .await;
    assert_eq!(
        page(&server, &bearer).await.job.unwrap().state,
        ImportState::Running,
        "the log is too short for this test"
    );
    server.kill9();
    let server = place.serve();
    eventually("what was acknowledged is there, and nothing else", || async {
        place.export("demo").len() == 1
    })
    .await;
    let token = token(&place);
    assert_eq!(page(&server, &token).await.imports, []);
    let taken = post(&server, &token, "import?name=access.log")
        .body(text)
        .send()
        .await
        .unwrap();
    assert_eq!(taken.status(), 202);
    let done = ended(&server, &token).await;
    assert_eq!(
        (done.state, done.events, done.visits),
        (ImportState::Done, 40_000, 20_000)
    );
}

#[tokio::test]
async fn an_import_is_cancelled_and_an_upload_is_bounded() {
    let place = Place::new();
    add_account(&place);
    let server = place.serve_with(&["--import-limit", "12"]);
    let token = token(&place);
    let taken = post(&server, &token, "import?name=access.log")
        .body(log(16_000))
        .send()
        .await
        .unwrap();
    assert_eq!(taken.status(), 202);
    let twice = post(&server, &token, "import?name=access.log")
        .body("x")
        .send()
        .await
        .unwrap();
    assert_eq!(twice.status(), 409, "one at a time");
    assert_eq!(
        post(&server, &token, "import/cancel")
            .send()
            .await
            .unwrap()
            .status(),
        202
    );
    let job = ended(&server, &token).await;
    assert_eq!(
        (job.state, job.error.as_deref()),
        (ImportState::Failed, Some("cancelled"))
    );
    eventually("nothing of it is left", || async {
        place.export("demo").is_empty()
    })
    .await;
    let large = post(&server, &token, "import?name=access.log")
        .body(vec![b'x'; 13 << 20])
        .send()
        .await
        .unwrap();
    assert_eq!(large.status(), 413);
    assert!(large.text().await.unwrap().contains("--import-limit"));
    assert_eq!(
        std::fs::read_dir(place.data().join("uploads")).unwrap().count(),
        0,
        "nothing is left on disk"
    );
}

#[tokio::test]
async fn a_history_goes_from_one_server_to_another() {
    let (here, there) = (Place::new(), Place::new());
    for place in [&here, &there] {
        add_account(place);
        drop(place.serve());
    }
    cli(&here, &[file(&here, "access.log", &log(50)).to_str().unwrap()]);
    let out = here.path().join("out.ndjson");
    assert!(
        here.run(&["export", "--site", "demo", "--output", out.to_str().unwrap()])
            .status
            .success()
    );
    assert!(cli(&there, &[out.to_str().unwrap()]).contains("100 events in 50 visits"));
    let plain = |place: &Place| {
        let mut events: Vec<String> = place
            .export("demo")
            .into_iter()
            .map(|mut event| {
                let fields = event.as_object_mut().unwrap();
                fields.remove("seq");
                fields.remove("visit");
                event.to_string()
            })
            .collect();
        events.sort();
        events
    };
    assert_eq!(plain(&here), plain(&there));
}

/// A site with a history, its server, and a key for its figures.
async fn with_history(place: &Place) -> (Running, String) {
    add_account(place);
    drop(place.serve());
    cli(place, &[file(place, "access.log", &log(40)).to_str().unwrap()]);
    let server = place.serve();
    let output = place.run(&["key", "add", "--site", "demo", "--right", "stats"]);
    let text = String::from_utf8(output.stdout).unwrap();
    let key = text
        .split_whitespace()
        .find(|word| word.starts_with("pc_"))
        .unwrap()
        .to_owned();
    (server, key)
}

pub async fn get(server: &Running, key: &str, path: &str, query: &[(&str, &str)]) -> Response {
    let url = format!("{}/sites/demo/{path}", server.url);
    let url = reqwest::Url::parse_with_params(&url, query).unwrap();
    server.client.get(url).bearer_auth(key).send().await.unwrap()
}

#[tokio::test]
async fn any_question_is_answered_as_csv_and_all_reports_as_one_archive() {
    let place = Place::new();
    let (server, key) = with_history(&place).await;
    let query =
        r#"{"metrics": ["visitors", "pageviews"], "date_range": "all", "dimensions": ["event:page"]}"#;
    let csv = get(&server, &key, "csv", &[("query", query)]).await;
    assert_eq!(csv.status(), 200);
    assert_eq!(
        csv.text().await.unwrap(),
        "page,visitors,pageviews\r\n/,40,40\r\n/pricing,40,40\r\n"
    );
    let wrong = get(
        &server,
        &key,
        "csv",
        &[("query", r#"{"metrics": ["visitorz"], "date_range": "all"}"#)],
    )
    .await;
    assert_eq!(wrong.status(), 400);
    assert!(wrong.text().await.unwrap().contains("metrics[0]"));
    assert_eq!(
        get(&server, "pc_wrong", "csv", &[("query", query)])
            .await
            .status(),
        401
    );

    let zip = get(
        &server,
        &key,
        "export.zip",
        &[("from", "2026-05-01"), ("to", "2026-05-02")],
    )
    .await;
    assert_eq!(
        (
            zip.status().as_u16(),
            zip.headers()["content-type"].to_str().unwrap()
        ),
        (200, "application/zip")
    );
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(zip.bytes().await.unwrap())).unwrap();
    let mut read = |name: &str| {
        let mut text = String::new();
        archive.by_name(name).unwrap().read_to_string(&mut text).unwrap();
        text
    };
    assert_eq!(
        read("visitors.csv"),
        "date,visitors,visits,pageviews,events,views_per_visit,bounce_rate,visit_duration\r\n2026-05-01,3,3,6,6,2,0,2\r\n2026-05-02,3,3,6,6,2,0,2\r\n"
    );
    assert_eq!(
        read("sources.csv"),
        "source,visitors,visits,bounce_rate,visit_duration\r\nGoogle,6,6,0,2\r\n"
    );
    assert!(read("countries.csv").starts_with("country_name,country,visitors"));
    let names: Vec<String> = archive.file_names().map(str::to_owned).collect();
    for report in [
        "pages",
        "entry_pages",
        "exit_pages",
        "devices",
        "browsers",
        "operating_systems",
        "custom_events",
        "regions",
        "cities",
    ] {
        assert!(names.contains(&format!("{report}.csv")), "{names:?}");
    }
    let filtered = get(
        &server,
        &key,
        "export.zip",
        &[("filters", r#"[["is", "event:page", ["/nothing"]]]"#)],
    )
    .await;
    assert_eq!(filtered.status(), 200);
    let wrong = get(&server, &key, "export.zip", &[("filters", "[[")]).await;
    assert_eq!(wrong.status(), 400);
}

#[tokio::test]
async fn part_of_a_history_is_deleted_by_whoever_types_the_domain() {
    let place = Place::new();
    let (server, _) = with_history(&place).await;
    let token = token(&place);
    let days = |from: &'static str, to: &'static str, confirm: &'static str| {
        post(&server, &token, "data/delete")
            .form(&[("from", from), ("to", to), ("confirm", confirm)])
            .send()
    };
    assert_eq!(
        days("2026-05-01", "2026-05-02", "dem").await.unwrap().status(),
        400
    );
    assert_eq!(place.export("demo").len(), 80);
    assert_eq!(
        days("2026-05-01", "2026-05-02", "demo").await.unwrap().status(),
        200
    );
    let left = place.export("demo");
    assert_eq!(left.len(), 68);
    assert!(
        left.iter()
            .all(|event| event["time"].as_str().unwrap() >= "2026-05-03")
    );
    assert_eq!(days("", "", "demo").await.unwrap().status(), 200);
    assert_eq!(place.export("demo"), Vec::<Value>::new());
    assert_eq!(page(&server, &token).await.imports, []);
}

#[tokio::test]
async fn plausibles_figures_are_added_where_a_question_allows_it() {
    let place = Place::new();
    add_account(&place);
    drop(place.serve());
    let visitors = "date,visitors,pageviews,bounces,visits,visit_duration\n2026-04-01,10,25,4,12,600\n2026-04-02,8,9,8,8,0\n";
    let sources = "date,source,referrer,utm_source,utm_medium,utm_campaign,utm_content,utm_term,pageviews,visitors,visits,visit_duration,bounces\n\
         2026-04-01,Google,google.com,,,,,,20,8,9,500,3\n2026-04-01,,,,,,,,5,2,3,100,1\n2026-04-02,Bing,bing.com,,,,,,9,8,8,0,8\n";
    let files = [
        file(&place, "imported_visitors.csv", visitors),
        file(&place, "imported_sources.csv", sources),
    ];
    let done = cli(&place, &[files[0].to_str().unwrap(), files[1].to_str().unwrap()]);
    assert!(
        done.contains("5 rows read; imported: 34 events in 20 visits"),
        "{done}"
    );
    cli(&place, &[file(&place, "access.log", &log(10)).to_str().unwrap()]);
    let server = place.serve();
    let output = place.run(&["key", "add", "--site", "demo", "--right", "stats"]);
    let text = String::from_utf8(output.stdout).unwrap();
    let key = text
        .split_whitespace()
        .find(|word| word.starts_with("pc_"))
        .unwrap()
        .to_owned();
    let ask = async |json: Value| -> Value {
        let url = format!("{}/api/v2/query", server.url);
        let answer = server
            .client
            .post(url)
            .bearer_auth(&key)
            .json(&json)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 200, "{json}");
        answer.json().await.unwrap()
    };
    let range = serde_json::json!(["2026-04-01", "2026-05-31"]);
    let imports = serde_json::json!({ "imports": true, "total_rows": true });
    let totals = serde_json::json!({
        "site_id": "demo", "metrics": ["visitors", "visits", "pageviews", "bounce_rate", "visit_duration"], "date_range": range, "include": imports,
    });
    let answer = ask(totals.clone()).await;
    // 10 visits of 2 seconds and 2 pages from the log beside 20 imported ones, 12 of which bounced.
    assert_eq!(
        answer["results"][0]["metrics"],
        serde_json::json!([28, 30, 54, 40, 21])
    );
    assert_eq!(answer["meta"]["imports_included"], true);
    let by_source = serde_json::json!({
        "site_id": "demo", "metrics": ["visitors", "percentage"], "date_range": range, "dimensions": ["visit:source"], "include": imports,
        "pagination": { "limit": 2, "offset": 0 },
    });
    let answer = ask(by_source).await;
    assert_eq!(
        answer["results"],
        serde_json::json!([
            { "dimensions": ["Google"], "metrics": [18, 64.3] },
            { "dimensions": ["Bing"], "metrics": [8, 28.6] },
        ])
    );
    assert_eq!(answer["meta"]["total_rows"], 3);
    let filtered = serde_json::json!({
        "site_id": "demo", "metrics": ["visitors"], "date_range": range, "include": imports,
        "filters": [["is", "visit:source", ["Bing", "Direct / None"]]],
    });
    assert_eq!(
        ask(filtered).await["results"][0]["metrics"],
        serde_json::json!([10])
    );
    let by_month = serde_json::json!({
        "site_id": "demo", "metrics": ["visitors"], "date_range": "all", "dimensions": ["time:month"], "include": imports,
    });
    assert_eq!(
        ask(by_month).await["results"],
        serde_json::json!([
            { "dimensions": ["2026-04-01"], "metrics": [18] },
            { "dimensions": ["2026-05-01"], "metrics": [10] },
        ])
    );
    let mut without = totals.clone();
    without["include"] = serde_json::json!({});
    assert_eq!(ask(without).await["results"][0]["metrics"][0], 10);
    let mut goal = totals;
    goal["filters"] = serde_json::json!([
        ["is", "visit:browser", ["Chrome"]],
        ["is", "visit:source", ["Google"]]
    ]);
    let answer = ask(goal).await;
    assert_eq!(
        (
            &answer["meta"]["imports_included"],
            &answer["meta"]["imports_skip_reason"],
            &answer["results"][0]["metrics"][0]
        ),
        (&false.into(), &"unsupported_query".into(), &10.into())
    );
}

#[tokio::test]
async fn times_delete_imported_figures_of_the_days_that_are_wholly_between_them() {
    let place = Place::new();
    add_account(&place);
    drop(place.serve());
    let rows: String = (1..=9)
        .map(|day| format!("2026-04-0{day},{day},1,1,1,0\n"))
        .collect();
    let visitors = format!("date,visitors,pageviews,bounces,visits,visit_duration\n{rows}");
    cli(
        &place,
        &[file(&place, "imported_visitors.csv", &visitors).to_str().unwrap()],
    );
    let server = place.serve();
    let token = token(&place);
    let output = place.run(&["key", "add", "--site", "demo", "--right", "stats"]);
    let text = String::from_utf8(output.stdout).unwrap();
    let key = text
        .split_whitespace()
        .find(|word| word.starts_with("pc_"))
        .unwrap()
        .to_owned();
    let left = async || -> Vec<String> {
        let url = format!("{}/api/v2/query", server.url);
        let query = serde_json::json!({
            "site_id": "demo", "metrics": ["visitors"], "date_range": ["2026-04-01", "2026-04-30"], "dimensions": ["time:day"],
            "include": { "imports": true },
        });
        let answer: Value = server
            .client
            .post(url)
            .bearer_auth(&key)
            .json(&query)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        let rows = answer["results"].as_array().unwrap();
        rows.iter()
            .map(|row| row["dimensions"][0].as_str().unwrap()[8..].to_owned())
            .collect()
    };
    let delete = async |from: &'static str, to: &'static str| {
        let form = [("from", from), ("to", to), ("confirm", "demo")];
        let answer = post(&server, &token, "data/delete")
            .form(&form)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 200);
        answer
            .headers()
            .get("x-pulsecast-note")
            .map(|note| note.to_str().unwrap().to_owned())
    };
    // The site's days are UTC's.
    let note = delete("2026-04-02T08:00:00Z", "2026-04-02T20:00:00Z").await;
    assert!(note.unwrap().contains("are kept"));
    assert_eq!(
        left().await.len(),
        9,
        "a part of a day deletes no figures of days"
    );
    assert_eq!(delete("2026-04-03T00:00:00Z", "2026-04-04T00:00:00Z").await, None);
    assert_eq!(left().await, ["01", "02", "04", "05", "06", "07", "08", "09"]);
    assert!(
        delete("2026-04-05T08:00:00Z", "2026-04-08T20:00:00Z")
            .await
            .is_some()
    );
    assert_eq!(
        left().await,
        ["01", "02", "04", "05", "08", "09"],
        "those wholly between go"
    );
    assert_eq!(delete("2026-04-09", "2026-04-09").await, None);
    assert_eq!(left().await, ["01", "02", "04", "05", "08"]);
}

#[tokio::test]
async fn a_site_of_which_there_are_only_imported_figures_waits_for_nothing() {
    let place = Place::new();
    add_account(&place);
    let server = place.serve();
    let token = token(&place);
    let browser = reqwest::Client::builder()
        .cookie_store(true)
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap();
    let login = [
        ("email", "ann@example.com"),
        ("password", "correct horse battery"),
    ];
    let signed_in = browser
        .post(format!("{}/login", server.url))
        .form(&login)
        .send()
        .await
        .unwrap();
    assert!(signed_in.status().is_redirection(), "{}", signed_in.status());
    let look = async |search: &str| {
        browser
            .get(format!("{}/sites/demo{search}", server.url))
            .send()
            .await
            .unwrap()
    };
    assert_eq!(
        look("")
            .await
            .headers()
            .get("location")
            .map(|to| to.to_str().unwrap().to_owned())
            .as_deref(),
        Some("/sites/demo/live"),
        "nothing has been counted yet"
    );

    let pages = "date,hostname,page,visits,visitors,pageviews,total_scroll_depth,total_scroll_depth_visits,total_time_on_page,total_time_on_page_visits\n\
         2024-03-01,demo,/,9,8,20,500,8,90,7\n2024-03-02,demo,/old,2,2,3,,,,\n";
    let taken = post(&server, &token, "import?name=imported_pages.csv")
        .body(pages)
        .send()
        .await
        .unwrap();
    assert_eq!(taken.status(), 202);
    let done = ended(&server, &token).await;
    assert_eq!((done.state, done.days), (ImportState::Done, 2));
    eventually("the dashboard is shown", || async {
        look("").await.status() == 200
    })
    .await;

    // All of it begins with the first imported day: by months, not by hours as if it had begun today.
    let all = look("?period=all").await.text().await.unwrap();
    assert!(all.contains("2024-03-01"), "{all}");
    assert!(all.contains(">Month</a>") && !all.contains(">Hour</a>"), "{all}");

    let output = place.run(&["key", "add", "--site", "demo", "--right", "stats"]);
    let text = String::from_utf8(output.stdout).unwrap();
    let key = text
        .split_whitespace()
        .find(|word| word.starts_with("pc_"))
        .unwrap();
    let zip = get(&server, key, "export.zip", &[]).await.bytes().await.unwrap();
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(zip)).unwrap();
    let mut text = String::new();
    archive
        .by_name("pages.csv")
        .unwrap()
        .read_to_string(&mut text)
        .unwrap();
    assert_eq!(
        text, "page,visitors,pageviews,time_on_page,scroll_depth\r\n/,8,20,13,63\r\n/old,2,3,,\r\n",
        "the archive says what the dashboard does"
    );

    // A figure does not depend on what is asked beside it: pages have no bounce rate.
    let query = |metrics: &[&str]| {
        serde_json::json!({
            "site_id": "demo", "metrics": metrics, "date_range": "all", "filters": [["is", "event:page", ["/"]]], "include": { "imports": true },
        })
    };
    for metrics in [&["visitors"][..], &["visitors", "bounce_rate", "views_per_visit"]] {
        let url = format!("{}/api/v2/query", server.url);
        let answer = server
            .client
            .post(url)
            .bearer_auth(key)
            .json(&query(metrics))
            .send()
            .await
            .unwrap();
        let answer: Value = answer.json().await.unwrap();
        assert_eq!(answer["results"][0]["metrics"][0], 8, "{metrics:?}");
        assert_eq!(answer["meta"]["imports_included"], true);
        let warned = answer["meta"]["metric_warnings"]
            .as_object()
            .map_or(0, serde_json::Map::len);
        assert_eq!(warned, metrics.len() - 1);
    }
}

#[tokio::test]
async fn a_week_of_minutes_is_answered_to_the_last() {
    let place = Place::new();
    add_account(&place);
    drop(place.serve());
    let events: String = (0..7 * 24 * 60)
        .map(|minute| {
            let (day, hour, number) = (1 + minute / 1440, minute / 60 % 24, minute + 1);
            let event = serde_json::json!({
                "seq": number, "time": format!("2026-05-{day:02}T{hour:02}:{:02}:00.000Z", minute % 60), "name": "pageview",
                "kind": "pageview", "visitor": format!("{number:016x}"), "visit": number, "hostname": "demo", "path": "/",
            });
            event.to_string() + "\n"
        })
        .collect();
    let done = cli(
        &place,
        &[file(&place, "events.ndjson", &events).to_str().unwrap()],
    );
    assert!(done.contains("10080 events"), "{done}");
    let server = place.serve();
    let output = place.run(&["key", "add", "--site", "demo", "--right", "stats"]);
    let text = String::from_utf8(output.stdout).unwrap();
    let key = text
        .split_whitespace()
        .find(|word| word.starts_with("pc_"))
        .unwrap();
    let address = "api/v1/stats/timeseries?site_id=demo&period=custom&date=2026-05-01,2026-05-07&interval=minute&metrics=visitors";
    let answer = server
        .client
        .get(format!("{}/{address}", server.url))
        .bearer_auth(key)
        .send()
        .await
        .unwrap();
    let answer: Value = answer.json().await.unwrap();
    let minutes = answer["results"].as_array().unwrap();
    assert_eq!(minutes.len(), 10_080);
    assert_eq!(minutes.iter().find(|minute| minute["visitors"] != 1), None);
}
