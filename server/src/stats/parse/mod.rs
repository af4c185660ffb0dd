//! Reads questions: JSON as Plausible's Stats API v2 has it (<https://plausible.io/docs/stats-api>) becomes a [`Query`], or an error that names
//! the part that is wrong: `metrics[1]: no such metric "visitorz": use …`. What needs no store to be found wrong is found wrong here.

mod at;
mod filters;
mod funnel;
mod include;
mod range;
mod rules;
#[cfg(test)]
mod tests;

pub use funnel::question_text;
pub use rules::check;

use super::StatsError;
use at::{At, quoted};
use pulsecast_protocol::{
    Domain,
    stats::{Dimension, Direction, Filter, Include, Metric, OrderBy, OrderKey, Pagination, Query},
};
use serde_json::Value;

/// What a question may have at most. Its whole text is bounded by the edge (64 KiB) or by the longest message of a socket.
pub mod limit {
    /// Dimensions to group by.
    pub const DIMENSIONS: usize = 5;
    /// Filters within filters.
    pub const DEPTH: usize = 8;
    /// Comparisons of all filters together.
    pub const CONDITIONS: usize = 100;
    /// Values of one comparison.
    pub const VALUES: usize = 1_000;
    /// Characters of a value.
    pub const VALUE: usize = 2_000;
    /// Characters of a regular expression.
    pub const EXPRESSION: usize = 500;
    /// Days of `…d`: ten years.
    pub const DAYS: u16 = 3_660;
    /// Months of `…mo`: ten years.
    pub const MONTHS: u16 = 120;
}

const KEYS: [&str; 9] = [
    "site_id",
    "metrics",
    "date_range",
    "date",
    "dimensions",
    "filters",
    "order_by",
    "include",
    "pagination",
];

/// Reads a question.
///
/// # Errors
/// [`StatsError::Invalid`] with the path of the first part that is wrong.
pub fn query(json: &Value) -> Result<Query, StatsError> {
    let at = At::root(json);
    at.object(&KEYS)?;
    let metrics = metrics(&at.required("metrics", "[\"visitors\"]")?)?;
    let dimensions = at.key("dimensions").map(|at| dimensions(&at)).transpose()?;
    let dimensions = dimensions.unwrap_or_default();
    let order_by = at
        .key("order_by")
        .map(|at| order_by(&at, &metrics, &dimensions))
        .transpose()?;
    let query = Query {
        site_id: site_id(&at.required("site_id", "\"example.com\"")?)?,
        date_range: range::date_range(&at.required("date_range", "\"7d\"")?)?,
        date: at.key("date").map(|at| range::date(&at)).transpose()?,
        filters: at
            .key("filters")
            .map(|at| filters::list(&at))
            .transpose()?
            .unwrap_or_default(),
        order_by: order_by.unwrap_or_default(),
        include: at
            .key("include")
            .map_or(Ok(Include::default()), |at| include::include(&at))?,
        pagination: at
            .key("pagination")
            .map_or(Ok(Pagination::default()), |at| pagination(&at))?,
        metrics,
        dimensions,
    };
    rules::check(&query)?;
    Ok(query)
}

/// Reads filters alone, as a segment keeps them. `path` is what an error calls them.
///
/// # Errors
/// As [`query`].
pub fn filters(path: &str, json: &Value) -> Result<Vec<Filter>, StatsError> {
    filters::list(&At::named(path, json))
}

/// Reads a text as JSON.
///
/// # Errors
/// When it is not.
pub fn json(text: &[u8]) -> Result<Value, StatsError> {
    serde_json::from_slice(text).map_err(|e| {
        at::invalid(
            "query",
            format!("is not JSON ({e}): send an object such as {{\"site_id\": …}}"),
        )
    })
}

fn site_id(at: &At<'_>) -> Result<Domain, StatsError> {
    at.text("the site's domain")?.parse().map_err(|e| at.wrong(e))
}

/// The metric of this name.
fn metric(at: &At<'_>) -> Result<Metric, StatsError> {
    let name = at.text("a metric's name")?;
    name.parse().map_err(|_| {
        let known: Vec<_> = Metric::ALL.iter().map(|metric| metric.name()).collect();
        at.wrong(format!(
            "no such metric \"{}\": use one of {}",
            quoted(name),
            known.join(", ")
        ))
    })
}

