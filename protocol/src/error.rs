//! How a request is told no: a code that programs read and a sentence that people read.

use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt};

/// What went wrong, for programs. Each has one HTTP status, chosen in the server's `http::status`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// The request cannot be read or breaks a rule.
    Invalid,
    /// Nobody is signed in.
    Unauthorized,
    /// Somebody is, but may not.
    Forbidden,
    /// No such thing, or none that the asker may know of.
    NotFound,
    /// It is there already.
    Conflict,
    /// Body or field over a documented limit.
    TooLarge,
    /// Too often; try later.
    RateLimited,
    /// A dependency (disk, database) cannot serve now; try again.
    Unavailable,
    /// A fault of ours; the log says more.
    Internal,
}

/// An error as it travels: lowercase sentence without full stop that says what to do next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct ApiError {
    /// For programs.
    pub code: ErrorCode,
    /// For people.
    pub message: String,
}

impl ApiError {
    /// An error with this code and sentence.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }
}

/// What is wrong with each field of a body: `{"errors":{"url":["is required"]}}`, as Plausible's events API answers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldErrors {
    /// Field name to sentences.
    pub errors: BTreeMap<String, Vec<String>>,
}

impl FieldErrors {
    /// One field, one sentence.
    pub fn one(field: &str, message: impl Into<String>) -> Self {
        let mut errors = Self::default();
        errors.add(field, message);
        errors
    }

    /// Adds a sentence to a field.
    pub fn add(&mut self, field: &str, message: impl Into<String>) {
        self.errors
            .entry(field.to_owned())
            .or_default()
            .push(message.into());
    }

    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.errors.is_empty()
    }
}

impl fmt::Display for FieldErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (field, messages)) in self.errors.iter().enumerate() {
            if i > 0 {
                f.write_str("; ")?;
            }
            write!(f, "{field} {}", messages.join(", "))?;
        }
        Ok(())
    }
}

impl std::error::Error for FieldErrors {}
