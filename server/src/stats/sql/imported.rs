//! Figures that came as figures, added to the rows of a statement: by the groups' names, before rows are ordered and cut, so that the engine
//! orders, cuts and counts the sums of both, and can be stopped while it does.

use super::{Builder, cond::Of, sources::Ask};
use crate::stats::{
    imports::{Imports, SUMS},
    plan::Plan,
    sums::Sum,
};
use std::collections::BTreeSet;

impl Builder<'_> {
    /// `rows`, whose columns are `d0`, `d1` …, these sums and, where the plan asks for revenue, its currencies; with what is imported. Shares'
    /// denominator is not among the rows' columns, and is among those of the answer where it is among the sums.
    pub(super) fn with_imports(
        &mut self,
        plan: &Plan,
        imports: &Imports,
        ask: &Ask<'_>,
        sums: &[Sum],
        rows: &str,
        own_total: &str,
    ) -> String {
        let imported = self.imported(plan, imports, ask);
        let names: Vec<String> = (0..plan.dimensions.len()).map(|i| format!("d{i}")).collect();
        let summed = |sum: &Sum| format!("coalesce(sum({0}), 0)::hugeint as {0}", sum.name());
        let mut columns = names.clone();
        columns.extend(sums.iter().filter(|sum| **sum != Sum::TotalVisitors).map(summed));
        if plan.wants_revenue() {
            columns.push(
                "min(first_currency) as first_currency, max(last_currency) as last_currency".to_owned(),
            );
        }
        let by = match names.is_empty() {
            true => String::new(),
            false => format!(" group by {}", names.join(", ")),
        };
        let both = format!(
            "select {} from ({rows} union all by name {imported}) u{by}",
            columns.join(", ")
        );
        if !sums.contains(&Sum::TotalVisitors) {
            return both;
        }
        let total = Sum::TotalVisitors.name();
        let mut columns = names;
        columns.extend(sums.iter().map(|sum| match sum {
            Sum::TotalVisitors => {
                format!("(coalesce(n_{total}.{total}, 0) + coalesce(a.visitors, 0))::hugeint as {total}")
            }
            sum => format!("m.{}", sum.name()),
        }));
        if plan.wants_revenue() {
            columns.push("m.first_currency, m.last_currency".to_owned());
        }
        let (period, filter) = (
            imports.rows(imports.whole, plan.site),
            self.cond(&plan.filter, Of::Import),
        );
        format!(
            "select {} from ({both}) m{own_total} \
             left join (select sum(i.visitors) as visitors from imported_daily i where {period} and {filter}) a on true",
            columns.join(", ")
        )
    }

    /// Imported sums by the groups' names.
    fn imported(&mut self, plan: &Plan, imports: &Imports, ask: &Ask<'_>) -> String {
        let mut columns: Vec<String> = Vec::new();
        for (i, dimension) in plan.dimensions.iter().enumerate() {
            let name = match dimension.is_time() {
                true => ask.time_key(),
                false => self.key(dimension, Of::Import, None),
            };
            columns.push(format!("{name} as d{i}"));
        }
        let added: BTreeSet<Sum> = imports.sums(&plan.metrics);
        for (column, into) in SUMS {
            let into = into.iter().filter(|sum| added.contains(sum));
            columns.extend(into.map(|sum| format!("sum(i.{column})::hugeint as {}", sum.name())));
        }
        let by: Vec<String> = (0..plan.dimensions.len()).map(|i| format!("d{i}")).collect();
        let by = match by.is_empty() {
            true => String::new(),
            false => format!(" group by {}", by.join(", ")),
        };
        let (period, filter) = (
            imports.rows(imports.report, plan.site),
            self.cond(&plan.filter, Of::Import),
        );
        format!(
            "select {} from imported_daily i where {period} and {filter}{by}",
            columns.join(", ")
        )
    }
}
