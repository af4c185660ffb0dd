//! One question, asked of both.

use super::{
    history::{History, Step},
    naive::{Answer, Naive},
    subject::Subject,
};
use pulsecast_protocol::stats::{
    CohortUnit, ComparedRow, DateRange, Filter, Goal, Meta, Metric, MetricValue, Query, QueryResult,
};
use pulsecast_server::stats::{Scope, StatsError};
use std::fmt::{Debug, Write as _};

/// What is asked.
#[derive(Clone, Debug)]
pub enum Question {
    Query(Box<Query>),
    Funnel {
        steps: Vec<Goal>,
        range: DateRange,
        filters: Vec<Filter>,
    },
    Returns {
        range: DateRange,
        filters: Vec<Filter>,
    },
    Cohorts {
        prop: String,
        unit: CohortUnit,
        range: DateRange,
        filters: Vec<Filter>,
    },
}

/// How the answers differ.
#[derive(Clone, Debug)]
pub enum Difference {
    /// The server refuses what is valid by the page.
    Refused(String),
    /// What differs first.
    Figures(String),
}

/// A history loaded into both.
pub struct Both {
    pub naive: Naive,
    pub subject: Subject,
}

impl Both {
    pub fn of(history: &History, scope: &Scope) -> Self {
        let (subject, events) = Subject::of(history);
        Self {
            naive: Naive::new(&events, scope.clone(), history.now).with(&history.imported),
            subject,
        }
    }

    /// Asks both; `None` when they agree.
    pub fn differ(&self, question: &Question) -> Option<Difference> {
        let scope = &self.naive.scope;
        match question {
            Question::Query(query) => match self.subject.query(scope, query) {
                Err(error) => Some(Difference::Refused(error.to_string())),
                Ok(answers) => {
                    let expected = self.naive.query(query);
                    answers
                        .iter()
                        .find_map(|answer| compare(query, &expected, answer))
                        .map(Difference::Figures)
                }
            },
            Question::Funnel {
                steps,
                range,
                filters,
            } => same(
                self.naive.funnel(steps, *range, filters),
                self.subject.funnel(scope, steps, *range, filters),
            ),
            Question::Returns { range, filters } => same(
                self.naive.returns(*range, filters),
                self.subject.returns(scope, *range, filters),
            ),
            Question::Cohorts {
                prop,
                unit,
                range,
                filters,
            } => same(
                self.naive.cohorts(prop, *unit, *range, filters),
                self.subject.cohorts(scope, prop, *unit, *range, filters),
            ),
        }
    }
}

fn same<T: PartialEq + Debug>(expected: T, got: Result<T, StatsError>) -> Option<Difference> {
    match got {
        Err(error) => Some(Difference::Refused(error.to_string())),
        Ok(got) if got == expected => None,
        Ok(got) => Some(Difference::Figures(format!(
            "expected {expected:#?}\ngot {got:#?}"
        ))),
    }
}

/// What differs first, if anything.
fn compare(query: &Query, expected: &Answer, got: &QueryResult) -> Option<String> {
    let mut difference = String::new();
    let (e, g) = (&expected.meta, &got.meta);
    if e.total_rows != g.total_rows {
        write!(
            difference,
            "total_rows: expected {:?}, got {:?}",
            e.total_rows, g.total_rows
        )
        .unwrap();
    }
    if (&e.time_labels, &e.comparison_time_labels) != (&g.time_labels, &g.comparison_time_labels) {
        write!(
            difference,
            "time_labels: expected {:?} {:?}, got {:?} {:?}",
            e.time_labels, e.comparison_time_labels, g.time_labels, g.comparison_time_labels
        )
        .unwrap();
    }
    if (e.imports_included, &e.imports_skip_reason) != (g.imports_included, &g.imports_skip_reason) {
        write!(
            difference,
            "imports: expected {:?} {:?}, got {:?} {:?}",
            e.imports_included, e.imports_skip_reason, g.imports_included, g.imports_skip_reason
        )
        .unwrap();
    }
    let lacking = |meta: &Meta| -> Vec<Metric> {
        let warned = meta
            .metric_warnings
            .iter()
            .filter(|(_, why)| why.contains("imported"));
        warned.map(|(metric, _)| *metric).collect()
    };
    if lacking(e) != lacking(g) {
        write!(
            difference,
            "not imported: expected {:?}, got {:?}",
            lacking(e),
            lacking(g)
        )
        .unwrap();
    }
    let rows = expected.rows.len().max(got.results.len());
    for place in 0..rows {
        let (e, g) = (expected.rows.get(place), got.results.get(place));
        let same = e.zip(g).is_some_and(|(e, g)| {
            e.dimensions == g.dimensions
                && same_figures(&e.metrics, &g.metrics)
                && match (&e.comparison, &g.comparison) {
                    (None, None) => true,
                    (Some(e), Some(g)) => same_comparison(&query.metrics, e, g),
                    _ => false,
                }
        });
        if !same {
            write!(difference, "row {place}\n  expected {e:?}\n  got      {g:?}\n").unwrap();
            break;
        }
    }
    (!difference.is_empty()).then_some(difference)
}

