//! API keys: what programs show instead of a session. 256 random bits behind `pc_`; kept as their hash, looked up by it, so that neither a
//! stolen file nor the time that a comparison takes gives one away. How often each may be used is bounded.

use super::{
    limit::{Keyed, LimitClock, TooOften, per_minute},
    rights::{self, Denied, Right},
};
use crate::{
    clock::SharedClock,
    event::SiteId,
    sites::{AccountId, Site},
    store::accounts::{Accounts, AccountsError, ApiKey, KeyHash, KeyRight, NewKey},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use parking_lot::Mutex;
use pulsecast_protocol::Timestamp;
use sha2::{Digest, Sha256};
use std::{collections::HashMap, sync::Arc};

/// What every key begins with, so that scanners of leaked secrets know one.
const MARK: &str = "pc_";
/// Letters that lists show of a key.
const SHOWN: usize = 9;
/// The last use is written at most this often.
const EXACTLY: i64 = Timestamp::MINUTE;
/// How long a new key waits to be shown.
const WAITS: i64 = 5 * Timestamp::MINUTE;
/// Requests of one key in a minute, unless `--api-rate` says otherwise.
pub const RATE: u32 = 600;

/// Why a key lets nobody in.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// Not one of ours, or revoked.
    #[error("there is no such API key: make one in the site's settings, or with `pulsecast key add`")]
    Unknown,
    /// For something else.
    #[error("this API key is not for {0}: make one that is")]
    Elsewhere(KeyRight),
    /// Used too often.
    #[error("too many requests with this API key: wait {} s and try again", .0.0.as_secs().max(1))]
    TooOften(TooOften),
    /// The accounts do not answer.
    #[error(transparent)]
    Accounts(#[from] AccountsError),
}

/// What a key is to be good for.
#[derive(Clone, Debug)]
pub struct Wanted<'a> {
    /// What it is called.
    pub name: &'a str,
    /// Who makes it.
    pub account: Option<AccountId>,
    /// For which site.
    pub site: Option<SiteId>,
    /// What for.
    pub right: KeyRight,
}

/// Makes, reads and limits keys. A cheap handle.
#[derive(Clone, Debug)]
pub struct Keys {
    clock: LimitClock,
    uses: Arc<Keyed<i64>>,
    fresh: Arc<Mutex<HashMap<AccountId, Fresh>>>,
}

/// A key that was just made and not yet shown.
#[derive(Clone, Debug)]
struct Fresh {
    site: SiteId,
    key: String,
    until: Timestamp,
}

impl Keys {
    /// With so many requests a minute for each key.
    #[must_use]
    pub fn new(clock: SharedClock, rate: u32) -> Self {
        let clock = LimitClock::new(clock);
        Self {
            uses: Arc::new(per_minute(&clock, rate)),
            clock,
            fresh: Arc::default(),
        }
    }

    /// Makes a key and keeps its hash: this is the only time that it can be read.
    ///
    /// # Errors
    /// When the accounts do not answer.
    pub async fn make(
        &self,
        accounts: &dyn Accounts,
        wanted: &Wanted<'_>,
        now: Timestamp,
    ) -> Result<String, AccountsError> {
        let key = format!("{MARK}{}", URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>()));
        let new = NewKey {
            hash: hash(&key),
            prefix: key.get(..SHOWN).unwrap_or_default(),
            name: wanted.name,
            account: wanted.account,
            site: wanted.site,
            right: wanted.right,
        };
        accounts.add_key(&new, now).await?;
        Ok(key)
    }

    /// What this key is, if it is good for `right`; counts as one use.
    ///
    /// # Errors
    /// When it is not, or was used too often.
    pub async fn admit(
        &self,
        accounts: &dyn Accounts,
        shown: &str,
        right: KeyRight,
        now: Timestamp,
    ) -> Result<ApiKey, KeyError> {
        if !shown.starts_with(MARK) {
            return Err(KeyError::Unknown);
        }
        let key = accounts.key(&hash(shown)).await?.ok_or(KeyError::Unknown)?;
        self.uses
            .check_key(&key.id)
            .map_err(|no| KeyError::TooOften(self.clock.wait(&no)))?;
        if key.right != right {
            return Err(KeyError::Elsewhere(right));
        }
        if key.last_used.is_none_or(|last| last.plus(EXACTLY) <= now) {
            // Nobody waits for it, and a full disk shuts nobody out.
            if let Err(error) = accounts.note_key_use(key.id, now).await {
                tracing::warn!(%error, "cannot note that an API key was used");
            }
        }
        Ok(key)
    }

    /// Forgets the counts of keys that are not used any more, and new ones that nobody came to read.
    pub fn sweep(&self) {
        let now = self.clock.0.now();
        self.uses.retain_recent();
        self.fresh.lock().retain(|_, fresh| now < fresh.until);
    }

    /// Lays a new key aside for the page that its maker is shown next. One an account.
    pub fn lay_aside(&self, account: AccountId, site: SiteId, key: String, now: Timestamp) {
        let until = now.plus(WAITS);
        self.fresh.lock().insert(account, Fresh { site, key, until });
    }

    /// The key that was laid aside, once.
    #[must_use]
    pub fn take(&self, account: AccountId, site: SiteId, now: Timestamp) -> Option<String> {
        let mut fresh = self.fresh.lock();
        fresh.get(&account).filter(|fresh| fresh.site == site)?;
        fresh
            .remove(&account)
            .filter(|fresh| now < fresh.until)
            .map(|fresh| fresh.key)
    }
}

