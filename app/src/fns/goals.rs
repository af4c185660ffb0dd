//! Goals, funnels and segments.
#![allow(
    clippy::too_many_arguments,
    reason = "a server function has an argument a field of its form"
)]

use crate::failure::Failure;
use leptos::prelude::*;
use leptos::server_fn::codec::GetUrl;
use pulsecast_protocol::{
    Domain,
    access::SegmentView,
    account::Role,
    stats::{Funnel, Goal},
};
use serde::{Deserialize, Serialize};

/// A section of the settings with what it shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Section<T> {
    /// Of which site.
    pub domain: Domain,
    /// What the asker may do with it.
    pub role: Role,
    /// What it shows.
    pub body: T,
}

/// The goals of a site.
///
/// # Errors
/// When the site is not there for the asker.
#[server(prefix = "/fn", endpoint = "goals", input = GetUrl)]
pub async fn load_goals(domain: Domain) -> Result<Section<Vec<Goal>>, Failure> {
    let api = crate::platform::api()?;
    Ok(Section {
        role: api.role(domain.clone()).await?,
        body: api.goals(domain.clone()).await?,
        domain,
    })
}

/// Adds a goal.
///
/// # Errors
/// When a field cannot be read, or the asker may not.
#[server(prefix = "/fn", endpoint = "add-goal")]
#[allow(
    clippy::too_many_arguments,
    reason = "a server function has an argument a field of its form"
)]
pub async fn add_goal(
    domain: Domain,
    kind: String,
    #[server(default)] name: String,
    #[server(default)] path: String,
    #[server(default)] event: String,
    #[server(default)] props: String,
    #[server(default)] threshold: String,
    #[server(default)] currency: String,
) -> Result<(), Failure> {
    let form = crate::forms::goal::GoalForm {
        kind: &kind,
        name: &name,
        path: &path,
        event: &event,
        props: &props,
        threshold: &threshold,
        currency: &currency,
    };
    let add = async {
        Ok(crate::platform::api()?
            .add_goal(domain.clone(), form.read()?)
            .await?)
    };
    let typed = [
        ("kind", kind.as_str()),
        ("name", &name),
        ("path", &path),
        ("event", &event),
        ("props", &props),
        ("threshold", &threshold),
        ("currency", &currency),
    ];
    add.await.map_err(|failure: Failure| failure.with_typed(typed))?;
    crate::platform::send_to(&format!("/sites/{domain}/settings/goals?done=goal"));
    Ok(())
}

/// Replaces a goal.
///
/// # Errors
/// When a field cannot be read, or the asker may not.
#[server(prefix = "/fn", endpoint = "change-goal")]
#[allow(
    clippy::too_many_arguments,
    reason = "a server function has an argument a field of its form"
)]
pub async fn change_goal(
    domain: Domain,
    id: i64,
    kind: String,
    #[server(default)] name: String,
    #[server(default)] path: String,
    #[server(default)] event: String,
    #[server(default)] props: String,
    #[server(default)] threshold: String,
    #[server(default)] currency: String,
) -> Result<(), Failure> {
    let form = crate::forms::goal::GoalForm {
        kind: &kind,
        name: &name,
        path: &path,
        event: &event,
        props: &props,
        threshold: &threshold,
        currency: &currency,
    };
    let change = async {
        Ok(crate::platform::api()?
            .change_goal(domain.clone(), id, form.read()?)
            .await?)
    };
    let typed = [
        ("kind", kind.as_str()),
        ("name", &name),
        ("path", &path),
        ("event", &event),
        ("props", &props),
        ("threshold", &threshold),
        ("currency", &currency),
    ];
    change
        .await
        .map_err(|failure: Failure| failure.with_typed(typed))?;
    crate::platform::send_to(&format!("/sites/{domain}/settings/goals?done=goal-changed"));
    Ok(())
}

/// Removes a goal.
///
/// # Errors
/// When a funnel is made of it, or the asker may not.
#[server(prefix = "/fn", endpoint = "remove-goal")]
pub async fn remove_goal(domain: Domain, id: i64) -> Result<(), Failure> {
    crate::platform::api()?.remove_goal(domain.clone(), id).await?;
    crate::platform::send_to(&format!("/sites/{domain}/settings/goals?done=removed"));
    Ok(())
}

/// Funnels, and the goals that they can be made of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Funnels {
    /// The funnels.
    pub funnels: Vec<Funnel>,
    /// The goals.
    pub goals: Vec<Goal>,
}

/// The funnels of a site.
///
/// # Errors
/// When the site is not there for the asker.
#[server(prefix = "/fn", endpoint = "funnels", input = GetUrl)]
pub async fn load_funnels(domain: Domain) -> Result<Section<Funnels>, Failure> {
    let api = crate::platform::api()?;
    Ok(Section {
        role: api.role(domain.clone()).await?,
        body: Funnels {
            funnels: api.funnels(domain.clone()).await?,
            goals: api.goals(domain.clone()).await?,
        },
        domain,
    })
}

