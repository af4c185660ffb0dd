//! The snippet on a page where nothing else moves.

use crate::components::snippet::Snippet;
use leptos::prelude::*;
use pulsecast_protocol::Domain;

/// The tag, ready to be copied.
#[island]
pub fn CopySnippet(
    /// Whose.
    site: Domain,
    /// Where the server is reached.
    public_url: String,
) -> impl IntoView {
    view! { <Snippet site public_url /> }
}
