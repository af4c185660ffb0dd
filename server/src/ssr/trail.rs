//! What every change does: it is noted, and taken into memory.

use super::{Asker, RequestApi, invalid};
use crate::{event::SiteId, store::accounts::Change};
use pulsecast_protocol::ApiError;
use serde_json::Value;

impl RequestApi {
    /// Notes what was done, and takes it into memory.
    pub(super) async fn changed(
        &self,
        site: Option<SiteId>,
        action: &str,
        what: Value,
    ) -> Result<(), ApiError> {
        self.note(site, action, what).await?;
        self.reload().await
    }

    /// Notes what was done in the audit trail.
    pub(super) async fn note(&self, site: Option<SiteId>, action: &str, what: Value) -> Result<(), ApiError> {
        let email = match &self.asker {
            Asker::Member(who) => who.1.as_str(),
            Asker::Nobody | Asker::Link(_) => "nobody",
        };
        let change = Change {
            site,
            email,
            action,
            what,
        };
        let now = self.state.clock().now();
        Ok(self.state.accounts().note(change, now).await?)
    }

    /// Whether there is room for one more of something.
    pub(super) fn room(&self, count: usize, what: &str) -> Result<(), ApiError> {
        let most = self.state.config.max_items;
        if count < most {
            return Ok(());
        }
        Err(invalid(format!(
            "a site has at most {most} {what}: remove one that nobody needs (or start pulsecast with a higher --max-site-items)"
        )))
    }
}
