//! Answers as CSV ([RFC 4180](https://www.rfc-editor.org/rfc/rfc4180)): a column a dimension, a column a figure. What visitors wrote never becomes
//! a formula in somebody's spreadsheet.

use pulsecast_protocol::stats::{
    Cohort, CohortUnit, Cohorts, Dimension, FunnelResult, FunnelStepResult, Metric, MetricValue, Query,
    ResultRow, Returns,
};

/// What a code stands for: the name of a country or region.
pub type Names = fn(&Dimension, &str) -> Option<String>;

/// Writes rows of one question.
#[derive(Clone, Debug)]
pub struct Table {
    dimensions: Vec<Dimension>,
    metrics: Vec<Metric>,
    compares: bool,
    names: Names,
}

impl Table {
    /// For answers to this question.
    #[must_use]
    pub fn of(query: &Query, names: Names) -> Self {
        Self {
            dimensions: query.dimensions.clone(),
            metrics: query.metrics.clone(),
            compares: query.include.comparisons.is_some(),
            names,
        }
    }

    /// The names of the columns.
    #[must_use]
    pub fn head(&self) -> Vec<u8> {
        let mut cells = Vec::new();
        for dimension in &self.dimensions {
            let name = column(dimension);
            if is_code(dimension) {
                cells.push(format!("{name}_name"));
            }
            cells.push(guarded(name));
        }
        cells.extend(self.metrics.iter().map(Metric::to_string));
        if self.has_money() {
            cells.push("currency".to_owned());
        }
        if self.compares {
            for metric in &self.metrics {
                cells.extend([format!("{metric}_before"), format!("{metric}_change")]);
            }
        }
        line(&cells)
    }

    /// Rows, a line each.
    #[must_use]
    pub fn rows(&self, rows: &[ResultRow]) -> Vec<u8> {
        rows.iter().flat_map(|row| self.row(row)).collect()
    }

    fn row(&self, row: &ResultRow) -> Vec<u8> {
        let mut cells = Vec::new();
        for (dimension, value) in self.dimensions.iter().zip(&row.dimensions) {
            if is_code(dimension) {
                cells.push(guarded(
                    (self.names)(dimension, value).unwrap_or_else(|| value.clone()),
                ));
            }
            cells.push(guarded(value.clone()));
        }
        cells.extend(row.metrics.iter().map(number));
        if self.has_money() {
            let currency = row.metrics.iter().find_map(|value| match value {
                MetricValue::Money { currency, .. } => Some(currency.clone()),
                _ => None,
            });
            cells.push(guarded(currency.unwrap_or_default()));
        }
        if self.compares {
            let before = row.comparison.clone().unwrap_or_default();
            for at in 0..self.metrics.len() {
                let change = before.change.get(at).copied().flatten();
                cells.push(before.metrics.get(at).map(number).unwrap_or_default());
                cells.push(change.map(|change| change.to_string()).unwrap_or_default());
            }
        }
        line(&cells)
    }

    fn has_money(&self) -> bool {
        let money = |metric: &Metric| matches!(metric, Metric::TotalRevenue | Metric::AverageRevenue);
        self.metrics.iter().any(money)
    }
}

/// The steps of a funnel, and before them everybody.
#[must_use]
pub fn funnel(result: &FunnelResult) -> Vec<u8> {
    let everybody = [
        "(all visitors)".to_owned(),
        result.all_visitors.to_string(),
        String::new(),
        String::new(),
    ];
    let step = |step: &FunnelStepResult| {
        [
            guarded(step.label.clone()),
            step.visitors.to_string(),
            step.conversion_rate.to_string(),
            step.dropoff.to_string(),
        ]
    };
    let head = ["step", "visitors", "conversion_rate", "dropoff"].map(str::to_owned);
    let rows = [head, everybody].into_iter().chain(result.steps.iter().map(step));
    rows.flat_map(|cells| line(&cells)).collect()
}

