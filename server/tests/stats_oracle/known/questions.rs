//! What is asked about the known history: every card of the dashboard, and what it does to them.

use pulsecast_protocol::stats::{DateRange, Goal, GoalKind};
use serde_json::{Value, json};

/// The site's goals.
pub fn goals() -> Vec<Goal> {
    let event = |event: &str, props: &[(&str, &str)]| GoalKind::Event {
        event: event.to_owned(),
        props: props
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect(),
    };
    let page = |path: &str| GoalKind::Page {
        path: path.to_owned(),
    };
    let scroll = GoalKind::Scroll {
        path: "/blog/**".to_owned(),
        threshold: 50,
    };
    [
        ("Visit /pricing", page("/pricing"), None),
        ("Visit /docs/**", page("/docs/**"), None),
        ("Signup", event("Signup", &[]), None),
        ("Team signup", event("Signup", &[("plan", "team")]), None),
        ("Purchase", event("Purchase", &[]), Some("EUR")),
        ("Read half a post", scroll, None),
    ]
    .into_iter()
    .zip(1..)
    .map(|((name, kind, currency), id)| Goal {
        id,
        name: name.to_owned(),
        kind,
        currency: currency.map(ToOwned::to_owned),
    })
    .collect()
}

/// Funnels by name, with their goals' names and range.
pub fn funnels() -> Vec<(&'static str, Vec<&'static str>, DateRange)> {
    let day = |day| chrono::NaiveDate::from_ymd_opt(2026, 3, day).unwrap();
    let all = DateRange::Dates(day(28), day(30));
    vec![
        ("Buying", vec!["Visit /pricing", "Signup", "Purchase"], all),
        (
            "Reading first",
            vec!["Read half a post", "Visit /pricing", "Signup"],
            all,
        ),
        (
            "Buying on Sunday",
            vec!["Visit /pricing", "Signup", "Purchase"],
            DateRange::Dates(day(29), day(29)),
        ),
    ]
}

const DAYS: [&str; 2] = ["2026-03-28", "2026-03-30"];

fn query(more: &Value) -> Value {
    let mut query = json!({ "site_id": super::DOMAIN, "date_range": DAYS });
    for (key, value) in more.as_object().unwrap() {
        query[key] = value.clone();
    }
    query
}

/// Questions by name.
pub fn queries() -> Vec<(&'static str, Value)> {
    let top = [
        "visitors",
        "visits",
        "pageviews",
        "views_per_visit",
        "bounce_rate",
        "visit_duration",
    ];
    let by = |dimensions: &[&str]| json!({ "metrics": ["visitors", "percentage"], "dimensions": dimensions });
    let with = |base: &Value, filters: Value| {
        let mut base = base.clone();
        base["filters"] = filters;
        base
    };
    let totals = json!({ "metrics": top });
    let compared = |mode: Value| json!({ "metrics": top, "date_range": ["2026-03-30", "2026-03-30"], "include": { "comparisons": mode } });
    let pages = json!({ "metrics": ["visitors", "pageviews", "bounce_rate", "time_on_page", "scroll_depth"], "dimensions": ["event:page"] });
    let goals = json!({
        "metrics": ["visitors", "events", "conversion_rate", "total_revenue", "average_revenue"], "dimensions": ["event:goal"]
    });
    let graph = |unit: &str, range: [&str; 2]| json!({ "metrics": ["visitors", "pageviews", "visits"], "dimensions": [unit], "date_range": range, "include": { "time_labels": true } });
    let german = json!([["is", "visit:country", ["DE"]]]);
    let blog = json!([["contains", "event:page", ["/blog"]]]);
    let or = json!([
        [
            "or",
            [
                ["is", "visit:source", ["Google"]],
                ["is", "visit:channel", ["Email"]]
            ]
        ],
        ["is_not", "visit:device", ["Mobile"]]
    ]);
    let bought = json!([["has_done", ["is", "event:goal", ["Purchase"]]]]);
    [
        ("totals", totals.clone()),
        ("totals of Sunday", json!({ "metrics": top, "date_range": ["2026-03-29", "2026-03-29"] })),
        ("totals compared with the day before", compared(json!({ "mode": "previous_period" }))),
        ("totals compared with Saturday", compared(json!({ "mode": "custom", "date_range": ["2026-03-28", "2026-03-28"] }))),
        ("graph by day", graph("time:day", DAYS)),
        ("graph by hour of Sunday", graph("time:hour", ["2026-03-29", "2026-03-29"])),
        ("graph by week", graph("time:week", DAYS)),
        ("pages", pages.clone()),
        ("entry pages", json!({ "metrics": ["visitors", "visits", "bounce_rate", "visit_duration"], "dimensions": ["visit:entry_page"] })),
        ("exit pages", json!({ "metrics": ["visitors", "visits", "exit_rate"], "dimensions": ["visit:exit_page"] })),
        ("sources", json!({ "metrics": ["visitors", "bounce_rate", "visit_duration"], "dimensions": ["visit:source"] })),
        ("channels", by(&["visit:channel"])),
        ("referrers", by(&["visit:referrer"])),
        ("referrers of Google", with(&by(&["visit:referrer"]), json!([["is", "visit:source", ["Google"]]]))),
        ("utm mediums", by(&["visit:utm_medium"])),
        ("utm sources", by(&["visit:utm_source"])),
        ("utm campaigns", by(&["visit:utm_campaign"])),
        ("utm contents", by(&["visit:utm_content"])),
        ("utm terms", by(&["visit:utm_term"])),
        ("countries", by(&["visit:country"])),
        ("regions", by(&["visit:region"])),
        ("cities", by(&["visit:city"])),
        ("browsers", by(&["visit:browser"])),
        ("browser versions", by(&["visit:browser", "visit:browser_version"])),
        ("systems", by(&["visit:os"])),
        ("system versions", by(&["visit:os", "visit:os_version"])),
        ("devices", by(&["visit:device"])),
        ("screens", by(&["visit:screen"])),
        ("languages", by(&["visit:language"])),
        ("goals", goals.clone()),
        ("plans", json!({ "metrics": ["visitors", "events", "percentage"], "dimensions": ["event:props:plan"], "filters": [["is", "event:goal", ["Signup"]]] })),
        ("authors", json!({ "metrics": ["visitors", "events"], "dimensions": ["event:props:author"] })),
        ("totals of Germany", with(&totals, german.clone())),
        ("pages of Germany", with(&pages, german)),
        ("totals of the blog", with(&totals, blog.clone())),
        ("goals of the blog's readers", with(&goals, blog)),
        ("totals of Google or e-mail, not on phones", with(&totals, or)),
        ("totals of who bought", with(&totals, bought)),
        ("conversion by source", json!({ "metrics": ["visitors", "conversion_rate", "group_conversion_rate"], "dimensions": ["visit:source"],
            "filters": [["is", "event:goal", ["Signup"]]] })),
        ("the second three pages by name", json!({ "metrics": ["pageviews"], "dimensions": ["event:page"],
            "order_by": [["event:page", "asc"]], "pagination": { "limit": 3, "offset": 3 }, "include": { "total_rows": true } })),
    ]
    .into_iter()
    .map(|(name, more)| (name, query(&more)))
    .collect()
}
