//! The stats dashboard.

use crate::{board::page::BoardPage, failure::Failure};
use leptos::prelude::*;
use leptos::server_fn::codec::GetUrl;
use pulsecast_protocol::Domain;

/// The dashboard of one site, in the state that an address names.
///
/// # Errors
/// When the site is not there for the asker.
#[server(prefix = "/fn", endpoint = "board", input = GetUrl)]
pub async fn load_board(domain: Domain, search: String) -> Result<BoardPage, Failure> {
    Ok(crate::platform::api()?.board(domain, search).await?)
}