impl ApiKey {
    /// Whether this key may do this with this site: made for it and for that, and by somebody who may still do the same by hand. A key from
    /// the command line is nobody's, and good for its own site.
    ///
    /// # Errors
    /// Where it may not: a site that it is not for, or whose maker is no member any more, is not there for it.
    pub fn may(&self, site: &Site, right: Right) -> Result<(), Denied> {
        let nowhere = || Denied::NoSuchSite(site.settings.domain.to_string());
        if self.site.is_some_and(|id| id != site.id) {
            return Err(nowhere());
        }
        match (self.account, self.site) {
            (Some(account), _) => drop(rights::may(site, account, right)?),
            (None, Some(_)) => {}
            (None, None) => return Err(nowhere()),
        }
        let is_for = match self.right {
            KeyRight::Stats => right == Right::See,
            KeyRight::Publish => matches!(right, Right::See | Right::EditFeed | Right::Manage),
        };
        if is_for { Ok(()) } else { Err(nowhere()) }
    }
}

fn hash(key: &str) -> KeyHash {
    Sha256::digest(key.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sites::Role;
    use pulsecast_protocol::account::SiteSettings;

    const ANN: AccountId = AccountId(1);

    fn site(id: i64, role: Option<Role>) -> Site {
        let site = Site::new(
            SiteId(id),
            SiteSettings::new(format!("site{id}.example").parse().unwrap()),
        );
        match role {
            Some(role) => site.with_member(ANN, role),
            None => site,
        }
    }

    fn key(right: KeyRight, site: Option<i64>, account: Option<AccountId>) -> ApiKey {
        ApiKey {
            id: 1,
            prefix: String::new(),
            name: String::new(),
            account,
            site: site.map(SiteId),
            right,
            created: Timestamp(0),
            last_used: None,
        }
    }

    #[test]
    fn a_key_may_no_more_than_its_maker_may_now_by_hand() {
        use Role::{Admin, Editor, Owner, Viewer};
        // What the maker is on the site now; may a key for it ask, may one publish, may one turn visitors away.
        let table = [
            (None, [false, false, false]),
            (Some(Viewer), [true, false, false]),
            (Some(Editor), [true, true, false]),
            (Some(Admin), [true, true, true]),
            (Some(Owner), [true, true, true]),
        ];
        for (role, expected) in table {
            let site = site(7, role);
            for reach in [None, Some(7)] {
                let may = |of, right| key(of, reach, Some(ANN)).may(&site, right).is_ok();
                let got = [
                    may(KeyRight::Stats, Right::See),
                    may(KeyRight::Publish, Right::EditFeed),
                    may(KeyRight::Publish, Right::Manage),
                ];
                assert_eq!(got, expected, "{role:?}, for {reach:?}");
                let more = [Right::EditGoals, Right::EditFeed, Right::Manage, Right::Own];
                assert!(more.into_iter().all(|right| !may(KeyRight::Stats, right)));
                assert!(!may(KeyRight::Publish, Right::Own) && !may(KeyRight::Publish, Right::EditGoals));
            }
            let elsewhere = key(KeyRight::Publish, Some(8), Some(ANN));
            assert!(
                elsewhere.may(&site, Right::EditFeed).is_err(),
                "made for another site"
            );
            assert!(
                key(KeyRight::Publish, Some(7), None)
                    .may(&site, Right::Manage)
                    .is_ok()
            );
            assert!(key(KeyRight::Publish, None, None).may(&site, Right::See).is_err());
        }
    }
}
