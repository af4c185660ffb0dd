//! Shared links, exclusions, retention and the audit trail.

use super::{Asker, RequestApi, invalid};
use crate::{
    auth::{
        link::{self, Purpose},
        rights::Right,
    },
    http::share::LinkDoor,
    sites::{LinkId, Site},
    store::accounts::{AuditEntry, LinkChange, NewLink, SharedLink, SiteChange},
};
use async_trait::async_trait;
use chrono_tz::Tz;
use pulsecast_app::api::LinksApi;
use pulsecast_protocol::{
    ApiError, Domain, ErrorCode, Timestamp,
    access::{ChangeView, Edited, LinkDraft, LinkEdit, LinkView, Shared, SharedSite},
    account::SiteSettings,
    exclude::Exclusions,
};
use serde_json::json;

/// Changes on a page of the trail.
const CHANGES: u32 = 100;

fn segment_name(site: &Site, id: i64) -> String {
    let saved = site.segments.iter().find(|saved| saved.segment.id == id);
    saved.map_or_else(|| format!("segment {id}"), |saved| saved.segment.name.clone())
}

fn wall_clock(at: Timestamp, zone: Tz) -> String {
    chrono::DateTime::from_timestamp_millis(at.millis())
        .unwrap_or_default()
        .with_timezone(&zone)
        .format("%Y-%m-%d %H:%M")
        .to_string()
}

#[async_trait]
impl LinksApi for RequestApi {
    async fn links(&self, domain: Domain) -> Result<Vec<LinkView>, ApiError> {
        let site = self.site_for(&domain, Right::Manage)?;
        let now = self.state.clock().now();
        let links = self.state.accounts().links(site.id).await?;
        let view = |link: SharedLink| LinkView {
            id: link.id.0,
            prefix: link.prefix,
            name: link.name,
            has_password: link.has_password,
            segment: link.segment.map(|id| segment_name(&site, id)),
            embed: link.embed,
            created: link.created,
            expires: link.expires,
            is_expired: link.expires.is_some_and(|at| at <= now),
            last_used: link.last_used,
        };
        Ok(links.into_iter().map(view).collect())
    }

    async fn add_link(&self, domain: Domain, draft: LinkDraft) -> Result<String, ApiError> {
        let site = self.site_for(&domain, Right::Manage)?;
        self.room(site.links.len(), "shared links")?;
        let password_hash = match draft.password {
            Some(password) => Some(self.state.auth.passwords.hash(password).await.map_err(invalid)?),
            None => None,
        };
        let (slug, hash) = link::fresh();
        let now = self.state.clock().now();
        let new = NewLink {
            hash: &hash,
            prefix: link::prefix(&slug),
            name: &draft.name,
            password_hash: password_hash.as_deref(),
            segment: draft.segment,
            embed: draft.embed,
            expires: draft.days.map(|days| now.plus(i64::from(days) * Timestamp::DAY)),
        };
        let what = json!({
            "name": draft.name, "password": password_hash.is_some(), "embed": draft.embed, "days": draft.days,
            "segment": draft.segment.map(|id| segment_name(&site, id)),
        });
        self.noting(Some(site.id), "link.add", what)
            .add_link(site.id, &new, now)
            .await?;
        self.reload().await?;
        Ok(slug)
    }

    async fn change_link(&self, domain: Domain, id: i64, edit: LinkEdit) -> Result<(), ApiError> {
        let site = self.site_for(&domain, Right::Manage)?;
        let links = self.state.accounts().links(site.id).await?;
        let before = links.into_iter().find(|link| link.id.0 == id).ok_or_else(|| {
            ApiError::new(
                ErrorCode::NotFound,
                "there is no such shared link: it may have been removed or changed meanwhile",
            )
        })?;
        let hash = match edit.password {
            Edited::AsItIs => Edited::AsItIs,
            Edited::Now(None) => Edited::Now(None),
            Edited::Now(Some(password)) => {
                let hash = self.state.auth.passwords.hash(password).await.map_err(invalid)?;
                Edited::Now(Some(hash))
            }
        };
        let now = self.state.clock().now();
        let end = |days: u16| now.plus(i64::from(days) * Timestamp::DAY);
        let change = LinkChange {
            name: &edit.name,
            password_hash: match &hash {
                Edited::AsItIs => Edited::AsItIs,
                Edited::Now(hash) => Edited::Now(hash.as_deref()),
            },
            expires: match edit.days {
                Edited::AsItIs => Edited::AsItIs,
                Edited::Now(days) => Edited::Now(days.map(end)),
            },
        };
        let mut what = json!({"name": edit.name});
        if before.name != edit.name {
            what["was"] = json!(before.name);
        }
        if let Edited::Now(hash) = &hash {
            what["password"] = json!(if hash.is_some() {
                "a new one"
            } else {
                "none any more"
            });
        }
        if let Edited::Now(days) = edit.days {
            what["days"] = days.map_or_else(|| json!("never ends"), |days| json!(days));
        }
        self.noting(Some(site.id), "link.change", what)
            .change_link(site.id, LinkId(id), &change)
            .await?;
        self.reload().await
    }

