//! A site's funnels: which there are, and a new one.

use crate::{
    components::{
        field::{Field, FormError, described_by},
        form_parts::{DoneNotice, EditLink, PostButton, Refilled, SaveOrAdd, edited},
        settings_nav::{Section, SettingsFrame},
    },
    fns::goals::{AddFunnel, ChangeFunnel, Funnels, RemoveFunnel, Section as Loaded, load_funnels},
    pages::site_page::site_page,
};
use leptos::prelude::*;
use pulsecast_protocol::{
    Domain,
    account::Role,
    stats::{Funnel, Goal},
};

/// `/sites/{domain}/settings/funnels`
#[component]
pub fn FunnelSettingsPage() -> impl IntoView {
    site_page(load_funnels, |page, sites| {
        let Loaded { domain, role, body } = page;
        let Funnels { funnels, goals } = body;
        let may_edit = role >= Role::Editor;
        let (of, steps) = (domain.clone(), goals.clone());
        let changed = edited().and_then(|id| funnels.iter().find(|funnel| funnel.id == id).cloned());
        view! {
            <SettingsFrame domain=domain.clone() role sites section=Section::Funnels>
                <FunnelList domain funnels goals may_edit />
                {may_edit.then(|| view! { <FunnelForm domain=of goals=steps changed /> })}
            </SettingsFrame>
        }
        .into_any()
    })
}

#[component]
fn FunnelList(domain: Domain, funnels: Vec<Funnel>, goals: Vec<Goal>, may_edit: bool) -> impl IntoView {
    let refill = Refilled::of(ServerAction::<RemoveFunnel>::new().value().get_untracked());
    let none = funnels.is_empty();
    let row = move |funnel: Funnel| {
        let label = |id: &i64| {
            goals
                .iter()
                .find(|goal| goal.id == *id)
                .map(|goal| goal.name.clone())
        };
        let steps: Vec<_> = funnel.steps.iter().filter_map(label).collect();
        let fields = vec![("domain", domain.to_string()), ("id", funnel.id.to_string())];
        let about = format!("Remove the funnel {}", funnel.name);
        let edit = format!("Edit the funnel {}", funnel.name);
        let controls = may_edit.then(|| {
            view! {
                <EditLink id=funnel.id about=edit />
                <PostButton to="/fn/remove-funnel" fields label="Remove" about />
            }
        });
        view! {
            <li class="rows__row" data-testid="funnel">
                <div class="rows__what">
                    <strong>{funnel.name}</strong>
                    <p class="field__hint">{steps.join(" → ")}</p>
                </div>
                <div class="rows__controls">{controls}</div>
            </li>
        }
    };
    view! {
        <section class="panel form--panel" aria-labelledby="funnels-title">
            <h2 class="form__title" id="funnels-title">"Funnels"</h2>
            <DoneNotice />
            <FormError text=refill.whole() />
            {none.then(|| view! { <p class="form__text">"There is no funnel yet. A funnel shows how many visitors get from each goal to the next."</p> })}
            <ul class="rows">{funnels.into_iter().map(row).collect_view()}</ul>
        </section>
    }
    .into_any()
}

#[component]
fn FunnelForm(domain: Domain, goals: Vec<Goal>, changed: Option<Funnel>) -> impl IntoView {
    let (to, refill) = match changed {
        Some(_) => {
            let action = ServerAction::<ChangeFunnel>::new();
            ("/fn/change-funnel", Refilled::of(action.value().get_untracked()))
        }
        None => {
            let action = ServerAction::<AddFunnel>::new();
            ("/fn/add-funnel", Refilled::of(action.value().get_untracked()))
        }
    };
    let id = changed.as_ref().map(|funnel| funnel.id);
    let title = match &changed {
        Some(funnel) => format!("Edit {}", funnel.name),
        None => "New funnel".to_owned(),
    };
    let (name, steps) = changed
        .map(|funnel| (funnel.name, funnel.steps))
        .unwrap_or_default();
    let steps: Vec<_> = steps.iter().map(i64::to_string).collect();
    let name = refill.or("name", name);
    let typed = refill.or("steps", steps.join(","));
    let chosen: Vec<Option<i64>> = typed.split(',').map(|step| step.parse().ok()).collect();
    if goals.len() < Funnel::LEAST {
        let to = format!("/sites/{domain}/settings/goals");
        return view! {
            <section class="panel form--panel">
                <h2 class="form__title">"New funnel"</h2>
                <p class="form__text">"A funnel is made of at least two goals. " <a href=to>"Add goals first"</a> "."</p>
            </section>
        }
        .into_any();
    }
    let step = |at: usize| {
        let of_step = chosen.get(at).copied().flatten();
        let option = |goal: &Goal| {
            view! { <option value=goal.id.to_string() selected=of_step == Some(goal.id)>{goal.name.clone()}</option> }
        };
        view! {
            <li>
                <select class="input" name=format!("steps[{at}]") aria-label=format!("Step {}", at + 1)>
                    <option value="">{if at < Funnel::LEAST { "Choose a goal" } else { "No further step" }}</option>
                    {goals.iter().map(option).collect_view()}
                </select>
            </li>
        }
    };
    let steps = (0..Funnel::MOST).map(step).collect_view();
    view! {
        <form action=to method="post" class="panel form form--panel" id="edit">
            <h2 class="form__title">{title}</h2>
            <FormError text=refill.whole() />
            <input type="hidden" name="domain" value=domain.to_string() />
            {id.map(|id| view! { <input type="hidden" name="id" value=id.to_string() /> })}
            <Field id="name" label="Name" error=refill.field("name")>
                <input class="input" id="name" name="name" value=name required maxlength="120" aria-describedby=described_by("name") />
            </Field>
            <fieldset class="field field--set">
                <legend class="field__label">"Steps, in their order"</legend>
                <p class="field__error">{refill.field("steps")}</p>
                <ol class="steps">{steps}</ol>
            </fieldset>
            <SaveOrAdd changes=id.is_some() add="Add funnel" />
        </form>
    }
    .into_any()
}
