//! Adds figures that came as figures (`imported_daily`) to what events and visits sum up to, where a question allows it: whole days, one report,
//! and filters on nothing but that report's own groups. Visitors of several days are added up, as Plausible does: who they were is not known.

use super::{
    Scope, StatsError, finish,
    plan::{Order, Plan},
    run::Asking,
    sums::{Key, Sum, SumRow, Sums},
};
use crate::{
    event::SiteId,
    store::{AskError, Cell},
};
use chrono::NaiveDate;
use pulsecast_protocol::stats::{
    Condition, Dimension, Direction, Filter, Metric, Operator, Pagination, Query, Subject, TimeUnit,
};
use regex::Regex;
use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet, HashMap},
};

/// Groups of one question at most.
const GROUPS: usize = 200_000;

/// Why nothing imported is in the answer, in Plausible's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Skip {
    /// There is nothing.
    NoData,
    /// Not of these days.
    OutOfRange,
    /// A metric, a dimension or a filter that no report has.
    Unsupported,
    /// Minutes and hours.
    Interval,
}

impl Skip {
    pub(super) const fn reason(self) -> &'static str {
        match self {
            Self::NoData => "no_imported_data",
            Self::OutOfRange => "out_of_range",
            Self::Unsupported => "unsupported_query",
            Self::Interval => "unsupported_interval",
        }
    }
}

/// What imports hold together, by the name that the store keeps it under, and what it is grouped by.
struct Report {
    name: &'static str,
    groups: &'static [(Dimension, &'static str)],
}

const REPORTS: &[Report] = {
    use Dimension as D;
    &[
        Report {
            name: "visitors",
            groups: &[],
        },
        Report {
            name: "sources",
            groups: &[
                (D::Source, "source"),
                (D::Referrer, "referrer"),
                (D::Channel, "channel"),
                (D::UtmSource, "utm_source"),
                (D::UtmMedium, "utm_medium"),
                (D::UtmCampaign, "utm_campaign"),
                (D::UtmContent, "utm_content"),
                (D::UtmTerm, "utm_term"),
            ],
        },
        Report {
            name: "pages",
            groups: &[(D::Page, "page"), (D::Hostname, "hostname")],
        },
        Report {
            name: "entry_pages",
            groups: &[(D::EntryPage, "page")],
        },
        Report {
            name: "exit_pages",
            groups: &[(D::ExitPage, "page")],
        },
        Report {
            name: "custom_events",
            groups: &[(D::EventName, "event")],
        },
        Report {
            name: "locations",
            groups: &[(D::Country, "country"), (D::Region, "region")],
        },
        Report {
            name: "devices",
            groups: &[(D::Device, "device")],
        },
        Report {
            name: "browsers",
            groups: &[(D::Browser, "browser"), (D::BrowserVersion, "browser_version")],
        },
        Report {
            name: "operating_systems",
            groups: &[(D::Os, "os"), (D::OsVersion, "os_version")],
        },
    ]
};

impl Report {
    fn column(&self, dimension: &Dimension) -> Option<&'static str> {
        self.groups
            .iter()
            .find(|(group, _)| group == dimension)
            .map(|(_, column)| *column)
    }

    /// Whether it has what this metric is made of.
    fn has(&self, metric: Metric) -> bool {
        use Metric as M;
        match metric {
            M::Visitors | M::Percentage => true,
            M::Visits | M::Pageviews => self.name != "custom_events",
            M::Events => matches!(self.name, "visitors" | "custom_events"),
            M::ViewsPerVisit | M::BounceRate | M::VisitDuration => {
                !matches!(self.name, "custom_events" | "pages")
            }
            M::TimeOnPage | M::ScrollDepth => self.name == "pages",
            _ => false,
        }
    }
}

/// The sums that come from each column.
const SUMS: [(&str, &[Sum]); 10] = [
    ("visitors", &[Sum::Visitors]),
    ("visits", &[Sum::Visits, Sum::Active]),
    ("pageviews", &[Sum::Pageviews, Sum::ActivePageviews]),
    ("events", &[Sum::Events]),
    ("bounces", &[Sum::Bounces]),
    ("duration_ms", &[Sum::Duration]),
    ("engaged_ms", &[Sum::Engaged]),
    ("engaged_visits", &[Sum::EngagedVisits]),
    ("scroll_sum", &[Sum::Depth]),
    ("scroll_visits", &[Sum::DepthVisits]),
];

