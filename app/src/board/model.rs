//! What the dashboard shows: made by the server of answers to queries, kept current in the browser by the same functions.
//!
//! Figures are whole hundredths (see `text`). Whatever needs words or addresses arrives ready; only what can change by itself is made here.

use super::{
    labels::Bucket,
    links::encode_value,
    text::{self, Unit},
};
use pulsecast_protocol::{
    Domain, Timestamp,
    stats::{Meta, MetricValue, ResultRow},
};
use serde::{Deserialize, Serialize};

/// All of it that can move.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BoardData {
    /// Whose.
    pub domain: Domain,
    /// Whether the period includes now.
    pub motion: Motion,
    /// Who follows it, where that is not whoever is signed in.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub token: String,
    /// When it was made.
    pub at: Timestamp,
    /// Minutes that the site's clock is east of UTC.
    pub offset: i32,
    /// Distinct visitors of the last five minutes.
    pub current: Panel,
    /// How many that were.
    pub visitors: i64,
    /// The line on top.
    pub figures: Figures,
    /// The graph below it.
    pub graph: Graph,
    /// The breakdowns.
    pub cards: Vec<Card>,
}

/// Whether the figures follow what happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Motion {
    /// They do.
    Live,
    /// What is shown is over, or the viewer may not follow.
    Still,
}

/// A question and what became of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Panel {
    /// Its key among the page's questions.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub key: String,
    /// The query, as JSON; empty where there is none to follow.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub query: String,
    /// Why there is no answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// The line on top.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// The question.
    pub panel: Panel,
    /// What is counted.
    pub heads: Vec<Head>,
    /// How much, in the same order.
    pub values: Vec<Value>,
}

/// What a figure of the top line is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Its name on the wire.
    pub metric: String,
    /// Its name.
    pub label: String,
    /// What it means exactly.
    pub hint: String,
    /// How it reads.
    pub unit: Unit,
    /// Shows it as graph; orders a table's rows by it.
    pub href: String,
    /// Whether the graph shows it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub chosen: bool,
    /// Whether a fall is good news.
    #[serde(default, skip_serializing_if = "is_false")]
    pub less_is_better: bool,
    /// Why there is no figure, or no change; of a table, which way its rows are ordered by it: `none`, `ascending`, `descending`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_false(is: &bool) -> bool {
    !*is
}

/// A figure, and what it was before.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Value {
    /// Now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub now: Option<i64>,
    /// In the compared period.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<i64>,
    /// Of which currency it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
}

/// The graph.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Graph {
    /// The question.
    pub panel: Panel,
    /// What it shows.
    pub label: String,
    /// How its figures read.
    pub unit: Unit,
    /// How long a bucket is.
    pub bucket: Bucket,
    /// Its line.
    pub line: Line,
    /// The compared period's, bucket by bucket.
    pub before: Line,
    /// What that period is.
    pub before_label: String,
    /// How long buckets can be.
    pub intervals: Vec<Link>,
    /// The same as CSV.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub csv: String,
    /// What stands before a bucket's label in the address that shows it alone; empty where nothing does.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub opens: String,
    /// What is to be known about it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

/// Buckets and their figures.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// The buckets' labels, as the wire has them.
    pub labels: Vec<String>,
    /// Their figures; `None` where there is none.
    pub points: Vec<Option<i64>>,
}

/// A breakdown.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Card {
    /// The question.
    pub panel: Panel,
    /// Its heading.
    pub title: String,
    /// Its tabs.
    pub tabs: Vec<Link>,
    /// Tabs that stand in a menu, and what that is called.
    pub menu: Vec<Link>,
    /// How its rows look.
    pub look: Look,
    /// What its rows are, for the head of the list.
    pub what: String,
    /// The name of those without a value, where most have none: their row gets no bar, and alone it says nothing.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub none: String,
    /// What is counted.
    pub columns: Vec<Column>,
    /// Its rows, most first.
    pub rows: Vec<Row>,
    /// What stands before a row's name in the address that filters by it; empty where nothing does.
    pub href: String,
    /// What stands before a row's name in the address of the page itself: `https://example.com`.
    pub site: String,
    /// The whole of it.
    pub details: String,
    /// All of its rows as CSV; empty where there is none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub csv: String,
    /// What it says while it has no row.
    pub empty: String,
    /// What is to be known about it, and where to go for it.
    pub note: Option<Link>,
    /// Whether rows tell the change from the compared period.
    #[serde(default, skip_serializing_if = "is_false")]
    pub compared: bool,
}

