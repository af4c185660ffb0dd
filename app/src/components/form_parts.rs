//! Small parts of the settings' forms: a button that posts, a value to copy, the notice that something was done.

use crate::failure::{Failure, Refill};
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

/// A button that is a form of its own.
#[component]
pub fn PostButton(
    /// Where it posts to.
    to: &'static str,
    /// What it posts.
    fields: Vec<(&'static str, String)>,
    /// What it says.
    label: &'static str,
    /// What it says to those who do not see where it stands.
    about: String,
) -> impl IntoView {
    let hidden =
        |(name, value): (&'static str, String)| view! { <input type="hidden" name=name value=value /> };
    view! {
        <form method="post" action=to class="inline-form">
            {fields.into_iter().map(hidden).collect_view()}
            <button class="button button--quiet button--small" type="submit" aria-label=about>{label}</button>
        </form>
    }
    .into_any()
}

/// The way to change something in the form below: its number goes into the address.
#[component]
pub fn EditLink(
    /// Its number.
    id: i64,
    /// What it says to those who do not see where it stands.
    about: String,
) -> impl IntoView {
    view! { <a class="button button--quiet button--small" href=format!("?edit={id}#edit") aria-label=about>"Edit"</a> }
        .into_any()
}

/// The number of what is to be changed, where the address says so.
#[must_use]
pub fn edited() -> Option<i64> {
    use_query_map().with_untracked(|query| query.get("edit").and_then(|id| id.parse().ok()))
}

/// The end of a form that adds something, or changes what is there.
#[component]
pub fn SaveOrAdd(
    /// Whether it changes.
    changes: bool,
    /// What the button says where it adds.
    add: &'static str,
) -> impl IntoView {
    // The page itself, without what is being changed.
    let cancel = changes.then(|| view! { <a class="button button--quiet" href="?">"Cancel"</a> });
    view! {
        <p class="form__actions">
            <button class="button button--main" type="submit">{if changes { "Save" } else { add }}</button>
            " " {cancel}
        </p>
    }
    .into_any()
}

/// A text to be taken away: selected by one click where there is no program that copies.
#[component]
pub fn TakeAway(
    /// The field's id.
    id: &'static str,
    /// What it is.
    label: &'static str,
    /// It.
    value: String,
) -> impl IntoView {
    view! {
        <div class="field">
            <label class="field__label" for=id>{label}</label>
            <input class="input input--code" id=id readonly value=value data-testid=id />
        </div>
    }
    .into_any()
}

/// What `?done=` means.
fn done(code: &str) -> Option<&'static str> {
    Some(match code {
        "saved" => "Saved. The changes are in effect.",
        "goal" => "The goal is there. It is counted back over all history.",
        "goal-changed" => "The goal is changed. It is counted back over all history as it is now.",
        "funnel" => "The funnel is there.",
        "link" => "The link is changed.",
        "segment" => "The segment is saved.",
        "role" => "The role is changed.",
        "removed" => "Removed.",
        "revoked" => "Turned away. What they held open is closed.",
        "password" => "The password is changed. Other browsers are signed out.",
        "transferred" => "The site has a new owner. You are an admin of it now.",
        _ => return None,
    })
}

/// The notice that something was done, where the address says so.
#[component]
pub fn DoneNotice() -> impl IntoView {
    let code = use_query_map().with_untracked(|query| query.get("done"));
    let text = code.as_deref().and_then(done);
    text.map(|text| view! { <p class="notice notice--good" role="status" data-testid="done">{text}</p> })
}

/// What came back with a form, at hand wherever the form's parts are put together.
#[derive(Clone, Copy, Debug)]
pub struct Refilled(StoredValue<Refill>);

impl Refilled {
    /// What came back with the form of this action, if anything.
    #[must_use]
    pub fn of<T>(result: Option<Result<T, Failure>>) -> Self {
        Self(StoredValue::new(Refill::of(result).unwrap_or_default()))
    }

    /// What is wrong with this field, as one sentence.
    #[must_use]
    pub fn field(self, name: &str) -> Option<String> {
        self.0.with_value(|refill| refill.field(name))
    }

    /// What is wrong beside the fields, as one sentence.
    #[must_use]
    pub fn whole(self) -> Option<String> {
        self.0.with_value(Refill::whole)
    }

    /// What was typed into this field, else what is set.
    #[must_use]
    pub fn or(self, name: &str, set: impl Into<String>) -> String {
        self.given(name).unwrap_or_else(|| set.into())
    }

    /// What was typed into this field; nothing where nothing came back.
    #[must_use]
    pub fn typed(self, name: &str) -> String {
        self.given(name).unwrap_or_default()
    }

    /// What was typed into this field, if anything came back.
    #[must_use]
    pub fn given(self, name: &str) -> Option<String> {
        self.0.with_value(|refill| refill.typed.get(name).cloned())
    }
}