fn metrics(at: &At<'_>) -> Result<Vec<Metric>, StatsError> {
    let mut metrics = Vec::new();
    for part in at.list("metrics, such as [\"visitors\"]")? {
        let metric = metric(&part)?;
        if metrics.contains(&metric) {
            return Err(part.wrong(format!("{metric} is asked for twice: name each metric once")));
        }
        metrics.push(metric);
    }
    if metrics.is_empty() {
        return Err(at.wrong("is empty: ask for at least one, such as \"visitors\""));
    }
    Ok(metrics)
}

/// The dimension of this name.
fn dimension(at: &At<'_>) -> Result<Dimension, StatsError> {
    let name = at.text("a dimension's name")?;
    // Plausible has numbers for cities and names beside them; here a city is its name.
    let name = if name == "visit:city_name" {
        "visit:city"
    } else {
        name
    };
    name.parse().map_err(|_| {
        at.wrong(format!(
            "no such dimension \"{}\": use event:goal, event:name, event:page, event:hostname, event:props:…, \
             visit:entry_page, visit:exit_page, visit:source, visit:referrer, visit:channel, visit:utm_source, \
             visit:utm_medium, visit:utm_campaign, visit:utm_content, visit:utm_term, visit:device, visit:browser, \
             visit:browser_version, visit:os, visit:os_version, visit:country, visit:region, visit:city, \
             visit:language, visit:screen, time, time:minute, time:hour, time:day, time:week or time:month",
            quoted(name)
        ))
    })
}

fn dimensions(at: &At<'_>) -> Result<Vec<Dimension>, StatsError> {
    let mut dimensions: Vec<Dimension> = Vec::new();
    for part in at.list("dimensions, such as [\"visit:source\"]")? {
        let dimension = dimension(&part)?;
        if dimensions.contains(&dimension) {
            return Err(part.wrong(format!("{dimension} is named twice: name each dimension once")));
        }
        if dimension.is_time() && dimensions.iter().any(Dimension::is_time) {
            return Err(part.wrong("is a second dimension of time: keep one of them"));
        }
        if dimensions.len() == limit::DIMENSIONS {
            return Err(part.wrong(format!("is one too many: group by at most {}", limit::DIMENSIONS)));
        }
        dimensions.push(dimension);
    }
    Ok(dimensions)
}

fn order_by(at: &At<'_>, metrics: &[Metric], dimensions: &[Dimension]) -> Result<Vec<OrderBy>, StatsError> {
    let mut order: Vec<OrderBy> = Vec::new();
    for part in at.list("pairs, such as [[\"visitors\", \"desc\"]]")? {
        let [key, way] = &part.list("a metric or dimension and asc or desc")?[..] else {
            return Err(part.wrong("has to be a pair, such as [\"visitors\", \"desc\"]"));
        };
        let key = order_key(key, metrics, dimensions)?;
        if order.iter().any(|OrderBy(other, _)| *other == key) {
            return Err(part.wrong("orders by the same as one before: leave one out"));
        }
        let way = match way.text("asc or desc")? {
            "asc" => Direction::Asc,
            "desc" => Direction::Desc,
            other => return Err(way.wrong(format!("no such order \"{}\": use asc or desc", quoted(other)))),
        };
        order.push(OrderBy(key, way));
    }
    Ok(order)
}

fn order_key(at: &At<'_>, metrics: &[Metric], dimensions: &[Dimension]) -> Result<OrderKey, StatsError> {
    let name = at.text("a metric or a dimension")?;
    if let Ok(metric) = name.parse::<Metric>() {
        return if metrics.contains(&metric) {
            Ok(OrderKey::Metric(metric))
        } else {
            Err(at.wrong(format!(
                "{metric} is not asked for: add it to metrics, or order by another"
            )))
        };
    }
    let dimension = dimension(at)?;
    if dimensions.contains(&dimension) {
        Ok(OrderKey::Dimension(dimension))
    } else {
        Err(at.wrong(format!(
            "{dimension} is not asked for: add it to dimensions, or order by another"
        )))
    }
}

fn pagination(at: &At<'_>) -> Result<Pagination, StatsError> {
    at.object(&["limit", "offset"])?;
    let all = Pagination::default();
    let limit = at
        .key("limit")
        .map(|at| at.whole(1..=Pagination::MOST))
        .transpose()?;
    let offset = at.key("offset").map(|at| at.whole(0..=u32::MAX)).transpose()?;
    Ok(Pagination {
        limit: limit.unwrap_or(all.limit),
        offset: offset.unwrap_or(all.offset),
    })
}
