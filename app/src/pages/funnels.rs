//! The funnels of a site: how far visitors of a period got, and where they left.

use super::stats_page::{Frame, links_of, stats_page};
use crate::{
    board::{
        Links,
        page::{FunnelPage, Named},
    },
    components::site_head::Tab,
    fns::board::load_funnels,
    islands::funnel::FunnelBars,
};
use leptos::prelude::*;

/// `/sites/{domain}/funnels`
#[component]
pub fn FunnelsPage() -> impl IntoView {
    stats_page(load_funnels, |page, sites| {
        view! { <Funnels page sites /> }.into_any()
    })
}

/// The funnels, of a site or of a shared link.
#[component]
pub fn Funnels(
    /// What the server says.
    page: FunnelPage,
    /// The viewer's sites.
    sites: Vec<pulsecast_protocol::Domain>,
) -> impl IntoView {
    let FunnelPage {
        frame,
        funnel,
        result,
        follow,
        motion,
        csv,
        token,
    } = page;
    let links = links_of(&frame, "funnels");
    let all = frame.site.funnels.clone();
    let domain = frame.site.domain.clone();
    let edits = frame.site.mode.edits();
    let body = match (funnel, result) {
        (None, _) => view! { <NoFunnel domain=domain.to_string() edits /> }.into_any(),
        (Some(_), Some(Err(error))) => {
            view! { <p class="panel notice notice--bad" role="alert">{error}</p> }.into_any()
        }
        (Some(funnel), result) => {
            let steps = result.and_then(Result::ok).unwrap_or_default();
            view! {
                <section class="panel funnel" aria-labelledby="funnel-title">
                    <Chooser links=links.clone() all current=funnel.clone() />
                    <FunnelBars domain steps follow motion token />
                    <p class="funnel__out"><a class="card__more" href=csv download="">"CSV"</a></p>
                </section>
            }
            .into_any()
        }
    };
    view! { <Frame frame links sites tab=Tab::Funnels>{body}</Frame> }.into_any()
}

#[component]
fn Chooser(links: Links, all: Vec<Named>, current: Named) -> impl IntoView {
    let link = |funnel: Named| {
        let here = funnel.id == current.id;
        let href = links.to(|state| state.funnel = Some(funnel.id));
        view! { <a class="choice__link" href=href aria-current=here.then_some("page")>{funnel.name}</a> }
    };
    view! {
        <h2 class="visually-hidden" id="funnel-title">{current.name.clone()}</h2>
        <nav class="choice funnel__choice" aria-label="Funnels">{all.into_iter().map(link).collect_view()}</nav>
    }
    .into_any()
}

#[component]
fn NoFunnel(domain: String, edits: bool) -> impl IntoView {
    view! {
        <section class="panel empty">
            <h2 class="empty__title">"No funnel yet"</h2>
            <p>"A funnel is two to eight goals in the order in which they ought to be reached. It shows how many visitors get from each to the next."</p>
            {edits.then(|| view! { <p><a class="button button--main" href=format!("/sites/{domain}/settings/funnels")>"Add a funnel"</a></p> })}
        </section>
    }
    .into_any()
}
