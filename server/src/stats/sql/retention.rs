//! Returns, cohorts and the names of properties, each as one statement.

use super::{
    Builder, Statement,
    cond::{Of, pointer},
    rolled::is_everything,
};
use crate::{
    stats::{Scope, buckets::Buckets, cond::Cond, range::Span, rollup::RolledDays},
    store::Snapshot,
};
use pulsecast_protocol::{Timestamp, stats::Returns};

/// One row: visitors by the number of their visits, then returns by the hours since the visit before. A visitor is one of a day.
#[must_use]
pub fn returns(scope: &Scope, filter: &Cond, span: Span, snapshot: Snapshot) -> Statement {
    let mut builder = Builder::new(scope.site, span, &scope.goals, snapshot);
    let visits = builder.visits();
    let condition = match filter.is_of_event() {
        true => format!("v.visit in ({})", builder.visits_of_events(filter)),
        false => builder.cond(filter, Of::Visit),
    };
    let most = Returns::VISITS;
    let mut counts: Vec<String> = (1..most)
        .map(|n| format!("(select count(*) from often where visits = {n})"))
        .collect();
    counts.push(format!("(select count(*) from often where visits >= {most})"));
    // A visit that was told of late may have begun before the one before it was over: that is no time away, and counts as the shortest.
    let mut after = String::new();
    for hours in Returns::HOURS {
        let end = i64::from(hours) * Timestamp::HOUR;
        counts.push(format!("(select count(*) from gaps where gap <= {end}{after})"));
        after = format!(" and gap > {end}");
    }
    counts.push(format!("(select count(*) from gaps where true{after})"));
    let sql = format!(
        "with seen as materialized (select v.visitor, v.visit, v.start_at, v.last_at from {visits} v where {condition}), \
         often as (select visitor, count(*) as visits from seen group by visitor), \
         gaps as (select epoch_ms(start_at) - epoch_ms(lag(last_at) over w) as gap from seen \
         window w as (partition by visitor order by start_at, visit)) select {}",
        counts.join(", ")
    );
    builder.into_statement(&sql, Vec::new())
}

/// Rows of the bucket in which people were first seen, one in which they were seen, how many of them that were, and the last in which anybody
/// was: of the newest so many buckets, so that the answer is bounded however long the history is.
#[must_use]
pub fn cohorts(
    scope: &Scope,
    filter: &Cond,
    span: Span,
    snapshot: Snapshot,
    buckets: &Buckets,
    name: &str,
    most: i64,
) -> Statement {
    let mut builder = Builder::new(scope.site, span, &scope.goals, snapshot);
    let condition = builder.cond(filter, Of::Event);
    let in_span = builder.events_in_span();
    let name = builder.text(&pointer(name));
    let bucket = buckets.number_of("e.happened_at");
    let sql = format!(
        "with seen as materialized (select distinct json_extract_string(e.props, {name}) as person, {bucket} as bucket \
         from events e where {in_span} and e.kind <> 'engagement' and e.props is not null and {condition}), \
         born as (select person, min(bucket) as bucket from seen where person is not null group by person), \
         newest as (select max(bucket) as bucket from seen where person is not null) \
         select b.bucket, s.bucket, count(*), any_value(n.bucket) from newest n, seen s join born b on b.person = s.person \
         where b.bucket > n.bucket - {most} \
         group by b.bucket, s.bucket order by b.bucket, s.bucket"
    );
    builder.into_statement(&sql, Vec::new())
}

/// Names of the properties of these events, the most frequent first.
#[must_use]
pub fn props(
    scope: &Scope,
    filter: &Cond,
    span: Span,
    snapshot: Snapshot,
    days: Option<&RolledDays>,
    most: usize,
) -> Statement {
    let mut builder = Builder::new(scope.site, span, &scope.goals, snapshot).with(days, None);
    let condition = builder.cond(filter, Of::Event);
    // What is the same is taken apart once.
    let counted = |builder: &mut Builder<'_>| {
        let in_span = builder.events_in_span();
        format!(
            "select unnest(json_keys(props)) as name, n from (select e.props, count(*) as n from events e \
             where {in_span} and e.props is not null and {condition} group by e.props)"
        )
    };
    let sources = match builder.summed().filter(|_| is_everything(filter)) {
        Some((period, rest)) => {
            let mut sources = vec![format!(
                "select value as name, events as n from daily where {period} and dimension = 'props' \
                 and roll in (select roll from rolled where {period})"
            )];
            sources.extend(
                rest.into_iter()
                    .map(|(from, to)| builder.within(from, to, counted)),
            );
            sources
        }
        None => vec![counted(&mut builder)],
    };
    let sql = format!(
        "select name from ({}) group by name order by sum(n) desc, name limit {most}",
        sources.join(" union all ")
    );
    builder.into_statement(&sql, Vec::new())
}
