//! docs/metrics.md in its plainest form: every event and visit in a list, every figure counted from scratch. Slow on purpose, so that it
//! can be read against that page line by line. Shares nothing with `server/src/stats` but the types of questions and answers.

mod buckets;
mod compared;
mod figures;
mod filters;
mod funnel;
mod goals;
mod groups;
mod imported;
mod retention;
mod span;
pub mod visits;

pub use span::{Span, day_begins, wall};

use buckets::Buckets;
use filters::Past;
use groups::{Group, Level};
use imported::Added;
use pulsecast_protocol::{
    Timestamp,
    stats::{
        DateRange, Dimension, Direction, Filter, Include, Meta, Metric, MetricValue, OrderKey, Pagination,
        Query, ResultRow,
    },
};
use pulsecast_server::{
    event::{Event, VisitId},
    stats::Scope,
    store::Daily,
};
use regex::Regex;
use std::{
    cell::RefCell,
    cmp::Ordering,
    collections::{BTreeMap, HashMap},
};
use visits::Visit;

/// A site's whole history, as a list.
pub struct Naive {
    pub events: Vec<Event>,
    pub visits: Vec<Visit>,
    pub scope: Scope,
    pub now: Timestamp,
    /// What was imported as figures.
    pub imported: Vec<Daily>,
    /// Where in `visits` a visit is.
    places: HashMap<VisitId, usize>,
    /// Regular expressions that were asked for, by text and case sensitivity.
    expressions: RefCell<HashMap<(String, bool), Regex>>,
}

/// A group's names.
pub type Names = Vec<String>;

/// An answer, without the echo of the question.
#[derive(Debug)]
pub struct Answer {
    pub rows: Vec<ResultRow>,
    pub meta: Meta,
}

/// A question, looked at for what its figures are counted from.
pub struct Asked<'a> {
    pub query: &'a Query,
    pub level: Level,
    /// All that has to be true, segments written out.
    pub filter: Filter,
    /// The same for the conversion rates' denominators.
    pub without_goals: Filter,
    pub span: Span,
    pub buckets: Buckets,
    /// What is added of what was imported.
    pub added: Option<Added>,
}

impl Naive {
    /// The history of one of several sites.
    pub fn new(events: &[Event], scope: Scope, now: Timestamp) -> Self {
        let events: Vec<Event> = events
            .iter()
            .filter(|event| event.hit.site == scope.site)
            .cloned()
            .collect();
        let visits = visits::of(&events);
        Self {
            places: visits
                .iter()
                .enumerate()
                .map(|(place, visit)| (visit.id, place))
                .collect(),
            expressions: RefCell::default(),
            events,
            visits,
            scope,
            now,
            imported: Vec::new(),
        }
    }

    /// The same with what was imported for one of several sites.
    pub fn with(mut self, imported: &[super::imported::Row]) -> Self {
        let of_site = imported.iter().filter(|(site, _)| *site == self.scope.site);
        self.imported = of_site.map(|(_, row)| row.clone()).collect();
        self
    }

    /// Answers a question that is valid by the page.
    pub fn query(&self, query: &Query) -> Answer {
        let span = span::of(self, query.date_range, query.date, query.include.imports);
        let mut asked = self.asked(query, span);
        let added = query.include.imports.then(|| self.added(&asked));
        asked.added = added.and_then(Result::ok);
        let mut rows: Vec<ResultRow> = self
            .rows(&asked)
            .into_iter()
            .map(|(dimensions, metrics)| ResultRow {
                dimensions,
                metrics,
                comparison: None,
            })
            .collect();
        rows.sort_by(|a, b| in_order(query, a, b));
        let total = rows.len() as u64;
        let pagination = query.pagination;
        let mut rows: Vec<ResultRow> = rows
            .into_iter()
            .skip(pagination.offset as usize)
            .take(pagination.limit as usize)
            .collect();
        let mut meta = Meta {
            time_labels: query.include.time_labels.then(|| asked.buckets.all(span)),
            total_rows: query.include.total_rows.then_some(total),
            imports_included: added.map(|added| added.is_ok()),
            imports_skip_reason: added.and_then(Result::err).map(str::to_owned),
            ..Meta::default()
        };
        if let Some(added) = asked.added {
            let lacking = query
                .metrics
                .iter()
                .filter(|metric| !imported::has(added.report, **metric));
            meta.metric_warnings = lacking.map(|metric| (*metric, "imported".to_owned())).collect();
        }
        if let Some(comparison) = &query.include.comparisons {
            let mut compared = self.asked_of(&asked, span.compared(comparison, self.scope.timezone));
            if query.include.imports {
                compared.added = self.added(&compared).ok();
            }
            let figures = self.rows(&compared);
            let (ours, theirs) = (asked.buckets.all(span), compared.buckets.all(compared.span));
            for row in &mut rows {
                row.comparison = compared::of_row(self, &asked, &compared, &figures, (&ours, &theirs), row);
            }
            meta.comparison_time_labels = query
                .include
                .time_labels
                .then(|| compared.buckets.all(compared.span));
        }
        Answer { rows, meta }
    }

