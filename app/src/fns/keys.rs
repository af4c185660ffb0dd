//! A site's API keys.

use super::goals::Section;
use crate::failure::Failure;
use leptos::prelude::*;
use leptos::server_fn::codec::GetUrl;
use pulsecast_protocol::{Domain, api_key::KeysView};

/// The keys of one site.
///
/// # Errors
/// When the site is not there for the asker, or not theirs to manage.
#[server(prefix = "/fn", endpoint = "keys", input = GetUrl)]
pub async fn load_keys(domain: Domain) -> Result<Section<KeysView>, Failure> {
    let api = crate::platform::api()?;
    Ok(Section {
        role: api.role(domain.clone()).await?,
        body: api.keys(domain.clone()).await?,
        domain,
    })
}

/// Makes a key and goes to the page that shows it.
///
/// # Errors
/// When the name is none, or the site is not theirs to manage.
#[server(prefix = "/fn", endpoint = "add-key")]
pub async fn add_key(domain: Domain, name: String, right: String, reach: String) -> Result<(), Failure> {
    let add = async {
        let (right, reach) = crate::forms::key(&right, &reach)?;
        let api = crate::platform::api()?;
        Ok(api.add_key(domain.clone(), name.clone(), right, reach).await?)
    };
    let typed = [("name", name.as_str()), ("right", &right), ("reach", &reach)];
    add.await.map_err(|failure: Failure| failure.with_typed(typed))?;
    crate::platform::send_to(&format!("/sites/{domain}/keys"));
    Ok(())
}

/// Makes a key worthless.
///
/// # Errors
/// When there is no such key, or the site is not theirs to manage.
#[server(prefix = "/fn", endpoint = "revoke-key")]
pub async fn revoke_key(domain: Domain, id: i64) -> Result<(), Failure> {
    let revoke = async { Ok(crate::platform::api()?.revoke_key(domain.clone(), id).await?) };
    revoke.await.map_err(|failure: Failure| failure.with_typed([]))?;
    crate::platform::send_to(&format!("/sites/{domain}/keys?done=removed"));
    Ok(())
}
