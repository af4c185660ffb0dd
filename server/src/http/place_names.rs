//! `visit:country_name` and `visit:region_name`, which Plausible's Stats API has beside the codes. Kept are codes; here names are turned into
//! codes before a query is read, and codes into names in its answer. Orders by these dimensions are those of the codes.

use crate::{
    enrich::{country, region},
    stats::StatsError,
};
use pulsecast_protocol::stats::{Condition, Filter, Operator, Query, QueryResult};
use regex::RegexBuilder;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// Comparisons of names in a query.
const COMPARISONS: usize = 10;
/// Texts and expressions that one of them looks for in names.
const PARTS: usize = 50;
/// What is called so has no place.
const NOWHERE: &str = "(not set)";
/// Nothing is called so.
const NO_PLACE: &str = "(no such place)";

/// Which kind of place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Country,
    Region,
}

impl Place {
    fn of(dimension: &Value) -> Option<Self> {
        match dimension.as_str()? {
            "visit:country_name" => Some(Self::Country),
            "visit:region_name" => Some(Self::Region),
            _ => None,
        }
    }

    const fn code_dimension(self) -> &'static str {
        match self {
            Self::Country => "visit:country",
            Self::Region => "visit:region",
        }
    }

    fn name(self, code: &str) -> Option<&'static str> {
        match self {
            Self::Country => country::name(code),
            Self::Region => region::name(code),
        }
    }

    /// Codes and names of all.
    fn all(self) -> Box<dyn Iterator<Item = (&'static str, &'static str)>> {
        match self {
            Self::Country => Box::new(country::all()),
            Self::Region => Box::new(region::all()),
        }
    }
}

/// Where a question has names of places. It is read and checked by the reader of queries with the codes' dimensions in their stead; only then
/// is looked for what the names are, and only by whoever may ask.
#[derive(Debug, Default)]
pub(super) struct PlaceNames {
    /// Which dimensions.
    dimensions: Vec<(usize, Place)>,
    /// Which comparisons, by their path.
    filters: BTreeMap<String, Place>,
}

impl PlaceNames {
    /// Puts the dimensions of codes in the place of those of names.
    pub fn taken_from(query: &mut Value) -> Self {
        let mut names = Self::default();
        for (i, dimension) in list(query, "dimensions").enumerate() {
            if let Some(place) = Place::of(dimension) {
                *dimension = place.code_dimension().into();
                names.dimensions.push((i, place));
            }
        }
        for order in list(query, "order_by") {
            if let Some(dimension) = order.get_mut(0)
                && let Some(place) = Place::of(dimension)
            {
                *dimension = place.code_dimension().into();
            }
        }
        if let Some(filters) = query.get_mut("filters") {
            names.take_list("filters", filters);
        }
        names
    }

    /// A list of filters. What is no filter is left for the reader of queries to find.
    fn take_list(&mut self, path: &str, filters: &mut Value) {
        for (i, filter) in filters.as_array_mut().into_iter().flatten().enumerate() {
            self.take(&format!("{path}[{i}]"), filter);
        }
    }

    fn take(&mut self, path: &str, filter: &mut Value) {
        let Some([operator, about, ..]) = filter.as_array_mut().map(Vec::as_mut_slice) else {
            return;
        };
        match operator.as_str() {
            Some("and" | "or") => self.take_list(&format!("{path}[1]"), about),
            Some("not" | "has_done" | "has_not_done") => self.take(&format!("{path}[1]"), about),
            _ => {
                if let Some(place) = Place::of(about) {
                    *about = place.code_dimension().into();
                    self.filters.insert(path.to_owned(), place);
                }
            }
        }
    }

    /// Turns comparisons of names into comparisons of codes, in the query that was read.
    ///
    /// # Errors
    /// When there are too many, or an expression is none.
    pub async fn resolve(self, mut query: Query) -> Result<(Self, Query), StatsError> {
        if self.filters.is_empty() {
            return Ok((self, query));
        }
        if let Some(path) = self.filters.keys().nth(COMPARISONS) {
            return Err(wrong(
                path,
                format!("is one comparison of places' names too many: use at most {COMPARISONS}"),
            ));
        }
        // Thousands of names are looked through: not where others wait for their turn.
        let looked = tokio::task::spawn_blocking(move || {
            self.resolve_list("filters", &mut query.filters)?;
            Ok((self, query))
        });
        looked.await.unwrap_or(Err(StatsError::Busy))
    }

    fn resolve_list(&self, path: &str, filters: &mut [Filter]) -> Result<(), StatsError> {
        let mut numbered = filters.iter_mut().enumerate();
        numbered.try_for_each(|(i, filter)| self.resolve_one(&format!("{path}[{i}]"), filter))
    }

