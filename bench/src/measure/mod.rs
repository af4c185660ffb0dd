//! The measurements, each a file that says what it does to the server and what it reads.

pub mod dashboard;
pub mod fanout;
pub mod ingest;
pub mod live_queries;
mod page;
pub mod readers;
pub mod stalled;
pub mod stats;
pub mod store;
