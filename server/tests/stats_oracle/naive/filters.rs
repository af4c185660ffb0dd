//! Conditions: whether they are true of an event or of a visit.

use super::{Naive, Span, goals, imported, visits::Visit};
use pulsecast_protocol::stats::{Condition, Dimension, Filter, Goal, Operator, Subject};
use pulsecast_server::{
    event::{Event, Hit, Kind},
    store::Daily,
};
use regex::RegexBuilder;

/// What may be looked up while a condition is decided.
#[derive(Clone, Copy)]
pub struct Past<'a> {
    pub naive: &'a Naive,
    pub span: Span,
}

/// What a condition is asked of.
#[derive(Clone, Copy)]
pub enum Of<'a> {
    Event(&'a Event),
    Visit(&'a Visit),
    /// Of which nothing but its groups is known.
    Imported(&'a Daily),
}

impl Naive {
    /// The filter with segments replaced by what they stand for.
    pub fn written_out(&self, filter: &Filter) -> Filter {
        let each = |filters: &[Filter]| filters.iter().map(|f| self.written_out(f)).collect();
        match filter {
            Filter::And(filters) => Filter::And(each(filters)),
            Filter::Or(filters) => Filter::Or(each(filters)),
            Filter::Not(inner) => Filter::Not(Box::new(self.written_out(inner))),
            Filter::HasDone(inner) => Filter::HasDone(Box::new(self.written_out(inner))),
            Filter::HasNotDone(inner) => Filter::HasNotDone(Box::new(self.written_out(inner))),
            Filter::Condition(condition) if condition.subject == Subject::Segment => {
                let any = condition.values.iter().map(|id| {
                    let id: i64 = id.parse().unwrap();
                    let segment = self.scope.segments.iter().find(|s| s.id == id).unwrap();
                    Filter::And(segment.filters.clone())
                });
                let any = Filter::Or(any.collect());
                if condition.operator.is_negated() {
                    Filter::Not(Box::new(any))
                } else {
                    any
                }
            }
            Filter::Condition(_) => filter.clone(),
        }
    }

    /// The visit of an event.
    pub fn visit_of(&self, event: &Event) -> &Visit {
        &self.visits[self.places[&event.visit]]
    }
}

impl Naive {
    /// Whether the comparison is true for any of the values, its negation left out.
    fn is_true(&self, condition: &Condition, value: &str) -> bool {
        let fold = |text: &str| {
            if condition.case_sensitive {
                text.to_owned()
            } else {
                text.to_lowercase()
            }
        };
        condition.values.iter().any(|wanted| match condition.operator {
            Operator::Is | Operator::IsNot => fold(value) == fold(wanted),
            Operator::Contains | Operator::ContainsNot => fold(value).contains(&fold(wanted)),
            Operator::Matches | Operator::MatchesNot => self
                .expressions
                .borrow_mut()
                .entry((wanted.clone(), condition.case_sensitive))
                .or_insert_with(|| {
                    let case_insensitive = !condition.case_sensitive;
                    // Classes are of ASCII, as RE2 has them.
                    let wanted = wanted.replace("\\W", "[^0-9A-Za-z_]").replace("\\D", "[^0-9]");
                    RegexBuilder::new(&wanted)
                        .case_insensitive(case_insensitive)
                        .build()
                        .unwrap()
                })
                .is_match(value),
        })
    }
}

impl<'a> Past<'a> {
    /// Whether the filter, segments written out, is true.
    pub fn holds(self, filter: &Filter, of: Of<'a>) -> bool {
        match filter {
            Filter::And(filters) => filters.iter().all(|f| self.holds(f, of)),
            Filter::Or(filters) => filters.iter().any(|f| self.holds(f, of)),
            Filter::Not(inner) => !self.holds(inner, of),
            Filter::HasDone(inner) => self.has_done(inner, of),
            Filter::HasNotDone(inner) => !self.has_done(inner, of),
            Filter::Condition(condition) => self.compares(condition, of),
        }
    }

    /// Whether the visit has, within the range, an event of which this is true.
    fn has_done(self, filter: &Filter, of: Of<'a>) -> bool {
        let visit = match of {
            Of::Event(event) => event.visit,
            Of::Visit(visit) => visit.id,
            Of::Imported(_) => panic!("nobody knows what was done there"),
        };
        self.naive
            .events
            .iter()
            .filter(|event| event.visit == visit && self.span.has(event.hit.at))
            .any(|event| self.counts(event, filter) && self.holds(filter, Of::Event(event)))
    }

    /// Whether an event counts as one under this filter: all but engagement events, and of these those that reach a scroll goal which
    /// the filter asks for.
    pub fn counts(self, event: &Event, filter: &Filter) -> bool {
        event.hit.kind != Kind::Engagement
            || self
                .goals_asked_for(filter)
                .into_iter()
                .any(|goal| goals::is_scroll(goal) && goals::reaches(event, goal))
    }

    fn goals_asked_for(self, filter: &Filter) -> Vec<&'a Goal> {
        match filter {
            Filter::And(filters) | Filter::Or(filters) => {
                filters.iter().flat_map(|f| self.goals_asked_for(f)).collect()
            }
            Filter::Not(inner) => self.goals_asked_for(inner),
            Filter::HasDone(_) | Filter::HasNotDone(_) => Vec::new(),
            Filter::Condition(condition) => {
                let of_goals = condition.subject == Subject::Dimension(Dimension::Goal);
                if of_goals && !condition.operator.is_negated() {
                    self.goals_that_fit(condition)
                } else {
                    Vec::new()
                }
            }
        }
    }

    /// The goals whose names fit, the negation left out.
    fn goals_that_fit(self, condition: &Condition) -> Vec<&'a Goal> {
        self.naive
            .scope
            .goals
            .iter()
            .filter(|goal| self.naive.is_true(condition, &goal.name))
            .collect()
    }

    fn compares(self, condition: &Condition, of: Of<'a>) -> bool {
        let Subject::Dimension(dimension) = &condition.subject else {
            panic!("segments are written out before")
        };
        let positive = match (dimension, of) {
            (Dimension::Goal, Of::Event(event)) => self
                .goals_that_fit(condition)
                .iter()
                .any(|goal| goals::reaches(event, goal)),
            _ => self.naive.is_true(condition, &self.value(dimension, of)),
        };
        positive != condition.operator.is_negated()
    }

    /// What a dimension is called here.
    fn value(self, dimension: &Dimension, of: Of<'a>) -> String {
        let value = match of {
            Of::Event(event) => {
                of_event(dimension, event).or_else(|| of_visit(dimension, self.naive.visit_of(event)))
            }
            Of::Visit(visit) => of_visit(dimension, visit),
            Of::Imported(row) => imported::of_row(dimension, row),
        };
        value.unwrap_or_else(|| dimension.none_label().to_owned())
    }
}

