//! The shapes of requests and answers, for the description only: what is really read and written is in `protocol::stats`, `stats::parse` and
//! the resources. Names of metrics, dimensions and operators are taken from there.
#![allow(dead_code, reason = "described, never made")]

use crate::stats::parse::limit;
use pulsecast_protocol::{
    beacon,
    stats::{Dimension, Metric, Operator, Pagination},
};
use serde_json::Value;
use std::{borrow::Cow, collections::BTreeMap};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        RefOr, Schema,
        schema::{AnyOfBuilder, ArrayBuilder, ObjectBuilder, SchemaType, Type},
    },
};

/// A schema that is built rather than derived: its name, and how.
macro_rules! built {
    ($name:ident, $schema:expr) => {
        pub struct $name;
        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                $schema
            }
        }
        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed(stringify!($name))
            }
        }
    };
}

fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(SchemaType::Type(Type::String))
}

fn one_of(names: impl IntoIterator<Item = &'static str>) -> ObjectBuilder {
    text().enum_values(Some(names))
}

built!(
    MetricName,
    one_of(Metric::ALL.map(Metric::name))
        .description(Some("A figure; docs/metrics.md defines each"))
        .into()
);

built!(
    DimensionName,
    AnyOfBuilder::new()
        .description(Some(
            "What rows are grouped by and filtered on; time in groups only"
        ))
        .item(one_of(Dimension::names()))
        .item(
            one_of(["visit:country_name", "visit:region_name", "visit:city_name"])
                .description(Some("The same by name"))
        )
        .item(
            text()
                .pattern(Some("^event:props:.+"))
                .description(Some("A custom property"))
        )
        .into()
);

built!(
    DateRange,
    AnyOfBuilder::new()
        .description(Some(
            "Days are the site's, in its time zone; both ends of a pair of dates are included"
        ))
        .item(one_of([
            "day",
            "24h",
            "7d",
            "28d",
            "30d",
            "91d",
            "month",
            "6mo",
            "12mo",
            "year",
            "all",
            "realtime",
            "realtime_30m",
        ]))
        .item(text().pattern(Some("^[1-9][0-9]*(d|mo)$")))
        .item(
            ArrayBuilder::new()
                .items(text())
                .min_items(Some(2))
                .max_items(Some(2))
        )
        .into()
);

built!(
    FilterTree,
    ArrayBuilder::new()
        .items(ObjectBuilder::new().schema_type(SchemaType::AnyValue))
        .min_items(Some(2))
        .max_items(Some(4))
        .description(Some(format!(
            "[operator, dimension, [values]] with one of {}, optionally {{\"case_sensitive\": false}}; [\"is\", \"segment\", [numbers]]; \
             [\"and\" or \"or\", [filters]]; [\"not\" or \"has_done\" or \"has_not_done\", filter]. At most {} deep, {} comparisons, {} values each",
            Operator::ALL.map(Operator::name).join(", "),
            limit::DEPTH,
            limit::CONDITIONS,
            limit::VALUES
        )))
        .into()
);

built!(
    Order,
    ArrayBuilder::new()
        .items(text())
        .min_items(Some(2))
        .max_items(Some(2))
        .description(Some("A metric or dimension that is asked for, and asc or desc"))
        .into()
);

built!(
    Figure,
    AnyOfBuilder::new()
        .description(Some(
            "A number; money; or null, where there is nothing to divide by or no one currency"
        ))
        .item(ObjectBuilder::new().schema_type(SchemaType::Type(Type::Number)))
        .item(ObjectBuilder::new().schema_type(SchemaType::Type(Type::Null)))
        .item(
            ObjectBuilder::new()
                .property(
                    "value",
                    ObjectBuilder::new().schema_type(SchemaType::Type(Type::Number))
                )
                .property("currency", text().pattern(Some("^[A-Z]{3}$")))
                .required("value")
                .required("currency"),
        )
        .into()
);

built!(
    Limit,
    ObjectBuilder::new()
        .schema_type(SchemaType::Type(Type::Integer))
        .minimum(Some(1))
        .maximum(Some(Pagination::MOST))
        .into()
);

/// A question. Keys that are not named here are refused.
#[derive(ToSchema)]
pub struct Query {
    /// The site's domain.
    site_id: String,
    #[schema(inline = false, min_items = 1)]
    metrics: Vec<MetricName>,
    date_range: DateRange,
    /// Which day counts as today for periods named relative to it.
    date: Option<String>,
    #[schema(max_items = 5)]
    dimensions: Option<Vec<DimensionName>>,
    /// All of these are true.
    filters: Option<Vec<FilterTree>>,
    order_by: Option<Vec<Order>>,
    include: Option<Include>,
    pagination: Option<Page>,
}

/// What is answered beside the rows.
#[derive(ToSchema)]
pub struct Include {
    /// Imported figures are added where they can be; `meta.imports_included` says whether.
    imports: Option<bool>,
    /// `meta.time_labels`: every bucket of the range, also the empty ones.
    time_labels: Option<bool>,
    /// `meta.total_rows`: how many rows there are without pagination.
    total_rows: Option<bool>,
    /// The same rows in another period.
    comparisons: Option<Comparison>,
    /// The same in short: `previous_period`, `year_over_year`, or a pair of dates.
    compare: Option<Value>,
    compare_match_day_of_week: Option<bool>,
}

