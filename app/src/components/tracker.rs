//! The script tag as a component, for the pages of other Leptos apps.
//!
//! Put it into your `shell`, inside `<head>`, so that it is part of the HTML that the server sends:
//!
//! ```ignore
//! <Tracker site=site server="https://stats.example.com" online=Online::Count />
//! ```
//!
//! Nothing more is needed: the script sees every navigation of `leptos_router` itself, because the router goes through the History
//! API. Custom events are sent by `window.pulse("Signup", {props: {plan: "team"}})`.

use leptos::prelude::*;
use pulsecast_protocol::Domain;

/// How the pages of a site are told apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Routing {
    /// By path: ordinary pages, and routers on the History API such as Leptos' own.
    #[default]
    Path,
    /// By what follows the `#` too.
    Hash,
}

/// Whether the page holds a connection that "online now" counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Online {
    /// No connection.
    #[default]
    Off,
    /// One connection a tab; elements with `data-pulse-online` show the number.
    Count,
}

/// Reports the page's visits to a Pulsecast server.
#[component]
pub fn Tracker(
    /// The site that counts them.
    site: Domain,
    /// Where the server is reached, such as `https://stats.example.com`; empty where it serves this very page.
    #[prop(into, optional)]
    server: String,
    /// Where events go instead of the server's `/api/event`: through a proxy of your own, say.
    #[prop(into, optional)]
    api: Option<String>,
    /// How pages are told apart.
    #[prop(optional)]
    routing: Routing,
    /// Whether "online now" counts this page.
    #[prop(optional)]
    online: Online,
    /// Paths that are not counted, `*` within a segment and `**` across segments.
    #[prop(optional)]
    exclude: Vec<String>,
) -> impl IntoView {
    view! {
        <script
            defer
            src=format!("{}/js/pulse.js", server.trim_end_matches('/'))
            data-site=site.to_string()
            data-api=api
            data-hash=(routing == Routing::Hash).then_some("")
            data-live=(online == Online::Count).then_some("")
            data-exclude=(!exclude.is_empty()).then(|| exclude.join(","))
        ></script>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_asked_for_stands_in_the_tag() {
        let owner = Owner::new();
        let html = owner.with(|| {
            view! { <Tracker site="example.com".parse().unwrap() server="https://stats.example.com/" online=Online::Count /> }.to_html()
        });
        assert!(
            html.contains(r#"src="https://stats.example.com/js/pulse.js""#),
            "{html}"
        );
        assert!(
            html.contains(r#"data-site="example.com""#) && html.contains("data-live"),
            "{html}"
        );
        assert!(
            !html.contains("data-hash") && !html.contains("data-api") && !html.contains("data-exclude"),
            "{html}"
        );
    }
}