    fn asked<'a>(&self, query: &'a Query, span: Span) -> Asked<'a> {
        let filters: Vec<Filter> = query.filters.iter().map(|f| self.written_out(f)).collect();
        let forced: Vec<Filter> = self.scope.forced.iter().map(|f| self.written_out(f)).collect();
        let without_goals: Vec<Filter> = filters.iter().filter_map(filters::without_goals).collect();
        let filter = Filter::And([filters, forced.clone()].concat());
        Asked {
            query,
            level: groups::level(&query.dimensions, &filter),
            without_goals: Filter::And([without_goals, forced].concat()),
            filter,
            span,
            buckets: Buckets::of(&query.dimensions, query.date_range, span, self.scope.timezone),
            added: None,
        }
    }

    /// The same question about another time; buckets are as long as in the first.
    fn asked_of<'a>(&self, asked: &Asked<'a>, span: Span) -> Asked<'a> {
        Asked {
            query: asked.query,
            level: asked.level,
            filter: asked.filter.clone(),
            without_goals: asked.without_goals.clone(),
            span,
            buckets: asked.buckets.over(span),
            added: None,
        }
    }

    /// A question of nothing more than this.
    fn bare(
        &self,
        date_range: DateRange,
        filters: &[Filter],
        metrics: Vec<Metric>,
        dimensions: Vec<Dimension>,
    ) -> Query {
        Query {
            site_id: self.scope.domain.clone(),
            metrics,
            date_range,
            date: None,
            dimensions,
            filters: filters.to_vec(),
            order_by: Vec::new(),
            include: Include::default(),
            pagination: Pagination::default(),
        }
    }

    /// What can be looked up while a condition is decided.
    fn past(&self, span: Span) -> Past<'_> {
        Past { naive: self, span }
    }

    /// All groups and their figures, in no particular order.
    fn rows(&self, asked: &Asked<'_>) -> BTreeMap<Names, Vec<MetricValue>> {
        let mut groups = self.groups(asked);
        if asked.query.dimensions.is_empty() {
            groups.entry(Vec::new()).or_default();
        }
        if asked.level == Level::Events && !asked.query.dimensions.is_empty() {
            let counted = self.visitors(asked, &asked.filter, &asked.query.dimensions);
            groups.retain(|names, _| counted.contains_key(names));
            for names in counted.into_keys() {
                groups.entry(names).or_default();
            }
        }
        self.add(asked, &mut groups);
        let of_all = self.of_all(asked);
        groups
            .iter()
            .map(|(names, group)| (names.clone(), figures::of(asked, &of_all, names, group)))
            .collect()
    }

    /// The figures of a group in which nothing was counted.
    fn nothing(&self, asked: &Asked<'_>, names: &Names) -> Vec<MetricValue> {
        figures::of(asked, &self.of_all(asked), names, &Group::default())
    }
}

fn in_order(query: &Query, a: &ResultRow, b: &ResultRow) -> Ordering {
    let metric = |metric: Metric| {
        let place = query.metrics.iter().position(|m| *m == metric).unwrap();
        let number = |row: &ResultRow| row.metrics[place].number();
        // None is less than any number.
        number(a).partial_cmp(&number(b)).unwrap()
    };
    let mut ordering = Ordering::Equal;
    for order in &query.order_by {
        let this = match &order.0 {
            OrderKey::Metric(m) => metric(*m),
            OrderKey::Dimension(d) => {
                let place = query.dimensions.iter().position(|asked| asked == d).unwrap();
                a.dimensions[place].cmp(&b.dimensions[place])
            }
        };
        ordering = ordering.then(match order.1 {
            Direction::Asc => this,
            Direction::Desc => this.reverse(),
        });
    }
    if query.order_by.is_empty() {
        if let Some(time) = query.dimensions.iter().position(|d| d.is_time()) {
            ordering = a.dimensions[time].cmp(&b.dimensions[time]);
        }
        ordering = ordering.then_with(|| metric(query.metrics[0]).reverse());
    }
    ordering.then_with(|| a.dimensions.cmp(&b.dimensions))
}
