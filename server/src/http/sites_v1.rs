//! `GET /api/v1/sites`: which sites a key is good for, as the reading half of Plausible's Sites API has it
//! (<https://plausible.io/docs/sites-api>), so that clients can offer a choice. Sites are changed in their settings only.

use super::{
    AppState,
    caller::{Answer, Caller, Refusal},
};
use crate::sites::Site;
use axum::{
    Json, Router,
    extract::{Path, State},
    routing::get,
};
use http::{StatusCode, Uri};
use pulsecast_protocol::{
    Domain,
    stats::{Goal, GoalKind},
};
use serde_json::{Value, json};
use std::sync::Arc;

/// Sites of one answer, and the most that may be asked for.
const PAGE: usize = 100;
const MOST: usize = 1_000;

/// The addresses of the Sites API.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/api/v1/sites", get(sites))
        .route("/api/v1/sites/goals", get(goals))
        .route("/api/v1/sites/{domain}", get(site))
}

fn param(uri: &Uri, name: &str) -> Option<String> {
    let pairs = url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    pairs
        .into_iter()
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}

fn wrong(name: &str, reason: &str) -> Refusal {
    Refusal::new(StatusCode::BAD_REQUEST, format!("{name}: {reason}")).at(name)
}

fn summary(site: &Site) -> Value {
    json!({"domain": site.settings.domain, "timezone": site.settings.timezone})
}

/// `{"sites": [{"domain": …, "timezone": …}], "meta": {"after": …, "before": …, "limit": …}}`, by domain.
async fn sites(State(state): State<AppState>, caller: Caller, uri: Uri) -> Answer<Value> {
    let limit = match param(&uri, "limit") {
        Some(text) => text.parse().ok().filter(|n| (1..=MOST).contains(n)),
        None => Some(PAGE),
    };
    let limit = limit.ok_or_else(|| wrong("limit", "has to be a whole number from 1 to 1000"))?;
    let after = param(&uri, "after").unwrap_or_default();
    let mut sites = caller.sites(&state);
    sites.retain(|site| site.settings.domain.as_str() > after.as_str());
    let more = sites.len() > limit;
    sites.truncate(limit);
    let last = sites.last().map(|site| site.settings.domain.clone());
    let list: Vec<_> = sites.iter().map(|site| summary(site)).collect();
    Ok(Json(json!({
        "sites": list,
        "meta": {"after": last.filter(|_| more), "before": null, "limit": limit},
    })))
}

fn find(state: &AppState, caller: &Caller, domain: Option<&str>) -> Result<Arc<Site>, Refusal> {
    let text = domain.ok_or_else(|| wrong("site_id", "is required: name the site's domain"))?;
    let domain: Domain = text
        .parse()
        .map_err(|_| wrong("site_id", "is not a domain: write one such as example.com"))?;
    caller.site(state, &domain)
}

/// One of them.
async fn site(State(state): State<AppState>, caller: Caller, Path(domain): Path<String>) -> Answer<Value> {
    Ok(Json(summary(&*find(&state, &caller, Some(&domain))?)))
}

/// `{"goals": [{"id": …, "display_name": …, "goal_type": …}], "meta": {…}}`
async fn goals(State(state): State<AppState>, caller: Caller, uri: Uri) -> Answer<Value> {
    let site = find(&state, &caller, param(&uri, "site_id").as_deref())?;
    let goals: Vec<_> = site.goals.iter().map(goal).collect();
    Ok(Json(json!({
        "goals": goals,
        "meta": {"after": null, "before": null, "limit": goals.len()},
    })))
}

/// A goal as Plausible describes it; a scroll goal is a page goal with a threshold.
fn goal(goal: &Goal) -> Value {
    let common = |goal_type: &str| json!({"id": goal.id, "display_name": goal.name, "goal_type": goal_type, "event_name": null, "page_path": null});
    match &goal.kind {
        GoalKind::Page { path } => {
            let mut goal = common("page");
            goal["page_path"] = json!(path);
            goal
        }
        GoalKind::Event { event, .. } => {
            let mut goal = common("event");
            goal["event_name"] = json!(event);
            goal
        }
        GoalKind::Scroll { path, threshold } => {
            let mut goal = common("page");
            goal["page_path"] = json!(path);
            goal["scroll_threshold"] = json!(threshold);
            goal
        }
    }
}
