//! What a site's members have set up: goals, funnels of them, saved filters.

use super::AccountsError;
use crate::{event::SiteId, sites::AccountId};
use async_trait::async_trait;
use pulsecast_protocol::stats::{Filter, GoalKind};

/// A goal that has no number yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewGoal {
    /// What it is called.
    pub name: String,
    /// When it is reached.
    pub kind: GoalKind,
    /// ISO 4217 currency of its revenue.
    pub currency: Option<String>,
}

/// A filter to save.
#[derive(Clone, Debug, PartialEq)]
pub struct NewSegment {
    /// What it is called.
    pub name: String,
    /// Whether all members see it.
    pub shared: bool,
    /// What it filters.
    pub filters: Vec<Filter>,
}

/// Goals, funnels and segments as the server uses them.
#[async_trait]
pub trait GoalBook: Send + Sync + 'static {
    /// Adds a goal; answers its number.
    async fn add_goal(&self, site: SiteId, goal: &NewGoal) -> Result<i64, AccountsError>;

    /// Replaces a goal. Segments that name it follow.
    async fn change_goal(&self, site: SiteId, id: i64, goal: &NewGoal) -> Result<(), AccountsError>;

    /// Removes a goal that no funnel is made of and no shared segment names.
    async fn remove_goal(&self, site: SiteId, goal: i64) -> Result<(), AccountsError>;

    /// Adds a funnel of goals of the same site; answers its number.
    async fn add_funnel(&self, site: SiteId, name: &str, steps: &[i64]) -> Result<i64, AccountsError>;

    /// Replaces a funnel.
    async fn change_funnel(
        &self,
        site: SiteId,
        id: i64,
        name: &str,
        steps: &[i64],
    ) -> Result<(), AccountsError>;

    /// Removes a funnel.
    async fn remove_funnel(&self, site: SiteId, funnel: i64) -> Result<(), AccountsError>;

    /// Saves a filter for this account; answers its number.
    async fn add_segment(
        &self,
        site: SiteId,
        owner: AccountId,
        segment: &NewSegment,
    ) -> Result<i64, AccountsError>;

    /// Replaces a saved filter.
    async fn save_segment(&self, site: SiteId, id: i64, segment: &NewSegment) -> Result<(), AccountsError>;

    /// Removes a saved filter that no shared link is limited to.
    async fn remove_segment(&self, site: SiteId, segment: i64) -> Result<(), AccountsError>;
}
