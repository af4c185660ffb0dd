//! A plan becomes sums: one statement on one state of the store. Whatever else can answer a plan (rollups) or add to it (imports) gives the
//! same [`Sums`], here.

use super::{
    Scope, StatsError,
    plan::{Plan, wrong},
    range::Span,
    rollup::RolledDays,
    sql::{self, Groups, Statement},
    sums::{Key, Sum, SumRow, Sums},
    words::{self, Words},
};
use crate::{
    event::SiteId,
    store::{AskError, Cell, Snapshot, StatsSession},
};
use chrono_tz::Tz;
use pulsecast_protocol::Timestamp;
use std::sync::Arc;

/// A session on one state of the store.
pub struct Asking<'a> {
    /// Who answers.
    pub session: &'a mut dyn StatsSession,
    /// The state.
    pub snapshot: Snapshot,
}

impl<'a> Asking<'a> {
    /// Takes hold of the newest state.
    ///
    /// # Errors
    /// When the store does not answer.
    pub fn begin(session: &'a mut dyn StatsSession) -> Result<Self, AskError> {
        let snapshot = session.begin()?;
        Ok(Self { session, snapshot })
    }

    /// The time of the site's first event of any kind.
    ///
    /// # Errors
    /// When the store does not answer.
    pub fn first_event(&mut self, site: SiteId) -> Result<Option<Timestamp>, AskError> {
        let sql = format!(
            "select epoch_ms(happened_at) from events where site = {} order by happened_at limit 1",
            site.0
        );
        let rows = self.session.ask(&sql, &[])?;
        let first = rows.first().and_then(|row| row.first()).and_then(Cell::opt_int);
        Ok(first.and_then(|millis| i64::try_from(millis).ok()).map(Timestamp))
    }

    /// The site's days that are summed up, where they can help.
    ///
    /// # Errors
    /// When the store does not answer.
    pub fn rolled(
        &mut self,
        site: SiteId,
        span: Span,
        zone: Tz,
    ) -> Result<Option<Arc<RolledDays>>, AskError> {
        if RolledDays::of(zone, []).touched(span).is_none() {
            return Ok(None);
        }
        let sql = format!(
            "select (day - date '1970-01-01')::bigint, epoch_ms(from_at), epoch_ms(to_at) from rolled where site = {}",
            site.0
        );
        let int = |cell: Option<&Cell>| cell.map_or(0, |cell| i64::try_from(cell.int()).unwrap_or(0));
        let days = self.session.ask(&sql, &[])?;
        let days = days.iter().map(|row| {
            (
                int(row.first()),
                Timestamp(int(row.get(1))),
                Timestamp(int(row.get(2))),
            )
        });
        Ok(Some(Arc::new(RolledDays::of(zone, days))))
    }

    /// What the conditions of the plan's filter fit, where that can help; the regular expressions among them have to be right.
    ///
    /// # Errors
    /// When the store does not answer.
    pub fn words(&mut self, plan: &Plan) -> Result<Option<Arc<Words>>, AskError> {
        if plan.rolled.is_none() {
            return Ok(None);
        }
        let mut tests = Vec::new();
        for test in [&plan.filter, &plan.unconverted]
            .into_iter()
            .filter_map(words::tests)
            .flatten()
        {
            if !tests.contains(&test) {
                tests.push(test);
            }
        }
        if tests.is_empty() {
            return Ok(Some(Arc::default()));
        }
        let statement = sql::Builder::new(plan.site, plan.span, &plan.goals, self.snapshot).words(&tests);
        let mut fitting: Vec<Vec<i64>> = vec![Vec::new(); tests.len()];
        for row in self.session.ask(&statement.sql, &statement.texts)? {
            let mut cells = row.iter().map(|cell| i64::try_from(cell.int()).unwrap_or(0));
            let (place, id) = (cells.next().unwrap_or(0), cells.next().unwrap_or(0));
            if let Some(of_test) = usize::try_from(place)
                .ok()
                .and_then(|place| fitting.get_mut(place))
            {
                of_test.push(id);
            }
        }
        let known = tests.into_iter().cloned().zip(fitting);
        Ok(Some(Arc::new(Words::of(known))))
    }

    /// Asks the engine about each regular expression.
    ///
    /// # Errors
    /// Which one is none.
    pub fn check_patterns(&mut self, patterns: &[(String, String)]) -> Result<(), StatsError> {
        for (path, pattern) in patterns {
            match self
                .session
                .ask("select regexp_matches('', $1)", std::slice::from_ref(pattern))
            {
                Ok(_) => {}
                Err(AskError::Refused(reason)) => {
                    return wrong(
                        path,
                        format!("is no regular expression as RE2 reads it: {reason}"),
                    );
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// The plan's page.
    ///
    /// # Errors
    /// When it costs too much, or the store does not answer.
    pub fn page(&mut self, plan: &Plan) -> Result<Sums, AskError> {
        let mut sums = self.sums(
            plan,
            &sql::statement(plan, self.snapshot, Groups::Page),
            plan.count_rows,
        )?;
        if plan.count_rows && sums.rows.is_empty() {
            // No row has said how many there are: the page is beyond them.
            let count = sql::count(plan, self.snapshot);
            let rows = self.session.ask(&count.sql, &count.texts)?;
            let total = rows.first().and_then(|row| row.first()).map_or(0, Cell::int);
            sums.total = Some(u64::try_from(total).unwrap_or(0));
        }
        Ok(sums)
    }

    /// Groups by name, in no order.
    ///
    /// # Errors
    /// When it costs too much, or the store does not answer.
    pub fn named(
        &mut self,
        plan: &Plan,
        names: &[Option<Vec<String>>],
        most: u32,
    ) -> Result<Vec<SumRow>, AskError> {
        let statement = sql::statement(plan, self.snapshot, Groups::Named(names, most));
        Ok(self.sums(plan, &statement, false)?.rows)
    }

    fn sums(&mut self, plan: &Plan, statement: &Statement, counted: bool) -> Result<Sums, AskError> {
        tracing::trace!(sql = %statement.sql, texts = ?statement.texts, "asks the store");
        let rows = self.session.ask(&statement.sql, &statement.texts)?;
        let mut sums = Sums::default();
        for row in rows {
            let mut cells = row.into_iter();
            let mut found = SumRow::default();
            for dimension in &plan.dimensions {
                let cell = cells.next().unwrap_or(Cell::Null);
                found.keys.push(if dimension.is_time() {
                    Key::Bucket(i64::try_from(cell.int()).unwrap_or(0))
                } else {
                    Key::Name(cell.into_text().unwrap_or_default())
                });
            }
            for sum in &statement.sums {
                found.sums[*sum as usize] = cells.next().as_ref().map_or(0, Cell::int);
            }
            if plan.sums().contains(&Sum::Revenue) {
                let mut currency = || cells.next().and_then(Cell::into_text);
                let (first, last) = (currency(), currency());
                found.currency = first.zip(last);
            }
            if counted {
                sums.total = cells.next().and_then(|cell| u64::try_from(cell.int()).ok());
            }
            sums.rows.push(found);
        }
        Ok(sums)
    }
}

/// Everything that is asked of the store for a scope begins here.
///
/// # Errors
/// When the store does not answer.
pub fn begin<'a>(session: &'a mut dyn StatsSession, _scope: &Scope) -> Result<Asking<'a>, StatsError> {
    Ok(Asking::begin(session)?)
}
