//! The table at the end: what was measured, what the floor was in the same run, and what the budget is.

use std::{fmt::Display, time::Duration};

/// Whether a figure keeps its budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Kept,
    Missed,
    /// There is no budget for it.
    Told,
}

#[derive(Debug)]
struct Row {
    what: String,
    measured: String,
    floor: String,
    ratio: String,
    budget: String,
    verdict: Verdict,
}

/// Rows as they come.
#[derive(Debug, Default)]
pub struct Report {
    rows: Vec<Row>,
    remarks: Vec<String>,
}

/// A figure's unit; decides how it is written.
#[derive(Clone, Copy, Debug)]
pub enum Unit {
    /// Thousands with a separator.
    Count,
    /// Given in seconds, written in the unit that reads best.
    Time,
    /// Given in bytes, written in KiB or MB.
    Bytes,
}

/// What is good.
#[derive(Clone, Copy, Debug)]
pub enum Budget {
    /// This much or more.
    AtLeast(f64),
    /// This much or less.
    AtMost(f64),
    /// Not budgeted.
    None,
}

impl Report {
    /// Adds a figure, with the floor where there is one.
    pub fn add(&mut self, what: impl Display, unit: Unit, measured: f64, floor: Option<f64>, budget: Budget) {
        let verdict = match budget {
            Budget::AtLeast(least) if measured >= least => Verdict::Kept,
            Budget::AtMost(most) if measured <= most => Verdict::Kept,
            Budget::None => Verdict::Told,
            Budget::AtLeast(_) | Budget::AtMost(_) => Verdict::Missed,
        };
        let row = Row {
            what: what.to_string(),
            measured: unit.write(measured),
            floor: floor.map_or_else(String::new, |floor| unit.write(floor)),
            ratio: floor
                .filter(|floor| *floor > 0.0)
                .map_or_else(String::new, |floor| format!("{:.2}", measured / floor)),
            budget: match budget {
                Budget::AtLeast(least) => format!("≥ {}", unit.write(least)),
                Budget::AtMost(most) => format!("≤ {}", unit.write(most)),
                Budget::None => String::new(),
            },
            verdict,
        };
        eprintln!("bench:   {}: {}", row.what, row.measured);
        self.rows.push(row);
    }

    /// Adds a line below the table.
    pub fn remark(&mut self, text: impl Display) {
        eprintln!("bench:   {text}");
        self.remarks.push(text.to_string());
    }

    /// Prints it, as a table that Markdown understands too.
    pub fn print(&self) {
        let head = ["what", "measured", "floor, same run", "ratio", "budget", ""].map(str::to_owned);
        let lines: Vec<[String; 6]> = std::iter::once(head)
            .chain(self.rows.iter().map(Row::cells))
            .collect();
        let mut widths = [0; 6];
        for line in &lines {
            for (width, cell) in widths.iter_mut().zip(line) {
                *width = cell.chars().count().max(*width);
            }
        }
        for (n, line) in lines.iter().enumerate() {
            println!("{}", written(line, widths));
            if n == 0 {
                println!("|-{}|", widths.map(|width| "-".repeat(width)).join("-|-") + "-");
            }
        }
        for remark in &self.remarks {
            println!("- {remark}");
        }
    }
}

impl Row {
    fn cells(&self) -> [String; 6] {
        let verdict = match self.verdict {
            Verdict::Kept => "kept",
            Verdict::Missed => "MISSED",
            Verdict::Told => "",
        };
        [
            &self.what,
            &self.measured,
            &self.floor,
            &self.ratio,
            &self.budget,
            verdict,
        ]
        .map(|cell| cell.to_string())
    }
}

/// Names to the left, figures to the right.
fn written(cells: &[String; 6], widths: [usize; 6]) -> String {
    let mut line = String::from("|");
    for (n, (cell, width)) in cells.iter().zip(widths).enumerate() {
        let gap = " ".repeat(width - cell.chars().count());
        let (before, after) = if matches!(n, 0 | 5) {
            ("", gap.as_str())
        } else {
            (gap.as_str(), "")
        };
        line.push_str(&format!(" {before}{cell}{after} |"));
    }
    line
}

impl Unit {
    fn write(self, value: f64) -> String {
        match self {
            Self::Count => thousands(value.round() as u64),
            Self::Time if value < 0.000_1 => format!("{:.1} µs", value * 1e6),
            Self::Time if value < 0.001 => format!("{:.0} µs", value * 1e6),
            Self::Time if value < 0.1 => format!("{:.1} ms", value * 1e3),
            Self::Time if value < 1.0 => format!("{:.0} ms", value * 1e3),
            Self::Time => format!("{value:.2} s"),
            Self::Bytes if value < 1e6 => format!("{:.1} KiB", value / 1024.0),
            Self::Bytes => format!("{:.0} MB", value / 1e6),
        }
    }
}

fn thousands(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// As the table takes it.
pub fn seconds(duration: Duration) -> f64 {
    duration.as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_written_for_people() {
        assert_eq!(Unit::Count.write(1_234_567.4), "1,234,567");
        assert_eq!(Unit::Count.write(12.0), "12");
        assert_eq!(Unit::Time.write(0.000_004_5), "4.5 µs");
        assert_eq!(Unit::Time.write(0.25), "250 ms");
        assert_eq!(Unit::Bytes.write(8192.0), "8.0 KiB");
        assert_eq!(Unit::Bytes.write(50e6), "50 MB");
    }

    #[test]
    fn a_budget_that_is_missed_says_so() {
        let mut report = Report::default();
        report.add("slow", Unit::Time, 2.0, Some(1.0), Budget::AtMost(1.5));
        report.add("fast enough", Unit::Count, 2.0, None, Budget::AtLeast(2.0));
        let verdicts: Vec<_> = report.rows.iter().map(|row| row.verdict).collect();
        assert_eq!(verdicts, [Verdict::Missed, Verdict::Kept]);
        assert_eq!(
            (report.rows[0].ratio.as_str(), report.rows[1].ratio.as_str()),
            ("2.00", "")
        );
    }
}
