//! Sums from the days that are summed up already (`stats/rollup`), and from events and visits for those that are not: the same sums, exactly.
//!
//! Counts add up over days. Distinct ones are added as *who was not there before*: on the first day of a bucket of time all count, on the
//! second those that were not there on the first, on later days those that were not there on the two days before. Nobody is the same visitor,
//! and no visit goes on, for longer than 48 hours, which touch three days at most: so everybody counts once.
//!
//! A period begins when a day does; it may end within one, which then is not taken as summed up.

use super::{
    Builder,
    cond::{Of, attribute},
    keys::{is_of_pages, is_path},
    sources::Ask,
};
use crate::{
    event::SiteId,
    stats::{
        buckets::instant,
        cond::Cond,
        plan::Level,
        range::Span,
        rollup::{RolledDays, Touched},
        sums::Sum,
    },
};
use pulsecast_protocol::{
    Timestamp,
    stats::{Dimension, TimeUnit},
};

/// More pieces of days that are not summed up than this are no faster than counting everything.
const PIECES: usize = 8;

/// Days in a row within a bucket that are not summed up, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Piece {
    bucket: i64,
    /// The first day of its bucket.
    begins: i64,
    first: i64,
    last: i64,
}

/// What of a span is summed up.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Parts {
    first: i64,
    last: i64,
    pieces: Vec<Piece>,
    /// From this day on no bucket has a day that is summed up.
    rest: Option<i64>,
}

impl Parts {
    /// Of the days that a period touches; `None` where sums of days are no help.
    fn of(touched: Touched, days: &RolledDays, bucket: impl Fn(i64) -> i64) -> Option<Self> {
        let Touched { first, last, whole } = touched;
        let newest = days.newest(first, whole)?;
        let mut parts = Self {
            first,
            last: whole,
            pieces: Vec::new(),
            rest: None,
        };
        let (mut now, mut begins) = (bucket(first), first);
        for day in first..=last {
            if bucket(day) != now {
                (now, begins) = (bucket(day), day);
                if day > newest {
                    parts.rest = Some(day);
                    break;
                }
            }
            if day <= whole && days.has(day) {
                continue;
            }
            match parts.pieces.last_mut() {
                Some(piece) if piece.bucket == now && piece.last == day - 1 => piece.last = day,
                _ => parts.pieces.push(Piece {
                    bucket: now,
                    begins,
                    first: day,
                    last: day,
                }),
            }
        }
        (parts.pieces.len() <= PIECES).then_some(parts)
    }

    /// Rows of its days: the condition.
    pub(super) fn period(&self, site: SiteId) -> String {
        let (first, last) = (RolledDays::date(self.first), RolledDays::date(self.last));
        format!(
            "site = {} and day between date '{first}' and date '{last}'",
            site.0
        )
    }

    /// The first day of a day's bucket.
    pub(super) fn begins(&self, ask: &Ask<'_>) -> String {
        let first = RolledDays::date(self.first);
        match ask.buckets.map(|buckets| buckets.unit()) {
            None => format!("date '{first}'"),
            Some(TimeUnit::Week) => format!("greatest(date_trunc('week', day)::date, date '{first}')"),
            Some(TimeUnit::Month) => format!("greatest(date_trunc('month', day)::date, date '{first}')"),
            Some(_) => "day".to_owned(),
        }
    }
}

impl Ask<'_> {
    /// The number of a day's bucket.
    pub(super) fn time_key(&self) -> String {
        match self.buckets.map(|buckets| buckets.unit()) {
            Some(TimeUnit::Week) => "(((day - date '1970-01-01') + 3) // 7)::bigint".to_owned(),
            Some(TimeUnit::Month) => "datediff('month', date '1970-01-01', day)::bigint".to_owned(),
            _ => "(day - date '1970-01-01')::bigint".to_owned(),
        }
    }
}

/// Whether it is true of everything.
pub(super) fn is_everything(cond: &Cond) -> bool {
    matches!(cond, Cond::All(all) if all.iter().all(is_everything))
}

/// Whether its buckets are of days or longer; that of no dimension of time is.
fn is_of_days(ask: &Ask<'_>) -> bool {
    ask.buckets
        .is_none_or(|buckets| matches!(buckets.unit(), TimeUnit::Day | TimeUnit::Week | TimeUnit::Month))
}

/// Which rows of `daily` answer; `None` when none do.
fn dimension(ask: &Ask<'_>) -> Option<String> {
    let all = match ask.level {
        Level::Visits => "visits",
        Level::Events => "events",
    };
    match (ask.dimensions, ask.level) {
        ([], _) => Some(all.to_owned()),
        ([Dimension::Time(_)], _) => is_of_days(ask).then(|| all.to_owned()),
        ([Dimension::Page | Dimension::Hostname], Level::Events) => Some(ask.dimensions[0].to_string()),
        ([of_visit], Level::Visits) => {
            let is_kept = attribute(of_visit).is_some()
                || matches!(of_visit, Dimension::EntryPage | Dimension::ExitPage);
            is_kept.then(|| of_visit.to_string())
        }
        _ => None,
    }
}

