//! A site's signed-in visitors.

use super::goals::Section;
use crate::failure::Failure;
use leptos::prelude::*;
use leptos::server_fn::codec::GetUrl;
use pulsecast_protocol::{Domain, visitor::VisitorsView};

/// What is decided about a site's visitors.
///
/// # Errors
/// When the site is not there for the asker, or not theirs to manage.
#[server(prefix = "/fn", endpoint = "visitors", input = GetUrl)]
pub async fn load_visitors(domain: Domain) -> Result<Section<VisitorsView>, Failure> {
    let api = crate::platform::api()?;
    Ok(Section {
        role: api.role(domain.clone()).await?,
        body: api.visitors(domain.clone()).await?,
        domain,
    })
}

/// Decides anew whose tokens are believed, who is asked about cookies, and what rooms show.
///
/// # Errors
/// When a field cannot be read, or the site is not theirs to manage.
#[server(prefix = "/fn", endpoint = "save-visitors")]
pub async fn save_visitors(
    domain: Domain,
    tokens: String,
    #[server(default)] key: String,
    #[server(default)] url: String,
    #[server(default)] algorithm: String,
    #[server(default)] endpoint: String,
    #[server(default)] presence: Option<String>,
) -> Result<(), Failure> {
    let save = async {
        let form = crate::forms::visitors::Form {
            tokens: &tokens,
            key: &key,
            url: &url,
            algorithm: &algorithm,
            endpoint: &endpoint,
            presence: presence.as_deref(),
        };
        let api = crate::platform::api()?;
        Ok(api.save_visitors(domain.clone(), form.read()?).await?)
    };
    let typed = [
        ("tokens", tokens.as_str()),
        ("key", &key),
        ("url", &url),
        ("algorithm", &algorithm),
        ("endpoint", &endpoint),
        ("presence", presence.as_deref().unwrap_or_default()),
    ];
    save.await.map_err(|failure: Failure| failure.with_typed(typed))?;
    crate::platform::send_to(&format!("/sites/{domain}/settings/visitors?done=saved"));
    Ok(())
}

/// Makes a new secret and goes to the page that shows it.
///
/// # Errors
/// When the site is not theirs to manage.
#[server(prefix = "/fn", endpoint = "renew-visitor-secret")]
pub async fn renew_visitor_secret(
    domain: Domain,
    #[server(default)] keep_old: Option<String>,
) -> Result<(), Failure> {
    let old = crate::forms::visitors::old_secret(keep_old.is_some());
    let renew = async { Ok(crate::platform::api()?.renew_secret(domain.clone(), old).await?) };
    renew.await.map_err(|failure: Failure| failure.with_typed([]))?;
    crate::platform::send_to(&format!("/sites/{domain}/settings/visitors"));
    Ok(())
}

/// Ends the secret before the present one.
///
/// # Errors
/// When the site is not theirs to manage.
#[server(prefix = "/fn", endpoint = "end-old-visitor-secret")]
pub async fn end_old_visitor_secret(domain: Domain) -> Result<(), Failure> {
    let end = async { Ok(crate::platform::api()?.end_old_secret(domain.clone()).await?) };
    end.await.map_err(|failure: Failure| failure.with_typed([]))?;
    crate::platform::send_to(&format!("/sites/{domain}/settings/visitors?done=removed"));
    Ok(())
}

/// Turns a token or a user away.
///
/// # Errors
/// When it names neither, or the site is not theirs to manage.
#[server(prefix = "/fn", endpoint = "revoke-visitor")]
pub async fn revoke_visitor(domain: Domain, kind: String, name: String) -> Result<(), Failure> {
    let revoke = async {
        let (kind, name) = crate::forms::visitors::revocation(&kind, &name)?;
        Ok(crate::platform::api()?
            .revoke_visitor(domain.clone(), kind, name)
            .await?)
    };
    let typed = [("kind", kind.as_str()), ("name", &name)];
    revoke
        .await
        .map_err(|failure: Failure| failure.with_typed(typed))?;
    crate::platform::send_to(&format!("/sites/{domain}/settings/visitors?done=revoked"));
    Ok(())
}
