//! The script tag that the owner puts into their pages, with a button that copies it.

use crate::platform::{self, Copied};
use leptos::{html, prelude::*};
use pulsecast_protocol::Domain;
use std::time::Duration;

/// The tag's text.
#[must_use]
pub fn snippet(site: &Domain, public_url: &str) -> String {
    format!(r#"<script defer data-site="{site}" data-live src="{public_url}/js/pulse.js"></script>"#)
}

/// The tag, ready to be copied.
#[component]
pub fn Snippet(
    /// Whose.
    site: Domain,
    /// Where the server is reached.
    public_url: String,
) -> impl IntoView {
    let text = StoredValue::new(snippet(&site, &public_url));
    let said = RwSignal::new(None::<Copied>);
    let code = NodeRef::<html::Code>::new();
    let done = Callback::new(move |copied| {
        said.set(Some(copied));
        if copied == Copied::Denied {
            code.get_untracked()
                .into_iter()
                .for_each(|code| platform::select(&code));
        }
        set_timeout(move || said.set(None), Duration::from_secs(4));
    });
    let label = move || match said.get() {
        None => "Copy",
        Some(Copied::Done) => "Copied",
        Some(Copied::Denied) => "Press Ctrl+C",
    };
    platform::erased(view! {
        <div class="snippet">
            <pre class="snippet__text" tabindex="0"><code node_ref=code data-testid="snippet">{text.get_value()}</code></pre>
            <button
                class="button snippet__copy"
                type="button"
                data-testid="copy-snippet"
                on:click=move |_| platform::copy(&text.get_value(), done)
            >
                <span aria-live="polite">{label}</span>
            </button>
        </div>
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_snippet_names_the_site_and_the_server() {
        let text = snippet(&"example.com".parse().unwrap(), "https://stats.example.com");
        assert_eq!(
            text,
            r#"<script defer data-site="example.com" data-live src="https://stats.example.com/js/pulse.js"></script>"#
        );
    }
}
