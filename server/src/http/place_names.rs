//! `visit:country_name` and `visit:region_name`, which Plausible's Stats API has beside the codes. Kept are codes; here names are turned into
//! codes before a query is read, and codes into names in its answer. Orders by these dimensions are those of the codes.

use crate::{
    enrich::{country, region},
    stats::StatsError,
};
use pulsecast_protocol::stats::QueryResult;
use regex::RegexBuilder;
use serde_json::{Value, json};

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

    /// Codes of the places whose names are so.
    fn codes(self, is_meant: &dyn Fn(&str) -> bool) -> Vec<&'static str> {
        let codes = |all: &mut dyn Iterator<Item = (&'static str, &'static str)>| {
            all.filter(|(_, name)| is_meant(name))
                .map(|(code, _)| code)
                .collect()
        };
        match self {
            Self::Country => codes(&mut country::all()),
            Self::Region => codes(&mut region::all()),
        }
    }
}

/// Where an answer has names of places.
#[derive(Debug, Default)]
pub(super) struct PlaceNames(Vec<(usize, Place)>);

impl PlaceNames {
    /// Turns names into codes wherever the query has them.
    ///
    /// # Errors
    /// When an expression is none.
    pub fn taken_from(query: &mut Value) -> Result<Self, StatsError> {
        let mut named = Vec::new();
        for (i, dimension) in list(query, "dimensions").enumerate() {
            if let Some(place) = Place::of(dimension) {
                *dimension = place.code_dimension().into();
                named.push((i, place));
            }
        }
        for order in list(query, "order_by") {
            if let Some(dimension) = order.get_mut(0)
                && let Some(place) = Place::of(dimension)
            {
                *dimension = place.code_dimension().into();
            }
        }
        list(query, "filters").try_for_each(filter)?;
        Ok(Self(named))
    }

    /// Turns codes into names.
    pub fn put_into(&self, result: &mut QueryResult) {
        for row in &mut result.results {
            let compared = row.comparison.as_mut().map(|row| &mut row.dimensions);
            for dimensions in [Some(&mut row.dimensions), compared].into_iter().flatten() {
                for (i, place) in &self.0 {
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

/// A filter, or the filters within it. What is no filter is left for the reader of queries to find.
fn filter(filter: &mut Value) -> Result<(), StatsError> {
    let Some(parts) = filter.as_array_mut() else {
        return Ok(());
    };
    if let Some(place) = parts.get(1).and_then(Place::of) {
        if let Some(by_code) = by_code(place, parts)? {
            *filter = by_code;
        }
        return Ok(());
    }
    parts.iter_mut().skip(1).try_for_each(|part| match part {
        Value::Array(inner) if inner.first().is_some_and(Value::is_array) => {
            inner.iter_mut().try_for_each(self::filter)
        }
        other => self::filter(other),
    })
}

/// A comparison of names as one of codes.
fn by_code(place: Place, parts: &[Value]) -> Result<Option<Value>, StatsError> {
    let (Some(operator), Some(values)) = (parts[0].as_str(), parts.get(2).and_then(Value::as_array)) else {
        return Ok(None);
    };
    let ignore_case =
        parts.get(3).and_then(|options| options.get("case_sensitive")) == Some(&Value::Bool(false));
    let folded = |text: &str| {
        if ignore_case {
            text.to_lowercase()
        } else {
            text.to_owned()
        }
    };
    let mut codes: Vec<Value> = Vec::new();
    for value in values.iter().filter_map(Value::as_str) {
        let wanted = folded(value);
        let found = match operator {
            "is" | "is_not" => place.codes(&|name| folded(name) == wanted),
            "contains" | "contains_not" => place.codes(&|name| folded(name).contains(&wanted)),
            _ => {
                let expression = RegexBuilder::new(value)
                    .case_insensitive(ignore_case)
                    .size_limit(1 << 20)
                    .build();
                let expression = expression.map_err(|error| StatsError::Invalid {
                    path: "filters".to_owned(),
                    reason: format!("`{value}` is not an expression that names can be matched with: {error}"),
                })?;
                place.codes(&|name| expression.is_match(name))
            }
        };
        if found.is_empty() {
            // Nowhere is called so: `(not set)` and the empty name mean themselves, nothing else may be mistaken for a code.
            codes.push(if place.name(value).is_some() {
                "(no such place)".into()
            } else {
                value.into()
            });
        }
        codes.extend(found.into_iter().map(Value::from));
    }
    let is = if operator.ends_with("not") { "is_not" } else { "is" };
    Ok((!codes.is_empty()).then(|| json!([is, place.code_dimension(), codes])))
}

#[cfg(test)]
mod tests {
    use super::*;
    use pulsecast_protocol::stats::{Meta, ResultRow};

    fn translated(filter: Value) -> Value {
        let mut query = json!({"filters": [filter]});
        PlaceNames::taken_from(&mut query).unwrap();
        query["filters"][0].clone()
    }

    #[test]
    fn names_are_asked_for_by_their_codes() {
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
            assert_eq!(translated(by_name), by_code);
        }
        assert_eq!(translated(json!("nonsense")), json!("nonsense"));
        let mut wrong = json!({"filters": [["matches", "visit:country_name", ["("]]]});
        assert!(PlaceNames::taken_from(&mut wrong).is_err());
    }

    #[test]
    fn answers_carry_names_where_they_were_asked_for() {
        let mut query = json!({"dimensions": ["visit:country", "visit:country_name"], "order_by": [["visit:country_name", "asc"]]});
        let names = PlaceNames::taken_from(&mut query).unwrap();
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
