//! The sites and what moves on them.

use crate::failure::Failure;
use leptos::prelude::*;
use leptos::server_fn::codec::GetUrl;
use pulsecast_protocol::{
    Domain,
    account::{SiteSettings, SiteSummary},
    live::LiveState,
};
use serde::{Deserialize, Serialize};

/// All that the live page of a site starts from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LivePage {
    /// The site.
    pub site: SiteSettings,
    /// Whether an event has ever arrived.
    pub has_events: bool,
    /// What is on the screen.
    pub live: LiveState,
    /// Where the server is reached, for the snippet.
    pub public_url: String,
}

/// The asker's sites.
///
/// # Errors
/// When nobody is signed in.
#[server(prefix = "/fn", endpoint = "sites", input = GetUrl)]
pub async fn load_sites() -> Result<Vec<SiteSummary>, Failure> {
    Ok(crate::platform::api()?.sites().await?)
}

/// The live page of one site.
///
/// # Errors
/// When the site is not there for the asker.
#[server(prefix = "/fn", endpoint = "live", input = GetUrl)]
pub async fn load_live(domain: Domain) -> Result<LivePage, Failure> {
    let api = crate::platform::api()?;
    let (site, has_events) = (
        api.site(domain.clone()).await?,
        api.has_events(domain.clone()).await?,
    );
    Ok(LivePage {
        site,
        has_events,
        live: api.live(domain).await?,
        public_url: api.public_url(),
    })
}

/// Adds a site and goes to its page.
///
/// # Errors
/// When the domain or the zone is not one, or the site is there already.
#[server(prefix = "/fn", endpoint = "add-site")]
pub async fn add_site(domain: String, timezone: String) -> Result<(), Failure> {
    let add = async {
        let domain = crate::forms::domain(&domain)?;
        Ok(crate::platform::api()?
            .add_site(domain.into(), timezone.trim().to_owned())
            .await?)
    };
    let typed = [("domain", domain.as_str()), ("timezone", timezone.as_str())];
    let site = add.await.map_err(|failure: Failure| failure.with_typed(typed))?;
    crate::platform::send_to(&format!("/sites/{}/live", site.domain));
    Ok(())
}
