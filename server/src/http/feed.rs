//! `/sites/{domain}/feed`: what editors post. Plain forms, which lead back to the page; what was typed is kept first and looked at then, so that
//! nothing that somebody wrote is lost to a mistake in it. Also the counts of deliveries, as they change.

use super::{AppState, form::see_other, status};
use crate::{
    auth::rights::{self, Right},
    feed::FeedError,
    gate::SignedIn,
    sites::{AccountId, Site},
};
use axum::{
    Extension, Form, Router,
    extract::{Path, State},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
    routing::{get, post},
};
use futures::stream;
use http::{HeaderMap, HeaderValue, header};
use pulsecast_protocol::{
    ApiError, Domain, ErrorCode,
    feed::{FeedDraft, FeedState},
};
use serde::Deserialize;
use serde_json::json;
use std::{convert::Infallible, sync::Arc, time::Duration};

/// How often counts are looked at.
const LOOK: Duration = Duration::from_millis(500);

/// The program of the editors' page; the page is complete without it.
const PROGRAM: &str = include_str!("feed.js");

/// The routes; behind the door that says who is signed in.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/sites/{domain}/feed", post(write))
        .route("/sites/{domain}/feed/withdraw", post(withdraw))
        .route("/sites/{domain}/feed/discard", post(discard))
        .route("/sites/{domain}/feed/remove", post(remove))
        .route("/sites/{domain}/feed/received", get(received))
        .route("/feed.js", get(program))
}

type Who = Option<Extension<SignedIn>>;

/// Whoever asks, as an editor of the site.
struct Editor {
    site: Arc<Site>,
    email: String,
}

impl Editor {
    fn of(state: &AppState, who: Who, domain: &str) -> Result<Self, ApiError> {
        let Some(Extension(SignedIn(account, email))) = who else {
            return Err(ApiError::new(
                ErrorCode::Unauthorized,
                "nobody is signed in: sign in and try again",
            ));
        };
        Ok(Self {
            site: site(state, account, domain)?,
            email,
        })
    }

    fn path(&self) -> String {
        format!("/sites/{}/feed", self.site.settings.domain)
    }
}

fn site(state: &AppState, account: AccountId, domain: &str) -> Result<Arc<Site>, ApiError> {
    let domain: Domain = domain.parse().map_err(|_| {
        ApiError::new(
            ErrorCode::NotFound,
            format!("there is no site {domain} among yours"),
        )
    })?;
    Ok(rights::site_for(&state.sites, &domain, account, Right::EditFeed)?)
}

/// The page's form as browsers send it: everything is text, what is not ticked is not there.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Typed {
    action: String,
    id: String,
    kind: String,
    title: String,
    text: String,
    url: String,
    image: String,
    path: String,
    countries: String,
    pinned: Option<String>,
    publish_at: String,
    expires_at: String,
}

impl Typed {
    fn draft(self) -> FeedDraft {
        FeedDraft {
            kind: self.kind.parse().unwrap_or_default(),
            title: self.title,
            text: self.text.replace("\r\n", "\n"),
            url: self.url,
            image: self.image,
            path: self.path,
            countries: self.countries,
            pinned: self.pinned.is_some(),
            publish_at: self.publish_at,
            expires_at: self.expires_at,
        }
    }
}

async fn write(
    State(state): State<AppState>,
    who: Who,
    Path(domain): Path<String>,
    headers: HeaderMap,
    Form(typed): Form<Typed>,
) -> Response {
    let written = async {
        let editor = Editor::of(&state, who, &domain)?;
        let feed = state.feed()?;
        let (action, id) = (typed.action.clone(), typed.id.parse().ok());
        let id = feed.save(&editor.site, id, typed.draft(), &editor.email).await?;
        let number = id.to_string();
        let edit = |code: &str| see_other(&editor.path(), &[("edit", &number), ("done", code)]);
        if action != "publish" {
            return Ok(edit(if action == "save" { "kept" } else { "" }));
        }
        match feed.publish(&editor.site, id, &editor.email).await {
            Ok(now) => {
                let done = if now == FeedState::Scheduled {
                    "scheduled"
                } else {
                    "published"
                };
                Ok(see_other(&editor.path(), &[("done", done)]))
            }
            Err(FeedError::Fields(_)) => Ok(edit("wrong")),
            Err(FeedError::Later(error)) => {
                tracing::warn!(%error, item = id, "a feed item waits");
                Ok(see_other(&editor.path(), &[("done", "later")]))
            }
            Err(error) => Err(error.into()),
        }
    };
    written
        .await
        .unwrap_or_else(|error: ApiError| status::refuse(&headers, error))
}

