//! API keys for their screen: who may see, make and revoke them is who may manage the site.

use super::RequestApi;
use crate::{
    auth::{key::Wanted, rights::Right},
    sites::AccountId,
    store::accounts::ApiKey,
};
use async_trait::async_trait;
use pulsecast_app::api::KeysApi;
use pulsecast_protocol::{
    ApiError, Domain, ErrorCode,
    api_key::{KeyReach, KeyRight, KeySummary, KeysView},
};
use serde_json::json;

/// Longest name of a key.
const NAME: usize = 80;
/// Keys of a site: whoever has more has forgotten some.
const MOST: usize = 100;

impl RequestApi {
    async fn email(&self, account: Option<AccountId>) -> Result<Option<String>, ApiError> {
        let Some(id) = account else {
            return Ok(None);
        };
        let account = self.state.accounts().account_by_id(id).await?;
        Ok(account.map(|account| account.email))
    }

    async fn summary(&self, key: ApiKey) -> Result<KeySummary, ApiError> {
        Ok(KeySummary {
            maker: self.email(key.account).await?,
            id: key.id,
            prefix: key.prefix,
            name: key.name,
            right: key.right,
            reach: key.site.map_or(KeyReach::AllSites, |_| KeyReach::Site),
            created: key.created,
            last_used: key.last_used,
        })
    }
}

#[async_trait]
impl KeysApi for RequestApi {
    async fn keys(&self, domain: Domain) -> Result<KeysView, ApiError> {
        let site = self.site_for(&domain, Right::Manage)?;
        let now = self.state.clock().now();
        let mut keys = Vec::new();
        for key in self.state.accounts().keys(Some(site.id)).await? {
            keys.push(self.summary(key).await?);
        }
        let fresh = self.state.auth.keys.take(self.account()?, site.id, now);
        Ok(KeysView { domain, keys, fresh })
    }

    async fn add_key(
        &self,
        domain: Domain,
        name: String,
        right: KeyRight,
        reach: KeyReach,
    ) -> Result<(), ApiError> {
        let site = self.site_for(&domain, Right::Manage)?;
        let (account, now) = (self.account()?, self.state.clock().now());
        let name = name.trim();
        if name.is_empty() || name.chars().count() > NAME {
            return Err(invalid(format!(
                "a key's name has 1 to {NAME} characters: say who uses it"
            )));
        }
        if self.state.accounts().keys(Some(site.id)).await?.len() >= MOST {
            return Err(invalid(format!(
                "a site has at most {MOST} keys: revoke those that nobody uses"
            )));
        }
        let wanted = Wanted {
            name,
            account: Some(account),
            site: (reach == KeyReach::Site).then_some(site.id),
            right,
        };
        let keys = &self.state.auth.keys;
        let what = json!({"name": name, "right": right, "reach": reach});
        let accounts = self.noting(Some(site.id), "key.add", what);
        let key = keys.make(&*accounts, &wanted, now).await?;
        keys.lay_aside(account, site.id, key, now);
        Ok(())
    }

    async fn revoke_key(&self, domain: Domain, id: i64) -> Result<(), ApiError> {
        let site = self.site_for(&domain, Right::Manage)?;
        let account = self.account()?;
        let keys = self.state.accounts().keys(Some(site.id)).await?;
        let key = keys.into_iter().find(|key| key.id == id).ok_or_else(|| {
            ApiError::new(
                ErrorCode::NotFound,
                "there is no such key: it may have been revoked meanwhile",
            )
        })?;
        if key.site.is_none() && key.account != Some(account) {
            return Err(ApiError::new(
                ErrorCode::Forbidden,
                "this key is for all sites of its maker: only they can revoke it",
            ));
        }
        let now = self.state.clock().now();
        let what = json!({"name": key.name, "prefix": key.prefix});
        self.noting(Some(site.id), "key.revoke", what)
            .revoke_key(id, now)
            .await?;
        Ok(())
    }
}

fn invalid(message: String) -> ApiError {
    ApiError::new(ErrorCode::Invalid, message)
}
