//! Who comes back: within the day by the visitor's hash, across days by a name that the site sends as a property of its events.

use super::{
    Scope, StatsError,
    buckets::Buckets,
    plan::{conditions, wrong},
    range::Span,
    rollup::Switch,
    run::{self, Asking},
    sql,
};
use crate::store::{Cell, StatsSession};
use pulsecast_protocol::{
    Timestamp,
    stats::{Cohort, CohortUnit, Cohorts, DateRange, Filter, Returns, TimeUnit},
};

/// Most cohorts of an answer: the newest ones.
const COHORTS: i64 = 53;
/// Most properties of an answer.
pub(super) const PROPS: usize = 100;

/// What is asked, of which part of history.
#[derive(Clone, Debug)]
pub struct Asked {
    /// When.
    pub range: DateRange,
    /// Of which events; all of these are true.
    pub filters: Vec<Filter>,
    /// What time it is.
    pub now: Timestamp,
    /// Whether sums of days may answer.
    pub rollups: Switch,
}

impl Asked {
    fn span(&self, asking: &mut Asking<'_>, scope: &Scope) -> Result<Span, StatsError> {
        let first_event = match self.range {
            DateRange::All => asking.first_event(scope.site)?,
            _ => None,
        };
        Span::of(self.range, None, self.now, scope.timezone, first_event)
            .or_else(|error| wrong("date_range", error.to_string()))
    }
}

fn count(cell: Option<&Cell>) -> u64 {
    cell.map_or(0, |cell| u64::try_from(cell.int()).unwrap_or(0))
}

/// Visitors by the number of their visits, and returns by the time since the visit before.
///
/// # Errors
/// When it is wrong, costs too much, or the store does not answer.
pub fn returns(session: &mut dyn StatsSession, scope: &Scope, asked: &Asked) -> Result<Returns, StatsError> {
    let conditions = conditions(&asked.filters, scope)?;
    let mut asking = run::begin(session, scope)?;
    asking.check_patterns(&conditions.patterns)?;
    let span = asked.span(&mut asking, scope)?;
    let statement = sql::returns(scope, &conditions.all(), span, asking.snapshot);
    let rows = asking.session.ask(&statement.sql, &statement.texts)?;
    let row = rows.first().map(Vec::as_slice).unwrap_or_default();
    let (visits, gaps) = row.split_at(Returns::VISITS.min(row.len()));
    Ok(Returns {
        visits: visits.iter().map(|cell| count(Some(cell))).collect(),
        gaps: gaps.iter().map(|cell| count(Some(cell))).collect(),
    })
}

/// People, named by a property, by when they were first seen.
///
/// # Errors
/// As [`returns`].
pub fn cohorts(
    session: &mut dyn StatsSession,
    scope: &Scope,
    asked: &Asked,
    name: &str,
    unit: CohortUnit,
) -> Result<Cohorts, StatsError> {
    let conditions = conditions(&asked.filters, scope)?;
    let mut asking = run::begin(session, scope)?;
    asking.check_patterns(&conditions.patterns)?;
    let span = asked.span(&mut asking, scope)?;
    let unit = match unit {
        CohortUnit::Day => TimeUnit::Day,
        CohortUnit::Week => TimeUnit::Week,
    };
    let buckets = Buckets::new(unit, span, scope.timezone);
    let statement = sql::cohorts(
        scope,
        &conditions.all(),
        span,
        asking.snapshot,
        &buckets,
        name,
        COHORTS,
    );
    let rows = asking.session.ask(&statement.sql, &statement.texts)?;
    // What lies ahead is no bucket in which nobody came; what those of older cohorts came in is.
    let last = rows.first().and_then(|row| number(row, 3)).unwrap_or_default();
    let mut cohorts: Vec<(i64, Cohort)> = Vec::new();
    for row in &rows {
        let (Some(first), Some(at)) = (number(row, 0), number(row, 1)) else {
            continue;
        };
        if cohorts.last().is_none_or(|(number, _)| *number != first) {
            let length = usize::try_from(last - first + 1).unwrap_or(1);
            let cohort = Cohort {
                label: buckets.label(first),
                seen: vec![0; length],
            };
            cohorts.push((first, cohort));
        }
        let place = usize::try_from(at - first).ok();
        let seen = cohorts
            .last_mut()
            .and_then(|(_, cohort)| cohort.seen.get_mut(place?));
        if let Some(seen) = seen {
            *seen = count(row.get(2));
        }
    }
    Ok(Cohorts {
        rows: cohorts.into_iter().map(|(_, cohort)| cohort).collect(),
    })
}

