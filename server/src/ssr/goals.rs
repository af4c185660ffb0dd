//! Goals, funnels and segments: what members set up.

use super::{RequestApi, invalid};
use crate::{
    auth::rights::{self, Right},
    sites::Site,
    stats::Scope,
    store::accounts::{NewGoal, NewSegment},
};
use async_trait::async_trait;
use pulsecast_app::api::GoalsApi;
use pulsecast_protocol::{
    ApiError, Domain, ErrorCode,
    access::{GoalDraft, SegmentDraft, SegmentView},
    stats::{Filter, Funnel, Goal, Subject},
};
use serde_json::json;
use std::sync::Arc;

/// Most bytes of a saved filter.
const FILTER_BYTES: usize = 20_000;

impl RequestApi {
    /// A segment of the site that the asker may change.
    fn own_segment(&self, site: &Site, id: i64) -> Result<(String, bool), ApiError> {
        let account = self.account()?;
        let saved = site.segments.iter().find(|saved| saved.segment.id == id);
        let saved = saved
            .filter(|saved| saved.segment.shared || saved.owner == Some(account))
            .ok_or_else(|| ApiError::new(ErrorCode::NotFound, "there is no such segment"))?;
        if saved.segment.shared && saved.owner != Some(account) {
            rights::may(site, account, Right::EditGoals)?;
        }
        Ok((saved.segment.name.clone(), saved.segment.shared))
    }

    /// Whether it can be asked, now, by everybody who may use it: whatever is wrong with it would be wrong with each panel that it filters.
    async fn check_segment(&self, site: &Site, draft: &SegmentDraft) -> Result<(), ApiError> {
        if draft.shared {
            rights::may(site, self.account()?, Right::EditGoals)?;
        }
        let size = serde_json::to_string(&draft.filters).map_or(usize::MAX, |text| text.len());
        if draft.filters.is_empty() || size > FILTER_BYTES {
            return Err(invalid(
                "a segment has at least one filter and at most 20000 bytes of them",
            ));
        }
        if draft.filters.iter().any(names_segment) {
            return Err(invalid(
                "a segment cannot be made of segments: write their filters out",
            ));
        }
        let scope = Scope::of(site, Some(self.account()?));
        Ok(self.state.stats.check(&scope, &draft.filters).await?)
    }

    /// What members keep for themselves is nobody else's business, in the trail neither.
    async fn segment_changed(
        &self,
        site: &Arc<Site>,
        action: &str,
        segment: &NewSegment,
    ) -> Result<(), ApiError> {
        if segment.shared {
            let what = json!({"name": segment.name, "filters": segment.filters});
            self.note(Some(site.id), action, what).await?;
        }
        self.reload().await
    }
}

fn names_segment(filter: &Filter) -> bool {
    match filter {
        Filter::And(all) | Filter::Or(all) => all.iter().any(names_segment),
        Filter::Not(one) | Filter::HasDone(one) | Filter::HasNotDone(one) => names_segment(one),
        Filter::Condition(condition) => condition.subject == Subject::Segment,
    }
}

fn new_segment(draft: SegmentDraft) -> NewSegment {
    NewSegment {
        name: draft.name,
        shared: draft.shared,
        filters: draft.filters,
    }
}

#[async_trait]
impl GoalsApi for RequestApi {
    async fn goals(&self, domain: Domain) -> Result<Vec<Goal>, ApiError> {
        Ok(self.visible(&domain)?.goals.to_vec())
    }

    async fn add_goal(&self, domain: Domain, goal: GoalDraft) -> Result<(), ApiError> {
        let site = self.site_for(&domain, Right::EditGoals)?;
        self.room(site.goals.len(), "goals")?;
        let goal = NewGoal {
            name: goal.name,
            kind: goal.kind,
            currency: goal.currency,
        };
        self.state.accounts().add_goal(site.id, &goal).await?;
        let what = json!({"name": goal.name, "goal": goal.kind, "currency": goal.currency});
        self.changed(Some(site.id), "goal.add", what).await
    }

