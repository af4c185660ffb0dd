//! Filters, checked: segments are opened, goals are found by name, negations are taken apart. What is left cannot be wrong.

use super::{Scope, StatsError, limits};
use pulsecast_protocol::stats::{Condition, Dimension, Filter, Goal, GoalKind, Operator, Segment, Subject};
use std::collections::BTreeSet;

/// A condition that can be asked.
#[derive(Clone, Debug, PartialEq)]
pub enum Cond {
    /// All of these; none is true.
    All(Vec<Cond>),
    /// Any of these; none is false.
    Any(Vec<Cond>),
    /// Not this.
    Not(Box<Cond>),
    /// The visit has an event in the range of which this is true.
    Done(Box<Cond>),
    /// A value compares so.
    Test(Test),
    /// The event reaches one of these goals, by their places in the scope.
    Goals(Vec<usize>, Sense),
}

/// Whether goals are asked for or excluded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sense {
    /// `is`, `contains`, `matches`.
    Positive,
    /// Their negations.
    Negative,
}

/// A comparison of a dimension's value; true if it is for any of the values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Test {
    /// Of what; neither of time nor a goal.
    pub dimension: Dimension,
    /// How.
    pub how: How,
    /// With what.
    pub values: Vec<String>,
    /// Whether `A` differs from `a`.
    pub case: Case,
}

/// How values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// Equal.
    Is,
    /// Has it within.
    Contains,
    /// The expression is found in it.
    Matches,
}

/// Whether `A` differs from `a`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Case {
    /// It does.
    Matters,
    /// It does not.
    Ignored,
}

/// A query's filters.
#[derive(Clone, Debug, PartialEq)]
pub struct Conditions {
    /// What the query asks.
    pub asked: Cond,
    /// What the scope adds to it.
    pub forced: Cond,
    /// Regular expressions within, and where they were asked: still to be read by the engine.
    pub patterns: Vec<(String, String)>,
}

fn wrong<T>(path: &str, reason: impl Into<String>) -> Result<T, StatsError> {
    Err(StatsError::Invalid {
        path: path.to_owned(),
        reason: reason.into(),
    })
}

impl Conditions {
    /// Reads a query's filters.
    ///
    /// # Errors
    /// Which part of them is wrong.
    pub fn read(filters: &[Filter], scope: &Scope) -> Result<Self, StatsError> {
        let mut reader = Reader {
            scope,
            conditions: 0,
            patterns: Vec::new(),
            asks: Asks::Somebody,
        };
        let asked = reader.all(filters, "filters", 1)?;
        reader.asks = Asks::Link;
        let forced = match &scope.forced {
            Some(filter) => reader.filter(filter, "shared link", 1)?,
            None => Cond::All(Vec::new()),
        };
        Ok(Self {
            asked,
            forced,
            patterns: reader.patterns,
        })
    }

    /// All of it.
    #[must_use]
    pub fn all(&self) -> Cond {
        self.asked.clone().and(self.forced.clone())
    }

    /// Without conditions on goals and properties: what conversion rates are of.
    #[must_use]
    pub fn unconverted(&self) -> Cond {
        let asked = self.asked.without_goals().unwrap_or(Cond::All(Vec::new()));
        asked.and(self.forced.clone())
    }
}

impl Cond {
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::All(a), other) if a.is_empty() => other,
            (this, Self::All(b)) if b.is_empty() => this,
            (this, other) => Self::All(vec![this, other]),
        }
    }

    fn without_goals(&self) -> Option<Self> {
        let of_all = |conds: &[Self]| {
            let left: Vec<Self> = conds.iter().filter_map(Self::without_goals).collect();
            // What was empty before stays: it is somebody's "nothing" or "everything".
            (conds.is_empty() || !left.is_empty()).then_some(left)
        };
        match self {
            Self::All(conds) => of_all(conds).map(Self::All),
            Self::Any(conds) => of_all(conds).map(Self::Any),
            Self::Not(cond) => cond.without_goals().map(|cond| Self::Not(Box::new(cond))),
            Self::Goals(..) => None,
            Self::Test(test) if matches!(test.dimension, Dimension::Prop(_)) => None,
            Self::Done(_) | Self::Test(_) => Some(self.clone()),
        }
    }

    fn any(&self, is: &impl Fn(&Self) -> bool) -> bool {
        is(self)
            || match self {
                Self::All(conds) | Self::Any(conds) => conds.iter().any(|cond| cond.any(is)),
                Self::Not(cond) | Self::Done(cond) => cond.any(is),
                Self::Test(_) | Self::Goals(..) => false,
            }
    }

    /// Whether it can be asked of single events only.
    #[must_use]
    pub fn is_of_event(&self) -> bool {
        self.any(&|cond| match cond {
            Self::Done(_) | Self::Goals(..) => true,
            Self::Test(test) => test.dimension.is_of_event(),
            _ => false,
        })
    }

    /// Whether it names this dimension.
    #[must_use]
    pub fn names(&self, dimension: &Dimension) -> bool {
        self.any(&|cond| match cond {
            Self::Goals(..) => *dimension == Dimension::Goal,
            Self::Test(test) => test.dimension == *dimension,
            _ => false,
        })
    }

    /// Scroll goals that it asks for, not within `has_done`: engagement events that reach them count as events under it.
    #[must_use]
    pub fn scroll_goals(&self, goals: &[Goal]) -> BTreeSet<usize> {
        match self {
            Self::All(conds) | Self::Any(conds) => {
                conds.iter().flat_map(|cond| cond.scroll_goals(goals)).collect()
            }
            Self::Not(cond) => cond.scroll_goals(goals),
            Self::Goals(which, Sense::Positive) => which
                .iter()
                .copied()
                .filter(|place| {
                    matches!(
                        goals.get(*place),
                        Some(Goal {
                            kind: GoalKind::Scroll { .. },
                            ..
                        })
                    )
                })
                .collect(),
            Self::Goals(_, Sense::Negative) | Self::Done(_) | Self::Test(_) => BTreeSet::new(),
        }
    }
}

