//! Raw events on their way out of the real binary: lines that can be gone on with, files that can be resumed.

use crate::program::{Place, Running, eventually};
use reqwest::{RequestBuilder, Response, StatusCode};
use serde_json::Value;

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
    assert_eq!(
        std::fs::read_dir(&folder).unwrap().count(),
        1,
        "the older file is gone"
    );
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
