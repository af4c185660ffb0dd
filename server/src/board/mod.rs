//! The stats dashboard's answers: reads the state in an address, asks the questions it needs, all at once, and makes of them what the app shows.
//! Knows no asker beyond what they may see.

mod asks;
mod cards;
mod funnels;
mod names;
mod range;
mod retention;
mod rows;
mod table;
mod view;
mod wrong;

use crate::{
    clock::SharedClock,
    sites::{Role, Site},
    stats::{Scope, Stats, StatsError, funnel, known::Known},
};
use asks::Asks;
use pulsecast_app::{
    board::{
        BoardState, Links, Period,
        filters::Clause,
        form::Edit,
        links::encode,
        page::{
            BoardPage, Choices, Content, FrameView, FunnelPage, Named, RetentionPage, SiteView, ViewMode,
        },
    },
    failure::sentence,
};
use pulsecast_protocol::{
    Timestamp,
    stats::{
        CohortUnit, DateRange, Dimension, Filter, Funnel, Metric, Pagination, Query, QueryResult, Segment,
        TimeUnit,
    },
};
use range::Today;
use serde_json::Value;
use std::{borrow::Cow, sync::Arc};

/// Whoever looks, at what, and from which address on.
#[derive(Clone, Debug)]
pub struct Viewpoint {
    /// What they may see.
    pub scope: Scope,
    /// Who they are.
    pub mode: ViewMode,
    /// The path of the dashboard: `/sites/example.com`.
    pub base: String,
    /// The path below which its files are: the same, or that of the shared link.
    pub files: String,
    /// Names of the goals that they may know of.
    pub goals: Vec<String>,
    /// The funnels that they may know of.
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
            files: format!("/sites/{}", site.settings.domain),
            mode: match role {
                Some(Role::Viewer) => ViewMode::Member,
                Some(Role::Editor) => ViewMode::Editor,
                Some(Role::Admin | Role::Owner) => ViewMode::Admin,
                None => ViewMode::Shared,
            },
            goals: scope.goals.iter().map(|goal| goal.name.clone()).collect(),
            scope,
            funnels: site.funnels.clone(),
            first_event,
        }
    }

    /// The same with files below this path.
    #[must_use]
    pub fn with_files(self, path: String) -> Self {
        Self { files: path, ..self }
    }
}

/// What an address asks of history, beyond the pages that are made of it.
#[derive(Clone, Debug)]
pub struct Asked {
    /// When.
    pub range: DateRange,
    /// Of which events.
    pub filters: Vec<Filter>,
    /// Which funnel.
    pub funnel: Option<Funnel>,
    /// The property that names people.
    pub prop: Option<String>,
    /// How long the steps of cohorts are.
    pub unit: CohortUnit,
}

