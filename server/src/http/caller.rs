//! Who asks the Stats API: the holder of an API key, shown as bearer, or whoever is signed in on our own pages. What they are told when they
//! may not, or when their question is wrong, has Plausible's shape: `{"error": "…"}`, and `path` where a part of the question is to blame.

use super::{AppState, status};
use crate::{
    auth::{key::KeyError, rights::Right},
    gate::SignedIn,
    sites::{AccountId, Site},
    stats::{Scope, StatsError},
    store::accounts::{ApiKey, KeyRight},
};
use axum::{
    Json,
    extract::FromRequestParts,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts};
use pulsecast_protocol::{ApiError, Domain};
use serde::Serialize;
use std::{sync::Arc, time::Duration};

/// Who asks for statistics. As an argument of a handler it refuses everybody else with 401.
#[derive(Clone, Debug)]
pub enum Caller {
    /// A program.
    Key(ApiKey),
    /// Somebody at one of our own pages.
    Member(AccountId),
}

impl Caller {
    /// The site of this domain, if they may ask about it.
    ///
    /// # Errors
    /// When there is no such site, or none that they may know of: the two look the same.
    pub fn site(&self, state: &AppState, domain: &Domain) -> Result<Arc<Site>, Refusal> {
        let site = state.sites.get(domain).filter(|site| match self {
            Self::Key(key) => key.may(site, Right::See).is_ok(),
            Self::Member(account) => site.is_member(*account),
        });
        site.ok_or_else(|| match self {
            // Plausible's status: its clients take it for what it is.
            Self::Key(_) => Refusal::new(
                StatusCode::UNAUTHORIZED,
                "invalid API key or site ID: use a key that is for the site you ask about",
            ),
            Self::Member(_) => Refusal::new(
                StatusCode::NOT_FOUND,
                format!("there is no site {domain} among yours"),
            ),
        })
    }

    /// What they ask within.
    #[must_use]
    pub fn scope(&self, site: &Site) -> Scope {
        let account = match self {
            Self::Key(key) => key.account,
            Self::Member(account) => Some(*account),
        };
        Scope::of(site, account)
    }

    /// The sites that they may ask about, by domain.
    #[must_use]
    pub fn sites(&self, state: &AppState) -> Vec<Arc<Site>> {
        let mut sites = state.sites.all();
        sites.retain(|site| self.site(state, &site.settings.domain).is_ok());
        sites
    }
}

impl FromRequestParts<AppState> for Caller {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Refusal> {
        if let Some(key) = bearer(&parts.headers) {
            let (accounts, now) = (state.accounts(), state.clock().now());
            let key = state.auth.keys.admit(accounts, key, KeyRight::Stats, now).await?;
            return Ok(Self::Key(key));
        }
        match parts.extensions.get::<SignedIn>() {
            Some(SignedIn(account, _)) => Ok(Self::Member(*account)),
            None => Err(Refusal::new(
                StatusCode::UNAUTHORIZED,
                "missing API key: send one as `Authorization: Bearer pc_…`",
            )),
        }
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, key) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
}

/// How a question is refused.
#[derive(Clone, Debug)]
pub struct Refusal {
    status: StatusCode,
    error: String,
    path: Option<String>,
    again_after: Option<Duration>,
}

#[derive(Serialize)]
struct Body {
    error: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
}

impl Refusal {
    /// With this status, for this reason.
    pub fn new(status: StatusCode, error: impl Into<String>) -> Self {
        Self {
            status,
            error: error.into(),
            path: None,
            again_after: None,
        }
    }

    /// The same, with a time after which to try again.
    #[must_use]
    pub fn again_after(mut self, wait: Duration) -> Self {
        self.again_after = Some(wait);
        self
    }

    /// The same, with this part to blame.
    #[must_use]
    pub fn at(mut self, path: &str) -> Self {
        self.path = Some(path.to_owned());
        self
    }
}

impl From<StatsError> for Refusal {
    fn from(error: StatsError) -> Self {
        let status = status::of_stats(&error);
        if let StatsError::Store(error) = &error {
            tracing::error!(%error, "a query fails");
            return Self {
                again_after: Some(Duration::from_secs(5)),
                ..Self::new(
                    status,
                    "the event store does not answer now: try again in a moment",
                )
            };
        }
        let text = error.to_string();
        Self {
            again_after: matches!(error, StatsError::Busy).then_some(Duration::from_secs(1)),
            path: match error {
                StatsError::Invalid { path, .. } => Some(path),
                _ => None,
            },
            ..Self::new(status, text)
        }
    }
}

impl From<KeyError> for Refusal {
    fn from(error: KeyError) -> Self {
        match error {
            KeyError::Accounts(error) => {
                let error = ApiError::from(error);
                Self::new(status::status(error.code), error.message)
            }
            KeyError::TooOften(wait) => Self {
                again_after: Some(wait.0),
                ..Self::new(StatusCode::TOO_MANY_REQUESTS, error.to_string())
            },
            KeyError::Unknown | KeyError::Elsewhere(_) => {
                Self::new(StatusCode::UNAUTHORIZED, error.to_string())
            }
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = Body {
            error: self.error,
            path: self.path,
        };
        let mut response = (self.status, Json(body)).into_response();
        if let Some(wait) = self.again_after {
            let seconds = HeaderValue::from(wait.as_secs().saturating_add(1));
            response.headers_mut().insert(header::RETRY_AFTER, seconds);
        }
        response
    }
}

/// The type of what handlers of the Stats API answer.
pub type Answer<T> = Result<Json<T>, Refusal>;
