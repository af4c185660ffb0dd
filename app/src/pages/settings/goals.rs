//! A site's goals: which there are, and a new one.

use crate::{
    components::{
        field::{Field, FormError, area, described_by},
        form_parts::{DoneNotice, EditLink, PostButton, Refilled, SaveOrAdd, edited},
        settings_nav::{Section, SettingsFrame},
    },
    fns::goals::{AddGoal, ChangeGoal, RemoveGoal, Section as Loaded, load_goals},
    pages::site_page::site_page,
};
use leptos::prelude::*;
use pulsecast_protocol::{
    Domain,
    account::Role,
    stats::{Goal, GoalKind},
};

/// `/sites/{domain}/settings/goals`
#[component]
pub fn GoalsPage() -> impl IntoView {
    site_page(load_goals, |page, sites| {
        let Loaded { domain, role, body } = page;
        let may_edit = role >= Role::Editor;
        let of = domain.clone();
        let changed = edited().and_then(|id| body.iter().find(|goal| goal.id == id).cloned());
        view! {
            <SettingsFrame domain=domain.clone() role sites section=Section::Goals>
                <GoalList domain goals=body may_edit />
                {may_edit.then(|| view! { <GoalForm domain=of changed /> })}
            </SettingsFrame>
        }
        .into_any()
    })
}

/// When a goal is reached, in words.
pub(super) fn condition(kind: &GoalKind) -> String {
    match kind {
        GoalKind::Page { path } => format!("Looks at {path}"),
        GoalKind::Scroll { path, threshold } => format!("Reads {threshold}% of {path}"),
        GoalKind::Event { event, props } => {
            let props: Vec<_> = props
                .iter()
                .map(|(key, value)| format!("{key} is {value}"))
                .collect();
            if props.is_empty() {
                format!("Custom event {event}")
            } else {
                format!("Custom event {event} whose {}", props.join(" and "))
            }
        }
    }
}

#[component]
fn GoalList(domain: Domain, goals: Vec<Goal>, may_edit: bool) -> impl IntoView {
    let refill = Refilled::of(ServerAction::<RemoveGoal>::new().value().get_untracked());
    let none = goals.is_empty();
    let row = move |goal: Goal| {
        let fields = vec![("domain", domain.to_string()), ("id", goal.id.to_string())];
        let about = format!("Remove the goal {}", goal.name);
        let edit = format!("Edit the goal {}", goal.name);
        let controls = may_edit.then(|| {
            view! {
                <EditLink id=goal.id about=edit />
                <PostButton to="/fn/remove-goal" fields label="Remove" about />
            }
        });
        view! {
            <li class="rows__row" data-testid="goal">
                <div class="rows__what">
                    <strong>{goal.name}</strong>
                    <p class="field__hint">{condition(&goal.kind)} {goal.currency.map(|currency| format!(". Revenue in {currency}"))}</p>
                </div>
                <div class="rows__controls">{controls}</div>
            </li>
        }
    };
    view! {
        <section class="panel form--panel" aria-labelledby="goals-title">
            <h2 class="form__title" id="goals-title">"Goals"</h2>
            <DoneNotice />
            <FormError text=refill.whole() />
            {none.then(|| view! { <p class="form__text">"There is no goal yet. A goal is something that visitors ought to reach: a page, an event, the end of an article."</p> })}
            <ul class="rows">{goals.into_iter().map(row).collect_view()}</ul>
        </section>
    }
    .into_any()
}

/// What stands in the fields of a goal's form.
#[derive(Default)]
struct Set {
    kind: &'static str,
    name: String,
    path: String,
    event: String,
    props: String,
    threshold: String,
    currency: String,
}

impl Set {
    fn of(goal: &Goal) -> Self {
        let (name, currency) = (goal.name.clone(), goal.currency.clone().unwrap_or_default());
        let set = match goal.kind.clone() {
            GoalKind::Page { path } => Self {
                kind: "page",
                path,
                ..Self::default()
            },
            GoalKind::Scroll { path, threshold } => Self {
                kind: "scroll",
                path,
                threshold: threshold.to_string(),
                ..Self::default()
            },
            GoalKind::Event { event, props } => {
                let lines: Vec<_> = props
                    .iter()
                    .map(|(key, value)| format!("{key}={value}"))
                    .collect();
                Self {
                    kind: "event",
                    event,
                    props: lines.join("\n"),
                    ..Self::default()
                }
            }
        };
        Self {
            name,
            currency,
            ..set
        }
    }
}

