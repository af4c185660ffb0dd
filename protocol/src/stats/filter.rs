//! Conditions on events and visits: `["and", [["is", "visit:country", ["DE"]], …]]`.

use super::Dimension;
use serde::{Serialize, Serializer, ser::SerializeSeq};

/// A condition, nested as deep as the server allows.
#[derive(Clone, Debug, PartialEq)]
pub enum Filter {
    /// All of these.
    And(Vec<Filter>),
    /// Any of these.
    Or(Vec<Filter>),
    /// Not this.
    Not(Box<Filter>),
    /// The visit has, within the range, an event of which this is true.
    HasDone(Box<Filter>),
    /// It has none.
    HasNotDone(Box<Filter>),
    /// A comparison.
    Condition(Condition),
}

/// One comparison: true if it is true for any of the values (`is`, `contains`, `matches`), or for none of them (the negated).
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// How it is compared.
    pub operator: Operator,
    /// What.
    pub subject: Subject,
    /// With what; at least one. For [`Subject::Segment`] the segment's number as text.
    pub values: Vec<String>,
    /// Whether `A` differs from `a`; it does unless told otherwise.
    pub case_sensitive: bool,
}

/// How a condition compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operator {
    /// Equal.
    Is,
    /// Not equal.
    IsNot,
    /// Has it within.
    Contains,
    /// Has it not.
    ContainsNot,
    /// Regular expression, as RE2 reads it, anywhere in the text.
    Matches,
    /// The expression is nowhere found.
    MatchesNot,
}

/// What a condition compares.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// A dimension, not of time.
    Dimension(Dimension),
    /// `segment`: a saved filter of the site.
    Segment,
}

impl Operator {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Is,
        Self::IsNot,
        Self::Contains,
        Self::ContainsNot,
        Self::Matches,
        Self::MatchesNot,
    ];

    /// Its name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Is => "is",
            Self::IsNot => "is_not",
            Self::Contains => "contains",
            Self::ContainsNot => "contains_not",
            Self::Matches => "matches",
            Self::MatchesNot => "matches_not",
        }
    }

    /// Whether it is true where the comparison is not.
    #[must_use]
    pub const fn is_negated(self) -> bool {
        matches!(self, Self::IsNot | Self::ContainsNot | Self::MatchesNot)
    }
}

impl Filter {
    /// `["is", dimension, values]`.
    #[must_use]
    pub fn is(dimension: Dimension, values: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self::Condition(Condition {
            operator: Operator::Is,
            subject: Subject::Dimension(dimension),
            values: values.into_iter().map(Into::into).collect(),
            case_sensitive: true,
        })
    }
}

impl Serialize for Filter {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut seq = serializer.serialize_seq(None)?;
        match self {
            Self::And(filters) => {
                seq.serialize_element("and")?;
                seq.serialize_element(filters)?;
            }
            Self::Or(filters) => {
                seq.serialize_element("or")?;
                seq.serialize_element(filters)?;
            }
            Self::Not(filter) => {
                seq.serialize_element("not")?;
                seq.serialize_element(filter)?;
            }
            Self::HasDone(filter) => {
                seq.serialize_element("has_done")?;
                seq.serialize_element(filter)?;
            }
            Self::HasNotDone(filter) => {
                seq.serialize_element("has_not_done")?;
                seq.serialize_element(filter)?;
            }
            Self::Condition(condition) => {
                seq.serialize_element(condition.operator.name())?;
                match &condition.subject {
                    Subject::Dimension(dimension) => seq.serialize_element(dimension)?,
                    Subject::Segment => seq.serialize_element("segment")?,
                }
                match &condition.subject {
                    Subject::Dimension(_) => seq.serialize_element(&condition.values)?,
                    Subject::Segment => {
                        let ids: Vec<i64> =
                            condition.values.iter().filter_map(|id| id.parse().ok()).collect();
                        seq.serialize_element(&ids)?;
                    }
                }
                if !condition.case_sensitive {
                    seq.serialize_element(&CaseOption {
                        case_sensitive: false,
                    })?;
                }
            }
        }
        seq.end()
    }
}

#[derive(Serialize)]
struct CaseOption {
    case_sensitive: bool,
}
