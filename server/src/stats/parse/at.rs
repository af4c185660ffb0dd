//! A part of a JSON document that knows where it is, so that whoever finds it wrong can say which part that is: `filters[0][2][1]`.

use crate::stats::StatsError;
use serde_json::{Map, Value};
use std::{fmt::Display, ops::RangeInclusive};

/// Longest piece of the asker's own text that an error repeats.
const QUOTED: usize = 60;

/// A value and the way to it.
#[derive(Clone, Debug)]
pub(super) struct At<'a> {
    path: String,
    value: &'a Value,
}

impl<'a> At<'a> {
    /// The document itself.
    pub fn root(value: &'a Value) -> Self {
        Self::named("", value)
    }

    /// A part that is called so.
    pub fn named(path: &str, value: &'a Value) -> Self {
        Self {
            path: path.to_owned(),
            value,
        }
    }

    /// The error that this is not what it has to be.
    pub fn wrong(&self, reason: impl Display) -> StatsError {
        let path = if self.path.is_empty() { "query" } else { &self.path };
        invalid(path, reason)
    }

    /// The value, without its place.
    pub fn value(&self) -> &'a Value {
        self.value
    }

    /// An object with no keys but these.
    pub fn object(&self, known: &[&str]) -> Result<&'a Map<String, Value>, StatsError> {
        let Some(map) = self.value.as_object() else {
            return Err(self.wrong(format!("has to be an object with {}", known.join(", "))));
        };
        match map.keys().find(|key| !known.contains(&key.as_str())) {
            Some(key) => Err(self
                .child(key, self.value)
                .wrong(format!("no such key: use {}", known.join(", ")))),
            None => Ok(map),
        }
    }

    /// The part of that name; `null` is as good as none.
    pub fn key(&self, name: &str) -> Option<At<'a>> {
        let value = self.value.get(name).filter(|value| !value.is_null())?;
        Some(self.child(name, value))
    }

    /// The part of that name, which has to be there.
    pub fn required(&self, name: &str, example: &str) -> Result<At<'a>, StatsError> {
        let missing = || {
            self.child(name, self.value)
                .wrong(format!("is required, such as {example}"))
        };
        self.key(name).ok_or_else(missing)
    }

    /// A list; `what` says of what.
    pub fn list(&self, what: &str) -> Result<Vec<At<'a>>, StatsError> {
        let Some(values) = self.value.as_array() else {
            return Err(self.wrong(format!("has to be a list of {what}")));
        };
        let numbered = values.iter().enumerate().map(|(i, value)| At {
            path: format!("{}[{i}]", self.path),
            value,
        });
        Ok(numbered.collect())
    }

    /// A text; `what` says which.
    pub fn text(&self, what: &str) -> Result<&'a str, StatsError> {
        self.value
            .as_str()
            .ok_or_else(|| self.wrong(format!("has to be a text: {what}")))
    }

    /// `true` or `false`.
    pub fn flag(&self) -> Result<bool, StatsError> {
        self.value
            .as_bool()
            .ok_or_else(|| self.wrong("has to be true or false"))
    }

    /// A whole number within these bounds.
    pub fn whole(&self, within: RangeInclusive<u32>) -> Result<u32, StatsError> {
        let number = self.value.as_u64().and_then(|n| u32::try_from(n).ok());
        number.filter(|n| within.contains(n)).ok_or_else(|| {
            self.wrong(format!(
                "has to be a whole number from {} to {}",
                within.start(),
                within.end()
            ))
        })
    }

    fn child(&self, name: &str, value: &'a Value) -> At<'a> {
        let name = quoted(name);
        let path = if self.path.is_empty() {
            name
        } else {
            format!("{}.{name}", self.path)
        };
        At { path, value }
    }
}

/// The error of this part.
pub(super) fn invalid(path: &str, reason: impl Display) -> StatsError {
    StatsError::Invalid {
        path: path.to_owned(),
        reason: reason.to_string(),
    }
}

/// What the asker wrote, short enough to be repeated.
pub(super) fn quoted(text: &str) -> String {
    let mut chars = text.chars();
    let mut short: String = chars
        .by_ref()
        .take(QUOTED)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if chars.next().is_some() {
        short.push('…');
    }
    short
}