/// Adds a funnel of these goals, empty steps left out.
///
/// # Errors
/// When it has too few or too many steps, or the asker may not.
#[server(prefix = "/fn", endpoint = "add-funnel")]
pub async fn add_funnel(
    domain: Domain,
    name: String,
    #[server(default)] steps: Vec<String>,
) -> Result<(), Failure> {
    let add = async {
        let (name, steps) = crate::forms::goal::funnel(&name, &steps)?;
        Ok(crate::platform::api()?
            .add_funnel(domain.clone(), name, steps)
            .await?)
    };
    add.await.map_err(|failure: Failure| {
        failure.with_typed([("name", name.as_str()), ("steps", &steps.join(","))])
    })?;
    crate::platform::send_to(&format!("/sites/{domain}/settings/funnels?done=funnel"));
    Ok(())
}

/// Replaces a funnel by these goals, empty steps left out.
///
/// # Errors
/// When it has too few or too many steps, or the asker may not.
#[server(prefix = "/fn", endpoint = "change-funnel")]
pub async fn change_funnel(
    domain: Domain,
    id: i64,
    name: String,
    #[server(default)] steps: Vec<String>,
) -> Result<(), Failure> {
    let change = async {
        let (name, steps) = crate::forms::goal::funnel(&name, &steps)?;
        Ok(crate::platform::api()?
            .change_funnel(domain.clone(), id, name, steps)
            .await?)
    };
    change.await.map_err(|failure: Failure| {
        failure.with_typed([("name", name.as_str()), ("steps", &steps.join(","))])
    })?;
    crate::platform::send_to(&format!("/sites/{domain}/settings/funnels?done=saved"));
    Ok(())
}

/// Removes a funnel.
///
/// # Errors
/// When the asker may not.
#[server(prefix = "/fn", endpoint = "remove-funnel")]
pub async fn remove_funnel(domain: Domain, id: i64) -> Result<(), Failure> {
    crate::platform::api()?.remove_funnel(domain.clone(), id).await?;
    crate::platform::send_to(&format!("/sites/{domain}/settings/funnels?done=removed"));
    Ok(())
}

/// The segments that the asker may use.
///
/// # Errors
/// When the site is not there for the asker.
#[server(prefix = "/fn", endpoint = "segments", input = GetUrl)]
pub async fn load_segments(domain: Domain) -> Result<Section<Vec<SegmentView>>, Failure> {
    let api = crate::platform::api()?;
    Ok(Section {
        role: api.role(domain.clone()).await?,
        body: api.segments(domain.clone()).await?,
        domain,
    })
}

/// Saves a filter, in the place of another one where `id` says so.
///
/// # Errors
/// When it cannot be read, or the asker may not.
#[server(prefix = "/fn", endpoint = "save-segment")]
pub async fn save_segment(
    domain: Domain,
    name: String,
    filters: String,
    #[server(default)] shared: Option<String>,
    #[server(default)] id: Option<i64>,
    #[server(default)] next: String,
) -> Result<(), Failure> {
    let save = async {
        let draft = crate::forms::goal::segment(&name, &filters, shared.is_some())?;
        let api = crate::platform::api()?;
        match id {
            Some(id) => api.save_segment(domain.clone(), id, draft).await?,
            None => drop(api.add_segment(domain.clone(), draft).await?),
        }
        Ok(())
    };
    let typed = [
        ("name", name.as_str()),
        ("filters", &filters),
        ("shared", shared.as_deref().unwrap_or_default()),
    ];
    save.await.map_err(|failure: Failure| failure.with_typed(typed))?;
    back_to(&domain, &next);
    Ok(())
}

/// To where on the dashboard somebody was, else to the page of segments.
#[cfg(feature = "ssr")]
fn back_to(domain: &Domain, next: &str) {
    let rest = next.strip_prefix(&format!("/sites/{domain}"));
    if rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('?')) && !next.is_empty() {
        crate::platform::send_to(next);
    } else {
        crate::platform::send_to(&format!("/sites/{domain}/settings/segments?done=segment"));
    }
}

/// Adds filters to those of a segment.
///
/// # Errors
/// When they cannot be read, or the asker may not.
#[server(prefix = "/fn", endpoint = "narrow-segment")]
pub async fn narrow_segment(
    domain: Domain,
    id: i64,
    filters: String,
    #[server(default)] narrowed: String,
) -> Result<(), Failure> {
    let filters = crate::forms::goal::filters(&filters)?;
    let api = crate::platform::api()?;
    api.narrow_segment(domain.clone(), id, filters).await?;
    back_to(&domain, &narrowed);
    Ok(())
}

/// Removes a segment.
///
/// # Errors
/// When a shared link is limited to it, or the asker may not.
#[server(prefix = "/fn", endpoint = "remove-segment")]
pub async fn remove_segment(domain: Domain, id: i64) -> Result<(), Failure> {
    crate::platform::api()?.remove_segment(domain.clone(), id).await?;
    crate::platform::send_to(&format!("/sites/{domain}/settings/segments?done=removed"));
    Ok(())
}