/// Returns within the day.
#[must_use]
pub fn returns(returns: &Returns) -> Vec<u8> {
    let often = |at: usize| match at + 1 {
        Returns::VISITS => format!("{} or more", Returns::VISITS),
        times => times.to_string(),
    };
    let hours = |at: usize| {
        let before = at.checked_sub(1).and_then(|at| Returns::HOURS.get(at));
        match (before, Returns::HOURS.get(at)) {
            (Some(from), Some(to)) => format!("{from} to {to}"),
            (Some(from), None) => format!("more than {from}"),
            (None, to) => format!("up to {}", to.copied().unwrap_or_default()),
        }
    };
    let visits = returns.visits.iter().enumerate();
    let gaps = returns.gaps.iter().enumerate();
    let visits = visits.map(|(at, n)| ["visits_in_a_day".to_owned(), often(at), n.to_string()]);
    let gaps = gaps.map(|(at, n)| ["hours_until_next_visit".to_owned(), hours(at), n.to_string()]);
    let head = ["what", "how_many", "count"].map(str::to_owned);
    let rows = std::iter::once(head).chain(visits).chain(gaps);
    rows.flat_map(|cells| line(&cells)).collect()
}

/// People by when they were first seen, and how many of them in each step after it.
#[must_use]
pub fn cohorts(cohorts: &Cohorts, unit: CohortUnit) -> Vec<u8> {
    let unit = match unit {
        CohortUnit::Day => "day",
        CohortUnit::Week => "week",
    };
    let steps = cohorts.rows.iter().map(|row| row.seen.len()).max().unwrap_or(1);
    let mut head = vec!["first_seen".to_owned(), "people".to_owned()];
    head.extend((1..steps).map(|n| format!("{unit}_{n}")));
    let row = |row: &Cohort| {
        let seen = (0..steps).map(|at| row.seen.get(at).map(u64::to_string).unwrap_or_default());
        std::iter::once(row.label.clone()).chain(seen).collect::<Vec<_>>()
    };
    let rows = std::iter::once(head).chain(cohorts.rows.iter().map(row));
    rows.flat_map(|cells| line(&cells)).collect()
}

fn is_code(dimension: &Dimension) -> bool {
    matches!(dimension, Dimension::Country | Dimension::Region)
}

/// `visit:source` → `source`, `event:props:plan` → `plan`, `time:day` → `date`.
fn column(dimension: &Dimension) -> String {
    match dimension {
        Dimension::Time(_) => "date".to_owned(),
        Dimension::Prop(key) => key.clone(),
        other => {
            let name = other.to_string();
            name.split_once(':')
                .map_or(name.clone(), |(_, name)| name.to_owned())
        }
    }
}

fn number(value: &MetricValue) -> String {
    match value {
        MetricValue::Count(n) => n.to_string(),
        MetricValue::Number(n) => n.to_string(),
        MetricValue::Money { value, .. } => value.to_string(),
        MetricValue::None => String::new(),
    }
}

/// With what formulas begin: the wide ones are taken for the others where people write Chinese or Japanese.
const FORMULA: [char; 11] = [
    '=', '+', '-', '@', '\t', '\r', '\n', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}',
];

/// A spreadsheet takes a cell that begins like this for a formula; an apostrophe says that it is text
/// (<https://owasp.org/www-community/attacks/CSV_Injection>). Only what somebody wrote, never our own numbers.
#[must_use]
pub fn guarded(text: String) -> String {
    if text.starts_with(FORMULA) {
        format!("'{text}")
    } else {
        text
    }
}

