//! What the dashboard is filtered by: every clause has to be true, and a clause is true if any of its conditions is. As text in the address:
//! `is,page,/a,/b`; conditions of a clause are set apart by `;`, and what would be read as a separator is escaped by `~`.

use super::words;
use pulsecast_protocol::stats::{Condition, Dimension, Filter, Operator, Subject};

/// Most clauses, conditions of a clause, and values of a condition.
pub const MOST: usize = 20;
/// Most values that a query compares with at once.
const VALUES: usize = 1_000;

/// One comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Atom {
    /// How.
    pub op: Op,
    /// What.
    pub dimension: Dimension,
    /// With what: at least one.
    pub values: Vec<String>,
    /// Whether `A` differs from `a`.
    pub case: Case,
}

/// Whether `A` differs from `a`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Case {
    /// It does, but not where something is contained.
    #[default]
    Usual,
    /// It does.
    Matters,
    /// It does not.
    Ignored,
}

impl Case {
    /// All of them, by name and words.
    pub const ALL: [(Self, &'static str, &'static str); 3] = [
        (Self::Usual, "", "as usual: ignored by “contains” only"),
        (Self::Matters, "case", "have to be the same"),
        (Self::Ignored, "any", "are ignored"),
    ];

    /// Its name in the address; the usual has none.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(case, ..)| *case == self)
            .map_or("", |(_, name, _)| name)
    }

    /// The one of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .find(|(_, n, _)| *n == name)
            .map(|(case, ..)| *case)
    }
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

    /// Whether values are compared as a whole.
    #[must_use]
    pub const fn is_equal(self) -> bool {
        matches!(self, Self::Of(Operator::Is | Operator::IsNot))
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
            case: Case::Usual,
        }
    }

    /// Whether `A` differs from `a` here.
    #[must_use]
    pub const fn is_exact(&self) -> bool {
        match self.case {
            Case::Usual => !matches!(self.op, Op::Of(Operator::Contains | Operator::ContainsNot)),
            Case::Matters => true,
            Case::Ignored => false,
        }
    }

    /// The same in a query.
    #[must_use]
    pub fn filter(&self) -> Filter {
        let operator = match self.op {
            Op::Of(operator) => operator,
            Op::Done | Op::NotDone => Operator::Is,
        };
        let condition = |values: &[String]| {
            Filter::Condition(Condition {
                operator,
                subject: Subject::Dimension(self.dimension.clone()),
                values: values.to_vec(),
                case_sensitive: self.is_exact(),
            })
        };
        // A condition has so many values at most; more make several of it.
        let condition = match self.values.chunks(VALUES).collect::<Vec<_>>().as_slice() {
            [some] => condition(some),
            many if operator.is_negated() => Filter::And(many.iter().map(|some| condition(some)).collect()),
            many => Filter::Or(many.iter().map(|some| condition(some)).collect()),
        };
        match self.op {
            Op::Of(_) => condition,
            Op::Done => Filter::HasDone(Box::new(condition)),
            Op::NotDone => Filter::HasNotDone(Box::new(condition)),
        }
    }

    fn write(&self, text: &mut String) {
        text.push_str(self.op.name());
        if self.case != Case::Usual {
            text.push(':');
            text.push_str(self.case.name());
        }
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
        let how = parts.next()?;
        let (op, case) = how.split_once(':').unwrap_or((how, ""));
        let (op, case) = (Op::named(op)?, Case::named(case)?);
        let dimension = words::dimension(&unescape(parts.next()?))?;
        let values: Vec<String> = parts.map(unescape).collect();
        let fits = !values.is_empty() && values.len() <= MOST && op.suits(&dimension);
        fits.then_some(Self {
            op,
            dimension,
            values,
            case,
        })
    }

    /// `Page is /a or /b`. `name` says how a value is called.
    #[must_use]
    pub fn words(&self, name: &dyn Fn(&Dimension, &str) -> String) -> String {
        let value = |value: &String| name(&self.dimension, value);
        let values: Vec<String> = self.values.iter().map(value).collect();
        let subject = words::singular(&self.dimension);
        let shown = match values.len() {
            0..=3 => values.join(" or "),
            n => format!("{} or {} more", values[..2].join(", "), n - 2),
        };
        let case = match self.case {
            Case::Usual => "",
            Case::Matters => " (exact case)",
            Case::Ignored => " (any case)",
        };
        match self.op {
            Op::Done | Op::NotDone => format!("{subject} {shown}{case} {}", self.op.words()),
            Op::Of(_) => format!("{subject} {} {shown}{case}", self.op.words()),
        }
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

    /// `Page is /a or /b, or Goal is Signup`, for a pill. `name` says how a value is called.
    #[must_use]
    pub fn words(&self, name: &dyn Fn(&Dimension, &str) -> String) -> String {
        let atoms: Vec<String> = self.0.iter().map(|atom| atom.words(name)).collect();
        atoms.join(", or ")
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
                case: Case::Matters,
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
            "is:loud,page,/a",
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
        let clause = Clause::read("is:any,page,/Blog").unwrap();
        assert_eq!(clause.words(&plain), "Page is /Blog (any case)");
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

    #[test]
    fn capitals_matter_unless_something_is_contained_or_somebody_says_otherwise() {
        let json = |text| serde_json::to_string(&Clause::read(text).unwrap().filter()).unwrap();
        assert_eq!(json("matches,page,^/A"), r#"["matches","event:page",["^/A"]]"#);
        assert_eq!(
            json("contains,page,a"),
            r#"["contains","event:page",["a"],{"case_sensitive":false}]"#
        );
        assert_eq!(json("contains:case,page,A"), r#"["contains","event:page",["A"]]"#);
        assert_eq!(
            json("is_not:any,page,/a"),
            r#"["is_not","event:page",["/a"],{"case_sensitive":false}]"#
        );
    }

    #[test]
    fn more_values_than_a_condition_takes_make_several() {
        let of = |op| {
            let values = (0..VALUES + 1).map(|n| n.to_string()).collect();
            Atom {
                op: Op::Of(op),
                values,
                ..Atom::is(Dimension::Region, "")
            }
        };
        assert!(matches!(of(Operator::Is).filter(), Filter::Or(parts) if parts.len() == 2));
        assert!(matches!(of(Operator::IsNot).filter(), Filter::And(parts) if parts.len() == 2));
    }
}
