//! Makes a case in which the answers differ as small as it goes.

use super::{
    check::{Both, Difference, Question},
    history::{History, Step},
};
use pulsecast_protocol::stats::{Filter, Include, Pagination, Query};
use pulsecast_server::{
    event::{Client, Hit, Utm},
    stats::Scope,
};

/// A store is built for each try: no more than so many.
const TRIES: usize = 600;

/// A case in which the answers differ.
#[derive(Clone)]
pub struct Case {
    pub history: History,
    pub scope: Scope,
    pub question: Question,
    pub difference: Difference,
}

/// Takes away what is not needed for the answers to differ.
pub fn smaller(case: Case) -> Case {
    let mut search = Search { case, tries: 0 };
    search.steps();
    search.question();
    search.scope();
    search.steps();
    search.hits();
    search.question();
    search.case
}

struct Search {
    case: Case,
    tries: usize,
}

impl Search {
    /// Keeps the change if the answers still differ in the same way.
    fn try_with(&mut self, change: impl FnOnce(&mut Case)) -> bool {
        if self.tries >= TRIES {
            return false;
        }
        self.tries += 1;
        let mut case = self.case.clone();
        change(&mut case);
        let found = Both::of(&case.history, &case.scope).differ(&case.question);
        match (&self.case.difference, found) {
            (Difference::Refused(_), Some(difference @ Difference::Refused(_)))
            | (Difference::Figures(_), Some(difference @ Difference::Figures(_))) => {
                self.case = Case { difference, ..case };
                true
            }
            _ => false,
        }
    }

    fn steps(&mut self) {
        let mut size = self.case.history.steps.len().div_ceil(2);
        while size > 0 {
            let mut at = 0;
            while at < self.case.history.steps.len() {
                let end = (at + size).min(self.case.history.steps.len());
                if !self.try_with(|case| drop(case.history.steps.drain(at..end))) {
                    at += size;
                }
            }
            size /= 2;
        }
        let mut size = self.case.history.imported.len().div_ceil(2);
        while size > 0 {
            let mut at = 0;
            while at < self.case.history.imported.len() {
                let end = (at + size).min(self.case.history.imported.len());
                if !self.try_with(|case| drop(case.history.imported.drain(at..end))) {
                    at += size;
                }
            }
            size /= 2;
        }
    }

    fn hits(&mut self) {
        const CHANGES: [fn(&mut Hit); 9] = [
            |hit| hit.client = Client::default(),
            |hit| hit.utm = Utm::default(),
            |hit| hit.props.clear(),
            |hit| hit.revenue = None,
            |hit| (hit.referrer, hit.medium) = (None, None),
            |hit| (hit.source, hit.channel) = (None, None),
            |hit| hit.engaged = None,
            |hit| hit.scroll_depth = None,
            |hit| hit.visitor_before = None,
        ];
        for change in CHANGES {
            let all = self.try_with(|case| {
                for step in &mut case.history.steps {
                    if let Step::Arrives(arrival) = step {
                        change(&mut arrival.hit);
                    }
                }
            });
            if all {
                continue;
            }
            for place in 0..self.case.history.steps.len() {
                self.try_with(|case| {
                    if let Step::Arrives(arrival) = &mut case.history.steps[place] {
                        change(&mut arrival.hit);
                    }
                });
            }
        }
    }

    fn scope(&mut self) {
        self.try_with(|case| case.scope.forced = None);
        for place in (0..self.case.scope.goals.len()).rev() {
            // A goal that the question names has to stay.
            let goal = &self.case.scope.goals[place];
            if !format!("{:?}{:?}", self.case.question, self.case.scope.segments).contains(&goal.name) {
                self.try_with(|case| {
                    let mut goals = case.scope.goals.to_vec();
                    goals.remove(place);
                    case.scope.goals = goals.into();
                });
            }
        }
    }

    fn query(&mut self, change: impl FnOnce(&mut Query)) -> bool {
        self.try_with(|case| {
            if let Question::Query(query) = &mut case.question {
                change(query);
            }
        })
    }

    fn question(&mut self) {
        self.filters();
        // What makes a question invalid is not taken away from one that was refused.
        let Question::Query(query) = self.case.question.clone() else {
            return;
        };
        if matches!(self.case.difference, Difference::Refused(_)) {
            return;
        }
        self.query(|query| query.order_by.clear());
        self.query(|query| query.include = Include::default());
        self.query(|query| query.pagination = Pagination::default());
        self.query(|query| query.date = None);
        for metric in &query.metrics {
            self.query(|query| {
                if query.metrics.len() > 1 && query.order_by.is_empty() {
                    query.metrics.retain(|m| m != metric);
                }
            });
        }
        for dimension in &query.dimensions {
            self.query(|query| {
                if query.order_by.is_empty() && query.include == Include::default() {
                    query.dimensions.retain(|d| d != dimension);
                }
            });
        }
    }

    fn filters(&mut self) {
        let filters = |question: &Question| match question {
            Question::Query(query) => query.filters.clone(),
            Question::Funnel { filters, .. }
            | Question::Returns { filters, .. }
            | Question::Cohorts { filters, .. } => filters.clone(),
        };
        let with = |case: &mut Case, all: Vec<Filter>| match &mut case.question {
            Question::Query(query) => query.filters = all,
            Question::Funnel { filters, .. }
            | Question::Returns { filters, .. }
            | Question::Cohorts { filters, .. } => *filters = all,
        };
        let mut place = 0;
        while place < filters(&self.case.question).len() {
            let now = filters(&self.case.question);
            let smaller = std::iter::once(None).chain(parts(&now[place]).into_iter().map(Some));
            let changed = smaller.into_iter().any(|part| {
                let mut all = now.clone();
                match part {
                    Some(part) => all[place] = part,
                    None => drop(all.remove(place)),
                }
                self.try_with(|case| with(case, all))
            });
            if !changed {
                place += 1;
            }
        }
    }
}

/// Filters that are smaller than this one.
fn parts(filter: &Filter) -> Vec<Filter> {
    let without = |filters: &[Filter], place: usize| {
        let mut rest = filters.to_vec();
        rest.remove(place);
        rest
    };
    match filter {
        Filter::And(all) | Filter::Or(all) if all.len() > 1 => {
            let rest = |place| match filter {
                Filter::And(_) => Filter::And(without(all, place)),
                _ => Filter::Or(without(all, place)),
            };
            all.iter().cloned().chain((0..all.len()).map(rest)).collect()
        }
        Filter::And(all) | Filter::Or(all) => all.clone(),
        Filter::Not(inner) | Filter::HasDone(inner) | Filter::HasNotDone(inner) => {
            let of = |part: Filter| match filter {
                Filter::Not(_) => Filter::Not(Box::new(part)),
                Filter::HasDone(_) => Filter::HasDone(Box::new(part)),
                _ => Filter::HasNotDone(Box::new(part)),
            };
            std::iter::once((**inner).clone())
                .chain(parts(inner).into_iter().map(of))
                .collect()
        }
        Filter::Condition(condition) if condition.values.len() > 1 => (0..condition.values.len())
            .map(|place| {
                let mut condition = condition.clone();
                condition.values.remove(place);
                Filter::Condition(condition)
            })
            .collect(),
        Filter::Condition(_) => Vec::new(),
    }
}