fn number(row: &[Cell], place: usize) -> Option<i64> {
    row.get(place).and_then(|cell| i64::try_from(cell.int()).ok())
}

/// The custom properties that events carry which the asker may see, the most frequent first.
///
/// # Errors
/// As [`returns`].
pub fn props(
    session: &mut dyn StatsSession,
    scope: &Scope,
    asked: &Asked,
) -> Result<Vec<String>, StatsError> {
    let conditions = conditions(&asked.filters, scope)?;
    let mut asking = run::begin(session, scope)?;
    asking.check_patterns(&conditions.patterns)?;
    let span = asked.span(&mut asking, scope)?;
    let days = match asked.rollups {
        Switch::On => asking.rolled(scope.site, span, scope.timezone)?,
        Switch::Off => None,
    };
    let statement = sql::props(
        scope,
        &conditions.all(),
        span,
        asking.snapshot,
        days.as_deref(),
        PROPS,
    );
    let rows = asking.session.ask(&statement.sql, &statement.texts)?;
    Ok(rows
        .into_iter()
        .filter_map(|row| row.into_iter().next()?.into_text())
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        clock::ManualClock,
        event::SiteId,
        sessions::{Sessions, fixture::hit},
        sites::Site,
        store::{AskError, Batch, EventStore, Snapshot, StatsStore, Stop, duck},
    };
    use pulsecast_protocol::account::SiteSettings;
    use std::sync::Arc;

    /// Counts the rows that the store gives.
    struct Counting {
        session: Box<dyn StatsSession>,
        most: usize,
    }

    impl StatsSession for Counting {
        fn stop(&self) -> Stop {
            self.session.stop()
        }

        fn begin(&mut self) -> Result<Snapshot, AskError> {
            self.session.begin()
        }

        fn ask(&mut self, sql: &str, texts: &[String]) -> Result<Vec<Vec<Cell>>, AskError> {
            let rows = self.session.ask(sql, texts)?;
            self.most = self.most.max(rows.len());
            Ok(rows)
        }
    }

    #[test]
    fn of_a_long_history_the_newest_cohorts_are_asked_for_and_no_others() {
        let (mut writer, reader) = duck::open(&duck::DuckSettings {
            path: ":memory:".into(),
            memory_mib: 256,
            threads: 1,
        })
        .unwrap();
        let mut sessions = Sessions::new();
        let mut events = Vec::new();
        // On each of a hundred days somebody who comes for the first time, and somebody who came on the first.
        for day in 0..100_u32 {
            for (visitor, name) in [(1, "old".to_owned()), (2, format!("new {day}"))] {
                let mut hit = hit(visitor, i64::from(day) * 1440, "/");
                hit.props.insert("user".into(), name);
                events.push(sessions.attribute(events.len() as u64 + 1, hit));
            }
        }
        let batch = Batch {
            events,
            ..Batch::default()
        };
        writer.append(&batch).unwrap();
        let now = Timestamp(99 * Timestamp::DAY + Timestamp::HOUR);
        let stats = reader.stats(Arc::new(ManualClock::new(now)), 0).unwrap();
        let mut session = Counting {
            session: stats.session().unwrap(),
            most: 0,
        };
        let settings = SiteSettings {
            timezone: "UTC".into(),
            ..SiteSettings::new("example.com".parse().unwrap())
        };
        let scope = Scope::of(&Site::new(SiteId(1), settings), None);
        let asked = Asked {
            range: DateRange::All,
            filters: Vec::new(),
            now,
            rollups: Switch::Off,
        };
        let cohorts = cohorts(&mut session, &scope, &asked, "user", CohortUnit::Day).unwrap();
        assert_eq!(cohorts.rows.len(), 53);
        assert!(cohorts.rows.iter().all(|cohort| cohort.seen[0] == 1));
        assert_eq!(session.most, 53, "rows of the store");
    }
}
