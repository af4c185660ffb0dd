use super::*;
use chrono::NaiveDate;
use proptest::prelude::*;
use pulsecast_protocol::{
    Timestamp,
    stats::{Comparison, ComparisonMode, Condition, DateRange, Operator, Subject, TimeUnit},
};
use serde_json::json;

/// The error of a query that has these parts besides what every query needs, or instead of it.
fn refused(parts: Value) -> String {
    let mut json = json!({"site_id": "example.com", "metrics": ["visitors"], "date_range": "7d"});
    for (key, value) in parts.as_object().unwrap() {
        json[key] = value.clone();
    }
    match query(&json) {
        Err(error) => error.to_string(),
        Ok(query) => panic!("{json} was understood as {query:?}"),
    }
}

fn understood(parts: Value) -> Query {
    let mut json = json!({"site_id": "example.com", "metrics": ["visitors"], "date_range": "7d"});
    for (key, value) in parts.as_object().unwrap() {
        json[key] = value.clone();
    }
    query(&json).unwrap_or_else(|e| panic!("{json}: {e}"))
}

#[test]
fn plausibles_own_example_is_understood() {
    let query = understood(json!({
        "metrics": ["visitors", "pageviews", "bounce_rate"],
        "date_range": ["2024-01-01", "2024-07-01"],
        "dimensions": ["visit:country", "visit:city_name"],
        "filters": [
            ["is_not", "visit:country", [""]],
            ["or", [["contains", "event:page", ["/blog"], {"case_sensitive": false}], ["not", ["is", "segment", [7]]]]],
            ["has_done", ["is", "event:goal", ["Signup"]]],
        ],
        "order_by": [["visitors", "desc"], ["visit:country", "asc"]],
        "include": {"imports": true, "total_rows": true, "compare": "previous_period"},
        "pagination": {"limit": 10},
    }));
    assert_eq!(query.dimensions, [Dimension::Country, Dimension::City]);
    assert_eq!(query.filters.len(), 3);
    assert_eq!(query.pagination, Pagination { limit: 10, offset: 0 });
    let mode = query.include.comparisons.map(|comparison| comparison.mode);
    assert_eq!(mode, Some(ComparisonMode::PreviousPeriod));
}

