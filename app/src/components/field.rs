//! A labelled field of a form, with its hint and what is wrong with it.

use leptos::prelude::*;

/// The parts around an input: the input itself is the child and carries `id`, and `aria-describedby` as [`described_by`] makes it.
#[component]
pub fn Field(
    /// The input's id.
    id: &'static str,
    /// What it asks for.
    label: &'static str,
    /// What is wrong with it.
    #[prop(into, optional)]
    error: Signal<Option<String>>,
    /// What to know before typing.
    #[prop(optional, into)]
    hint: Option<ViewFn>,
    /// The input.
    children: Children,
) -> impl IntoView {
    view! {
        <div class="field" class:field--wrong=move || error.get().is_some()>
            <label class="field__label" for=id>{label}</label>
            {children()}
            <p class="field__error" id=format!("{id}-error")>
                {move || error.get().map(|text| crate::failure::sentence(&text))}
            </p>
            {hint.map(|hint| view! { <p class="field__hint" id=format!("{id}-hint")>{hint.run()}</p> })}
        </div>
    }
    .into_any()
}

/// The value of `aria-describedby` for an input in a [`Field`].
#[must_use]
pub fn described_by(id: &str) -> String {
    format!("{id}-error {id}-hint")
}

/// What went wrong with the whole form.
#[component]
pub fn FormError(
    /// The sentence, if any.
    #[prop(into)]
    text: Signal<Option<String>>,
) -> impl IntoView {
    view! {
        <div class="form__note" role="alert">
            {move || text.get().map(|text| view! { <p class="notice notice--bad">{text}</p> })}
        </div>
    }
}
