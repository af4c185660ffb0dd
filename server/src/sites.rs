//! The sites that this server counts, in memory, so that no event and no subscription waits for a database.

use crate::event::SiteId;
use parking_lot::RwLock;
pub use pulsecast_protocol::account::Role;
use pulsecast_protocol::{
    Domain, Origin, Timestamp,
    account::SiteSettings,
    stats::{Funnel, Goal, Segment},
    visitor::VisitorSettings,
};
use std::{collections::HashMap, fmt, sync::Arc};

/// An account's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId(pub i64);

/// The domain of the site whose pages the server itself serves at `/demo`.
pub const DEMO: &str = "demo";

/// A shared link's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkId(pub i64);

/// A site, who may do what with it, and what they have set up.
#[derive(Clone, Debug)]
pub struct Site {
    /// Its number.
    pub id: SiteId,
    /// What its owner decided.
    pub settings: SiteSettings,
    /// Who may see it, by account.
    pub members: Vec<Member>,
    /// What its visitors may reach.
    pub goals: Arc<[Goal]>,
    /// Goals in the order in which they ought to be reached.
    pub funnels: Arc<[Funnel]>,
    /// Saved filters, of all members.
    pub segments: Arc<[SavedSegment]>,
    /// Addresses under which others see the dashboard.
    pub links: Arc<[Link]>,
    /// How its signed-in visitors are known.
    pub visitors: Arc<VisitorRules>,
}

/// Somebody who may see a site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// Who.
    pub account: AccountId,
    /// And do what.
    pub role: Role,
}

/// A saved filter and whose it is.
#[derive(Clone, Debug, PartialEq)]
pub struct SavedSegment {
    /// Who made it; `None` when that account is gone.
    pub owner: Option<AccountId>,
    /// It.
    pub segment: Segment,
}

/// An address under which others see the dashboard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Its number.
    pub id: LinkId,
    /// SHA-256 of what the address holds.
    pub hash: [u8; 32],
    /// PHC string of argon2, where a password is asked for.
    pub password_hash: Option<String>,
    /// The saved filter that it is limited to.
    pub segment: Option<i64>,
    /// Whether other pages may show it in a frame.
    pub embed: bool,
    /// From when on it shows nothing.
    pub expires: Option<Timestamp>,
}

/// A secret that a site's own server signs with. Does not print itself.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// This text.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The text, for whoever signs, checks or keeps.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(hidden)")
    }
}

/// How a site's signed-in visitors are known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VisitorRules {
    /// What its admins have decided.
    pub settings: VisitorSettings,
    /// What its own server signs with, where it was given one.
    pub secret: Option<Secret>,
    /// The one before, and until when it is good as well.
    pub old: Option<(Secret, Timestamp)>,
}

impl Link {
    /// Whether it still shows something.
    #[must_use]
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.expires.is_none_or(|expires| now < expires)
    }
}

impl Site {
    /// A site that nobody has set up anything for.
    #[must_use]
    pub fn new(id: SiteId, settings: SiteSettings) -> Self {
        Self {
            id,
            settings,
            members: Vec::new(),
            goals: Arc::default(),
            funnels: Arc::default(),
            segments: Arc::default(),
            links: Arc::default(),
            visitors: Arc::default(),
        }
    }

    /// The same with this member.
    #[must_use]
    pub fn with_member(mut self, account: AccountId, role: Role) -> Self {
        self.members.push(Member { account, role });
        self
    }

    /// Whether this account may see the dashboard.
    #[must_use]
    pub fn is_member(&self, account: AccountId) -> bool {
        self.role(account).is_some()
    }

    /// What this account may do; `None` for strangers.
    #[must_use]
    pub fn role(&self, account: AccountId) -> Option<Role> {
        let member = self.members.iter().find(|member| member.account == account)?;
        Some(member.role)
    }

    /// The shared link of this number.
    #[must_use]
    pub fn link(&self, id: LinkId) -> Option<&Link> {
        self.links.iter().find(|link| link.id == id)
    }
}

#[derive(Debug, Default)]
struct Directory {
    by_domain: HashMap<Domain, Arc<Site>>,
    by_id: HashMap<SiteId, Arc<Site>>,
    by_link: HashMap<[u8; 32], (SiteId, LinkId)>,
}

/// All sites; replaced as a whole when one changes. A cheap handle.
#[derive(Clone, Debug, Default)]
pub struct Sites {
    directory: Arc<RwLock<Directory>>,
    turn: Arc<tokio::sync::Mutex<()>>,
}

impl Sites {
    /// Held by whoever reads the sites from where they are kept, until they are replaced: else an older reading could come after a newer.
    pub async fn turn(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.turn.lock().await
    }

    /// Takes these sites for all there are.
    pub fn replace(&self, sites: Vec<Site>) {
        let mut directory = Directory::default();
        for site in sites {
            let site = Arc::new(site);
            let links = site.links.iter().map(|link| (link.hash, (site.id, link.id)));
            directory.by_link.extend(links);
            directory.by_id.insert(site.id, site.clone());
            directory.by_domain.insert(site.settings.domain.clone(), site);
        }
        *self.directory.write() = directory;
    }

    /// The site of this domain.
    #[must_use]
    pub fn get(&self, domain: &Domain) -> Option<Arc<Site>> {
        self.directory.read().by_domain.get(domain).cloned()
    }

    /// The site of this number.
    #[must_use]
    pub fn by_id(&self, id: SiteId) -> Option<Arc<Site>> {
        self.directory.read().by_id.get(&id).cloned()
    }

    /// The site that is shared by the link of this hash. Whoever guesses learns nothing from how long it takes: they would have to guess a
    /// hash.
    #[must_use]
    pub fn shared(&self, hash: &[u8; 32]) -> Option<(Arc<Site>, LinkId)> {
        let directory = self.directory.read();
        let (site, link) = directory.by_link.get(hash)?;
        Some((directory.by_id.get(site)?.clone(), *link))
    }

    /// All of them, by domain.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<Site>> {
        let mut sites: Vec<_> = self.directory.read().by_id.values().cloned().collect();
        sites.sort_by(|a, b| a.settings.domain.cmp(&b.settings.domain));
        sites
    }

    /// Whether this holds for any site.
    pub fn any(&self, holds: impl Fn(&Site) -> bool) -> bool {
        self.directory.read().by_id.values().any(|site| holds(site))
    }

    /// Whether any site lets pages of this origin talk to the server.
    #[must_use]
    pub fn any_accepts(&self, origin: &Origin) -> bool {
        self.any(|site| site.settings.accepts_origin(origin))
    }
}
