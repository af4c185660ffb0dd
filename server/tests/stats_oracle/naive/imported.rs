//! Imported figures: which report answers a question, on which days, and which of its rows.

use super::{Asked, Naive, Names, filters::Of, groups::Group, span::day_begins};
use chrono::Days;
use pulsecast_protocol::stats::{Dimension, Filter, Metric, Subject};
use pulsecast_server::store::Daily;
use std::collections::BTreeMap;

/// A report that is added to an answer.
#[derive(Clone, Copy, Debug)]
pub struct Added {
    /// It.
    pub report: &'static str,
    /// The one for the same question without dimensions.
    pub of_all: &'static str,
}

/// What reports are by.
fn report_of(dimension: &Dimension) -> Option<&'static str> {
    Some(match dimension {
        Dimension::Source
        | Dimension::Referrer
        | Dimension::Channel
        | Dimension::UtmSource
        | Dimension::UtmMedium
        | Dimension::UtmCampaign
        | Dimension::UtmContent
        | Dimension::UtmTerm => "sources",
        Dimension::Page | Dimension::Hostname => "pages",
        Dimension::EntryPage => "entry_pages",
        Dimension::ExitPage => "exit_pages",
        Dimension::EventName => "custom_events",
        Dimension::Country | Dimension::Region => "locations",
        Dimension::Device => "devices",
        Dimension::Browser | Dimension::BrowserVersion => "browsers",
        Dimension::Os | Dimension::OsVersion => "operating_systems",
        _ => return None,
    })
}

/// The one report of all of these; that of all visitors for none.
fn report(dimensions: &[Dimension]) -> Option<&'static str> {
    let mut found = None;
    for dimension in dimensions {
        let of_this = report_of(dimension)?;
        if *found.get_or_insert(of_this) != of_this {
            return None;
        }
    }
    Some(found.unwrap_or("visitors"))
}

/// Whether a report has what a metric is made of.
pub fn has(report: &str, metric: Metric) -> bool {
    match metric {
        Metric::Visitors | Metric::Percentage => true,
        Metric::Visits | Metric::Pageviews => report != "custom_events",
        Metric::Events => report == "visitors" || report == "custom_events",
        Metric::ViewsPerVisit | Metric::BounceRate | Metric::VisitDuration => {
            report != "custom_events" && report != "pages"
        }
        Metric::TimeOnPage | Metric::ScrollDepth => report == "pages",
        _ => false,
    }
}

/// What conditions are about; `None` when one is about what visits have done, or goals.
fn subjects(filter: &Filter, into: &mut Vec<Dimension>) -> Option<()> {
    match filter {
        Filter::And(filters) | Filter::Or(filters) => filters.iter().try_for_each(|f| subjects(f, into)),
        Filter::Not(inner) => subjects(inner, into),
        Filter::HasDone(_) | Filter::HasNotDone(_) => None,
        Filter::Condition(condition) => {
            match &condition.subject {
                Subject::Dimension(dimension) => into.push(dimension.clone()),
                Subject::Segment => panic!("segments are written out before"),
            }
            Some(())
        }
    }
}

/// A row's value of a dimension.
pub fn of_row(dimension: &Dimension, row: &Daily) -> Option<String> {
    let column = match dimension {
        Dimension::Page | Dimension::EntryPage | Dimension::ExitPage => "page",
        Dimension::EventName => {
            return row.group[at("event")]
                .clone()
                .or_else(|| Some("pageview".to_owned()));
        }
        Dimension::Hostname => "hostname",
        Dimension::Source => "source",
        Dimension::Referrer => "referrer",
        Dimension::Channel => "channel",
        Dimension::UtmSource => "utm_source",
        Dimension::UtmMedium => "utm_medium",
        Dimension::UtmCampaign => "utm_campaign",
        Dimension::UtmContent => "utm_content",
        Dimension::UtmTerm => "utm_term",
        Dimension::Country => "country",
        Dimension::Region => "region",
        Dimension::Device => "device",
        Dimension::Browser => "browser",
        Dimension::BrowserVersion => "browser_version",
        Dimension::Os => "os",
        Dimension::OsVersion => "os_version",
        _ => return None,
    };
    row.group[at(column)].clone()
}

fn at(column: &str) -> usize {
    Daily::COLUMNS.iter().position(|known| *known == column).unwrap()
}

impl Naive {
    /// What is added to a question's answer, or why nothing is.
    pub fn added(&self, asked: &Asked<'_>) -> Result<Added, &'static str> {
        const UNSUPPORTED: &str = "unsupported_query";
        let mut named = Vec::new();
        subjects(&asked.filter, &mut named).ok_or(UNSUPPORTED)?;
        let of_all = report(&named).ok_or(UNSUPPORTED)?;
        named.extend(asked.query.dimensions.iter().filter(|d| !d.is_time()).cloned());
        let report = report(&named).ok_or(UNSUPPORTED)?;
        if !asked.query.metrics.iter().any(|metric| has(report, *metric)) {
            return Err(UNSUPPORTED);
        }
        if asked.query.dimensions.iter().any(Dimension::is_time) && asked.buckets.are_parts_of_days() {
            return Err("unsupported_interval");
        }
        let added = Added { report, of_all };
        if self.of_report(asked, report).next().is_some() {
            Ok(added)
        } else if self.imported.is_empty() {
            Err("no_imported_data")
        } else {
            Err("out_of_range")
        }
    }

    /// A report's rows of the days that are wholly in the range.
    fn of_report<'a>(&'a self, asked: &Asked<'_>, report: &'static str) -> impl Iterator<Item = &'a Daily> {
        let (span, zone) = (asked.span, self.scope.timezone);
        self.imported.iter().filter(move |row| {
            let is_of_it = row.report == report || (report == "custom_events" && row.report == "visitors");
            is_of_it
                && day_begins(row.day, zone) >= span.from
                && day_begins(row.day + Days::new(1), zone) <= span.to
        })
    }

    /// The rows for which the filter is true.
    fn added_rows<'a>(&'a self, asked: &Asked<'_>, report: &'static str) -> Vec<&'a Daily> {
        let past = self.past(asked.span);
        self.of_report(asked, report)
            .filter(|row| past.holds(&asked.filter, Of::Imported(row)))
            .collect()
    }

    /// Puts them into the groups that they are of.
    pub fn add<'a>(&'a self, asked: &Asked<'_>, groups: &mut BTreeMap<Names, Group<'a>>) {
        let Some(added) = asked.added else { return };
        for row in self.added_rows(asked, added.report) {
            let label = |dimension: &Dimension| match dimension {
                Dimension::Time(_) => asked.buckets.label(day_begins(row.day, self.scope.timezone)),
                _ => of_row(dimension, row).unwrap_or_else(|| dimension.none_label().to_owned()),
            };
            let names: Names = asked.query.dimensions.iter().map(label).collect();
            groups.entry(names).or_default().imported.push(row);
        }
    }

    /// Imported visitors of the question without dimensions.
    pub fn added_visitors(&self, asked: &Asked<'_>) -> u64 {
        let Some(added) = asked.added else { return 0 };
        let rows = self.added_rows(asked, added.of_all);
        rows.iter().map(|row| row.figure("visitors")).sum()
    }
}
