//! What goes into a site and out of it.

use super::goals::Section;
use crate::failure::Failure;
use leptos::prelude::*;
use leptos::server_fn::codec::GetUrl;
use pulsecast_protocol::{Domain, data::DataPage};

/// Imports, and how far they are.
///
/// # Errors
/// When the site is not there for the asker, or not theirs to manage.
#[server(prefix = "/fn", endpoint = "data", input = GetUrl)]
pub async fn load_data(domain: Domain) -> Result<Section<DataPage>, Failure> {
    let api = crate::platform::api()?;
    Ok(Section {
        role: api.role(domain.clone()).await?,
        body: api.data(domain.clone()).await?,
        domain,
    })
}
