//! The WebAssembly entry: takes over the islands of the page that the server rendered.

// Each island exports a function of its own; this is what links them in.
use pulsecast_app as _;
use wasm_bindgen::prelude::wasm_bindgen;

/// Called by the page's hydration script, before the islands.
#[wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    leptos::mount::hydrate_islands();
}
