//! Small histories whose figures were worked out by hand from docs/metrics.md, asked of both sides: the naive side has to be right itself.

use super::{
    check::{Both, Question},
    history::{Arrival, History, Step},
};
use chrono_tz::Tz;
use pulsecast_protocol::{
    Timestamp,
    stats::{Goal, GoalKind, MetricValue},
};
use pulsecast_server::{
    event::{Client, Hit, Kind, SiteId, Utm, VisitorId},
    stats::Scope,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A history in the telling.
struct Told {
    zone: Tz,
    steps: Vec<Step>,
    now: Timestamp,
    goals: Vec<Goal>,
}

fn time(text: &str) -> Timestamp {
    Timestamp(
        chrono::DateTime::parse_from_rfc3339(text)
            .unwrap()
            .timestamp_millis(),
    )
}

/// Asked at this time.
fn history(zone: Tz, now: &str) -> Told {
    Told {
        zone,
        steps: Vec::new(),
        now: time(now),
        goals: Vec::new(),
    }
}

impl Told {
    /// Something happens to this visitor, on this page.
    fn event(self, visitor: u64, at: &str, kind: Kind, path: &str) -> Self {
        self.with(visitor, at, kind, path, |_| ())
    }

    fn view(self, visitor: u64, at: &str, path: &str) -> Self {
        self.event(visitor, at, Kind::Pageview, path)
    }

    fn with(mut self, visitor: u64, at: &str, kind: Kind, path: &str, more: impl FnOnce(&mut Hit)) -> Self {
        let at = time(at);
        let name = match kind {
            Kind::Pageview => "pageview",
            Kind::Engagement => "engagement",
            Kind::Custom | Kind::CustomPassive => "Signup",
        };
        let mut hit = Hit {
            site: SiteId(1),
            at,
            kind,
            name: name.to_owned(),
            visitor: VisitorId(visitor),
            visitor_before: None,
            hostname: "example.com".to_owned(),
            path: path.to_owned(),
            referrer: None,
            source: None,
            medium: None,
            channel: None,
            utm: Utm::default(),
            client: Client::default(),
            props: BTreeMap::new(),
            revenue: None,
            scroll_depth: None,
            engaged: None,
        };
        more(&mut hit);
        self.steps.push(Step::Arrives(Box::new(Arrival { at, hit })));
        self
    }

    fn goal(mut self, name: &str, kind: GoalKind) -> Self {
        self.goals.push(Goal {
            id: i64::try_from(self.goals.len()).unwrap(),
            name: name.to_owned(),
            kind,
            currency: None,
        });
        self
    }

    /// Both sides answer with these rows: names first, then figures. With visits open, and with visits ended.
    fn answers(&self, mut query: Value, expected: &Value) {
        query["site_id"] = json!("example.com");
        let query = pulsecast_server::stats::parse::query(&query).unwrap();
        for last in [Step::Stored, Step::Swept] {
            let rolled = matches!(last, Step::Swept);
            let history = History {
                zone: self.zone,
                steps: self.steps.iter().cloned().chain([last]).collect(),
                now: self.now,
                around: self.now,
                rolled,
                imported: Vec::new(),
            };
            let scope = Scope {
                site: SiteId(1),
                domain: "example.com".parse().unwrap(),
                timezone: self.zone,
                goals: self.goals.clone().into(),
                segments: [].into(),
                forced: None,
            };
            let both = Both::of(&history, &scope);
            let rows: Vec<Value> = both.naive.query(&query).rows.iter().map(row).collect();
            assert_eq!(json!(rows), *expected, "the naive side is wrong");
            if let Some(difference) = both.differ(&Question::Query(Box::new(query.clone()))) {
                panic!("the server is wrong: {difference:?}");
            }
        }
    }
}

fn row(row: &pulsecast_protocol::stats::ResultRow) -> Value {
    let figure = |value: &MetricValue| value.number().map_or(Value::Null, |number| json!(number));
    let names = row.dimensions.iter().map(|name| json!(name));
    names.chain(row.metrics.iter().map(figure)).collect()
}

#[test]
fn a_visit_over_midnight_counts_on_both_days_and_its_pages_where_they_were_looked_at() {
    history(Tz::Europe__Berlin, "2026-02-10T12:00:00Z")
        .view(1, "2026-02-08T22:50:00Z", "/a")
        .view(1, "2026-02-08T23:10:00Z", "/b")
        .view(1, "2026-02-08T23:20:00Z", "/c")
        .answers(
            json!({"metrics": ["visitors", "visits", "pageviews", "views_per_visit", "visit_duration"],
                "date_range": "7d", "dimensions": ["time:day"]}),
            &json!([
                ["2026-02-08", 1.0, 1.0, 1.0, 3.0, 1800.0],
                ["2026-02-09", 1.0, 1.0, 2.0, 3.0, 1800.0]
            ]),
        );
}

#[test]
fn the_hour_that_comes_twice_is_one_and_the_one_that_is_left_out_none() {
    let autumn = history(Tz::Europe__Berlin, "2025-10-27T12:00:00Z")
        .view(1, "2025-10-26T00:30:00Z", "/")
        .view(2, "2025-10-26T01:30:00Z", "/")
        .view(3, "2025-10-26T02:30:00Z", "/");
    autumn.answers(
        json!({"metrics": ["visitors"], "date_range": ["2025-10-26", "2025-10-26"], "dimensions": ["time:hour"]}),
        &json!([["2025-10-26 02:00:00", 2.0], ["2025-10-26 03:00:00", 1.0]]),
    );
    history(Tz::Europe__Berlin, "2026-03-30T12:00:00Z")
        .view(1, "2026-03-29T00:59:00Z", "/")
        .view(1, "2026-03-29T01:01:00Z", "/")
        .answers(
            json!({"metrics": ["visitors", "pageviews"], "date_range": ["2026-03-29", "2026-03-29"], "dimensions": ["time:hour"]}),
            &json!([["2026-03-29 01:00:00", 1.0, 1.0], ["2026-03-29 03:00:00", 1.0, 1.0]]),
        );
}

#[test]
fn passive_events_and_reading_leave_a_bounce_one() {
    history(Tz::UTC, "2026-02-08T12:00:00Z")
        .view(1, "2026-02-08T10:00:00Z", "/")
        .event(1, "2026-02-08T10:01:00Z", Kind::CustomPassive, "/")
        .event(1, "2026-02-08T10:02:00Z", Kind::Engagement, "/")
        .view(2, "2026-02-08T10:00:00Z", "/")
        .event(2, "2026-02-08T10:00:30Z", Kind::Custom, "/")
        .view(3, "2026-02-08T10:00:00Z", "/")
        .view(3, "2026-02-08T10:03:00Z", "/")
        .answers(
            json!({"metrics": ["bounce_rate", "visit_duration", "events", "pageviews", "views_per_visit"], "date_range": "day"}),
            &json!([[33.0, 70.0, 6.0, 4.0, 1.33]]),
        );
}

#[test]
fn who_only_goes_on_reading_is_still_there_as_a_visitor_but_did_nothing() {
    let reader = history(Tz::UTC, "2026-02-09T12:00:00Z")
        .view(1, "2026-02-08T23:50:00Z", "/")
        .with(1, "2026-02-09T00:05:00Z", Kind::Engagement, "/", |hit| {
            (hit.engaged, hit.scroll_depth) = (Some(90_500), Some(80));
        });
    reader.answers(
        json!({"metrics": ["visitors", "pageviews", "bounce_rate"], "date_range": "day"}),
        &json!([[1.0, 0.0, 100.0]]),
    );
    reader.answers(
        json!({"metrics": ["visitors", "time_on_page", "scroll_depth"], "date_range": "day", "dimensions": ["event:page"]}),
        // No row: the page was looked at yesterday.
        &json!([]),
    );
}

#[test]
fn a_goal_converts_visitors_and_one_event_may_reach_several() {
    history(Tz::UTC, "2026-02-08T12:00:00Z")
        .goal("Blog", GoalKind::Page { path: "/blog/*".into() })
        .goal("Any", GoalKind::Page { path: "/**".into() })
        .goal("Read", GoalKind::Scroll { path: "/blog/*".into(), threshold: 50 })
        .view(1, "2026-02-08T10:00:00Z", "/blog/a")
        .with(1, "2026-02-08T10:01:00Z", Kind::Engagement, "/blog/a", |hit| hit.scroll_depth = Some(50))
        .with(1, "2026-02-08T10:02:00Z", Kind::Engagement, "/blog/a", |hit| hit.scroll_depth = Some(90))
        .view(2, "2026-02-08T10:00:00Z", "/blog/a/b")
        .with(2, "2026-02-08T10:01:00Z", Kind::Engagement, "/blog/a/b", |hit| hit.scroll_depth = Some(90))
        .event(3, "2026-02-08T10:00:00Z", Kind::Custom, "/")
        .answers(
            json!({"metrics": ["visitors", "events", "conversion_rate"], "date_range": "day", "dimensions": ["event:goal"]}),
            &json!([["Any", 2.0, 2.0, 66.67], ["Blog", 1.0, 1.0, 33.33], ["Read", 1.0, 1.0, 33.33]]),
        );
}

#[test]
fn of_two_pageviews_at_one_instant_the_first_to_come_enters_and_the_last_exits() {
    history(Tz::UTC, "2026-02-08T12:00:00Z")
        .view(1, "2026-02-08T10:00:00Z", "/b")
        .view(1, "2026-02-08T10:00:00Z", "/c")
        .view(1, "2026-02-08T10:00:00Z", "/a")
        .answers(
            json!({"metrics": ["visits"], "date_range": "day", "dimensions": ["visit:entry_page", "visit:exit_page"]}),
            &json!([["/b", "/a", 1.0]]),
        );
}

#[test]
fn revenue_of_two_currencies_has_no_sum() {
    let shop = |second: &'static str| {
        history(Tz::UTC, "2026-02-08T12:00:00Z")
            .with(1, "2026-02-08T10:00:00Z", Kind::Custom, "/", |hit| {
                hit.revenue = Some((10.5, "EUR".into()))
            })
            .with(1, "2026-02-08T10:00:00Z", Kind::Custom, "/", move |hit| {
                hit.revenue = Some((20.0, second.into()))
            })
            .event(1, "2026-02-08T10:00:00Z", Kind::Custom, "/")
    };
    let query = json!({"metrics": ["total_revenue", "average_revenue"], "date_range": "day"});
    shop("EUR").answers(query.clone(), &json!([[30.5, 15.25]]));
    shop("USD").answers(query, &json!([[null, null]]));
}

