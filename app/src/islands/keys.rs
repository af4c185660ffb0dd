//! Keys that do what clicks do: a key clicks the element that carries it as `data-key`. Menus close on Escape and on clicks elsewhere.

use crate::platform;
use leptos::prelude::*;

/// Listens while the page is there; shows nothing.
#[island]
pub fn Keys() -> impl IntoView {
    Effect::new(platform::listen_for_keys);
}
