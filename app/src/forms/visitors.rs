//! Reads what people decide about signed-in visitors.

use super::goal::finished;
use pulsecast_protocol::{
    FieldErrors,
    id::InvalidName,
    visitor::{
        Endpoint, KeySetAlgorithm, OldSecretMay, RevokedKind, RoomPresence, TokenTrust, VisitorSettings,
    },
};

/// Longest public key in PEM.
const KEY: usize = 4000;

/// What the form sends.
#[derive(Clone, Copy, Debug)]
pub struct Form<'a> {
    /// `nobody`, `secret`, `rsa`, `ec` or `key_set`.
    pub tokens: &'a str,
    /// In PEM.
    pub key: &'a str,
    /// Where keys are published.
    pub url: &'a str,
    /// `rs256` or `es256`.
    pub algorithm: &'a str,
    /// Who is asked about cookies; empty is nobody.
    pub endpoint: &'a str,
    /// There when the box is ticked.
    pub presence: Option<&'a str>,
}

impl Form<'_> {
    /// The settings.
    ///
    /// # Errors
    /// Under the names of the fields that cannot be read.
    pub fn read(self) -> Result<VisitorSettings, FieldErrors> {
        let mut errors = FieldErrors::default();
        let settings = VisitorSettings {
            tokens: self.trust(&mut errors),
            endpoint: match self.endpoint.trim() {
                "" => None,
                text => address("endpoint", text, &mut errors),
            },
            presence: match self.presence {
                Some(_) => RoomPresence::Shown,
                None => RoomPresence::Hidden,
            },
        };
        finished(settings, errors)
    }

    fn trust(self, errors: &mut FieldErrors) -> TokenTrust {
        match self.tokens {
            "secret" => TokenTrust::Secret,
            "rsa" => TokenTrust::Rsa {
                key: self.pem(errors),
            },
            "ec" => TokenTrust::Ec {
                key: self.pem(errors),
            },
            "key_set" => match address("url", self.url.trim(), errors) {
                Some(url) => TokenTrust::KeySet {
                    url,
                    algorithm: match self.algorithm {
                        "es256" => KeySetAlgorithm::Es256,
                        _ => KeySetAlgorithm::Rs256,
                    },
                },
                None => TokenTrust::Nobody,
            },
            _ => TokenTrust::Nobody,
        }
    }

    fn pem(self, errors: &mut FieldErrors) -> String {
        let key = self.key.trim();
        if key.contains("PRIVATE KEY") {
            errors.add(
                "key",
                "this is the private key, which nobody else should have: paste the public one",
            );
        } else if !key.starts_with("-----BEGIN PUBLIC KEY-----") || key.len() > KEY {
            errors.add(
                "key",
                "paste the public key in PEM, which begins with -----BEGIN PUBLIC KEY-----",
            );
        }
        format!("{key}\n")
    }
}

/// What the box "the old one goes on" means.
#[must_use]
pub fn old_secret(ticked: bool) -> OldSecretMay {
    if ticked {
        OldSecretMay::GoOn
    } else {
        OldSecretMay::End
    }
}

/// Who is to be turned away.
///
/// # Errors
/// Under `kind` or `name`.
pub fn revocation(kind: &str, name: &str) -> Result<(RevokedKind, String), FieldErrors> {
    let kind = kind
        .parse()
        .map_err(|error: InvalidName| FieldErrors::one("kind", error.to_string()))?;
    let name = name.trim();
    if name.is_empty() {
        return Err(FieldErrors::one(
            "name",
            "write the user's name or the token's jti",
        ));
    }
    Ok((kind, name.to_owned()))
}

fn address(field: &str, text: &str, errors: &mut FieldErrors) -> Option<Endpoint> {
    text.parse()
        .map_err(|error: InvalidName| errors.add(field, error.to_string()))
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(tokens: &'static str) -> Form<'static> {
        Form {
            tokens,
            key: "",
            url: "",
            algorithm: "rs256",
            endpoint: "",
            presence: None,
        }
    }

    #[test]
    fn what_is_not_chosen_does_not_have_to_be_filled_in() {
        let settings = form("secret").read().unwrap();
        assert_eq!(settings.tokens, TokenTrust::Secret);
        assert_eq!(
            (settings.endpoint, settings.presence),
            (None, RoomPresence::Hidden)
        );
    }

    #[test]
    fn what_is_chosen_has_to_be_right() {
        let wrong = |form: Form<'_>| form.read().unwrap_err().errors.into_keys().collect::<Vec<_>>();
        assert_eq!(wrong(form("rsa")), ["key"]);
        assert_eq!(wrong(form("key_set")), ["url"]);
        let private = Form {
            key: "-----BEGIN PRIVATE KEY-----\nabc",
            ..form("ec")
        };
        assert!(private.read().unwrap_err().to_string().contains("private key"));
        let endpoint = Form {
            endpoint: "example.com",
            ..form("nobody")
        };
        assert_eq!(wrong(endpoint), ["endpoint"]);
    }
}
