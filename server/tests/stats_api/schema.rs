//! Whether a value is what a JSON schema says, as far as the description uses schemas. A keyword that this does not know fails: so nothing is
//! let through unread. Objects have no keys but those that are named.

use regex::Regex;
use serde_json::{Map, Value};

/// Keywords that say nothing about values.
const SAID: [&str; 6] = ["description", "title", "example", "examples", "format", "default"];

/// Schemas by name: `components.schemas` of the description.
pub struct Schemas<'a>(pub &'a Value);

impl Schemas<'_> {
    /// What is wrong with the value, and where; `Ok` if nothing is.
    pub fn check(&self, schema: &Value, value: &Value, at: &str) -> Result<(), String> {
        let Some(schema) = schema.as_object() else {
            return Ok(());
        };
        for keyword in schema.keys() {
            self.keyword(keyword, schema, value, at)?;
        }
        Ok(())
    }

    fn keyword(
        &self,
        keyword: &str,
        schema: &Map<String, Value>,
        value: &Value,
        at: &str,
    ) -> Result<(), String> {
        let argument = &schema[keyword];
        let wrong = |why: String| Err(format!("{at}: {value} {why}"));
        match keyword {
            "$ref" => {
                let name = argument
                    .as_str()
                    .unwrap()
                    .strip_prefix("#/components/schemas/")
                    .unwrap();
                let schema = self.0.get(name).unwrap_or_else(|| panic!("no schema {name}"));
                self.check(schema, value, at)
            }
            "type" if !types(argument).any(|name| is(name, value)) => {
                wrong(format!("is not of type {argument}"))
            }
            "enum" if !argument.as_array().unwrap().contains(value) => {
                wrong(format!("is none of {argument}"))
            }
            "anyOf" | "oneOf" => {
                let tried: Vec<_> = argument
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|one| self.check(one, value, at))
                    .collect();
                match tried.iter().filter(|tried| tried.is_ok()).count() {
                    0 => wrong(format!("fits none: {tried:?}")),
                    1 => Ok(()),
                    _ if keyword == "anyOf" => Ok(()),
                    _ => wrong("fits several of oneOf".to_owned()),
                }
            }
            "pattern" => match value.as_str() {
                Some(text) if !Regex::new(argument.as_str().unwrap()).unwrap().is_match(text) => {
                    wrong(format!("does not match {argument}"))
                }
                _ => Ok(()),
            },
            "maxLength"
                if value
                    .as_str()
                    .is_some_and(|text| text.chars().count() as u64 > argument.as_u64().unwrap()) =>
            {
                wrong("is too long".to_owned())
            }
            "minimum" if value.as_f64().is_some_and(|n| n < argument.as_f64().unwrap()) => {
                wrong("is too small".to_owned())
            }
            "maximum" if value.as_f64().is_some_and(|n| n > argument.as_f64().unwrap()) => {
                wrong("is too large".to_owned())
            }
            "minItems"
                if value
                    .as_array()
                    .is_some_and(|list| (list.len() as u64) < argument.as_u64().unwrap()) =>
            {
                wrong("has too few items".to_owned())
            }
            "maxItems"
                if value
                    .as_array()
                    .is_some_and(|list| list.len() as u64 > argument.as_u64().unwrap()) =>
            {
                wrong("has too many items".to_owned())
            }
            "items" => {
                let mut items = value.as_array().into_iter().flatten().enumerate();
                items.try_for_each(|(i, item)| self.check(argument, item, &format!("{at}[{i}]")))
            }
            "required" => {
                let Some(object) = value.as_object() else {
                    return Ok(());
                };
                let names = argument
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|name| name.as_str().unwrap());
                match names.into_iter().find(|name| !object.contains_key(*name)) {
                    Some(name) => wrong(format!("has no {name}")),
                    None => Ok(()),
                }
            }
            "properties" | "additionalProperties" => self.members(schema, value, at),
            "type" | "enum" | "maxLength" | "minimum" | "maximum" | "minItems" | "maxItems"
            | "propertyNames" => Ok(()),
            said if SAID.contains(&said) => Ok(()),
            unknown => panic!("{at}: this does not know the keyword {unknown}"),
        }
    }

    fn members(&self, schema: &Map<String, Value>, value: &Value, at: &str) -> Result<(), String> {
        for (name, member) in value.as_object().into_iter().flatten() {
            let named = schema
                .get("properties")
                .and_then(|properties| properties.get(name));
            let at = format!("{at}.{name}");
            match named.or(schema.get("additionalProperties")) {
                Some(schema) => self.check(schema, member, &at)?,
                None => return Err(format!("{at}: there is no such key")),
            }
        }
        Ok(())
    }
}

fn types(argument: &Value) -> impl Iterator<Item = &str> {
    let list = argument
        .as_array()
        .map_or(std::slice::from_ref(argument), Vec::as_slice);
    list.iter().map(|name| name.as_str().unwrap())
}

fn is(name: &str, value: &Value) -> bool {
    match name {
        "string" => value.is_string(),
        "number" => value.is_number(),
        "integer" => value.is_i64() || value.is_u64(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "null" => value.is_null(),
        other => panic!("no type {other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_checker_finds_what_is_wrong() {
        let named = json!({"Even": {"type": "integer", "enum": [2, 4]}});
        let schemas = Schemas(&named);
        let schema = json!({"type": "object", "required": ["a"], "properties": {
            "a": {"type": "array", "items": {"$ref": "#/components/schemas/Even"}},
            "b": {"oneOf": [{"type": "null"}, {"type": "string", "pattern": "^x"}]}
        }});
        let check = |value: Value| schemas.check(&schema, &value, "it");
        assert_eq!(check(json!({"a": [2, 4], "b": "xy"})), Ok(()));
        assert!(check(json!({"a": [2, 3]})).unwrap_err().starts_with("it.a[1]"));
        assert!(check(json!({"b": null})).unwrap_err().contains("has no a"));
        assert!(check(json!({"a": [], "b": "y"})).unwrap_err().starts_with("it.b"));
        assert!(
            check(json!({"a": [], "c": 1}))
                .unwrap_err()
                .starts_with("it.c: there is no such key")
        );
        assert!(check(json!([])).unwrap_err().contains("type"));
    }
}
