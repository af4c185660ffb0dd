//! What the screens ask of where they run, answered on the server. `browser.rs` is its twin: same names, same signatures.

use crate::api::SharedApi;
use leptos::prelude::*;
use leptos_axum::ResponseOptions;
use pulsecast_protocol::{ApiError, ErrorCode, Timestamp};

/// The server's side of what the UI needs, bound to whoever asks. Only server functions call it; the twin has no such thing.
///
/// # Errors
/// When the request was set up without it.
pub fn api() -> Result<SharedApi, ApiError> {
    use_context().ok_or_else(|| {
        ApiError::new(
            ErrorCode::Internal,
            "the page was set up without its server; restart pulsecast",
        )
    })
}

/// Sends the asker of a server function elsewhere. Only server functions call it.
pub fn send_to(path: &str) {
    leptos_axum::redirect(path);
}

/// Forgets the type of a view: without it, the server's view of a whole page has a type too long for the compiler.
pub fn erased(view: impl IntoView) -> impl IntoView {
    view.into_any()
}

/// Marks the answer as "no such page".
pub fn mark_not_found() {
    if let Some(response) = use_context::<ResponseOptions>() {
        response.set_status(http::StatusCode::NOT_FOUND);
    }
}

/// Nobody's clock: a rendered page carries the times of its data.
#[must_use]
pub fn now() -> Timestamp {
    Timestamp::default()
}

/// The server does not know the viewer's zone.
#[must_use]
pub fn utc_offset() -> i32 {
    0
}

/// The server does not know the viewer's zone.
#[must_use]
pub fn timezone() -> Option<String> {
    None
}

/// The page that is rendered carries the script's tag.
pub fn run_once(_script: &str, _element: &str) {}

/// Nothing to copy to.
pub fn copy(_text: &str, _done: Callback<Copied>) {}

/// Nothing new is heard of.
#[must_use]
pub fn place_name(_code: &str) -> Option<String> {
    None
}

/// Nobody to ask.
#[allow(clippy::unused_async, reason = "its twin waits for the network")]
pub async fn fetch(_address: &str) -> Option<String> {
    None
}

/// There is no pointer.
#[must_use]
pub fn across<E>(_event: &E) -> i64 {
    0
}

/// There are no keys.
pub fn listen_for_keys() {}

/// Nothing to mark.
pub fn select<E>(_element: &E) {}

/// The server writes titles into the page it renders.
pub fn set_title(_title: &str) {}

/// The server does not know what the viewer's browser would say.
pub fn prefill(_id: &str, _untouched: &str, _value: &str) {}

/// How copying went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Copied {
    /// It is in the clipboard.
    Done,
    /// The browser does not let us: the text is to be copied by hand.
    Denied,
}
