//! Sums under a filter, from the visits and pages of days that are summed up (`day_visits`, `day_pages`; what they hold is written in their
//! migration). Distinct visitors are marks that are counted, which holds where the filter is true of all of a visitor's visits that the mark
//! stands for, or of none: filters on what a visitor is (country, device, …), and, by marks of their own, on one value of where visits came
//! from or of their pages. The few visitors who are not the same throughout have no marks and are counted by their hash.

use super::{Builder, cond::attribute, cond::either, rolled::Parts, sources::Ask};
use crate::stats::{
    cond::{Cond, Test},
    plan::Level,
    sums::Sum,
    words::{NO_PAGE, Words, is_origin, is_own, tests},
};
use pulsecast_protocol::stats::Dimension;
use std::collections::BTreeSet;

/// Where marks are counted.
struct Marks {
    table: &'static str,
    mark: String,
    /// What `was` says of the day, the day before, and the one before that.
    was: [u8; 3],
}

impl Marks {
    fn of_visits(mark: &str) -> Self {
        Self {
            table: "day_visits",
            mark: format!("new_{mark}"),
            was: if mark == "counted" { [8, 16, 32] } else { [1, 2, 4] },
        }
    }

    fn of_pages() -> Self {
        Self {
            table: "day_pages",
            mark: "new_visitor".to_owned(),
            was: [1, 2, 4],
        }
    }
}

/// The mark that stands for a dimension's values.
fn mark_of(dimension: &Dimension) -> Option<&'static str> {
    match dimension {
        Dimension::EntryPage => Some("entry_path"),
        Dimension::ExitPage => Some("exit_path"),
        dimension if is_origin(dimension) => attribute(dimension),
        _ => None,
    }
}

/// The parts of a filter that all have to be true.
fn parts(filter: &Cond) -> Vec<&Cond> {
    match filter {
        Cond::All(conds) => conds.iter().flat_map(parts).collect(),
        other => vec![other],
    }
}

/// The one dimension that these conditions are about besides what visitors are; `Err` if there are several.
fn other_dimension<'a>(tests: &[&'a Test]) -> Result<Option<&'a Dimension>, ()> {
    let others: BTreeSet<&Dimension> = tests
        .iter()
        .map(|test| &test.dimension)
        .filter(|dimension| !is_own(dimension))
        .collect();
    match others.len() {
        0 | 1 => Ok(others.into_iter().next()),
        _ => Err(()),
    }
}

/// Which marks count the visitors of this question; `None` if there are none for it.
fn marks(ask: &Ask<'_>, words: &Words) -> Option<Marks> {
    let named = tests(ask.filter)?;
    let other = other_dimension(&named).ok()?;
    // What visitors are and another dimension, each in parts of their own: then a mark of that dimension's value is for all or none.
    let is_apart = parts(ask.filter).into_iter().all(|part| {
        let of_part = tests(part).unwrap_or_default();
        of_part.iter().all(|test| is_own(&test.dimension))
            || of_part.iter().all(|test| !is_own(&test.dimension))
    });
    let is_one = || {
        parts(ask.filter).into_iter().any(|part| match part {
            Cond::Test(test) => {
                Some(&test.dimension) == other && words.few(test).is_some_and(|few| few.len() <= 1)
            }
            _ => false,
        })
    };
    if other.is_some() && !is_apart {
        return None;
    }
    let is_of_no_values = match ask.dimensions {
        [] => true,
        [dimension] => dimension.is_time() || is_own(dimension),
        _ => return None,
    };
    match (ask.level, ask.dimensions, other) {
        (_, _, None) if is_of_no_values => Some(Marks::of_visits(match ask.level {
            Level::Visits => "visitor",
            Level::Events => "counted",
        })),
        (Level::Visits, [dimension], None) => mark_of(dimension).map(Marks::of_visits),
        (Level::Visits, [dimension], Some(other)) if dimension == other => {
            mark_of(dimension).map(Marks::of_visits)
        }
        (Level::Visits, _, Some(other)) if is_of_no_values && is_one() => {
            mark_of(other).map(Marks::of_visits)
        }
        (Level::Events, [Dimension::Page], None | Some(Dimension::Page)) => Some(Marks::of_pages()),
        (Level::Events, _, Some(Dimension::Page)) if is_of_no_values && is_one() => Some(Marks::of_pages()),
        _ => None,
    }
}

/// The column of these tables that holds a dimension's values, by number.
fn column(dimension: &Dimension) -> Option<&'static str> {
    match dimension {
        Dimension::Page => Some("m.path"),
        Dimension::EntryPage => Some("m.entry_path"),
        Dimension::ExitPage => Some("m.exit_path"),
        _ => None,
    }
}

