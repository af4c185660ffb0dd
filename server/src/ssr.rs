//! What the screens need of the server, bound to whoever asks: implements the app's [`Api`] over accounts, sites and the live window.

pub mod counter;
mod data;
mod feed;
mod goals;
mod keys;
mod links;
mod people;
mod trail;
mod visitors;

use crate::{
    auth::rights::{self, Right},
    board::{Board, Viewpoint},
    gate::{SignedIn, ViaLink},
    http::{AppState, pages, share::LinkDoor},
    sites::{AccountId, Site},
    stats::Scope,
    store::accounts::{SiteChange, load_sites},
};
use async_trait::async_trait;
use axum::extract::ConnectInfo;
use http::request::Parts;
use leptos::prelude::{provide_context, use_context};
use leptos_axum::ResponseOptions;
use pulsecast_app::{
    api::{Api, SharedApi},
    board::page::{BoardPage, FunnelPage, RetentionPage},
};
use pulsecast_protocol::{
    ApiError, Domain, ErrorCode,
    account::{SiteSettings, SiteSummary, Viewer},
    exclude::Exclusions,
    live::LiveState,
};
use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};
use tower_sessions::Session;

/// Most entries of a site's lists of hostnames and origins.
const MAX_LIST: usize = 100;

/// Puts the asker's [`Api`] into the context of the page or server function that is being set up, and lets its own scripts run.
pub fn provide(state: &AppState) {
    // Without a request the routes are being listed, not rendered.
    let Some(request) = use_context::<Parts>() else {
        return;
    };
    let asker = Asker::of(&request);
    let peer = request.extensions.get::<ConnectInfo<SocketAddr>>();
    let ip = peer.map_or(IpAddr::from([0, 0, 0, 0]), |ConnectInfo(peer)| {
        state.config.client_ip(*peer, &request.headers)
    });
    let base_url = state.config.base_url(&request);
    let api: SharedApi = Arc::new(RequestApi {
        state: state.clone(),
        asker,
        ip,
        session: request.extensions.get::<Session>().cloned(),
        base_url,
        path: request.uri.path().to_owned(),
    });
    provide_context(api);
    if let (Some(response), Some(nonce)) = (use_context::<ResponseOptions>(), leptos::nonce::use_nonce()) {
        pages::allow_scripts(&response, request.uri.path(), &nonce, state.config.reload_port);
    }
}

/// Whom a page or a server function is for.
#[derive(Clone, Debug)]
enum Asker {
    /// Nobody in particular.
    Nobody,
    /// Somebody who is signed in.
    Member(SignedIn),
    /// Whoever holds a shared link: on the link's own page they are nobody else, signed in or not.
    Link(LinkDoor),
}

impl Asker {
    fn of(request: &Parts) -> Self {
        if let Some(door) = request.extensions.get::<LinkDoor>() {
            return Self::Link(door.clone());
        }
        match request.extensions.get::<SignedIn>() {
            Some(who) => Self::Member(who.clone()),
            None => Self::Nobody,
        }
    }
}

struct RequestApi {
    state: AppState,
    asker: Asker,
    ip: IpAddr,
    session: Option<Session>,
    base_url: String,
    /// Of the page that is asked for.
    path: String,
}

impl RequestApi {
    fn account(&self) -> Result<AccountId, ApiError> {
        match &self.asker {
            Asker::Member(SignedIn(account, _)) => Ok(*account),
            Asker::Nobody | Asker::Link(_) => Err(ApiError::new(
                ErrorCode::Unauthorized,
                "nobody is signed in: sign in and try again",
            )),
        }
    }

    /// What the asker's questions about this site's history are asked within: for members all of it, for the holder of a shared link what
    /// the link lets through.
    fn scope(&self, domain: &Domain) -> Result<(Arc<Site>, Scope), ApiError> {
        if let Asker::Link(LinkDoor::Open(ViaLink { domain: shared, link })) = &self.asker {
            let site = self.state.sites.get(domain).filter(|_| shared == domain);
            let scope = site.and_then(|site| {
                let scope = Scope::of_link(&site, site.link(*link)?)?;
                Some((site, scope))
            });
            return scope
                .ok_or_else(|| ApiError::new(ErrorCode::NotFound, "this link does not show that site"));
        }
        let site = self.visible(domain)?;
        let scope = Scope::of(&site, Some(self.account()?));
        Ok((site, scope))
    }

    /// A site with which the asker may do this. Others' sites do not exist for them.
    fn site_for(&self, domain: &Domain, right: Right) -> Result<Arc<Site>, ApiError> {
        Ok(rights::site_for(
            &self.state.sites,
            domain,
            self.account()?,
            right,
        )?)
    }

    fn visible(&self, domain: &Domain) -> Result<Arc<Site>, ApiError> {
        self.site_for(domain, Right::See)
    }

    async fn reload(&self) -> Result<(), ApiError> {
        Ok(load_sites(self.state.accounts(), &self.state.sites).await?)
    }

    /// What the asker may see of a site's history, and as whom.
    async fn viewpoint(&self, domain: &Domain) -> Result<Viewpoint, ApiError> {
        let (site, scope) = self.scope(domain)?;
        let role = self.account().ok().and_then(|account| site.role(account));
        let first = self.state.accounts().first_event_at(site.id).await?;
        // The window hears of an event a moment before the accounts do.
        let is_new = || !self.state.live.snapshot(domain).stream.is_empty();
        let first = first.or_else(|| is_new().then(|| self.state.clock().now()));
        let from = Viewpoint::new(&site, scope, role, first);
        Ok(match &self.asker {
            Asker::Link(_) => from.with_files(self.path.clone()),
            Asker::Member(_) | Asker::Nobody => from,
        })
    }

