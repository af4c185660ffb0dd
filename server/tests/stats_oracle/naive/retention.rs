//! Who comes back: within the day by the visitor's hash, across days by a property that names people.

use super::{Asked, Naive, buckets::Buckets};
use pulsecast_protocol::{
    Timestamp,
    stats::{Cohort, CohortUnit, Cohorts, DateRange, Dimension, Filter, Metric, Returns, TimeUnit},
};
use pulsecast_server::event::VisitorId;
use std::collections::{BTreeMap, BTreeSet};

/// Cohorts of an answer: the newest.
const MOST: usize = 53;

impl Naive {
    /// How often visitors come, and how long they are away.
    pub fn returns(&self, range: DateRange, filters: &[Filter]) -> Returns {
        let query = self.bare(range, filters, vec![Metric::BounceRate], Vec::new());
        let asked: Asked<'_> = self.asked(&query, super::span::of(self, range, None, false));
        let mut visits = self.counted_visits(&asked);
        visits.sort_by_key(|visit| (visit.start, visit.id));
        let mut of: BTreeMap<VisitorId, Vec<(Timestamp, Timestamp)>> = BTreeMap::new();
        for visit in visits {
            of.entry(visit.visitor)
                .or_default()
                .push((visit.start, visit.last));
        }
        let mut returns = Returns {
            visits: vec![0; Returns::VISITS],
            gaps: vec![0; Returns::HOURS.len() + 1],
        };
        for visits in of.values() {
            returns.visits[visits.len().min(Returns::VISITS) - 1] += 1;
            for pair in visits.windows(2) {
                let away = pair[1].0.since(pair[0].1);
                let class = Returns::HOURS
                    .iter()
                    .position(|hours| away <= i64::from(*hours) * Timestamp::HOUR);
                returns.gaps[class.unwrap_or(Returns::HOURS.len())] += 1;
            }
        }
        returns
    }

    /// People by when they were first seen.
    pub fn cohorts(&self, name: &str, unit: CohortUnit, range: DateRange, filters: &[Filter]) -> Cohorts {
        let unit = match unit {
            CohortUnit::Day => TimeUnit::Day,
            CohortUnit::Week => TimeUnit::Week,
        };
        let dimensions = vec![Dimension::Prop(name.to_owned()), Dimension::Time(unit)];
        let query = self.bare(range, filters, vec![Metric::Visitors], dimensions);
        let span = super::span::of(self, range, None, false);
        let asked = self.asked(&query, span);
        let buckets: &Buckets = &asked.buckets;
        let labels = buckets.all(span);
        let mut seen: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
        for event in self.counted_events(&asked, &asked.filter, &query.dimensions) {
            if let Some(person) = event.hit.props.get(name) {
                let label = buckets.label(event.hit.at);
                let place = labels.iter().position(|known| *known == label).unwrap();
                seen.entry(person).or_default().insert(place);
            }
        }
        let last = seen.values().flatten().max().copied().unwrap_or(0);
        let mut rows: BTreeMap<usize, Vec<u64>> = BTreeMap::new();
        for places in seen.values() {
            let first = *places.iter().next().unwrap();
            let row = rows.entry(first).or_insert_with(|| vec![0; last - first + 1]);
            for place in places {
                row[place - first] += 1;
            }
        }
        Cohorts {
            rows: rows
                .into_iter()
                .filter(|(first, _)| first + MOST > last)
                .map(|(first, seen)| Cohort {
                    label: labels[first].clone(),
                    seen,
                })
                .collect(),
        }
    }
}
