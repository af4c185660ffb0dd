//! Public keys that sites publish (a JWKS): fetched when a token needs one that is not known, kept for as long as the site's server says, and
//! for a day longer where it does not answer. However many tokens of however many made-up keys come, a site's server is asked now and then
//! only.

use crate::{
    clock::SharedClock,
    fetch::{FetchError, Fetcher, Question},
};
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, header};
use jsonwebtoken::{
    Algorithm, DecodingKey,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse},
};
use parking_lot::Mutex;
use pulsecast_protocol::{
    Timestamp,
    visitor::{Endpoint, KeySetAlgorithm},
};
use serde::Deserialize;
use serde_json::Value;
use std::{collections::HashMap, fmt, sync::Arc};

/// Keys of one set that are looked at.
const MOST_KEYS: usize = 50;
/// Sets that are kept.
const MOST_SETS: usize = 1_000;
/// Between two questions to the same server.
const PAUSE: i64 = 10_000;
/// For how long keys are good, where their server does not say, and the bounds of what it may say.
const USUAL: i64 = 10 * Timestamp::MINUTE;
const LEAST: i64 = Timestamp::MINUTE;
const MOST: i64 = Timestamp::DAY;
/// How much longer, where their server does not answer.
const STALE: i64 = Timestamp::DAY;

/// A key, and what it is called.
struct Known {
    id: Option<String>,
    algorithm: KeySetAlgorithm,
    key: DecodingKey,
}

#[derive(Default)]
struct Slot {
    keys: Arc<[Known]>,
    good_until: Timestamp,
    asked: Option<Timestamp>,
    /// Held by whoever asks: the others wait for their answer.
    asking: Arc<tokio::sync::Mutex<()>>,
}

/// All sets. A cheap handle.
#[derive(Clone)]
pub(super) struct KeySets(Arc<Shared>);

struct Shared {
    fetcher: Fetcher,
    clock: SharedClock,
    slots: Mutex<HashMap<Endpoint, Slot>>,
}

impl fmt::Debug for KeySets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeySets").finish_non_exhaustive()
    }
}

/// The keys that a token may be signed with.
pub(super) enum Found {
    /// These; none where the set has none of that name.
    Keys(Vec<DecodingKey>),
    /// Their server has to be asked: [`KeySets::ask`], then look again.
    Ask,
    /// Their server was asked a moment ago and did not answer.
    Away,
}

/// The algorithm as the library calls it.
pub(super) fn algorithm(of: KeySetAlgorithm) -> Algorithm {
    match of {
        KeySetAlgorithm::Rs256 => Algorithm::RS256,
        KeySetAlgorithm::Es256 => Algorithm::ES256,
    }
}

impl KeySets {
    pub(super) fn new(fetcher: Fetcher, clock: SharedClock) -> Self {
        Self(Arc::new(Shared {
            fetcher,
            clock,
            slots: Mutex::default(),
        }))
    }

    /// The keys of this set that are for this algorithm and called `id`; all of them where a token does not say.
    pub(super) fn find(&self, url: &Endpoint, of: KeySetAlgorithm, id: Option<&str>) -> Found {
        let now = self.0.clock.now();
        let slots = self.0.slots.lock();
        let Some(slot) = slots.get(url) else {
            return Found::Ask;
        };
        let may_ask = slot.asked.is_none_or(|asked| now >= asked.plus(PAUSE));
        let is_fresh = now < slot.good_until;
        let is_kept = !slot.keys.is_empty() && now < slot.good_until.plus(STALE);
        let meant =
            |known: &&Known| known.algorithm == of && id.is_none_or(|id| known.id.as_deref() == Some(id));
        let keys: Vec<_> = slot
            .keys
            .iter()
            .filter(meant)
            .map(|known| known.key.clone())
            .collect();
        if is_fresh && !keys.is_empty() {
            return Found::Keys(keys);
        }
        // Past its time, or a key that was not there: keys are changed by publishing a new one first.
        match (may_ask, is_fresh || is_kept) {
            (true, _) => Found::Ask,
            (false, true) => Found::Keys(keys),
            (false, false) => Found::Away,
        }
    }

    /// Asks the set's server, unless somebody else just did.
    pub(super) async fn ask(&self, url: &Endpoint) {
        let asking = {
            let mut slots = self.0.slots.lock();
            if slots.len() >= MOST_SETS && !slots.contains_key(url) {
                slots.clear();
            }
            slots.entry(url.clone()).or_default().asking.clone()
        };
        let _alone = asking.lock().await;
        let asked = self.0.slots.lock().get(url).and_then(|slot| slot.asked);
        if asked.is_some_and(|asked| self.0.clock.now() < asked.plus(PAUSE)) {
            return;
        }
        let fetched = self.fetch(url).await;
        let now = self.0.clock.now();
        let mut slots = self.0.slots.lock();
        let slot = slots.entry(url.clone()).or_default();
        slot.asked = Some(now);
        match fetched {
            Ok((keys, lasts)) => {
                metrics::counter!("pulsecast_key_sets_total", "outcome" => "fetched").increment(1);
                slot.keys = keys.into();
                slot.good_until = now.plus(lasts);
            }
            Err(error) => {
                metrics::counter!("pulsecast_key_sets_total", "outcome" => "failed").increment(1);
                tracing::warn!(%error, "a site's public keys cannot be fetched; what is known of them is good for a day");
            }
        }
    }

