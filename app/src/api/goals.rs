//! What the screens need of a server for goals, funnels and segments.

use async_trait::async_trait;
use pulsecast_protocol::{
    ApiError, Domain,
    access::{GoalDraft, SegmentDraft, SegmentView},
    stats::{Filter, Funnel, Goal},
};

/// As [`super::Api`]: every method checks by itself whether the asker may.
#[async_trait]
pub trait GoalsApi: Send + Sync + 'static {
    /// The site's goals.
    async fn goals(&self, domain: Domain) -> Result<Vec<Goal>, ApiError>;

    /// Adds one.
    async fn add_goal(&self, domain: Domain, goal: GoalDraft) -> Result<(), ApiError>;

    /// Replaces one; segments that name it follow.
    async fn change_goal(&self, domain: Domain, id: i64, goal: GoalDraft) -> Result<(), ApiError>;

    /// Removes one that no funnel is made of and no shared segment names.
    async fn remove_goal(&self, domain: Domain, goal: i64) -> Result<(), ApiError>;

    /// The site's funnels.
    async fn funnels(&self, domain: Domain) -> Result<Vec<Funnel>, ApiError>;

    /// Adds one of these goals.
    async fn add_funnel(&self, domain: Domain, name: String, steps: Vec<i64>) -> Result<(), ApiError>;

    /// Replaces one.
    async fn change_funnel(
        &self,
        domain: Domain,
        id: i64,
        name: String,
        steps: Vec<i64>,
    ) -> Result<(), ApiError>;

    /// Removes one.
    async fn remove_funnel(&self, domain: Domain, funnel: i64) -> Result<(), ApiError>;

    /// The segments that the asker may use.
    async fn segments(&self, domain: Domain) -> Result<Vec<SegmentView>, ApiError>;

    /// Saves a filter; answers its number. Shared ones take the right to edit goals.
    async fn add_segment(&self, domain: Domain, segment: SegmentDraft) -> Result<i64, ApiError>;

    /// Replaces one.
    async fn save_segment(&self, domain: Domain, id: i64, segment: SegmentDraft) -> Result<(), ApiError>;

    /// Adds these to what one filters.
    async fn narrow_segment(&self, domain: Domain, id: i64, filters: Vec<Filter>) -> Result<(), ApiError>;

    /// Removes one that no shared link is limited to.
    async fn remove_segment(&self, domain: Domain, segment: i64) -> Result<(), ApiError>;
}
