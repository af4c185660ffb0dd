//! Where sums come from: selects that give one row a group, with its keys and some of the sums.

use super::{Builder, cond::Of, goals::Kinds, keys::is_of_pages};
use crate::stats::{
    buckets::{Buckets, instant},
    cond::Cond,
    plan::Level,
    sums::Sum,
};
use pulsecast_protocol::{Timestamp, stats::Dimension};
use std::collections::BTreeSet;

/// What a select is asked.
pub struct Ask<'a> {
    /// By what; not always the plan's own.
    pub dimensions: &'a [Dimension],
    /// Of what.
    pub filter: &'a Cond,
    /// The dimension of time's.
    pub buckets: Option<&'a Buckets>,
    /// What is summed up; a source gives those that it knows.
    pub sums: &'a BTreeSet<Sum>,
    /// The query's level.
    pub level: Level,
}

impl Ask<'_> {
    fn wants(&self, sum: Sum) -> bool {
        self.sums.contains(&sum)
    }

    fn wants_any(&self, sums: &[Sum]) -> bool {
        sums.iter().any(|sum| self.wants(*sum))
    }

    /// Whether the events of a visit that is wholly in the span need not be looked at: their numbers are with the visit.
    fn is_told_by_visits(&self) -> bool {
        let is_of_visit = |dimension: &Dimension| !dimension.is_of_event() && !dimension.is_time();
        self.level == Level::Visits && !self.wants(Sum::Revenue) && self.dimensions.iter().all(is_of_visit)
    }

    fn group_by(&self) -> String {
        let keys: Vec<String> = (0..self.dimensions.len()).map(|i| format!("k{i}")).collect();
        if keys.is_empty() {
            String::new()
        } else {
            format!(" group by {}", keys.join(", "))
        }
    }

    fn columns(&self, sums: Vec<(Sum, String)>) -> Vec<String> {
        let keys = (0..self.dimensions.len()).map(|i| format!("k{i}"));
        let sums = sums.into_iter().filter(|(sum, _)| self.wants(*sum));
        keys.chain(sums.map(|(sum, text)| format!("{text} as {}", sum.name())))
            .collect()
    }
}

/// A select of rows, one for each event or visit and group that it is in, and then what is made of them.
fn grouped(ask: &Ask<'_>, columns: &[String], rows: &str) -> String {
    format!("select {} from ({rows}) r{}", columns.join(", "), ask.group_by())
}

const OF_EVENTS: [Sum; 4] = [Sum::Pageviews, Sum::Events, Sum::Revenue, Sum::RevenueEvents];
const OF_LEVEL: [Sum; 2] = [Sum::Visitors, Sum::Visits];
const OF_VISITS: [Sum; 4] = [Sum::Active, Sum::ActivePageviews, Sum::Bounces, Sum::Duration];
const OF_ENGAGEMENT: [Sum; 4] = [Sum::Engaged, Sum::EngagedVisits, Sum::Depth, Sum::DepthVisits];

