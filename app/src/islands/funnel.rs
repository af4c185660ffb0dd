//! A funnel's steps, counted again while visitors go through them.

use crate::{
    board::{
        links::encode,
        model::{Motion, Panel},
    },
    components::{offline::OfflineBanner, time::Zone},
    format,
    live::{Socket, rows::Answer},
    platform,
};
use leptos::prelude::*;
use pulsecast_protocol::{Domain, stats::FunnelResult};
use std::time::Duration;

/// How long after something has happened the funnel is counted again.
const PATIENCE: Duration = Duration::from_secs(2);

/// The steps beside each other.
#[island]
pub fn FunnelBars(
    /// The site.
    domain: Domain,
    /// The state in the address.
    search: String,
    /// Which funnel.
    id: i64,
    /// How far visitors got.
    result: FunnelResult,
    /// A question whose answer changes when the funnel's may have.
    follow: Panel,
    /// Whether the period includes now.
    motion: Motion,
) -> impl IntoView {
    Zone::provide();
    let result = RwSignal::new(result);
    let socket = Socket::provide();
    if motion == Motion::Live {
        let mut address = format!("/fn/count-funnel?domain={domain}&id={id}&search=");
        encode(&search, &mut address);
        recount(socket, domain, follow, address, result);
    }
    let count = result.with_untracked(|result| result.steps.len());
    let all = move || result.with(|result| result.all_visitors);
    let last = move || {
        result.with(|r| {
            (
                r.steps.last().map_or(0, |s| s.visitors),
                r.steps.first().map_or(0, |s| s.visitors),
            )
        })
    };
    platform::erased(view! {
        <p class="funnel__sum" data-testid="funnel-sum">
            <b>{move || { let (n, of) = last(); format::percent(n, of) }}</b>
            {move || format!(" of {} who entered went all the way; {} visitors in all", format::number(last().1), format::number(all()))}
        </p>
        <ol class="funnel__steps">{(0..count).map(|i| view! { <Step i result /> }).collect_view()}</ol>
        <OfflineBanner socket />
    })
}

/// Asks again, some seconds at most after something has happened: a funnel takes a question of its own.
fn recount(socket: Socket, domain: Domain, follow: Panel, address: String, result: RwSignal<FunnelResult>) {
    let address = StoredValue::new(address);
    // The first answer says nothing new.
    let waits = StoredValue::new(true);
    let ask = move || {
        waits.set_value(false);
        leptos::task::spawn_local(async move {
            let text = platform::fetch(&address.get_value()).await;
            if let Some(new) = text.and_then(|text| serde_json::from_str(&text).ok()) {
                result.try_set(new);
            }
        });
    };
    let news = move |_: &Answer| {
        if !waits.get_value() {
            waits.set_value(true);
            set_timeout(ask, PATIENCE);
        }
    };
    Effect::new(move || {
        socket.follow_query(&domain, &follow.key, follow.query.clone(), news);
        set_timeout(move || waits.set_value(false), PATIENCE);
    });
}

#[component]
fn Step(i: usize, result: RwSignal<FunnelResult>) -> impl IntoView {
    let label = result.with_untracked(|r| r.steps.get(i).map(|s| s.label.clone()).unwrap_or_default());
    let here = move || result.with(|r| r.steps.get(i).map_or(0, |s| s.visitors));
    let entered = move || result.with(|r| r.steps.first().map_or(0, |s| s.visitors));
    let before = move || {
        result.with(|r| {
            i.checked_sub(1)
                .and_then(|i| r.steps.get(i))
                .map_or(r.all_visitors, |s| s.visitors)
        })
    };
    let lost = move || before().saturating_sub(here());
    let share = move || format!("--share:{}", here() * 1000 / entered().max(1));
    platform::erased(view! {
        <li class="funnel__step" style=share data-testid="funnel-step">
            <div class="funnel__bar"><span class="funnel__share">{move || format::percent(here(), entered())}</span></div>
            <p class="funnel__label" title=label.clone()>{label.clone()}</p>
            <p class="funnel__count">{move || format::number(here())}" visitors"</p>
            <p class="funnel__lost">
                {move || match i {
                    0 => format!("{} of all visitors", format::percent(here(), before())),
                    _ => format!("{} left before ({})", format::number(lost()), format::percent(lost(), before())),
                }}
            </p>
        </li>
    })
}