/// The form of a button.
#[derive(Debug, Deserialize)]
struct Which {
    id: i64,
}

async fn withdraw(
    State(state): State<AppState>,
    who: Who,
    Path(domain): Path<String>,
    headers: HeaderMap,
    Form(which): Form<Which>,
) -> Response {
    let done = async {
        let editor = Editor::of(&state, who, &domain)?;
        state
            .feed()?
            .withdraw(&editor.site, which.id, &editor.email)
            .await?;
        Ok(see_other(&editor.path(), &[("done", "withdrawn")]))
    };
    done.await
        .unwrap_or_else(|error: ApiError| status::refuse(&headers, error))
}

async fn discard(
    State(state): State<AppState>,
    who: Who,
    Path(domain): Path<String>,
    headers: HeaderMap,
    Form(which): Form<Which>,
) -> Response {
    let done = async {
        let editor = Editor::of(&state, who, &domain)?;
        state.feed()?.discard(&editor.site, which.id).await?;
        Ok(see_other(&editor.path(), &[("done", "discarded")]))
    };
    done.await
        .unwrap_or_else(|error: ApiError| status::refuse(&headers, error))
}

async fn remove(
    State(state): State<AppState>,
    who: Who,
    Path(domain): Path<String>,
    headers: HeaderMap,
    Form(which): Form<Which>,
) -> Response {
    let done = async {
        let editor = Editor::of(&state, who, &domain)?;
        state
            .feed()?
            .remove(&editor.site, which.id, &editor.email)
            .await?;
        Ok(see_other(&editor.path(), &[("done", "removed")]))
    };
    done.await
        .unwrap_or_else(|error: ApiError| status::refuse(&headers, error))
}

/// What is shown now and how often it was delivered, whenever that changes: `{"open":3,"received":[[7,12]]}`.
async fn received(
    State(state): State<AppState>,
    who: Who,
    Path(domain): Path<String>,
    headers: HeaderMap,
) -> Response {
    let Some(Extension(SignedIn(account, _))) = who else {
        let nobody = ApiError::new(
            ErrorCode::Unauthorized,
            "nobody is signed in: sign in and try again",
        );
        return status::refuse(&headers, nobody);
    };
    if let Err(error) = site(&state, account, &domain).and(state.feed().map(drop)) {
        return status::refuse(&headers, error);
    }
    let counts = stream::unfold((state, String::new()), move |(state, last)| {
        let domain = domain.clone();
        async move {
            loop {
                // Asked each time: whoever is no editor any more is told nothing more.
                let site = site(&state, account, &domain).ok()?;
                let feed = state.feed().ok()?;
                let counts =
                    json!({"open": feed.open_pages(&site), "received": feed.received(&site)}).to_string();
                if counts != last {
                    let event = Event::default().data(&counts);
                    return Some((Ok::<_, Infallible>(event), (state, counts)));
                }
                if feed.ends_within(LOOK).await {
                    return None;
                }
            }
        }
    });
    Sse::new(counts).keep_alive(KeepAlive::default()).into_response()
}

async fn program() -> Response {
    let mut response = PROGRAM.into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/javascript; charset=utf-8"),
    );
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("private, max-age=3600"),
    );
    response
}

impl From<FeedError> for ApiError {
    fn from(error: FeedError) -> Self {
        let message = error.to_string();
        let code = match error {
            FeedError::Accounts(error) => return error.into(),
            FeedError::Fields(_) | FeedError::Cannot(_) | FeedError::Full(_) => ErrorCode::Invalid,
            FeedError::Gone => ErrorCode::NotFound,
            FeedError::Changed => ErrorCode::Conflict,
            FeedError::Later(_) => ErrorCode::Unavailable,
        };
        Self::new(code, message)
    }
}