impl Builder<'_> {
    /// All sources that the sums come from.
    pub(super) fn sources(&mut self, ask: &Ask<'_>) -> Vec<String> {
        match self.rolled(ask) {
            Some(source) => vec![source],
            None => self.counted_sources(ask),
        }
    }

    /// The same from events and visits alone.
    pub(super) fn counted_sources(&mut self, ask: &Ask<'_>) -> Vec<String> {
        let of_level = ask.wants_any(&OF_LEVEL);
        let mut sources = Vec::new();
        if ask.wants_any(&OF_EVENTS) || (of_level && ask.level == Level::Events) {
            if ask.is_told_by_visits() {
                sources.extend(self.events_told_by_visits(ask));
            } else {
                sources.push(self.events(ask, None));
            }
        }
        if ask.wants_any(&OF_VISITS) || (of_level && ask.level == Level::Visits) {
            sources.push(self.of_visits(ask));
        }
        if ask.wants_any(&OF_ENGAGEMENT) {
            sources.push(self.engagement(ask));
        }
        sources
    }

    /// Rows of events: with their keys and these columns of theirs; of these visits, if some are named.
    fn event_rows(&mut self, ask: &Ask<'_>, kinds: Kinds, columns: &str, of: Option<&str>) -> String {
        let mut selected = self.keys(ask.dimensions, Of::Event, ask.buckets);
        selected.push(columns.to_owned());
        let selected = selected.join(", ");
        let mut condition = self.events_in_span();
        let filter = self.cond(ask.filter, Of::Event);
        condition += &format!(" and {filter}");
        if let Some(visits) = of {
            condition += &format!(" and e.visit in ({visits})");
        }
        let visits = if ask.dimensions.iter().any(is_of_pages) {
            format!(" left join {} v on v.visit = e.visit", self.visits())
        } else {
            String::new()
        };
        if !ask.dimensions.contains(&Dimension::Goal) {
            let kind = match kinds {
                Kinds::Counted => self.counted(ask.filter),
                Kinds::Engagement => "e.kind = 'engagement'".to_owned(),
            };
            return format!("select {selected} from events e{visits} where {condition} and {kind}");
        }
        let pieces: Vec<String> = self
            .reaching(kinds)
            .into_iter()
            .map(|(join, kind)| {
                format!("select {selected} from events e {join}{visits} where {condition} and {kind}")
            })
            .collect();
        if pieces.is_empty() {
            // No goal, no row: but the columns have to be there.
            return format!(
                "select {selected} from events e join (select null::varchar as goal) g on true{visits} where false"
            );
        }
        pieces.join(" union all ")
    }

    /// Figures from counted events.
    fn events(&mut self, ask: &Ask<'_>, of: Option<&str>) -> String {
        let scroll =
            ask.dimensions.contains(&Dimension::Goal) || !ask.filter.scroll_goals(self.goals).is_empty();
        let mut columns = "e.visitor, e.visit, e.kind, e.path".to_owned();
        let revenue = ask.wants(Sum::Revenue);
        if revenue {
            columns += ", try_cast(round(e.revenue * 1000) as bigint) as amount, e.currency";
        }
        let rows = self.event_rows(ask, Kinds::Counted, &columns, of);
        let events = if scroll {
            "count(*) filter (r.kind <> 'engagement') + \
             count(distinct r.visit::hugeint * 4294967296 + r.path) filter (r.kind = 'engagement')"
        } else {
            "count(*)"
        };
        let mut sums = vec![
            (Sum::Pageviews, "count(*) filter (r.kind = 'pageview')".to_owned()),
            (Sum::Events, events.to_owned()),
            (Sum::Revenue, "sum(r.amount)".to_owned()),
            (Sum::RevenueEvents, "count(r.amount)".to_owned()),
        ];
        if ask.level == Level::Events {
            sums.push((Sum::Visitors, "count(distinct r.visitor)".to_owned()));
            sums.push((Sum::Visits, "count(distinct r.visit)".to_owned()));
        }
        let mut columns = ask.columns(sums);
        if revenue {
            columns.push("min(r.currency) filter (r.amount is not null) as first_currency".to_owned());
            columns.push("max(r.currency) filter (r.amount is not null) as last_currency".to_owned());
        }
        if columns.is_empty() {
            columns.push("count(*) as events".to_owned());
        }
        grouped(ask, &columns, &rows)
    }

    /// The same, where visits tell them: only events of visits that reach over an end of the span are looked at.
    fn events_told_by_visits(&mut self, ask: &Ask<'_>) -> Vec<String> {
        let mut columns = self.keys(ask.dimensions, Of::Visit, None);
        columns.push("v.pageviews, v.events".to_owned());
        let (visits, inside, filter) = (self.visits(), self.inside(), self.cond(ask.filter, Of::Visit));
        let rows = format!(
            "select {} from {visits} v where {inside} and v.events > 0 and {filter}",
            columns.join(", ")
        );
        let columns = ask.columns(vec![
            (Sum::Pageviews, "sum(r.pageviews)".to_owned()),
            (Sum::Events, "sum(r.events)".to_owned()),
        ]);
        let mut sources = vec![grouped(ask, &columns, &rows)];
        for visits in self.reaching_over() {
            sources.push(self.events(ask, Some(&visits)));
        }
        sources
    }

    /// Whether a visit `v` is wholly in the span.
    fn inside(&self) -> String {
        format!(
            "v.start_at >= {} and v.last_at < {}",
            instant(self.span.from),
            instant(self.span.to)
        )
    }

    /// Visits that reach over the beginning of the span, and over its end: each a select. One by one, since each is a narrow part of the
    /// store and both together are not.
    fn reaching_over(&self) -> [String; 2] {
        let (visits, from, to) = (self.visits(), instant(self.span.from), instant(self.span.to));
        [
            format!("select v.visit from {visits} v where v.start_at < {from}"),
            format!("select v.visit from {visits} v where v.start_at >= {from} and v.last_at >= {to}"),
        ]
    }

    /// Whether a visit `v` counts when the query is of events: it has one in the span for which the filter is true.
    fn has_counted(&mut self, filter: &Cond) -> String {
        if filter.is_of_event() {
            return format!("v.visit in ({})", self.visits_of_events(filter));
        }
        // What is asked of its events can be asked of the visit, and one that is wholly in the span has them there.
        let (cond, inside) = (self.cond(filter, Of::Visit), self.inside());
        let span = self.events_in_span();
        let over = self.reaching_over().map(|visits| {
            format!("select e.visit from events e where {span} and e.kind <> 'engagement' and e.visit in ({visits})")
        });
        format!(
            "{cond} and (({inside} and v.events > 0) or v.visit in ({}))",
            over.join(" union all ")
        )
    }

    /// Figures from visits.
    fn of_visits(&mut self, ask: &Ask<'_>) -> String {
        let keys = self.keys(ask.dimensions, Of::Visit, ask.buckets);
        let condition = match ask.level {
            Level::Visits => self.cond(ask.filter, Of::Visit),
            Level::Events => self.has_counted(ask.filter),
        };
        let mut visits = format!("select * from {} v where {condition}", self.visits());
        if let Some(buckets) = ask.buckets {
            let first = format!("greatest(v.start_at, {})", instant(self.span.from));
            let last = format!("least(v.last_at, {})", instant(Timestamp(self.span.to.0 - 1)));
            // Nearly all visits are in one bucket: no list is made for them.
            let (list, one, bucket) = (
                buckets.numbers_between(&first, &last),
                buckets.is_one(&first, &last),
                buckets.number_of(&first),
            );
            visits = format!(
                "select v.*, {bucket} as bucket from ({visits}) v where {one} \
                 union all select *, unnest({list}) as bucket from (select * from ({visits}) v where not ({one})) v"
            );
        }
        let mut columns = keys;
        columns.push("v.visitor, v.pageviews, v.bounce, v.start_at, v.last_at".to_owned());
        let rows = format!("select {} from ({visits}) v", columns.join(", "));
        let mut sums = vec![
            (Sum::Active, "count(*)".to_owned()),
            (Sum::ActivePageviews, "sum(r.pageviews)".to_owned()),
            (Sum::Bounces, "count(*) filter (r.bounce)".to_owned()),
            (
                Sum::Duration,
                "sum(epoch_ms(r.last_at) - epoch_ms(r.start_at)) filter (not r.bounce)".to_owned(),
            ),
        ];
        if ask.level == Level::Visits {
            sums.push((Sum::Visitors, "count(distinct r.visitor)".to_owned()));
            sums.push((Sum::Visits, "count(*)".to_owned()));
        }
        grouped(ask, &ask.columns(sums), &rows)
    }

    /// Figures from engagement events: first by visit, then over the visits.
    fn engagement(&mut self, ask: &Ask<'_>) -> String {
        let rows = self.event_rows(ask, Kinds::Engagement, "e.visit, e.engaged, e.scroll_depth", None);
        let by_visit: Vec<String> = (0..ask.dimensions.len())
            .map(|i| format!("k{i}"))
            .chain(["visit".to_owned()])
            .collect();
        let by_visit = by_visit.join(", ");
        let rows = format!(
            "select {by_visit}, sum(engaged) as engaged, max(scroll_depth) as depth from ({rows}) s group by {by_visit}"
        );
        let columns = ask.columns(vec![
            (Sum::Engaged, "sum(r.engaged)".to_owned()),
            (Sum::EngagedVisits, "count(*) filter (r.engaged > 0)".to_owned()),
            (Sum::Depth, "sum(r.depth)".to_owned()),
            (Sum::DepthVisits, "count(r.depth)".to_owned()),
        ]);
        grouped(ask, &columns, &rows)
    }

    /// Pageviews by the page itself where the query asks for the page that visits ended on; what exit rates are of.
    pub(super) fn exit_pageviews(&mut self, ask: &Ask<'_>) -> String {
        let dimensions: Vec<Dimension> = ask
            .dimensions
            .iter()
            .map(|dimension| match dimension {
                Dimension::ExitPage => Dimension::Page,
                other => other.clone(),
            })
            .collect();
        let ask = Ask {
            dimensions: &dimensions,
            sums: &BTreeSet::from([Sum::Pageviews]),
            ..*ask
        };
        self.events(&ask, None)
    }
}
