//! Who is looking.

use crate::failure::Failure;
use leptos::prelude::*;
use leptos::server_fn::codec::GetUrl;
use pulsecast_protocol::account::Viewer;

/// Who is signed in, if anybody.
///
/// # Errors
/// When the server cannot be reached.
#[server(prefix = "/fn", endpoint = "viewer", input = GetUrl)]
pub async fn who_looks() -> Result<Option<Viewer>, Failure> {
    Ok(crate::platform::api()?.viewer())
}
