//! The top of a site's pages: which site, its pages, and the way to the others.

use crate::platform;
use leptos::prelude::*;
use pulsecast_protocol::Domain;

/// The pages of a site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tab {
    /// What has happened.
    Stats,
    /// What happens now.
    Live,
    /// How far visitors get.
    Funnels,
    /// Who comes back.
    Retention,
    /// What is told to visitors.
    Feed,
    /// What its owner decides.
    Settings,
}

/// Which site, with a menu of the others, and its pages.
#[component]
pub fn SiteHead<V: IntoView + 'static>(
    /// The site.
    domain: Domain,
    /// All of the viewer's sites; empty until they are known.
    sites: Vec<Domain>,
    /// Which page this is.
    current: Tab,
    /// What stands on the right.
    right: V,
) -> impl IntoView {
    let home = format!("/sites/{domain}");
    let live = format!("{home}/live");
    let (funnels, retention) = (format!("{home}/funnels"), format!("{home}/retention"));
    let (feed, settings) = (format!("{home}/feed"), format!("{home}/settings"));
    let here = |tab| (tab == current).then_some("page");
    platform::erased(view! {
        <header class="site-head">
            <h1 class="site-head__title">{domain.to_string()}</h1>
            <Switcher domain sites />
            <nav class="tabs" aria-label="Pages of this site">
                <a class="tabs__tab" href=home aria-current=here(Tab::Stats)>"Dashboard"</a>
                <a class="tabs__tab" href=live aria-current=here(Tab::Live)>"Live"</a>
                <a class="tabs__tab" href=funnels aria-current=here(Tab::Funnels)>"Funnels"</a>
                <a class="tabs__tab" href=retention aria-current=here(Tab::Retention)>"Retention"</a>
                <a class="tabs__tab" href=feed aria-current=here(Tab::Feed)>"Feed"</a>
                <a class="tabs__tab" href=settings aria-current=here(Tab::Settings)>"Settings"</a>
            </nav>
            <div class="site-head__right">{right}</div>
        </header>
    })
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
