//! The program as its operator meets it: the real binary on a free port, its files, its end.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may fail, and has threads of its own"
)]

mod bad_input;
mod command_line;
mod costs;
mod dev;
mod durability;
mod exports;
mod failures;
mod imports;
mod live_queries;
mod program;
mod push_sdk;
mod rights;
mod store_failures;
mod streams;