fn same_comparison(metrics: &[Metric], e: &ComparedRow, g: &ComparedRow) -> bool {
    let same_change = |place: usize| match (e.change[place], g.change.get(place).copied().flatten()) {
        (None, None) => true,
        // Averages of money are not rounded: a half may fall to either side.
        (Some(e), Some(g)) if metrics[place] == Metric::AverageRevenue => (e - g).abs() < 1.5,
        (Some(e), Some(g)) => close(e, g),
        _ => false,
    };
    e.dimensions == g.dimensions
        && same_figures(&e.metrics, &g.metrics)
        && e.change.len() == g.change.len()
        && (0..e.change.len()).all(same_change)
}

fn same_figures(e: &[MetricValue], g: &[MetricValue]) -> bool {
    let currency = |value: &MetricValue| match value {
        MetricValue::Money { currency, .. } => Some(currency.clone()),
        _ => None,
    };
    e.len() == g.len()
        && e.iter().zip(g).all(|(e, g)| {
            currency(e) == currency(g)
                && match (e.number(), g.number()) {
                    (None, None) => true,
                    (Some(e), Some(g)) => close(e, g),
                    _ => false,
                }
        })
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * a.abs().max(1.0)
}

/// Everything that is needed to see why.
pub fn told(history: &History, scope: &Scope, question: &Question, difference: &Difference) -> String {
    let mut told = format!("\nsite 1 in {}, asked at {}\n", history.zone, time(history.now));
    let (events, batches) = history.played();
    let mut events = events.iter();
    for step in &history.steps {
        match step {
            Step::Arrives(_) => {
                let event = events.next().unwrap();
                let mut hit = serde_json::to_value(&event.hit).unwrap();
                let fields = hit.as_object_mut().unwrap();
                for known in ["at", "visitor", "visitor_before"] {
                    fields.remove(known);
                }
                if fields["client"]
                    .as_object()
                    .is_some_and(serde_json::Map::is_empty)
                {
                    fields.remove("client");
                }
                let shown = super::naive::wall(event.hit.at, history.zone);
                writeln!(
                    told,
                    "  #{} {} ({shown} there) visit {} visitor {} {hit}",
                    event.seq,
                    time(event.hit.at),
                    event.visit.0,
                    event.visitor.0
                )
                .unwrap();
            }
            Step::Stored => told += "  stored\n",
            Step::Swept => told += "  swept and stored\n",
        }
    }
    for (site, row) in &history.imported {
        let given = row.group.iter().zip(pulsecast_server::store::Daily::COLUMNS);
        let group: Vec<String> = given
            .filter_map(|(value, column)| Some(format!("{column} {:?}", value.as_ref()?)))
            .collect();
        let given = row.figures.iter().zip(pulsecast_server::store::Daily::FIGURES);
        let figures: Vec<String> = given
            .filter(|(figure, _)| **figure > 0)
            .map(|(figure, name)| format!("{name} {figure}"))
            .collect();
        writeln!(
            told,
            "  imported for site {} on {}: {} [{}] {}",
            site.0,
            row.day,
            row.report,
            group.join(", "),
            figures.join(", ")
        )
        .unwrap();
    }
    let ended: Vec<u64> = batches
        .iter()
        .flat_map(|b| &b.ended)
        .map(|visit| visit.id.0)
        .collect();
    writeln!(told, "  visits in the store: {ended:?}").unwrap();
    writeln!(told, "goals {}", serde_json::to_string(&scope.goals).unwrap()).unwrap();
    writeln!(
        told,
        "segments {}",
        serde_json::to_string(&scope.segments).unwrap()
    )
    .unwrap();
    if let Some(forced) = &scope.forced {
        writeln!(told, "forced {}", serde_json::to_string(forced).unwrap()).unwrap();
    }
    match question {
        Question::Query(query) => writeln!(told, "query {}", serde_json::to_string(query).unwrap()).unwrap(),
        other => writeln!(told, "question {other:?}").unwrap(),
    }
    match difference {
        Difference::Refused(why) => writeln!(told, "refused: {why}").unwrap(),
        Difference::Figures(what) => writeln!(told, "{what}").unwrap(),
    }
    told
}

fn time(at: pulsecast_protocol::Timestamp) -> String {
    let utc = chrono::DateTime::from_timestamp_millis(at.millis()).unwrap();
    utc.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)
}