/// Whose filters are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asks {
    /// The asker's.
    Somebody,
    /// What the scope adds to them.
    Link,
    /// Those of a segment that the asker uses.
    Segment,
}

struct Reader<'a> {
    scope: &'a Scope,
    conditions: usize,
    patterns: Vec<(String, String)>,
    asks: Asks,
}

impl Reader<'_> {
    fn all(&mut self, filters: &[Filter], path: &str, depth: usize) -> Result<Cond, StatsError> {
        let read = filters
            .iter()
            .enumerate()
            .map(|(i, filter)| self.filter(filter, &format!("{path}[{i}]"), depth));
        Ok(Cond::All(read.collect::<Result<_, _>>()?))
    }

    fn filter(&mut self, filter: &Filter, path: &str, depth: usize) -> Result<Cond, StatsError> {
        if depth > limits::FILTER_DEPTH {
            return wrong(
                path,
                format!(
                    "is nested deeper than {}: simplify the filter",
                    limits::FILTER_DEPTH
                ),
            );
        }
        let inner = format!("{path}[1]");
        Ok(match filter {
            Filter::And(filters) => self.all(filters, &inner, depth + 1)?,
            Filter::Or(filters) => match self.all(filters, &inner, depth + 1)? {
                Cond::All(conds) => Cond::Any(conds),
                other => other,
            },
            Filter::Not(filter) => Cond::Not(Box::new(self.filter(filter, &inner, depth + 1)?)),
            Filter::HasDone(filter) => Cond::Done(Box::new(self.filter(filter, &inner, depth + 1)?)),
            Filter::HasNotDone(filter) => Cond::Not(Box::new(Cond::Done(Box::new(self.filter(
                filter,
                &inner,
                depth + 1,
            )?)))),
            Filter::Condition(condition) => self.condition(condition, path, depth)?,
        })
    }

    fn condition(&mut self, condition: &Condition, path: &str, depth: usize) -> Result<Cond, StatsError> {
        self.conditions += 1;
        let values = format!("{path}[2]");
        if self.conditions > limits::CONDITIONS {
            return wrong(
                path,
                format!("there are more than {} conditions", limits::CONDITIONS),
            );
        }
        if condition.values.is_empty() {
            return wrong(&values, "is empty: give at least one value");
        }
        let most = match condition.subject {
            Subject::Dimension(Dimension::Country | Dimension::Region) => limits::CODES,
            _ => limits::VALUES,
        };
        if condition.values.len() > most {
            return wrong(&values, format!("has more than {most} values"));
        }
        let how = match condition.operator {
            Operator::Is | Operator::IsNot => How::Is,
            Operator::Contains | Operator::ContainsNot => How::Contains,
            Operator::Matches | Operator::MatchesNot => How::Matches,
        };
        for (i, value) in condition.values.iter().enumerate() {
            let path = format!("{values}[{i}]");
            let most = if how == How::Matches {
                limits::PATTERN_BYTES
            } else {
                limits::VALUE_BYTES
            };
            if value.len() > most {
                return wrong(&path, format!("is longer than {most} bytes"));
            }
            if value.contains('\0') {
                return wrong(&path, "has a zero byte in it");
            }
            if how == How::Matches {
                self.patterns.push((path, value.clone()));
            }
        }
        let case = if condition.case_sensitive {
            Case::Matters
        } else {
            Case::Ignored
        };
        let sense = if condition.operator.is_negated() {
            Sense::Negative
        } else {
            Sense::Positive
        };
        let cond = match &condition.subject {
            Subject::Segment => self.segments(condition, path, depth)?,
            Subject::Dimension(Dimension::Time(_)) => {
                return wrong(&format!("{path}[1]"), "time cannot be filtered: use date_range");
            }
            Subject::Dimension(Dimension::Goal) => self.goals(condition, how, case, sense, &values)?,
            Subject::Dimension(dimension) => Cond::Test(Test {
                dimension: dimension.clone(),
                how,
                values: condition.values.clone(),
                case,
            }),
        };
        Ok(match sense {
            Sense::Positive => cond,
            Sense::Negative => Cond::Not(Box::new(cond)),
        })
    }

    fn segments(&mut self, condition: &Condition, path: &str, depth: usize) -> Result<Cond, StatsError> {
        if !matches!(condition.operator, Operator::Is | Operator::IsNot) {
            return wrong(&format!("{path}[0]"), "segments go with is and is_not only");
        }
        let mut conds = Vec::new();
        for (i, id) in condition.values.iter().enumerate() {
            let segment = self
                .scope
                .segments
                .iter()
                .find(|segment| segment.id.to_string() == *id);
            let Some(segment) = segment else {
                return wrong(
                    &format!("{path}[2][{i}]"),
                    format!("there is no segment {id} that you may use"),
                );
            };
            conds.push(self.open(segment, path, depth + 1)?);
        }
        Ok(match conds.len() {
            1 => conds.swap_remove(0),
            _ => Cond::Any(conds),
        })
    }

    /// A segment's own filters. What is wrong with them was right when they were saved: a goal was removed since.
    fn open(&mut self, segment: &Segment, path: &str, depth: usize) -> Result<Cond, StatsError> {
        let asked_by = self.asks;
        if asked_by == Asks::Somebody {
            self.asks = Asks::Segment;
        }
        let read = self.all(&segment.filters, path, depth);
        self.asks = asked_by;
        read.or_else(|error| match (error, asked_by) {
            (StatsError::Invalid { .. }, Asks::Link) => wrong(
                path,
                "what this link shows cannot be counted any more: ask whoever gave it to you for another one",
            ),
            (StatsError::Invalid { reason, .. }, _) => wrong(
                path,
                format!(
                    "the segment `{}` cannot be used: {reason}, or change the segment there",
                    segment.name
                ),
            ),
            (error, _) => Err(error),
        })
    }

    fn goals(
        &self,
        condition: &Condition,
        how: How,
        case: Case,
        sense: Sense,
        path: &str,
    ) -> Result<Cond, StatsError> {
        let fold = |text: &str| match case {
            Case::Matters => text.to_owned(),
            Case::Ignored => text.to_lowercase(),
        };
        let mut found = BTreeSet::new();
        for (i, value) in condition.values.iter().enumerate() {
            let path = format!("{path}[{i}]");
            let pattern = if how == How::Matches {
                let built = regex::RegexBuilder::new(value)
                    .case_insensitive(case == Case::Ignored)
                    // Nothing stops this once it has begun: what takes long to compile is refused.
                    .size_limit(limits::PATTERN_SIZE)
                    .build();
                match built {
                    Ok(pattern) => Some(pattern),
                    Err(regex::Error::CompiledTooBig(_)) => {
                        return wrong(&path, "repeats too much: write a simpler regular expression");
                    }
                    Err(_) => return wrong(&path, "is no regular expression"),
                }
            } else {
                None
            };
            let before = found.len();
            found.extend(self.scope.goals.iter().enumerate().filter_map(|(place, goal)| {
                let fits = match (&pattern, how) {
                    (Some(pattern), _) => pattern.is_match(&goal.name),
                    (None, How::Contains) => fold(&goal.name).contains(&fold(value)),
                    (None, _) => fold(&goal.name) == fold(value),
                };
                fits.then_some(place)
            }));
            let is_new = found.len() > before;
            let is_known = || {
                self.scope
                    .goals
                    .iter()
                    .any(|goal| fold(&goal.name) == fold(value))
            };
            // Whoever is held within a segment does not learn by guessing which goals there are: one that is not was reached by nobody.
            let may_know = self.scope.forced.is_none() || self.asks != Asks::Somebody;
            if how == How::Is && !is_new && !is_known() && may_know {
                return wrong(
                    &path,
                    format!("the site has no goal `{value}`: create it in the settings"),
                );
            }
        }
        Ok(Cond::Goals(found.into_iter().collect(), sense))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{event::SiteId, sites::Site};
    use pulsecast_protocol::account::SiteSettings;

    #[test]
    fn an_expression_over_goals_that_takes_long_to_compile_is_refused_where_it_is_written() {
        let site = Site::new(SiteId(1), SiteSettings::new("example.com".parse().unwrap()));
        let matching = |patterns: &[&str]| {
            let condition = Condition {
                operator: Operator::Matches,
                subject: Subject::Dimension(Dimension::Goal),
                values: patterns.iter().map(|text| (*text).to_owned()).collect(),
                case_sensitive: false,
            };
            Conditions::read(&[Filter::Condition(condition)], &Scope::of(&site, None))
        };
        assert!(matching(&["^Sign", "\\S+$"]).is_ok());
        let refused = matching(&["^Sign", "(\\w{100}){20}"]).unwrap_err().to_string();
        assert!(
            refused.starts_with("filters[0][2][1]: repeats too much"),
            "{refused}"
        );
    }
}