/// The form of a new goal, or of one that is changed.
#[component]
fn GoalForm(domain: Domain, changed: Option<Goal>) -> impl IntoView {
    let (to, refill) = match changed {
        Some(_) => {
            let action = ServerAction::<ChangeGoal>::new();
            ("/fn/change-goal", Refilled::of(action.value().get_untracked()))
        }
        None => {
            let action = ServerAction::<AddGoal>::new();
            ("/fn/add-goal", Refilled::of(action.value().get_untracked()))
        }
    };
    let id = changed.as_ref().map(|goal| goal.id);
    let set = changed.as_ref().map(Set::of).unwrap_or_default();
    let kind = StoredValue::new(refill.or("kind", set.kind));
    let choice = move |value: &'static str, label: &'static str| {
        let is = kind.with_value(|kind| kind == value || (kind.is_empty() && value == "page"));
        view! { <label class="check"><input type="radio" name="kind" value=value checked=is /><span>{label}</span></label> }
    };
    let title = match &changed {
        Some(goal) => format!("Edit {}", goal.name),
        None => "New goal".to_owned(),
    };
    let follow = id.map(|_| view! {
        <p class="form__text">"It is counted back over all history as it is from then on. With a new name, saved segments follow; addresses of dashboards that are filtered by the old one do not."</p>
    });
    view! {
        <form action=to method="post" class="panel form form--panel goal-form" id="edit">
            <h2 class="form__title">{title}</h2>
            {follow}
            <FormError text=refill.whole() />
            <input type="hidden" name="domain" value=domain.to_string() />
            {id.map(|id| view! { <input type="hidden" name="id" value=id.to_string() /> })}
            <fieldset class="field field--set">
                <legend class="field__label">"Reached by"</legend>
                {choice("page", "looking at a page")}
                {choice("event", "a custom event")}
                {choice("scroll", "reading a page this far")}
            </fieldset>
            <div class="goal-form__path">
                <Field id="path" label="Path" error=refill.field("path") hint=|| "Such as /thanks or /blog/**: * is any part of a name, ** anything.">
                    <input class="input" id="path" name="path" value=refill.or("path", set.path) maxlength="500" autocapitalize="none" spellcheck="false" aria-describedby=described_by("path") />
                </Field>
            </div>
            <div class="goal-form__event">
                <Field id="event" label="Event" error=refill.field("event") hint=|| "As the page calls it: pulse(\"Signup\").">
                    <input class="input" id="event" name="event" value=refill.or("event", set.event) maxlength="120" aria-describedby=described_by("event") />
                </Field>
                <Field id="props" label="Only with these properties" error=refill.field("props") hint=|| "One a line, such as plan=team; all of them. May be empty.">
                    <textarea class="input input--list" id="props" name="props" rows="3" spellcheck="false" aria-describedby=described_by("props")>{area(refill.or("props", set.props))}</textarea>
                </Field>
                <Field id="currency" label="Currency of its revenue" error=refill.field("currency") hint=|| "Three letters, such as EUR. Empty if it earns nothing.">
                    <input class="input" id="currency" name="currency" value=refill.or("currency", set.currency) maxlength="3" autocapitalize="characters" aria-describedby=described_by("currency") />
                </Field>
            </div>
            <div class="goal-form__scroll">
                <Field id="threshold" label="Per cent of the page" error=refill.field("threshold")>
                    <input class="input" id="threshold" name="threshold" value=refill.or("threshold", set.threshold) inputmode="numeric" maxlength="4" aria-describedby="threshold-error" />
                </Field>
            </div>
            <Field id="name" label="Name" error=refill.field("name") hint=|| "What dashboards call it. Empty for the usual name.">
                <input class="input" id="name" name="name" value=refill.or("name", set.name) maxlength="120" aria-describedby=described_by("name") />
            </Field>
            <SaveOrAdd changes=id.is_some() add="Add goal" />
        </form>
    }
    .into_any()
}
