//! Adds figures that came as figures (`imported_daily`) to what events and visits sum up to, where a question allows it: whole days, one report,
//! and filters on nothing but that report's own groups. Decides that; the adding up is the statement's (`sql/imported`). What it means is in
//! `docs/metrics.md`.

mod reports;

pub use reports::{Report, SUMS};

use super::{
    buckets::Buckets,
    cond::Cond,
    plan::Plan,
    run::Asking,
    sums::{Sum, needed},
};
use crate::{
    event::SiteId,
    period::Period,
    store::{AskError, Cell},
};
use chrono::NaiveDate;
use chrono_tz::Tz;
use pulsecast_protocol::stats::{Dimension, Metric, TimeUnit};
use std::collections::BTreeSet;

/// Why nothing imported is in the answer, in Plausible's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Skip {
    /// There is nothing.
    NoData,
    /// Not of these days.
    OutOfRange,
    /// Metrics, a dimension or a filter that no report has.
    Unsupported,
    /// Minutes and hours.
    Interval,
}

impl Skip {
    /// Its name in an answer.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::NoData => "no_imported_data",
            Self::OutOfRange => "out_of_range",
            Self::Unsupported => "unsupported_query",
            Self::Interval => "unsupported_interval",
        }
    }
}

/// What is said of a metric that the report does not have, beside others that it has.
pub const LACKING: &str = "imported figures do not have it: what was imported is not in this figure";

/// The imported figures that a plan adds.
#[derive(Clone, Debug)]
pub struct Imports {
    /// Which report has what is asked.
    pub report: &'static Report,
    /// Which has it without the dimensions: what shares are of.
    pub whole: &'static Report,
    /// The first and the last day.
    pub days: (NaiveDate, NaiveDate),
}

impl Imports {
    /// Those that a question allows, whether there are any or not.
    fn of(plan: &Plan, zone: Tz) -> Result<Self, Skip> {
        let mut named = BTreeSet::new();
        if !names(&plan.filter, &mut named) {
            return Err(Skip::Unsupported);
        }
        let whole = Report::with(&named).ok_or(Skip::Unsupported)?;
        let groups = plan.dimensions.iter().filter(|dimension| !dimension.is_time());
        named.extend(groups);
        let report = Report::with(&named).ok_or(Skip::Unsupported)?;
        if !plan.metrics.iter().any(|metric| report.has(*metric)) {
            return Err(Skip::Unsupported);
        }
        if let Some(TimeUnit::Minute | TimeUnit::Hour) = plan.buckets.as_ref().map(Buckets::unit) {
            return Err(Skip::Interval);
        }
        let period = Period {
            from: Some(plan.span.from),
            to: Some(plan.span.to),
        };
        match period.whole_days(zone) {
            Some((Some(first), Some(last))) => Ok(Self {
                report,
                whole,
                days: (first, last),
            }),
            _ => Err(Skip::OutOfRange),
        }
    }

    /// The sums that are added: those of metrics that the report has.
    #[must_use]
    pub fn sums(&self, metrics: &[Metric]) -> BTreeSet<Sum> {
        let had = metrics.iter().filter(|metric| self.report.has(**metric));
        had.flat_map(|metric| needed(*metric)).collect()
    }

    /// SQL: rows `i` of a report in these days.
    #[must_use]
    pub fn rows(&self, report: &Report, site: SiteId) -> String {
        let (first, last) = self.days;
        format!(
            "i.site = {} and i.report in ({}) and i.day between date '{first}' and date '{last}'",
            site.0,
            report.kept_as()
        )
    }
}

/// Collects what a filter asks about; `false` when imports could not answer it.
fn names<'a>(cond: &'a Cond, into: &mut BTreeSet<&'a Dimension>) -> bool {
    match cond {
        Cond::All(conds) | Cond::Any(conds) => conds.iter().all(|cond| names(cond, into)),
        Cond::Not(cond) => names(cond, into),
        Cond::Done(_) | Cond::Goals(..) => false,
        Cond::Test(test) => {
            into.insert(&test.dimension);
            true
        }
    }
}

/// What imports add to this question, or why they do not.
///
/// # Errors
/// When the store does not answer.
pub fn imports(asking: &mut Asking<'_>, plan: &Plan, zone: Tz) -> Result<Result<Imports, Skip>, AskError> {
    let imports = match Imports::of(plan, zone) {
        Ok(imports) => imports,
        Err(Skip::OutOfRange) => {
            let any = first_day(asking, plan.site)?;
            return Ok(Err(any.map_or(Skip::NoData, |_| Skip::OutOfRange)));
        }
        Err(skip) => return Ok(Err(skip)),
    };
    let there = |condition: &str| format!("exists (select 1 from imported_daily i where {condition})");
    let sql = format!(
        "select ({})::integer, ({})::integer",
        there(&imports.rows(imports.report, plan.site)),
        there(&format!("i.site = {}", plan.site.0))
    );
    let rows = asking.session.ask(&sql, &[])?;
    let is = |place: usize| {
        let cell = rows.first().and_then(|row| row.get(place));
        cell.is_some_and(|cell| cell.int() != 0)
    };
    Ok(match (is(0), is(1)) {
        (true, _) => Ok(imports),
        (false, true) => Err(Skip::OutOfRange),
        (false, false) => Err(Skip::NoData),
    })
}

/// The first day that imports have figures of.
///
/// # Errors
/// When the store does not answer.
pub fn first_day(asking: &mut Asking<'_>, site: SiteId) -> Result<Option<NaiveDate>, AskError> {
    let sql = format!(
        "select (min(day) - date '1970-01-01')::bigint from imported_daily where site = {}",
        site.0
    );
    let rows = asking.session.ask(&sql, &[])?;
    let first = rows.first().and_then(|row| row.first()).and_then(Cell::opt_int);
    Ok(first.and_then(|days| NaiveDate::from_epoch_days(i32::try_from(days).ok()?)))
}
