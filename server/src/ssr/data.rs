//! Imports and exports, as their screen needs them.

use super::RequestApi;
use crate::{auth::rights::Right, http::import};
use async_trait::async_trait;
use pulsecast_app::api::DataApi;
use pulsecast_protocol::{ApiError, Domain, ErrorCode, data::DataPage};

#[async_trait]
impl DataApi for RequestApi {
    async fn data(&self, domain: Domain) -> Result<DataPage, ApiError> {
        let site = self.site_for(&domain, Right::Manage)?;
        let away = || {
            ApiError::new(
                ErrorCode::Unavailable,
                "the event store does not answer now: try again in a moment",
            )
        };
        let importer = self.state.importer.as_ref().ok_or_else(away)?;
        let page = import::page(importer, &site, self.state.config.import_limit).await;
        page.map_err(|error| {
            tracing::error!(%error, "imports cannot be listed");
            away()
        })
    }
}
