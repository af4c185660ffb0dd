//! The edge from outside: a real server on a free port, asked by real clients. One file a subject.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on says where"
)]

mod access;
mod accounts;
mod api_keys;
mod assets;
mod downloads;
mod editing;
mod feed;
mod limits;
mod login;
mod origin;
mod public;
mod publish;
mod segments;
mod sites;
mod sockets;
mod stats_v1;
mod streams;
mod support;
mod trail;
mod visitors;