/// Leaves out what leads to places that are not the viewer's.
fn within(mut content: Content, mode: ViewMode) -> Content {
    match &mut content {
        Content::Board(data) if !mode.edits() => {
            for card in &mut data.cards {
                card.note.take_if(|note| !note.href.is_empty());
            }
        }
        _ => {}
    }
    content
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
        let reading = Reading::of(self, from, search).await;
        let from = &self.narrowed(from, &reading).await;
        let (mut asks, links) = (reading.asks(self, from), reading.links(from, ""));
        let (props, known) = tokio::join!(asks.props(), asks.known());
        asks.known = known;
        let content = async {
            if from.first_event.is_none() && reading.state == BoardState::default() {
                (Content::Waiting, String::new())
            } else if let Some(details) = &reading.state.details {
                let table = table::table(&asks, &links, details, &props).await;
                (Content::Details(Box::new(table)), String::new())
            } else {
                let (board, hint) = view::board(&asks, &links, from, &props, &funnels_of(from)).await;
                (Content::Board(Box::new(board)), hint)
            }
        };
        let ((content, hint), choices) = tokio::join!(content, asks.choices());
        let mut frame = reading.frame(from, props, choices);
        frame.hint = hint;
        BoardPage {
            zip: archive(&asks, from),
            content: within(content, from.mode),
            frame,
        }
    }

    /// A funnel of the site: the one that the address names, else the first.
    pub async fn funnels(&self, from: &Viewpoint, search: &str) -> FunnelPage {
        let reading = Reading::of(self, from, search).await;
        let from = &self.narrowed(from, &reading).await;
        let asks = reading.asks(self, from);
        let funnel = reading.funnel(from).map(named);
        let result = async {
            match &funnel {
                Some(funnel) => Some(
                    funnels::result(&asks, from, funnel.id)
                        .await
                        .map(|result| funnels::rows(&result)),
                ),
                None => None,
            }
        };
        let ((props, choices), result) =
            tokio::join!(async { (asks.props().await, asks.choices().await) }, result);
        FunnelPage {
            csv: format!("{}/funnel.csv{}", from.files, reading.state.search()),
            follow: funnel
                .as_ref()
                .map(|funnel| funnels::panel(&asks, "funnel", funnel.id))
                .unwrap_or_default(),
            motion: asks.motion(),
            token: String::new(),
            frame: reading.frame(from, props, choices),
            funnel,
            result,
        }
    }

    /// Who comes back.
    pub async fn retention(&self, from: &Viewpoint, search: &str) -> RetentionPage {
        let reading = Reading::of(self, from, search).await;
        let from = &self.narrowed(from, &reading).await;
        let asks = reading.asks(self, from);
        let cohorts = async {
            match &reading.state.prop {
                Some(name) => Some(retention::cohorts(&asks, name).await),
                None => None,
            }
        };
        let (props, choices, returns, cohorts) =
            tokio::join!(asks.props(), asks.choices(), retention::returns(&asks), cohorts);
        let csv = |report: &str| format!("{}/{report}.csv{}", from.files, reading.state.search());
        RetentionPage {
            csv: csv("retention"),
            cohorts_csv: csv("cohorts"),
            frame: reading.frame(from, props, choices),
            returns,
            cohorts,
            as_of: retention::as_of(&asks),
        }
    }

    /// The same for whoever is held within a segment: they know of the goals that the segment's visitors reached in the shown period, and of
    /// the funnels made of those. What else the site wants to see reached is told by its name alone, and none of their business.
    async fn narrowed<'a>(&self, from: &'a Viewpoint, reading: &Reading) -> Cow<'a, Viewpoint> {
        if from.scope.forced.is_none() {
            return Cow::Borrowed(from);
        }
        let asks = reading.asks(self, from);
        let most = u32::try_from(from.scope.goals.len()).unwrap_or(Pagination::MOST);
        let (mut goals, mut reached) = (Vec::new(), Vec::new());
        if most > 0 {
            let query = asks.breakdown(Dimension::Goal, vec![Metric::Visitors], most, 0);
            let query = Query {
                filters: Vec::new(),
                ..query
            };
            // Where it cannot be answered the panels say why.
            if let Ok(answer) = asks.ask(&query).await {
                let rows = asks::rows(&answer, &Dimension::Goal);
                goals.extend(rows.into_iter().map(|row| row.name));
                reached = answer.results;
            }
        }
        Cow::Owned(Viewpoint {
            funnels: funnel::within(&from.scope, &from.funnels, &reached).into(),
            goals,
            ..from.clone()
        })
    }

    /// What an address asks.
    pub async fn asked(&self, from: &Viewpoint, search: &str) -> Asked {
        let reading = Reading::of(self, from, search).await;
        let from = &self.narrowed(from, &reading).await;
        Asked {
            range: reading.asks(self, from).range(),
            filters: reading.asked.filters(),
            funnel: reading.funnel(from).cloned(),
            prop: reading.state.prop.clone(),
            unit: reading.unit(),
        }
    }

    async fn ask(&self, scope: &Scope, query: &Query) -> Result<QueryResult, String> {
        let answer = self.stats.query(scope, query).await;
        answer.map_err(|error| words(&error))
    }
}

/// An address, understood.
struct Reading {
    /// What it says.
    state: BoardState,
    /// What is asked: without what cannot be, and with names as the codes that are stored.
    asked: BoardState,
    notices: Vec<String>,
    /// Why the filter that is being made cannot be asked.
    wrong: Option<String>,
    today: Today,
}

