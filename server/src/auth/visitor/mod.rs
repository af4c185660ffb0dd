//! Signed-in visitors of sites: who they are, as their site's own server says, and for how long that is believed. The site signs a token
//! ([`token`]), or is asked about a cookie ([`endpoint`]); whoever was turned away is not believed any more ([`revoked`]). What rights
//! come of it is the gate's business.

mod endpoint;
mod keys;
mod revoked;
mod rooms;
pub mod token;

pub use token::{Draft, TokenLimits, sign};

use crate::{
    clock::SharedClock,
    event::SiteId,
    fetch::Fetcher,
    gate::{Identity, Introduction, TokenError, Visitor},
    sites::{AccountId, Secret, Site, Sites},
    store::accounts::{Accounts, AccountsError, OldSecret, Revocation},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use endpoint::{Asked, Endpoints, Told};
use futures::{FutureExt, future::BoxFuture};
use jsonwebtoken::{Algorithm, DecodingKey};
use keys::{Found, KeySets};
use parking_lot::Mutex;
use pulsecast_protocol::{
    Domain, Origin, Timestamp,
    visitor::{OldSecretMay, RevokedKind, TokenTrust},
    wire::Raw,
};
use revoked::Revoked;
use std::{collections::HashMap, sync::Arc, time::Duration};
use token::{Believed, SKEW};

/// How long a visitor may stay on while their site's endpoint does not answer, in milliseconds.
const GRACE: i64 = Timestamp::MINUTE;
/// How long before its end an answer is asked for anew: pongs come every 25 s.
const EARLY: i64 = 30_000;
/// How long the secret before a new one may go on.
const OVERLAP: i64 = Timestamp::DAY;
/// How long a new secret waits to be shown.
const WAITS: i64 = 5 * Timestamp::MINUTE;
const CLEAN_EVERY: Duration = Duration::from_secs(600);

/// Knows visitors. A cheap handle.
#[derive(Clone, Debug)]
pub struct Visitors {
    sites: Sites,
    clock: SharedClock,
    fetcher: Fetcher,
    keys: KeySets,
    endpoints: Endpoints,
    revoked: Revoked,
    fresh: Arc<Mutex<HashMap<AccountId, Fresh>>>,
    limits: TokenLimits,
}

/// A secret that was just made and not yet shown to who made it.
#[derive(Clone, Debug)]
struct Fresh {
    site: SiteId,
    secret: Secret,
    until: Timestamp,
}

/// Why somebody cannot be turned away.
#[derive(Debug, thiserror::Error)]
pub enum RevokeError {
    /// No name of a token or a user.
    #[error("the name of a token or user has 1 to {0} bytes")]
    Name(usize),
    /// Over the limit.
    #[error("the site has {0} revocations already: change the secret instead, which ends all tokens")]
    TooMany(usize),
    /// They are not kept.
    #[error(transparent)]
    Accounts(#[from] AccountsError),
}

impl Visitors {
    /// Visitors of these sites, whose servers are asked through `fetcher`.
    ///
    /// # Errors
    /// When the accounts do not say who was turned away.
    pub async fn load(
        accounts: &dyn Accounts,
        sites: Sites,
        clock: SharedClock,
        fetcher: Fetcher,
        limits: TokenLimits,
    ) -> Result<Self, AccountsError> {
        let visitors = Self::new(sites, clock, fetcher, limits);
        visitors.revoked.load(accounts).await?;
        Ok(visitors)
    }

    /// The same with nobody turned away.
    #[must_use]
    pub fn new(sites: Sites, clock: SharedClock, fetcher: Fetcher, limits: TokenLimits) -> Self {
        Self {
            keys: KeySets::new(fetcher.clone(), clock.clone()),
            endpoints: Endpoints::new(fetcher.clone(), clock.clone(), limits),
            revoked: Revoked::default(),
            fresh: Arc::default(),
            sites,
            clock,
            fetcher,
            limits,
        }
    }

    /// What asks sites' servers.
    #[must_use]
    pub fn fetcher(&self) -> &Fetcher {
        &self.fetcher
    }

    /// Whom this token speaks for; `None` where it is for no site of ours, and so for somebody else to read.
    pub(super) fn identify(&self, token: &str, now: Timestamp) -> Option<Result<Identity, TokenError>> {
        let site = self.site(token)?;
        let outcome = self.check(token, &site, now);
        let label = match &outcome {
            Ok(_) => "accepted",
            Err(TokenError::Expired) => "expired",
            Err(TokenError::Invalid) => "invalid",
            Err(TokenError::Away) => "away",
        };
        metrics::counter!("pulsecast_visitor_tokens_total", "outcome" => label).increment(1);
        Some(outcome)
    }

    /// What has to be waited for before this token can be checked: its site's keys, where they are not known.
    pub(super) fn prepare(&self, token: &str) -> Option<BoxFuture<'static, ()>> {
        let site = self.site(token)?;
        let TokenTrust::KeySet { url, algorithm } = &site.visitors.settings.tokens else {
            return None;
        };
        match self.keys.find(url, *algorithm, token::key_id(token).as_deref()) {
            Found::Keys(_) | Found::Away => None,
            Found::Ask => {
                let (keys, url) = (self.keys.clone(), url.clone());
                Some(async move { keys.ask(&url).await }.boxed())
            }
        }
    }

    /// The site that a token says it is for.
    fn site(&self, token: &str) -> Option<Arc<Site>> {
        if token.len() > self.limits.bytes {
            return None;
        }
        let mut said = token::audiences(token).into_iter();
        said.find_map(|domain| self.sites.get(&domain))
    }

    fn check(&self, token: &str, site: &Site, now: Timestamp) -> Result<Identity, TokenError> {
        let rules = &site.visitors;
        let from_pem = |key: Result<DecodingKey, jsonwebtoken::errors::Error>| {
            key.map(|key| vec![key]).unwrap_or_else(|error| {
                tracing::warn!(site = %site.settings.domain, %error, "the site's public key cannot be read");
                Vec::new()
            })
        };
        let (keys, algorithm) = match &rules.settings.tokens {
            TokenTrust::Nobody => return Err(TokenError::Invalid),
            TokenTrust::Secret => {
                let old = rules.old.as_ref().filter(|(_, until)| now < *until);
                let secrets = rules.secret.iter().chain(old.map(|(secret, _)| secret));
                let key = |secret: &Secret| DecodingKey::from_secret(secret.expose().as_bytes());
                (secrets.map(key).collect(), Algorithm::HS256)
            }
            TokenTrust::Rsa { key } => (
                from_pem(DecodingKey::from_rsa_pem(key.as_bytes())),
                Algorithm::RS256,
            ),
            TokenTrust::Ec { key } => (
                from_pem(DecodingKey::from_ec_pem(key.as_bytes())),
                Algorithm::ES256,
            ),
            TokenTrust::KeySet { url, algorithm } => {
                match self.keys.find(url, *algorithm, token::key_id(token).as_deref()) {
                    Found::Keys(found) if !found.is_empty() => (found, keys::algorithm(*algorithm)),
                    // Its server was asked a moment ago and had no such key: soon it may.
                    Found::Keys(_) | Found::Ask | Found::Away => return Err(TokenError::Away),
                }
            }
        };
        self.believe(token, site, &keys, algorithm, now)
    }

    fn believe(
        &self,
        token: &str,
        site: &Site,
        keys: &[DecodingKey],
        algorithm: Algorithm,
        now: Timestamp,
    ) -> Result<Identity, TokenError> {
        let mut refused = TokenError::Invalid;
        for key in keys {
            match token::read(token, (key, algorithm), &site.settings.domain, &self.limits, now) {
                Ok(believed) => return self.accept(site, believed, now),
                // Of several keys the one that fits says what is wrong.
                Err(TokenError::Expired) => refused = TokenError::Expired,
                Err(_) => {}
            }
        }
        Err(refused)
    }

    fn accept(&self, site: &Site, believed: Believed, now: Timestamp) -> Result<Identity, TokenError> {
        let visitor = Visitor {
            site: site.settings.domain.clone(),
            user: believed.user,
            rooms: believed.rooms,
            token: believed.id,
            issued: believed.issued,
            until: None,
        };
        if self.revoked.covers(site.id, &visitor) {
            return Err(TokenError::Invalid);
        }
        Ok(Identity {
            user: visitor.user.clone(),
            info: believed.info.map(|info| info.get().into()),
            // One that is good only because clocks differ is renewed at once.
            expires: Some(believed.expires.max(now)),
            visitor: Some(Arc::new(visitor)),
            ..Identity::default()
        })
    }

    /// Asks the site's endpoint who somebody with a cookie is. `None` where there is nothing to ask: no endpoint, no cookie, a page that the
    /// site does not name as its own, a token, or an answer that is good for a while yet.
    pub(super) fn introduce(&self, who: &Identity, site: &Domain, now: Timestamp) -> Option<Introduction> {
        let is_settled = |visitor: &Arc<Visitor>| {
            visitor.site == *site && visitor.until.is_none_or(|until| now < until.plus(-EARLY))
        };
        let has_token = who
            .visitor
            .as_ref()
            .is_some_and(|visitor| visitor.until.is_none());
        if has_token || who.visitor.as_ref().is_some_and(is_settled) {
            return None;
        }
        let (site, cookies) = (self.sites.get(site)?, who.cookies.clone()?);
        let asked = Asked {
            id: site.id,
            endpoint: site.visitors.settings.endpoint.clone()?,
            origin: page_of(who, &site)?,
            site: site.settings.domain.clone(),
            cookies,
        };
        let (endpoints, before) = (self.endpoints.clone(), who.clone());
        let answer = async move {
            let nobody = Identity {
                visitor: None,
                info: None,
                user: before
                    .account
                    .map(|account| account.0.to_string())
                    .unwrap_or_default(),
                ..before
            };
            match endpoints.who(&asked).await {
                Told::Nobody => Ok(nobody),
                Told::Somebody(vouched) => Ok(Identity {
                    user: vouched.user.clone(),
                    info: vouched.info.as_ref().map(|info| info.get().into()),
                    visitor: Some(Arc::new(Visitor {
                        site: asked.site,
                        user: vouched.user.clone(),
                        rooms: vouched.rooms.clone(),
                        token: None,
                        issued: vouched.asked,
                        until: Some(vouched.until),
                    })),
                    ..nobody
                }),
                Told::Away => Err(TokenError::Away),
            }
        };
        Some(answer.boxed())
    }

    /// Whether any site could be asked about the cookies that somebody brought.
    pub(super) fn may_introduce(&self, who: &Identity) -> bool {
        let asks = |site: &Site| site.visitors.settings.endpoint.is_some() && page_of(who, site).is_some();
        who.cookies.is_some() && self.sites.any(asks)
    }

    /// Whether what was said about a visitor is still good.
    pub(super) fn holds(&self, site: SiteId, visitor: &Visitor) -> bool {
        let now = self.clock.now();
        visitor.until.is_none_or(|until| now < until.plus(GRACE)) && !self.revoked.covers(site, visitor)
    }

    /// Turns a token or a user away: what was issued to them until now is worth nothing. Whoever calls this ends their connections.
    ///
    /// # Errors
    /// When it cannot be kept; then nobody is turned away.
    pub async fn revoke(
        &self,
        accounts: &dyn Accounts,
        site: &Site,
        kind: RevokedKind,
        name: &str,
    ) -> Result<(), RevokeError> {
        let (now, most) = (self.clock.now(), self.limits.revocations);
        if name.is_empty() || name.len() > self.limits.name {
            return Err(RevokeError::Name(self.limits.name));
        }
        if self.revoked.of(site.id).len() >= most {
            return Err(RevokeError::TooMany(most));
        }
        let revocation = Revocation {
            site: site.id,
            kind,
            name: name.to_owned(),
            at: now,
            until: now.plus(self.limits.lifetime + 2 * SKEW),
        };
        accounts.revoke(&revocation).await?;
        self.revoked.add(revocation);
        if kind == RevokedKind::User {
            self.endpoints.forget(site.id, name);
        }
        Ok(())
    }

    /// Whom the site has turned away, the newest first.
    #[must_use]
    pub fn revocations(&self, site: SiteId) -> Vec<Revocation> {
        self.revoked.of(site)
    }

    /// Lays a new secret aside for the page that its maker is shown next. One an account.
    pub fn lay_aside(&self, account: AccountId, site: SiteId, secret: Secret) {
        let until = self.clock.now().plus(WAITS);
        self.fresh.lock().insert(account, Fresh { site, secret, until });
    }

    /// The secret that was laid aside, once.
    #[must_use]
    pub fn take_fresh(&self, account: AccountId, site: SiteId) -> Option<Secret> {
        let mut fresh = self.fresh.lock();
        fresh.get(&account).filter(|fresh| fresh.site == site)?;
        let fresh = fresh.remove(&account)?;
        (self.clock.now() < fresh.until).then_some(fresh.secret)
    }

    /// Forgets what is about nothing any more, now and then until `stop` ends: a task of its own.
    pub async fn keep_clean(self, accounts: Arc<dyn Accounts>, stop: impl Future<Output = ()>) {
        let mut stop = std::pin::pin!(stop);
        let mut every = tokio::time::interval(CLEAN_EVERY);
        every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = &mut stop => break,
                _ = every.tick() => {
                    let now = self.clock.now();
                    self.endpoints.sweep();
                    self.fresh.lock().retain(|_, fresh| now < fresh.until);
                    self.revoked.forget(now);
                    if let Err(error) = accounts.forget_revocations(now).await {
                        tracing::warn!(%error, "cannot forget old revocations; trying again later");
                    }
                }
            }
        }
    }
}

