//! The figures are what docs/metrics.md says: random histories go through the real sessions and the real store, random questions are asked of
//! the server and of a naive implementation of that page (`naive`), and the answers are the same.
//!
//! `ORACLE_CASES=1000` compares so many histories, `ORACLE_SEED=7` begins with that seed, `ORACLE_QUESTIONS=100` asks so many of each,
//! `ORACLE_DIFFERENCES=5` goes on until it has found so many.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod check;
mod dice;
mod examples;
mod history;
mod imported;
mod known;
mod naive;
mod queries;
mod rolled;
mod smaller;
mod subject;
mod visits;

use check::{Both, Question};
use dice::Dice;
use history::History;
use smaller::{Case, smaller};

#[expect(
    clippy::disallowed_methods,
    reason = "how long it searches is up to who runs it"
)]
fn setting(name: &str, otherwise: u64) -> u64 {
    std::env::var(name)
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(otherwise)
}

#[test]
fn the_server_answers_what_the_page_defines() {
    let (histories, questions) = (setting("ORACLE_CASES", 20), setting("ORACLE_QUESTIONS", 25));
    let (first, most) = (setting("ORACLE_SEED", 1), setting("ORACLE_DIFFERENCES", 1));
    let mut differences = 0;
    let (mut events, mut queries, mut others, mut rows, mut told) = (0, 0, 0, 0, 0);
    for seed in first..first + histories {
        let dice = &mut Dice::new(seed);
        let history = History::random(dice);
        let scope = queries::scope(dice, &history);
        let both = Both::of(&history, &scope);
        events += history.len();
        for _ in 0..questions {
            let question = if dice.percent(92) {
                queries += 1;
                Question::Query(Box::new(queries::query(dice, &scope, &history)))
            } else {
                others += 1;
                queries::other(dice, &scope, &history)
            };
            if let Question::Query(query) = &question {
                let answer = both.naive.query(query).rows;
                rows += answer.len();
                told += u32::from(
                    answer
                        .iter()
                        .any(|row| row.metrics.iter().any(|m| m.number().is_some_and(|n| n != 0.0))),
                );
            }
            if let Some(difference) = both.differ(&question) {
                let case = Case {
                    history: history.clone(),
                    scope: scope.clone(),
                    question,
                    difference,
                };
                let case = smaller(case);
                println!(
                    "seed {seed}: {}",
                    check::told(&case.history, &case.scope, &case.question, &case.difference)
                );
                differences += 1;
                assert!(
                    differences < most,
                    "{differences} differences, the first are above"
                );
                break;
            }
        }
    }
    assert_eq!(differences, 0, "they are above");
    println!(
        "{histories} histories ({events} events), {queries} queries ({rows} rows; {told} not of nothing), {others} funnels, returns and cohorts: no difference"
    );
}
