//! What there is at all of a part of history: whether the site had figures when a compared period began, and imported ones in the shown one.

use super::{Scope, StatsError, buckets::instant, range::Span, range::local, run};
use crate::store::StatsSession;
use pulsecast_protocol::{Timestamp, stats::DateRange};

/// What there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// Whether there were figures before the compared period began, or from imports as it did.
    pub before: bool,
    /// Whether there are imported figures in the shown range.
    pub imports: bool,
}

/// Looks it up; each question stops at the first row that it finds.
///
/// # Errors
/// When the store does not answer.
pub fn known(
    session: &mut dyn StatsSession,
    scope: &Scope,
    compared: Option<DateRange>,
    shown: DateRange,
    now: Timestamp,
) -> Result<Known, StatsError> {
    let asking = run::begin(session, scope)?;
    let site = scope.site.0;
    let mut any = |sql: String| Ok::<_, StatsError>(!asking.session.ask(&sql, &[])?.is_empty());
    let span = |range| Span::of(range, None, now, scope.timezone, None).ok();
    let before = match compared.and_then(span) {
        Some(Span { from, .. }) => {
            let day = local(from, scope.timezone).date();
            any(format!(
                "select 1 from events where site = {site} and happened_at < {} limit 1",
                instant(from)
            ))? || any(format!(
                "select 1 from imported_daily where site = {site} and day <= date '{day}' limit 1"
            ))?
        }
        None => false,
    };
    let days = match shown {
        DateRange::All => String::new(),
        range => match span(range).and_then(|span| span.days) {
            Some((first, last)) => format!(" and day between date '{first}' and date '{last}'"),
            // Minutes and instants: imports have none.
            None => {
                return Ok(Known {
                    before,
                    imports: false,
                });
            }
        },
    };
    let imports = any(format!(
        "select 1 from imported_daily where site = {site}{days} limit 1"
    ))?;
    Ok(Known { before, imports })
}
