//! What rows were in the compared period: one more question a card or table, asked only where a comparison was chosen.

use super::asks::Asks;
use pulsecast_app::board::{
    model::{self, Row},
    text::Unit,
    words,
};
use pulsecast_protocol::stats::{DateRange, Include, Metric, Pagination, Query};
use std::collections::HashMap;

/// The compared period's figures by name.
pub(super) struct Past {
    rows: HashMap<String, Vec<Option<i64>>>,
    /// What has no row had these; `None` where there are more rows than were asked for.
    nothing: Option<Vec<Option<i64>>>,
}

/// Asks the question of that range; without its page and the names of its rows, since sums of days answer it so.
pub(super) async fn past(asks: &Asks<'_>, query: Query, range: Option<DateRange>) -> Option<Past> {
    let query = Query {
        pagination: Pagination::default(),
        order_by: Vec::new(),
        include: Include {
            total_rows: false,
            ..query.include
        },
        ..Asks::over(query, range?)
    };
    let answer = asks.ask(&query).await.ok()?;
    let nothing = |metric: &Metric| (words::metric(*metric).2 == Unit::Count).then_some(0);
    let is_all = answer.results.len() < Pagination::MOST as usize;
    Some(Past {
        nothing: is_all.then(|| query.metrics.iter().map(nothing).collect()),
        rows: answer
            .results
            .into_iter()
            .filter_map(|row| {
                let figures = row.metrics.iter().map(model::figure).collect();
                Some((row.dimensions.into_iter().next()?, figures))
            })
            .collect(),
    })
}

/// The rows with what they were.
pub(super) fn beside(rows: Vec<Row>, past: Option<&Past>) -> Vec<Row> {
    let Some(past) = past else {
        return rows;
    };
    let before = |row: Row| Row {
        before: match past.rows.get(&row.name) {
            Some(figures) => figures.clone(),
            None => past.nothing.clone().unwrap_or_default(),
        },
        ..row
    };
    rows.into_iter().map(before).collect()
}