fn line(cells: &[String]) -> Vec<u8> {
    let mut out = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    // Into memory: there is nothing that could fail.
    match out.write_record(cells) {
        Ok(()) => out.into_inner().unwrap_or_default(),
        Err(_) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pulsecast_protocol::stats::{
        ComparedRow, Comparison, ComparisonMode, DateRange, Include, Pagination, TimeUnit,
    };

    fn query(dimensions: Vec<Dimension>, metrics: Vec<Metric>) -> Query {
        Query {
            site_id: "example.com".parse().unwrap(),
            metrics,
            date_range: DateRange::All,
            date: None,
            dimensions,
            filters: Vec::new(),
            order_by: Vec::new(),
            include: Include::default(),
            pagination: Pagination::default(),
        }
    }

    fn written(query: &Query, rows: &[ResultRow]) -> String {
        let table = Table::of(query, |_, code| (code == "DE").then(|| "Germany".to_owned()));
        String::from_utf8([table.head(), table.rows(rows)].concat()).unwrap()
    }

    fn row(dimensions: &[&str], metrics: Vec<MetricValue>) -> ResultRow {
        ResultRow {
            dimensions: dimensions.iter().map(|&d| d.to_owned()).collect(),
            metrics,
            comparison: None,
        }
    }

    #[test]
    fn what_visitors_wrote_is_never_a_formula_and_numbers_stay_numbers() {
        let query = query(
            vec![Dimension::Page, Dimension::Prop("=plan".into())],
            vec![Metric::Visitors, Metric::BounceRate],
        );
        let rows = [
            row(
                &["=HYPERLINK(\"x\")", "a,b"],
                vec![MetricValue::Count(3), MetricValue::Number(33.3)],
            ),
            row(
                &["@sum", "-1\n+2"],
                vec![MetricValue::Count(-1), MetricValue::None],
            ),
        ];
        assert_eq!(
            written(&query, &rows),
            "page,'=plan,visitors,bounce_rate\r\n\"'=HYPERLINK(\"\"x\"\")\",\"a,b\",3,33.3\r\n'@sum,\"'-1\n+2\",-1,\r\n"
        );
    }

    #[test]
    fn no_cell_that_somebody_wrote_begins_as_formulas_do() {
        let query = query(vec![Dimension::Source], vec![Metric::Visitors]);
        for begin in FORMULA {
            let text = format!("{begin}cmd|' /C calc'!A0");
            let out = written(&query, &[row(&[&text], vec![MetricValue::Count(1)])]);
            let mut reader = csv::ReaderBuilder::new().from_reader(out.as_bytes());
            let cell = reader.records().next().unwrap().unwrap()[0].to_owned();
            assert_eq!(cell, format!("'{text}"));
        }
        let result = FunnelResult {
            all_visitors: 10,
            steps: vec![FunnelStepResult {
                label: "=goal".into(),
                visitors: 4,
                conversion_rate: 40.0,
                dropoff: 6,
            }],
        };
        assert_eq!(
            String::from_utf8(funnel(&result)).unwrap(),
            "step,visitors,conversion_rate,dropoff\r\n(all visitors),10,,\r\n'=goal,4,40,6\r\n"
        );
    }

    #[test]
    fn retention_is_a_table_too() {
        let some = Returns {
            visits: vec![5, 3, 0, 0, 1],
            gaps: vec![2, 0, 0, 1, 1],
        };
        let text = String::from_utf8(returns(&some)).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[1], "visits_in_a_day,1,5");
        assert_eq!(lines[5], "visits_in_a_day,5 or more,1");
        assert_eq!(lines[6], "hours_until_next_visit,up to 1,2");
        assert_eq!(lines[10], "hours_until_next_visit,more than 8,1");
        let cohort = |label: &str, seen: &[u64]| Cohort {
            label: label.to_owned(),
            seen: seen.to_vec(),
        };
        let rows = vec![cohort("2026-01-05", &[9, 4, 2]), cohort("2026-01-12", &[3, 1])];
        assert_eq!(
            String::from_utf8(cohorts(&Cohorts { rows }, CohortUnit::Week)).unwrap(),
            "first_seen,people,week_1,week_2\r\n2026-01-05,9,4,2\r\n2026-01-12,3,1,\r\n"
        );
    }

    #[test]
    fn codes_have_their_names_and_money_its_currency() {
        let query = query(vec![Dimension::Country], vec![Metric::TotalRevenue]);
        let euro = MetricValue::Money {
            value: 9.5,
            currency: "EUR".into(),
        };
        assert_eq!(
            written(
                &query,
                &[
                    row(&["DE"], vec![euro]),
                    row(&["(not set)"], vec![MetricValue::None])
                ]
            ),
            "country_name,country,total_revenue,currency\r\nGermany,DE,9.5,EUR\r\n(not set),(not set),,\r\n"
        );
    }

    #[test]
    fn a_comparison_has_columns_of_its_own() {
        let mut query = query(vec![Dimension::Time(TimeUnit::Day)], vec![Metric::Visitors]);
        query.include.comparisons = Some(Comparison {
            mode: ComparisonMode::PreviousPeriod,
            date_range: None,
            match_day_of_week: false,
        });
        let mut compared = row(&["2026-01-02"], vec![MetricValue::Count(5)]);
        compared.comparison = Some(ComparedRow {
            dimensions: vec!["2026-01-01".into()],
            metrics: vec![MetricValue::Count(10)],
            change: vec![Some(-50.0)],
        });
        assert_eq!(
            written(&query, &[compared]),
            "date,visitors,visitors_before,visitors_change\r\n2026-01-02,5,10,-50\r\n"
        );
    }
}
