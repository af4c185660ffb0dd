//! The stats dashboard's answers: reads the state in an address, asks the questions it needs, all at once, and makes of them what the app shows.
//! Knows no asker beyond what they may see.

mod asks;
mod cards;
mod funnels;
mod names;
mod range;
mod table;
mod view;

use crate::{
    clock::SharedClock,
    sites::{Role, Site},
    stats::{Scope, Stats, StatsError},
};
use asks::Asks;
use pulsecast_app::{
    board::{
        BoardState, Links,
        page::{BoardPage, Content, Named, SiteView, ViewMode},
    },
    failure::sentence,
};
use pulsecast_protocol::{
    Timestamp,
    stats::{Funnel, Query, QueryResult},
};
use range::Today;
use std::sync::Arc;

/// Whoever looks, at what, and from which address on.
#[derive(Clone, Debug)]
pub struct Viewpoint {
    /// What they may see.
    pub scope: Scope,
    /// Who they are.
    pub mode: ViewMode,
    /// The path of the dashboard: `/sites/example.com`.
    pub base: String,
    /// The site's funnels.
    pub funnels: Arc<[Funnel]>,
    /// When the site's first event happened.
    pub first_event: Option<Timestamp>,
}

impl Viewpoint {
    /// Of a member with this role, or of whoever has a shared link: their addresses stay on the link's page, wherever that is.
    #[must_use]
    pub fn new(site: &Site, scope: Scope, role: Option<Role>, first_event: Option<Timestamp>) -> Self {
        Self {
            base: match role {
                Some(_) => format!("/sites/{}", site.settings.domain),
                None => String::new(),
            },
            mode: match role {
                Some(Role::Viewer) => ViewMode::Member,
                Some(Role::Editor) => ViewMode::Editor,
                Some(Role::Admin | Role::Owner) => ViewMode::Admin,
                None => ViewMode::Shared,
            },
            scope,
            funnels: site.funnels.clone(),
            first_event,
        }
    }
}

/// Makes the pages.
#[derive(Clone)]
#[allow(missing_debug_implementations)]
pub struct Board {
    /// Answers.
    pub stats: Stats,
    /// What time it is.
    pub clock: SharedClock,
}

impl Board {
    /// The dashboard in the state that an address names.
    pub async fn page(&self, from: &Viewpoint, search: &str) -> BoardPage {
        let (mut state, mut notices) = BoardState::parse(search);
        let today = Today::of(self.clock.now(), from);
        if state
            .segment
            .is_some_and(|id| from.scope.segments.iter().all(|s| s.id != id))
        {
            state.segment = None;
            notices.push("there is no such segment among yours: everything is shown".to_owned());
        }
        let asks = Asks {
            board: self,
            scope: &from.scope,
            state: &state,
            today: &today,
        };
        let links = Links {
            base: from.base.clone(),
            state: state.clone(),
        };
        let props = asks.props().await;
        let funnels = funnels_of(from);
        let content = async {
            if from.first_event.is_none() {
                Content::Waiting
            } else if let Some(details) = &state.details {
                Content::Details(Box::new(table::table(&asks, &links, details).await))
            } else {
                Content::Board(Box::new(view::board(&asks, &links, from, &props, &funnels).await))
            }
        };
        let (content, choices) = tokio::join!(content, asks.choices());
        BoardPage {
            names: names::of_filters(&state),
            compared: today.compared_words(&state),
            search: state.search(),
            notices: notices.iter().map(|text| sentence(text)).collect(),
            content,
            choices,
            site: self.site(from, funnels, props, &today),
        }
    }

    #[allow(clippy::unused_self)]
    fn site(&self, from: &Viewpoint, funnels: Vec<Named>, props: Vec<String>, today: &Today) -> SiteView {
        SiteView {
            domain: from.scope.domain.clone(),
            base: from.base.clone(),
            mode: from.mode,
            timezone: from.scope.timezone.name().to_owned(),
            today: today.date,
            first_day: today.first_day,
            goals: from.scope.goals.iter().map(|goal| goal.name.clone()).collect(),
            funnels,
            segments: from
                .scope
                .segments
                .iter()
                .map(|segment| Named {
                    id: segment.id,
                    name: segment.name.clone(),
                })
                .collect(),
            props,
        }
    }

    async fn ask(&self, scope: &Scope, query: &Query) -> Result<QueryResult, String> {
        let answer = self.stats.query(scope, query).await;
        answer.map_err(|error| words(&error))
    }
}

fn funnels_of(from: &Viewpoint) -> Vec<Named> {
    let name = |funnel: &Funnel| Named {
        id: funnel.id,
        name: funnel.name.clone(),
    };
    from.funnels.iter().map(name).collect()
}

/// What is said where the answer would stand. What the store says is for the log.
fn words(error: &StatsError) -> String {
    match error {
        StatsError::Store(error) => {
            tracing::error!(%error, "the dashboard's query was not answered");
            "The event store does not answer. Try again in a moment.".to_owned()
        }
        other => sentence(&other.to_string()),
    }
}
