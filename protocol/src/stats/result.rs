//! What is answered to a query.

use super::Metric;
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{self, MapAccess, Visitor},
};
use std::{collections::BTreeMap, fmt};

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
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
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

impl<'de> Deserialize<'de> for MetricValue {
    /// By hand: what serde makes of an untagged enum is many times as much code, in the browser too.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Figure)
    }
}

struct Figure;

impl<'de> Visitor<'de> for Figure {
    type Value = MetricValue;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number, an amount of money or null")
    }

    fn visit_i64<E>(self, n: i64) -> Result<MetricValue, E> {
        Ok(MetricValue::Count(n))
    }

    fn visit_u64<E: de::Error>(self, n: u64) -> Result<MetricValue, E> {
        i64::try_from(n).map(MetricValue::Count).map_err(E::custom)
    }

    fn visit_f64<E>(self, n: f64) -> Result<MetricValue, E> {
        Ok(MetricValue::Number(n))
    }

    fn visit_unit<E>(self) -> Result<MetricValue, E> {
        Ok(MetricValue::None)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<MetricValue, A::Error> {
        let Money { value, currency } = Money::deserialize(de::value::MapAccessDeserializer::new(map))?;
        Ok(MetricValue::Money { value, currency })
    }
}

#[derive(Deserialize)]
struct Money {
    value: f64,
    currency: String,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_figure_reads_back_as_it_was_written() {
        let figures = vec![
            MetricValue::Count(-3),
            MetricValue::Count(1 << 53),
            MetricValue::Number(2.5),
            MetricValue::Money {
                value: 3.0,
                currency: "EUR".into(),
            },
            MetricValue::None,
        ];
        let text = serde_json::to_string(&figures).unwrap();
        assert_eq!(
            text,
            r#"[-3,9007199254740992,2.5,{"value":3.0,"currency":"EUR"},null]"#
        );
        assert_eq!(serde_json::from_str::<Vec<MetricValue>>(&text).unwrap(), figures);
    }
}
