//! Shared links: their secret part, and the tokens that say that somebody came by one.

use super::{Auth, limit::TooOften, password::PasswordError, secret, token::Tokens};
use crate::{
    gate::TokenError,
    sites::{Link, LinkId},
};
use jsonwebtoken::errors;
use pulsecast_protocol::Timestamp;
use std::net::IpAddr;

/// How long a token is good for, in milliseconds: as long as a page is open, within reason.
const LIFETIME: i64 = Timestamp::DAY;

/// What a link's token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The cookie of somebody who knew the password.
    Session,
    /// Live queries of the page.
    Live,
}

impl Purpose {
    const fn audience(self) -> &'static str {
        match self {
            Self::Session => "pulsecast:share-session",
            Self::Live => "pulsecast:share-live",
        }
    }
}

/// A new secret part of an address (128 bits), and what is kept of it.
#[must_use]
pub fn fresh() -> (String, [u8; 32]) {
    secret::fresh_secret::<16>()
}

/// What lists show of it.
#[must_use]
pub fn prefix(slug: &str) -> &str {
    slug.get(..4).unwrap_or_default()
}

/// Why a password does not open a link.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Too often.
    #[error(transparent)]
    TooOften(#[from] TooOften),
    /// It is not the link's.
    #[error("this is not the link's password")]
    Wrong,
    /// We cannot tell now.
    #[error(transparent)]
    Password(#[from] PasswordError),
}

impl Tokens {
    /// A token that says that somebody came by this link, and until when it is good: never longer than the link.
    ///
    /// # Errors
    /// When the library cannot sign, which a valid key does not let happen.
    pub fn issue_link(
        &self,
        purpose: Purpose,
        link: LinkId,
        expires: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<(String, Timestamp), errors::Error> {
        let until = now.plus(LIFETIME);
        let until = expires.map_or(until, |end| end.min(until));
        self.sign(purpose.audience(), link.0, now, until)
    }

    /// By which link its holder came, and until when that is good.
    ///
    /// # Errors
    /// When it is too old or not one of ours for this purpose.
    pub fn read_link(
        &self,
        purpose: Purpose,
        token: &str,
        now: Timestamp,
    ) -> Result<(LinkId, Timestamp), TokenError> {
        let (link, until) = self.check(purpose.audience(), token, now)?;
        Ok((LinkId(link), until))
    }
}

impl Auth {
    /// Whether this is the link's password. Attempts are counted as those to sign in are, by address and by link.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn open_link(&self, link: &Link, password: String, ip: IpAddr) -> Result<(), OpenError> {
        self.limits.attempt(ip, &format!("shared link {}", link.id.0))?;
        let is_right = self
            .passwords
            .verify(link.password_hash.clone(), password)
            .await?;
        if is_right { Ok(()) } else { Err(OpenError::Wrong) }
    }
}
