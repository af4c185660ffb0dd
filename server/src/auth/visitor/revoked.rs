//! Who was turned away before their token ran out: in memory, so that every command can ask; the accounts keep it for the next start.

use crate::{
    event::SiteId,
    gate::Visitor,
    store::accounts::{Accounts, AccountsError, Revocation},
};
use parking_lot::RwLock;
use pulsecast_protocol::{Timestamp, visitor::RevokedKind};
use std::{collections::HashMap, sync::Arc};

type Key = (SiteId, RevokedKind, String);

/// All revocations. A cheap handle.
#[derive(Clone, Debug, Default)]
pub(super) struct Revoked(Arc<RwLock<HashMap<Key, Revocation>>>);

impl Revoked {
    pub(super) async fn load(&self, accounts: &dyn Accounts) -> Result<(), AccountsError> {
        let all = accounts.revocations().await?;
        let mut kept = self.0.write();
        *kept = all.into_iter().map(|one| (key(&one), one)).collect();
        Ok(())
    }

    pub(super) fn add(&self, revocation: Revocation) {
        self.0.write().insert(key(&revocation), revocation);
    }

    /// Whether what this visitor shows was made worthless. Of a user everything that was issued up to then, what does not say when included:
    /// what their site issues afterwards is good again.
    pub(super) fn covers(&self, site: SiteId, visitor: &Visitor) -> bool {
        let kept = self.0.read();
        if kept.is_empty() {
            return false;
        }
        let by_token = visitor
            .token
            .as_ref()
            .is_some_and(|id| kept.contains_key(&(site, RevokedKind::Token, id.clone())));
        by_token
            || kept
                .get(&(site, RevokedKind::User, visitor.user.clone()))
                .is_some_and(|one| visitor.issued <= one.at)
    }

    /// Those of one site, the newest first.
    pub(super) fn of(&self, site: SiteId) -> Vec<Revocation> {
        let mut all: Vec<_> = self
            .0
            .read()
            .values()
            .filter(|one| one.site == site)
            .cloned()
            .collect();
        all.sort_by(|a, b| b.at.cmp(&a.at).then_with(|| a.name.cmp(&b.name)));
        all
    }

    pub(super) fn forget(&self, now: Timestamp) {
        self.0.write().retain(|_, one| now < one.until);
    }
}

fn key(one: &Revocation) -> Key {
    (one.site, one.kind, one.name.clone())
}
