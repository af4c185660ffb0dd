//! What `query:{site}` channels carry: a query's result, and changes to it.

use super::{Meta, MetricValue};
use serde::{Deserialize, Serialize};

/// A result or a change to one. Rows that are named are now so; `len` is how many there are, rows beyond are gone. A whole result names all
/// its rows and has no `from`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LiveResult {
    /// The result's number, rising with each change.
    pub version: u64,
    /// The number of the result that this changes; whoever holds another one has to subscribe anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<u64>,
    /// How many rows there are.
    pub len: u32,
    /// Rows by their place.
    pub rows: Vec<LiveRow>,
    /// Where it is there, it replaces what was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<Meta>,
    /// Why the figures could not be brought up to date, for people: they stay what they were (version 0: there are none yet) until a
    /// message comes without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// One row of a result.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LiveRow {
    /// Its place, from 0.
    pub i: u32,
    /// See [`super::ResultRow::dimensions`]. None in a change: the row is called as it was.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dimensions: Vec<String>,
    /// See [`super::ResultRow::metrics`].
    pub metrics: Vec<MetricValue>,
    /// Figures of the compared period.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comparison: Option<super::ComparedRow>,
}