/// Imported sums by group.
pub(super) type Imported = BTreeMap<Vec<Key>, SumRow>;

/// The first day that imports have figures of.
pub(super) fn first_day(asking: &mut Asking<'_>, site: SiteId) -> Result<Option<NaiveDate>, AskError> {
    let sql = format!(
        "select (min(day) - date '1970-01-01')::bigint from imported_daily where site = {}",
        site.0
    );
    let rows = asking.session.ask(&sql, &[])?;
    let first = rows.first().and_then(|row| row.first()).and_then(Cell::opt_int);
    Ok(first.and_then(|days| NaiveDate::from_epoch_days(i32::try_from(days).ok()?)))
}

/// What imports add to this question, or why they do not.
pub(super) fn imported(
    asking: &mut Asking<'_>,
    scope: &Scope,
    query: &Query,
    plan: &Plan,
) -> Result<Result<Imported, Skip>, StatsError> {
    let filters: Vec<&Filter> = query.filters.iter().chain(&scope.forced).collect();
    let mut named: BTreeSet<Dimension> = BTreeSet::new();
    if !filters.iter().all(|filter| names(filter, scope, &mut named)) {
        return Ok(Err(Skip::Unsupported));
    }
    let groups = plan.dimensions.iter().filter(|dimension| !dimension.is_time());
    named.extend(groups.cloned());
    let fits = |report: &&Report| {
        named.iter().all(|dimension| report.column(dimension).is_some())
            && plan.metrics.iter().all(|metric| report.has(*metric))
    };
    let Some(report) = REPORTS.iter().find(fits) else {
        return Ok(Err(Skip::Unsupported));
    };
    let unit = plan.buckets.as_ref().map(super::buckets::Buckets::unit);
    if matches!(unit, Some(TimeUnit::Minute | TimeUnit::Hour)) {
        return Ok(Err(Skip::Interval));
    }
    let Some((first, last)) = plan.span.days else {
        return Ok(Err(Skip::Unsupported));
    };
    let wanted = Wanted {
        report,
        named: named.into_iter().collect(),
        first,
        last,
    };
    let rows = wanted.rows(asking, plan.site)?;
    if rows.is_empty() {
        let any = first_day(asking, plan.site)?.is_some();
        return Ok(Err(if any { Skip::OutOfRange } else { Skip::NoData }));
    }
    let mut sums = Imported::new();
    let mut total = 0;
    for (day, values, figures) in rows {
        let value = |dimension: &Dimension| {
            let at = wanted.named.iter().position(|named| named == dimension);
            at.and_then(|at| values.get(at)).map_or("", String::as_str)
        };
        if !filters.iter().all(|filter| is_true(filter, scope, &value)) {
            continue;
        }
        let keys: Vec<Key> = plan
            .dimensions
            .iter()
            .map(|dimension| match (&plan.buckets, dimension.is_time()) {
                (Some(buckets), true) => Key::Bucket(buckets.of_day(day)),
                _ => Key::Name(value(dimension).to_owned()),
            })
            .collect();
        let row = sums.entry(keys.clone()).or_insert_with(|| SumRow::nothing(keys));
        for ((_, into), figure) in SUMS.iter().zip(&figures) {
            for sum in *into {
                row.sums[*sum as usize] += figure;
            }
        }
        total += figures.first().copied().unwrap_or(0);
    }
    if filters.is_empty() && report.name != "visitors" && plan.metrics.contains(&Metric::Percentage) {
        let all = Wanted {
            report: &REPORTS[0],
            named: Vec::new(),
            first,
            last,
        };
        total = all
            .rows(asking, plan.site)?
            .iter()
            .filter_map(|(_, _, figures)| figures.first())
            .sum();
    }
    for row in sums.values_mut() {
        row.sums[Sum::TotalVisitors as usize] = total;
    }
    Ok(Ok(sums))
}

struct Wanted<'a> {
    report: &'a Report,
    named: Vec<Dimension>,
    first: NaiveDate,
    last: NaiveDate,
}

/// A day's number, the group's names and its figures.
type Row = (i64, Vec<String>, Vec<i128>);

