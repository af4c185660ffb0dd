//! A funnel's steps, counted again while visitors go through them.

use super::follow::Follow;
use crate::{
    board::model::{self, Motion, Panel, Row},
    components::offline::OfflineBanner,
    format, platform,
};
use leptos::prelude::*;
use pulsecast_protocol::Domain;

/// The place of a step's visitors among its figures.
const VISITORS: usize = 0;
/// And of those of the step before who did not come this far.
const LOST: usize = 3;

/// The steps beside each other.
#[island]
pub fn FunnelBars(
    /// The site.
    domain: Domain,
    /// How far visitors got: a row a step.
    steps: Vec<Row>,
    /// The question.
    follow: Panel,
    /// Whether the period includes now.
    motion: Motion,
    /// Who follows it, where that is not whoever is signed in.
    token: String,
) -> impl IntoView {
    let count = steps.len();
    let steps = RwSignal::new(steps);
    let connection = Follow::provide(token, domain, motion);
    connection.panel(follow, move |answer| {
        // The steps of a funnel that was changed meanwhile are others: they wait for the next look.
        if answer.rows.len() == count {
            steps.update(|steps| *steps = model::rows(&answer.rows, steps, &|_| None));
        }
    });
    let socket = connection.socket;
    let last = count.saturating_sub(1);
    platform::erased(view! {
        <p class="funnel__sum" data-testid="funnel-sum">
            <b>{move || format::percent(figure(steps, last, VISITORS), figure(steps, 0, VISITORS))}</b>
            {move || format!(" of {} who entered went all the way; {} visitors in all", format::number(figure(steps, 0, VISITORS)), format::number(before(steps, 0)))}
        </p>
        <ol class="funnel__steps">{(0..count).map(|i| view! { <Step i steps /> }).collect_view()}</ol>
        <OfflineBanner socket />
    })
}

/// A figure of a step, which are hundredths.
fn figure(steps: RwSignal<Vec<Row>>, step: usize, place: usize) -> u64 {
    let value = steps.with(|steps| steps.get(step)?.figures.get(place).copied().flatten());
    u64::try_from(value.unwrap_or_default() / 100).unwrap_or_default()
}

/// Visitors of the step before; of the first, all.
fn before(steps: RwSignal<Vec<Row>>, step: usize) -> u64 {
    figure(steps, step, VISITORS) + figure(steps, step, LOST)
}

#[component]
fn Step(i: usize, steps: RwSignal<Vec<Row>>) -> impl IntoView {
    let label = steps.with_untracked(|steps| steps.get(i).map(|step| step.name.clone()).unwrap_or_default());
    let here = move || figure(steps, i, VISITORS);
    let entered = move || figure(steps, 0, VISITORS);
    let before = move || before(steps, i);
    let lost = move || figure(steps, i, LOST);
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
