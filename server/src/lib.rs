//! The Pulsecast server. ARCHITECTURE.md has the map and the table of who may use whom.

pub mod auth;
pub mod board;
pub mod boot;
pub mod cli;
pub mod clock;
pub mod config;
pub mod dev;
pub mod enrich;
pub mod event;
pub mod feed;
pub mod fetch;
pub mod gate;
pub mod health;
pub mod http;
pub mod hub;
pub mod ingest;
pub mod live;
pub mod metrics;
pub mod period;
pub mod sessions;
pub mod sites;
pub mod ssr;
pub mod stats;
pub mod store;
pub mod tasks;
pub mod transport;
