//! The stats dashboard of a site.

use super::stats_page::{Frame, stats_page};
use crate::{
    board::{
        BoardState, Links,
        page::{BoardPage, Content},
    },
    components::{board::details::DetailsView, site_head::Tab},
    fns::board::load_board,
    islands::stats_board::StatsBoard,
};
use leptos::prelude::*;
use leptos_router::components::Redirect;
use pulsecast_protocol::Domain;

/// `/sites/{domain}`
#[component]
pub fn StatsPage() -> impl IntoView {
    stats_page(load_board, |page, sites| {
        view! { <Dashboard page sites /> }.into_any()
    })
}

/// The dashboard, of a site or of a shared link.
#[component]
pub fn Dashboard(
    /// What the server says.
    page: BoardPage,
    /// The viewer's sites.
    sites: Vec<Domain>,
) -> impl IntoView {
    let BoardPage { frame, content, zip } = page;
    let state = BoardState::parse(&frame.search).0;
    let details = state.details.clone();
    let links = Links {
        base: frame.site.base.clone(),
        state,
    };
    let body = match (content, details) {
        (Content::Waiting, _) if frame.site.mode.is_member() => {
            return view! { <Redirect path=format!("{}/live", frame.site.base) /> }.into_any();
        }
        (Content::Waiting, _) => {
            view! { <p class="panel empty">"Nothing has been counted yet."</p> }.into_any()
        }
        // What has a page of its own.
        (Content::Details(_), Some(details)) if details.tab.has_page() && frame.site.mode.is_member() => {
            let links = Links {
                base: format!("{}/{}", links.base, details.tab.name()),
                ..links
            };
            return view! { <Redirect path=links.to(|state| state.details = None) /> }.into_any();
        }
        (Content::Details(table), Some(details)) => {
            let domain = frame.site.domain.clone();
            view! { <DetailsView links=links.clone() domain details table=*table /> }.into_any()
        }
        (Content::Board(data), _) => view! {
            <StatsBoard data=*data />
            <p class="board-export">
                <a class="button button--small" href=zip download="" data-testid="zip">"Download all reports"</a>
                " Every report of this period and these filters as CSV, in one ZIP."
            </p>
        }
        .into_any(),
        (Content::Details(_), None) => ().into_any(),
    };
    view! { <Frame frame links sites tab=Tab::Stats>{body}</Frame> }.into_any()
}