impl Builder<'_> {
    /// Sources of the days that are summed up; `None` where their marks are no help.
    pub(super) fn marked(&mut self, ask: &Ask<'_>, parts: &Parts) -> Option<Vec<String>> {
        let words = self.words?;
        let marks = marks(ask, words)?;
        let sums = sums(ask, &marks)?;
        let key = match ask.dimensions {
            [] => None,
            [dimension, ..] if dimension.is_time() => Some(ask.time_key()),
            [dimension, ..] => Some(match (column(dimension), attribute(dimension)) {
                (Some(column), _) => column.to_owned(),
                (None, name) => format!("m.{}", name?),
            }),
        };
        let period = parts.period(self.site);
        let since = format!("least(m.day - {}, 2)", parts.begins(ask));
        let condition = self.of_marked(ask.filter, words);
        let rows = format!(
            "from {} m where {period} and {condition} and m.roll in (select roll from rolled where {period})",
            marks.table
        );
        let (selected, group) = match &key {
            Some(key) => (format!("{key} as k0, "), " group by k0"),
            None => (String::new(), ""),
        };
        let columns: Vec<String> = sums
            .iter()
            .map(|(sum, text)| format!("{} as {}", text.replace("{since}", &since), sum.name()))
            .collect();
        let only = only(ask, &marks).replace("{since}", &since);
        let mut sources = vec![format!(
            "select {selected}{} {rows} and {only}{group}",
            columns.join(", ")
        )];
        if ask.sums.contains(&Sum::Visitors) {
            let [d, d1, d2] = marks.was;
            let (by_key, again) = if key.is_some() { (", k0", "k0, ") } else { ("", "") };
            sources.push(format!(
                "select {again}count(*) as visitors from (select {selected}m.visitor, m.day, {since} as since, bool_or(m.was & {d} > 0) as d, \
                   bool_or(m.was & {d1} > 0) as d1, bool_or(m.was & {d2} > 0) as d2 {rows} and m.visitor is not null \
                   group by m.visitor, m.day, since{by_key}) o where d and not (d1 and since > 0) and not (d2 and since > 1){group}"
            ));
        }
        let word = match ask.dimensions {
            [dimension] => attribute(dimension),
            _ => None,
        };
        let Some(name) = word else {
            return Some(sources);
        };
        Some(vec![format!(
            "select w.text as k0, s.* exclude (k0) from ({}) s join words w on w.attribute = '{name}' and w.id = s.k0",
            sources.join(" union all by name ")
        )])
    }

    /// A filter, asked of a row `m`.
    fn of_marked(&mut self, cond: &Cond, words: &Words) -> String {
        match cond {
            Cond::All(conds) if conds.is_empty() => "true".to_owned(),
            Cond::All(conds) => {
                let all: Vec<String> = conds.iter().map(|cond| self.of_marked(cond, words)).collect();
                format!("({})", all.join(" and "))
            }
            Cond::Any(conds) => {
                let any: Vec<String> = conds.iter().map(|cond| self.of_marked(cond, words)).collect();
                either(&any)
            }
            Cond::Not(cond) => format!("not ({})", self.of_marked(cond, words)),
            Cond::Test(test) => {
                let column = match (column(&test.dimension), attribute(&test.dimension)) {
                    (Some("m.path"), _) => "m.path".to_owned(),
                    (Some(column), _) => format!("coalesce({column}, {NO_PAGE})"),
                    (None, name) => format!("m.{}", name.unwrap_or_default()),
                };
                match words.few(test) {
                    Some([]) => "false".to_owned(),
                    Some([one]) => format!("{column} = {one}"),
                    Some(few) => {
                        let few: Vec<String> = few.iter().map(ToString::to_string).collect();
                        format!("{column} in ({})", few.join(", "))
                    }
                    None => format!("{column} in ({})", self.fitting(test)),
                }
            }
            // Such filters have no marks.
            Cond::Done(_) | Cond::Goals(..) => "false".to_owned(),
        }
    }

    /// The numbers of the words or pages that a condition fits: a select.
    pub(super) fn fitting(&mut self, test: &Test) -> String {
        if let Some(name) = attribute(&test.dimension) {
            let fits = self.compare("w.text", test);
            return format!("select w.id from words w where w.attribute = '{name}' and {fits}");
        }
        let fits = self.compare("p.path", test);
        let nothing = self.compare(&format!("'{}'", test.dimension.none_label()), test);
        format!("select p.id from paths p where {fits} union all select {NO_PAGE} where {nothing}")
    }
}

/// How the sums are made, with `{since}` for the days since the bucket began, at most two; `None` if one of them cannot be.
fn sums(ask: &Ask<'_>, marks: &Marks) -> Option<Vec<(Sum, String)>> {
    const COUNTS: &str = "(m.began = 0 or (m.began = 1 and {since} = 0))";
    let sum = |sum: &Sum| {
        let text = match (sum, marks.table, ask.level) {
            (Sum::Visitors, _, _) => format!("count(*) filter (m.{} > {{since}})", marks.mark),
            (Sum::Pageviews, _, _) => "sum(m.views)".to_owned(),
            (Sum::Events, _, _) => "sum(m.counted)".to_owned(),
            (Sum::Visits, "day_pages", _) => {
                "sum(case {since} when 0 then m.visits when 1 then m.visits_1 else m.visits_2 end)".to_owned()
            }
            (Sum::Visits | Sum::Active, "day_visits", Level::Visits) => format!("count(*) filter ({COUNTS})"),
            (Sum::ActivePageviews, "day_visits", Level::Visits) => {
                format!("sum(m.pageviews) filter ({COUNTS})")
            }
            (Sum::Bounces, "day_visits", Level::Visits) => format!("count(*) filter ({COUNTS} and m.bounce)"),
            (Sum::Duration, "day_visits", Level::Visits) => format!("sum(m.duration) filter ({COUNTS})"),
            _ => return None,
        };
        Some((*sum, text))
    };
    ask.sums.iter().map(sum).collect()
}

