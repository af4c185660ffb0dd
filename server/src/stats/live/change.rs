//! What changed between two answers to the same query, in as few bytes as it takes. Pure.

use pulsecast_protocol::stats::{LiveResult, LiveRow, Meta, ResultRow};

/// An answer as readers have it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Shown {
    pub(super) version: u64,
    pub(super) rows: Vec<ResultRow>,
    pub(super) meta: Meta,
}

impl Shown {
    /// All of it, for who has nothing yet.
    pub(super) fn whole(&self) -> LiveResult {
        let rows = self.rows.iter().enumerate();
        LiveResult {
            version: self.version,
            from: None,
            len: self.len(),
            rows: rows.map(|(i, row)| named(i, row)).collect(),
            meta: Some(self.meta.clone()),
            error: None,
        }
    }

    pub(super) fn len(&self) -> u32 {
        count(self.rows.len())
    }

    /// Whether nothing is different to a reader.
    pub(super) fn says_the_same(&self, rows: &[ResultRow], meta: &Meta) -> bool {
        self.rows == rows && self.meta == *meta
    }

    /// What readers of this need to have `new`.
    pub(super) fn change_to(&self, new: &Self) -> LiveResult {
        let rows = new.rows.iter().enumerate().filter_map(|(i, row)| {
            let before = self.rows.get(i);
            if before == Some(row) {
                return None;
            }
            let mut named = named(i, row);
            if before.is_some_and(|before| before.dimensions == row.dimensions) {
                named.dimensions.clear();
            }
            Some(named)
        });
        LiveResult {
            version: new.version,
            from: Some(self.version),
            len: new.len(),
            rows: rows.collect(),
            meta: (self.meta != new.meta).then(|| new.meta.clone()),
            error: None,
        }
    }
}

fn named(i: usize, row: &ResultRow) -> LiveRow {
    LiveRow {
        i: count(i),
        dimensions: row.dimensions.clone(),
        metrics: row.metrics.clone(),
        comparison: row.comparison.clone(),
    }
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use pulsecast_app::live::rows::{Answer, Took};
    use pulsecast_protocol::stats::MetricValue;

    fn shown(version: u64, rows: &[(&str, i64)]) -> Shown {
        let row = |(name, n): &(&str, i64)| ResultRow {
            dimensions: vec![(*name).to_owned()],
            metrics: vec![MetricValue::Count(*n)],
            comparison: None,
        };
        Shown {
            version,
            rows: rows.iter().map(row).collect(),
            meta: Meta::default(),
        }
    }

    #[test]
    fn a_change_names_the_rows_that_are_different_and_no_others() {
        let (old, new) = (
            shown(1, &[("/", 9), ("/a", 5), ("/b", 4), ("/c", 1)]),
            shown(2, &[("/", 9), ("/a", 6), ("/c", 5)]),
        );
        let change = old.change_to(&new);
        assert_eq!((change.version, change.from, change.len), (2, Some(1), 3));
        let rows: Vec<_> = change
            .rows
            .iter()
            .map(|row| (row.i, row.dimensions.join("")))
            .collect();
        assert_eq!(
            rows,
            [(1, String::new()), (2, "/c".to_owned())],
            "a row that keeps its name does not repeat it"
        );
        assert_eq!(change.meta, None);
    }

    #[test]
    fn a_whole_result_names_all_rows() {
        let whole = shown(7, &[("/", 9), ("/a", 5)]).whole();
        assert_eq!((whole.from, whole.len, whole.rows.len()), (None, 2, 2));
        assert!(whole.rows.iter().all(|row| !row.dimensions.is_empty()) && whole.meta.is_some());
    }

    fn rows() -> impl Strategy<Value = Vec<ResultRow>> {
        let row = ("[ab]{0,1}", 0..3_i64).prop_map(|(name, n)| ResultRow {
            dimensions: vec![name],
            metrics: vec![MetricValue::Count(n), MetricValue::Number(0.5), MetricValue::None],
            comparison: None,
        });
        prop::collection::vec(row, 0..6)
    }

    proptest! {
        #[test]
        fn whole_and_changes_add_up_to_the_next_whole(answers in prop::collection::vec(rows(), 1..6)) {
            let shown = |(version, rows): (usize, &Vec<ResultRow>)| Shown {
                version: version as u64 + 1,
                rows: rows.clone(),
                // What pages keep of it.
                meta: Meta { time_labels: Some(vec![rows.len().to_string()]), ..Meta::default() },
            };
            let answers: Vec<Shown> = answers.iter().enumerate().map(shown).collect();
            let sent = |message: LiveResult| serde_json::from_str(&serde_json::to_string(&message).unwrap()).unwrap();
            let mut page = Answer::default();
            prop_assert_eq!(page.take(sent(answers[0].whole())), Took::News);
            for pair in answers.windows(2) {
                prop_assert_eq!(page.take(sent(pair[0].change_to(&pair[1]))), Took::News);
                prop_assert_eq!((&page.rows, &page.meta), (&pair[1].rows, &pair[1].meta));
            }
        }
    }
}
