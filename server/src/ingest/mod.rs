//! An event's way from the request to the disk: admit, reject bots, enrich, inbox. Each event ends in exactly one [`Outcome`].

mod backlog;
mod feeder;
pub mod firsts;
pub mod import;
mod outcome;
mod recovery;
pub mod retention;
pub mod salts;
mod stages;
mod writer;

pub use feeder::{Ears, Ended, run as run_feeder};
pub use outcome::{DropReason, Outcome, Overload};
pub use recovery::{Recovered, RecoveryError, drain, recover};
pub use stages::{Sender, Tables};
pub use writer::{Inbox, Writer};

pub use backlog::Backlog;

use crate::{clock::SharedClock, sites::Sites};
use pulsecast_protocol::{FieldErrors, beacon::Beacon};
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
    /// last of its outcomes that is not acceptance.
    pub async fn take(&self, mut beacon: Beacon, sender: &Sender) -> Outcome {
        let mut domains = std::mem::take(&mut beacon.domains);
        let Some(last) = domains.pop() else {
            let outcome = Outcome::Invalid(FieldErrors::one("domain", "is required"));
            count(&outcome);
            return outcome;
        };
        let mut answer = Outcome::Accepted;
        for domain in &domains {
            let outcome = self.take_for(beacon.clone(), domain, sender).await;
            if outcome != Outcome::Accepted {
                answer = outcome;
            }
        }
        // Nearly every report is for one site: it is not copied.
        match self.take_for(beacon, &last, sender).await {
            Outcome::Accepted => answer,
            outcome => outcome,
        }
    }

    async fn take_for(&self, beacon: Beacon, domain: &str, sender: &Sender) -> Outcome {
        let Shared {
            sites,
            tables,
            inbox,
            clock,
        } = &*self.0;
        let outcome = match stages::prepare(beacon, domain, sender, sites, tables, clock.now()) {
            Ok(hit) => match inbox.put(hit, sender.ip).await {
                Ok(()) => Outcome::Accepted,
                Err(why) => Outcome::Overloaded(why),
            },
            Err(outcome) => outcome,
        };
        count(&outcome);
        outcome
    }
}

/// Counts an outcome under its name.
pub fn count(outcome: &Outcome) {
    metrics::counter!("pulsecast_events_total", "outcome" => outcome.name()).increment(1);
}
