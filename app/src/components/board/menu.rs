//! Menus: `<details>` that work by themselves; the island `Keys` closes them on Escape and when somebody clicks elsewhere.

use crate::board::state::BoardState;
use leptos::prelude::*;

/// An entry: a way to another state, and the key that goes there too.
#[derive(Clone, Debug, Default)]
pub struct Item {
    /// What it says.
    pub label: String,
    /// Where it leads.
    pub href: String,
    /// `d`
    pub key: &'static str,
    /// Whether that is here.
    pub current: bool,
}

impl Item {
    /// An entry.
    #[must_use]
    pub fn new(label: impl Into<String>, href: String, key: &'static str, current: bool) -> Self {
        Self {
            label: label.into(),
            href,
            key,
            current,
        }
    }
}

/// Entries, one below the other.
#[component]
pub fn Items(
    /// The entries.
    items: Vec<Item>,
) -> impl IntoView {
    let item = |item: Item| {
        let key = (!item.key.is_empty()).then_some(item.key);
        let shown = key.map(|key| match key {
            "ArrowLeft" => "←".to_owned(),
            key => key.to_ascii_uppercase(),
        });
        view! {
            <li>
                <a class="menu__item" href=item.href data-key=key aria-current=item.current.then_some("true")>
                    <span>{item.label}</span>
                    {shown.map(|key| view! { <kbd class="menu__key" aria-hidden="true">{key}</kbd> })}
                </a>
            </li>
        }
    };
    view! { <ul class="menu__items">{items.into_iter().map(item).collect_view()}</ul> }.into_any()
}

/// The state as hidden fields of a form that changes these of it.
#[component]
pub fn Rest(
    /// The state.
    state: BoardState,
    /// Names that the form has fields of its own for.
    except: &'static [&'static str],
) -> impl IntoView {
    let pairs = state
        .pairs()
        .into_iter()
        .filter(|(name, _)| !except.contains(name));
    pairs
        .map(|(name, value)| view! { <input type="hidden" name=name value=value /> })
        .collect_view()
        .into_any()
}

/// Two days, or two times of days, and a button.
#[component]
pub fn Days(
    /// The first one's field.
    from: (&'static str, String),
    /// The last one's field.
    to: (&'static str, String),
    /// No later than this.
    most: String,
    /// The key that leads here.
    #[prop(optional)]
    key: Option<&'static str>,
    /// What is chosen.
    #[prop(default = "date")]
    kind: &'static str,
) -> impl IntoView {
    view! {
        <div class="menu__days">
            <label>"From " <input class="input input--small" type=kind name=from.0 value=from.1 max=most.clone() required data-key=key /></label>
            <label>"to " <input class="input input--small" type=kind name=to.0 value=to.1 max=most required /></label>
            <button class="button button--small" type="submit">"Apply"</button>
        </div>
    }
    .into_any()
}