    fn dashboard(&self) -> Board {
        Board {
            stats: self.state.stats.clone(),
            clock: self.state.clock().clone(),
        }
    }

    /// The window knows of the last half hour, the accounts of all before.
    async fn has_ever(&self, site: &Site, live: &LiveState) -> Result<bool, ApiError> {
        Ok(!live.stream.is_empty() || self.state.accounts().first_event_at(site.id).await?.is_some())
    }
}

#[async_trait]
impl Api for RequestApi {
    fn viewer(&self) -> Option<Viewer> {
        match &self.asker {
            Asker::Member(SignedIn(_, email)) => Some(Viewer { email: email.clone() }),
            Asker::Nobody | Asker::Link(_) => None,
        }
    }

    fn public_url(&self) -> String {
        self.base_url.clone()
    }

    fn timezones(&self) -> Vec<String> {
        let places = chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name());
        let mut names: Vec<String> = places
            .filter(|name| name.contains('/') && !name.starts_with("Etc/") && !name.starts_with("US/"))
            .map(str::to_owned)
            .collect();
        names.sort();
        names.insert(0, "UTC".to_owned());
        names
    }

    async fn sites(&self) -> Result<Vec<SiteSummary>, ApiError> {
        let account = self.account()?;
        let mut summaries = Vec::new();
        for site in self
            .state
            .sites
            .all()
            .into_iter()
            .filter(|site| site.is_member(account))
        {
            let domain = site.settings.domain.clone();
            let live = self.state.live.snapshot(&domain);
            let has_events = self.has_ever(&site, &live).await?;
            // A list of many sites has no use for their streams: the page stays small.
            let live = LiveState {
                stream: Vec::new(),
                top: Vec::new(),
                ..live
            };
            summaries.push(SiteSummary {
                domain,
                has_events,
                live,
            });
        }
        Ok(summaries)
    }

    async fn add_site(&self, domain: String, timezone: String) -> Result<SiteSettings, ApiError> {
        let account = self.account()?;
        let domain: Domain = domain.parse().map_err(invalid)?;
        let settings = SiteSettings {
            timezone,
            ..SiteSettings::new(domain)
        };
        check(&settings)?;
        let what = serde_json::json!({"domain": settings.domain});
        // The entry gets the site's number with the site.
        self.noting(None, "site.add", what)
            .add_site(&settings, &[account], self.state.clock().now())
            .await?;
        self.reload().await?;
        Ok(settings)
    }

    async fn site(&self, domain: Domain) -> Result<SiteSettings, ApiError> {
        let site = self.visible(&domain)?;
        let mut settings = site.settings.clone();
        // Addresses of offices are for those who may change them.
        if rights::may(&site, self.account()?, Right::Manage).is_err() {
            settings.exclusions = Exclusions::default();
        }
        Ok(settings)
    }

    async fn save_site(&self, settings: SiteSettings) -> Result<SiteSettings, ApiError> {
        let site = self.site_for(&settings.domain, Right::Manage)?;
        check(&settings)?;
        let change = SiteChange::General(Box::new(settings));
        let settings = change.of(site.settings.clone());
        let what = serde_json::json!({"from": site.settings, "to": settings});
        self.noting(Some(site.id), "site.settings", what)
            .change_site(site.id, &change)
            .await?;
        self.reload().await?;
        Ok(settings)
    }

    async fn remove_site(&self, domain: Domain) -> Result<(), ApiError> {
        let site = self.site_for(&domain, Right::Own)?;
        let what = serde_json::json!({"domain": domain});
        self.noting(Some(site.id), "site.remove", what)
            .remove_site(site.id)
            .await?;
        // From here on nothing of it is taken any more; then what there is goes. What is on its way goes too, as it arrives (`ingest/writer`).
        let reloaded = self.reload().await;
        if let Some(importer) = &self.state.importer {
            importer.cancel(site.id);
        }
        self.state.backlog.remove(site.id);
        self.state.forget_streams(&domain).await;
        reloaded
    }

    async fn has_events(&self, domain: Domain) -> Result<bool, ApiError> {
        let site = self.visible(&domain)?;
        self.has_ever(&site, &self.state.live.snapshot(&domain)).await
    }

    async fn board(&self, domain: Domain, search: String) -> Result<BoardPage, ApiError> {
        let from = self.viewpoint(&domain).await?;
        Ok(self.dashboard().page(&from, &search).await)
    }

    async fn funnel_page(&self, domain: Domain, search: String) -> Result<FunnelPage, ApiError> {
        let from = self.viewpoint(&domain).await?;
        Ok(self.dashboard().funnels(&from, &search).await)
    }

    async fn retention(&self, domain: Domain, search: String) -> Result<RetentionPage, ApiError> {
        let from = self.viewpoint(&domain).await?;
        Ok(self.dashboard().retention(&from, &search).await)
    }

    async fn live(&self, domain: Domain) -> Result<LiveState, ApiError> {
        self.visible(&domain)?;
        Ok(self.state.live.snapshot(&domain))
    }
}

fn invalid(error: impl std::fmt::Display) -> ApiError {
    ApiError::new(ErrorCode::Invalid, error.to_string())
}

fn check(settings: &SiteSettings) -> Result<(), ApiError> {
    if settings.timezone.parse::<chrono_tz::Tz>().is_err() {
        return Err(invalid(format!(
            "`{}` is not a time zone: choose one such as Europe/Berlin",
            settings.timezone
        )));
    }
    if settings.hostnames.len() > MAX_LIST || settings.origins.len() > MAX_LIST {
        return Err(invalid(format!(
            "a site has at most {MAX_LIST} hostnames and {MAX_LIST} origins: use wildcards such as *.example.com"
        )));
    }
    Ok(())
}