#[test]
fn an_error_names_the_part_that_is_wrong() {
    for (parts, error) in [
        (
            json!({"metrics": ["visits", "visitorz"]}),
            "metrics[1]: no such metric \"visitorz\": use one of visitors, ",
        ),
        (
            json!({"metrics": ["visits", "visits"]}),
            "metrics[1]: visits is asked for twice",
        ),
        (json!({"metrics": []}), "metrics: is empty"),
        (json!({"metrics": null}), "metrics: is required"),
        (json!({"metrics": "visitors"}), "metrics: has to be a list"),
        (json!({"site_id": "a b"}), "site_id: `a b` is not a domain"),
        (
            json!({"date_range": "7days"}),
            "date_range: no such period \"7days\": use day, 24h",
        ),
        (json!({"date_range": "0d"}), "date_range: no such period"),
        (json!({"date_range": "9999d"}), "date_range: no such period"),
        (json!({"date_range": "+7d"}), "date_range: no such period"),
        (
            json!({"date_range": ["2026-02-30", "2026-03-01"]}),
            "date_range[0]: there is no day \"2026-02-30\"",
        ),
        (
            json!({"date_range": ["2026-03-02", "2026-03-01"]}),
            "date_range: 2026-03-02 is after 2026-03-01",
        ),
        (
            json!({"date_range": ["2026-03-01"]}),
            "date_range: has to hold two",
        ),
        (
            json!({"date_range": ["2026-03-01T00:00:00", "2026-03-02T00:00:00Z"]}),
            "date_range[0]: \"2026-03-01T00:00:00\" is not a time",
        ),
        (
            json!({"date_range": ["2026-03-01", "2026-03-02T00:00:00Z"]}),
            "date_range: mixes a date with a time",
        ),
        (
            json!({"date": "yesterday"}),
            "date: there is no day \"yesterday\"",
        ),
        (
            json!({"dimensions": ["visit:moon"]}),
            "dimensions[0]: no such dimension \"visit:moon\": use event:goal",
        ),
        (
            json!({"dimensions": ["time", "time:day"]}),
            "dimensions[1]: is a second dimension of time",
        ),
        (
            json!({"filters": [["is", "visit:country", ["DE", true]]]}),
            "filters[0][2][1]: has to be a text",
        ),
        (
            json!({"filters": [["is", "visit:country", []]]}),
            "filters[0][2]: is empty",
        ),
        (
            json!({"filters": [["is", "visit:country"]]}),
            "filters[0]: has to hold operator, dimension",
        ),
        (
            json!({"filters": [["is", "time:day", ["2026-01-01"]]]}),
            "filters[0][1]: time cannot be filtered",
        ),
        (
            json!({"filters": [["and", [["not", ["iz", "event:page", ["/"]]]]]]}),
            "filters[0][1][0][1][0]: no such operator \"iz\"",
        ),
        (json!({"filters": [["and", []]]}), "filters[0][1]: is empty"),
        (
            json!({"filters": [["is", "event:page", ["/"], {"case": false}]]}),
            "filters[0][3].case: no such key: use case_sensitive",
        ),
        (
            json!({"filters": [["is_not", "segment", [1]]]}),
            "filters[0][1]: goes with is only",
        ),
        (
            json!({"filters": [["is", "segment", ["one"]]]}),
            "filters[0][2][0]: has to be a segment's number",
        ),
        (
            json!({"filters": [["has_done", ["has_done", ["is", "event:page", ["/"]]]]]}),
            "filters[0][1][0]: has_done cannot be within",
        ),
        (
            json!({"filters": [["matches", "event:page", ["a".repeat(501)]]]}),
            "filters[0][2][0]: is longer than 500",
        ),
        (
            json!({"order_by": [["visits", "desc"]]}),
            "order_by[0][0]: visits is not asked for",
        ),
        (
            json!({"order_by": [["visitors", "down"]]}),
            "order_by[0][1]: no such order \"down\"",
        ),
        (json!({"order_by": ["visitors"]}), "order_by[0]: has to be a list"),
        (
            json!({"include": {"imported": true}}),
            "include.imported: no such key: use imports",
        ),
        (
            json!({"include": {"time_labels": true}}),
            "include.time_labels: needs a dimension of time",
        ),
        (
            json!({"include": {"comparisons": {"mode": "custom"}}}),
            "include.comparisons: has the mode custom and no date_range",
        ),
        (
            json!({"include": {"compare": "last_week"}}),
            "include.compare: no such comparison \"last_week\"",
        ),
        (
            json!({"pagination": {"limit": 1_000_000}}),
            "pagination.limit: has to be a whole number from 1 to 10000",
        ),
        (
            json!({"pagination": {"offset": -1}}),
            "pagination.offset: has to be a whole number",
        ),
        (
            json!({"metric": ["visitors"]}),
            "metric: no such key: use site_id, metrics",
        ),
        (
            json!({"metrics": ["bounce_rate"], "dimensions": ["event:props:plan"]}),
            "metrics[0]: bounce_rate is about whole visits",
        ),
        (
            json!({"metrics": ["exit_rate"]}),
            "metrics[0]: exit_rate is about exit pages",
        ),
        (
            json!({"metrics": ["exit_rate"], "dimensions": ["visit:exit_page"], "filters": [["is", "event:page", ["/"]]]}),
            "metrics[0]: exit_rate does not go with filters on events",
        ),
        (
            json!({"metrics": ["scroll_depth"]}),
            "metrics[0]: scroll_depth is about pages",
        ),
        (
            json!({"metrics": ["conversion_rate"]}),
            "metrics[0]: conversion_rate is about goals",
        ),
    ] {
        let said = refused(parts);
        assert!(said.starts_with(error), "{said}\nand not: {error}");
    }
    assert!(
        query(&json!([]))
            .unwrap_err()
            .to_string()
            .starts_with("query: has to be an object")
    );
    assert!(
        question_text(b"{")
            .unwrap_err()
            .to_string()
            .starts_with("query: is not JSON")
    );
}

