//! Feeds for their screen: who may see what is planned is who may publish.

use super::RequestApi;
use crate::auth::rights::Right;
use async_trait::async_trait;
use pulsecast_app::api::FeedApi;
use pulsecast_protocol::{ApiError, Domain, feed::FeedPage};

#[async_trait]
impl FeedApi for RequestApi {
    async fn feed(&self, domain: Domain, edit: Option<i64>) -> Result<FeedPage, ApiError> {
        let site = self.site_for(&domain, Right::EditFeed)?;
        let feed = self.state.feed()?;
        let editing = match edit {
            Some(id) => Some(feed.editing(&site, id).await?),
            None => None,
        };
        Ok(FeedPage {
            timezone: site.settings.timezone.clone(),
            open: feed.open_pages(&site),
            entries: feed.entries(&site).await?,
            editing,
            public_url: self.base_url.clone(),
            domain,
        })
    }
}
