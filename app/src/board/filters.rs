//! What the dashboard is filtered by: every clause has to be true, and a clause is true if any of its conditions is. As text in the address:
//! `is,page,/a,/b`; conditions of a clause are set apart by `;`, and what would be read as a separator is escaped by `~`.

use super::words;
use pulsecast_protocol::stats::{Condition, Dimension, Filter, Operator, Subject};
use std::fmt::Write as _;

/// Most clauses, conditions of a clause, and values of a condition.
pub const MOST: usize = 20;

/// One comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Atom {
    /// How.
    pub op: Op,
    /// What.
    pub dimension: Dimension,
    /// With what: at least one.
    pub values: Vec<String>,
}

/// How a condition compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// The event or visit itself.
    Of(Operator),
    /// The visit has an event of which it is true.
    Done,
    /// It has none.
    NotDone,
}

impl Op {
    /// All of them, by name and words.
    pub const ALL: [(Self, &'static str, &'static str); 8] = [
        (Self::Of(Operator::Is), "is", "is"),
        (Self::Of(Operator::IsNot), "is_not", "is not"),
        (Self::Of(Operator::Contains), "contains", "contains"),
        (
            Self::Of(Operator::ContainsNot),
            "contains_not",
            "does not contain",
        ),
        (Self::Of(Operator::Matches), "matches", "matches"),
        (Self::Of(Operator::MatchesNot), "matches_not", "does not match"),
        (Self::Done, "done", "was done during the visit"),
        (Self::NotDone, "not_done", "was not done during the visit"),
    ];

    /// Its name in the address.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(op, ..)| *op == self)
            .map_or("is", |(_, name, _)| name)
    }

    /// As a sentence has it.
    #[must_use]
    pub fn words(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(op, ..)| *op == self)
            .map_or("is", |(.., words)| words)
    }

    /// The one of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, n, _)| *n == name).map(|(op, ..)| *op)
    }

    /// Whether it makes sense for this dimension.
    #[must_use]
    pub fn suits(self, dimension: &Dimension) -> bool {
        !matches!(self, Self::Done | Self::NotDone) || dimension.is_of_event()
    }
}

/// A condition or several of which one is enough.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clause(pub Vec<Atom>);

impl Atom {
    /// `is`.
    #[must_use]
    pub fn is(dimension: Dimension, value: impl Into<String>) -> Self {
        Self {
            op: Op::Of(Operator::Is),
            dimension,
            values: vec![value.into()],
        }
    }

    /// The same in a query. What contains something does so in capitals as well.
    #[must_use]
    pub fn filter(&self) -> Filter {
        let operator = match self.op {
            Op::Of(operator) => operator,
            Op::Done | Op::NotDone => Operator::Is,
        };
        let condition = Filter::Condition(Condition {
            operator,
            subject: Subject::Dimension(self.dimension.clone()),
            values: self.values.clone(),
            case_sensitive: !matches!(operator, Operator::Contains | Operator::ContainsNot),
        });
        match self.op {
            Op::Of(_) => condition,
            Op::Done => Filter::HasDone(Box::new(condition)),
            Op::NotDone => Filter::HasNotDone(Box::new(condition)),
        }
    }

    fn write(&self, text: &mut String) {
        text.push_str(self.op.name());
        let name = words::short(&self.dimension);
        for part in std::iter::once(&name).chain(&self.values) {
            text.push(',');
            for c in part.chars() {
                match c {
                    '~' => text.push_str("~0"),
                    ',' => text.push_str("~1"),
                    ';' => text.push_str("~2"),
                    _ => text.push(c),
                }
            }
        }
    }

    fn read(text: &str) -> Option<Self> {
        let mut parts = text.split(',');
        let op = Op::named(parts.next()?)?;
        let dimension = words::dimension(&unescape(parts.next()?))?;
        let values: Vec<String> = parts.map(unescape).collect();
        let fits = !values.is_empty() && values.len() <= MOST && op.suits(&dimension);
        fits.then_some(Self {
            op,
            dimension,
            values,
        })
    }
}