    fn resolve_one(&self, path: &str, filter: &mut Filter) -> Result<(), StatsError> {
        let inner = format!("{path}[1]");
        match filter {
            Filter::And(filters) | Filter::Or(filters) => self.resolve_list(&inner, filters),
            Filter::Not(filter) | Filter::HasDone(filter) | Filter::HasNotDone(filter) => {
                self.resolve_one(&inner, filter)
            }
            Filter::Condition(condition) => {
                if let Some(place) = self.filters.get(path) {
                    by_code(*place, &format!("{path}[2]"), condition)?;
                }
                Ok(())
            }
        }
    }

    /// Turns codes into names.
    pub fn put_into(&self, result: &mut QueryResult) {
        for row in &mut result.results {
            let compared = row.comparison.as_mut().map(|row| &mut row.dimensions);
            for dimensions in [Some(&mut row.dimensions), compared].into_iter().flatten() {
                for (i, place) in &self.dimensions {
                    if let Some(code) = dimensions.get_mut(*i)
                        && let Some(name) = place.name(code)
                    {
                        name.clone_into(code);
                    }
                }
            }
        }
    }
}

fn list<'a>(query: &'a mut Value, key: &str) -> impl Iterator<Item = &'a mut Value> {
    query
        .get_mut(key)
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
}

fn wrong(path: &str, reason: String) -> StatsError {
    StatsError::Invalid {
        path: path.to_owned(),
        reason,
    }
}