/// How rows look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Look {
    /// Names.
    #[default]
    Plain,
    /// Names behind flags.
    Flags,
    /// A map.
    Map,
    /// Steps one after the other.
    Steps,
    /// A table of many figures.
    Table,
    /// The same, of places.
    FlagTable,
}

/// A way to somewhere.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// What it says.
    pub label: String,
    /// Where it leads.
    pub href: String,
    /// Whether that is here.
    #[serde(default, skip_serializing_if = "is_false")]
    pub current: bool,
}

/// What a column counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// Its name.
    pub label: String,
    /// How its figures read.
    pub unit: Unit,
    /// Whether a fall is good news.
    #[serde(default, skip_serializing_if = "is_false")]
    pub less_is_better: bool,
}

/// A row of a card.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// What filters are told.
    #[serde(rename = "n")]
    pub name: String,
    /// What people are told, where that differs.
    #[serde(rename = "l", default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// One a column.
    #[serde(rename = "f")]
    pub figures: Vec<Option<i64>>,
    /// The same in the compared period, as far as that is told.
    #[serde(rename = "b", default, skip_serializing_if = "Vec::is_empty")]
    pub before: Vec<Option<i64>>,
    /// Of which currency its money is.
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
}

impl Row {
    /// What it is called.
    #[must_use]
    pub fn label(&self) -> &str {
        self.label.as_deref().unwrap_or(&self.name)
    }

    /// One of its figures.
    #[must_use]
    pub fn value(&self, i: usize) -> Value {
        let at = |figures: &[Option<i64>]| figures.get(i).copied().flatten();
        Value {
            now: at(&self.figures),
            before: at(&self.before),
            currency: self.currency.clone(),
        }
    }

    /// The figure that rows are compared by.
    #[must_use]
    pub fn first(&self) -> i64 {
        self.figures.first().copied().flatten().unwrap_or_default()
    }
}

impl Card {
    /// The address that filters by this row.
    #[must_use]
    pub fn href_of(&self, name: &str) -> Option<String> {
        (!self.href.is_empty()).then(|| {
            let mut href = self.href.clone();
            encode_value(name, &mut href);
            href
        })
    }
}

/// A figure in hundredths.
#[must_use]
pub fn figure(value: &MetricValue) -> Option<i64> {
    match value {
        MetricValue::Count(n) => Some(n.saturating_mul(100)),
        other => other.number().map(text::hundredths),
    }
}

fn currency(value: &MetricValue) -> Option<String> {
    match value {
        MetricValue::Money { currency, .. } => Some(currency.clone()),
        _ => None,
    }
}

/// The top line, of the one row that its query answers, beside what was before.
#[must_use]
pub fn values(rows: &[ResultRow], before: &[Option<i64>]) -> Vec<Value> {
    let Some(row) = rows.first() else {
        return Vec::new();
    };
    let value = |(i, value): (usize, &MetricValue)| {
        let (now, before) = (figure(value), before.get(i).copied().flatten());
        Value {
            now,
            before,
            currency: currency(value),
        }
    };
    row.metrics.iter().enumerate().map(value).collect()
}

/// The top line after news: what was before stays what it was.
pub fn renew(values: &mut Vec<Value>, rows: &[ResultRow]) {
    let before: Vec<Option<i64>> = values.iter().map(|value| value.before).collect();
    *values = self::values(rows, &before);
}

/// The first figure of the only row, as a whole number.
#[must_use]
pub fn count(rows: &[ResultRow]) -> i64 {
    let first = rows.first().and_then(|row| row.metrics.first());
    first.and_then(figure).unwrap_or_default() / 100
}

impl Value {
    /// As people read it.
    #[must_use]
    pub fn text(&self, text: fn(i64, Unit) -> String, unit: Unit) -> String {
        let currency = self.currency.as_deref().filter(|_| unit == Unit::Money);
        match self.now {
            Some(now) => text::in_currency(text(now, unit), currency),
            None => "–".to_owned(),
        }
    }

    /// By how many hundredths of a per cent it changed; of percentages, by how many hundredths of a point.
    #[must_use]
    pub fn change(&self, unit: Unit) -> Option<i64> {
        let (now, before) = (self.now?, self.before?);
        if unit == Unit::Percent {
            return Some(now - before);
        }
        (before != 0).then(|| (now - before).saturating_mul(10_000) / before)
    }
}

