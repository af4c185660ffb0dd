//! A question about a site's history, as Plausible's Stats API v2 has it. Serialises to the very JSON that the server parses.

use super::{DateRange, Dimension, Filter, Metric};
use crate::id::Domain;
use chrono::NaiveDate;
use serde::{Serialize, Serializer};

/// A question.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Query {
    /// Of which site.
    pub site_id: Domain,
    /// What is counted; at least one.
    pub metrics: Vec<Metric>,
    /// When.
    pub date_range: DateRange,
    /// Which day counts as today, for periods named relative to it (`day`, `month`, `7d` …); `None` is really today.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date: Option<NaiveDate>,
    /// By what; one row without any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dimensions: Vec<Dimension>,
    /// Of which events; all of these are true.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub filters: Vec<Filter>,
    /// Which rows come first; empty is by time, then by the first metric, most first, then by the dimensions.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub order_by: Vec<OrderBy>,
    /// What else is answered.
    #[serde(skip_serializing_if = "Include::is_empty")]
    pub include: Include,
    /// Which rows.
    pub pagination: Pagination,
}

/// One level of order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderBy(pub OrderKey, pub Direction);

/// What rows are ordered by; has to be asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OrderKey {
    /// A figure.
    Metric(Metric),
    /// A group's name.
    Dimension(Dimension),
}

/// Which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Smallest first.
    Asc,
    /// Largest first.
    Desc,
}

impl Serialize for OrderBy {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            OrderKey::Metric(metric) => (metric, self.1).serialize(serializer),
            OrderKey::Dimension(dimension) => (dimension, self.1).serialize(serializer),
        }
    }
}

/// What is answered beside the rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Include {
    /// Imported figures are added where they can be.
    #[serde(skip_serializing_if = "is_false")]
    pub imports: bool,
    /// `meta.time_labels`: every bucket of the range, also the empty ones.
    #[serde(skip_serializing_if = "is_false")]
    pub time_labels: bool,
    /// `meta.total_rows`: how many rows there are without pagination.
    #[serde(skip_serializing_if = "is_false")]
    pub total_rows: bool,
    /// The same rows in another period.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comparisons: Option<Comparison>,
}

impl Include {
    /// Whether nothing else is asked for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_false(is: &bool) -> bool {
    !*is
}

/// With which period it is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Comparison {
    /// How that period is found.
    pub mode: ComparisonMode,
    /// [`ComparisonMode::Custom`]'s days, both included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date_range: Option<(NaiveDate, NaiveDate)>,
    /// Moved by up to three days, so that it begins on the same weekday.
    #[serde(skip_serializing_if = "is_false")]
    pub match_day_of_week: bool,
}

/// How the compared period is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ComparisonMode {
    /// The one of the same length right before.
    PreviousPeriod,
    /// The same days a year earlier.
    YearOverYear,
    /// These days.
    Custom,
}

/// Which rows of all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Pagination {
    /// At most this many; [`Pagination::MOST`] is the most.
    pub limit: u32,
    /// After this many.
    pub offset: u32,
}

impl Pagination {
    /// Rows of one answer.
    pub const MOST: u32 = 10_000;
}

impl Default for Pagination {
    fn default() -> Self {
        Self {
            limit: Self::MOST,
            offset: 0,
        }
    }
}
