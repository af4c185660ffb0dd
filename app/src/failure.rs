//! How a server function says no, and how a page reads it.

use leptos::server_fn::{
    codec::JsonEncoding,
    error::{FromServerFnError, ServerFnErrorErr},
};
use pulsecast_protocol::{ApiError, ErrorCode, FieldErrors};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt};

/// Why a page or a form did not get what it asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    /// The server understood and refused.
    #[error("{0}")]
    Refused(ApiError),
    /// A form needs another look.
    #[error("{0}")]
    Fields(Refill),
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

    /// The same with what was typed into the form, so that it need not be typed again.
    #[must_use]
    pub fn with_typed<const N: usize>(self, typed: [(&str, &str); N]) -> Self {
        let refill = match self {
            Self::Fields(refill) => refill,
            Self::Refused(error) if error.code != ErrorCode::Unauthorized => Refill {
                whole: Some(error.message),
                code: Some(error.code),
                ..Refill::default()
            },
            other => return other,
        };
        // It travels in an address; what is too long for one has to be typed again.
        let fits = typed.iter().map(|(_, text)| text.len()).sum::<usize>() <= REFILL_BYTES;
        let typed = typed
            .into_iter()
            .filter(|_| fits)
            .map(|(name, text)| (name.to_owned(), text.to_owned()));
        Self::Fields(Refill {
            typed: typed.collect(),
            ..refill
        })
    }
}

/// Bytes of typed text that go back to a form.
const REFILL_BYTES: usize = 2000;

/// A form that comes back: what is wrong with it, and what had been typed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Refill {
    /// What is wrong with which field.
    pub fields: BTreeMap<String, Vec<String>>,
    /// What is wrong with all of it.
    pub whole: Option<String>,
    /// What kind of refusal that is; `None` for fields, which are the asker's to correct.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<ErrorCode>,
    /// What was typed into which field.
    pub typed: BTreeMap<String, String>,
}

impl fmt::Display for Refill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.whole {
            Some(message) => f.write_str(message),
            None => FieldErrors {
                errors: self.fields.clone(),
            }
            .fmt(f),
        }
    }
}

impl Refill {
    /// What went wrong with the form of this action, as it came back with the address.
    #[must_use]
    pub fn of<T>(result: Option<Result<T, Failure>>) -> Option<Self> {
        match result?.err()? {
            Failure::Fields(refill) => Some(refill),
            other => Some(Self {
                whole: Some(other.to_string()),
                ..Self::default()
            }),
        }
    }

    /// What is wrong with this field, as one sentence.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<String> {
        self.fields
            .get(name)
            .map(|messages| sentence(&messages.join("; ")))
    }

    /// What is wrong beside the fields, as one sentence.
    #[must_use]
    pub fn whole(&self) -> Option<String> {
        self.whole.as_deref().map(sentence)
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
    let mut text: String = std::iter::once(first.to_ascii_uppercase()).chain(chars).collect();
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
        Self::Fields(Refill {
            fields: errors.errors,
            ..Refill::default()
        })
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
    fn a_form_comes_back_with_its_errors_and_with_what_was_typed() {
        let failure =
            Failure::from(FieldErrors::one("domain", "is required")).with_typed([("timezone", "UTC")]);
        let refill = Refill::of(Some(Err::<(), _>(failure))).unwrap();
        assert_eq!(
            (refill.field("domain").as_deref(), refill.field("timezone")),
            (Some("Is required."), None)
        );
        assert_eq!(refill.typed["timezone"], "UTC");
    }

    #[test]
    fn a_refusal_belongs_to_the_whole_form() {
        let taken = ApiError::new(ErrorCode::Conflict, "a.com is there already");
        let refill = Refill::of(Some(Err::<(), _>(
            Failure::from(taken).with_typed([("domain", "a.com")]),
        )))
        .unwrap();
        assert_eq!(refill.whole().as_deref(), Some("A.com is there already."));
    }

    #[test]
    fn who_is_signed_out_is_told_so_and_nothing_else() {
        let nobody = ApiError::new(ErrorCode::Unauthorized, "sign in");
        assert!(Failure::from(nobody).with_typed([]).is_signed_out());
    }

    #[test]
    fn what_does_not_fit_into_an_address_is_not_sent_back() {
        let long = "x".repeat(REFILL_BYTES + 1);
        let failure =
            Failure::from(FieldErrors::one("hostnames", "is wrong")).with_typed([("hostnames", &long)]);
        assert!(Refill::of(Some(Err::<(), _>(failure))).unwrap().typed.is_empty());
    }
}
