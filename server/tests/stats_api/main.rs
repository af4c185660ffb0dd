//! The Stats API of the real binary over a history whose figures are known: what it answers, what its description says, and what clients
//! that others wrote make of it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "a test may fail, and has threads of its own"
)]

mod clients;
mod description;
mod known;
mod schema;

/// The history in the format of exports.
#[path = "../stats_oracle/known/lines.rs"]
#[allow(dead_code, reason = "only read here")]
mod lines;
/// The real binary.
#[path = "../process/program.rs"]
#[allow(dead_code, reason = "not all is needed here")]
mod program;
mod world;
