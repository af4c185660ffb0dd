//! What is answered to a query.

use super::Metric;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// An answer, as Plausible's Stats API v2 gives it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct QueryResult {
    /// The rows.
    pub results: Vec<ResultRow>,
    /// What is to be said about them.
    pub meta: Meta,
    /// The query as it was understood: dates resolved, defaults filled in.
    pub query: serde_json::Value,
}

/// One group and its figures.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ResultRow {
    /// One name a dimension.
    pub dimensions: Vec<String>,
    /// One figure a metric.
    pub metrics: Vec<MetricValue>,
    /// The same group in the compared period.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comparison: Option<ComparedRow>,
}

/// The compared period's figures of a row.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ComparedRow {
    /// Its names: differ from the row's in the bucket of time only.
    pub dimensions: Vec<String>,
    /// Its figures.
    pub metrics: Vec<MetricValue>,
    /// The change towards the row, in percent of the compared figure, whole (bounce and exit rate: percentage points); `None` where there is nothing to compare.
    pub change: Vec<Option<f64>>,
}

/// A figure.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum MetricValue {
    /// A whole number.
    Count(i64),
    /// Any other number.
    Number(f64),
    /// An amount of money.
    Money {
        /// How much.
        value: f64,
        /// ISO 4217.
        currency: String,
    },
    /// There is none: nothing to divide by, several currencies.
    #[default]
    None,
}

impl MetricValue {
    /// The bare number.
    #[must_use]
    pub fn number(&self) -> Option<f64> {
        match self {
            #[allow(clippy::cast_precision_loss)]
            Self::Count(n) => Some(*n as f64),
            Self::Number(n) => Some(*n),
            Self::Money { value, .. } => Some(*value),
            Self::None => None,
        }
    }
}

/// What is to be said about the rows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Meta {
    /// Every bucket of the range.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_labels: Option<Vec<String>>,
    /// Every bucket of the compared range.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comparison_time_labels: Option<Vec<String>>,
    /// Rows without pagination.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_rows: Option<u64>,
    /// Whether imported figures are in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub imports_included: Option<bool>,
    /// Why they are not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub imports_skip_reason: Option<String>,
    /// What is to be known about a figure.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub metric_warnings: BTreeMap<Metric, String>,
}
