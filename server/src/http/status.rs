//! The one place that turns an error into a status, and picks JSON for programs or a small page for people.

use crate::{
    auth::{login::LoginError, origin::Foreign, rights::Denied},
    stats::StatsError,
    store::accounts::AccountsError,
};
use axum::{
    Json,
    response::{Html, IntoResponse, Response},
};
use http::{HeaderMap, StatusCode, header};
use pulsecast_protocol::{ApiError, ErrorCode};

/// The status of each code.
#[must_use]
pub fn status(code: ErrorCode) -> StatusCode {
    match code {
        ErrorCode::Invalid => StatusCode::BAD_REQUEST,
        ErrorCode::Unauthorized => StatusCode::UNAUTHORIZED,
        ErrorCode::Forbidden => StatusCode::FORBIDDEN,
        ErrorCode::NotFound => StatusCode::NOT_FOUND,
        ErrorCode::Conflict => StatusCode::CONFLICT,
        ErrorCode::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        ErrorCode::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        ErrorCode::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        ErrorCode::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// The status of a query that is not answered. One that costs too much is the asker's to change, and no proxy or client ought to send it
/// again as it is: hence 422, not 504.
#[must_use]
pub fn of_stats(error: &StatsError) -> StatusCode {
    match error {
        StatsError::Invalid { .. } => StatusCode::BAD_REQUEST,
        StatsError::TooSlow(_) | StatsError::TooBig => StatusCode::UNPROCESSABLE_ENTITY,
        StatsError::Busy | StatsError::Store(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// The answer to a request with these headers that ends in this error.
#[must_use]
pub fn refuse(headers: &HeaderMap, error: impl Into<ApiError>) -> Response {
    let error = error.into();
    let status = status(error.code);
    let wants_page = headers
        .get(header::ACCEPT)
        .and_then(|v| v.to_str().ok())
        .is_some_and(|v| v.contains("text/html"));
    let mut response = if wants_page {
        (status, Html(page(status, &error.message))).into_response()
    } else {
        (status, Json(error)).into_response()
    };
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, http::HeaderValue::from_static("5"));
    }
    response
}

fn page(status: StatusCode, message: &str) -> String {
    let title = status.canonical_reason().unwrap_or("Error");
    format!(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>{title} · Pulsecast</title><style>:root{{color-scheme:light dark}}body{{font:1rem/1.6 system-ui,sans-serif;\
         max-width:34rem;margin:18vh auto;padding:0 1.5rem}}h1{{font-size:1.25rem}}</style></head>\
         <body><main><h1>{title}</h1><p>{}</p><p><a href=\"/\">Back to the dashboard</a></p></main></body></html>",
        escape(message)
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

impl From<AccountsError> for ApiError {
    fn from(error: AccountsError) -> Self {
        let code = match &error {
            AccountsError::EmailTaken | AccountsError::DomainTaken(_) | AccountsError::SetupDone => {
                ErrorCode::Conflict
            }
            AccountsError::NameTaken(_) | AccountsError::InUse(_) | AccountsError::LastOwner => {
                ErrorCode::Conflict
            }
            AccountsError::NoSuchSite | AccountsError::Gone(_) => ErrorCode::NotFound,
            AccountsError::Newer { .. } | AccountsError::Open { .. } => ErrorCode::Internal,
            AccountsError::Unavailable(_) => {
                tracing::error!(%error, "answering 503");
                return Self::new(
                    ErrorCode::Unavailable,
                    "the accounts database does not answer now: try again in a moment",
                );
            }
        };
        Self::new(code, error.to_string())
    }
}

impl From<StatsError> for ApiError {
    fn from(error: StatsError) -> Self {
        let code = match &error {
            StatsError::Invalid { .. } | StatsError::TooSlow(_) | StatsError::TooBig => ErrorCode::Invalid,
            StatsError::Busy => ErrorCode::Unavailable,
            StatsError::Store(error) => {
                tracing::error!(%error, "answering 503");
                return Self::new(
                    ErrorCode::Unavailable,
                    "the event store does not answer now: try again in a moment",
                );
            }
        };
        Self::new(code, error.to_string())
    }
}

impl From<Foreign> for ApiError {
    fn from(error: Foreign) -> Self {
        Self::new(ErrorCode::Forbidden, error.to_string())
    }
}

impl From<Denied> for ApiError {
    fn from(denied: Denied) -> Self {
        let code = match denied {
            Denied::NoSuchSite(_) => ErrorCode::NotFound,
            Denied::Needs(_) => ErrorCode::Forbidden,
        };
        Self::new(code, denied.to_string())
    }
}

impl From<LoginError> for ApiError {
    fn from(error: LoginError) -> Self {
        match error {
            LoginError::TooOften(_) => Self::new(ErrorCode::RateLimited, error.to_string()),
            LoginError::Credentials => Self::new(ErrorCode::Unauthorized, error.to_string()),
            LoginError::Accounts(error) => error.into(),
            LoginError::Password(error) => {
                tracing::error!(%error, "answering 500");
                Self::new(
                    ErrorCode::Internal,
                    "the password cannot be compared: see the server's log",
                )
            }
        }
    }
}

/// The session store does not answer.
#[must_use]
pub fn sessions_away(error: &tower_sessions::session::Error) -> ApiError {
    tracing::error!(%error, "the sessions cannot be read");
    ApiError::new(
        ErrorCode::Unavailable,
        "sessions cannot be read now: try again in a moment",
    )
}
