//! Which metrics go with which dimensions and filters, as `docs/metrics.md` has it. A segment may bring filters along that are not known yet:
//! what it might fulfil is let through, and the engine checks again once segments are put in.

use super::at::invalid;
use crate::stats::StatsError;
use pulsecast_protocol::stats::{Dimension, Filter, Metric, Query, Subject};

/// Checks a query whose parts are right by themselves.
///
/// # Errors
/// [`StatsError::Invalid`] with the path of the metric that does not go with the rest.
pub fn check(query: &Query) -> Result<(), StatsError> {
    let named = Named::of(query);
    for (i, metric) in query.metrics.iter().enumerate() {
        if let Some(reason) = named.objection(*metric) {
            return Err(invalid(&format!("metrics[{i}]"), format!("{metric} {reason}")));
        }
    }
    if query.include.time_labels && !query.dimensions.iter().any(Dimension::is_time) {
        return Err(invalid(
            "include.time_labels",
            "needs a dimension of time: add one such as time:day, or leave it out",
        ));
    }
    Ok(())
}

/// What a query names.
struct Named<'a> {
    dimensions: &'a [Dimension],
    /// Of filters, `has_done` and its like left out: what they are about restricts other events.
    filtered: Vec<&'a Dimension>,
    behaviour: bool,
    segment: bool,
}

impl<'a> Named<'a> {
    fn of(query: &'a Query) -> Self {
        let mut named = Self {
            dimensions: &query.dimensions,
            filtered: Vec::new(),
            behaviour: false,
            segment: false,
        };
        query.filters.iter().for_each(|filter| named.look(filter));
        named
    }

    fn look(&mut self, filter: &'a Filter) {
        match filter {
            Filter::And(filters) | Filter::Or(filters) => filters.iter().for_each(|filter| self.look(filter)),
            Filter::Not(filter) => self.look(filter),
            Filter::HasDone(_) | Filter::HasNotDone(_) => self.behaviour = true,
            Filter::Condition(condition) => match &condition.subject {
                Subject::Dimension(dimension) => self.filtered.push(dimension),
                Subject::Segment => self.segment = true,
            },
        }
    }

    fn has(&self, dimension: &Dimension) -> bool {
        self.dimensions.contains(dimension) || self.filtered.contains(&dimension) || self.segment
    }

    fn objection(&self, metric: Metric) -> Option<String> {
        match metric {
            Metric::TimeOnPage | Metric::ScrollDepth if !self.has(&Dimension::Page) => {
                Some("is about pages: add the dimension event:page, or a filter on it".to_owned())
            }
            Metric::ConversionRate | Metric::GroupConversionRate if !self.has(&Dimension::Goal) => {
                Some("is about goals: add the dimension event:goal, or a filter on it".to_owned())
            }
            Metric::ExitRate if !self.dimensions.contains(&Dimension::ExitPage) => {
                Some("is about exit pages: add the dimension visit:exit_page".to_owned())
            }
            Metric::ExitRate if self.behaviour || self.filtered.iter().any(|of| of.is_of_event()) => Some(
                "does not go with filters on events: leave out those on event:…, has_done and has_not_done"
                    .to_owned(),
            ),
            Metric::ExitRate => self
                .dimensions
                .iter()
                .find(|of| of.is_of_event())
                .map(|of| format!("does not go with the dimension {of}: leave one of them out")),
            Metric::ViewsPerVisit | Metric::BounceRate | Metric::VisitDuration => self
                .dimensions
                .iter()
                .find(|of| of.is_of_event() && !matches!(of, Dimension::Page | Dimension::Hostname))
                .map(|of| {
                    format!(
                        "is about whole visits and does not go with the dimension {of}: leave one of them out"
                    )
                }),
            _ => None,
        }
    }
}