#[test]
fn what_a_visit_has_done_is_looked_for_within_the_range_only() {
    let told = history(Tz::UTC, "2026-02-09T12:00:00Z")
        .view(1, "2026-02-08T23:50:00Z", "/a")
        .view(1, "2026-02-09T00:05:00Z", "/b")
        .view(2, "2026-02-09T00:00:00Z", "/a")
        .view(2, "2026-02-09T00:05:00Z", "/b");
    told.answers(
        json!({"metrics": ["visitors", "pageviews", "visits"], "date_range": "day", "dimensions": ["event:page"],
            "filters": [["has_done", ["is", "event:page", ["/a"]]]]}),
        &json!([["/a", 1.0, 1.0, 1.0], ["/b", 1.0, 1.0, 1.0]]),
    );
}

#[test]
fn the_last_five_minutes_end_with_now() {
    history(Tz::UTC, "2026-02-08T12:00:00Z")
        .view(1, "2026-02-08T11:54:59.999Z", "/")
        .view(2, "2026-02-08T11:55:00Z", "/")
        .view(3, "2026-02-08T12:00:00Z", "/")
        .answers(
            json!({"metrics": ["visitors"], "date_range": "realtime"}),
            &json!([[2.0]]),
        );
}

#[test]
fn a_period_is_compared_with_the_one_before_bucket_by_bucket() {
    let told = history(Tz::UTC, "2026-02-08T12:00:00Z")
        .view(1, "2026-02-06T10:00:00Z", "/")
        .view(2, "2026-02-06T10:00:00Z", "/")
        .view(3, "2026-02-07T10:00:00Z", "/")
        .view(4, "2026-02-08T10:00:00Z", "/")
        .view(5, "2026-02-08T10:00:00Z", "/")
        .view(6, "2026-02-08T10:00:00Z", "/");
    // The rows themselves; the comparison is compared with the server's.
    told.answers(
        json!({"metrics": ["visitors"], "date_range": ["2026-02-07", "2026-02-08"], "dimensions": ["time:day"],
            "include": {"comparisons": {"mode": "previous_period"}, "time_labels": true}}),
        &json!([["2026-02-07", 1.0], ["2026-02-08", 3.0]]),
    );
}