impl Reading {
    async fn of(board: &Board, from: &Viewpoint, search: &str) -> Self {
        let (mut state, mut notices) = BoardState::parse(search);
        if state
            .segment
            .is_some_and(|id| from.scope.segments.iter().all(|s| s.id != id))
        {
            state.segment = None;
            notices.push("there is no such segment among yours: everything is shown".to_owned());
        }
        // Asked of the history itself: what was imported or deleted since has moved it.
        let first_day = match state.period {
            Period::All => board.stats.first_day(&from.scope).await.unwrap_or_default(),
            _ => None,
        };
        let mut state = names::coded(state);
        let wrong = wrong::conditions(board, &from.scope, &state).await;
        // What cannot be asked is shown again, as it was typed, to be mended.
        if let (None, Some((at, _))) = (&state.edit, wrong.first()) {
            state.edit = Edit::of(&state, *at);
        }
        let asked = wrong::left_out(&state, &wrong);
        let at = state.edit.as_ref().and_then(|edit| edit.at);
        Self {
            wrong: wrong
                .into_iter()
                .find(|(place, _)| Some(*place) == at)
                .map(|(_, why)| why),
            asked,
            state,
            notices,
            today: Today::of(board.clock.now(), from, first_day),
        }
    }

    fn asks<'a>(&'a self, board: &'a Board, from: &'a Viewpoint) -> Asks<'a> {
        Asks {
            board,
            scope: &from.scope,
            files: &from.files,
            state: &self.asked,
            today: &self.today,
            known: Known::default(),
        }
    }

    fn unit(&self) -> CohortUnit {
        match self.state.interval {
            Some(TimeUnit::Day) => CohortUnit::Day,
            _ => CohortUnit::Week,
        }
    }

    /// The funnel that the address names, else the first.
    fn funnel<'a>(&self, from: &'a Viewpoint) -> Option<&'a Funnel> {
        let named = |funnel: &&Funnel| Some(funnel.id) == self.state.funnel;
        from.funnels.iter().find(named).or(from.funnels.first())
    }

    fn links(&self, from: &Viewpoint, page: &str) -> Links {
        Links {
            base: format!("{}{page}", from.base),
            state: self.state.clone(),
        }
    }

    /// What is filtered by, but for segments.
    fn clauses(&self) -> Vec<Filter> {
        self.asked.clauses.iter().map(Clause::filter).collect()
    }

    fn frame(&self, from: &Viewpoint, props: Vec<String>, choices: Option<Choices>) -> FrameView {
        FrameView {
            site: site(from, props, &self.today),
            search: self.state.search(),
            notices: self.notices.iter().map(|text| sentence(text)).collect(),
            names: names::of_filters(&self.state),
            filters: match self.asked.clauses.is_empty() {
                true => String::new(),
                false => serde_json::to_string(&self.clauses()).unwrap_or_default(),
            },
            wrong: self.wrong.clone(),
            compared: self.today.compared_words(&self.state),
            choices,
            hint: String::new(),
        }
    }
}

fn site(from: &Viewpoint, props: Vec<String>, today: &Today) -> SiteView {
    let segment = |segment: &Segment| Named {
        id: segment.id,
        name: segment.name.clone(),
    };
    SiteView {
        domain: from.scope.domain.clone(),
        base: from.base.clone(),
        mode: from.mode,
        timezone: from.scope.timezone.name().to_owned(),
        today: today.date,
        first_day: today.first_day,
        goals: from.goals.clone(),
        funnels: funnels_of(from),
        // Whoever has a link is within its segment anyway.
        segments: match from.mode.is_member() {
            true => from.scope.segments.iter().map(segment).collect(),
            false => Vec::new(),
        },
        props,
    }
}

fn named(funnel: &Funnel) -> Named {
    Named {
        id: funnel.id,
        name: funnel.name.clone(),
    }
}

fn funnels_of(from: &Viewpoint) -> Vec<Named> {
    from.funnels.iter().map(named).collect()
}

/// Where all of what is shown is as one archive.
fn archive(asks: &Asks<'_>, from: &Viewpoint) -> String {
    let mut href = format!("{}/export.zip?", from.files);
    let mut put = |name: &str, value: &str| {
        href.push_str(name);
        href.push('=');
        encode(value, &mut href);
        href.push('&');
    };
    match serde_json::to_value(asks.range()) {
        Ok(Value::Array(times)) => {
            for (name, time) in ["from", "to"].into_iter().zip(&times) {
                put(name, time.as_str().unwrap_or_default());
            }
        }
        Ok(Value::String(name)) => put("period", &name),
        _ => {}
    }
    let filters = asks.state.filters();
    if !filters.is_empty() {
        put("filters", &serde_json::to_string(&filters).unwrap_or_default());
    }
    href.truncate(href.trim_end_matches(['&', '?']).len());
    href
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
