//! A query, checked and resolved: which instants, which buckets, which level, which order. What comes after cannot fail for what was asked.

use super::{
    Scope, StatsError,
    buckets::Buckets,
    cond::{Cond, Conditions},
    imports::Imports,
    limits,
    range::Span,
    rollup::RolledDays,
    sums::{Figure, Sum, figure, needed},
    words::Words,
};
use crate::event::SiteId;
use pulsecast_protocol::{
    Timestamp,
    stats::{
        DateRange, Dimension, Direction, Filter, Goal, Metric, OrderBy, OrderKey, Pagination, Query, TimeUnit,
    },
};
use std::{collections::BTreeSet, sync::Arc};

/// What a question is answered from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// The visits.
    Visits,
    /// The events.
    Events,
}

/// One level of order, by places in the plan's lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// By a figure.
    Metric(Metric, Direction),
    /// By the names of a dimension.
    Dimension(usize, Direction),
}

/// A query that can be answered.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Whose history.
    pub site: SiteId,
    /// Its goals.
    pub goals: Arc<[Goal]>,
    /// From when to when.
    pub span: Span,
    /// From what.
    pub level: Level,
    /// What is counted.
    pub metrics: Vec<Metric>,
    /// By what; a dimension of time has its unit.
    pub dimensions: Vec<Dimension>,
    /// The dimension of time.
    pub buckets: Option<Buckets>,
    /// Of which events or visits.
    pub filter: Cond,
    /// Of which, for the denominators of conversion rates.
    pub unconverted: Cond,
    /// Regular expressions that the engine has to be asked about, and where they are.
    pub patterns: Vec<(String, String)>,
    /// Which rows come first; the dimensions in their order decide what is equal.
    pub order: Vec<Order>,
    /// Which rows.
    pub pagination: Pagination,
    /// Whether all rows are counted.
    pub count_rows: bool,
    /// Days of the site that are summed up; `None` before that is known, or where they are not to be used.
    pub rolled: Option<Arc<RolledDays>>,
    /// What the filter's conditions fit, where days that are summed up may answer them.
    pub words: Option<Arc<Words>>,
    /// Imported figures that are added; `None` before that is known, or where none are.
    pub imports: Option<Imports>,
}

pub(super) fn wrong<T>(path: impl Into<String>, reason: impl Into<String>) -> Result<T, StatsError> {
    Err(StatsError::Invalid {
        path: path.into(),
        reason: reason.into(),
    })
}

/// The instants of a range.
///
/// # Errors
/// When it is none.
pub fn resolve(
    query: &Query,
    scope: &Scope,
    now: Timestamp,
    first_event: Option<Timestamp>,
) -> Result<Span, StatsError> {
    Span::of(query.date_range, query.date, now, scope.timezone, first_event)
        .or_else(|error| wrong("date_range", error.to_string()))
}

impl Plan {
    /// Plans a query over a span.
    ///
    /// # Errors
    /// Which part of the query is wrong.
    pub fn new(query: &Query, scope: &Scope, span: Span) -> Result<Self, StatsError> {
        let conditions = Conditions::read(&query.filters, scope)?;
        let filter = conditions.all();
        let is_of_event = filter.is_of_event() || query.dimensions.iter().any(Dimension::is_of_event);
        let mut plan = Self {
            site: scope.site,
            goals: scope.goals.clone(),
            span,
            level: if is_of_event { Level::Events } else { Level::Visits },
            metrics: query.metrics.clone(),
            dimensions: query.dimensions.clone(),
            buckets: None,
            unconverted: conditions.unconverted(),
            patterns: conditions.patterns,
            filter,
            order: Vec::new(),
            pagination: query.pagination,
            count_rows: query.include.total_rows,
            rolled: None,
            words: None,
            imports: None,
        };
        plan.check_form()?;
        plan.check_metrics()?;
        plan.choose_buckets(query, scope)?;
        plan.order = plan.order_of(&query.order_by)?;
        Ok(plan)
    }

    /// The same question about another span.
    #[must_use]
    pub fn over(&self, span: Span, scope: &Scope) -> Self {
        let buckets = self
            .buckets
            .as_ref()
            .map(|buckets| Buckets::new(buckets.unit(), span, scope.timezone));
        Self {
            span,
            buckets,
            imports: None,
            ..self.clone()
        }
    }

    fn check_form(&self) -> Result<(), StatsError> {
        if self.metrics.is_empty() {
            return wrong("metrics", "is empty: ask for at least one metric");
        }
        if self.metrics.len() > Metric::ALL.len() {
            return wrong("metrics", format!("has more than {} metrics", Metric::ALL.len()));
        }
        if self.dimensions.len() > limits::DIMENSIONS {
            return wrong(
                "dimensions",
                format!("has more than {} dimensions", limits::DIMENSIONS),
            );
        }
        if self.dimensions.iter().filter(|d| d.is_time()).count() > 1 {
            return wrong("dimensions", "has more than one dimension of time");
        }
        let distinct: BTreeSet<&Dimension> = self.dimensions.iter().collect();
        if distinct.len() < self.dimensions.len() {
            return wrong("dimensions", "names a dimension twice");
        }
        if self.pagination.limit == 0 || self.pagination.limit > Pagination::MOST {
            return wrong(
                "pagination.limit",
                format!("must be from 1 to {}", Pagination::MOST),
            );
        }
        Ok(())
    }