impl Wanted<'_> {
    fn rows(&self, asking: &mut Asking<'_>, site: SiteId) -> Result<Vec<Row>, StatsError> {
        let columns: Vec<String> = self
            .named
            .iter()
            .filter_map(|dimension| {
                let column = self.report.column(dimension)?;
                // Pageviews are events too; their figures are in the first report.
                let label = if *dimension == Dimension::EventName {
                    "pageview"
                } else {
                    dimension.none_label()
                };
                Some(format!("coalesce({column}, '{label}'), "))
            })
            .collect();
        let reports = if self.report.name == "custom_events" {
            "report in ('custom_events', 'visitors')".to_owned()
        } else {
            format!("report = '{}'", self.report.name)
        };
        let figures: Vec<String> = SUMS
            .iter()
            .map(|(column, _)| format!("sum({column})::bigint"))
            .collect();
        let sql = format!(
            "select (day - date '1970-01-01')::bigint, {}{} from imported_daily where site = {} and {reports} \
             and day between date '{}' and date '{}' group by all limit {}",
            columns.concat(),
            figures.join(", "),
            site.0,
            self.first,
            self.last,
            GROUPS + 1
        );
        let rows = asking.session.ask(&sql, &[])?;
        if rows.len() > GROUPS {
            return Err(StatsError::TooBig);
        }
        Ok(rows
            .into_iter()
            .map(|row| {
                let mut cells = row.into_iter();
                let day = cells.next().map_or(0, |cell| cell.int());
                let names = cells.by_ref().take(self.named.len());
                let names = names.map(|cell| cell.into_text().unwrap_or_default()).collect();
                (
                    i64::try_from(day).unwrap_or(0),
                    names,
                    cells.map(|cell| cell.int()).collect(),
                )
            })
            .collect())
    }
}

/// Collects what a filter asks about; `false` when imports could not answer it.
fn names(filter: &Filter, scope: &Scope, into: &mut BTreeSet<Dimension>) -> bool {
    match filter {
        Filter::And(filters) | Filter::Or(filters) => filters.iter().all(|filter| names(filter, scope, into)),
        Filter::Not(filter) => names(filter, scope, into),
        Filter::HasDone(_) | Filter::HasNotDone(_) => false,
        Filter::Condition(condition) => match &condition.subject {
            Subject::Dimension(dimension) => {
                into.insert(dimension.clone());
                true
            }
            Subject::Segment => segment(condition, scope)
                .is_some_and(|filters| filters.iter().all(|filter| names(filter, scope, into))),
        },
    }
}

/// The filters of the segments that a condition names, where there is one of them only.
fn segment<'a>(condition: &Condition, scope: &'a Scope) -> Option<&'a [Filter]> {
    let [id] = condition.values.as_slice() else {
        return None;
    };
    let id: i64 = id.parse().ok()?;
    let segment = scope.segments.iter().find(|segment| segment.id == id)?;
    Some(&segment.filters)
}

fn is_true<'a>(filter: &Filter, scope: &Scope, value: &impl Fn(&Dimension) -> &'a str) -> bool {
    match filter {
        Filter::And(filters) => filters.iter().all(|filter| is_true(filter, scope, value)),
        Filter::Or(filters) => filters.iter().any(|filter| is_true(filter, scope, value)),
        Filter::Not(filter) => !is_true(filter, scope, value),
        // Such questions are not answered from imports.
        Filter::HasDone(_) | Filter::HasNotDone(_) => false,
        Filter::Condition(condition) => match &condition.subject {
            Subject::Segment => {
                let inside = segment(condition, scope)
                    .is_some_and(|all| all.iter().all(|filter| is_true(filter, scope, value)));
                inside != condition.operator.is_negated()
            }
            Subject::Dimension(dimension) => holds(condition, value(dimension)),
        },
    }
}

fn holds(condition: &Condition, value: &str) -> bool {
    let lower = |text: &str| {
        if condition.case_sensitive {
            text.to_owned()
        } else {
            text.to_lowercase()
        }
    };
    let value = lower(value);
    let any = condition.values.iter().any(|wanted| match condition.operator {
        Operator::Is | Operator::IsNot => lower(wanted) == value,
        Operator::Contains | Operator::ContainsNot => value.contains(&lower(wanted)),
        // Checked by the store's engine before.
        Operator::Matches | Operator::MatchesNot => {
            Regex::new(&lower(wanted)).is_ok_and(|regex| regex.is_match(&value))
        }
    });
    any != condition.operator.is_negated()
}