    async fn remove_goal(&self, domain: Domain, goal: i64) -> Result<(), ApiError> {
        let site = self.site_for(&domain, Right::EditGoals)?;
        self.state.accounts().remove_goal(site.id, goal).await?;
        let name = site.goals.iter().find(|g| g.id == goal).map(|g| g.name.as_str());
        self.changed(Some(site.id), "goal.remove", json!({"name": name}))
            .await
    }

    async fn funnels(&self, domain: Domain) -> Result<Vec<Funnel>, ApiError> {
        Ok(self.visible(&domain)?.funnels.to_vec())
    }

    async fn add_funnel(&self, domain: Domain, name: String, steps: Vec<i64>) -> Result<(), ApiError> {
        let site = self.site_for(&domain, Right::EditGoals)?;
        self.room(site.funnels.len(), "funnels")?;
        self.state.accounts().add_funnel(site.id, &name, &steps).await?;
        let label = |step: &i64| site.goals.iter().find(|g| g.id == *step).map(|g| g.name.as_str());
        let steps: Vec<_> = steps.iter().map(label).collect();
        self.changed(Some(site.id), "funnel.add", json!({"name": name, "steps": steps}))
            .await
    }

    async fn remove_funnel(&self, domain: Domain, funnel: i64) -> Result<(), ApiError> {
        let site = self.site_for(&domain, Right::EditGoals)?;
        self.state.accounts().remove_funnel(site.id, funnel).await?;
        let name = site
            .funnels
            .iter()
            .find(|f| f.id == funnel)
            .map(|f| f.name.as_str());
        self.changed(Some(site.id), "funnel.remove", json!({"name": name}))
            .await
    }

    async fn segments(&self, domain: Domain) -> Result<Vec<SegmentView>, ApiError> {
        let site = self.visible(&domain)?;
        let account = self.account()?;
        let may_edit = rights::may(&site, account, Right::EditGoals).is_ok();
        let seen = site.segments.iter().filter_map(|saved| {
            let is_own = saved.owner == Some(account);
            (is_own || saved.segment.shared).then(|| SegmentView {
                segment: saved.segment.clone(),
                is_yours: is_own || may_edit,
            })
        });
        Ok(seen.collect())
    }

    async fn add_segment(&self, domain: Domain, draft: SegmentDraft) -> Result<i64, ApiError> {
        let site = self.visible(&domain)?;
        self.room(site.segments.len(), "segments")?;
        self.check_segment(&site, &draft).await?;
        let segment = new_segment(draft);
        let id = self
            .state
            .accounts()
            .add_segment(site.id, self.account()?, &segment)
            .await?;
        self.segment_changed(&site, "segment.add", &segment).await?;
        Ok(id)
    }

    async fn save_segment(&self, domain: Domain, id: i64, draft: SegmentDraft) -> Result<(), ApiError> {
        let site = self.visible(&domain)?;
        let (_, was_shared) = self.own_segment(&site, id)?;
        self.check_segment(&site, &draft).await?;
        let limits_a_link = site.links.iter().any(|link| link.segment == Some(id));
        if limits_a_link {
            // What a link's holders see is a matter of links.
            rights::may(&site, self.account()?, Right::Manage)?;
            if was_shared && !draft.shared {
                return Err(ApiError::new(
                    ErrorCode::Conflict,
                    "a shared link is limited to this segment: it has to stay shared",
                ));
            }
        }
        let segment = new_segment(draft);
        self.state.accounts().save_segment(site.id, id, &segment).await?;
        self.segment_changed(&site, "segment.change", &segment).await
    }

    async fn remove_segment(&self, domain: Domain, segment: i64) -> Result<(), ApiError> {
        let site = self.visible(&domain)?;
        let (name, shared) = self.own_segment(&site, segment)?;
        self.state.accounts().remove_segment(site.id, segment).await?;
        if shared {
            self.note(Some(site.id), "segment.remove", json!({"name": name}))
                .await?;
        }
        self.reload().await
    }
}
