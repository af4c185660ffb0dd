//! The edge: one table of routes, one file a resource, one place that picks a status. What a handler needs is in [`AppState`]; `boot` fills it.

pub mod assets;
pub mod caller;
pub mod client_ip;
pub mod config;
pub mod demo;
pub mod event;
pub mod export;
pub mod feed;
pub mod form;
pub mod health;
pub mod import;
pub mod invitation;
pub mod login;
pub mod logout;
pub mod metrics;
pub mod openapi;
pub mod pages;
pub mod pixel;
mod place_names;
mod push;
pub mod routes;
pub mod scripts;
pub mod security;
pub mod serve;
pub mod setup;
pub mod share;
pub mod sites_v1;
pub mod stats_v1;
pub mod stats_v2;
pub mod status;
pub mod token;
pub mod who;

pub use config::{EdgeConfig, PublicUrl};
pub use routes::{Parts, router};
pub use serve::{ServeLimits, serve};

use crate::{
    auth::{Auth, Sessions, Visitors},
    clock::SharedClock,
    feed::Feed,
    health::Health,
    ingest::{Backlog, import::Importer},
    live::Live,
    sites::Sites,
    stats::Stats,
    store::accounts::Accounts,
    transport::TransportState,
};
use export::Exports;
use metrics_exporter_prometheus::PrometheusHandle;
use pulsecast_protocol::{ApiError, Channel, Domain, ErrorCode};
use std::sync::Arc;

/// What the handlers need. A cheap handle.
#[derive(Clone)]
pub struct AppState {
    /// Signing in, and the accounts behind it.
    pub auth: Auth,
    /// Where sessions are kept.
    pub sessions: Sessions,
    /// Sites' signed-in visitors.
    pub visitors: Visitors,
    /// What is held open; ends when somebody signs out.
    pub sockets: TransportState,
    /// Where the event store is told of removed sites.
    pub backlog: Backlog,
    /// All sites.
    pub sites: Sites,
    /// What moves.
    pub live: Live,
    /// What was.
    pub stats: Stats,
    /// What is downloaded.
    pub exports: Exports,
    /// Takes files in; `None` where there is no store.
    pub importer: Option<Importer>,
    /// What editors publish; `None` where there is nowhere to publish to.
    pub feed: Option<Feed>,
    /// Whether the parts work.
    pub health: Health,
    /// Renders the counters; `None` where nobody installed a recorder.
    pub metrics: Option<PrometheusHandle>,
    /// Settings of the edge.
    pub config: Arc<EdgeConfig>,
}

impl AppState {
    /// Who there is and which sites.
    #[must_use]
    pub fn accounts(&self) -> &dyn Accounts {
        &*self.auth.accounts
    }

    /// Forgets what was published on a site that is being removed. What cannot be forgotten now is found by the sweep.
    pub async fn forget_streams(&self, domain: &Domain) {
        let domain = domain.clone();
        let is_of_it = move |name: &str| {
            name.parse::<Channel>()
                .is_ok_and(|channel| *channel.site() == domain)
        };
        if let Err(error) = self.sockets.publishing().hub().erase(is_of_it).await {
            tracing::warn!(%error, "what was published on a removed site stays for now");
        }
    }

    /// What editors publish.
    ///
    /// # Errors
    /// Where there is nowhere to publish to.
    pub fn feed(&self) -> Result<&Feed, ApiError> {
        self.feed
            .as_ref()
            .ok_or_else(|| ApiError::new(ErrorCode::Unavailable, "this server has no feeds"))
    }

    /// What time it is.
    #[must_use]
    pub fn clock(&self) -> &SharedClock {
        &self.auth.clock
    }
}
