//! Connection tokens of members: a JWT that a program shows when it opens a socket, because it has no session cookie. Good for ten
//! minutes; says who, not what they may.

use crate::{
    gate::TokenError,
    sites::AccountId,
    store::accounts::{Accounts, AccountsError},
};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode, errors};
use pulsecast_protocol::Timestamp;
use serde::{Deserialize, Serialize};
use std::{fmt, sync::Arc};

const AUDIENCE: &str = "pulsecast:connection";
const SECRET: &str = "connection-token-key";
/// How long a token is good for, in milliseconds.
pub const LIFETIME: i64 = 10 * Timestamp::MINUTE;

#[derive(Serialize, Deserialize)]
struct Claims {
    sub: String,
    aud: String,
    iat: i64,
    exp: i64,
}

/// Issues and reads connection tokens. A cheap handle.
#[derive(Clone)]
pub struct Tokens(Arc<Keys>);

struct Keys {
    sign: EncodingKey,
    check: DecodingKey,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tokens(key hidden)")
    }
}

impl Tokens {
    /// With the key that the accounts keep; the first start makes it.
    ///
    /// # Errors
    /// When the accounts do not answer.
    pub async fn load(accounts: &dyn Accounts) -> Result<Self, AccountsError> {
        Ok(Self::new(
            &accounts.secret(SECRET, &rand::random::<[u8; 32]>()).await?,
        ))
    }

    /// With this key.
    #[must_use]
    pub fn new(key: &[u8]) -> Self {
        Self(Arc::new(Keys {
            sign: EncodingKey::from_secret(key),
            check: DecodingKey::from_secret(key),
        }))
    }

    /// A token for this account, and until when it is good.
    ///
    /// # Errors
    /// When the library cannot sign, which a valid key does not let happen.
    pub fn issue(&self, account: AccountId, now: Timestamp) -> Result<(String, Timestamp), errors::Error> {
        self.sign(AUDIENCE, account.0, now, now.plus(LIFETIME))
    }

    /// Whose token it is, and until when.
    ///
    /// # Errors
    /// When it is too old or not one of ours.
    pub fn read(&self, token: &str, now: Timestamp) -> Result<(AccountId, Timestamp), TokenError> {
        let (account, expires) = self.check(AUDIENCE, token, now)?;
        Ok((AccountId(account), expires))
    }

    /// A token for this purpose and this number; says until when it is good, in whole seconds.
    pub(super) fn sign(
        &self,
        audience: &str,
        subject: i64,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<(String, Timestamp), errors::Error> {
        let exp = until.millis().div_euclid(1000);
        let claims = Claims {
            sub: subject.to_string(),
            aud: audience.to_owned(),
            iat: now.millis().div_euclid(1000),
            exp,
        };
        let token = encode(&Header::new(Algorithm::HS256), &claims, &self.0.sign)?;
        Ok((token, Timestamp(exp * 1000)))
    }

    /// Of which number a token for this purpose speaks, and until when.
    pub(super) fn check(
        &self,
        audience: &str,
        token: &str,
        now: Timestamp,
    ) -> Result<(i64, Timestamp), TokenError> {
        let mut rules = Validation::new(Algorithm::HS256);
        rules.set_audience(&[audience]);
        rules.set_required_spec_claims(&["sub", "aud", "exp"]);
        // By the library it would be by its own clock: here it is by ours.
        rules.validate_exp = false;
        let claims = decode::<Claims>(token, &self.0.check, &rules)
            .map_err(|_| TokenError::Invalid)?
            .claims;
        let subject = claims.sub.parse().map_err(|_| TokenError::Invalid)?;
        let expires = Timestamp(claims.exp.saturating_mul(1000));
        if expires <= now {
            Err(TokenError::Expired)
        } else {
            Ok((subject, expires))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

    const NOW: Timestamp = Timestamp(1_700_000_000_000);

    #[test]
    fn a_token_says_who_until_it_expires() {
        let tokens = Tokens::new(b"0123456789abcdef0123456789abcdef");
        let (token, until) = tokens.issue(AccountId(7), NOW).unwrap();
        assert_eq!(until, NOW.plus(LIFETIME));
        assert_eq!(
            tokens.read(&token, NOW.plus(LIFETIME - 1)),
            Ok((AccountId(7), until))
        );
        assert_eq!(tokens.read(&token, NOW.plus(LIFETIME)), Err(TokenError::Expired));
    }

    #[test]
    fn a_token_of_another_key_without_signature_or_for_another_purpose_is_nothing() {
        let tokens = Tokens::new(b"0123456789abcdef0123456789abcdef");
        let (foreign, _) = Tokens::new(b"another key").issue(AccountId(7), NOW).unwrap();
        assert_eq!(tokens.read(&foreign, NOW), Err(TokenError::Invalid));

        let (ours, _) = tokens.issue(AccountId(7), NOW).unwrap();
        let claims = ours.split('.').nth(1).unwrap();
        let unsigned = format!(
            "{}.{claims}.",
            URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#)
        );
        assert_eq!(tokens.read(&unsigned, NOW), Err(TokenError::Invalid));

        let other = Claims {
            sub: "7".into(),
            aud: "visitor".into(),
            iat: 0,
            exp: NOW.millis(),
        };
        let other = encode(&Header::default(), &other, &tokens.0.sign).unwrap();
        assert_eq!(tokens.read(&other, NOW), Err(TokenError::Invalid));
        assert_eq!(tokens.read("", NOW), Err(TokenError::Invalid));
    }
}
