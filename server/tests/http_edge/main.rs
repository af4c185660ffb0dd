//! The edge from outside: a real server on a free port, asked by real clients. One file a subject.

mod accounts;
mod assets;
mod limits;
mod login;
mod origin;
mod public;
mod sites;
mod support;