/// The origin of the page that somebody is on, if the site names it as its own.
fn page_of(who: &Identity, site: &Site) -> Option<Origin> {
    let is_named = |origin: &Origin| site.settings.names_origin(origin);
    match &who.origin {
        Some(origin) => Some(origin.clone()).filter(is_named),
        None if who.own_origin => who.cookies.as_ref()?.origins().find(is_named),
        None => None,
    }
}

/// Gives a site a new secret, to be shown this once.
///
/// # Errors
/// When it cannot be kept.
pub async fn fresh_secret(
    accounts: &dyn Accounts,
    site: SiteId,
    old: OldSecretMay,
    now: Timestamp,
) -> Result<Secret, AccountsError> {
    let secret = Secret::new(URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>()));
    let old = match old {
        OldSecretMay::GoOn => OldSecret::Until(now.plus(OVERLAP)),
        OldSecretMay::End => OldSecret::Ends,
    };
    accounts.put_visitor_secret(site, &secret, old).await?;
    Ok(secret)
}

/// Whether text can be taken for what others see of a visitor.
#[must_use]
pub fn info(text: &str) -> Option<Raw> {
    serde_json::value::RawValue::from_string(text.to_owned()).ok()
}

/// Whether a public key in PEM can be read.
#[must_use]
pub fn is_key(trust: &TokenTrust) -> bool {
    match trust {
        TokenTrust::Rsa { key } => DecodingKey::from_rsa_pem(key.as_bytes()).is_ok(),
        TokenTrust::Ec { key } => DecodingKey::from_ec_pem(key.as_bytes()).is_ok(),
        TokenTrust::Nobody | TokenTrust::Secret | TokenTrust::KeySet { .. } => true,
    }
}

#[cfg(test)]
mod tests;
