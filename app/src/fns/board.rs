//! The stats dashboard.

use crate::{
    board::page::{BoardPage, FunnelPage, RetentionPage},
    failure::Failure,
};
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

/// The funnels of one site, one of them counted.
///
/// # Errors
/// When the site is not there for the asker.
#[server(prefix = "/fn", endpoint = "funnel-page", input = GetUrl)]
pub async fn load_funnels(domain: Domain, search: String) -> Result<FunnelPage, Failure> {
    Ok(crate::platform::api()?.funnel_page(domain, search).await?)
}

/// Who comes back to one site.
///
/// # Errors
/// When the site is not there for the asker.
#[server(prefix = "/fn", endpoint = "retention-page", input = GetUrl)]
pub async fn load_retention(domain: Domain, search: String) -> Result<RetentionPage, Failure> {
    Ok(crate::platform::api()?.retention(domain, search).await?)
}
