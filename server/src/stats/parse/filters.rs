//! Reads filters: `["and", [["is", "visit:country", ["DE"]], ["not", …]]]`. Counts as it goes, so that none is deeper, longer or wider than
//! an answer in time allows.

use super::{
    at::{At, quoted},
    dimension, limit,
};
use crate::stats::StatsError;
use pulsecast_protocol::stats::{Condition, Filter, Operator, Subject};

/// How one comparison is written.
const EXAMPLE: &str = "[\"is\", \"visit:country\", [\"DE\"]]";

/// Where in the tree of filters one is, and how many comparisons there were before.
struct Reader {
    conditions: usize,
}

#[derive(Clone, Copy)]
struct Place {
    depth: usize,
    in_behaviour: bool,
}

impl Place {
    fn below(self) -> Self {
        Self {
            depth: self.depth + 1,
            ..self
        }
    }
}

/// A list of filters, all of which have to be true.
pub(super) fn list(at: &At<'_>) -> Result<Vec<Filter>, StatsError> {
    let mut reader = Reader { conditions: 0 };
    let place = Place {
        depth: 1,
        in_behaviour: false,
    };
    at.list(&format!("filters, such as [{EXAMPLE}]"))?
        .iter()
        .map(|at| reader.filter(at, place))
        .collect()
}

impl Reader {
    fn filter(&mut self, at: &At<'_>, place: Place) -> Result<Filter, StatsError> {
        if place.depth > limit::DEPTH {
            return Err(at.wrong(format!(
                "is nested deeper than {} filters: make it flatter",
                limit::DEPTH
            )));
        }
        let parts = at.list(&format!("an operator and what it is about, such as {EXAMPLE}"))?;
        let Some((operator, rest)) = parts.split_first() else {
            return Err(at.wrong(format!("is empty: write a filter such as {EXAMPLE}")));
        };
        let name = operator.text("an operator such as is")?;
        match name {
            "and" => Ok(Filter::And(self.several(at, rest, place)?)),
            "or" => Ok(Filter::Or(self.several(at, rest, place)?)),
            "not" => Ok(Filter::Not(Box::new(self.one(at, rest, place)?))),
            "has_done" | "has_not_done" => {
                if place.in_behaviour {
                    return Err(operator.wrong(format!("{name} cannot be within has_done or has_not_done: put them side by side")));
                }
                let place = Place {
                    in_behaviour: true,
                    ..place
                };
                let done = Box::new(self.one(at, rest, place)?);
                Ok(if name == "has_done" {
                    Filter::HasDone(done)
                } else {
                    Filter::HasNotDone(done)
                })
            }
            _ => match Operator::ALL.into_iter().find(|op| op.name() == name) {
                Some(op) => self.condition(at, op, rest).map(Filter::Condition),
                None => Err(operator.wrong(format!(
                    "no such operator \"{}\": use is, is_not, contains, contains_not, matches, matches_not, and, or, not, \
                     has_done or has_not_done",
                    quoted(name)
                ))),
            },
        }
    }

    fn several(&mut self, at: &At<'_>, rest: &[At<'_>], place: Place) -> Result<Vec<Filter>, StatsError> {
        let [list] = rest else {
            return Err(at.wrong(format!(
                "has to hold and/or and one list of filters, such as [\"and\", [{EXAMPLE}]]"
            )));
        };
        let parts = list.list("filters")?;
        if parts.is_empty() {
            return Err(list.wrong("is empty: add a filter, or leave this one out"));
        }
        parts.iter().map(|at| self.filter(at, place.below())).collect()
    }

    fn one(&mut self, at: &At<'_>, rest: &[At<'_>], place: Place) -> Result<Filter, StatsError> {
        let [filter] = rest else {
            return Err(at.wrong(format!(
                "has to hold the operator and one filter, such as [\"not\", {EXAMPLE}]"
            )));
        };
        self.filter(filter, place.below())
    }

    fn condition(
        &mut self,
        at: &At<'_>,
        operator: Operator,
        rest: &[At<'_>],
    ) -> Result<Condition, StatsError> {
        self.conditions += 1;
        if self.conditions > limit::CONDITIONS {
            return Err(at.wrong(format!(
                "is one comparison too many: use at most {}",
                limit::CONDITIONS
            )));
        }
        let (subject, values, options) = match rest {
            [subject, values] => (subject, values, None),
            [subject, values, options] => (subject, values, Some(options)),
            _ => {
                return Err(at.wrong(format!(
                    "has to hold operator, dimension and a list of values, such as {EXAMPLE}"
                )));
            }
        };
        let of = self::subject(subject, operator)?;
        let parts = values.list("values")?;
        if parts.is_empty() {
            return Err(values.wrong("is empty: name at least one value"));
        }
        if parts.len() > limit::VALUES {
            return Err(values.wrong(format!(
                "has {} values: name at most {}",
                parts.len(),
                limit::VALUES
            )));
        }
        let read = |at: &At<'_>| match of {
            Subject::Segment => segment(at),
            Subject::Dimension(_) => value(at, operator),
        };
        Ok(Condition {
            operator,
            values: parts.iter().map(read).collect::<Result<_, _>>()?,
            case_sensitive: options.map_or(Ok(true), case_sensitive)?,
            subject: of,
        })
    }
}

fn subject(at: &At<'_>, operator: Operator) -> Result<Subject, StatsError> {
    if at.value() == "segment" {
        return if operator == Operator::Is {
            Ok(Subject::Segment)
        } else {
            Err(at.wrong("goes with is only: write [\"not\", [\"is\", \"segment\", [1]]] for its opposite"))
        };
    }
    let dimension = dimension(at)?;
    if dimension.is_time() {
        return Err(at.wrong("time cannot be filtered: set date_range instead"));
    }
    Ok(Subject::Dimension(dimension))
}

fn value(at: &At<'_>, operator: Operator) -> Result<String, StatsError> {
    let text = match at.value().as_i64() {
        Some(number) => number.to_string(),
        None => at.text("what is compared with")?.to_owned(),
    };
    if text.contains('\0') {
        return Err(at.wrong("holds a zero byte: leave it out"));
    }
    let expression = matches!(operator, Operator::Matches | Operator::MatchesNot);
    let most = if expression {
        limit::EXPRESSION
    } else {
        limit::VALUE
    };
    if text.chars().nth(most).is_some() {
        return Err(at.wrong(format!("is longer than {most} characters: shorten it")));
    }
    Ok(text)
}

/// A segment's number, however it is written.
fn segment(at: &At<'_>) -> Result<String, StatsError> {
    let written = at.value().as_str().and_then(|text| text.parse::<i64>().ok());
    let number = at.value().as_i64().or(written);
    number
        .map(|number| number.to_string())
        .ok_or_else(|| at.wrong("has to be a segment's number, such as 1"))
}

fn case_sensitive(at: &At<'_>) -> Result<bool, StatsError> {
    at.object(&["case_sensitive"])?;
    at.key("case_sensitive").map_or(Ok(true), |at| at.flag())
}
