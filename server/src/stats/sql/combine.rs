//! One statement of all sources: groups are put together, divided where figures are ordered by, named, ordered and cut to the page.

use super::{Builder, keys::is_path, sources::Ask};
use crate::{
    stats::{
        plan::{Level, Order, Plan},
        sums::{Figure, Otherwise, Sum, figure},
    },
    store::Snapshot,
};
use pulsecast_protocol::stats::{Dimension, Direction};
use std::{collections::BTreeSet, fmt::Write as _};

/// Which groups are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Groups<'a> {
    /// The plan's page.
    Page,
    /// Those whose name in a dimension is among these, at most so many, in no order.
    Named(&'a [Option<Vec<String>>], u32),
}

/// A statement and what is bound in it.
#[derive(Clone, Debug)]
pub struct Statement {
    /// Its text: columns are the dimensions' names (buckets' numbers), then the sums, then the first and last currency, then the number
    /// of all rows.
    pub sql: String,
    /// `$1` …
    pub texts: Vec<String>,
    /// Which sums its columns are.
    pub sums: Vec<Sum>,
}

const DENOMINATORS: [Sum; 4] = [
    Sum::ExitPageviews,
    Sum::AllVisitors,
    Sum::GroupVisitors,
    Sum::TotalVisitors,
];

/// The sum that sources know it by.
const fn counted_as(sum: Sum) -> Sum {
    match sum {
        Sum::Exits => Sum::Active,
        sum => sum,
    }
}

/// The plan as one statement.
#[must_use]
pub fn statement(plan: &Plan, snapshot: Snapshot, groups: Groups<'_>) -> Statement {
    let mut builder = Builder::new(plan.site, plan.span, &plan.goals, snapshot)
        .with(plan.rolled.as_deref(), plan.words.as_deref());
    let wanted = plan.sums();
    let sums: Vec<Sum> = wanted.iter().copied().collect();
    let mut own: BTreeSet<Sum> = wanted
        .iter()
        .filter(|sum| !DENOMINATORS.contains(sum))
        .map(|sum| counted_as(*sum))
        .collect();
    if is_of_event_groups(plan) {
        own.insert(Sum::Visitors);
    }
    let ask = Ask {
        dimensions: &plan.dimensions,
        filter: &plan.filter,
        buckets: plan.buckets.as_ref(),
        sums: &own,
        level: plan.level,
    };
    let sources = builder.sources(&ask);
    let mut from = format!("({}) r", put_together(plan, &own, &sources));
    for (i, dimension) in plan.dimensions.iter().enumerate() {
        if is_path(dimension) {
            let _infallible = write!(from, " left join paths p{i} on p{i}.id = r.k{i}");
        }
    }
    // What shares are of is of all rows, those of imports alone among them: it is joined when these are there.
    let is_late = |sum: &Sum| *sum == Sum::TotalVisitors && plan.imports.is_some();
    let mut total = String::new();
    for sum in wanted.iter().filter(|sum| DENOMINATORS.contains(sum)) {
        let joined = denominator(&mut builder, plan, &ask, *sum);
        if is_late(sum) {
            total = joined;
        } else {
            from += &joined;
        }
    }
    let mut columns: Vec<String> = names(plan)
        .enumerate()
        .map(|(i, name)| format!("{name} as d{i}"))
        .collect();
    let joined = sums.iter().filter(|sum| !is_late(sum));
    columns.extend(joined.map(|sum| match DENOMINATORS.contains(sum) {
        true => format!("coalesce(n_{0}.{0}, 0)::hugeint as {0}", sum.name()),
        false => format!(
            "coalesce(r.{}, 0)::hugeint as {}",
            counted_as(*sum).name(),
            sum.name()
        ),
    }));
    if plan.wants_revenue() {
        columns.push("r.first_currency, r.last_currency".to_owned());
    }
    if columns.is_empty() {
        columns.push("0".to_owned());
    }
    let mut rows = format!("select {} from {from}", columns.join(", "));
    if let Some(imports) = &plan.imports {
        rows = builder.with_imports(plan, imports, &ask, &sums, &rows, &total);
    }
    let count = if plan.count_rows && groups == Groups::Page {
        ", count(*) over () as total"
    } else {
        ""
    };
    let mut sql = format!("select *{count} from ({rows}) o");
    match groups {
        Groups::Page => {
            let page = plan.pagination;
            let _infallible = write!(sql, "{} limit {} offset {}", order(plan), page.limit, page.offset);
        }
        Groups::Named(named, most) => {
            let conditions: Vec<String> = named
                .iter()
                .enumerate()
                .filter_map(|(i, names)| {
                    let names: Vec<String> = names.as_ref()?.iter().map(|name| builder.text(name)).collect();
                    Some(format!("d{i} in ({})", names.join(", ")))
                })
                .collect();
            if !conditions.is_empty() {
                let _infallible = write!(sql, " where {}", conditions.join(" and "));
            }
            let _infallible = write!(sql, " limit {most}");
        }
    }
    builder.into_statement(&sql, sums)
}