    fn check_metrics(&self) -> Result<(), StatsError> {
        let asks =
            |dimension: Dimension| self.dimensions.contains(&dimension) || self.filter.names(&dimension);
        for (i, metric) in self.metrics.iter().enumerate() {
            let path = format!("metrics[{i}]");
            match metric {
                Metric::ViewsPerVisit | Metric::BounceRate | Metric::VisitDuration => {
                    let other = self.dimensions.iter().find(|dimension| {
                        dimension.is_of_event() && !matches!(dimension, Dimension::Page | Dimension::Hostname)
                    });
                    if let Some(dimension) = other {
                        return wrong(
                            path,
                            format!("{metric} is of visits and cannot be split by {dimension}"),
                        );
                    }
                }
                Metric::TimeOnPage | Metric::ScrollDepth if !asks(Dimension::Page) => {
                    return wrong(
                        path,
                        format!("{metric} needs event:page as a dimension or filter"),
                    );
                }
                Metric::ExitRate => {
                    if !self.dimensions.contains(&Dimension::ExitPage) {
                        return wrong(path, "exit_rate needs the dimension visit:exit_page");
                    }
                    if self.level == Level::Events {
                        return wrong(
                            path,
                            "exit_rate goes with neither event: dimensions nor event: filters",
                        );
                    }
                }
                Metric::ConversionRate | Metric::GroupConversionRate if !asks(Dimension::Goal) => {
                    return wrong(
                        path,
                        format!("{metric} needs event:goal as a dimension or filter"),
                    );
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn choose_buckets(&mut self, query: &Query, scope: &Scope) -> Result<(), StatsError> {
        for (i, dimension) in self.dimensions.iter_mut().enumerate() {
            let Dimension::Time(unit) = dimension else {
                continue;
            };
            let asked = match (*unit, query.date_range) {
                (TimeUnit::Auto, DateRange::Realtime | DateRange::Realtime30) => TimeUnit::Minute,
                (unit, _) => unit,
            };
            let buckets = Buckets::new(asked, self.span, scope.timezone);
            if buckets.about() > limits::BUCKETS {
                return wrong(
                    format!("dimensions[{i}]"),
                    format!(
                        "makes more than {} buckets: ask for a shorter period or a longer unit",
                        limits::BUCKETS
                    ),
                );
            }
            *unit = buckets.unit();
            self.buckets = Some(buckets);
        }
        Ok(())
    }

    fn order_of(&self, asked: &[OrderBy]) -> Result<Vec<Order>, StatsError> {
        if asked.len() > self.metrics.len() + self.dimensions.len() {
            return wrong(
                "order_by",
                "has more levels than there are metrics and dimensions",
            );
        }
        if asked.is_empty() {
            let time = self.dimensions.iter().position(Dimension::is_time);
            let time = time.map(|place| Order::Dimension(place, Direction::Asc));
            let first = self
                .metrics
                .first()
                .map(|metric| Order::Metric(*metric, Direction::Desc));
            return Ok(time.into_iter().chain(first).collect());
        }
        asked
            .iter()
            .enumerate()
            .map(|(i, OrderBy(key, direction))| {
                let path = format!("order_by[{i}][0]");
                match key {
                    OrderKey::Metric(metric) if self.metrics.contains(metric) => {
                        Ok(Order::Metric(*metric, *direction))
                    }
                    OrderKey::Metric(metric) => wrong(path, format!("{metric} is not among the metrics")),
                    OrderKey::Dimension(dimension) => {
                        // `time` may be asked by its unit, or left to be chosen, in either place.
                        let is = |d: &Dimension| {
                            d == dimension || (d.is_time() && *dimension == Dimension::Time(TimeUnit::Auto))
                        };
                        match self.dimensions.iter().position(is) {
                            Some(place) => Ok(Order::Dimension(place, *direction)),
                            None => wrong(path, format!("{dimension} is not among the dimensions")),
                        }
                    }
                }
            })
            .collect()
    }

    /// All sums that the figures need.
    #[must_use]
    pub fn sums(&self) -> BTreeSet<Sum> {
        self.metrics.iter().flat_map(|metric| needed(*metric)).collect()
    }

    /// Whether revenue is asked.
    #[must_use]
    pub fn wants_revenue(&self) -> bool {
        self.metrics
            .iter()
            .any(|metric| matches!(figure(*metric), Figure::Total | Figure::Average))
    }
}

/// The filters of a question that is not a query, such as a funnel.
///
/// # Errors
/// Which part of them is wrong.
pub fn conditions(filters: &[Filter], scope: &Scope) -> Result<Conditions, StatsError> {
    Conditions::read(filters, scope)
}
