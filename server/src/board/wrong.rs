//! Conditions that cannot be asked: expressions that are none, goals that there are not. They are told where they were typed, and what is shown
//! is shown without them.

use super::{Board, asks::WITH_IMPORTS, names};
use crate::stats::{Scope, StatsError};
use pulsecast_app::{
    board::{
        BoardState,
        filters::{Atom, Clause, Op},
        form::Place,
    },
    failure::sentence,
};
use pulsecast_protocol::stats::{DateRange, Dimension, Metric, Operator, Pagination, Query};

/// Conditions that the engine is asked about.
const ASKED: usize = 20;

/// Where they are, and why.
pub(super) async fn conditions(board: &Board, scope: &Scope, state: &BoardState) -> Vec<(Place, String)> {
    let mut wrong = Vec::new();
    let (mut named, mut asked) = (0, 0);
    for (clause, Clause(atoms)) in state.clauses.iter().enumerate() {
        for (atom, condition) in atoms.iter().enumerate() {
            let is_named = names::has_names(&condition.dimension);
            named += usize::from(is_named);
            let why = match is_named && named > names::NAMED {
                true => Some(format!(
                    "There are more than {} conditions on places, languages and screens: remove some.",
                    names::NAMED
                )),
                // Of many, panels say what is wrong with those that were not looked at.
                false if !is_doubtful(condition) || asked == ASKED => None,
                false => {
                    asked += 1;
                    why(board, scope, condition).await
                }
            };
            wrong.extend(why.map(|why| (Place { clause, atom }, why)));
        }
    }
    wrong
}

/// Whether it may be one that cannot be asked.
fn is_doubtful(atom: &Atom) -> bool {
    atom.dimension == Dimension::Goal || matches!(atom.op, Op::Of(Operator::Matches | Operator::MatchesNot))
}

/// Why it cannot be asked, if it cannot.
async fn why(board: &Board, scope: &Scope, atom: &Atom) -> Option<String> {
    let Ok(atom) = names::resolved(atom) else {
        return Some("What is typed is no regular expression.".to_owned());
    };
    // The engine knows; the last minutes are the least that it can be asked about.
    let query = Query {
        site_id: scope.domain.clone(),
        metrics: vec![Metric::Visitors],
        date_range: DateRange::Realtime,
        date: None,
        dimensions: Vec::new(),
        filters: vec![atom.filter()],
        order_by: Vec::new(),
        include: WITH_IMPORTS,
        pagination: Pagination { limit: 1, offset: 0 },
    };
    match board.stats.query(scope, &query).await {
        Err(StatsError::Invalid { path, reason }) if path.starts_with("filters") => {
            Some(match reason.starts_with("is ") {
                true => sentence(&format!("what is typed {reason}")),
                false => sentence(&reason),
            })
        }
        _ => None,
    }
}

/// The state without the clauses that hold such conditions, and with those on names as conditions on codes.
pub(super) fn left_out(state: &BoardState, wrong: &[(Place, String)]) -> BoardState {
    let is_wrong = |clause: usize| wrong.iter().any(|(place, _)| place.clause == clause);
    let mut asked = state.clone();
    if let Some(edit) = &mut asked.edit {
        edit.at = edit.at.filter(|at| !is_wrong(at.clause)).map(|at| Place {
            clause: at.clause - (0..at.clause).filter(|clause| is_wrong(*clause)).count(),
            ..at
        });
    }
    let clauses = state.clauses.iter().enumerate();
    asked.clauses = clauses
        .filter(|(clause, _)| !is_wrong(*clause))
        .filter_map(|(_, Clause(atoms))| {
            let atoms: Result<Vec<Atom>, _> = atoms.iter().map(names::resolved).collect();
            atoms.ok().map(Clause)
        })
        .collect();
    asked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_left_out_and_the_rest_keeps_its_place() {
        let search = "?f=matches,page,(&f=is,source,Google&f=contains,country,Germ&edit=country&at=2";
        let (state, _) = BoardState::parse(search);
        let wrong = [(Place { clause: 0, atom: 0 }, String::new())];
        let asked = left_out(&state, &wrong);
        assert_eq!(
            asked.search(),
            "?f=is,source,Google&f=is,country,DE&edit=country&at=1"
        );
    }
}
