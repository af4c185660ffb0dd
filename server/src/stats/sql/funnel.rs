//! A funnel as one statement: who reached each step, and first when. Earliest is best: whoever is early for a step misses none after it.

use super::{Builder, Statement, cond::Of, sources::Ask};
use crate::{
    stats::{Scope, cond::Cond, plan::Level, range::Span, sums::Sum},
    store::Snapshot,
};
use pulsecast_protocol::stats::Goal;
use std::collections::BTreeSet;

/// One row: all visitors, then those of each step.
#[must_use]
pub fn funnel(scope: &Scope, steps: &[Goal], filter: &Cond, span: Span, snapshot: Snapshot) -> Statement {
    let mut builder = Builder::new(scope.site, span, &scope.goals, snapshot);
    let all = builder.sources(&Ask {
        dimensions: &[],
        filter,
        buckets: None,
        sums: &BTreeSet::from([Sum::Visitors]),
        level: if filter.is_of_event() {
            Level::Events
        } else {
            Level::Visits
        },
    });
    let span = builder.events_in_span();
    let condition = builder.cond(filter, Of::Event);
    let mut tables = String::new();
    let mut counts = format!("(select visitors from ({}) a)", all.join(" union all by name "));
    for (i, step) in steps.iter().enumerate() {
        let reached = builder.reaches(step);
        let when = "min({'at': e.happened_at, 'seq': e.seq})";
        let after = match i.checked_sub(1) {
            Some(before) => format!(
                " join s{before} b on b.visitor = e.visitor and {{'at': e.happened_at, 'seq': e.seq}} > b.reached"
            ),
            None => String::new(),
        };
        let comma = if i == 0 { "" } else { ", " };
        tables += &format!(
            "{comma}s{i} as materialized (select e.visitor, {when} as reached from events e{after} \
             where {span} and {condition} and {reached} group by e.visitor)"
        );
        counts += &format!(", (select count(*) from s{i})");
    }
    builder.into_statement(&format!("with {tables} select {counts}"), Vec::new())
}
