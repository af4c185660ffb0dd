//! Goals, funnels and segments: what members set up.

use super::{RequestApi, invalid};
use crate::{
    auth::rights::{self, Right},
    sites::Site,
    stats::Scope,
    store::accounts::{Accounts, NewGoal, NewSegment, names_goal},
};
use async_trait::async_trait;
use pulsecast_app::api::GoalsApi;
use pulsecast_protocol::{
    ApiError, Domain, ErrorCode,
    access::{GoalDraft, SegmentDraft, SegmentView},
    stats::{Filter, Funnel, Goal, Subject},
};
use serde_json::json;

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
    fn noting_segment(
        &self,
        site: &Site,
        action: &str,
        segment: &NewSegment,
        was: Option<&str>,
    ) -> Box<dyn Accounts> {
        if !segment.shared {
            return self.state.accounts().unnoted();
        }
        let was = was.filter(|was| *was != segment.name);
        let filters = Some(&segment.filters).filter(|filters| !filters.is_empty());
        let what = json!({"name": segment.name, "was": was, "filters": filters});
        self.noting(Some(site.id), action, what)
    }
}

fn names_segment(filter: &Filter) -> bool {
    match filter {
        Filter::And(all) | Filter::Or(all) => all.iter().any(names_segment),
        Filter::Not(one) | Filter::HasDone(one) | Filter::HasNotDone(one) => names_segment(one),
        Filter::Condition(condition) => condition.subject == Subject::Segment,
    }
}

fn new_goal(draft: GoalDraft) -> NewGoal {
    NewGoal {
        name: draft.name,
        kind: draft.kind,
        currency: draft.currency,
    }
}

fn gone(what: &str) -> ApiError {
    ApiError::new(
        ErrorCode::NotFound,
        format!("there is no such {what}: it may have been removed meanwhile"),
    )
}

/// What a funnel's steps are called.
fn labels(site: &Site, steps: &[i64]) -> Vec<Option<String>> {
    let label = |step: &i64| site.goals.iter().find(|g| g.id == *step).map(|g| g.name.clone());
    steps.iter().map(label).collect()
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
        let goal = new_goal(goal);
        let what = json!({"name": goal.name, "goal": goal.kind, "currency": goal.currency});
        self.noting(Some(site.id), "goal.add", what)
            .add_goal(site.id, &goal)
            .await?;
        self.reload().await
    }

    async fn change_goal(&self, domain: Domain, id: i64, goal: GoalDraft) -> Result<(), ApiError> {
        let site = self.site_for(&domain, Right::EditGoals)?;
        let before = site
            .goals
            .iter()
            .find(|goal| goal.id == id)
            .ok_or_else(|| gone("goal"))?;
        let goal = new_goal(goal);
        let limits_a_link = site.links.iter().any(|link| {
            let segment = link
                .segment
                .and_then(|id| site.segments.iter().find(|s| s.segment.id == id));
            segment.is_some_and(|segment| {
                segment
                    .segment
                    .filters
                    .iter()
                    .any(|f| names_goal(f, &before.name))
            })
        });
        if limits_a_link && goal.kind != before.kind {
            // What a link shows is a matter of links.
            self.site_for(&domain, Right::Manage)?;
        }
        let from = json!({"name": before.name, "goal": before.kind, "currency": before.currency});
        let to = json!({"name": goal.name, "goal": goal.kind, "currency": goal.currency});
        let what = json!({"name": before.name, "from": from, "to": to});
        self.noting(Some(site.id), "goal.change", what)
            .change_goal(site.id, id, &goal)
            .await?;
        self.reload().await
    }

    async fn remove_goal(&self, domain: Domain, goal: i64) -> Result<(), ApiError> {
        let site = self.site_for(&domain, Right::EditGoals)?;
        let name = site.goals.iter().find(|g| g.id == goal).map(|g| g.name.as_str());
        self.noting(Some(site.id), "goal.remove", json!({"name": name}))
            .remove_goal(site.id, goal)
            .await?;
        self.reload().await
    }

    async fn funnels(&self, domain: Domain) -> Result<Vec<Funnel>, ApiError> {
        Ok(self.visible(&domain)?.funnels.to_vec())
    }

    async fn add_funnel(&self, domain: Domain, name: String, steps: Vec<i64>) -> Result<(), ApiError> {
        let site = self.site_for(&domain, Right::EditGoals)?;
        self.room(site.funnels.len(), "funnels")?;
        let what = json!({"name": name, "steps": labels(&site, &steps)});
        self.noting(Some(site.id), "funnel.add", what)
            .add_funnel(site.id, &name, &steps)
            .await?;
        self.reload().await
    }

    async fn change_funnel(
        &self,
        domain: Domain,
        id: i64,
        name: String,
        steps: Vec<i64>,
    ) -> Result<(), ApiError> {
        let site = self.site_for(&domain, Right::EditGoals)?;
        let mut funnels = site.funnels.iter();
        let before = funnels
            .find(|funnel| funnel.id == id)
            .ok_or_else(|| gone("funnel"))?;
        let from = json!({"name": before.name, "steps": labels(&site, &before.steps)});
        let to = json!({"name": name, "steps": labels(&site, &steps)});
        let what = json!({"name": before.name, "from": from, "to": to});
        self.noting(Some(site.id), "funnel.change", what)
            .change_funnel(site.id, id, &name, &steps)
            .await?;
        self.reload().await
    }

    async fn remove_funnel(&self, domain: Domain, funnel: i64) -> Result<(), ApiError> {
        let site = self.site_for(&domain, Right::EditGoals)?;
        let name = site
            .funnels
            .iter()
            .find(|f| f.id == funnel)
            .map(|f| f.name.as_str());
        self.noting(Some(site.id), "funnel.remove", json!({"name": name}))
            .remove_funnel(site.id, funnel)
            .await?;
        self.reload().await
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
            .noting_segment(&site, "segment.add", &segment, None)
            .add_segment(site.id, self.account()?, &segment)
            .await?;
        self.reload().await?;
        Ok(id)
    }

    async fn save_segment(&self, domain: Domain, id: i64, draft: SegmentDraft) -> Result<(), ApiError> {
        let site = self.visible(&domain)?;
        let (was, was_shared) = self.own_segment(&site, id)?;
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
        // What was shared and no longer is, is a change of what all saw.
        let noted = NewSegment {
            shared: was_shared || segment.shared,
            ..segment.clone()
        };
        self.noting_segment(&site, "segment.change", &noted, Some(&was))
            .save_segment(site.id, id, &segment)
            .await?;
        self.reload().await
    }

    async fn narrow_segment(&self, domain: Domain, id: i64, filters: Vec<Filter>) -> Result<(), ApiError> {
        let site = self.visible(&domain)?;
        self.own_segment(&site, id)?;
        let saved = site.segments.iter().find(|saved| saved.segment.id == id);
        let before = saved
            .map(|saved| saved.segment.clone())
            .ok_or_else(|| gone("segment"))?;
        let draft = SegmentDraft {
            name: before.name,
            shared: before.shared,
            filters: [before.filters, filters].concat(),
        };
        self.save_segment(domain, id, draft).await
    }

    async fn remove_segment(&self, domain: Domain, segment: i64) -> Result<(), ApiError> {
        let site = self.visible(&domain)?;
        let (name, shared) = self.own_segment(&site, segment)?;
        let noted = NewSegment {
            name,
            shared,
            filters: Vec::new(),
        };
        self.noting_segment(&site, "segment.remove", &noted, None)
            .remove_segment(site.id, segment)
            .await?;
        self.reload().await
    }
}
