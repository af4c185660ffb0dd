//! The top of a site's pages: which site, its pages, and the way to the others.

use leptos::prelude::*;
use leptos_router::components::A;
use pulsecast_protocol::Domain;

/// Which site, with a menu of the others, and its pages.
#[component]
pub fn SiteHead(
    /// The site.
    domain: Domain,
    /// All of the viewer's sites; empty until they are known.
    sites: Vec<Domain>,
    /// What stands on the right.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    let home = format!("/sites/{domain}");
    let settings = format!("{home}/settings");
    view! {
        <header class="site-head">
            <h1 class="site-head__title">{domain.to_string()}</h1>
            <Switcher domain sites />
            <nav class="tabs" aria-label="Pages of this site">
                <A href=home exact=true attr:class="tabs__tab">"Live"</A>
                <A href=settings attr:class="tabs__tab">"Settings"</A>
            </nav>
            <div class="site-head__right">{children.map(|children| children())}</div>
        </header>
    }
    .into_any()
}

/// The way to the viewer's other sites; there when there are any.
#[component]
fn Switcher(domain: Domain, sites: Vec<Domain>) -> impl IntoView {
    let others: Vec<_> = sites.into_iter().filter(|site| *site != domain).collect();
    (!others.is_empty()).then(|| {
        let entry = |site: Domain| view! { <li><a href=format!("/sites/{site}")>{site.to_string()}</a></li> };
        view! {
            <details class="switcher">
                <summary class="switcher__button" aria-label="Switch to another site"><span class="icon icon--switch" aria-hidden="true"></span></summary>
                <ul class="switcher__list">{others.into_iter().map(entry).collect_view()}</ul>
            </details>
        }
    })
}