    /// The keys, and for how long they are good.
    async fn fetch(&self, url: &Endpoint) -> Result<(Vec<Known>, i64), BadSet> {
        let mut headers = HeaderMap::new();
        headers.insert(
            header::ACCEPT,
            header::HeaderValue::from_static("application/json"),
        );
        let question = Question {
            method: Method::GET,
            headers,
            body: Bytes::new(),
        };
        let fetched = self.0.fetcher.ask(url.as_str(), question).await?;
        if fetched.status != StatusCode::OK {
            return Err(BadSet::Status(fetched.status));
        }
        Ok((read(&fetched.body)?, lasts(&fetched.headers)))
    }
}

#[derive(Debug, thiserror::Error)]
enum BadSet {
    #[error(transparent)]
    Fetch(#[from] FetchError),
    #[error("it answered {0}")]
    Status(StatusCode),
    #[error("it is no set of keys: {0}")]
    Json(#[from] serde_json::Error),
    #[error("it has more than {MOST_KEYS} keys")]
    TooMany,
}

#[derive(Deserialize)]
struct Set {
    keys: Vec<Value>,
}

/// The keys of a set that are of use; others are left out.
fn read(json: &[u8]) -> Result<Vec<Known>, BadSet> {
    let set: Set = serde_json::from_slice(json)?;
    if set.keys.len() > MOST_KEYS {
        return Err(BadSet::TooMany);
    }
    Ok(set.keys.into_iter().filter_map(known).collect())
}

/// A key for signatures by one of our algorithms. A secret in a public set is nobody's secret: it is left out like everything else.
fn known(json: Value) -> Option<Known> {
    let jwk: Jwk = serde_json::from_value(json).ok()?;
    let algorithm = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => KeySetAlgorithm::Rs256,
        AlgorithmParameters::EllipticCurve(curve) if curve.curve == EllipticCurve::P256 => {
            KeySetAlgorithm::Es256
        }
        _ => return None,
    };
    let for_signatures = matches!(jwk.common.public_key_use, None | Some(PublicKeyUse::Signature));
    let same = match jwk.common.key_algorithm {
        None => true,
        Some(KeyAlgorithm::RS256) => algorithm == KeySetAlgorithm::Rs256,
        Some(KeyAlgorithm::ES256) => algorithm == KeySetAlgorithm::Es256,
        Some(_) => false,
    };
    if !for_signatures || !same {
        return None;
    }
    Some(Known {
        key: DecodingKey::from_jwk(&jwk).ok()?,
        id: jwk.common.key_id,
        algorithm,
    })
}

/// What `Cache-Control` says, within reason.
fn lasts(headers: &HeaderMap) -> i64 {
    let said = headers
        .get_all(header::CACHE_CONTROL)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|part| part.trim().strip_prefix("max-age=")?.parse::<i64>().ok())
        .next();
    said.map_or(USUAL, |seconds| seconds.saturating_mul(1000).clamp(LEAST, MOST))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn rsa(id: &str) -> Value {
        json!({"kty": "RSA", "kid": id, "use": "sig", "alg": "RS256", "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw", "e": "AQAB"})
    }

    #[test]
    fn of_a_set_only_public_keys_for_signatures_are_taken() {
        let p256 = json!({"kty": "EC", "crv": "P-256", "kid": "e", "x": "WKn-ZIGevcwGIyyrzFoZNBdaq9_TsqzGl96oc0CWuis", "y": "y77t-RvAHRKTsSGdIYUfweuOvwrvDD-Q3Hv5J0fSKbE"});
        let p384 = json!({"kty": "EC", "crv": "P-384", "kid": "x", "x": "AA", "y": "AA"});
        let secret = json!({"kty": "oct", "kid": "s", "alg": "HS256", "k": "c2VjcmV0"});
        let mut encrypts = rsa("enc");
        encrypts["use"] = json!("enc");
        let mut other = rsa("512");
        other["alg"] = json!("RS512");
        let set = json!({"keys": [rsa("r"), p256, p384, secret, encrypts, other, {"kty": "new"}, 7]});
        let known = read(set.to_string().as_bytes()).unwrap();
        let names: Vec<_> = known.iter().map(|known| known.id.as_deref().unwrap()).collect();
        assert_eq!(names, ["r", "e"]);
    }

    #[test]
    fn a_set_without_end_is_none() {
        let set = json!({"keys": vec![rsa("r"); MOST_KEYS + 1]});
        assert!(matches!(read(set.to_string().as_bytes()), Err(BadSet::TooMany)));
        assert!(read(b"<html>").is_err() && read(b"{}").is_err());
    }

    #[test]
    fn keys_last_as_long_as_their_server_says_within_reason() {
        let said = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::CACHE_CONTROL, text.parse().unwrap());
            lasts(&headers)
        };
        assert_eq!(said("public, max-age=3600"), 3_600_000);
        assert_eq!((said("max-age=0"), said("max-age=99999999999")), (LEAST, MOST));
        assert_eq!((said("no-store"), lasts(&HeaderMap::new())), (USUAL, USUAL));
    }
}
