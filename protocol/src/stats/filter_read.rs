//! Reads a filter from its JSON where it is known to be one: what was saved, what our own pages send. Requests from outside are read by the
//! server's `stats::parse`, which says where they are wrong.

use super::{Condition, Dimension, Filter, Operator, Subject};
use serde::{Deserialize, Deserializer, de::Error};
use serde_json::Value;

/// How deep filters may be nested.
const DEPTH: usize = 12;

impl<'de> Deserialize<'de> for Filter {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = Value::deserialize(deserializer)?;
        filter(&json, 0)
            .ok_or_else(|| D::Error::custom("not a filter: write it like [\"is\", \"event:page\", [\"/\"]]"))
    }
}

fn filter(json: &Value, depth: usize) -> Option<Filter> {
    if depth > DEPTH {
        return None;
    }
    let parts = json.as_array()?;
    let inner = |at: usize| filter(parts.get(at)?, depth + 1);
    let all = || {
        let list = parts.get(1)?.as_array()?;
        list.iter()
            .map(|one| filter(one, depth + 1))
            .collect::<Option<Vec<_>>>()
    };
    Some(match parts.first()?.as_str()? {
        "and" => Filter::And(all()?),
        "or" => Filter::Or(all()?),
        "not" => Filter::Not(Box::new(inner(1)?)),
        "has_done" => Filter::HasDone(Box::new(inner(1)?)),
        "has_not_done" => Filter::HasNotDone(Box::new(inner(1)?)),
        name => Filter::Condition(condition(name, parts)?),
    })
}

fn condition(name: &str, parts: &[Value]) -> Option<Condition> {
    let operator = Operator::ALL
        .into_iter()
        .find(|operator| operator.name() == name)?;
    let subject = match parts.get(1)?.as_str()? {
        "segment" => Subject::Segment,
        name => Subject::Dimension(name.parse::<Dimension>().ok()?),
    };
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let values = parts
        .get(2)?
        .as_array()?
        .iter()
        .map(text)
        .collect::<Option<Vec<_>>>()?;
    let case = parts.get(3).and_then(|options| options.get("case_sensitive"));
    (!values.is_empty()).then_some(Condition {
        operator,
        subject,
        values,
        case_sensitive: case.is_none_or(|case| case != false),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_again() {
        for json in [
            r#"["is","event:page",["/a","/b"]]"#,
            r#"["contains","visit:source",["goo"],{"case_sensitive":false}]"#,
            r#"["and",[["is","visit:country",["DE"]],["not",["matches","event:props:plan",["^t"]]]]]"#,
            r#"["has_not_done",["is","event:goal",["Signup"]]]"#,
            r#"["is","segment",[7]]"#,
        ] {
            let filter: Filter = serde_json::from_str(json).unwrap();
            assert_eq!(serde_json::to_string(&filter).unwrap(), json);
        }
    }

    #[test]
    fn what_is_no_filter_is_not_read() {
        let deep = format!("{}[]{}", r#"["not","#.repeat(50), "]".repeat(50));
        for json in [
            "[]",
            r#"["is"]"#,
            r#"["is","event:page",[]]"#,
            r#"["is","visit:shoe",["a"]]"#,
            &deep,
        ] {
            assert!(serde_json::from_str::<Filter>(json).is_err(), "{json}");
        }
    }
}
