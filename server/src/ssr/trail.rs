//! What every change does: it is noted together with being made, and taken into memory.

use super::{Asker, RequestApi, invalid};
use crate::{
    event::SiteId,
    store::accounts::{Accounts, Change},
};
use pulsecast_protocol::ApiError;
use serde_json::Value;

impl RequestApi {
    /// The accounts, for this change: what is written through them is kept with its entry in the trail, or neither is.
    pub(super) fn noting(&self, site: Option<SiteId>, action: &str, what: Value) -> Box<dyn Accounts> {
        let change = Change {
            site,
            email: self.name(),
            action,
            what,
        };
        self.state.accounts().noting(change, self.state.clock().now())
    }

    /// Whoever asks, as the trail calls them.
    pub(super) fn name(&self) -> &str {
        match &self.asker {
            Asker::Member(who) => who.1.as_str(),
            Asker::Nobody | Asker::Link(_) => "nobody",
        }
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