const OF_VISITS: [Sum; 4] = [Sum::Active, Sum::ActivePageviews, Sum::Bounces, Sum::Duration];
const OF_EVENTS: [Sum; 2] = [Sum::Pageviews, Sum::Events];
const OF_LEVEL: [Sum; 2] = [Sum::Visitors, Sum::Visits];

impl Builder<'_> {
    /// One source of all these sums, where days that are summed up can help.
    pub(super) fn rolled(&mut self, ask: &Ask<'_>) -> Option<String> {
        let known = |sum: &Sum| {
            OF_LEVEL.contains(sum)
                || OF_EVENTS.contains(sum)
                || (ask.level == Level::Visits && OF_VISITS.contains(sum))
        };
        if !ask.sums.iter().all(known) || ask.sums.is_empty() {
            return None;
        }
        let dimension = dimension(ask).filter(|_| is_everything(ask.filter));
        let days = self.days?;
        let bucket = |day: i64| ask.buckets.map_or(0, |buckets| buckets.of_day(day));
        let parts = Parts::of(days.touched(self.span)?, days, bucket)?;
        let mut sources = match dimension {
            Some(dimension) => self.daily(ask, &dimension, &parts),
            None if is_of_days(ask) => self.marked(ask, &parts)?,
            None => return None,
        };
        for piece in &parts.pieces {
            sources.extend(self.piece(ask, days, *piece));
        }
        if let Some(rest) = parts.rest {
            let from = days.begin(rest);
            sources.extend(self.within(from, self.span.to, |builder| builder.counted_sources(ask)));
        }
        let keys = if ask.dimensions.is_empty() { "" } else { "k0, " };
        let sums: Vec<String> = ask
            .sums
            .iter()
            .map(|sum| format!("sum({0}) as {0}", sum.name()))
            .collect();
        Some(format!(
            "select {keys}{} from ({}) s{}",
            sums.join(", "),
            sources.join(" union all by name "),
            group(ask)
        ))
    }

    /// Days that are summed up.
    fn daily(&self, ask: &Ask<'_>, dimension: &str, parts: &Parts) -> Vec<String> {
        let (period, begins) = (parts.period(self.site), parts.begins(ask));
        let key = match ask.dimensions {
            [] => None,
            [Dimension::Time(_)] => Some(ask.time_key()),
            [dimension, ..] if is_path(dimension) => Some("path".to_owned()),
            [_, ..] => Some("value".to_owned()),
        };
        let key = key.map_or_else(String::new, |key| format!("{key} as k0, "));
        let rows = |condition: &str| {
            format!(
                "from (select *, day - {begins} as since from daily where {period} and dimension = '{dimension}' and {condition} \
                   and roll in (select roll from rolled where {period})) d{}",
                group(ask)
            )
        };
        let new =
            |what: &str| format!("sum(case since when 0 then {what} when 1 then {what}_1 else {what}_2 end)");
        let active =
            |what: &str| format!("sum(started{what} + case since when 0 then carried{what} else 0 end)");
        let pick = |sums: &[(Sum, String)]| -> Vec<String> {
            let wanted = sums.iter().filter(|(sum, _)| ask.sums.contains(sum));
            wanted
                .map(|(sum, text)| format!("{text} as {}", sum.name()))
                .collect()
        };
        let of_events = [
            (Sum::Pageviews, "sum(pageviews)".to_owned()),
            (Sum::Events, "sum(events)".to_owned()),
        ];
        let of_level = [(Sum::Visitors, new("visitors")), (Sum::Visits, new("visits"))];
        let mut sources = Vec::new();
        let mut add = |columns: Vec<String>, condition: &str| {
            if !columns.is_empty() {
                sources.push(format!("select {key}{} {}", columns.join(", "), rows(condition)));
            }
        };
        if ask.level == Level::Events {
            add(pick(&[of_level, of_events].concat()), "events > 0");
            return sources;
        }
        add(pick(&of_events), "events > 0");
        let of_visits = [
            (Sum::Visitors, new("visitors")),
            (Sum::Visits, active("")),
            (Sum::Active, active("")),
            (Sum::ActivePageviews, active("_pageviews")),
            (Sum::Bounces, active("_bounces")),
            (Sum::Duration, active("_duration")),
        ];
        add(pick(&of_visits), "visitors > 0");
        sources
    }

    /// Days in a row that are not summed up.
    fn piece(&mut self, ask: &Ask<'_>, days: &RolledDays, piece: Piece) -> Vec<String> {
        let (from, to) = (
            days.begin(piece.first),
            days.begin(piece.last + 1).min(self.span.to),
        );
        let back = days.begin(piece.begins.max(piece.first - 2));
        let wants = |sums: &[Sum]| sums.iter().any(|sum| ask.sums.contains(sum));
        if ask.level == Level::Events {
            return self.within(back, to, |builder| {
                builder.piece_of_events(ask, piece.bucket, from)
            });
        }
        let mut sources = Vec::new();
        if wants(&OF_EVENTS) {
            sources.push(self.within(from, to, |builder| builder.piece_of_counts(ask, piece.bucket)));
        }
        if wants(&OF_LEVEL) || wants(&OF_VISITS) {
            let is_first = piece.first == piece.begins;
            sources.push(self.within(back, to, |builder| {
                builder.piece_of_visits(ask, piece.bucket, from, is_first)
            }));
        }
        sources
    }

    fn piece_key(&mut self, ask: &Ask<'_>, of: Of, bucket: i64) -> String {
        match ask.dimensions {
            [] => String::new(),
            [Dimension::Time(_), ..] => format!("{bucket}::bigint as k0, "),
            [dimension, ..] => format!("{} as k0, ", self.key(dimension, of, None)),
        }
    }

    fn piece_of_counts(&mut self, ask: &Ask<'_>, bucket: i64) -> String {
        let key = self.piece_key(ask, Of::Event, bucket);
        let join = match ask.dimensions {
            [dimension] if is_of_pages(dimension) => {
                format!(" left join {} v on v.visit = e.visit", self.visits())
            }
            _ => String::new(),
        };
        let columns = columns(
            ask,
            &[
                (Sum::Pageviews, "count(*) filter (e.kind = 'pageview')"),
                (Sum::Events, "count(*)"),
            ],
        );
        let (condition, filter) = (self.events_in_span(), self.cond(ask.filter, Of::Event));
        format!(
            "select {key}{columns} from events e{join} where {condition} and e.kind <> 'engagement' and {filter}{}",
            group(ask)
        )
    }

    fn piece_of_visits(&mut self, ask: &Ask<'_>, bucket: i64, from: Timestamp, is_first: bool) -> String {
        let key = self.piece_key(ask, Of::Visit, bucket);
        let (is_within, is_before) = (
            format!("v.last_at >= {}", instant(from)),
            format!("v.start_at < {}", instant(from)),
        );
        let counts = if is_first {
            is_within.clone()
        } else {
            format!("not ({is_before})")
        };
        let mut filter = self.cond(ask.filter, Of::Visit);
        if !is_first {
            // Of the days before, only who came again.
            let to = self.span.to;
            let visits = self.within(from, to, |builder| builder.visits());
            filter = format!("{filter} and v.visitor in (select v.visitor from {visits} v where {filter})");
        }
        let before = if is_first {
            "false".to_owned()
        } else {
            format!("bool_or({is_before})")
        };
        let by_key = if key.is_empty() { "" } else { "k0, " };
        let columns = columns(
            ask,
            &[
                (Sum::Visitors, "count(*) filter (not before)"),
                (Sum::Visits, "sum(n)"),
                (Sum::Active, "sum(n)"),
                (Sum::ActivePageviews, "sum(views)"),
                (Sum::Bounces, "sum(bounces)"),
                (Sum::Duration, "sum(duration)"),
            ],
        );
        format!(
            "select {by_key}{columns} from (select {key}v.visitor, bool_or({is_within}) as within, {before} as before, \
               count(*) filter ({counts}) as n, sum(v.pageviews) filter ({counts}) as views, count(*) filter ({counts} and v.bounce) as bounces, \
               sum(epoch_ms(v.last_at) - epoch_ms(v.start_at)) filter ({counts} and not v.bounce) as duration \
             from {} v where {filter} group by {by_key}v.visitor) r where within{}",
            self.visits(),
            group(ask)
        )
    }

    fn piece_of_events(&mut self, ask: &Ask<'_>, bucket: i64, from: Timestamp) -> Vec<String> {
        let key = self.piece_key(ask, Of::Event, bucket);
        let by_key = if key.is_empty() { "" } else { "k0, " };
        let (filter, to) = (self.cond(ask.filter, Of::Event), self.span.to);
        let counted = |condition: String| format!("{condition} and e.kind <> 'engagement' and {filter}");
        // Of the days before, only who came again.
        let again = (self.span.from < from)
            .then(|| counted(self.within(from, to, |builder| builder.events_in_span())));
        let (from, condition) = (instant(from), counted(self.events_in_span()));
        let by = |who: &str, sums: &[(Sum, &str)]| {
            let columns = columns(ask, sums);
            let again = again.as_ref().map_or_else(String::new, |again| {
                format!(" and e.{who} in (select e.{who} from events e where {again})")
            });
            (!columns.is_empty()).then(|| {
                format!(
                    "select {by_key}{columns} from (select {key}e.{who}, bool_or(e.happened_at >= {from}) as within, \
                       bool_or(e.happened_at < {from}) as before, count(*) filter (e.happened_at >= {from} and e.kind = 'pageview') as views, \
                       count(*) filter (e.happened_at >= {from}) as counted from events e \
                     where {condition}{again} group by {by_key}e.{who}) r where within{}",
                    group(ask)
                )
            })
        };
        let visitors = by(
            "visitor",
            &[
                (Sum::Visitors, "count(*) filter (not before)"),
                (Sum::Pageviews, "sum(views)"),
                (Sum::Events, "sum(counted)"),
            ],
        );
        let visits = by("visit", &[(Sum::Visits, "count(*) filter (not before)")]);
        visitors.into_iter().chain(visits).collect()
    }

    /// The condition for rows of the days that are summed up, and from when to when nothing is; `None` where sums are no help. For what adds
    /// up as it is, without anybody being counted twice.
    pub(super) fn summed(&self) -> Option<(String, Vec<(Timestamp, Timestamp)>)> {
        let days = self.days?;
        let parts = Parts::of(days.touched(self.span)?, days, |_| 0)?;
        let rest = parts.pieces.iter().map(|piece| {
            let to = days.begin(piece.last + 1).min(self.span.to);
            (days.begin(piece.first), to)
        });
        Some((parts.period(self.site), rest.collect()))
    }

    /// The same about another span.
    pub(super) fn within<T>(
        &mut self,
        from: Timestamp,
        to: Timestamp,
        ask: impl FnOnce(&mut Self) -> T,
    ) -> T {
        let span = self.span;
        self.span = Span { from, to, days: None };
        let answer = ask(self);
        self.span = span;
        answer
    }
}

