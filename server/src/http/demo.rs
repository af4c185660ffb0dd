//! `/demo`: instrumented pages of a small harbour town, so that a newcomer sees the dashboard move at once; and the site that counts
//! them.

use crate::{
    event::SiteId,
    sites::DEMO,
    ssr::counter::demo_counter,
    store::accounts::{Accounts, AccountsError, SiteChange},
};
use axum::{
    Router,
    response::{Html, IntoResponse, Response},
    routing::get,
};
use http::{HeaderName, header};
use pulsecast_app::components::online_count::Counted;
use pulsecast_protocol::{Domain, HostPattern, Timestamp, account::SiteSettings};

const HOME: &str = include_str!("../../demo/home.html");
const ARTICLE: &str = include_str!("../../demo/article.html");
const APP: &str = include_str!("../../demo/app.html");
const COUNTER: &str = include_str!("../../demo/counter.html");
const STYLE: &str = include_str!("../../demo/demo.css");
const SCRIPT: &str = include_str!("../../demo/demo.js");
const TIDES: &str = include_str!("../../demo/tides.csv");

/// The pages and what they need.
pub fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new()
        .route("/demo", get(|| async { Html(HOME) }))
        .route("/demo/article", get(|| async { Html(ARTICLE) }))
        .route("/demo/app", get(|| async { Html(APP) }))
        .route("/demo/counter", get(|| async { Html(counters()) }))
        .route(
            "/demo/demo.css",
            get(|| async { file("text/css; charset=utf-8", STYLE) }),
        )
        .route(
            "/demo/demo.js",
            get(|| async { file("text/javascript; charset=utf-8", SCRIPT) }),
        )
        .route(
            "/demo/tides.csv",
            get(|| async { download("attachment; filename=tides.csv", TIDES) }),
        )
}

/// The page about counters, with its counters in it.
fn counters() -> String {
    let lighthouse = "/demo/article".parse().map_or(Counted::Site, Counted::Page);
    let places = [
        ("{{plain}}", Counted::Site, "here now"),
        ("{{site}}", Counted::Site, "visitor|visitors"),
        ("{{page}}", Counted::ThisPage, "reader|readers"),
        ("{{article}}", lighthouse, "guest|guests"),
        ("{{badge}}", Counted::Site, "online"),
    ];
    places
        .into_iter()
        .fold(COUNTER.to_owned(), |page, (place, of, label)| {
            page.replace(place, &demo_counter(of, label))
        })
}

fn file(kind: &'static str, text: &'static str) -> Response {
    let headers: [(HeaderName, &str); 2] =
        [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "no-cache")];
    (headers, text).into_response()
}

fn download(disposition: &'static str, text: &'static str) -> Response {
    (
        [
            (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
            (header::CONTENT_DISPOSITION, disposition),
        ],
        text,
    )
        .into_response()
}

/// Sees to it that the site [`DEMO`] is there, takes events from pages on these hosts, and belongs to everybody who can sign in.
///
/// # Errors
/// When the accounts do not answer.
pub async fn ensure_demo(
    accounts: &dyn Accounts,
    hosts: &[String],
    now: Timestamp,
) -> Result<(), AccountsError> {
    let Ok(domain) = DEMO.parse::<Domain>() else {
        return Ok(());
    };
    let wanted = hosts.iter().filter_map(|host| host.parse::<HostPattern>().ok());
    let there = accounts
        .sites()
        .await?
        .into_iter()
        .find(|site| site.settings.domain == domain);
    let id: SiteId = match there {
        Some(mut site) => {
            let before = site.settings.hostnames.len();
            for host in wanted {
                if !site.settings.hostnames.contains(&host) {
                    site.settings.hostnames.push(host);
                }
            }
            if site.settings.hostnames.len() > before {
                let change = SiteChange::General(Box::new(site.settings));
                accounts.change_site(site.id, &change).await?;
            }
            site.id
        }
        None => {
            let mut settings = SiteSettings::new(domain);
            settings.hostnames = wanted.collect();
            accounts.add_site(&settings, &[], now).await?
        }
    };
    accounts.add_everybody(id).await
}