/// The plan's page with these added.
pub(super) fn page(asking: &mut Asking<'_>, plan: &Plan, imported: &Imported) -> Result<Sums, StatsError> {
    let most = plan.pagination.offset.saturating_add(plan.pagination.limit);
    if plan.dimensions.is_empty() {
        let mut sums = asking.page(plan)?;
        let rows = std::mem::take(&mut sums.rows);
        sums.rows = add(rows, imported).0;
        return Ok(sums);
    }
    // A row that nothing is added to is within the first of all only if it is within the first of its own.
    let first = Plan {
        pagination: Pagination {
            limit: most.clamp(1, Pagination::MOST),
            offset: 0,
        },
        ..plan.clone()
    };
    let mut own = asking.page(&first)?;
    let there: BTreeSet<Vec<Key>> = own.rows.iter().map(|row| row.keys.clone()).collect();
    let others: Vec<&Vec<Key>> = imported.keys().filter(|keys| !there.contains(*keys)).collect();
    if !others.is_empty() {
        let wanted: Vec<Option<Vec<String>>> = (0..plan.dimensions.len())
            .map(|at| distinct(&others, at))
            .collect();
        let found = asking.named(&first, &wanted, super::limits::COMPARED_ROWS)?;
        let others: BTreeSet<&Vec<Key>> = others.into_iter().collect();
        own.rows
            .extend(found.into_iter().filter(|row| others.contains(&row.keys)));
    }
    let (mut rows, new) = add(own.rows, imported);
    rows.sort_by(|a, b| order(plan, a, b));
    let offset = plan.pagination.offset as usize;
    Ok(Sums {
        rows: rows
            .into_iter()
            .skip(offset)
            .take(plan.pagination.limit as usize)
            .collect(),
        total: own.total.map(|total| total + new),
    })
}

/// Rows with what is imported added, and how many are of imports alone.
pub(super) fn add(rows: Vec<SumRow>, imported: &Imported) -> (Vec<SumRow>, u64) {
    let mut left: HashMap<&Vec<Key>, &SumRow> = imported.iter().collect();
    let total = imported
        .values()
        .next()
        .map_or(0, |row| row.get(Sum::TotalVisitors));
    let own_total = rows.first().map_or(0, |row| row.get(Sum::TotalVisitors));
    let mut all: Vec<SumRow> = rows
        .into_iter()
        .map(|mut row| {
            if let Some(more) = left.remove(&row.keys) {
                row.sums
                    .iter_mut()
                    .zip(more.sums)
                    .for_each(|(sum, more)| *sum += more);
            } else {
                row.sums[Sum::TotalVisitors as usize] += total;
            }
            row
        })
        .collect();
    let new = left.len() as u64;
    all.extend(left.into_values().map(|row| {
        let mut row = row.clone();
        row.sums[Sum::TotalVisitors as usize] += own_total;
        row
    }));
    (all, new)
}

/// The names of a dimension in these groups, where they are few enough to ask for.
fn distinct(groups: &[&Vec<Key>], at: usize) -> Option<Vec<String>> {
    let names: BTreeSet<&String> = groups
        .iter()
        .filter_map(|keys| match keys.get(at) {
            Some(Key::Name(name)) => Some(name),
            _ => None,
        })
        .collect();
    (!names.is_empty() && names.len() <= super::limits::VALUES).then(|| names.into_iter().cloned().collect())
}

fn order(plan: &Plan, a: &SumRow, b: &SumRow) -> Ordering {
    let turned = |ordering: Ordering, direction: &Direction| match direction {
        Direction::Asc => ordering,
        Direction::Desc => ordering.reverse(),
    };
    for level in &plan.order {
        let ordering = match level {
            Order::Metric(metric, direction) => {
                let number = |row| finish::value(*metric, row).number();
                // As the store orders: what has no figure is the smallest.
                let ordering = match (number(a), number(b)) {
                    (Some(a), Some(b)) => a.total_cmp(&b),
                    (a, b) => a.is_some().cmp(&b.is_some()),
                };
                turned(ordering, direction)
            }
            Order::Dimension(at, direction) => turned(a.keys.get(*at).cmp(&b.keys.get(*at)), direction),
        };
        if ordering != Ordering::Equal {
            return ordering;
        }
    }
    a.keys.cmp(&b.keys)
}
