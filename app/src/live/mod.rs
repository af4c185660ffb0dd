//! The browser's side of the push: one socket for all pages, and the state that its messages make.
//!
//! `session` (what to say and what the answers mean; `frames` are the words), `backoff` (when to come back), `reduce` and `rows` (what a change does to the state of a
//! live page and to the answer of a query) are pure and tested natively; `socket` alone touches the network; `store` turns the state into signals.

pub mod backoff;
mod frames;
pub mod reduce;
pub mod rows;
pub mod session;
#[cfg_attr(feature = "ssr", path = "socket_ssr.rs")]
#[cfg_attr(not(feature = "ssr"), path = "socket.rs")]
pub mod socket;
pub mod status;
pub mod store;

pub use rows::Answer;
pub use socket::Socket;
pub use status::Status;
pub use store::LiveStore;
