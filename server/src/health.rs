//! Whether the server can do its work: each part that can fail says so here, `/health/ready` reads it. Knows no HTTP.

use parking_lot::RwLock;
use std::{collections::BTreeMap, sync::Arc};

/// A part's state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// It works.
    Ok,
    /// It does not, for this reason.
    Red(String),
}

/// The parts and their states. A cheap handle.
#[derive(Clone, Debug, Default)]
pub struct Health(Arc<RwLock<BTreeMap<&'static str, State>>>);

impl Health {
    /// Notes a part's state; logs when it changed.
    pub fn set(&self, part: &'static str, state: State) {
        let before = self.0.write().insert(part, state.clone());
        match (&before, &state) {
            (Some(State::Red(_)), State::Ok) => tracing::info!(part, "works again"),
            (Some(State::Red(_)), State::Red(_)) | (_, State::Ok) => {}
            (_, State::Red(reason)) => tracing::error!(part, %reason, "does not work; readiness is red"),
        }
    }

    /// The part works.
    pub fn ok(&self, part: &'static str) {
        self.set(part, State::Ok);
    }

    /// The part does not work.
    pub fn red(&self, part: &'static str, reason: impl Into<String>) {
        self.set(part, State::Red(reason.into()));
    }

    /// What does not work, by part; empty when all is well.
    #[must_use]
    pub fn problems(&self) -> Vec<(&'static str, String)> {
        let parts = self.0.read();
        parts
            .iter()
            .filter_map(|(part, state)| match state {
                State::Ok => None,
                State::Red(reason) => Some((*part, reason.clone())),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_that_recovers_is_no_problem_any_more() {
        let health = Health::default();
        health.ok("inbox");
        health.red("store", "disk full");
        assert_eq!(health.problems(), [("store", "disk full".to_owned())]);
        health.ok("store");
        assert!(health.problems().is_empty());
    }
}
