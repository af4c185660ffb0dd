//! Shared links, exclusions, retention and the audit trail.

use super::goals::Section;
use crate::failure::Failure;
use leptos::prelude::*;
use leptos::server_fn::codec::GetUrl;
use pulsecast_protocol::{
    Domain,
    access::{ChangeView, LinkView, PeopleView, SegmentView, Shared},
    account::SiteSettings,
};
use serde::{Deserialize, Serialize};

/// All that the page of shared links shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Links {
    /// The links.
    pub links: Vec<LinkView>,
    /// What they can be limited to.
    pub segments: Vec<SegmentView>,
    /// Where the server is reached.
    pub public_url: String,
}

/// The shared links of a site.
///
/// # Errors
/// When the asker may not know.
#[server(prefix = "/fn", endpoint = "links", input = GetUrl)]
pub async fn load_links(domain: Domain) -> Result<Section<Links>, Failure> {
    let api = crate::platform::api()?;
    let mut segments = api.segments(domain.clone()).await?;
    segments.retain(|segment| segment.segment.shared);
    Ok(Section {
        role: api.role(domain.clone()).await?,
        body: Links {
            links: api.links(domain.clone()).await?,
            segments,
            public_url: api.public_url(),
        },
        domain,
    })
}

/// Makes a shared link; the page then shows its address.
///
/// # Errors
/// When a field cannot be read, or the asker may not.
#[server(prefix = "/fn", endpoint = "add-link")]
pub async fn add_link(
    domain: Domain,
    name: String,
    #[server(default)] password: String,
    #[server(default)] segment: String,
    #[server(default)] expires: String,
    #[server(default)] embed: Option<String>,
) -> Result<(), Failure> {
    let add = async {
        let draft = crate::forms::access::link(&name, &password, &segment, &expires, embed.is_some())?;
        Ok(crate::platform::api()?.add_link(domain.clone(), draft).await?)
    };
    let typed = [
        ("name", name.as_str()),
        ("segment", &segment),
        ("expires", &expires),
        ("embed", embed.as_deref().unwrap_or_default()),
    ];
    let slug = add.await.map_err(|failure: Failure| failure.with_typed(typed))?;
    let framed = if embed.is_some() { "&framed=1" } else { "" };
    crate::platform::send_to(&format!("/sites/{domain}/settings/links?made={slug}{framed}"));
    Ok(())
}

/// Changes a shared link's name, password and end; what is left empty stays as it is.
///
/// # Errors
/// When a field cannot be read, or the asker may not.
#[server(prefix = "/fn", endpoint = "change-link")]
pub async fn change_link(
    domain: Domain,
    id: i64,
    name: String,
    #[server(default)] password: String,
    #[server(default)] no_password: Option<String>,
    #[server(default)] expires: String,
    #[server(default)] never: Option<String>,
) -> Result<(), Failure> {
    let change = async {
        let (open, endless) = (no_password.is_some(), never.is_some());
        let edit = crate::forms::access::link_edit(&name, &password, open, &expires, endless)?;
        Ok(crate::platform::api()?
            .change_link(domain.clone(), id, edit)
            .await?)
    };
    let typed = [
        ("name", name.as_str()),
        ("no_password", no_password.as_deref().unwrap_or_default()),
        ("expires", &expires),
        ("never", never.as_deref().unwrap_or_default()),
    ];
    change
        .await
        .map_err(|failure: Failure| failure.with_typed(typed))?;
    crate::platform::send_to(&format!("/sites/{domain}/settings/links?done=link"));
    Ok(())
}

/// Removes a shared link.
///
/// # Errors
/// When the asker may not.
#[server(prefix = "/fn", endpoint = "remove-link")]
pub async fn remove_link(domain: Domain, id: i64) -> Result<(), Failure> {
    crate::platform::api()?.remove_link(domain.clone(), id).await?;
    crate::platform::send_to(&format!("/sites/{domain}/settings/links?done=removed"));
    Ok(())
}

/// What the shared link in the page's own address shows.
///
/// # Errors
/// When the server cannot tell.
#[server(prefix = "/fn", endpoint = "shared", input = GetUrl)]
pub async fn load_shared() -> Result<Shared, Failure> {
    Ok(crate::platform::api()?.shared().await?)
}

/// What a site does not count, and how long it keeps what it does.
///
/// # Errors
/// When the site is not there for the asker.
#[server(prefix = "/fn", endpoint = "exclusions", input = GetUrl)]
pub async fn load_exclusions(domain: Domain) -> Result<Section<SiteSettings>, Failure> {
    let api = crate::platform::api()?;
    Ok(Section {
        role: api.role(domain.clone()).await?,
        body: api.exclusions(domain.clone()).await?,
        domain,
    })
}

/// Replaces what a site does not count.
///
/// # Errors
/// When a list cannot be read, or the asker may not.
#[server(prefix = "/fn", endpoint = "save-exclusions")]
pub async fn save_exclusions(
    domain: Domain,
    ips: String,
    paths: String,
    hostnames: String,
    countries: String,
) -> Result<(), Failure> {
    let save = async {
        let lists = crate::forms::access::exclusions(&ips, &paths, &hostnames, &countries)?;
        Ok(crate::platform::api()?
            .save_exclusions(domain.clone(), lists)
            .await?)
    };
    let typed = [
        ("ips", ips.as_str()),
        ("paths", &paths),
        ("hostnames", &hostnames),
        ("countries", &countries),
    ];
    save.await.map_err(|failure: Failure| failure.with_typed(typed))?;
    crate::platform::send_to(&format!("/sites/{domain}/settings/exclusions?done=saved"));
    Ok(())
}

/// Changes how long events are kept.
///
/// # Errors
/// When it is no number of days, or the asker may not.
#[server(prefix = "/fn", endpoint = "save-retention")]
pub async fn save_retention(domain: Domain, #[server(default)] days: String) -> Result<(), Failure> {
    let save = async {
        let kept = crate::forms::access::retention(&days)?;
        Ok(crate::platform::api()?
            .save_retention(domain.clone(), kept)
            .await?)
    };
    save.await
        .map_err(|failure: Failure| failure.with_typed([("days", days.as_str())]))?;
    crate::platform::send_to(&format!("/sites/{domain}/settings/exclusions?done=saved"));
    Ok(())
}

/// The site's changes before the one of this number.
///
/// # Errors
/// When the asker may not know.
#[server(prefix = "/fn", endpoint = "changes", input = GetUrl)]
pub async fn load_changes(
    domain: Domain,
    #[server(default)] before: Option<i64>,
) -> Result<Section<Vec<ChangeView>>, Failure> {
    let api = crate::platform::api()?;
    Ok(Section {
        role: api.role(domain.clone()).await?,
        body: api.changes(domain.clone(), before).await?,
        domain,
    })
}

/// The ends of a site, or of being its member.
///
/// # Errors
/// When the site is not there for the asker.
#[server(prefix = "/fn", endpoint = "danger", input = GetUrl)]
pub async fn load_danger(domain: Domain) -> Result<Section<Option<PeopleView>>, Failure> {
    let api = crate::platform::api()?;
    Ok(Section {
        role: api.role(domain.clone()).await?,
        // Only admins see who else is there; everybody may leave.
        body: api.people(domain.clone()).await.ok(),
        domain,
    })
}
