//! How often one may try to sign in: by address, by account from there, and by account from anywhere, whichever is used up first. All leak away
//! with time. So whoever guesses from one place closes the account to that place, and not to its owner.

use crate::clock::SharedClock;
use governor::{
    NotUntil, Quota, RateLimiter, clock::Clock as GovernorClock, middleware::NoOpMiddleware, nanos::Nanos,
    state::keyed::HashMapStateStore,
};
use std::{hash::Hash, net::IpAddr, num::NonZeroU32, sync::Arc, time::Duration};

/// Our clock as governor reads it.
#[derive(Clone, Debug)]
pub(super) struct LimitClock(pub(super) SharedClock);

impl LimitClock {
    pub(super) fn new(clock: SharedClock) -> Self {
        Self(clock)
    }

    /// How long whoever was refused has to wait.
    pub(super) fn wait(&self, no: &NotUntil<Nanos>) -> TooOften {
        TooOften(no.wait_time_from(self.now()))
    }
}

impl GovernorClock for LimitClock {
    type Instant = Nanos;
    fn now(&self) -> Nanos {
        Nanos::new(self.0.now().millis().unsigned_abs().saturating_mul(1_000_000))
    }
}

pub(super) type Keyed<K> = RateLimiter<K, HashMapStateStore<K>, LimitClock, NoOpMiddleware<Nanos>>;

/// Attempts to sign in, counted. A cheap handle.
#[derive(Clone, Debug)]
pub struct LoginLimits {
    clock: LimitClock,
    by_ip: Arc<Keyed<IpAddr>>,
    from_there: Arc<Keyed<(IpAddr, String)>>,
    by_account: Arc<Keyed<String>>,
}

/// Too often; come back after this.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many attempts: wait {0:?} and try again")]
pub struct TooOften(pub Duration);

fn keyed<K: Hash + Eq + Clone>(clock: &LimitClock, burst: u32, one_per: Duration) -> Keyed<K> {
    let burst = NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN);
    let quota = Quota::with_period(one_per)
        .unwrap_or_else(|| Quota::per_minute(burst))
        .allow_burst(burst);
    RateLimiter::hashmap_with_clock(quota, clock.clone())
}

/// So many a minute, all at once if need be.
pub(super) fn per_minute<K: Hash + Eq + Clone>(clock: &LimitClock, most: u32) -> Keyed<K> {
    let most = NonZeroU32::new(most).unwrap_or(NonZeroU32::MIN);
    RateLimiter::hashmap_with_clock(Quota::per_minute(most), clock.clone())
}

impl LoginLimits {
    /// 30 attempts at once and one more every two seconds from an address; 10 and one more every 30 seconds for an account from an address;
    /// 100 and one more every ten seconds for an account, from wherever.
    #[must_use]
    pub fn new(clock: SharedClock) -> Self {
        let clock = LimitClock::new(clock);
        Self {
            by_ip: Arc::new(keyed(&clock, 30, Duration::from_secs(2))),
            from_there: Arc::new(keyed(&clock, 10, Duration::from_secs(30))),
            by_account: Arc::new(keyed(&clock, 100, Duration::from_secs(10))),
            clock,
        }
    }

    /// Counts an attempt.
    ///
    /// # Errors
    /// When there were too many.
    pub fn attempt(&self, ip: IpAddr, email: &str) -> Result<(), TooOften> {
        self.by_ip
            .check_key(&network(ip))
            .map_err(|no| self.clock.wait(&no))?;
        let email: String = email.trim().to_lowercase().chars().take(254).collect();
        // Whoever is refused here uses up nothing of the account's.
        self.from_there
            .check_key(&(network(ip), email.clone()))
            .map_err(|no| self.clock.wait(&no))?;
        self.by_account
            .check_key(&email)
            .map_err(|no| self.clock.wait(&no))
    }

    /// Forgets those who have not tried lately: called by a task now and then, so that memory stays bounded by recent attempts.
    pub fn sweep(&self) {
        self.by_ip.retain_recent();
        self.from_there.retain_recent();
        self.by_account.retain_recent();
    }
}

/// Whoever has one IPv6 address has the /64 around it.
fn network(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::from([a, b, c, d, 0, 0, 0, 0])
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;
    use pulsecast_protocol::Timestamp;

    #[test]
    fn an_account_is_closed_after_ten_attempts_to_where_they_came_from_and_opens_with_time() {
        let clock = Arc::new(ManualClock::new(Timestamp(1_700_000_000_000)));
        let limits = LoginLimits::new(clock.clone());
        let from = |n: u8| IpAddr::from([10, 0, 0, n]);
        for _ in 0..10 {
            assert_eq!(limits.attempt(from(9), "Ann@example.com"), Ok(()));
        }
        let refused = limits.attempt(from(9), " ann@EXAMPLE.com ").unwrap_err();
        assert!(
            refused.0 <= Duration::from_secs(30) && refused.0 > Duration::ZERO,
            "{refused}"
        );
        assert_eq!(limits.attempt(from(9), "bob@example.com"), Ok(()));
        assert_eq!(
            limits.attempt(from(1), "ann@example.com"),
            Ok(()),
            "its owner signs in"
        );
        clock.advance(30_000);
        assert_eq!(limits.attempt(from(9), "ann@example.com"), Ok(()));
    }

    #[test]
    fn whoever_guesses_from_many_places_is_stopped_too() {
        let limits = LoginLimits::new(Arc::new(ManualClock::new(Timestamp(0))));
        let from = |n: u8| IpAddr::from([10, 0, 0, n]);
        for n in 0..100 {
            assert_eq!(limits.attempt(from(n), "ann@example.com"), Ok(()));
        }
        assert!(limits.attempt(from(100), "ann@example.com").is_err());
        assert_eq!(limits.attempt(from(100), "bob@example.com"), Ok(()));
    }

    #[test]
    fn an_address_cannot_go_through_all_accounts_not_even_with_a_whole_ipv6_network() {
        let limits = LoginLimits::new(Arc::new(ManualClock::new(Timestamp(0))));
        let from = |n: u16| IpAddr::from([0x2001, 0xdb8, 1, 2, 3, 4, 5, n]);
        for n in 0..30 {
            assert!(limits.attempt(from(n), &format!("{n}@example.com")).is_ok());
        }
        assert!(limits.attempt(from(31), "31@example.com").is_err());
    }

    #[test]
    fn those_who_stopped_trying_are_forgotten() {
        let clock = Arc::new(ManualClock::new(Timestamp(1_700_000_000_000)));
        let limits = LoginLimits::new(clock.clone());
        assert!(
            limits
                .attempt(IpAddr::from([10, 0, 0, 1]), "ann@example.com")
                .is_ok()
        );
        clock.advance(600_000);
        limits.sweep();
        assert!(limits.by_ip.is_empty() && limits.from_there.is_empty() && limits.by_account.is_empty());
    }
}
