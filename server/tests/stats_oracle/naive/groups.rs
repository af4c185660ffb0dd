//! What is counted, and in which rows.

use super::{
    Asked, Naive, Names,
    filters::{Of, Past, of_event, of_visit},
    goals,
    visits::Visit,
};
use pulsecast_protocol::stats::{Dimension, Filter, Metric, Subject};
use pulsecast_server::{
    event::{Event, Kind, VisitorId},
    store::Daily,
};
use std::collections::{BTreeMap, BTreeSet};

/// What visitors and visits are counted from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    Visits,
    Events,
}

/// What is counted in one row.
#[derive(Default)]
pub struct Group<'a> {
    pub visits: Vec<&'a Visit>,
    /// Counted events; and of engagement events those that count as such.
    pub events: Vec<&'a Event>,
    pub engagements: Vec<&'a Event>,
    /// Pageviews of the row's exit page.
    pub exit_page_views: u64,
    /// What was imported of it.
    pub imported: Vec<&'a Daily>,
}

/// What shares and rates are of.
pub struct OfAll {
    /// Visitors of the query without dimensions.
    pub visitors: usize,
    /// Visitors without goal and property conditions, by the dimension of time.
    pub by_time: BTreeMap<Names, usize>,
    /// The same by all dimensions but goals and properties.
    pub by_group: BTreeMap<Names, usize>,
}

/// The level of a query.
pub fn level(dimensions: &[Dimension], filter: &Filter) -> Level {
    if dimensions.iter().any(Dimension::is_of_event) || names_events(filter) {
        Level::Events
    } else {
        Level::Visits
    }
}

fn names_events(filter: &Filter) -> bool {
    match filter {
        Filter::And(filters) | Filter::Or(filters) => filters.iter().any(names_events),
        Filter::Not(inner) => names_events(inner),
        Filter::HasDone(_) | Filter::HasNotDone(_) => true,
        Filter::Condition(condition) => match &condition.subject {
            Subject::Dimension(dimension) => dimension.is_of_event(),
            Subject::Segment => panic!("segments are written out before"),
        },
    }
}

/// The dimensions that stay when those of goals and properties go.
pub fn stays(dimension: &Dimension) -> bool {
    !matches!(dimension, Dimension::Goal | Dimension::Prop(_))
}

fn from_visits(metric: Metric) -> bool {
    matches!(
        metric,
        Metric::ViewsPerVisit | Metric::BounceRate | Metric::VisitDuration | Metric::ExitRate
    )
}

fn from_events(metric: Metric) -> bool {
    matches!(
        metric,
        Metric::Pageviews | Metric::Events | Metric::TotalRevenue | Metric::AverageRevenue
    )
}

fn from_engagement(metric: Metric) -> bool {
    matches!(metric, Metric::TimeOnPage | Metric::ScrollDepth)
}

impl Naive {
    /// The groups of a question: those in which something was counted for any of its metrics.
    pub fn groups<'a>(&'a self, asked: &Asked<'_>) -> BTreeMap<Names, Group<'a>> {
        let mut groups: BTreeMap<Names, Group<'a>> = BTreeMap::new();
        let metrics = &asked.query.metrics;
        let dimensions = &asked.query.dimensions;
        let of_level =
            |metric: &Metric| !from_visits(*metric) && !from_events(*metric) && !from_engagement(*metric);
        let at = |level: Level| asked.level == level && metrics.iter().any(of_level);

        if at(Level::Visits) || metrics.iter().any(|m| from_visits(*m)) {
            for visit in self.counted_visits(asked) {
                for names in self.names_of_visit(asked, dimensions, visit) {
                    groups.entry(names).or_default().visits.push(visit);
                }
            }
        }
        if at(Level::Events) || metrics.iter().any(|m| from_events(*m)) {
            for event in self.counted_events(asked, &asked.filter, dimensions) {
                for names in self.names_of_event(asked, dimensions, event) {
                    groups.entry(names).or_default().events.push(event);
                }
            }
        }
        if metrics.iter().any(|m| from_engagement(*m)) {
            for event in self.engagements(asked) {
                for names in self.names_of_event(asked, dimensions, event) {
                    groups.entry(names).or_default().engagements.push(event);
                }
            }
        }
        if metrics.contains(&Metric::ExitRate) {
            let viewed: Vec<Dimension> = dimensions
                .iter()
                .map(|d| match d {
                    Dimension::ExitPage => Dimension::Page,
                    other => other.clone(),
                })
                .collect();
            for event in self.counted_events(asked, &asked.filter, dimensions) {
                for names in self.names_of_event(asked, &viewed, event) {
                    if let (Kind::Pageview, Some(group)) = (event.hit.kind, groups.get_mut(&names)) {
                        group.exit_page_views += 1;
                    }
                }
            }
        }
        groups
    }

    /// Denominators.
    pub fn of_all(&self, asked: &Asked<'_>) -> OfAll {
        let dimensions = &asked.query.dimensions;
        let time: Vec<Dimension> = dimensions.iter().filter(|d| d.is_time()).cloned().collect();
        let group: Vec<Dimension> = dimensions.iter().filter(|d| stays(d)).cloned().collect();
        OfAll {
            visitors: self
                .visitors(asked, &asked.filter, &[])
                .get(&Vec::new())
                .copied()
                .unwrap_or(0)
                + usize::try_from(self.added_visitors(asked)).unwrap(),
            by_time: self.visitors(asked, &asked.without_goals, &time),
            by_group: self.visitors(asked, &asked.without_goals, &group),
        }
    }

