//! Whether a connection is alive: it says `connect` in time, answers pings in time and renews its token in time. Told the time, sends nothing.

use super::Limits;
use crate::hub::Disconnect;
use pulsecast_protocol::Timestamp;

/// How long after its token ran out a connection, or a channel, may still bring a new one.
pub(super) const GRACE: i64 = 25_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Greeting { by: Timestamp },
    Quiet { ping_at: Timestamp },
    Pinged { pong_by: Timestamp, ping_at: Timestamp },
}

/// What is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Beat {
    Nothing,
    Ping,
    End(Disconnect),
}

#[derive(Debug)]
pub(super) struct Heart {
    every: i64,
    within: i64,
    stage: Stage,
    expires: Option<Timestamp>,
}

impl Heart {
    pub(super) fn new(limits: &Limits, now: Timestamp) -> Self {
        let stage = Stage::Greeting {
            by: now.plus(limits.greet_within),
        };
        Self {
            every: limits.ping_every,
            within: limits.pong_within,
            stage,
            expires: None,
        }
    }

    /// It said `connect`, or brought a new token.
    pub(super) fn greeted(&mut self, expires: Option<Timestamp>, now: Timestamp) {
        self.expires = expires;
        if matches!(self.stage, Stage::Greeting { .. }) {
            self.stage = Stage::Quiet {
                ping_at: now.plus(self.every),
            };
        }
    }

    /// It answered a ping. One that was not asked for changes nothing.
    pub(super) fn answered(&mut self) {
        if let Stage::Pinged { ping_at, .. } = self.stage {
            self.stage = Stage::Quiet { ping_at };
        }
    }

    /// What is due now.
    pub(super) fn beat(&mut self, now: Timestamp) -> Beat {
        if self.expires.is_some_and(|expires| now >= expires.plus(GRACE)) {
            return Beat::End(Disconnect::Expired);
        }
        match self.stage {
            Stage::Greeting { by } if now >= by => Beat::End(Disconnect::Stale),
            Stage::Pinged { pong_by, .. } if now >= pong_by => Beat::End(Disconnect::NoPong),
            Stage::Quiet { ping_at } if now >= ping_at => {
                self.stage = Stage::Pinged {
                    pong_by: now.plus(self.within),
                    ping_at: now.plus(self.every),
                };
                Beat::Ping
            }
            _ => Beat::Nothing,
        }
    }

    /// When to look again.
    pub(super) fn next(&self) -> Timestamp {
        let stage = match self.stage {
            Stage::Greeting { by } => by,
            Stage::Quiet { ping_at } => ping_at,
            Stage::Pinged { pong_by, .. } => pong_by,
        };
        self.expires
            .map_or(stage, |expires| stage.min(expires.plus(GRACE)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heart() -> Heart {
        Heart::new(&Limits::default(), Timestamp(0))
    }

    #[test]
    fn who_never_says_connect_is_stale() {
        let mut heart = heart();
        assert_eq!(
            (heart.next(), heart.beat(Timestamp(9_999))),
            (Timestamp(10_000), Beat::Nothing)
        );
        assert_eq!(heart.beat(Timestamp(10_000)), Beat::End(Disconnect::Stale));
    }

    #[test]
    fn a_ping_goes_out_every_25_seconds_and_wants_an_answer_in_10() {
        let mut heart = heart();
        heart.greeted(None, Timestamp(1_000));
        assert_eq!(
            (heart.next(), heart.beat(Timestamp(25_999))),
            (Timestamp(26_000), Beat::Nothing)
        );
        assert_eq!(
            (heart.beat(Timestamp(26_000)), heart.next()),
            (Beat::Ping, Timestamp(36_000))
        );
        heart.answered();
        assert_eq!(
            (heart.beat(Timestamp(36_000)), heart.next()),
            (Beat::Nothing, Timestamp(51_000))
        );
        assert_eq!(heart.beat(Timestamp(51_000)), Beat::Ping);
        assert_eq!(heart.beat(Timestamp(60_999)), Beat::Nothing);
        assert_eq!(heart.beat(Timestamp(61_000)), Beat::End(Disconnect::NoPong));
    }

    #[test]
    fn a_token_that_is_not_renewed_ends_the_connection() {
        let mut heart = heart();
        heart.greeted(Some(Timestamp(5_000)), Timestamp(0));
        assert_eq!(heart.beat(Timestamp(25_000)), Beat::Ping);
        heart.answered();
        heart.greeted(Some(Timestamp(40_000)), Timestamp(26_000));
        assert_eq!(heart.beat(Timestamp(30_000)), Beat::Nothing);
        assert_eq!(heart.beat(Timestamp(65_000)), Beat::End(Disconnect::Expired));
    }
}