    async fn remove_link(&self, domain: Domain, id: i64) -> Result<(), ApiError> {
        let site = self.site_for(&domain, Right::Manage)?;
        let accounts = self.state.accounts();
        let links = accounts.links(site.id).await?;
        let name = links
            .into_iter()
            .find(|link| link.id.0 == id)
            .map(|link| link.name);
        self.noting(Some(site.id), "link.remove", json!({"name": name}))
            .remove_link(site.id, LinkId(id))
            .await?;
        self.reload().await
    }

    async fn shared(&self) -> Result<Shared, ApiError> {
        let via = match &self.asker {
            Asker::Link(LinkDoor::Open(via)) => via,
            Asker::Link(LinkDoor::Password) => return Ok(Shared::Password),
            Asker::Link(LinkDoor::Expired) => return Ok(Shared::Expired),
            Asker::Link(LinkDoor::Nothing) | Asker::Member(_) | Asker::Nobody => return Ok(Shared::Nothing),
        };
        let Some(site) = self.state.sites.get(&via.domain) else {
            return Ok(Shared::Nothing);
        };
        let link = site.link(via.link);
        let now = self.state.clock().now();
        let (token, _) = self
            .state
            .auth
            .tokens
            .issue_link(Purpose::Live, via.link, link.and_then(|link| link.expires), now)
            .map_err(|error| {
                tracing::error!(%error, "cannot sign a token");
                ApiError::new(
                    ErrorCode::Internal,
                    "the page cannot be made: see the server's log",
                )
            })?;
        let segment = link.and_then(|link| link.segment);
        Ok(Shared::Open(SharedSite {
            domain: via.domain.clone(),
            segment: segment.map(|id| segment_name(&site, id)),
            token,
        }))
    }

    async fn exclusions(&self, domain: Domain) -> Result<SiteSettings, ApiError> {
        Ok(self.site_for(&domain, Right::Manage)?.settings.clone())
    }

    async fn save_exclusions(&self, domain: Domain, exclusions: Exclusions) -> Result<(), ApiError> {
        let site = self.site_for(&domain, Right::Manage)?;
        let longest = [
            exclusions.ips.len(),
            exclusions.paths.len(),
            exclusions.hostnames.len(),
            exclusions.countries.len(),
        ];
        if longest.into_iter().any(|len| len > Exclusions::MOST) {
            return Err(invalid(format!(
                "a list has at most {} entries",
                Exclusions::MOST
            )));
        }
        self.noting(Some(site.id), "site.exclusions", json!(exclusions))
            .change_site(site.id, &SiteChange::Exclusions(exclusions))
            .await?;
        self.reload().await
    }

    async fn save_retention(&self, domain: Domain, days: Option<u32>) -> Result<(), ApiError> {
        let site = self.site_for(&domain, Right::Manage)?;
        let what = json!({"from": site.settings.retention_days, "to": days});
        self.noting(Some(site.id), "site.retention", what)
            .change_site(site.id, &SiteChange::Retention(days))
            .await?;
        self.reload().await
    }

    async fn changes(&self, domain: Domain, before: Option<i64>) -> Result<Vec<ChangeView>, ApiError> {
        let site = self.site_for(&domain, Right::Manage)?;
        let zone: Tz = site.settings.timezone.parse().unwrap_or(Tz::UTC);
        let changes = self.state.accounts().changes(site.id, before, CHANGES).await?;
        let view = |change: AuditEntry| ChangeView {
            id: change.id,
            at: change.at,
            when: wall_clock(change.at, zone),
            email: change.email,
            action: change.action,
            what: change.what,
        };
        Ok(changes.into_iter().map(view).collect())
    }
}
