//! What the owner decides about a site.

use crate::failure::Failure;
use leptos::prelude::*;
use leptos::server_fn::codec::GetUrl;
use pulsecast_protocol::{
    Domain,
    account::{Role, SiteSettings},
};
use serde::{Deserialize, Serialize};

/// All that the settings page shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SettingsPage {
    /// What is set.
    pub site: SiteSettings,
    /// What the asker may do with the site.
    pub role: Role,
    /// Where the server is reached, for the snippet.
    pub public_url: String,
    /// Names of the zones there are.
    pub timezones: Vec<String>,
}

/// The settings page of one site.
///
/// # Errors
/// When the site is not there for the asker.
#[server(prefix = "/fn", endpoint = "settings", input = GetUrl)]
pub async fn load_settings(domain: Domain) -> Result<SettingsPage, Failure> {
    let api = crate::platform::api()?;
    Ok(SettingsPage {
        role: api.role(domain.clone()).await?,
        site: api.site(domain).await?,
        public_url: api.public_url(),
        timezones: api.timezones(),
    })
}

/// Names of the time zones a site can have.
///
/// # Errors
/// When the server cannot be reached.
#[server(prefix = "/fn", endpoint = "timezones", input = GetUrl)]
pub async fn load_timezones() -> Result<Vec<String>, Failure> {
    Ok(crate::platform::api()?.timezones())
}

/// Changes the settings of a site.
///
/// # Errors
/// When a field cannot be read, or the site is not there for the asker.
#[server(prefix = "/fn", endpoint = "save-site")]
pub async fn save_site(
    domain: Domain,
    timezone: String,
    hostnames: String,
    origins: String,
    ip_display: String,
    #[server(default)] any_origin: Option<String>,
) -> Result<(), Failure> {
    let save = async {
        let form = crate::forms::Settings {
            timezone: &timezone,
            hostnames: &hostnames,
            origins: &origins,
            ip_display: &ip_display,
            any_origin: any_origin.as_deref(),
        };
        let api = crate::platform::api()?;
        let before = api.site(domain.clone()).await?;
        Ok(api.save_site(form.read(before)?).await?)
    };
    let any_origin = any_origin.as_deref().unwrap_or_default();
    let typed = [
        ("timezone", timezone.as_str()),
        ("hostnames", &hostnames),
        ("origins", &origins),
        ("ip_display", &ip_display),
        ("any_origin", any_origin),
    ];
    save.await.map_err(|failure: Failure| failure.with_typed(typed))?;
    crate::platform::send_to(&format!("/sites/{domain}/settings?saved=1"));
    Ok(())
}

/// Removes a site for good, if its domain was typed to confirm it.
///
/// # Errors
/// When it was not, or the site is not there for the asker.
#[server(prefix = "/fn", endpoint = "remove-site")]
pub async fn remove_site(domain: Domain, confirm: String) -> Result<(), Failure> {
    let remove = async {
        crate::forms::confirmed(&domain, &confirm)?;
        Ok(crate::platform::api()?.remove_site(domain.clone()).await?)
    };
    remove
        .await
        .map_err(|failure: Failure| failure.with_typed([("confirm", confirm.as_str())]))?;
    crate::platform::send_to("/");
    Ok(())
}
