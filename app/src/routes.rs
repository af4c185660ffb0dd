//! Which page is at which address, and what all pages share.

use crate::{
    pages::{
        account::AccountPage,
        feed::FeedEditor,
        import::ImportPage,
        invitation::InvitationPage,
        settings::{
            audit::AuditPage, danger::DangerPage, exclusions::ExclusionsPage, funnels::FunnelSettingsPage,
            goals::GoalsPage, links::LinksPage, people::PeoplePage, segments::SegmentsPage,
            visitors::VisitorsPage,
        },
        share::SharePage,
    },
    pages::{board::StatsPage, funnels::FunnelsPage, retention::RetentionView},
    pages::{
        keys::KeysPage, layout::Layout, live::LivePage, login::LoginPage, new_site::NewSitePage,
        not_found::NotFound, settings::SettingsPage,
    },
    pages::{setup::SetupPage, sites::SitesPage},
};
use leptos::prelude::*;
use leptos_meta::{Title, provide_meta_context};
use leptos_router::{
    SsrMode,
    components::{ParentRoute, Route, Router, Routes},
    path,
};

/// The app, as the server renders it. Every page is complete before it is sent, so that it can be read without WebAssembly; the
/// browser takes over its islands.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    view! {
        <Title formatter=|title: String| if title.is_empty() { "Pulsecast".into() } else { format!("{title} · Pulsecast") } />
        <Router>
            // "external": the router would only scroll there, the browser moves the focus too.
            <a class="skip" href="#main" rel="external">"Skip to content"</a>
            <Routes fallback=NotFound>
                <Route path=path!("/login") view=LoginPage ssr=SsrMode::Async />
                <Route path=path!("/setup") view=SetupPage ssr=SsrMode::Async />
                <Route path=path!("/invitations/:token") view=InvitationPage ssr=SsrMode::Async />
                <Route path=path!("/share/:slug") view=SharePage ssr=SsrMode::Async />
                <ParentRoute path=path!("") view=Layout ssr=SsrMode::Async>
                    <Route path=path!("/") view=SitesPage ssr=SsrMode::Async />
                    <Route path=path!("/sites/new") view=NewSitePage ssr=SsrMode::Async />
                    <Route path=path!("/sites/:domain/import") view=ImportPage ssr=SsrMode::Async />
                    <Route path=path!("/sites/:domain/keys") view=KeysPage ssr=SsrMode::Async />
                    <Route path=path!("/sites/:domain") view=StatsPage ssr=SsrMode::Async />
                    <Route path=path!("/sites/:domain/funnels") view=FunnelsPage ssr=SsrMode::Async />
                    <Route path=path!("/sites/:domain/retention") view=RetentionView ssr=SsrMode::Async />
                    <Route path=path!("/sites/:domain/live") view=LivePage ssr=SsrMode::Async />
                    <Route path=path!("/sites/:domain/feed") view=FeedEditor ssr=SsrMode::Async />
                    <Route path=path!("/sites/:domain/settings") view=SettingsPage ssr=SsrMode::Async />
                    <Route path=path!("/sites/:domain/settings/goals") view=GoalsPage ssr=SsrMode::Async />
                    <Route path=path!("/sites/:domain/settings/funnels") view=FunnelSettingsPage ssr=SsrMode::Async />
                    <Route path=path!("/sites/:domain/settings/segments") view=SegmentsPage ssr=SsrMode::Async />
                    <Route path=path!("/sites/:domain/settings/people") view=PeoplePage ssr=SsrMode::Async />
                    <Route path=path!("/sites/:domain/settings/links") view=LinksPage ssr=SsrMode::Async />
                    <Route path=path!("/sites/:domain/settings/visitors") view=VisitorsPage ssr=SsrMode::Async />
                    <Route path=path!("/sites/:domain/settings/exclusions") view=ExclusionsPage ssr=SsrMode::Async />
                    <Route path=path!("/sites/:domain/settings/audit") view=AuditPage ssr=SsrMode::Async />
                    <Route path=path!("/sites/:domain/settings/danger") view=DangerPage ssr=SsrMode::Async />
                    <Route path=path!("/account") view=AccountPage ssr=SsrMode::Async />
                </ParentRoute>
            </Routes>
        </Router>
    }
}
