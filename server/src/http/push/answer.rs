//! How answers look, and what status they have.

use axum::{
    Json,
    extract::Request,
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use pulsecast_protocol::wire::code;
use serde::Serialize;
use std::time::Duration;

/// `{"result": …}`
#[derive(Debug, Serialize)]
pub(super) struct Answer<T> {
    pub(super) result: T,
}

/// `{"code": …, "message": …}`
#[derive(Clone, Debug, Serialize)]
pub(super) struct Why {
    code: u32,
    message: String,
}

/// `{"error": …}`
#[derive(Clone, Debug, Serialize)]
pub(super) struct Refusal {
    error: Why,
    #[serde(skip)]
    again_after: Option<Duration>,
}

/// Left in the response for [`in_mode`]: by which number it was refused.
#[derive(Clone, Copy)]
struct Number(u32);

impl Refusal {
    pub(super) fn new(code: u32, message: impl Into<String>) -> Self {
        let message = message.into();
        let again_after = (code == code::INTERNAL).then_some(Duration::from_secs(1));
        Self {
            error: Why { code, message },
            again_after,
        }
    }

    pub(super) fn bad(message: impl Into<String>) -> Self {
        Self::new(code::BAD_REQUEST, message)
    }

    pub(super) fn after(mut self, wait: Duration) -> Self {
        self.again_after = Some(wait);
        self
    }

    /// By the protocol's number alone.
    pub(super) fn by_number(code: u32) -> Self {
        let message = match code {
            code::UNKNOWN_CHANNEL => {
                "unknown channel: no such channel among those of the sites that this key is for"
            }
            code::NOT_AVAILABLE => "not available: this kind of channel does not do that",
            code::UNRECOVERABLE_POSITION => "unrecoverable position: read the channel from its beginning",
            code::BAD_REQUEST => "bad request",
            _ => "not available: try again in a moment",
        };
        Self::new(code, message)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let number = Number(self.error.code);
        let wait = self.again_after;
        // A caller that may not come in, or came too often, is told so by every client's own means.
        let status = match self.error.code {
            code::UNAUTHORIZED => StatusCode::UNAUTHORIZED,
            code::TOO_MANY_REQUESTS => StatusCode::TOO_MANY_REQUESTS,
            _ => StatusCode::OK,
        };
        let mut response = (status, Json(self)).into_response();
        response.extensions_mut().insert(number);
        if let Some(wait) = wait {
            let seconds = HeaderValue::from(wait.as_secs().max(1));
            response.headers_mut().insert(header::RETRY_AFTER, seconds);
        }
        response
    }
}

/// Gives refusals the status that says the same, for who asks for it.
pub(super) async fn in_mode(request: Request, next: Next) -> Response {
    let wanted = request
        .headers()
        .get("x-centrifugo-error-mode")
        .is_some_and(|mode| mode == "transport");
    let mut response = next.run(request).await;
    if let (true, Some(Number(code))) = (wanted, response.extensions().get().copied()) {
        *response.status_mut() = status(code);
    }
    response
}

fn status(code: u32) -> StatusCode {
    match code {
        code::UNAUTHORIZED => StatusCode::UNAUTHORIZED,
        code::PERMISSION_DENIED => StatusCode::FORBIDDEN,
        code::UNKNOWN_CHANNEL | code::METHOD_NOT_FOUND | code::NOT_AVAILABLE => StatusCode::NOT_FOUND,
        code::LIMIT_EXCEEDED => StatusCode::PAYLOAD_TOO_LARGE,
        code::TOO_MANY_REQUESTS => StatusCode::TOO_MANY_REQUESTS,
        code::UNRECOVERABLE_POSITION => StatusCode::RANGE_NOT_SATISFIABLE,
        code::BAD_REQUEST => StatusCode::BAD_REQUEST,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    }
}