/// Makes of a comparison of names one of codes.
fn by_code(place: Place, path: &str, condition: &mut Condition) -> Result<(), StatsError> {
    let ignore_case = !condition.case_sensitive;
    let folded = |text: &str| match ignore_case {
        true => text.to_lowercase(),
        false => text.to_owned(),
    };
    let is = matches!(condition.operator, Operator::Is | Operator::IsNot);
    if !is && condition.values.len() > PARTS {
        return Err(wrong(
            path,
            format!(
                "has {} parts of places' names: use at most {PARTS}",
                condition.values.len()
            ),
        ));
    }
    // The label of what has no place is a name like any other.
    let label = [(NOWHERE, NOWHERE)];
    let by_expression = matches!(condition.operator, Operator::Matches | Operator::MatchesNot);
    let text = |name: &str| {
        if by_expression {
            name.to_owned()
        } else {
            folded(name)
        }
    };
    let all: Vec<(&str, String)> = place
        .all()
        .chain(label)
        .map(|(code, name)| (code, text(name)))
        .collect();
    let mut codes: BTreeSet<String> = BTreeSet::new();
    let mut add = |is_meant: &dyn Fn(&str) -> bool| {
        let found = all.iter().filter(|(_, name)| is_meant(name));
        codes.extend(found.map(|(code, _)| (*code).to_owned()));
    };
    match condition.operator {
        Operator::Is | Operator::IsNot => {
            let wanted: HashSet<String> = condition.values.iter().map(|value| folded(value)).collect();
            add(&|name| wanted.contains(name));
            // What no place is called may be kept as it is, but must not be mistaken for a code.
            let known: HashSet<&str> = all.iter().map(|(_, name)| name.as_str()).collect();
            let unknown = condition
                .values
                .iter()
                .filter(|value| !known.contains(folded(value).as_str()));
            codes.extend(unknown.filter(|value| place.name(value).is_none()).cloned());
        }
        Operator::Contains | Operator::ContainsNot => {
            let wanted: Vec<String> = condition.values.iter().map(|value| folded(value)).collect();
            add(&|name| wanted.iter().any(|part| name.contains(part.as_str())));
        }
        Operator::Matches | Operator::MatchesNot => {
            let mut expressions = Vec::new();
            for (i, value) in condition.values.iter().enumerate() {
                let expression = RegexBuilder::new(value)
                    .case_insensitive(ignore_case)
                    .size_limit(1 << 20)
                    .build();
                expressions.push(expression.map_err(|error| {
                    wrong(
                        &format!("{path}[{i}]"),
                        format!("is not an expression that names can be matched with: {error}"),
                    )
                })?);
            }
            add(&|name| expressions.iter().any(|expression| expression.is_match(name)));
        }
    }
    if codes.is_empty() {
        codes.insert(NO_PLACE.to_owned());
    }
    condition.operator = match condition.operator.is_negated() {
        true => Operator::IsNot,
        false => Operator::Is,
    };
    condition.values = codes.into_iter().collect();
    condition.case_sensitive = true;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        clock::ManualClock,
        event::SiteId,
        sites::Site,
        stats::{Limits, Scope, Stats, parse},
        store::duck,
    };
    use pulsecast_protocol::{
        Timestamp,
        account::SiteSettings,
        stats::{Meta, ResultRow},
    };
    use serde_json::json;
    use std::sync::Arc;

    async fn answered(filter: Value) -> Result<Value, StatsError> {
        let mut json = json!({
            "site_id": "example.com", "metrics": ["visitors"], "date_range": "7d", "filters": [filter],
        });
        let names = PlaceNames::taken_from(&mut json);
        let (_, query) = names.resolve(parse::query(&json)?).await?;
        let json = serde_json::to_value(&query).unwrap();
        // It can be asked, and it is what it looks like.
        assert_eq!(json["filters"].as_array().unwrap().len(), 1);
        Ok(json["filters"][0].clone())
    }

    async fn translated(filter: Value) -> Value {
        answered(filter).await.unwrap()
    }

    async fn refused(filter: Value) -> String {
        match answered(filter).await {
            Err(StatsError::Invalid { path, .. }) => path,
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn names_are_asked_for_by_their_codes() {
        for (by_name, by_code) in [
            (
                json!(["is", "visit:country_name", ["Germany", "Poland"]]),
                json!(["is", "visit:country", ["DE", "PL"]]),
            ),
            (
                json!(["is_not", "visit:country_name", [""]]),
                json!(["is_not", "visit:country", [""]]),
            ),
            (
                json!(["contains", "visit:country_name", ["land islands"], {"case_sensitive": false}]),
                json!(["is", "visit:country", ["AX", "FK"]]),
            ),
            (
                json!(["matches_not", "visit:country_name", ["^Ger"]]),
                json!(["is_not", "visit:country", ["DE"]]),
            ),
            (
                json!(["is", "visit:country_name", ["DE"]]),
                json!(["is", "visit:country", ["(no such place)"]]),
            ),
            (
                json!([
                    "not",
                    [
                        "or",
                        [
                            ["is", "visit:country_name", ["France"]],
                            ["is", "event:page", ["/"]]
                        ]
                    ]
                ]),
                json!([
                    "not",
                    [
                        "or",
                        [["is", "visit:country", ["FR"]], ["is", "event:page", ["/"]]]
                    ]
                ]),
            ),
        ] {
            assert_eq!(translated(by_name).await, by_code);
        }
        assert_eq!(refused(json!("nonsense")).await, "filters[0]");
    }

    #[tokio::test]
    async fn what_no_place_can_be_asked_is_refused_where_it_is_written() {
        for (filter, path) in [
            (
                json!(["frobnicate", "visit:country_name", ["Germany"]]),
                "filters[0][0]",
            ),
            (
                json!(["not", ["matches", "visit:country_name", ["^G", "("]]]),
                "filters[0][1][2][1]",
            ),
            (json!(["is", "visit:region_name", []]), "filters[0][2]"),
            (
                json!(["contains", "visit:region_name", vec!["a"; 1_001]]),
                "filters[0][2]",
            ),
            (
                json!(["contains", "visit:region_name", vec!["a"; 51]]),
                "filters[0][2]",
            ),
            (
                json!(["matches", "visit:region_name", vec!["a"; 51]]),
                "filters[0][2]",
            ),
            (
                json!(["and", vec![json!(["is", "visit:country_name", ["Germany"]]); 11]]),
                "filters[0][1][9]",
            ),
        ] {
            assert_eq!(refused(filter).await, path);
        }
    }

    #[tokio::test]
    async fn a_letter_that_thousands_of_regions_have_is_answered() {
        let site = Site::new(SiteId(1), SiteSettings::new("example.com".parse().unwrap()));
        let mut json = json!({
            "site_id": "example.com", "metrics": ["visitors"], "date_range": "7d",
            "filters": [["contains", "visit:region_name", ["a"]]],
        });
        let names = PlaceNames::taken_from(&mut json);
        let (_, query) = names.resolve(parse::query(&json).unwrap()).await.unwrap();
        assert!(matches!(&query.filters[0], Filter::Condition(condition) if condition.values.len() > 3_000));
        let dir = tempfile::tempdir().unwrap();
        let (_, reader) = duck::open(&duck::DuckSettings {
            path: dir.path().join("events.duckdb"),
            memory_mib: 256,
            threads: 1,
        })
        .unwrap();
        let clock = Arc::new(ManualClock::new(Timestamp(20_000 * Timestamp::DAY)));
        let store = Arc::new(reader.stats(clock.clone(), 0).unwrap());
        let stats = Stats::new(store, clock, Limits::default());
        let answer = stats.query(&Scope::of(&site, None), &query).await.unwrap();
        assert_eq!(answer.results.len(), 1);
    }

    #[test]
    fn answers_carry_names_where_they_were_asked_for() {
        let mut query = json!({"dimensions": ["visit:country", "visit:country_name"], "order_by": [["visit:country_name", "asc"]]});
        let names = PlaceNames::taken_from(&mut query);
        assert_eq!(
            query,
            json!({"dimensions": ["visit:country", "visit:country"], "order_by": [["visit:country", "asc"]]})
        );
        let row = |dimensions: &[&str]| ResultRow {
            dimensions: dimensions.iter().map(|text| (*text).to_owned()).collect(),
            ..ResultRow::default()
        };
        let mut result = QueryResult {
            results: vec![row(&["DE", "DE"]), row(&["(not set)", "(not set)"])],
            meta: Meta::default(),
            query: Value::Null,
        };
        names.put_into(&mut result);
        assert_eq!(result.results[0].dimensions, ["DE", "Germany"]);
        assert_eq!(result.results[1].dimensions, ["(not set)", "(not set)"]);
    }
}
