//! A labelled field of a form, with its hint and what is wrong with it. Forms are plain: the server renders them and reads them.

use leptos::prelude::*;

/// The parts around an input: the input itself is the child and carries `id`, and `aria-describedby` as [`described_by`] makes it.
#[component]
pub fn Field(
    /// The input's id.
    id: &'static str,
    /// What it asks for.
    label: &'static str,
    /// What is wrong with it, as a sentence.
    #[prop(optional_no_strip)]
    error: Option<String>,
    /// What to know before typing.
    #[prop(optional, into)]
    hint: Option<ViewFn>,
    /// The input.
    children: Children,
) -> impl IntoView {
    let is_wrong = error.is_some();
    view! {
        <div class="field" class:field--wrong=is_wrong>
            <label class="field__label" for=id>{label}</label>
            {children()}
            <p class="field__error" id=format!("{id}-error")>{error}</p>
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

/// Text inside a `<textarea>`. Leptos writes what is inside one as it is, and `</textarea>` in it would end it: so it is escaped here.
#[must_use]
pub fn area(text: impl AsRef<str>) -> String {
    text.as_ref().replace('&', "&amp;").replace('<', "&lt;")
}

/// What went wrong with the whole form.
#[component]
pub fn FormError(
    /// The sentence, if any.
    text: Option<String>,
) -> impl IntoView {
    text.map(|text| view! { <p class="notice notice--bad" role="alert">{text}</p> })
}
