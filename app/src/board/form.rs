//! The form of a filter: which condition of which clause it changes, and what its fields make of the state.

use super::{
    filters::{Atom, Case, Clause, MOST, Op},
    state::{BoardState, pairs},
    words,
};
use pulsecast_protocol::stats::Dimension;
use std::{fmt, str::FromStr};

/// A filter that is being made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// Of what.
    pub dimension: Dimension,
    /// Which condition it will replace; a new one otherwise.
    pub at: Option<Place>,
    /// Only values that contain this are offered.
    pub search: String,
}

/// A condition of a clause, both counted from 0. As text `1` is the first condition of the second clause, `1.2` its third.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The clause.
    pub clause: usize,
    /// The condition.
    pub atom: usize,
}

/// It is written otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("write the clause's number, a point and the condition's")]
pub struct NoPlace;

impl FromStr for Place {
    type Err = NoPlace;

    fn from_str(text: &str) -> Result<Self, NoPlace> {
        let (clause, atom) = text.split_once('.').unwrap_or((text, "0"));
        Ok(Self {
            clause: clause.parse().map_err(|_| NoPlace)?,
            atom: atom.parse().map_err(|_| NoPlace)?,
        })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.atom {
            0 => write!(f, "{}", self.clause),
            atom => write!(f, "{}.{atom}", self.clause),
        }
    }
}

impl Edit {
    /// The condition that is there, to be changed.
    #[must_use]
    pub fn of(state: &BoardState, at: Place) -> Option<Self> {
        state.atom(at).map(|atom| Self {
            dimension: atom.dimension.clone(),
            at: Some(at),
            search: String::new(),
        })
    }
}

impl BoardState {
    /// The condition at a place.
    #[must_use]
    pub fn atom(&self, at: Place) -> Option<&Atom> {
        self.clauses.get(at.clause)?.0.get(at.atom)
    }

    /// Takes a condition away, and with the last of a clause the clause.
    pub fn drop_atom(&mut self, at: Place) {
        if self.atom(at).is_none() {
            return;
        }
        match self.clauses.get_mut(at.clause) {
            Some(Clause(atoms)) if atoms.len() > 1 => {
                atoms.remove(at.atom);
            }
            _ => self.drop_clause(at.clause),
        }
    }

    /// What the filter form adds to the address, if it was sent: the state with that filter. The other conditions of its clause stay; one that
    /// was left without a value goes.
    #[must_use]
    pub fn with_added(mut self, search: &str) -> Option<Self> {
        let pairs: Vec<(String, String)> = pairs(search).collect();
        let value = |name: &str| {
            pairs
                .iter()
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.as_str())
        };
        let dimension = words::dimension(value("add")?)?;
        let op = Op::named(value("op")?).filter(|op| op.suits(&dimension))?;
        let case = value("case").and_then(Case::named).unwrap_or_default();
        let mut values: Vec<String> = Vec::new();
        for (_, text) in pairs.iter().filter(|(key, _)| key == "v") {
            if !text.is_empty() && !values.contains(text) {
                values.push(text.clone());
            }
        }
        values.truncate(MOST);
        let at = value("at").and_then(|at| at.parse::<Place>().ok());
        let at = at.filter(|at| self.atom(*at).is_some());
        let join = value("join").and_then(|n| n.parse::<usize>().ok());
        self.edit = None;
        if let Some(details) = &mut self.details {
            details.page = 1;
        }
        if values.is_empty() {
            at.into_iter().for_each(|at| self.drop_atom(at));
            return Some(self);
        }
        let atom = Atom {
            op,
            dimension,
            values,
            case,
        };
        let clauses = &mut self.clauses;
        match (at, join) {
            (Some(at), _) => clauses[at.clause].0[at.atom] = atom,
            (_, Some(join)) if join < clauses.len() && clauses[join].0.len() < MOST => {
                clauses[join].0.push(atom);
            }
            _ => clauses.push(Clause(vec![atom])),
        }
        Some(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(state: &str, more: &str) -> String {
        let (state, wrong) = BoardState::parse(state);
        assert_eq!(wrong, Vec::<String>::new());
        state.with_added(more).unwrap().search()
    }

    #[test]
    fn it_adds_replaces_and_joins() {
        let added = |more: &str| sent("?f=is,country,DE", more);
        assert_eq!(
            added("?add=page&op=is&v=/a&v=/b&v="),
            "?f=is,country,DE&f=is,page,/a,/b"
        );
        assert_eq!(added("?add=country&op=is_not&v=FR&at=0"), "?f=is_not,country,FR");
        assert_eq!(
            added("?add=page&op=contains&v=blog&join=0"),
            "?f=is,country,DE;contains,page,blog"
        );
        assert_eq!(added("?add=page&op=is"), "?f=is,country,DE");
        assert_eq!(
            added("?add=page&op=matches&case=any&v=^/a"),
            "?f=is,country,DE&f=matches:any,page,%5E/a"
        );
        assert_eq!(
            BoardState::default().with_added("?add=moon&op=is&v=x"),
            None,
            "nothing is made of what there is not"
        );
    }

    #[test]
    fn changing_one_condition_keeps_those_beside_it() {
        let changed = |more: &str| sent("?f=is,source,Google;is,channel,Email&f=is,page,/", more);
        assert_eq!(
            changed("?add=source&op=is&v=Bing&at=0"),
            "?f=is,source,Bing;is,channel,Email&f=is,page,/"
        );
        assert_eq!(
            changed("?add=channel&op=is_not&v=Email&at=0.1"),
            "?f=is,source,Google;is_not,channel,Email&f=is,page,/"
        );
        // What is left without a value is no condition any more.
        assert_eq!(
            changed("?add=source&op=is&at=0"),
            "?f=is,channel,Email&f=is,page,/"
        );
        assert_eq!(
            changed("?add=page&op=is&at=1"),
            "?f=is,source,Google;is,channel,Email"
        );
        // A place that is not there is not guessed at.
        assert_eq!(
            changed("?add=page&op=is&v=/b&at=7.3"),
            "?f=is,source,Google;is,channel,Email&f=is,page,/&f=is,page,/b"
        );
    }

    #[test]
    fn no_form_makes_a_filter_that_its_own_address_cannot_hold() {
        let full = vec!["is,page,/a"; MOST].join(";");
        let state = sent(&format!("?f={full}"), "?add=page&op=is&v=/b&join=0");
        let (read, wrong) = BoardState::parse(&state);
        assert_eq!((read.clauses.len(), wrong.len()), (2, 0));
    }

    #[test]
    fn a_place_reads_back_from_its_text() {
        for text in ["0", "3", "0.1", "12.19"] {
            assert_eq!(
                text.parse::<Place>().map(|place| place.to_string()),
                Ok(text.to_owned())
            );
        }
        assert!(
            ["", "x", "1.", "-1"]
                .iter()
                .all(|text| text.parse::<Place>().is_err())
        );
    }
}