/// With which period it is compared.
#[derive(ToSchema)]
pub struct Comparison {
    /// `previous_period`, `year_over_year` or `custom`.
    mode: String,
    /// With `custom`: both days included.
    #[schema(min_items = 2, max_items = 2)]
    date_range: Option<Vec<String>>,
    /// Moved by up to three days, so that it begins on the same weekday.
    match_day_of_week: Option<bool>,
}

/// Which rows of all.
#[derive(ToSchema)]
pub struct Page {
    limit: Option<Limit>,
    #[schema(minimum = 0)]
    offset: Option<u32>,
}

/// An answer.
#[derive(ToSchema)]
pub struct QueryAnswer {
    results: Vec<Row>,
    meta: Meta,
    /// The question as it was understood: dates resolved, defaults filled in.
    query: BTreeMap<String, Value>,
}

/// One group and its figures.
#[derive(ToSchema)]
pub struct Row {
    /// One name a dimension.
    dimensions: Vec<String>,
    /// One a metric.
    metrics: Vec<Figure>,
    #[schema(nullable = false)]
    comparison: Option<ComparedRow>,
}

/// The same group in the compared period.
#[derive(ToSchema)]
pub struct ComparedRow {
    dimensions: Vec<String>,
    metrics: Vec<Figure>,
    /// In percent of the compared figure, whole; for rates the difference in points.
    change: Vec<Option<f64>>,
}

/// What is to be said about the rows.
#[derive(ToSchema)]
pub struct Meta {
    #[schema(nullable = false)]
    time_labels: Option<Vec<String>>,
    #[schema(nullable = false)]
    comparison_time_labels: Option<Vec<String>>,
    #[schema(nullable = false)]
    total_rows: Option<u64>,
    #[schema(nullable = false)]
    imports_included: Option<bool>,
    #[schema(nullable = false)]
    imports_skip_reason: Option<String>,
    /// What is to be known about a figure, by metric.
    #[schema(nullable = false)]
    metric_warnings: Option<BTreeMap<String, String>>,
}

/// Why a question is not answered.
#[derive(ToSchema)]
pub struct Refused {
    /// A sentence that says what to do.
    error: String,
    /// The part of the request that is to blame: `filters[0][2][1]`.
    #[schema(nullable = false)]
    path: Option<String>,
}

/// Figures of a period, by metric.
#[derive(ToSchema)]
pub struct Aggregate {
    results: BTreeMap<String, AggregateFigure>,
    /// Why imported figures are not in.
    #[schema(nullable = false)]
    warning: Option<String>,
}

#[derive(ToSchema)]
pub struct AggregateFigure {
    value: Figure,
    /// With `compare`: as of [`ComparedRow::change`].
    change: Option<f64>,
}

/// Rows of figures by metric, each with its date or with the value of its property.
#[derive(ToSchema)]
pub struct Rows {
    results: Vec<BTreeMap<String, RowValue>>,
    #[schema(nullable = false)]
    warning: Option<String>,
}

built!(
    RowValue,
    AnyOfBuilder::new().item(Figure::schema()).item(text()).into()
);

/// A site.
#[derive(ToSchema)]
pub struct Site {
    domain: String,
    timezone: String,
}

/// Sites by domain.
#[derive(ToSchema)]
pub struct Sites {
    sites: Vec<Site>,
    meta: Paging,
}

/// How to go on.
#[derive(ToSchema)]
pub struct Paging {
    /// Ask with this `after` for more.
    after: Option<String>,
    before: Option<String>,
    limit: u64,
}

/// A goal.
#[derive(ToSchema)]
pub struct Goal {
    id: i64,
    display_name: String,
    /// `page` or `event`.
    goal_type: String,
    event_name: Option<String>,
    page_path: Option<String>,
    /// Of a page that has to be read this far, in percent.
    #[schema(nullable = false)]
    scroll_threshold: Option<u8>,
}

/// Goals of a site.
#[derive(ToSchema)]
pub struct Goals {
    goals: Vec<Goal>,
    meta: Paging,
}

built!(
    EventName,
    text()
        .max_length(Some(beacon::limit::NAME))
        .description(Some("`pageview`, `engagement`, or a custom event's name"))
        .into()
);

/// Something that happened on a page, with long keys; Plausible's short ones (`n`, `u`, `d`, `r`, `p`, `$`) are understood too.
#[derive(ToSchema)]
pub struct Event {
    name: EventName,
    /// The page's address.
    url: String,
    /// The site's domain.
    domain: String,
    referrer: Option<String>,
    /// At most 30, values at most 2,000 characters.
    props: Option<BTreeMap<String, Value>>,
    revenue: Option<Revenue>,
    /// Whether it shows that somebody is there; it does unless told otherwise.
    interactive: Option<bool>,
}

/// An amount of money.
#[derive(ToSchema)]
pub struct Revenue {
    /// ISO 4217.
    currency: String,
    amount: Value,
}

/// What is wrong with each field.
#[derive(ToSchema)]
pub struct EventRefused {
    errors: BTreeMap<String, Vec<String>>,
}