    /// Distinct visitors by these dimensions, at the query's level.
    pub fn visitors(
        &self,
        asked: &Asked<'_>,
        filter: &Filter,
        dimensions: &[Dimension],
    ) -> BTreeMap<Names, usize> {
        let mut found: BTreeMap<Names, BTreeSet<VisitorId>> = BTreeMap::new();
        match asked.level {
            Level::Visits => {
                let past = self.past(asked.span);
                for visit in self.active(asked) {
                    if past.holds(filter, Of::Visit(visit)) {
                        for names in self.names_of_visit(asked, dimensions, visit) {
                            found.entry(names).or_default().insert(visit.visitor);
                        }
                    }
                }
            }
            Level::Events => {
                for event in self.counted_events(asked, filter, dimensions) {
                    for names in self.names_of_event(asked, dimensions, event) {
                        found.entry(names).or_default().insert(event.visitor);
                    }
                }
            }
        }
        found
            .into_iter()
            .map(|(names, visitors)| (names, visitors.len()))
            .collect()
    }

    fn active<'a>(&'a self, asked: &Asked<'_>) -> impl Iterator<Item = &'a Visit> {
        let span = asked.span;
        self.visits
            .iter()
            .filter(move |visit| span.meets(visit.start, visit.last))
    }

    /// The visits that figures from visits are counted from.
    pub fn counted_visits<'a>(&'a self, asked: &Asked<'_>) -> Vec<&'a Visit> {
        let past = self.past(asked.span);
        let with_events: BTreeSet<_> = match asked.level {
            Level::Visits => BTreeSet::new(),
            Level::Events => self
                .counted_events(asked, &asked.filter, &[])
                .iter()
                .map(|event| event.visit)
                .collect(),
        };
        self.active(asked)
            .filter(|visit| match asked.level {
                Level::Visits => past.holds(&asked.filter, Of::Visit(visit)),
                Level::Events => with_events.contains(&visit.id),
            })
            .collect()
    }

    /// The events in the range that count as such and for which the filter is true.
    pub fn counted_events<'a>(
        &'a self,
        asked: &Asked<'_>,
        filter: &Filter,
        dimensions: &[Dimension],
    ) -> Vec<&'a Event> {
        let past: Past<'a> = self.past(asked.span);
        let by_goal = dimensions.contains(&Dimension::Goal);
        let reads = |event: &Event| {
            self.scope
                .goals
                .iter()
                .any(|goal| goals::is_scroll(goal) && goals::reaches(event, goal))
        };
        self.events
            .iter()
            .filter(|event| asked.span.has(event.hit.at))
            .filter(|event| past.counts(event, filter) || (by_goal && reads(event)))
            .filter(|event| past.holds(filter, Of::Event(event)))
            .collect()
    }

    fn engagements<'a>(&'a self, asked: &Asked<'_>) -> Vec<&'a Event> {
        let past = self.past(asked.span);
        self.events
            .iter()
            .filter(|event| event.hit.kind == Kind::Engagement && asked.span.has(event.hit.at))
            .filter(|event| past.holds(&asked.filter, Of::Event(event)))
            .collect()
    }

    fn names_of_visit(&self, asked: &Asked<'_>, dimensions: &[Dimension], visit: &Visit) -> Vec<Names> {
        all_of(dimensions.iter().map(|dimension| {
            match dimension {
                Dimension::Time(_) => asked
                    .buckets
                    .active(asked.span, visit.start, visit.last)
                    .into_iter()
                    .collect(),
                Dimension::Page => vec![named(dimension, of_visit(&Dimension::EntryPage, visit))],
                Dimension::Hostname => vec![named(dimension, of_visit(&Dimension::EntryHostname, visit))],
                _ => vec![named(dimension, of_visit(dimension, visit))],
            }
        }))
    }

    fn names_of_event(&self, asked: &Asked<'_>, dimensions: &[Dimension], event: &Event) -> Vec<Names> {
        all_of(dimensions.iter().map(|dimension| {
            match dimension {
                Dimension::Time(_) => vec![asked.buckets.label(event.hit.at)],
                Dimension::Goal => self
                    .scope
                    .goals
                    .iter()
                    .filter(|goal| goals::reaches(event, goal))
                    .map(|goal| goal.name.clone())
                    .collect(),
                _ => {
                    let value =
                        of_event(dimension, event).or_else(|| of_visit(dimension, self.visit_of(event)));
                    vec![named(dimension, value)]
                }
            }
        }))
    }
}

fn named(dimension: &Dimension, value: Option<String>) -> String {
    value.unwrap_or_else(|| dimension.none_label().to_owned())
}

/// Every way to take one name of each.
fn all_of(names: impl Iterator<Item = Vec<String>>) -> Vec<Names> {
    names.fold(vec![Vec::new()], |so_far, next| {
        so_far
            .iter()
            .flat_map(|names| {
                next.iter()
                    .map(|name| [names.as_slice(), std::slice::from_ref(name)].concat())
            })
            .collect()
    })
}