/// Which rows make a group be there.
fn only(ask: &Ask<'_>, marks: &Marks) -> String {
    if ask.sums.iter().all(|sum| *sum == Sum::Visitors) {
        // Whoever is in a group is new in it once.
        return format!("m.{} > {{since}}", marks.mark);
    }
    let is_of_events = ask
        .sums
        .iter()
        .all(|sum| matches!(sum, Sum::Pageviews | Sum::Events));
    if ask.level == Level::Events || is_of_events {
        "m.counted > 0".to_owned()
    } else {
        "m.began < 2".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::cond::{Case, How};

    fn is(dimension: Dimension, value: &str) -> Cond {
        Cond::Test(test(dimension, value))
    }

    fn test(dimension: Dimension, value: &str) -> Test {
        Test {
            dimension,
            how: How::Is,
            values: vec![value.to_owned()],
            case: Case::Matters,
        }
    }

    /// What counts the visitors, where a source that is `Google` is one word, and one that is `a` is many.
    fn mark(level: Level, dimensions: &[Dimension], filter: &[Cond]) -> Option<(&'static str, String)> {
        let words = Words::of([
            (test(Dimension::Source, "Google"), vec![7]),
            (test(Dimension::Source, "a"), vec![7, 8]),
            (test(Dimension::Page, "/"), vec![1]),
        ]);
        let filter = Cond::All(filter.to_vec());
        let ask = Ask {
            dimensions,
            filter: &filter,
            buckets: None,
            sums: &BTreeSet::from([Sum::Visitors]),
            level,
        };
        marks(&ask, &words).map(|marks| (marks.table, marks.mark))
    }

    fn of_visits(mark: &str) -> Option<(&'static str, String)> {
        Some(("day_visits", format!("new_{mark}")))
    }

    #[test]
    fn visitors_under_a_filter_on_what_they_are_are_marked_once_a_day() {
        let german = is(Dimension::Country, "DE");
        let not_mobile = Cond::Not(Box::new(is(Dimension::Device, "Mobile")));
        let both = [german.clone(), not_mobile.clone()];
        assert_eq!(mark(Level::Visits, &[], &both), of_visits("visitor"));
        assert_eq!(mark(Level::Visits, &[Dimension::Os], &both), of_visits("visitor"));
        assert_eq!(
            mark(Level::Visits, &[Dimension::Source], &both),
            of_visits("source")
        );
        assert_eq!(mark(Level::Events, &[], &both), of_visits("counted"));
        let either = [Cond::Any(vec![german, not_mobile])];
        assert_eq!(mark(Level::Visits, &[], &either), of_visits("visitor"));
    }

    #[test]
    fn a_filter_on_one_source_has_marks_and_on_several_only_the_list_of_sources() {
        let one = [is(Dimension::Source, "Google"), is(Dimension::Country, "DE")];
        assert_eq!(mark(Level::Visits, &[], &one), of_visits("source"));
        assert_eq!(
            mark(Level::Visits, &[Dimension::Country], &one),
            of_visits("source")
        );
        assert_eq!(mark(Level::Visits, &[Dimension::Channel], &one), None);
        let several = [is(Dimension::Source, "a"), is(Dimension::Country, "DE")];
        assert_eq!(mark(Level::Visits, &[], &several), None);
        assert_eq!(
            mark(Level::Visits, &[Dimension::Source], &several),
            of_visits("source")
        );
    }

    #[test]
    fn a_filter_that_mixes_both_in_one_condition_has_none() {
        let mixed = [Cond::Any(vec![
            is(Dimension::Source, "Google"),
            is(Dimension::Country, "DE"),
        ])];
        assert_eq!(mark(Level::Visits, &[], &mixed), None);
        assert_eq!(mark(Level::Visits, &[Dimension::Source], &mixed), None);
    }

    #[test]
    fn pages_are_marked_by_visitor() {
        let pages = Some(("day_pages", "new_visitor".to_owned()));
        let german = is(Dimension::Country, "DE");
        assert_eq!(
            mark(Level::Events, &[Dimension::Page], std::slice::from_ref(&german)),
            pages
        );
        let home = is(Dimension::Page, "/");
        assert_eq!(mark(Level::Events, &[Dimension::Device], &[german, home]), pages);
        let from = is(Dimension::Source, "Google");
        assert_eq!(mark(Level::Events, &[Dimension::Page], &[from]), None);
    }
}