#[test]
fn a_tree_of_filters_is_bounded_in_depth_and_width() {
    let deep = |levels: usize| {
        (1..levels).fold(json!(["is", "event:page", ["/"]]), |inner, _| {
            json!(["not", inner])
        })
    };
    understood(json!({"filters": [deep(limit::DEPTH)]}));
    assert!(refused(json!({"filters": [deep(limit::DEPTH + 1)]})).contains("nested deeper than 8"));
    let wide = |n: usize| vec![json!(["is", "event:page", ["/"]]); n];
    understood(json!({"filters": [["or", wide(limit::CONDITIONS)]]}));
    assert!(
        refused(json!({"filters": wide(limit::CONDITIONS + 1)}))
            .starts_with("filters[100]: is one comparison too many")
    );
    let values = vec!["x"; limit::VALUES + 1];
    assert!(
        refused(json!({"filters": [["is", "event:page", values]]}))
            .starts_with("filters[0][2]: has 1001 values")
    );
}

/// The file that the protocol's own tests write the same query to.
#[test]
fn the_golden_query_is_read_and_written_back_the_same() {
    for name in ["stats-query", "stats-query-small"] {
        let path = format!("{}/../protocol/golden/{name}.json", env!("CARGO_MANIFEST_DIR"));
        let golden: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        assert_eq!(serde_json::to_value(query(&golden).unwrap()).unwrap(), golden);
    }
}

#[test]
fn what_a_segment_may_bring_along_is_let_through() {
    let query = understood(json!({"metrics": ["conversion_rate"], "filters": [["is", "segment", ["3"]]]}));
    assert!(
        matches!(&query.filters[0], Filter::Condition(c) if c.subject == Subject::Segment && c.values == ["3"])
    );
}

fn dimension_strategy() -> impl Strategy<Value = Dimension> {
    use Dimension as D;
    prop_oneof![
        prop::sample::select(vec![
            D::Goal,
            D::EventName,
            D::Page,
            D::Hostname,
            D::EntryPage,
            D::ExitPage,
            D::Source,
            D::Channel,
            D::Device,
            D::Country,
            D::Region,
            D::City,
            D::Language,
            D::Screen,
        ]),
        "\\PC{1,20}".prop_map(D::Prop),
    ]
}

fn filter_strategy() -> impl Strategy<Value = Filter> {
    let of_dimension = (
        prop::sample::select(Operator::ALL.to_vec()),
        dimension_strategy(),
        prop::collection::vec("\\PC{0,20}", 1..4),
        any::<bool>(),
    )
        .prop_map(|(operator, dimension, values, case_sensitive)| {
            Filter::Condition(Condition {
                operator,
                subject: Subject::Dimension(dimension),
                values,
                case_sensitive,
            })
        });
    let of_segment = prop::collection::vec(any::<i64>(), 1..3).prop_map(|ids| {
        Filter::Condition(Condition {
            operator: Operator::Is,
            subject: Subject::Segment,
            values: ids.iter().map(ToString::to_string).collect(),
            case_sensitive: true,
        })
    });
    let leaf = prop_oneof![4 => of_dimension, 1 => of_segment];
    let tree = leaf.prop_recursive(4, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..3).prop_map(Filter::And),
            prop::collection::vec(inner.clone(), 1..3).prop_map(Filter::Or),
            inner.prop_map(|f| Filter::Not(Box::new(f))),
        ]
    });
    (tree, 0..5u8).prop_map(|(filter, wrapped)| match wrapped {
        0 => Filter::HasDone(Box::new(filter)),
        1 => Filter::HasNotDone(Box::new(filter)),
        _ => filter,
    })
}

fn day_strategy() -> impl Strategy<Value = NaiveDate> {
    (0..20_000u64).prop_map(|days| NaiveDate::default() + chrono::Days::new(days))
}

fn range_strategy() -> impl Strategy<Value = DateRange> {
    prop_oneof![
        prop::sample::select(vec![
            DateRange::Realtime,
            DateRange::Realtime30,
            DateRange::Day,
            DateRange::Last24h,
            DateRange::Month,
            DateRange::Year,
            DateRange::All,
        ]),
        (1..=limit::DAYS).prop_map(DateRange::LastDays),
        (1..=limit::MONTHS).prop_map(DateRange::LastMonths),
        (day_strategy(), day_strategy()).prop_map(|(a, b)| DateRange::Dates(a.min(b), a.max(b))),
        (0..2_000_000_000_000i64, 1..100_000_000_000i64)
            .prop_map(|(from, long)| DateRange::Times(Timestamp(from), Timestamp(from + long))),
    ]
}

