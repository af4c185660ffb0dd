//! What can be asked where, with examples. The functions are places for the descriptions; the handlers are in the resources.
#![allow(dead_code, reason = "described, never called")]

use super::schemas::{Aggregate, Event, EventRefused, Goals, Query, QueryAnswer, Refused, Rows, Site, Sites};

/// Answers a question about a site's history.
#[utoipa::path(
    post,
    path = "/api/v2/query",
    tag = "stats",
    security(("key" = [])),
    request_body(
        content = Query,
        examples(
            ("totals" = (summary = "Totals of 28 days, compared with the 28 before", value = json!({
                "site_id": "example.com", "metrics": ["visitors", "visits", "pageviews", "views_per_visit", "bounce_rate", "visit_duration"],
                "date_range": "28d", "include": {"compare": "previous_period"}
            }))),
            ("graph" = (summary = "Visitors by day, the empty days too", value = json!({
                "site_id": "example.com", "metrics": ["visitors", "pageviews"], "date_range": "7d",
                "dimensions": ["time:day"], "include": {"time_labels": true}
            }))),
            ("pages" = (summary = "The ten pages that visitors from Germany looked at most, and how", value = json!({
                "site_id": "example.com", "metrics": ["visitors", "pageviews", "time_on_page", "scroll_depth"], "date_range": "30d",
                "dimensions": ["event:page"], "filters": [["is", "visit:country", ["DE"]]],
                "order_by": [["pageviews", "desc"]], "include": {"total_rows": true}, "pagination": {"limit": 10, "offset": 0}
            }))),
            ("sources" = (summary = "Sources of who signed up after reading the blog", value = json!({
                "site_id": "example.com", "metrics": ["visitors", "conversion_rate", "group_conversion_rate"], "date_range": "91d",
                "dimensions": ["visit:source", "visit:utm_medium"],
                "filters": [["is", "event:goal", ["Signup"]], ["has_done", ["contains", "event:page", ["/BLOG"], {"case_sensitive": false}]]]
            }))),
            ("goals" = (summary = "Goals and what they earned", value = json!({
                "site_id": "example.com", "metrics": ["visitors", "events", "conversion_rate", "total_revenue", "average_revenue"],
                "date_range": "12mo", "dimensions": ["event:goal"]
            }))),
            ("tree" = (summary = "Filters within filters, over a time of one's own", value = json!({
                "site_id": "example.com", "metrics": ["visitors"], "date_range": ["2026-01-01T00:00:00Z", "2026-01-02T12:00:00+01:00"],
                "filters": [["or", [["matches", "event:page", ["^/docs/.*"]], ["not", ["is_not", "visit:device", ["Desktop"]]]]]]
            }))),
            ("now" = (summary = "The last half hour by the minute", value = json!({
                "site_id": "example.com", "metrics": ["visitors", "events"], "date_range": "realtime_30m", "dimensions": ["time:minute"]
            })))
        )
    ),
    responses(
        (status = 200, description = "The answer", body = QueryAnswer),
        (status = 400, description = "The question is wrong, and where", body = Refused,
            example = json!({"error": "metrics[1]: no such metric \"visitorz\": use one of …", "path": "metrics[1]"})),
        (status = 401, description = "No key, none of ours, or not for this site: a foreign site and none look the same", body = Refused),
        (status = 422, description = "It would take more time (`--query-timeout`) or memory than it may: ask for less", body = Refused),
        (status = 429, description = "Too many requests with this key; Retry-After says when to come back", body = Refused),
        (status = 503, description = "Too many questions at once; Retry-After says when to come back", body = Refused),
    )
)]
pub fn query() {}

/// How many visitors there are now: distinct visitors of the last five minutes.
#[utoipa::path(
    get,
    path = "/api/v1/stats/realtime/visitors",
    tag = "stats, version 1",
    security(("key" = [])),
    params(("site_id" = String, Query, description = "The site's domain", example = "example.com")),
    responses(
        (status = 200, description = "A bare number", body = u64),
        (status = 400, description = "A parameter is wrong", body = Refused),
        (status = 401, description = "No key for this site", body = Refused),
    )
)]
pub fn realtime() {}

/// Figures of a whole period.
#[utoipa::path(
    get,
    path = "/api/v1/stats/aggregate",
    tag = "stats, version 1",
    security(("key" = [])),
    params(
        ("site_id" = String, Query, description = "The site's domain", example = "example.com"),
        ("period" = Option<String>, Query, description = "As of date_range in version 2, or `custom`; 30d when left out", example = "30d"),
        ("date" = Option<String>, Query, description = "The last day of the period; with `custom` two, joined by a comma"),
        ("metrics" = Option<String>, Query, description = "Joined by commas; visitors when left out", example = "visitors,bounce_rate"),
        ("filters" = Option<String>, Query, description = "`visit:source==Google|Bing;event:page!=/blog/**`, or those of version 2 as JSON", example = "visit:country==DE|US;event:page==/**"),
        ("compare" = Option<String>, Query, description = "previous_period or year_over_year", example = "previous_period"),
        ("with_imported" = Option<String>, Query, description = "true adds imported figures where they can be"),
    ),
    responses(
        (status = 200, description = "The figures", body = Aggregate),
        (status = 400, description = "A parameter is wrong", body = Refused),
        (status = 401, description = "No key for this site", body = Refused),
    )
)]
pub fn aggregate() {}

