//! The words both sides of Pulsecast speak. Serde types only: this crate compiles to WebAssembly, does no I/O and has no clock,
//! so server and browser cannot disagree about a message. Every message has a golden JSON file in `golden/`.
#![warn(missing_docs)]

pub mod access;
pub mod account;
pub mod api_key;
pub mod beacon;
pub mod channel;
pub mod data;
pub mod error;
pub mod exclude;
pub mod feed;
pub mod id;
pub mod live;
pub mod stats;
pub mod time;
pub mod visitor;
pub mod wire;

pub use channel::{Channel, Position};
pub use error::{ApiError, ErrorCode, FieldErrors};
pub use id::{Domain, HostPattern, Origin, Pathname};
pub use time::Timestamp;
