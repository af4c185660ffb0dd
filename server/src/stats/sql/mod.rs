//! From a plan to one statement. Numbers of ours stand in the text, texts of the asker's are bound, always. Events are called `e`, visits `v`.

mod combine;
mod cond;
mod funnel;
mod goals;
mod imported;
mod keys;
mod marked;
mod retention;
mod rolled;
mod sources;

pub use combine::{Groups, Statement, count, statement};
pub use funnel::funnel;
pub use retention::{cohorts, props, returns};

use super::{
    buckets::instant,
    cond::Test,
    range::Span,
    rollup::RolledDays,
    sums::Sum,
    words::{FEW, Words},
};
use crate::{event::SiteId, store::Snapshot};
use pulsecast_protocol::stats::Goal;

/// Columns of visits that may be asked for.
const VISIT_COLUMNS: &str = "visit, visitor, start_at, last_at, pageviews, events, bounce, entry_hostname, entry_path, exit_hostname, \
     exit_path, referrer, source, utm_source, utm_medium, utm_campaign, utm_content, utm_term, browser, browser_version, os, os_version, \
     device, screen, country, language, region, city, channel";

/// What statements are built with: whose history, when, and the texts bound so far.
pub struct Builder<'a> {
    site: SiteId,
    span: Span,
    goals: &'a [Goal],
    snapshot: Snapshot,
    texts: Vec<String>,
    /// Days that are summed up and may be used.
    days: Option<&'a RolledDays>,
    /// What the filter's conditions fit, where that was found out.
    words: Option<&'a Words>,
}

impl<'a> Builder<'a> {
    /// Nothing bound.
    #[must_use]
    pub fn new(site: SiteId, span: Span, goals: &'a [Goal], snapshot: Snapshot) -> Self {
        Self {
            site,
            span,
            goals,
            snapshot,
            texts: Vec::new(),
            days: None,
            words: None,
        }
    }

    /// The same, helped by days that are summed up.
    #[must_use]
    pub fn with(mut self, days: Option<&'a RolledDays>, words: Option<&'a Words>) -> Self {
        (self.days, self.words) = (days, words);
        self
    }

    /// What each of these conditions fits: rows of its place and the number of a word or page, a few more than [`FEW`] at most.
    #[must_use]
    pub fn words(mut self, tests: &[&Test]) -> Statement {
        let selects: Vec<String> = tests
            .iter()
            .enumerate()
            .map(|(place, test)| {
                let fitting = self.fitting(test);
                format!("(select {place}, id from ({fitting}) f(id) limit {})", FEW + 1)
            })
            .collect();
        self.into_statement(&selects.join(" union all "), Vec::new())
    }

    /// Binds a text; gives its place in the statement.
    fn text(&mut self, text: &str) -> String {
        let place = self
            .texts
            .iter()
            .position(|bound| bound == text)
            .unwrap_or_else(|| {
                self.texts.push(text.to_owned());
                self.texts.len() - 1
            });
        format!("${}", place + 1)
    }

    /// The statement with the texts that are really in it: some were bound for parts that nobody took.
    fn into_statement(self, sql: &str, sums: Vec<Sum>) -> Statement {
        let mut texts: Vec<String> = Vec::new();
        let mut pieces = sql.split('$');
        let mut text = pieces.next().unwrap_or_default().to_owned();
        // No value stands in the text, so that a dollar is always the place of one.
        for piece in pieces {
            let digits = piece.len() - piece.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            let (place, rest) = piece.split_at(digits);
            let bound = place
                .parse::<usize>()
                .ok()
                .and_then(|place| self.texts.get(place.checked_sub(1)?));
            let Some(bound) = bound else {
                continue;
            };
            let place = texts.iter().position(|text| text == bound).unwrap_or_else(|| {
                texts.push(bound.clone());
                texts.len() - 1
            });
            text += &format!("${}{rest}", place + 1);
        }
        Statement {
            sql: text,
            texts,
            sums,
        }
    }

    /// Events `e` of the site in the span: the condition.
    fn events_in_span(&self) -> String {
        format!(
            "e.site = {} and e.happened_at >= {} and e.happened_at < {}",
            self.site.0,
            instant(self.span.from),
            instant(self.span.to)
        )
    }

    /// Visits of the site that are active in the span: a table.
    fn visits(&self) -> String {
        let active = format!(
            "site = {} and start_at < {} and last_at >= {}",
            self.site.0,
            instant(self.span.to),
            instant(self.span.from)
        );
        format!(
            "(select {VISIT_COLUMNS} from visits where {active} and batch <= {} \
              union all select {VISIT_COLUMNS} from fresh.visits where {active})",
            self.snapshot.batch
        )
    }
}
