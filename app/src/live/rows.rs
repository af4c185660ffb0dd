//! What a live query's messages make of its answer. Pure; where something was missed it says so.

use pulsecast_protocol::stats::{Meta, MetricValue, ResultRow};
use serde::Deserialize;

/// As much of a [`pulsecast_protocol::stats::LiveResult`] as pages show: reading all of it would be a tenth of the browser's program.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Told {
    version: u64,
    from: Option<u64>,
    len: u32,
    rows: Vec<ToldRow>,
    meta: Option<ToldMeta>,
    error: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ToldRow {
    i: u32,
    dimensions: Vec<String>,
    metrics: Vec<MetricValue>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ToldMeta {
    time_labels: Option<Vec<String>>,
    total_rows: Option<u64>,
}

/// The newest answer to a query.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    /// Its rows, as the query orders them.
    pub rows: Vec<ResultRow>,
    /// What is to be said about them.
    pub meta: Meta,
    /// Why it is not brought up to date at the moment.
    pub error: Option<String>,
    /// Its number; 0 while there is none.
    pub version: u64,
    missed: bool,
}

/// What a message meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Took {
    /// The answer is another now.
    News,
    /// Nothing: it is of an answer that we gave up, and the whole is on its way.
    Nothing,
    /// It changes an answer that we do not have: ask for the whole.
    Gap,
}

impl Answer {
    /// Takes a message in.
    pub fn take(&mut self, message: Told) -> Took {
        match message.from {
            None if message.version == 0 => {
                // None could be had yet: what is on the screen stays.
                self.error = message.error;
                self.missed = false;
                return Took::News;
            }
            None => {
                self.rows.clear();
                self.missed = false;
            }
            Some(_) if self.missed => return Took::Nothing,
            Some(from) if from != self.version => {
                self.missed = true;
                return Took::Gap;
            }
            Some(_) => {}
        }
        self.version = message.version;
        self.error = message.error;
        self.rows.resize_with(message.len as usize, ResultRow::default);
        for new in message.rows {
            let Some(row) = self.rows.get_mut(new.i as usize) else {
                continue;
            };
            if !new.dimensions.is_empty() {
                row.dimensions = new.dimensions;
            }
            row.metrics = new.metrics;
        }
        if let Some(meta) = message.meta {
            self.meta.time_labels = meta.time_labels;
            self.meta.total_rows = meta.total_rows;
        }
        Took::News
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pulsecast_protocol::stats::LiveResult;

    fn told(text: &str) -> Told {
        // What is read here is what the server writes.
        serde_json::from_str::<LiveResult>(text).unwrap();
        serde_json::from_str(text).unwrap()
    }

    fn two_rows() -> Answer {
        let mut answer = Answer::default();
        let whole = r#"{"version":5,"len":2,"rows":[{"i":0,"dimensions":["/"],"metrics":[9]},{"i":1,"dimensions":["/a"],"metrics":[4]}],"meta":{"time_labels":["a","b"]}}"#;
        assert_eq!(answer.take(told(whole)), Took::News);
        answer
    }

    fn rows(answer: &Answer) -> Vec<(String, Option<f64>)> {
        let row = |row: &ResultRow| (row.dimensions.join(","), row.metrics[0].number());
        answer.rows.iter().map(row).collect()
    }

    #[test]
    fn a_change_touches_the_rows_that_it_names() {
        let mut answer = two_rows();
        let change = r#"{"version":6,"from":5,"len":3,"rows":[{"i":0,"metrics":[10]},{"i":2,"dimensions":["/b"],"metrics":[1.5]}]}"#;
        assert_eq!(answer.take(told(change)), Took::News);
        let expected = [("/", 10.0), ("/a", 4.0), ("/b", 1.5)].map(|(name, n)| (name.to_owned(), Some(n)));
        assert_eq!(rows(&answer), expected);
        assert_eq!(
            (
                answer.version,
                answer.meta.time_labels.map_or(0, |labels| labels.len())
            ),
            (6, 2)
        );
    }

    #[test]
    fn rows_that_are_gone_go() {
        let mut answer = two_rows();
        answer.take(told(r#"{"version":6,"from":5,"len":1,"rows":[]}"#));
        assert_eq!(rows(&answer), [("/".to_owned(), Some(9.0))]);
    }

    #[test]
    fn a_change_of_another_answer_is_a_gap_until_the_whole_comes() {
        let mut answer = two_rows();
        let later = r#"{"version":8,"from":7,"len":2,"rows":[{"i":0,"metrics":[99]}]}"#;
        assert_eq!(answer.take(told(later)), Took::Gap);
        assert_eq!(answer.take(told(later)), Took::Nothing, "asked for once");
        assert_eq!(
            answer,
            Answer {
                missed: true,
                ..two_rows()
            },
            "what is shown stays"
        );
        assert_eq!(
            answer.take(told(
                r#"{"version":9,"len":1,"rows":[{"i":0,"dimensions":["/"],"metrics":[99]}]}"#
            )),
            Took::News
        );
        assert_eq!(rows(&answer), [("/".to_owned(), Some(99.0))]);
        assert_eq!(
            answer.take(told(
                r#"{"version":10,"from":9,"len":1,"rows":[{"i":0,"metrics":[null]}]}"#
            )),
            Took::News
        );
        assert_eq!(answer.rows[0].metrics, [MetricValue::None]);
    }

    #[test]
    fn a_failure_keeps_the_figures_and_ends_with_the_next_message() {
        let mut answer = two_rows();
        answer.take(told(
            r#"{"version":5,"from":5,"len":2,"rows":[],"error":"too slow"}"#,
        ));
        assert_eq!(
            (answer.error.as_deref(), answer.rows.len()),
            (Some("too slow"), 2)
        );
        answer.take(told(r#"{"version":5,"from":5,"len":2,"rows":[]}"#));
        assert_eq!(answer, two_rows());
    }

    #[test]
    fn while_there_is_no_answer_yet_what_is_shown_stays() {
        let mut answer = two_rows();
        answer.take(told(
            r#"{"version":0,"len":0,"rows":[],"error":"the store is away"}"#,
        ));
        assert_eq!((answer.error.is_some(), answer.rows.len()), (true, 2));
    }
}
