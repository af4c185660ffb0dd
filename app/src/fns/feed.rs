//! A site's feed, as its editors see it. What they post goes to routes of the server's own.

use crate::failure::Failure;
use leptos::prelude::*;
use leptos::server_fn::codec::GetUrl;
use pulsecast_protocol::{Domain, feed::FeedPage};

/// The feed of a site, with the item of this number being written.
///
/// # Errors
/// When the site is not there for the asker, or they are no editor of it.
#[server(prefix = "/fn", endpoint = "feed", input = GetUrl)]
pub async fn load_feed(domain: Domain, #[server(default)] edit: Option<i64>) -> Result<FeedPage, Failure> {
    Ok(crate::platform::api()?.feed(domain, edit).await?)
}