fn group(ask: &Ask<'_>) -> &'static str {
    if ask.dimensions.is_empty() {
        ""
    } else {
        " group by k0"
    }
}

fn columns(ask: &Ask<'_>, sums: &[(Sum, &str)]) -> String {
    let wanted = sums.iter().filter(|(sum, _)| ask.sums.contains(sum));
    let columns: Vec<String> = wanted
        .map(|(sum, text)| format!("{text} as {}", sum.name()))
        .collect();
    columns.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn touched(first: i64, last: i64) -> Touched {
        Touched {
            first,
            last,
            whole: last,
        }
    }

    fn days(numbers: &[i64]) -> RolledDays {
        RolledDays::fixture(numbers)
    }

    #[test]
    fn today_is_a_piece_of_its_own_in_one_bucket_and_the_rest_in_buckets_of_days() {
        let held = days(&[10, 11, 12]);
        let whole = Parts::of(touched(10, 13), &held, |_| 0).unwrap();
        assert_eq!(
            whole.pieces,
            [Piece {
                bucket: 0,
                begins: 10,
                first: 13,
                last: 13
            }]
        );
        assert_eq!(whole.rest, None);
        let by_day = Parts::of(touched(10, 13), &held, |day| day).unwrap();
        assert_eq!((by_day.pieces.len(), by_day.rest), (0, Some(13)));
    }

    #[test]
    fn a_day_that_the_period_ends_within_is_counted_although_it_is_summed_up() {
        let cut = Touched {
            whole: 12,
            ..touched(10, 13)
        };
        let parts = Parts::of(cut, &days(&[10, 11, 12, 13]), |_| 0).unwrap();
        assert_eq!((parts.first, parts.last), (10, 12));
        assert_eq!(
            parts.pieces,
            [Piece {
                bucket: 0,
                begins: 10,
                first: 13,
                last: 13
            }]
        );
        let only = Touched {
            whole: 12,
            ..touched(13, 13)
        };
        assert_eq!(Parts::of(only, &days(&[12, 13]), |_| 0), None);
    }

    #[test]
    fn a_day_that_lost_its_sums_is_counted_between_the_others() {
        let parts = Parts::of(touched(10, 14), &days(&[10, 12, 13, 14]), |_| 0).unwrap();
        assert_eq!(
            parts.pieces,
            [Piece {
                bucket: 0,
                begins: 10,
                first: 11,
                last: 11
            }]
        );
    }

    #[test]
    fn without_a_summed_up_day_everything_is_counted() {
        assert_eq!(Parts::of(touched(10, 14), &days(&[9, 15]), |_| 0), None);
    }
}
