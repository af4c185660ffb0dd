//! How many are here, live, as a component for Leptos apps: the server writes a `<pulse-counter>`, `counter.js` fills it and makes the visitor
//! count. However many there are on however many pages, a browser holds one connection for all of them.
//!
//! ```ignore
//! <OnlineCount site=site server="https://stats.example.com" label="reader|readers" />
//! <OnlineCount site=site server="https://stats.example.com" of=Counted::ThisPage label="on this page" />
//! ```
//!
//! It needs no hydration: it works in islands apps and on pages without WebAssembly. Where your app goes to another page by itself,
//! the counter of "this page" follows. [`tracker/README.md`](../../../tracker/README.md) says how it is styled.

use crate::platform;
use leptos::prelude::*;
use pulsecast_protocol::{Domain, Pathname};

/// Whose visitors are counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Counted {
    /// All of the site's.
    #[default]
    Site,
    /// Those who have the same page open, whichever that is.
    ThisPage,
    /// Those who have this page open.
    Page(Pathname),
}

/// How many visitors are online now.
#[component]
pub fn OnlineCount(
    /// The site that they are on.
    site: Domain,
    /// Where the server is reached, such as `https://stats.example.com`; empty where it serves this very page.
    #[prop(into, optional)]
    server: String,
    /// Whose visitors are counted.
    #[prop(optional)]
    of: Counted,
    /// What stands behind the number: `online` if nothing else is said. `reader|readers` has a form for one and one for more.
    #[prop(into, optional)]
    label: Option<String>,
    /// What is shown where there are no scripts.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    let script = format!("{}/js/counter.js", server.trim_end_matches('/'));
    let (scope, page) = match of {
        Counted::Site => (None, None),
        Counted::ThisPage => (Some("page"), None),
        Counted::Page(path) => (None, Some(path.to_string())),
    };
    // A tag that arrives by the router, instead of with the page, does not run.
    Effect::new({
        let script = script.clone();
        move |_| platform::run_once(&script, "pulse-counter")
    });
    view! {
        <script defer src=script></script>
        <pulse-counter site=site.to_string() scope=scope page=page label=label>{children.map(|children| children())}</pulse-counter>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn html(of: Counted) -> String {
        let site: Domain = "example.com".parse().unwrap();
        let view = || {
            view! { <OnlineCount site server="https://stats.example.com/" of label="reader|readers">"–"</OnlineCount> }.to_html()
        };
        Owner::new().with(view)
    }

    #[test]
    fn the_server_writes_the_element_and_the_script_that_fills_it() {
        let site = html(Counted::Site);
        assert!(
            site.contains(r#"<script defer src="https://stats.example.com/js/counter.js"></script>"#),
            "{site}"
        );
        assert!(
            site.contains(r#"<pulse-counter site="example.com" label="reader|readers">–"#),
            "{site}"
        );
        assert!(
            !site.contains("data-site"),
            "a tag with a site would be a counter itself: {site}"
        );
    }

    #[test]
    fn a_page_is_this_one_or_a_given_one() {
        assert!(html(Counted::ThisPage).contains(r#"scope="page""#));
        let pricing = html(Counted::Page("/pricing".parse().unwrap()));
        assert!(
            pricing.contains(r#"page="/pricing""#) && !pricing.contains("scope"),
            "{pricing}"
        );
    }
}