/// How many groups there are.
#[must_use]
pub fn count(plan: &Plan, snapshot: Snapshot) -> Statement {
    let mut statement = statement(plan, snapshot, Groups::Named(&[], u32::MAX));
    statement.sql = format!("select count(*) from ({}) c", statement.sql);
    statement
}

/// Whether rows are groups of events: then a group that only visits fall into (by the page they were entered on) is none.
fn is_of_event_groups(plan: &Plan) -> bool {
    plan.level == Level::Events && !plan.dimensions.is_empty()
}

/// The groups of all sources, each once.
fn put_together(plan: &Plan, sums: &BTreeSet<Sum>, sources: &[String]) -> String {
    let keys: Vec<String> = (0..plan.dimensions.len()).map(|i| format!("k{i}")).collect();
    let mut columns = keys.clone();
    columns.extend(sums.iter().map(|sum| format!("sum({0}) as {0}", sum.name())));
    if plan.wants_revenue() {
        columns.push("min(first_currency) as first_currency, max(last_currency) as last_currency".to_owned());
    }
    let mut group = if keys.is_empty() {
        String::new()
    } else {
        format!(" group by {}", keys.join(", "))
    };
    if is_of_event_groups(plan) {
        group += " having sum(visitors) > 0";
    }
    format!(
        "select {} from ({}) s{group}",
        columns.join(", "),
        sources.join(" union all by name ")
    )
}

/// A join of a denominator to the groups `r`: a table called by its name.
fn denominator(builder: &mut Builder<'_>, plan: &Plan, ask: &Ask<'_>, sum: Sum) -> String {
    let of_row = |dimension: &Dimension| match sum {
        Sum::TotalVisitors => false,
        Sum::AllVisitors => dimension.is_time(),
        Sum::GroupVisitors => !matches!(dimension, Dimension::Goal | Dimension::Prop(_)),
        _ => true,
    };
    let (places, dimensions): (Vec<usize>, Vec<Dimension>) = plan
        .dimensions
        .iter()
        .cloned()
        .enumerate()
        .filter(|(_, dimension)| of_row(dimension))
        .unzip();
    let filter = if matches!(sum, Sum::AllVisitors | Sum::GroupVisitors) {
        &plan.unconverted
    } else {
        &plan.filter
    };
    let has_time = dimensions.iter().any(Dimension::is_time);
    let asked = Ask {
        dimensions: &dimensions,
        filter,
        buckets: ask.buckets.filter(|_| has_time),
        sums: &BTreeSet::from([Sum::Visitors]),
        level: plan.level,
    };
    let (rows, column) = if sum == Sum::ExitPageviews {
        (builder.exit_pageviews(&asked), Sum::Pageviews.name())
    } else {
        (
            builder.sources(&asked).join(" union all by name "),
            Sum::Visitors.name(),
        )
    };
    let renamed = places
        .iter()
        .enumerate()
        .map(|(i, place)| format!(", k{i} as j{place}"))
        .collect::<String>();
    let on = places
        .iter()
        .map(|place| format!("n_{0}.j{place} is not distinct from r.k{place}", sum.name()));
    let on: Vec<String> = on.collect();
    let on = if on.is_empty() {
        "true".to_owned()
    } else {
        on.join(" and ")
    };
    format!(
        " left join (select {column} as {0}{renamed} from ({rows}) t) n_{0} on {on}",
        sum.name()
    )
}

/// The groups' names in each dimension.
fn names(plan: &Plan) -> impl Iterator<Item = String> {
    plan.dimensions.iter().enumerate().map(|(i, dimension)| {
        if is_path(dimension) {
            format!("coalesce(p{i}.path, '{}')", dimension.none_label())
        } else {
            format!("r.k{i}")
        }
    })
}

fn order(plan: &Plan) -> String {
    let asked = plan.order.iter().map(|order| match order {
        Order::Dimension(place, direction) => format!("d{place} {}", way(*direction)),
        Order::Metric(metric, direction) => format!("{} {}", figure_sql(figure(*metric)), way(*direction)),
    });
    let rest = (0..plan.dimensions.len()).map(|i| format!("d{i} asc"));
    let all: Vec<String> = asked.chain(rest).collect();
    if all.is_empty() {
        String::new()
    } else {
        format!(" order by {}", all.join(", "))
    }
}

const fn way(direction: Direction) -> &'static str {
    match direction {
        Direction::Asc => "asc nulls first",
        Direction::Desc => "desc nulls last",
    }
}

/// A figure as it is answered, up to a factor: null where there is none.
fn figure_sql(figure: Figure) -> String {
    match figure {
        Figure::Count(sum) => sum.name().to_owned(),
        Figure::Quotient(quotient) => {
            let of = format!("({} * {})", quotient.of.name(), quotient.times);
            let by = format!("({} * {})", quotient.by.name(), quotient.per);
            let otherwise = if quotient.otherwise == Otherwise::Zero {
                "0"
            } else {
                "null"
            };
            format!("case when {by} = 0 then {otherwise} else (2 * {of} + {by}) // (2 * {by}) end")
        }
        Figure::Total => "case when first_currency = last_currency then revenue end".to_owned(),
        Figure::Average => {
            "case when first_currency = last_currency then revenue::double / revenue_events end".to_owned()
        }
    }
}
