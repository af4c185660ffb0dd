//! What v1's addresses ask, as a query of v2: that is then read and checked by the same code, and only the names in its errors are put back.

use super::filters;
use crate::{
    http::caller::Refusal,
    stats::{StatsError, parse},
};
use http::{StatusCode, Uri};
use pulsecast_protocol::{
    Domain,
    stats::{Goal, Metric, Query},
};
use serde_json::{Value, json};
use std::collections::HashMap;

/// Rows of a breakdown when nobody says how many, and the most.
const ROWS: u32 = 100;
const MOST_ROWS: u32 = 1_000;

/// The parameters of a request.
#[derive(Debug)]
pub(super) struct Params(HashMap<String, String>);

impl Params {
    /// Of this address; of several of one name the last.
    pub fn of(uri: &Uri) -> Self {
        let pairs = url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
        Self(
            pairs
                .map(|(name, value)| (name.into_owned(), value.into_owned()))
                .collect(),
        )
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0
            .get(name)
            .map(|value| value.trim())
            .filter(|value| !value.is_empty())
    }

    /// `site_id`.
    pub fn site(&self) -> Result<Domain, Refusal> {
        let text = self
            .get("site_id")
            .ok_or_else(|| wrong("site_id", "is required: name the site's domain"))?;
        text.parse().map_err(|e| wrong("site_id", e))
    }

    /// How many visitors there are now.
    pub fn realtime(&self) -> Result<Query, Refusal> {
        self.read(json!({"metrics": ["visitors"], "date_range": "realtime"}))
    }

    /// Figures of the whole period.
    pub fn aggregate(&self, goals: &[Goal]) -> Result<Query, Refusal> {
        let mut query = self.common(goals)?;
        if let Some(mode) = self.get("compare") {
            query["include"]["compare"] = mode.into();
        }
        self.read(query)
    }

    /// Figures by time.
    pub fn timeseries(&self, goals: &[Goal]) -> Result<Query, Refusal> {
        let mut query = self.common(goals)?;
        let interval = match (self.get("interval"), self.get("period")) {
            (Some("date"), _) => "day",
            (Some(interval), _) => interval,
            (None, Some("realtime" | "realtime_30m")) => "minute",
            (None, Some("day" | "24h")) => "hour",
            (None, Some("6mo" | "12mo" | "year")) => "month",
            (None, _) => "day",
        };
        if !["minute", "hour", "day", "week", "month"].contains(&interval) {
            return Err(wrong("interval", "is none of minute, hour, day, week, month"));
        }
        query["dimensions"] = json!([format!("time:{interval}")]);
        query["include"]["time_labels"] = true.into();
        self.read(query)
    }

    /// Figures by a property.
    pub fn breakdown(&self, goals: &[Goal]) -> Result<Query, Refusal> {
        let mut query = self.common(goals)?;
        let property = self.get("property").ok_or_else(|| {
            wrong(
                "property",
                "is required: name what to break down by, such as visit:source",
            )
        })?;
        if property.starts_with("time") {
            return Err(wrong("property", "cannot be time: ask /api/v1/stats/timeseries"));
        }
        let limit = self.number("limit", ROWS, MOST_ROWS)?;
        let page = self.number("page", 1, u32::MAX / MOST_ROWS)?;
        query["dimensions"] = json!([property]);
        query["pagination"] = json!({"limit": limit, "offset": (page - 1) * limit});
        self.read(query)
    }

    /// The name that a breakdown's rows carry their property under: `source` for `visit:source`.
    pub fn property_name(&self) -> String {
        let property = self.get("property").unwrap_or_default();
        let names = ["event:props:", "event:", "visit:"]
            .iter()
            .find_map(|prefix| property.strip_prefix(prefix));
        names.unwrap_or(property).to_owned()
    }

    fn common(&self, goals: &[Goal]) -> Result<Value, Refusal> {
        let metrics: Vec<_> = self
            .get("metrics")
            .unwrap_or("visitors")
            .split(',')
            .map(str::trim)
            .collect();
        let text = self.get("filters").unwrap_or_default();
        let mut query = json!({
            "metrics": metrics,
            "filters": filters::translate(text, goals).map_err(|e| wrong("filters", e))?,
            "include": {"imports": self.get("with_imported") == Some("true")},
        });
        match (self.get("period").unwrap_or("30d"), self.get("date")) {
            ("custom", Some(dates)) => {
                query["date_range"] = dates.split(',').map(str::trim).collect();
            }
            ("custom", None) => {
                return Err(wrong(
                    "date",
                    "is required with period=custom: write two dates such as 2026-01-01,2026-01-31",
                ));
            }
            (period, date) => {
                query["date_range"] = period.into();
                query["date"] = date.filter(|date| *date != "today").into();
            }
        }
        Ok(query)
    }

    fn number(&self, name: &str, default: u32, most: u32) -> Result<u32, Refusal> {
        let Some(text) = self.get(name) else {
            return Ok(default);
        };
        let number = text.parse().ok().filter(|n| (1..=most).contains(n));
        number.ok_or_else(|| wrong(name, format!("has to be a whole number from 1 to {most}")))
    }

    fn read(&self, mut query: Value) -> Result<Query, Refusal> {
        query["site_id"] = self.site()?.as_str().into();
        parse::query(&query).map_err(|error| match error {
            StatsError::Invalid { path, reason } => wrong(&self.old_name(&path), reason),
            other => other.into(),
        })
    }

    /// What v1 calls this part of a v2 query.
    fn old_name(&self, path: &str) -> String {
        let custom = self.get("period") == Some("custom");
        let end = path.find(['[', '.']).unwrap_or(path.len());
        let (name, rest) = path.split_at(end);
        match name {
            "date_range" if custom => format!("date{rest}"),
            "date_range" => "period".to_owned(),
            "dimensions" => "property".to_owned(),
            "include" => "compare".to_owned(),
            _ => path.to_owned(),
        }
    }
}

/// What a bucket of time has in which nothing happened.
pub(super) fn nothing(metric: Metric) -> Value {
    match metric {
        Metric::Visitors | Metric::Visits | Metric::Pageviews | Metric::Events => 0.into(),
        Metric::ViewsPerVisit | Metric::ConversionRate | Metric::GroupConversionRate | Metric::Percentage => {
            0.0.into()
        }
        _ => Value::Null,
    }
}

fn wrong(name: &str, reason: impl std::fmt::Display) -> Refusal {
    Refusal::new(StatusCode::BAD_REQUEST, format!("{name}: {reason}")).at(name)
}
