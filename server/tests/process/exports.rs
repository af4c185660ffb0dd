//! Raw events on their way out of the real binary: lines that can be gone on with, files that can be resumed.

use crate::program::{Place, Running, eventually};
use reqwest::{RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use std::io::Read;

/// A server on which somebody looked at so many pages of the demo site, and a member's token.
async fn visited(place: &Place, pages: usize) -> (Running, String) {
    let added = place.run_with(
        &["user", "add", "ann@example.com", "--password-stdin"],
        "correct horse battery\n",
    );
    assert!(added.status.success());
    let server = place.serve();
    for page in 0..pages {
        assert_eq!(server.visit(&format!("/{page}")).await.unwrap().status(), 202);
    }
    let token = String::from_utf8(place.run(&["member-token", "--user", "ann@example.com"]).stdout).unwrap();
    let token = token.trim().to_owned();
    eventually("what is acknowledged is exported", || async {
        lines(get(&server, &token, "ndjson", "").send().await.unwrap())
            .await
            .len()
            == pages
    })
    .await;
    (server, token)
}

fn get(server: &Running, token: &str, format: &str, query: &str) -> RequestBuilder {
    let url = format!("{}/sites/demo/export.{format}?{query}", server.url);
    server.client.get(url).bearer_auth(token)
}

async fn lines(response: Response) -> Vec<Value> {
    assert_eq!(response.status(), 200);
    let text = response.text().await.unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers()[name].to_str().unwrap()
}

/// Paths of the events in a Parquet file, in order.
fn paths(file: &std::path::Path) -> Vec<String> {
    let engine = duckdb::Connection::open_in_memory().unwrap();
    let mut select = engine
        .prepare("select path from read_parquet(?) order by seq")
        .unwrap();
    let rows = select
        .query_map([file.display().to_string()], |row| row.get(0))
        .unwrap();
    rows.map(Result::unwrap).collect()
}

#[tokio::test]
async fn an_export_of_lines_that_broke_off_goes_on_after_the_last_whole_line() {
    let place = Place::new();
    let (server, token) = visited(&place, 20).await;
    let whole = get(&server, &token, "ndjson", "").send().await.unwrap();
    let last: u64 = header(&whole, "x-pulsecast-last-seq").parse().unwrap();
    let whole = lines(whole).await;
    assert_eq!(whole[19]["seq"], last, "the header says which line is the last");
    let got = whole[7]["seq"].as_u64().unwrap();
    let rest = lines(
        get(&server, &token, "ndjson", &format!("after={got}"))
            .send()
            .await
            .unwrap(),
    )
    .await;
    assert_eq!(rest, whole[8..]);
    let old = lines(
        get(&server, &token, "ndjson", "to=2020-01-01")
            .send()
            .await
            .unwrap(),
    )
    .await;
    assert_eq!(old, Vec::<Value>::new());
    let wrong = get(&server, &token, "ndjson", "from=yesterday")
        .send()
        .await
        .unwrap();
    assert_eq!(wrong.status(), 400);
    assert!(wrong.text().await.unwrap().contains("2026-01-31"));
}

#[tokio::test]
async fn a_parquet_file_that_broke_off_goes_on_by_range_and_is_not_left_behind() {
    let place = Place::new();
    let (server, token) = visited(&place, 20).await;
    let whole = get(&server, &token, "parquet", "").send().await.unwrap();
    assert_eq!(whole.status(), 200);
    let etag = header(&whole, "etag").to_owned();
    let length: usize = header(&whole, "content-length").parse().unwrap();
    let whole = whole.bytes().await.unwrap();
    assert_eq!(whole.len(), length);
    let file = place.path().join("got.parquet");
    std::fs::write(&file, &whole).unwrap();
    assert_eq!(
        paths(&file),
        (0..20).map(|page| format!("/{page}")).collect::<Vec<_>>()
    );

    let rest = get(&server, &token, "parquet", "")
        .header("range", "bytes=100-")
        .header("if-range", &etag);
    let rest = rest.send().await.unwrap();
    assert_eq!(rest.status(), StatusCode::PARTIAL_CONTENT);
    assert_eq!(
        header(&rest, "content-range"),
        format!("bytes 100-{}/{length}", length - 1)
    );
    assert_eq!(rest.bytes().await.unwrap(), whole.slice(100..));
    let other = get(&server, &token, "parquet", "")
        .header("range", "bytes=100-")
        .header("if-range", "\"other\"");
    assert_eq!(
        other.send().await.unwrap().status(),
        200,
        "of other contents everything is sent"
    );
    let stranger = server.get("/sites/demo/export.parquet").await;
    assert_eq!(stranger.status(), 401);

    let folder = place.data().join("exports");
    assert!(std::fs::read_dir(&folder).unwrap().count() > 0);
    assert!(server.end());
    drop(place.serve());
    assert_eq!(
        std::fs::read_dir(&folder).unwrap().count(),
        0,
        "a start leaves nothing of before"
    );
}

#[tokio::test]
async fn the_command_line_writes_parquet_beside_a_server_and_without_one() {
    let place = Place::new();
    let (server, _) = visited(&place, 3).await;
    let file = place.path().join("out.parquet");
    let export = |more: &[&str]| {
        let file = file.display().to_string();
        let arguments = [
            "export", "--site", "demo", "--format", "parquet", "--output", &file,
        ];
        place.run(&[&arguments[..], more].concat())
    };
    assert!(export(&[]).status.success());
    assert_eq!(paths(&file), ["/0", "/1", "/2"]);
    assert!(server.end());
    std::fs::remove_file(&file).unwrap();
    assert!(export(&["--from", "2020-01-01"]).status.success());
    assert_eq!(paths(&file), ["/0", "/1", "/2"]);
    std::fs::remove_file(&file).unwrap();
    assert!(export(&["--to", "2020-01-01"]).status.success());
    assert!(paths(&file).is_empty());
}

/// Signs in, and keeps the session.
async fn signed_in(server: &Running) -> reqwest::Client {
    let client = reqwest::Client::builder().cookie_store(true).build().unwrap();
    let form = [
        ("email", "ann@example.com"),
        ("password", "correct horse battery"),
    ];
    let request = client
        .post(format!("{}/login", server.url))
        .header("origin", &server.url)
        .form(&form);
    request.send().await.unwrap();
    client
}

/// How many events are stored.
async fn stored(server: &Running, token: &str) -> usize {
    lines(get(server, token, "ndjson", "").send().await.unwrap())
        .await
        .len()
}

/// `/sites/demo/csv?…` of a question.
fn csv_of(query: &Value) -> String {
    let pairs = [("query", query.to_string()), ("name", "pages".to_owned())];
    let url = reqwest::Url::parse_with_params("http://localhost/sites/demo/csv", pairs).unwrap();
    format!("{}?{}", url.path(), url.query().unwrap())
}

fn pages() -> Value {
    json!({ "metrics": ["visitors", "pageviews"], "date_range": "all", "dimensions": ["event:page"] })
}

/// All files of an archive.
fn unzip(bytes: &[u8]) -> std::collections::BTreeMap<String, String> {
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap();
    (0..archive.len())
        .map(|at| {
            let mut file = archive.by_index(at).unwrap();
            let mut text = String::new();
            file.read_to_string(&mut text).unwrap();
            (file.name().to_owned(), text)
        })
        .collect()
}

/// Begins a download and breaks it off after so many bytes.
async fn broken_off(request: RequestBuilder, after: usize) -> (Vec<u8>, String) {
    let mut response = request.send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(header(&response, "accept-ranges"), "bytes");
    let etag = header(&response, "etag").to_owned();
    let mut got = Vec::new();
    while got.len() < after {
        got.extend(response.chunk().await.unwrap().expect("it is longer than that"));
    }
    got.truncate(after);
    (got, etag)
}

#[tokio::test]
async fn every_kind_of_file_goes_on_where_it_broke_off_with_the_same_bytes_while_events_come_in() {
    let place = Place::new();
    let (server, token) = visited(&place, 40).await;
    let client = signed_in(&server).await;
    let with_token = |url: &str| {
        server
            .client
            .get(format!("{}{url}", server.url))
            .bearer_auth(&token)
    };
    let signed = |url: &str| client.get(format!("{}{url}", server.url));
    let csv = csv_of(&pages());
    type Ask<'a> = &'a dyn Fn(&str) -> RequestBuilder;
    let kinds: [(&str, Ask<'_>, &str); 3] = [
        ("csv", &signed, &csv),
        ("zip", &signed, "/sites/demo/export.zip"),
        ("parquet", &with_token, "/sites/demo/export.parquet"),
    ];
    for (kind, ask, url) in kinds {
        let begun = ask(url).send().await.unwrap();
        let etag = header(&begun, "etag").to_owned();
        let address = header(&begun, "content-location").to_owned();
        let whole = begun.bytes().await.unwrap();
        // Somebody comes in between: what is gone on with is the file of before, a new one is not.
        let before = stored(&server, &token).await;
        assert_eq!(server.visit(&format!("/new-{kind}")).await.unwrap().status(), 202);
        eventually("it is stored", || async {
            stored(&server, &token).await > before
        })
        .await;
        // The cut is anywhere.
        let cut = 1 + (rand::random::<u64>() as usize) % (whole.len() - 1);
        let rest = ask(url)
            .header("range", format!("bytes={cut}-"))
            .header("if-range", &etag)
            .send()
            .await
            .unwrap();
        assert_eq!(rest.status(), StatusCode::PARTIAL_CONTENT, "{kind} from {cut}");
        let range = format!("bytes {cut}-{}/{}", whole.len() - 1, whole.len());
        assert_eq!(header(&rest, "content-range"), range, "{kind}");
        assert_eq!(header(&rest, "etag"), etag, "{kind}");
        assert!(
            rest.bytes().await.unwrap() == whole.slice(cut..),
            "{kind} from {cut}"
        );
        let outside = ask(url)
            .header("range", format!("bytes={}-", whole.len()))
            .header("if-range", &etag);
        let outside = outside.send().await.unwrap();
        assert_eq!(outside.status(), StatusCode::RANGE_NOT_SATISFIABLE, "{kind}");
        assert_eq!(
            header(&outside, "content-range"),
            format!("bytes */{}", whole.len())
        );

        let (_, newer) = broken_off(ask(url), 1).await;
        assert_ne!(newer, etag, "{kind}: asked anew it is of now");
        let stale = ask(url)
            .header("range", "bytes=1-")
            .header("if-range", "\"gone\"");
        let stale = stale.send().await.unwrap();
        assert_eq!(stale.status(), 200, "{kind}: of other contents all is sent");
        // The older one is still there for who had begun it.
        let rest = ask(url).header("range", "bytes=1-").header("if-range", &etag);
        assert!(
            rest.send().await.unwrap().bytes().await.unwrap() == whole.slice(1..),
            "{kind}"
        );
        // Who names no contents begins anew; the address of a file names its contents.
        let part = ask(url).header("range", "bytes=0-3").send().await.unwrap();
        assert_eq!(part.status(), 200, "{kind}");
        let rest = ask(&address).header("range", format!("bytes={cut}-"));
        let rest = rest.send().await.unwrap();
        assert_eq!(rest.status(), StatusCode::PARTIAL_CONTENT, "{kind}");
        assert!(
            rest.bytes().await.unwrap() == whole.slice(cut..),
            "{kind} from {cut}"
        );
        assert!(
            ask(&address).send().await.unwrap().bytes().await.unwrap() == whole,
            "{kind}"
        );
        let gone = address.replace(etag.trim_matches('"'), "00000000000000000000000000000000");
        let gone = ask(&gone).header("range", "bytes=1-").send().await.unwrap();
        assert_eq!(gone.status(), 404, "{kind}");
    }

    // Lines go on by their numbers, up to where it would have ended.
    let begun = get(&server, &token, "ndjson", "").send().await.unwrap();
    let last = header(&begun, "x-pulsecast-last-seq").to_owned();
    assert_eq!(header(&begun, "accept-ranges"), "none");
    let whole = begun.text().await.unwrap();
    let before = stored(&server, &token).await;
    assert_eq!(server.visit("/later").await.unwrap().status(), 202);
    eventually("it is stored", || async {
        stored(&server, &token).await > before
    })
    .await;
    let cut = 1 + (rand::random::<u64>() as usize) % (whole.len() - 1);
    let kept = whole[..cut].rfind('\n').map_or(0, |end| end + 1);
    let after = match whole[..kept].lines().last() {
        Some(line) => serde_json::from_str::<Value>(line).unwrap()["seq"].to_string(),
        None => "0".to_owned(),
    };
    let rest = get(
        &server,
        &token,
        "ndjson",
        &format!("after={after}&through={last}"),
    );
    let rest = rest.send().await.unwrap().text().await.unwrap();
    assert_eq!(format!("{}{rest}", &whole[..kept]), whole);
}

#[tokio::test]
async fn the_archive_has_what_the_api_answers() {
    let place = Place::new();
    let (server, _) = visited(&place, 12).await;
    let client = signed_in(&server).await;
    let ask = |url: String| client.get(format!("{}{url}", server.url)).send();
    let zip = ask("/sites/demo/export.zip".to_owned()).await.unwrap();
    assert_eq!(header(&zip, "content-type"), "application/zip");
    let files = unzip(&zip.bytes().await.unwrap());
    let csv = ask(csv_of(&pages())).await.unwrap().text().await.unwrap();
    let two = |text: &str| {
        let line = |line: &str| line.split(',').take(2).map(str::to_owned).collect::<Vec<_>>();
        let mut lines: Vec<_> = text.lines().map(line).collect();
        lines.sort();
        lines
    };
    assert_eq!(two(&files["pages.csv"]), two(&csv));
    assert_eq!(files["pages.csv"].lines().count(), 13);
    assert!(!files.contains_key("left-out.txt"));
    let wrong = ask("/sites/demo/export.zip?period=sometimes".to_owned())
        .await
        .unwrap();
    assert_eq!(wrong.status(), 400);
}
