//! The Centrifugo client protocol in JSON (<https://centrifugal.dev/docs/transports/client_protocol>): what a client commands, what
//! the server replies and pushes. Frames are newline-separated JSON objects; `{}` is the server's ping and the client's pong.

pub mod code;
mod command;
mod http;
mod reply;

pub use command::*;
pub use http::*;
pub use reply::*;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// A payload that is passed on as it came, without being read.
pub type Raw = Box<RawValue>;

/// `{}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Empty {}

fn is_zero(n: &u64) -> bool {
    *n == 0
}

fn is_false(b: &bool) -> bool {
    !*b
}

#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_zero_u32(n: &u32) -> bool {
    *n == 0
}