fn include_strategy() -> impl Strategy<Value = Include> {
    let days = (day_strategy(), day_strategy()).prop_map(|(a, b)| Some((a.min(b), a.max(b))));
    let comparison = prop_oneof![
        Just((ComparisonMode::PreviousPeriod, None)),
        Just((ComparisonMode::YearOverYear, None)),
        days.prop_map(|days| (ComparisonMode::Custom, days)),
    ];
    (
        any::<bool>(),
        any::<bool>(),
        prop::option::of((comparison, any::<bool>())),
    )
        .prop_map(|(imports, total_rows, comparison)| Include {
            imports,
            time_labels: false,
            total_rows,
            comparisons: comparison.map(|((mode, date_range), match_day_of_week)| Comparison {
                mode,
                date_range,
                match_day_of_week,
            }),
        })
}

prop_compose! {
    fn query_strategy()(
        site in "[a-z]{1,8}\\.[a-z]{2,4}",
        metrics in prop::sample::subsequence(Metric::ALL.to_vec(), 1..6),
        date_range in range_strategy(),
        date in prop::option::of(day_strategy()),
        grouped in prop::collection::btree_set(dimension_strategy(), 0..3),
        time in prop::option::of(prop::sample::select(vec![TimeUnit::Auto, TimeUnit::Hour, TimeUnit::Week])),
        filters in prop::collection::vec(filter_strategy(), 0..4),
        order in any::<[bool; 2]>(),
        include in include_strategy(),
        limit in 1..=Pagination::MOST,
        offset in any::<u32>(),
    ) -> Query {
        let mut dimensions: Vec<_> = grouped.into_iter().collect();
        dimensions.extend(time.map(Dimension::Time));
        let mut query = Query {
            site_id: site.parse().unwrap(),
            metrics: Vec::new(),
            date_range,
            date,
            include: Include { time_labels: time.is_some(), ..include },
            dimensions,
            filters,
            order_by: Vec::new(),
            pagination: Pagination { limit, offset },
        };
        query.metrics = metrics.into_iter().filter(|metric| goes_with(&query, *metric)).collect();
        if query.metrics.is_empty() {
            query.metrics.push(Metric::Visitors);
        }
        let way = |up: bool| if up { Direction::Asc } else { Direction::Desc };
        query.order_by.push(OrderBy(OrderKey::Metric(query.metrics[0]), way(order[0])));
        query.order_by.extend(query.dimensions.first().map(|of| OrderBy(OrderKey::Dimension(of.clone()), way(order[1]))));
        query
    }
}

fn goes_with(query: &Query, metric: Metric) -> bool {
    check(&Query {
        metrics: vec![metric],
        ..query.clone()
    })
    .is_ok()
}

/// JSON that looks a little like a query, so that more than its first byte is read.
fn json_strategy() -> impl Strategy<Value = Value> {
    let words = prop::sample::select(vec![
        "is",
        "and",
        "or",
        "not",
        "has_done",
        "segment",
        "matches",
        "event:page",
        "time",
        "visitors",
        "desc",
        "7d",
        "mo",
        "d",
        "2026-01-01",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        words.prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 4, |inner| {
        let key = prop_oneof![
            prop::sample::select(KEYS.to_vec()).prop_map(str::to_owned),
            Just("mode".to_owned()),
            "[a-z]{1,5}"
        ];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(key, inner, 0..5)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_query_that_is_written_and_read_is_the_same(query in query_strategy()) {
        let json = serde_json::to_value(&query).unwrap();
        prop_assert_eq!(super::query(&json).unwrap(), query);
    }

    #[test]
    fn nothing_that_is_sent_makes_the_reader_panic(parts in prop::collection::btree_map(prop::sample::select(KEYS.to_vec()), json_strategy(), 0..9)) {
        let mut json = json!({"site_id": "example.com", "metrics": ["visitors"], "date_range": "7d"});
        for (key, value) in parts {
            json[key] = value;
        }
        if let Err(error) = query(&json) {
            let said = error.to_string();
            prop_assert!(said.contains(": ") && !said.ends_with('.'), "{}", said);
        }
    }
}
