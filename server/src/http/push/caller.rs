//! Which program asks: the holder of a key with the right to publish.

use super::{super::AppState, answer::Refusal};
use crate::{
    auth::{
        key::KeyError,
        rights::{Denied, Right},
    },
    sites::Site,
    store::accounts::{ApiKey, KeyRight},
};
use axum::extract::FromRequestParts;
use bytes::Bytes;
use http::{HeaderMap, header, request::Parts};
use pulsecast_protocol::{Channel, Domain, wire::code};
use serde_json::json;
use std::sync::Arc;

/// A program that may publish. As an argument of a handler it refuses everybody else with 401.
#[derive(Clone, Debug)]
pub(super) struct Program(ApiKey);

impl Program {
    /// Who it is, as the trail calls them.
    pub(super) fn name(&self) -> String {
        format!("API key {} ({}…)", self.0.name, self.0.prefix)
    }

    /// Who publishes, for doors that note it: what the key is called.
    pub(super) fn author(&self) -> Bytes {
        json!({"user": format!("key {}", self.0.name)}).to_string().into()
    }

    /// The site of this domain, if the key is for it and its maker may do this there. A foreign site and none look the same.
    pub(super) fn site(&self, state: &AppState, domain: &Domain, right: Right) -> Result<Arc<Site>, Refusal> {
        self.may(state.sites.get(domain), right)
            .unwrap_or_else(|| Err(Refusal::by_number(code::UNKNOWN_CHANNEL)))
    }

    /// The same, or the one site that the key is for where none is named.
    pub(super) fn site_or_own(
        &self,
        state: &AppState,
        domain: Option<&Domain>,
        right: Right,
    ) -> Result<Arc<Site>, Refusal> {
        let site = match domain {
            Some(domain) => state.sites.get(domain),
            None => self.0.site.and_then(|id| state.sites.by_id(id)),
        };
        let advice = "site: name one that this key is for";
        self.may(site, right)
            .unwrap_or_else(|| Err(Refusal::new(code::UNKNOWN_CHANNEL, advice)))
    }

    /// `None` where there is no such site for this key.
    fn may(&self, site: Option<Arc<Site>>, right: Right) -> Option<Result<Arc<Site>, Refusal>> {
        let site = site?;
        match self.0.may(&site, right) {
            Ok(()) => Some(Ok(site)),
            Err(Denied::NoSuchSite(_)) => None,
            Err(Denied::Needs(_)) => {
                let why = "permission denied: who made this key may not do this on that site; use one that somebody made who may";
                Some(Err(Refusal::new(code::PERMISSION_DENIED, why)))
            }
        }
    }

    /// The channel of this name, if there is one and the key is for its site.
    pub(super) fn channel(&self, state: &AppState, name: &str) -> Result<Channel, Refusal> {
        if name.is_empty() {
            return Err(Refusal::bad("channel: is required"));
        }
        let unknown = || Refusal::by_number(code::UNKNOWN_CHANNEL);
        let channel: Channel = name.parse().map_err(|_| unknown())?;
        if channel.to_string() != name {
            return Err(unknown());
        }
        self.site(state, channel.site(), Right::EditFeed)?;
        Ok(channel)
    }
}

impl FromRequestParts<AppState> for Program {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Refusal> {
        let Some(key) = shown(&parts.headers) else {
            let advice = "missing API key: send one with the right to publish as `X-API-Key: pc_…`";
            return Err(Refusal::new(code::UNAUTHORIZED, advice));
        };
        let (accounts, now) = (state.accounts(), state.clock().now());
        let key = state.auth.keys.admit(accounts, key, KeyRight::Publish, now).await;
        Ok(Self(key?))
    }
}

fn shown(headers: &HeaderMap) -> Option<&str> {
    if let Some(key) = headers.get("x-api-key") {
        return key.to_str().ok();
    }
    let (scheme, key) = headers
        .get(header::AUTHORIZATION)?
        .to_str()
        .ok()?
        .split_once(' ')?;
    let known = ["apikey", "bearer"];
    known
        .iter()
        .any(|one| scheme.eq_ignore_ascii_case(one))
        .then(|| key.trim())
}

impl From<KeyError> for Refusal {
    fn from(error: KeyError) -> Self {
        let text = error.to_string();
        match error {
            KeyError::Accounts(_) => Self::by_number(code::INTERNAL),
            KeyError::TooOften(wait) => Self::new(code::TOO_MANY_REQUESTS, text).after(wait.0),
            KeyError::Unknown | KeyError::Elsewhere(_) => Self::new(code::UNAUTHORIZED, text),
        }
    }
}
