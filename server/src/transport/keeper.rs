//! The one task that watches all connections: pings, pongs, stale ones, and telling everybody when the server goes down. A connection that
//! is idle costs an entry in a list, no task and no timer.

use super::{
    TransportState,
    heart::{Beat, Heart},
};
use crate::{
    gate::{SessionKey, Visitor},
    hub::{Disconnect, Outbox},
    sites::AccountId,
};
use bytes::Bytes;
use parking_lot::Mutex;
use pulsecast_protocol::Timestamp;
use std::{
    collections::BTreeMap,
    sync::{Arc, Weak},
    time::Duration,
};

/// The server's ping.
const PING: Bytes = Bytes::from_static(b"{}");
/// How long connections may take to say goodbye when the server goes down, once they have been told.
const FAREWELL: Duration = Duration::from_secs(5);
/// How often some of them are told.
const PORTION: Duration = Duration::from_millis(20);
/// So many at least: the few connections of a small server are told soon.
const FEW: usize = 5;

/// What keeper and connection share.
#[derive(Debug)]
pub struct Line {
    /// Whose cookie it came with.
    pub(super) came_with: (Option<AccountId>, Option<SessionKey>),
    /// Whom sites vouch for: they may turn them away.
    pub(super) visitors: Mutex<Vec<Arc<Visitor>>>,
    pub(super) outbox: Outbox,
    pub(super) heart: Mutex<Heart>,
}

/// All connections, by the second in which they are due.
#[derive(Debug, Default)]
pub struct Keeper(Mutex<BTreeMap<i64, Vec<Weak<Line>>>>);

impl Keeper {
    pub(super) fn keep(&self, line: &Arc<Line>) {
        let due = line.heart.lock().next();
        self.file(due, Arc::downgrade(line));
    }

    /// Looks at all that are due. Under one lock, so that whoever ends connections meanwhile finds all of them.
    pub(super) fn look(&self, now: Timestamp) {
        let mut lines = self.0.lock();
        // What is filed under a second is due when that second is over, so that none is looked at too early.
        while let Some(due) = first_due(&mut lines, second(now)) {
            for line in due {
                let Some(kept) = line.upgrade() else { continue };
                let (beat, next) = {
                    let mut heart = kept.heart.lock();
                    (heart.beat(now), heart.next())
                };
                match beat {
                    Beat::Nothing => {}
                    Beat::Ping => {
                        let _queued = kept.outbox.reply(PING);
                    }
                    Beat::End(why) => kept.outbox.cut(why),
                }
                // At least a second on: this look must end.
                let next = second(next.max(now.plus(1_000)));
                lines.entry(next).or_default().push(line);
            }
        }
    }

    pub(super) fn cut_all(&self, why: Disconnect) {
        self.cut(why, |_| true);
    }

    /// Ends all connections that are meant.
    pub(super) fn cut(&self, why: Disconnect, is_meant: impl Fn(&Line) -> bool) {
        let lines = self.0.lock();
        let alive = lines.values().flatten().filter_map(Weak::upgrade);
        for line in alive.filter(|line| is_meant(line)) {
            line.outbox.cut(why);
        }
    }

    /// All that are alive, in the order in which they are due, which nobody chose.
    fn alive(&self) -> Vec<Arc<Line>> {
        let lines = self.0.lock();
        lines.values().flatten().filter_map(Weak::upgrade).collect()
    }

    /// Ends all connections, a few at a time, so that those who come back do not come all at once.
    async fn drain(&self, over: Duration) {
        let lines = self.alive();
        let portions = over.as_millis() / PORTION.as_millis();
        let portion = lines
            .len()
            .div_ceil(usize::try_from(portions).unwrap_or(1).max(1));
        for some in lines.chunks(portion.max(FEW)) {
            some.iter().for_each(|line| line.outbox.cut(Disconnect::Shutdown));
            tokio::time::sleep(PORTION).await;
        }
    }

    fn file(&self, due: Timestamp, line: Weak<Line>) {
        self.0.lock().entry(second(due)).or_default().push(line);
    }
}

fn first_due(lines: &mut BTreeMap<i64, Vec<Weak<Line>>>, before: i64) -> Option<Vec<Weak<Line>>> {
    let first = lines.first_entry().filter(|first| *first.key() < before)?;
    Some(first.remove())
}

fn second(at: Timestamp) -> i64 {
    at.millis().div_euclid(1_000)
}

pub(super) fn start(state: &TransportState) {
    let state = state.clone();
    let tasks = state.0.tasks.clone();
    tasks.spawn("connection-keeper", async move {
        let services = &state.0;
        let within = services.limits.drain + FAREWELL;
        let mut each = tokio::time::interval(services.limits.keep_every);
        loop {
            tokio::select! {
                () = services.tasks.stopping() => break,
                _ = each.tick() => services.keeper.look(services.clock.now()),
            }
        }
        let farewell = async {
            services.keeper.drain(services.limits.drain).await;
            while services.seats.taken() > 0 {
                services.keeper.cut_all(Disconnect::Shutdown);
                tokio::time::sleep(PORTION).await;
            }
        };
        if tokio::time::timeout(within, farewell).await.is_err() {
            tracing::warn!(
                connections = services.seats.taken(),
                "some connections did not close in time"
            );
        }
    });
}
