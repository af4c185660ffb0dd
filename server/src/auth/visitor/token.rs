//! Visitor tokens: what a site's own server signs about a visitor, and what is believed of it. Pure: keys and time are arguments, and so is
//! the algorithm, which the site's settings fix. What a token's own header says about that only has to agree.

use super::rooms::{Rooms, grants};
use crate::gate::{RoomGrant, TokenError};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{
    Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, decode_header, encode, errors,
};
use pulsecast_protocol::{Domain, Timestamp, wire::Raw};
use serde::{Deserialize, Serialize};

/// How far the site's clock and ours may be apart, in milliseconds.
pub const SKEW: i64 = Timestamp::MINUTE;

/// What a token may be like.
#[derive(Clone, Copy, Debug)]
pub struct TokenLimits {
    /// Its bytes.
    pub bytes: usize,
    /// Bytes of `sub` and of `jti`.
    pub name: usize,
    /// Bytes of `info`.
    pub info: usize,
    /// Entries of `rooms`.
    pub rooms: usize,
    /// Milliseconds from now to `exp`: revocations have to be remembered for as long.
    pub lifetime: i64,
    /// Revocations of a site.
    pub revocations: usize,
}

impl Default for TokenLimits {
    fn default() -> Self {
        Self {
            bytes: 16 << 10,
            name: 200,
            info: 1024,
            rooms: 100,
            lifetime: 31 * Timestamp::DAY,
            revocations: 10_000,
        }
    }
}

/// One audience or several, as the standard has it.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

#[derive(Deserialize)]
struct Unchecked {
    aud: Audience,
}

/// For which sites a token says it is. Believes nothing: it only tells whose keys to check it with.
pub(super) fn audiences(token: &str) -> Vec<Domain> {
    let claims = token
        .split('.')
        .nth(1)
        .and_then(|part| URL_SAFE_NO_PAD.decode(part).ok())
        .and_then(|json| serde_json::from_slice::<Unchecked>(&json).ok());
    let names = match claims.map(|claims| claims.aud) {
        None => Vec::new(),
        Some(Audience::One(name)) => vec![name],
        Some(Audience::Several(names)) => names,
    };
    // Exactly the domain: an address that a domain could be read out of is something else.
    let exact = |name: String| {
        name.parse::<Domain>()
            .ok()
            .filter(|domain| domain.as_str() == name)
    };
    names.into_iter().take(8).filter_map(exact).collect()
}

/// Which key it says it is signed with.
pub(super) fn key_id(token: &str) -> Option<String> {
    decode_header(token).ok()?.kid
}

/// What is believed.
#[derive(Clone, Debug)]
pub struct Believed {
    /// Who.
    pub user: String,
    /// What others see of them.
    pub info: Option<Raw>,
    /// Which rooms, and what in them.
    pub rooms: Vec<RoomGrant>,
    /// The token's own name.
    pub id: Option<String>,
    /// Since when; the beginning of time where it does not say.
    pub issued: Timestamp,
    /// Until when, our tolerance not counted.
    pub expires: Timestamp,
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
    exp: f64,
    #[serde(default)]
    iat: Option<f64>,
    #[serde(default)]
    nbf: Option<f64>,
    #[serde(default)]
    jti: Option<String>,
    #[serde(default)]
    info: Option<Raw>,
    #[serde(default)]
    rooms: Rooms,
}

/// What a token with this key and for this site says, if it may be believed now.
///
/// # Errors
/// [`TokenError::Expired`] for one that was good once, [`TokenError::Invalid`] for everything else.
pub(super) fn read(
    token: &str,
    (key, algorithm): (&DecodingKey, Algorithm),
    site: &Domain,
    limits: &TokenLimits,
    now: Timestamp,
) -> Result<Believed, TokenError> {
    if token.len() > limits.bytes {
        return Err(TokenError::Invalid);
    }
    let mut rules = Validation::new(algorithm);
    rules.set_audience(&[site.as_str()]);
    rules.set_required_spec_claims(&["sub", "aud", "exp"]);
    // By the library it would be by its own clock: here it is by ours.
    rules.validate_exp = false;
    rules.validate_nbf = false;
    let claims = decode::<Claims>(token, key, &rules)
        .map_err(|_| TokenError::Invalid)?
        .claims;
    let expires = instant(claims.exp)?;
    let issued = claims.iat.map(instant).transpose()?;
    let begins = claims.nbf.map(instant).transpose()?;
    if now >= expires.plus(SKEW) {
        return Err(TokenError::Expired);
    }
    let early = [issued, begins]
        .into_iter()
        .flatten()
        .any(|begins| begins > now.plus(SKEW));
    let fits =
        |name: &str| !name.is_empty() && name.len() <= limits.name && !name.chars().any(char::is_control);
    let well_named = fits(&claims.sub) && claims.jti.as_deref().is_none_or(fits);
    let small = claims
        .info
        .as_ref()
        .is_none_or(|info| info.get().len() <= limits.info);
    if early || !well_named || !small || expires > now.plus(limits.lifetime + SKEW) {
        return Err(TokenError::Invalid);
    }
    Ok(Believed {
        user: claims.sub,
        info: claims.info,
        rooms: grants(claims.rooms, limits.rooms).map_err(|_| TokenError::Invalid)?,
        id: claims.jti,
        issued: issued.unwrap_or(Timestamp(0)),
        expires,
    })
}

/// Seconds since 1970, whole or not.
fn instant(seconds: f64) -> Result<Timestamp, TokenError> {
    if !seconds.is_finite() || !(0.0..1e12).contains(&seconds) {
        return Err(TokenError::Invalid);
    }
    #[allow(clippy::cast_possible_truncation, reason = "in range: it was looked at")]
    Ok(Timestamp((seconds * 1000.0) as i64))
}

/// What a token for trying things out is to say.
#[derive(Clone, Debug, Serialize)]
pub struct Draft<'a> {
    /// Who.
    pub sub: &'a str,
    /// For which site.
    pub aud: &'a Domain,
    /// Seconds since 1970.
    pub iat: i64,
    /// Likewise.
    pub exp: i64,
    /// Its own name.
    pub jti: &'a str,
    /// What others see of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub info: Option<&'a Raw>,
    /// Which rooms, and what in them.
    pub rooms: &'a std::collections::BTreeMap<String, Vec<String>>,
}

/// Signs it with the site's secret.
///
/// # Errors
/// When the library cannot sign, which no secret lets happen.
pub fn sign(draft: &Draft<'_>, secret: &str) -> Result<String, errors::Error> {
    encode(
        &Header::new(Algorithm::HS256),
        draft,
        &EncodingKey::from_secret(secret.as_bytes()),
    )
}

/// Whether a server with these limits would believe it.
///
/// # Errors
/// What is wrong, for whoever wrote it.
pub fn check_draft(
    token: &str,
    secret: &str,
    site: &Domain,
    limits: &TokenLimits,
    now: Timestamp,
) -> Result<(), String> {
    let key = DecodingKey::from_secret(secret.as_bytes());
    match read(token, (&key, Algorithm::HS256), site, limits, now) {
        Ok(_) => Ok(()),
        Err(_) => Err(format!(
            "no server would believe that: a user has 1 to {} bytes, info at most {}, there are at most {} rooms, each of at most 100 \
             bytes with * only at its end, the rights are read, publish, presence and history, and {} days are the longest",
            limits.name,
            limits.info,
            limits.rooms,
            limits.lifetime / Timestamp::DAY
        )),
    }
}

#[cfg(test)]
#[path = "token_tests.rs"]
mod tests;