/// An event's own value of a dimension.
pub fn of_event(dimension: &Dimension, event: &Event) -> Option<String> {
    let hit = &event.hit;
    match dimension {
        Dimension::EventName => Some(hit.name.clone()),
        Dimension::Page => Some(hit.path.clone()),
        Dimension::Hostname => Some(hit.hostname.clone()),
        Dimension::Prop(key) => hit.props.get(key).cloned(),
        _ => None,
    }
}

/// A visit's value of a dimension.
pub fn of_visit(dimension: &Dimension, visit: &Visit) -> Option<String> {
    let (hit, client, utm) = (&visit.opened_by, &visit.opened_by.client, &visit.opened_by.utm);
    let path = |page: &Option<Hit>| page.as_ref().map(|hit| hit.path.clone());
    let host = |page: &Option<Hit>| page.as_ref().map(|hit| hit.hostname.clone());
    match dimension {
        Dimension::EntryPage => path(&visit.entry),
        Dimension::EntryHostname => host(&visit.entry),
        Dimension::ExitPage => path(&visit.exit),
        Dimension::ExitHostname => host(&visit.exit),
        Dimension::Source => hit.source.clone(),
        Dimension::Referrer => hit.referrer.clone(),
        Dimension::Channel => hit.channel.clone(),
        Dimension::UtmSource => utm.source.clone(),
        Dimension::UtmMedium => utm.medium.clone(),
        Dimension::UtmCampaign => utm.campaign.clone(),
        Dimension::UtmContent => utm.content.clone(),
        Dimension::UtmTerm => utm.term.clone(),
        Dimension::Device => client.device.clone(),
        Dimension::Browser => client.browser.clone(),
        Dimension::BrowserVersion => client.browser_version.clone(),
        Dimension::Os => client.os.clone(),
        Dimension::OsVersion => client.os_version.clone(),
        Dimension::Country => client.country.clone(),
        Dimension::Region => client.region.clone(),
        Dimension::City => client.city.clone(),
        Dimension::Language => client.language.clone(),
        Dimension::Screen => client.screen.clone(),
        _ => None,
    }
}

/// The filter without its conditions on goals and properties; `None` if nothing is left. What a visit has done stays.
pub fn without_goals(filter: &Filter) -> Option<Filter> {
    let left = |filters: &[Filter]| -> Option<Vec<Filter>> {
        let left: Vec<Filter> = filters.iter().filter_map(without_goals).collect();
        (!left.is_empty()).then_some(left)
    };
    match filter {
        Filter::And(filters) => left(filters).map(Filter::And),
        Filter::Or(filters) => left(filters).map(Filter::Or),
        Filter::Not(inner) => without_goals(inner).map(|inner| Filter::Not(Box::new(inner))),
        Filter::HasDone(_) | Filter::HasNotDone(_) => Some(filter.clone()),
        Filter::Condition(condition) => match condition.subject {
            Subject::Dimension(Dimension::Goal | Dimension::Prop(_)) => None,
            _ => Some(filter.clone()),
        },
    }
}
