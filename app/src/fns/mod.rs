//! Server functions: who asks, ask the port, answer. The browser sees them as calls; their bodies exist on the server only.

pub mod access;
pub mod board;
pub mod data;
pub mod feed;
pub mod goals;
pub mod keys;
pub mod me;
pub mod people;
pub mod settings;
pub mod sites;
pub mod visitors;
