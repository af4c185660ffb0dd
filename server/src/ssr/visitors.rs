//! Sites' signed-in visitors for their screen: who may decide about them is who may manage the site.

use super::{RequestApi, invalid};
use crate::{
    auth::{
        rights::Right,
        visitor::{self, RevokeError},
    },
    store::accounts::Revocation,
};
use async_trait::async_trait;
use pulsecast_app::api::VisitorsApi;
use pulsecast_protocol::{
    ApiError, Domain,
    visitor::{OldSecretMay, RevokedKind, RevokedView, TokenTrust, VisitorSettings, VisitorsView},
};
use serde_json::json;

/// Revocations that are shown.
const SHOWN: usize = 50;

impl From<RevokeError> for ApiError {
    fn from(error: RevokeError) -> Self {
        match error {
            RevokeError::Accounts(error) => error.into(),
            RevokeError::Name(_) | RevokeError::TooMany(_) => invalid(error),
        }
    }
}

#[async_trait]
impl VisitorsApi for RequestApi {
    async fn visitors(&self, domain: Domain) -> Result<VisitorsView, ApiError> {
        let site = self.site_for(&domain, Right::Manage)?;
        let now = self.state.clock().now();
        let fresh = self.state.visitors.take_fresh(self.account()?, site.id);
        let view = |one: Revocation| RevokedView {
            kind: one.kind,
            name: one.name,
            at: one.at,
        };
        let revoked = self.state.visitors.revocations(site.id).into_iter();
        let old = site.visitors.old.as_ref();
        Ok(VisitorsView {
            settings: site.visitors.settings.clone(),
            has_secret: site.visitors.secret.is_some(),
            old_until: old.map(|(_, until)| *until).filter(|until| now < *until),
            fresh: fresh.map(|secret| secret.expose().to_owned()),
            revoked: revoked.take(SHOWN).map(view).collect(),
            domain,
        })
    }

    async fn save_visitors(&self, domain: Domain, settings: VisitorSettings) -> Result<(), ApiError> {
        let site = self.site_for(&domain, Right::Manage)?;
        if !visitor::is_key(&settings.tokens) {
            return Err(invalid(
                "this public key cannot be read: paste it in PEM, of the kind that is chosen (RSA of 2048 bits or more, or P-256)",
            ));
        }
        let mut asked = settings.endpoint.iter().collect::<Vec<_>>();
        if let TokenTrust::KeySet { url, .. } = &settings.tokens {
            asked.push(url);
        }
        for endpoint in asked {
            self.state
                .visitors
                .fetcher()
                .check(endpoint.as_str())
                .map_err(invalid)?;
        }
        let what = json!({"from": site.visitors.settings, "to": settings});
        self.noting(Some(site.id), "visitors.settings", what)
            .save_visitors(site.id, &settings)
            .await?;
        self.reload().await?;
        if settings.tokens == TokenTrust::Secret && site.visitors.secret.is_none() {
            self.renew_secret(domain, OldSecretMay::End).await?;
        }
        Ok(())
    }

    async fn renew_secret(&self, domain: Domain, old: OldSecretMay) -> Result<(), ApiError> {
        let site = self.site_for(&domain, Right::Manage)?;
        let now = self.state.clock().now();
        let what = json!({"old goes on": old == OldSecretMay::GoOn});
        let accounts = self.noting(Some(site.id), "visitors.secret", what);
        let secret = visitor::fresh_secret(&*accounts, site.id, old, now).await?;
        self.state.visitors.lay_aside(self.account()?, site.id, secret);
        self.reload().await
    }

    async fn end_old_secret(&self, domain: Domain) -> Result<(), ApiError> {
        let site = self.site_for(&domain, Right::Manage)?;
        self.noting(Some(site.id), "visitors.secret.end", json!({}))
            .end_old_secret(site.id)
            .await?;
        self.reload().await
    }

    async fn revoke_visitor(&self, domain: Domain, kind: RevokedKind, name: String) -> Result<(), ApiError> {
        let site = self.site_for(&domain, Right::Manage)?;
        Ok(self.state.turn_away(&site, kind, &name, self.name()).await?)
    }
}
