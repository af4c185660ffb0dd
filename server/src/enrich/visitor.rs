//! Who a visitor is, for one day: SipHash-2-4 under the day's random salt. Salts are deleted after 48 hours; from then on nobody can
//! tell from a stored hash whom it stood for.

use crate::event::VisitorId;
use parking_lot::RwLock;
use pulsecast_protocol::Timestamp;
use siphasher::sip::SipHasher24;
use std::{collections::BTreeMap, fmt, hash::Hasher, net::IpAddr, sync::Arc};

/// How many days a salt is kept, its own included.
const KEPT_DAYS: i64 = 2;

/// Bits of a hash that are kept: a quarter less room for what nothing can make smaller. Two of a site's million visitors of a day share one every
/// 560 days (n²/2 pairs over 2⁴⁸).
const BITS: u32 = 48;

/// The key of one UTC day.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Salt(pub [u8; 16]);

impl fmt::Debug for Salt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Salt(secret)")
    }
}

/// The salts that are still kept, by UTC day since the epoch. A cheap handle.
#[derive(Clone, Debug, Default)]
pub struct Salts(Arc<RwLock<BTreeMap<i64, Salt>>>);

/// A visitor under the salt of the event's day and, while it is kept, of the day before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VisitorNames {
    /// Of the day.
    pub today: VisitorId,
    /// Of the day before.
    pub before: Option<VisitorId>,
}

impl Salts {
    /// No salts.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a day's salt. The first one stays: two writers agree on the one that is stored.
    pub fn put(&self, day: i64, salt: Salt) {
        self.0.write().entry(day).or_insert(salt);
    }

    /// Forgets the salts that are over age on this day.
    pub fn forget(&self, today: i64) {
        self.0.write().retain(|day, _| *day > today - KEPT_DAYS);
    }

    /// The oldest day whose salt is kept on this day.
    #[must_use]
    pub const fn oldest_kept(today: i64) -> i64 {
        today - KEPT_DAYS + 1
    }

    /// Whether the day has one.
    #[must_use]
    pub fn has(&self, day: i64) -> bool {
        self.0.read().contains_key(&day)
    }

    /// Names a visitor of an event at `at`. `None` when the day's salt is missing (the store was away at midnight).
    #[must_use]
    pub fn name(
        &self,
        at: Timestamp,
        user_agent: &str,
        ip: IpAddr,
        site: &str,
        hostname: &str,
    ) -> Option<VisitorNames> {
        let salts = self.0.read();
        let under = |day: i64| {
            salts
                .get(&day)
                .map(|salt| hash(salt, user_agent, ip, site, root_domain(hostname)))
        };
        // An event that waited in its page's queue past the last kept day goes under the oldest salt there is.
        let day = if salts.contains_key(&at.day()) {
            at.day()
        } else {
            *salts.keys().next()?
        };
        Some(VisitorNames {
            today: under(day)?,
            before: under(day - 1),
        })
    }
}

fn hash(salt: &Salt, user_agent: &str, ip: IpAddr, site: &str, root: &str) -> VisitorId {
    let mut hasher = SipHasher24::new_with_key(&salt.0);
    for part in [
        user_agent.as_bytes(),
        ip.to_canonical().to_string().as_bytes(),
        site.as_bytes(),
        root.as_bytes(),
    ] {
        // Length first: no two lists of parts run together into the same bytes.
        hasher.write_u64(part.len() as u64);
        hasher.write(part);
    }
    VisitorId(hasher.finish() >> (u64::BITS - BITS))
}

/// The domain that people register: `example.co.uk` of `blog.example.co.uk`. A host without one stands for itself.
fn root_domain(hostname: &str) -> &str {
    psl::domain_str(hostname).unwrap_or(hostname)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn salts() -> Salts {
        let salts = Salts::new();
        salts.put(0, Salt([1; 16]));
        salts.put(1, Salt([2; 16]));
        salts
    }

    fn name(salts: &Salts, day: i64, ip: &str, host: &str) -> VisitorNames {
        salts
            .name(
                Timestamp(day * Timestamp::DAY + 5),
                "UA",
                ip.parse().unwrap(),
                "example.co.uk",
                host,
            )
            .unwrap()
    }

    #[test]
    fn the_same_person_has_one_name_a_day_and_another_tomorrow() {
        let salts = salts();
        let today = name(&salts, 0, "203.0.113.9", "example.co.uk");
        assert_eq!(
            today,
            name(&salts, 0, "203.0.113.9", "blog.example.co.uk"),
            "subdomains are one place"
        );
        assert_ne!(
            today.today,
            name(&salts, 0, "203.0.113.10", "example.co.uk").today
        );
        let tomorrow = name(&salts, 1, "203.0.113.9", "example.co.uk");
        assert_ne!(tomorrow.today, today.today);
        assert_eq!(
            tomorrow.before,
            Some(today.today),
            "yesterday's name is known while yesterday's salt is"
        );
    }

    #[test]
    fn salts_are_forgotten_after_two_days() {
        let salts = salts();
        salts.forget(2);
        assert!(!salts.has(0) && salts.has(1));
        assert_eq!(name(&salts, 1, "203.0.113.9", "example.co.uk").before, None);
    }

    #[test]
    fn no_salt_is_ever_printed() {
        assert!(!format!("{:?}", salts()).contains("[1,"));
    }
}