impl Clause {
    /// The same in a query.
    #[must_use]
    pub fn filter(&self) -> Filter {
        match self.0.as_slice() {
            [one] => one.filter(),
            many => Filter::Or(many.iter().map(Atom::filter).collect()),
        }
    }

    /// As the address has it.
    #[must_use]
    pub fn write(&self) -> String {
        let mut text = String::new();
        for atom in &self.0 {
            if !text.is_empty() {
                text.push(';');
            }
            atom.write(&mut text);
        }
        text
    }

    /// Read from an address.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let atoms: Option<Vec<Atom>> = text.split(';').map(Atom::read).collect();
        atoms.filter(|atoms| atoms.len() <= MOST).map(Self)
    }

    /// `Page is /a or /b`, for a pill. `name` says how a value is called.
    #[must_use]
    pub fn words(&self, name: &dyn Fn(&Dimension, &str) -> String) -> String {
        let mut text = String::new();
        for (i, atom) in self.0.iter().enumerate() {
            if i > 0 {
                text.push_str(", or ");
            }
            let values: Vec<String> = atom
                .values
                .iter()
                .map(|value| name(&atom.dimension, value))
                .collect();
            let subject = words::singular(&atom.dimension);
            let shown = match values.len() {
                0..=3 => values.join(" or "),
                n => format!("{} or {} more", values[..2].join(", "), n - 2),
            };
            let written = match atom.op {
                Op::Done | Op::NotDone => write!(text, "{subject} {shown} {}", atom.op.words()),
                Op::Of(_) => write!(text, "{subject} {} {shown}", atom.op.words()),
            };
            written.ok();
        }
        text
    }

    /// Whether it says something about this dimension.
    #[must_use]
    pub fn names(&self, dimension: &Dimension) -> bool {
        self.0.iter().any(|atom| atom.dimension == *dimension)
    }
}

fn unescape(text: &str) -> String {
    if !text.contains('~') {
        return text.to_owned();
    }
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        plain.push(match (c, c == '~') {
            (_, true) => match chars.next() {
                Some('1') => ',',
                Some('2') => ';',
                _ => '~',
            },
            (c, false) => c,
        });
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clause_reads_back_whatever_its_values_hold() {
        let clause = Clause(vec![
            Atom::is(Dimension::Page, "/a,b;c~1"),
            Atom {
                op: Op::Of(Operator::ContainsNot),
                dimension: Dimension::Prop("plan, size".into()),
                values: vec!["".into(), "~".into()],
            },
        ]);
        assert_eq!(Clause::read(&clause.write()), Some(clause));
    }

    #[test]
    fn what_makes_no_sense_is_no_clause() {
        for text in [
            "",
            "is",
            "is,page",
            "is,moon,x",
            "like,page,x",
            "done,country,DE",
            "is,page,/a;",
        ] {
            assert_eq!(Clause::read(text), None, "{text}");
        }
    }

    #[test]
    fn a_clause_reads_as_a_sentence() {
        let plain = |_: &Dimension, value: &str| value.to_owned();
        let clause = Clause::read("is,page,/a,/b;is,goal,Signup").unwrap();
        assert_eq!(clause.words(&plain), "Page is /a or /b, or Goal is Signup");
        let clause = Clause::read("not_done,goal,Signup").unwrap();
        assert_eq!(clause.words(&plain), "Goal Signup was not done during the visit");
    }

    #[test]
    fn alternatives_become_an_or() {
        let json = |text| serde_json::to_string(&Clause::read(text).unwrap().filter()).unwrap();
        assert_eq!(
            json("is,page,/a;is_not,country,DE"),
            r#"["or",[["is","event:page",["/a"]],["is_not","visit:country",["DE"]]]]"#
        );
        assert_eq!(
            json("done,goal,Signup"),
            r#"["has_done",["is","event:goal",["Signup"]]]"#
        );
    }
}
