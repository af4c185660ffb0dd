//! How a server function says no, and how a page reads it.

use leptos::server_fn::{
    codec::JsonEncoding,
    error::{FromServerFnError, ServerFnErrorErr},
};
use pulsecast_protocol::{ApiError, ErrorCode, FieldErrors};
use serde::{Deserialize, Serialize};

/// Why a page or a form did not get what it asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    /// The server understood and refused.
    #[error("{0}")]
    Refused(ApiError),
    /// Some fields of a form need another look.
    #[error("{0}")]
    Fields(FieldErrors),
    /// The question or the answer got lost.
    #[error("the server could not be reached; check the connection and try again")]
    Lost(String),
}

impl Failure {
    /// Whether signing in would help.
    #[must_use]
    pub fn is_signed_out(&self) -> bool {
        matches!(self, Self::Refused(error) if error.code == ErrorCode::Unauthorized)
    }

    /// Whether there is nothing to be found.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Refused(error) if error.code == ErrorCode::NotFound)
    }

    /// What is wrong with this field of a form, as one sentence.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<String> {
        match self {
            Self::Fields(fields) => fields.errors.get(name).map(|messages| messages.join("; ")),
            Self::Refused(_) | Self::Lost(_) => None,
        }
    }

    /// What is wrong beside the fields.
    #[must_use]
    pub fn whole(&self) -> Option<String> {
        match self {
            Self::Fields(_) => None,
            other => Some(sentence(&other.to_string())),
        }
    }
}

/// An error message as a sentence for the screen: the wire's are lowercase without full stop and quote with backticks.
#[must_use]
pub fn sentence(message: &str) -> String {
    let mut opening = false;
    let quoted = |c| {
        opening ^= c == '`';
        match (c, opening) {
            ('`', true) => '“',
            ('`', false) => '”',
            _ => c,
        }
    };
    let message: String = message.chars().map(quoted).collect();
    let mut chars = message.chars();
    let Some(first) = chars.next() else {
        return String::new();
    };
    let mut text: String = first.to_uppercase().chain(chars).collect();
    if !text.ends_with(['.', '!', '?']) {
        text.push('.');
    }
    text
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        Self::Refused(error)
    }
}

impl From<FieldErrors> for Failure {
    fn from(errors: FieldErrors) -> Self {
        Self::Fields(errors)
    }
}

impl FromServerFnError for Failure {
    type Encoder = JsonEncoding;

    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        Self::Lost(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_reads_as_a_sentence() {
        assert_eq!(
            sentence("no such site; add it first"),
            "No such site; add it first."
        );
        assert_eq!(sentence("`a b` is not a domain"), "“a b” is not a domain.");
        assert_eq!(sentence(""), "");
    }

    #[test]
    fn a_form_finds_its_fields_errors() {
        let failure = Failure::from(FieldErrors::one("domain", "is required"));
        assert_eq!(failure.field("domain").as_deref(), Some("is required"));
        assert_eq!((failure.field("timezone"), failure.whole()), (None, None));
    }
}
