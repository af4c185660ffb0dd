//! How a site's signed-in visitors are known, and what its rooms show: what its admins decide, and what the settings screen shows of it.

use crate::{Domain, Timestamp, id::InvalidName};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// Whose signature under a visitor token is believed. It also says by which algorithm: what a token says about that counts for nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum TokenTrust {
    /// Nobody's: there are no visitor tokens.
    #[default]
    Nobody,
    /// HS256: who knows the secret that this server made.
    Secret,
    /// RS256: who has the private half of this RSA key, in PEM.
    Rsa {
        /// The public half.
        key: String,
    },
    /// ES256: who has the private half of this P-256 key, in PEM.
    Ec {
        /// The public half.
        key: String,
    },
    /// Whoever's public keys are published at this address.
    KeySet {
        /// Where the keys are.
        url: Endpoint,
        /// By which algorithm, whatever the keys and tokens say.
        algorithm: KeySetAlgorithm,
    },
}

/// The algorithms that a published set of keys may be for. None of them works with a secret, so that no public key can be taken for one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeySetAlgorithm {
    /// RSA with SHA-256.
    #[default]
    Rs256,
    /// P-256 with SHA-256.
    Es256,
}

/// An address of the site's own server that this server asks: `https://example.com/pulsecast/connect`. Whether `http` is let through is
/// decided where it is asked.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Endpoint(String);

impl Endpoint {
    /// Longest address in bytes.
    pub const MAX: usize = 1000;

    /// The text itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Endpoint {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let text = text.trim();
        let bad = || {
            InvalidName(format!(
                "`{text}` is not an address to ask: write it like https://example.com/pulsecast/connect"
            ))
        };
        let rest = text
            .strip_prefix("https://")
            .or_else(|| text.strip_prefix("http://"))
            .ok_or_else(bad)?;
        let host = rest.split(['/', '?']).next().unwrap_or_default();
        let plain = |c: char| c.is_ascii_graphic() && !matches!(c, '"' | '<' | '>' | '\\' | '#');
        if host.is_empty() || host.contains('@') || text.len() > Self::MAX || !text.chars().all(plain) {
            return Err(bad());
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for Endpoint {
    type Error = InvalidName;
    fn try_from(text: String) -> Result<Self, InvalidName> {
        text.parse()
    }
}

impl From<Endpoint> for String {
    fn from(endpoint: Endpoint) -> String {
        endpoint.0
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// All that a site's admins decide about its signed-in visitors.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct VisitorSettings {
    /// Whose tokens are believed.
    pub tokens: TokenTrust,
    /// Who is asked about visitors that bring a cookie and no token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<Endpoint>,
    /// What its rooms tell about who is in them.
    pub presence: RoomPresence,
}

/// What rooms tell about who is in them, to those whose token has the right to know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RoomPresence {
    /// Who is there, who comes and who goes.
    #[default]
    Shown,
    /// Nothing.
    Hidden,
}

/// What becomes of the secret that a new one replaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OldSecretMay {
    /// It is good for another day.
    GoOn,
    /// Tokens that were signed with it are worthless at once.
    End,
}

/// What was made worthless before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RevokedKind {
    /// One token, by its `jti`.
    Token,
    /// All that was issued to a user until then.
    User,
}

impl RevokedKind {
    /// Its name on the wire and in the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::User => "user",
        }
    }
}

impl FromStr for RevokedKind {
    type Err = InvalidName;
    fn from_str(text: &str) -> Result<Self, InvalidName> {
        [Self::Token, Self::User]
            .into_iter()
            .find(|kind| kind.name() == text)
            .ok_or_else(|| InvalidName("a token or a user can be revoked".into()))
    }
}

/// A revocation, as lists show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevokedView {
    /// Of a token or a user.
    pub kind: RevokedKind,
    /// The token's `jti`, or the user's name.
    pub name: String,
    /// When.
    pub at: Timestamp,
}

/// What the settings screen shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VisitorsView {
    /// Of which site.
    pub domain: Domain,
    /// What is decided.
    pub settings: VisitorSettings,
    /// Whether there is a secret.
    pub has_secret: bool,
    /// Until when the secret before it is good as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old_until: Option<Timestamp>,
    /// The secret that was just made: told this once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fresh: Option<String>,
    /// What was revoked and would still be good otherwise, the newest first.
    pub revoked: Vec<RevokedView>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_an_address_of_the_web_without_a_password_in_it() {
        for good in [
            "https://example.com/pulsecast/connect",
            "http://localhost:8080/connect?site=1",
            "https://example.com",
        ] {
            assert_eq!(good.parse::<Endpoint>().unwrap().as_str(), good);
        }
        for bad in [
            "",
            "example.com/connect",
            "ftp://example.com",
            "https://",
            "https://user:secret@example.com/",
            "https://example.com/a b",
            "https://example.com/#part",
        ] {
            assert!(bad.parse::<Endpoint>().is_err(), "{bad}");
        }
    }

    #[test]
    fn settings_read_back_as_they_were_written() {
        let settings = VisitorSettings {
            tokens: TokenTrust::KeySet {
                url: "https://example.com/jwks.json".parse().unwrap(),
                algorithm: KeySetAlgorithm::Es256,
            },
            endpoint: Some("https://example.com/connect".parse().unwrap()),
            presence: RoomPresence::Hidden,
        };
        let text = serde_json::to_string(&settings).unwrap();
        assert_eq!(serde_json::from_str::<VisitorSettings>(&text).unwrap(), settings);
        assert_eq!(
            serde_json::from_str::<VisitorSettings>("{}").unwrap(),
            VisitorSettings::default()
        );
    }
}
