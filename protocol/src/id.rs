//! Names that cannot be wrong once they exist: a site's domain, a page's path, a browser's origin, a hostname pattern.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// Why a text is not the name it should be; says what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidName(pub String);

macro_rules! text_type {
    ($name:ident) => {
        impl TryFrom<String> for $name {
            type Error = InvalidName;
            fn try_from(text: String) -> Result<Self, InvalidName> {
                text.parse()
            }
        }
        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
        impl $name {
            /// The text itself.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
    };
}

/// What identifies a site: a lowercase hostname without port or scheme, at most 253 characters, such as `example.com`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Domain(String);
text_type!(Domain);

impl FromStr for Domain {
    type Err = InvalidName;

    /// Forgives what people paste: a scheme, a port, a path, capitals, a leading `www.` stays.
    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let text = text.trim().to_ascii_lowercase();
        let text = text
            .strip_prefix("https://")
            .or_else(|| text.strip_prefix("http://"))
            .unwrap_or(&text);
        let text = text.split(['/', '?', '#']).next().unwrap_or_default();
        let text = text.split(':').next().unwrap_or_default().trim_end_matches('.');
        if text.is_empty() || text.len() > 253 {
            return Err(InvalidName(
                "a domain has 1 to 253 characters, such as example.com".into(),
            ));
        }
        let label = |l: &str| {
            !l.is_empty()
                && l.len() <= 63
                && l.bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_')
                && !l.starts_with('-')
                && !l.ends_with('-')
        };
        if !text.split('.').all(label) {
            return Err(InvalidName(format!(
                "`{text}` is not a domain: use letters, digits, hyphens and dots, such as example.com (international names in their xn-- form)"
            )));
        }
        Ok(Self(text.to_owned()))
    }
}

/// The path of a page as it is counted: starts with `/`, no query; a hash route keeps its `#…`. At most 2,000 characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pathname(String);
text_type!(Pathname);

impl Pathname {
    /// Longest path in bytes.
    pub const MAX: usize = 2000;
}

impl FromStr for Pathname {
    type Err = InvalidName;
    fn from_str(text: &str) -> Result<Self, InvalidName> {
        if !text.starts_with('/') {
            return Err(InvalidName("a path starts with /".into()));
        }
        if text.len() > Self::MAX {
            return Err(InvalidName("a path has at most 2000 bytes".into()));
        }
        if text.chars().any(char::is_control) {
            return Err(InvalidName("a path has no control characters".into()));
        }
        Ok(Self(text.to_owned()))
    }
}

/// Where a page was loaded from, exactly as the `Origin` header writes it: `scheme://host[:port]`, or `null` for a page from the
/// file system or a sandbox ([RFC 6454](https://www.rfc-editor.org/rfc/rfc6454)).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Origin(String);
text_type!(Origin);

impl Origin {
    /// A page without an origin of its own.
    #[must_use]
    pub fn is_null(&self) -> bool {
        self.0 == "null"
    }

    /// Host without port; `None` for `null`.
    #[must_use]
    pub fn host(&self) -> Option<&str> {
        let authority = self.authority()?;
        if authority.starts_with('[') {
            return authority.split_inclusive(']').next();
        }
        authority.split(':').next()
    }

    /// Host with port where one is written, as a `Host` header has it; `None` for `null`.
    #[must_use]
    pub fn authority(&self) -> Option<&str> {
        self.0.split_once("://").map(|(_, rest)| rest)
    }
}

impl FromStr for Origin {
    type Err = InvalidName;
    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let text = text.trim().trim_end_matches('/').to_ascii_lowercase();
        if text == "null" {
            return Ok(Self(text));
        }
        let bad = || {
            InvalidName(format!(
                "`{text}` is not an origin: write it like https://example.com or http://localhost:8080"
            ))
        };
        let (scheme, authority) = text.split_once("://").ok_or_else(bad)?;
        if !matches!(scheme, "http" | "https") || authority.is_empty() || authority.len() > 300 {
            return Err(bad());
        }
        if authority
            .bytes()
            .any(|b| b.is_ascii_whitespace() || b.is_ascii_control() || b"/?#@\\\"'<>".contains(&b))
        {
            return Err(bad());
        }
        Ok(Self(text))
    }
}

/// A hostname whose events a site accepts: exact, or `*.example.com` for every subdomain (not the domain itself).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HostPattern(String);
text_type!(HostPattern);

impl HostPattern {
    /// Whether `host` (lowercase, no port) is meant.
    #[must_use]
    pub fn matches(&self, host: &str) -> bool {
        match self.0.strip_prefix("*.") {
            Some(parent) => host
                .strip_suffix(parent)
                .is_some_and(|rest| rest.len() > 1 && rest.ends_with('.')),
            None => self.0 == host,
        }
    }
}

impl FromStr for HostPattern {
    type Err = InvalidName;
    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let text = text.trim();
        match text.strip_prefix("*.") {
            Some(rest) => Ok(Self(format!("*.{}", rest.parse::<Domain>()?))),
            None => Ok(Self(text.parse::<Domain>()?.0)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pasted_address_becomes_its_domain() {
        let d: Domain = " HTTPS://Example.com:8080/path?x ".parse().unwrap();
        assert_eq!(d.as_str(), "example.com");
    }

    #[test]
    fn a_domain_with_strange_letters_is_refused_with_advice() {
        let err = "exa mple.com".parse::<Domain>().unwrap_err();
        assert!(err.to_string().contains("such as example.com"), "{err}");
    }

    #[test]
    fn a_wildcard_means_subdomains_only() {
        let p: HostPattern = "*.example.com".parse().unwrap();
        assert!(p.matches("blog.example.com"));
        assert!(p.matches("a.b.example.com"));
        assert!(!p.matches("example.com"));
        assert!(!p.matches("notexample.com"));
        assert!(!p.matches(".example.com"));
    }

    #[test]
    fn an_origin_is_exact() {
        let o: Origin = "https://Example.com:8443".parse().unwrap();
        assert_eq!(
            (o.as_str(), o.host(), o.authority()),
            (
                "https://example.com:8443",
                Some("example.com"),
                Some("example.com:8443")
            )
        );
        assert!("null".parse::<Origin>().unwrap().is_null());
        assert!("https://example.com/path".parse::<Origin>().is_err());
        assert!("ftp://example.com".parse::<Origin>().is_err());
        let v6: Origin = "http://[::1]:3000".parse().unwrap();
        assert_eq!(v6.host(), Some("[::1]"));
    }
}
