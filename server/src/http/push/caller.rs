//! Which program asks: the holder of a key with the right to publish.

use super::{super::AppState, answer::Refusal};
use crate::{
    auth::key::KeyError,
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
    /// Who publishes, for doors that note it: what the key is called.
    pub(super) fn author(&self) -> Bytes {
        json!({"user": format!("key {}", self.0.name)}).to_string().into()
    }

    /// The site of this domain, if the key is for it. A foreign site and none look the same.
    pub(super) fn site(&self, state: &AppState, domain: &Domain) -> Option<Arc<Site>> {
        state.sites.get(domain).filter(|site| self.0.opens(site))
    }

    /// The same, or the one site that the key is for where none is named.
    pub(super) fn site_or_own(
        &self,
        state: &AppState,
        domain: Option<&Domain>,
    ) -> Result<Arc<Site>, Refusal> {
        let site = match domain {
            Some(domain) => self.site(state, domain),
            None => {
                let own = self.0.site.and_then(|id| state.sites.by_id(id));
                own.filter(|site| self.0.opens(site))
            }
        };
        let advice = "site: name one that this key is for";
        site.ok_or_else(|| Refusal::new(code::UNKNOWN_CHANNEL, advice))
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
        self.site(state, channel.site()).ok_or_else(unknown)?;
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
