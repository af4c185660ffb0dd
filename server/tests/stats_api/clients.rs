//! Clients of Plausible's Stats API that others wrote, unchanged but for the address: npm's `plausible` as it is, and what Airbyte's
//! source-plausible 0.1.14 and PyPI's plausible-mcp 0.1.2 send, as their packages have it.

use crate::world::{KNOWN, World, answers, plain};
use serde_json::Value;
use std::process::Command;

/// Runs npm's `plausible` against the server and gives what it gave.
fn npm_plausible(world: &World) -> Value {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/stats_api/plausible.mjs");
    let output = Command::new("node")
        .args([script, &world.server.url, &world.key, KNOWN])
        .output()
        .expect("node is needed: `make setup` says how to get it");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    plain(serde_json::from_slice(&output.stdout).unwrap())
}

#[tokio::test]
async fn npms_plausible_works_with_nothing_but_another_address() {
    let world = World::start().await;
    let told = npm_plausible(&world);
    let known = answers();
    let row = |name: &str, i: usize| known["answers"][name]["results"][i].clone();
    assert_eq!(told["realtime"], 0);
    assert_eq!(told["visitors"]["value"], row("totals", 0)["metrics"][0]);
    assert_eq!(
        told["compared"]["change"],
        row("totals compared with the day before", 0)["comparison"]["change"][0]
    );
    assert_eq!(
        told["germany"]["value"],
        row("totals of Germany", 0)["metrics"][0]
    );
    for i in 0..3 {
        assert_eq!(told["days"][i]["date"], row("graph by day", i)["dimensions"][0]);
        assert_eq!(told["days"][i]["visitors"], row("graph by day", i)["metrics"][0]);
        assert_eq!(told["sources"][i]["source"], row("sources", i)["dimensions"][0]);
        assert_eq!(told["sources"][i]["visitors"], row("sources", i)["metrics"][0]);
    }
    assert_eq!(told["sources"].as_array().unwrap().len(), 3);
    let refusal = told["refusal"].as_str().unwrap();
    assert!(refusal.contains("invalid API key or site ID"), "{refusal}");
}

#[tokio::test]
async fn what_airbytes_source_asks_is_answered_in_the_shape_that_its_schema_has() {
    let world = World::start().await;
    // source_plausible/manifest.yaml of airbyte-source-plausible 0.1.14: `stats`, from its default start to today.
    let path = format!(
        "/api/v1/stats/timeseries?site_id={KNOWN}&period=custom&metrics=visitors,pageviews,bounce_rate,visit_duration,visits&date=2019-01-01,2026-03-30"
    );
    let answer = world.get(&path).await;
    let rows = answer["results"].as_array().unwrap();
    assert_eq!(rows.len(), 2_646, "one a day");
    // Its record_filter: days without a bounce rate are left out.
    let records: Vec<_> = rows.iter().filter(|row| !row["bounce_rate"].is_null()).collect();
    assert_eq!(records.len(), 3);
    for record in records {
        for (name, value) in record.as_object().unwrap() {
            assert!(
                if name == "date" {
                    value.is_string()
                } else {
                    value.is_i64() || value.is_u64()
                },
                "{name}: {value}"
            );
        }
    }
}

#[tokio::test]
async fn what_the_mcp_server_from_pypi_asks_is_answered_in_the_shape_that_it_reads() {
    let world = World::start().await;
    // plausible_mcp/server.py of plausible-mcp 0.1.2: doctor, get_aggregate_stats, get_breakdown, get_timeseries, get_realtime_visitors.
    let sites = world.get("/api/v1/sites").await;
    assert!(
        sites["sites"]
            .as_array()
            .unwrap()
            .iter()
            .any(|site| site["domain"] == KNOWN)
    );
    let days = format!("site_id={KNOWN}&period=custom&date=2026-03-28,2026-03-30");
    let totals = world
        .get(&format!(
            "/api/v1/stats/aggregate?{days}&metrics=visitors,pageviews,bounce_rate,visit_duration"
        ))
        .await;
    assert!(
        totals["results"]
            .as_object()
            .unwrap()
            .values()
            .all(|figure| figure["value"].is_number())
    );
    let pages = world
        .get(&format!(
            "/api/v1/stats/breakdown?{days}&property=event:page&limit=20"
        ))
        .await;
    assert!(pages["results"][0]["page"].is_string() && pages["results"][0]["visitors"].is_u64());
    let daily = world
        .get(&format!("/api/v1/stats/timeseries?{days}&interval=date"))
        .await;
    assert_eq!(daily["results"].as_array().unwrap().len(), 3);
    assert!(
        world
            .get(&format!("/api/v1/stats/realtime/visitors?site_id={KNOWN}"))
            .await
            .is_u64()
    );
}
