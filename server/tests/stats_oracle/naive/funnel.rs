//! Funnels: how far each visitor got.

use super::{
    Naive,
    filters::{Of, Past},
    goals, span,
};
use pulsecast_protocol::{
    Timestamp,
    stats::{DateRange, Filter, FunnelResult, FunnelStepResult, Goal, Metric, MetricValue},
};
use pulsecast_server::event::{Event, VisitorId};
use std::collections::BTreeSet;

impl Naive {
    /// How many visitors reached each step.
    pub fn funnel(&self, steps: &[Goal], range: DateRange, filters: &[Filter]) -> FunnelResult {
        let query = self.bare(range, filters, vec![Metric::Visitors], Vec::new());
        let all_visitors = match self.query(&query).rows[0].metrics[0] {
            MetricValue::Count(n) => u64::try_from(n).unwrap(),
            _ => 0,
        };
        let span = span::of(self, range, None, false);
        let filter = self.asked(&query, span).filter;
        let past: Past<'_> = self.past(span);
        let mut events: Vec<&Event> = self
            .events
            .iter()
            .filter(|event| span.has(event.hit.at) && past.holds(&filter, Of::Event(event)))
            .collect();
        events.sort_by_key(|event| (event.hit.at, event.seq));

        let visitors: BTreeSet<VisitorId> = events.iter().map(|event| event.visitor).collect();
        let mut reached = vec![0_u64; steps.len()];
        for visitor in visitors {
            let mut after: Option<(Timestamp, u64)> = None;
            for (place, goal) in steps.iter().enumerate() {
                let next = events.iter().find(|event| {
                    event.visitor == visitor
                        && after.is_none_or(|after| (event.hit.at, event.seq) > after)
                        && goals::reaches(event, goal)
                });
                let Some(event) = next else { break };
                reached[place] += 1;
                after = Some((event.hit.at, event.seq));
            }
        }
        let mut before = all_visitors;
        let steps = steps
            .iter()
            .zip(reached)
            .map(|(goal, visitors)| {
                let step = FunnelStepResult {
                    label: goal.name.clone(),
                    visitors,
                    conversion_rate: super::figures::percent(visitors, before),
                    dropoff: before.saturating_sub(visitors),
                };
                before = visitors;
                step
            })
            .collect();
        FunnelResult { all_visitors, steps }
    }
}
