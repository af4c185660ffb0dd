//! The figures over HTTP are the ones that the oracle wrote down, in both versions of the API.

use crate::world::{KNOWN, World, answers};
use serde_json::{Value, json};

#[tokio::test]
async fn every_known_question_is_answered_as_the_oracle_does() {
    let world = World::start().await;
    let known = answers();
    let known = known["answers"].as_object().unwrap();
    assert!(known.len() > 30);
    for (name, known) in known {
        let answer = world.query(&known["query"]).await;
        assert_eq!(answer["results"], known["results"], "{name}");
        for (key, value) in known["meta"].as_object().unwrap() {
            assert_eq!(answer["meta"][key], *value, "{name}: meta.{key}");
        }
        assert_eq!(answer["query"]["site_id"], KNOWN);
    }
}

/// The rows of a known answer.
fn rows(known: &Value, name: &str) -> Vec<(Vec<Value>, Vec<Value>)> {
    let list = |value: &Value| value.as_array().unwrap().clone();
    let rows = list(&known["answers"][name]["results"]);
    rows.iter()
        .map(|row| (list(&row["dimensions"]), list(&row["metrics"])))
        .collect()
}

#[tokio::test]
async fn version_1_gives_the_same_figures_in_its_own_shape() {
    let world = World::start().await;
    let known = answers();
    let days = format!("site_id={KNOWN}&period=custom&date=2026-03-28,2026-03-30");

    let names = [
        "visitors",
        "visits",
        "pageviews",
        "views_per_visit",
        "bounce_rate",
        "visit_duration",
    ];
    let totals = world
        .get(&format!(
            "/api/v1/stats/aggregate?{days}&metrics={}",
            names.join(",")
        ))
        .await;
    for (name, value) in names.iter().zip(&rows(&known, "totals")[0].1) {
        assert_eq!(totals["results"][name], json!({"value": value}), "{name}");
    }

    let monday = "/api/v1/stats/aggregate?site_id=known.example&period=day&date=2026-03-30&metrics=visitors&compare=previous_period";
    let compared = world.get(monday).await;
    let row = &known["answers"]["totals compared with the day before"]["results"][0];
    let figure = json!({"value": row["metrics"][0], "change": row["comparison"]["change"][0]});
    assert_eq!(compared["results"]["visitors"], figure);

    let sources = world
        .get(&format!(
            "/api/v1/stats/breakdown?{days}&property=visit:source&metrics=visitors,bounce_rate,visit_duration"
        ))
        .await;
    let expected: Vec<_> = rows(&known, "sources")
        .iter()
        .map(|(of, figures)| json!({"source": of[0], "visitors": figures[0], "bounce_rate": figures[1], "visit_duration": figures[2]}))
        .collect();
    assert_eq!(sources["results"], json!(expected));

    let by_day = world
        .get(&format!(
            "/api/v1/stats/timeseries?{days}&metrics=visitors,pageviews,visits"
        ))
        .await;
    let expected: Vec<_> = rows(&known, "graph by day")
        .iter()
        .map(|(of, figures)| json!({"date": of[0], "visitors": figures[0], "pageviews": figures[1], "visits": figures[2]}))
        .collect();
    assert_eq!(by_day["results"], json!(expected));

    let germany = world
        .get(&format!(
            "/api/v1/stats/aggregate?{days}&metrics=visitors&filters=visit:country%3D%3DDE"
        ))
        .await;
    assert_eq!(
        germany["results"]["visitors"]["value"],
        rows(&known, "totals of Germany")[0].1[0]
    );
    let blog = world
        .get(&format!(
            "/api/v1/stats/aggregate?{days}&metrics=visitors&filters=event:page%3D%3D/blog**"
        ))
        .await;
    assert_eq!(
        blog["results"]["visitors"]["value"],
        rows(&known, "totals of the blog")[0].1[0]
    );
}

#[tokio::test]
async fn days_without_a_visit_are_there_and_empty() {
    let world = World::start().await;
    let path = format!(
        "/api/v1/stats/timeseries?site_id={KNOWN}&period=custom&date=2026-03-01,2026-03-02&metrics=visitors,bounce_rate"
    );
    let quiet = world.get(&path).await;
    assert_eq!(
        quiet["results"],
        json!([
            {"date": "2026-03-01", "visitors": 0, "bounce_rate": null},
            {"date": "2026-03-02", "visitors": 0, "bounce_rate": null}
        ])
    );
}
