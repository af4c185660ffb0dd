//! The sites that this server counts, in memory, so that no event and no subscription waits for a database.

use crate::event::SiteId;
use parking_lot::RwLock;
use pulsecast_protocol::{Domain, Origin, account::SiteSettings};
use std::{collections::HashMap, sync::Arc};

/// An account's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId(pub i64);

/// The domain of the site whose pages the server itself serves at `/demo`.
pub const DEMO: &str = "demo";

/// A site and who may see its dashboard.
#[derive(Clone, Debug)]
pub struct Site {
    /// Its number.
    pub id: SiteId,
    /// What its owner decided.
    pub settings: SiteSettings,
    /// Accounts that may see it.
    pub members: Vec<AccountId>,
}

impl Site {
    /// Whether this account may see the dashboard.
    #[must_use]
    pub fn is_member(&self, account: AccountId) -> bool {
        self.members.contains(&account)
    }
}

#[derive(Debug, Default)]
struct Directory {
    by_domain: HashMap<Domain, Arc<Site>>,
    by_id: HashMap<SiteId, Arc<Site>>,
}

/// All sites; replaced as a whole when one changes. A cheap handle.
#[derive(Clone, Debug, Default)]
pub struct Sites(Arc<RwLock<Directory>>);

impl Sites {
    /// Takes these sites for all there are.
    pub fn replace(&self, sites: Vec<Site>) {
        let mut directory = Directory::default();
        for site in sites {
            let site = Arc::new(site);
            directory.by_id.insert(site.id, site.clone());
            directory.by_domain.insert(site.settings.domain.clone(), site);
        }
        *self.0.write() = directory;
    }

    /// The site of this domain.
    #[must_use]
    pub fn get(&self, domain: &Domain) -> Option<Arc<Site>> {
        self.0.read().by_domain.get(domain).cloned()
    }

    /// The site of this number.
    #[must_use]
    pub fn by_id(&self, id: SiteId) -> Option<Arc<Site>> {
        self.0.read().by_id.get(&id).cloned()
    }

    /// All of them, by domain.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<Site>> {
        let mut sites: Vec<_> = self.0.read().by_id.values().cloned().collect();
        sites.sort_by(|a, b| a.settings.domain.cmp(&b.settings.domain));
        sites
    }

    /// Whether any site lets pages of this origin talk to the server.
    #[must_use]
    pub fn any_accepts(&self, origin: &Origin) -> bool {
        self.0
            .read()
            .by_id
            .values()
            .any(|site| site.settings.accepts_origin(origin))
    }
}