/// Figures by time, a row for every bucket.
#[utoipa::path(
    get,
    path = "/api/v1/stats/timeseries",
    tag = "stats, version 1",
    security(("key" = [])),
    params(
        ("site_id" = String, Query, description = "The site's domain", example = "example.com"),
        ("period" = Option<String>, Query, description = "As of aggregate", example = "custom"),
        ("date" = Option<String>, Query, description = "As of aggregate", example = "2026-01-01,2026-01-31"),
        ("metrics" = Option<String>, Query, description = "As of aggregate", example = "visitors,pageviews,visit_duration"),
        ("filters" = Option<String>, Query, description = "As of aggregate"),
        ("interval" = Option<String>, Query, description = "minute, hour, day, week or month; by the period when left out", example = "week"),
        ("with_imported" = Option<String>, Query, description = "As of aggregate"),
    ),
    responses(
        (status = 200, description = "The buckets", body = Rows),
        (status = 400, description = "A parameter is wrong", body = Refused),
        (status = 401, description = "No key for this site", body = Refused),
    )
)]
pub fn timeseries() {}

/// Figures by a property.
#[utoipa::path(
    get,
    path = "/api/v1/stats/breakdown",
    tag = "stats, version 1",
    security(("key" = [])),
    params(
        ("site_id" = String, Query, description = "The site's domain", example = "example.com"),
        ("property" = String, Query, description = "A dimension of version 2, but time", example = "visit:source"),
        ("period" = Option<String>, Query, description = "As of aggregate", example = "6mo"),
        ("date" = Option<String>, Query, description = "As of aggregate"),
        ("metrics" = Option<String>, Query, description = "As of aggregate", example = "visitors,bounce_rate"),
        ("filters" = Option<String>, Query, description = "As of aggregate", example = "event:goal==Signup"),
        ("limit" = Option<u32>, Query, description = "Rows, at most 1000; 100 when left out", example = 5),
        ("page" = Option<u32>, Query, description = "From 1", example = 1),
        ("with_imported" = Option<String>, Query, description = "As of aggregate"),
    ),
    responses(
        (status = 200, description = "The rows, most first", body = Rows),
        (status = 400, description = "A parameter is wrong", body = Refused),
        (status = 401, description = "No key for this site", body = Refused),
    )
)]
pub fn breakdown() {}

/// The sites that the key is good for.
#[utoipa::path(
    get,
    path = "/api/v1/sites",
    tag = "sites",
    security(("key" = [])),
    params(
        ("limit" = Option<u32>, Query, description = "At most 1000; 100 when left out", example = 10),
        ("after" = Option<String>, Query, description = "Go on after this domain"),
    ),
    responses(
        (status = 200, description = "The sites", body = Sites),
        (status = 401, description = "No key", body = Refused),
    )
)]
pub fn sites() {}

/// One site.
#[utoipa::path(
    get,
    path = "/api/v1/sites/{domain}",
    tag = "sites",
    security(("key" = [])),
    params(("domain" = String, Path, description = "The site's domain", example = "example.com")),
    responses(
        (status = 200, description = "The site", body = Site),
        (status = 401, description = "No key for this site", body = Refused),
    )
)]
pub fn site() {}

/// The site's goals.
#[utoipa::path(
    get,
    path = "/api/v1/sites/goals",
    tag = "sites",
    security(("key" = [])),
    params(("site_id" = String, Query, description = "The site's domain", example = "example.com")),
    responses(
        (status = 200, description = "The goals", body = Goals),
        (status = 401, description = "No key for this site", body = Refused),
    )
)]
pub fn goals() {}

/// Reports what happened on a page.
#[utoipa::path(
    post,
    path = "/api/event",
    tag = "events",
    request_body(
        content = Event,
        examples(
            ("pageview" = (value = json!({"name": "pageview", "url": "https://example.com/pricing?utm_source=news", "domain": "example.com", "referrer": "https://duckduckgo.com/"}))),
            ("sale" = (value = json!({
                "name": "Purchase", "url": "https://example.com/checkout", "domain": "example.com",
                "props": {"plan": "team"}, "revenue": {"currency": "EUR", "amount": "29.90"}
            })))
        )
    ),
    responses(
        (status = 202, description = "It is on disk, or dropped for the reason in the header x-pulsecast-dropped", body = String, content_type = "text/plain"),
        (status = 400, description = "What is wrong with it, by field", body = EventRefused,
            example = json!({"errors": {"url": ["is required"]}})),
        (status = 413, description = "It is over 64 KiB", body = EventRefused),
        (status = 503, description = "Overloaded: send it again after Retry-After", body = EventRefused),
    )
)]
pub fn event() {}