/// A line of the rows of a query by time; what has no row is nothing where things are counted, and no figure where they are divided.
#[must_use]
pub fn line(rows: &[ResultRow], meta: &Meta, labels: &[String], unit: Unit) -> Line {
    let labels = meta.time_labels.as_deref().unwrap_or(labels);
    let nothing = (unit == Unit::Count).then_some(0);
    let mut points = vec![nothing; labels.len()];
    for row in rows {
        // Rows are asked for in the order of time, and so are labels.
        let at = row
            .dimensions
            .first()
            .and_then(|label| labels.binary_search(label).ok());
        if let Some(point) = at.and_then(|at| points.get_mut(at)) {
            *point = row.metrics.first().and_then(figure).or(nothing);
        }
    }
    Line {
        labels: labels.to_vec(),
        points,
    }
}

/// The rows of a card; `known` are those of before, whose words are kept.
#[must_use]
pub fn rows(answer: &[ResultRow], known: &[Row], name: &dyn Fn(&str) -> Option<String>) -> Vec<Row> {
    let row = |row: &ResultRow| {
        let key = row.dimensions.first().cloned().unwrap_or_default();
        let before = known.iter().find(|row| row.name == key);
        Row {
            label: match before {
                Some(before) => before.label.clone(),
                None => name(&key),
            },
            before: before.map(|row| row.before.clone()).unwrap_or_default(),
            currency: row.metrics.iter().find_map(currency),
            figures: row.metrics.iter().map(figure).collect(),
            name: key,
        }
    };
    answer.iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, n: i64) -> ResultRow {
        ResultRow {
            dimensions: vec![name.into()],
            metrics: vec![MetricValue::Count(n)],
            comparison: None,
        }
    }

    #[test]
    fn a_day_without_anything_is_on_the_line_too() {
        let meta = Meta {
            time_labels: Some(
                ["2026-11-18", "2026-11-19", "2026-11-20"]
                    .map(Into::into)
                    .to_vec(),
            ),
            ..Meta::default()
        };
        let rows = [row("2026-11-18", 3), row("2026-11-20", 2)];
        let points = line(&rows, &meta, &[], Unit::Count).points;
        assert_eq!(points, [Some(300), Some(0), Some(200)]);
        assert_eq!(line(&rows, &meta, &[], Unit::Percent).points[1], None);
        // A change carries labels only where they changed.
        let labels = meta.time_labels.unwrap();
        assert_eq!(
            line(&rows, &Meta::default(), &labels, Unit::Count).points.len(),
            3
        );
    }

    #[test]
    fn a_row_keeps_the_words_it_had() {
        let known = [Row {
            name: "DE".into(),
            label: Some("Germany".into()),
            figures: vec![Some(100)],
            before: vec![Some(50)],
            currency: None,
        }];
        let rows = rows(&[row("FR", 5), row("DE", 2)], &known, &|_| Some("new".into()));
        let labels: Vec<_> = rows.iter().map(Row::label).collect();
        assert_eq!((labels, rows[1].first()), (vec!["new", "Germany"], 200));
        let before = |n: usize| rows[n].value(0).before;
        assert_eq!((before(0), before(1)), (None, Some(50)), "and what was before it");
    }

    #[test]
    fn money_in_a_row_reads_in_its_currency_and_nothing_else_does() {
        let money = ResultRow {
            metrics: vec![
                MetricValue::Count(2),
                MetricValue::Money {
                    value: 12.5,
                    currency: "EUR".into(),
                },
            ],
            ..row("Purchase", 0)
        };
        let row = rows(&[money], &[], &|_| None).remove(0);
        assert_eq!(row.value(1).text(text::exact, Unit::Money), "12.50\u{202f}€");
        assert_eq!(row.value(0).text(text::exact, Unit::Count), "2");
    }

    #[test]
    fn the_top_line_knows_what_was_before() {
        let row = ResultRow {
            metrics: vec![
                MetricValue::Number(1.25),
                MetricValue::Count(3),
                MetricValue::None,
            ],
            ..ResultRow::default()
        };
        let values = values(&[row], &[Some(100), Some(0), None]);
        let changes: Vec<_> = values.iter().map(|value| value.change(Unit::Decimal)).collect();
        assert_eq!(changes, [Some(2500), None, None]);
        assert_eq!(values[0].change(Unit::Percent), Some(25));
    }
}
