//! An event's way from the request to the disk: admit, reject bots, enrich, inbox. Each event ends in exactly one [`Outcome`].

mod backlog;
mod feeder;
pub mod firsts;
mod outcome;
mod recovery;
pub mod salts;
mod stages;
mod writer;

pub use feeder::run as run_feeder;
pub use outcome::{DropReason, Outcome, Overload};
pub use recovery::{Recovered, RecoveryError, drain, recover};
pub use stages::{Sender, Tables};
pub use writer::{Inbox, Writer};

pub use backlog::Backlog;

use crate::{clock::SharedClock, sites::Sites};
use pulsecast_protocol::beacon::Beacon;
use std::sync::Arc;

/// Takes events. A cheap handle.
#[derive(Clone, Debug)]
pub struct Ingest(Arc<Shared>);

/// Behind one reference, not one each: a request clones the handle, and both processors count references in the same place.
#[derive(Debug)]
struct Shared {
    sites: Sites,
    tables: Tables,
    inbox: Inbox,
    clock: SharedClock,
}

impl Ingest {
    /// Takes events for these sites into this inbox.
    #[must_use]
    pub fn new(sites: Sites, tables: Tables, inbox: Inbox, clock: SharedClock) -> Self {
        Self(Arc::new(Shared {
            sites,
            tables,
            inbox,
            clock,
        }))
    }

    /// Takes one report, for every site that it names. When it is accepted, it is on disk. A report for several sites answers with the
    /// worst of its outcomes.
    pub async fn take(&self, beacon: Beacon, sender: &Sender) -> Outcome {
        let domains = beacon.domains.clone();
        let mut worst = Outcome::Accepted;
        for domain in &domains {
            let outcome = self.take_for(beacon.clone(), domain, sender).await;
            count(&outcome);
            if outcome != Outcome::Accepted {
                worst = outcome;
            }
        }
        worst
    }

    async fn take_for(&self, beacon: Beacon, domain: &str, sender: &Sender) -> Outcome {
        let Shared {
            sites,
            tables,
            inbox,
            clock,
        } = &*self.0;
        let prepared = || {
            let admitted = stages::admit(beacon, domain, sites)?;
            let human = stages::reject_bots(admitted, sender, &tables.agents)?;
            stages::enrich(human, sender, tables, clock.now())
        };
        match prepared() {
            Ok((_, hit)) => match inbox.put(hit, sender.ip).await {
                Ok(()) => Outcome::Accepted,
                Err(why) => Outcome::Overloaded(why),
            },
            Err(outcome) => outcome,
        }
    }
}

/// Counts an outcome under its name.
pub fn count(outcome: &Outcome) {
    metrics::counter!("pulsecast_events_total", "outcome" => outcome.name()).increment(1);
}
