//! What the screens ask of where they run, answered in the browser. `server.rs` is its twin: same names, same signatures.

use js_sys::{Array, Intl, Object, Reflect};
use leptos::prelude::*;
use pulsecast_protocol::Timestamp;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

/// The answer's status was the server's business.
pub fn mark_not_found() {}

/// Keeps the type of a view: here it costs nothing, and forgetting it would carry along code for pages that load in parts.
pub fn erased(view: impl IntoView) -> impl IntoView {
    view
}

/// The viewer's clock.
#[must_use]
#[allow(
    clippy::cast_possible_truncation,
    reason = "milliseconds since 1970 stay below 2^53"
)]
pub fn now() -> Timestamp {
    Timestamp(js_sys::Date::now() as i64)
}

/// Minutes that the viewer's clock is east of UTC, now.
#[must_use]
#[allow(clippy::cast_possible_truncation, reason = "less than a day of minutes")]
pub fn utc_offset() -> i32 {
    -(js_sys::Date::new_0().get_timezone_offset() as i32)
}

/// The viewer's zone, as IANA names it.
#[must_use]
pub fn timezone() -> Option<String> {
    let options = Intl::DateTimeFormat::new(&Array::new(), &Object::new()).resolved_options();
    Reflect::get(&options, &JsValue::from_str("timeZone"))
        .ok()?
        .as_string()
}

/// Loads a script, unless the custom element that it makes known is known already.
pub fn run_once(script: &str, element: &str) {
    let registry = Reflect::get(&window(), &JsValue::from_str("customElements"));
    let get = |registry: &JsValue| -> Option<JsValue> {
        let get: js_sys::Function = Reflect::get(registry, &JsValue::from_str("get"))
            .ok()?
            .dyn_into()
            .ok()?;
        get.call1(registry, &JsValue::from_str(element)).ok()
    };
    let is_known = registry
        .ok()
        .and_then(|registry| get(&registry))
        .is_some_and(|known| known.is_function());
    if is_known {
        return;
    }
    let document = document();
    if let (Ok(tag), Ok(Some(head))) = (document.create_element("script"), document.query_selector("head")) {
        // Where a page forbids it there is no count, and the page goes on.
        tag.set_attribute("src", script)
            .and_then(|()| head.append_child(&tag).map(drop))
            .unwrap_or_default();
    }
}

/// Puts the text into the clipboard and says how it went. Pages served without TLS have no clipboard.
pub fn copy(text: &str, done: Callback<Copied>) {
    let navigator = window().navigator();
    let clipboard = Reflect::get(&navigator, &JsValue::from_str("clipboard"))
        .ok()
        .filter(|value| value.is_object());
    let Some(clipboard) = clipboard else {
        done.run(Copied::Denied);
        return;
    };
    let writing = clipboard.unchecked_into::<web_sys::Clipboard>().write_text(text);
    leptos::task::spawn_local(async move {
        let written = JsFuture::from(writing).await;
        done.run(if written.is_ok() {
            Copied::Done
        } else {
            Copied::Denied
        });
    });
}

/// What a country of this code is called, where the browser knows.
#[must_use]
pub fn place_name(code: &str) -> Option<String> {
    if code.len() != 2 || !code.bytes().all(|b| b.is_ascii_uppercase()) {
        return None;
    }
    let intl = Reflect::get(&js_sys::global(), &JsValue::from_str("Intl")).ok()?;
    let names = Reflect::get(&intl, &JsValue::from_str("DisplayNames")).ok()?;
    let options = Object::new();
    Reflect::set(&options, &JsValue::from_str("type"), &JsValue::from_str("region")).ok()?;
    let arguments = Array::of2(&JsValue::from_str("en"), &options);
    let names: js_sys::Function = names.unchecked_into();
    let names = Reflect::construct(&names, &arguments).ok()?;
    let of: js_sys::Function = Reflect::get(&names, &JsValue::from_str("of"))
        .ok()?
        .unchecked_into();
    of.call1(&names, &JsValue::from_str(code)).ok()?.as_string()
}

/// The answer to a GET of our own, if there is one.
pub async fn fetch(address: &str) -> Option<String> {
    let answer: web_sys::Response = JsFuture::from(window().fetch_with_str(address))
        .await
        .ok()?
        .dyn_into()
        .ok()?;
    if !answer.ok() {
        return None;
    }
    JsFuture::from(answer.text().ok()?).await.ok()?.as_string()
}

/// How far across an element the pointer is, in thousandths of its width.
#[must_use]
pub fn across(event: &web_sys::PointerEvent) -> i64 {
    let element = event
        .current_target()
        .and_then(|target| target.dyn_into::<web_sys::HtmlElement>().ok());
    let width = element.map_or(1, |element| element.offset_width().max(1));
    i64::from(event.offset_x()) * 1000 / i64::from(width)
}

/// Lets keys click what carries them as `data-key`, and closes menus, until the calling component goes away.
pub fn listen_for_keys() {
    let keys = window_event_listener(leptos::ev::keydown, |event| {
        let target = event
            .target()
            .and_then(|target| target.dyn_into::<web_sys::HtmlElement>().ok());
        let is = |what: &str| target.as_ref().is_some_and(|t| t.matches(what).unwrap_or(false));
        let key = event.key();
        let escape = key == "Escape";
        if event.ctrl_key() || event.meta_key() || event.alt_key() || event.default_prevented() {
            return;
        }
        if escape && (first(":popover-open").is_some() || close_menus(None)) {
            return;
        }
        if is("input:not([type=checkbox]),select,textarea") && !(escape && is("[role=dialog] *")) {
            // Whoever types means the field; Escape leaves it.
            if let Some(field) = target.filter(|_| escape) {
                field.blur().ok();
            }
            return;
        }
        // What takes the arrows itself keeps them.
        if key.starts_with("Arrow") && is("[tabindex=\"0\"]") {
            return;
        }
        if press(&key) {
            event.prevent_default();
        }
    });
    let clicks = window_event_listener(leptos::ev::click, |event| {
        let target = event
            .target()
            .and_then(|target| target.dyn_into::<web_sys::Node>().ok());
        close_menus(target.as_ref());
    });
    on_cleanup(move || {
        keys.remove();
        clicks.remove();
    });
}

/// Clicks what carries this key, or puts the cursor into it.
fn press(key: &str) -> bool {
    // Opens the sheet itself; and within quotes there can be no quote.
    if key.contains(['"', '\\']) {
        return false;
    }
    let key = if key.len() == 1 {
        key.to_ascii_lowercase()
    } else {
        key.to_owned()
    };
    // What comes last lies on top: the dialog before the details, these before the filters. What is out of reach is so for keys too.
    let Ok(found) = document().query_selector_all(&["[data-key=\"", &key, "\"]:not([inert] *)"].concat())
    else {
        return false;
    };
    let last = found.item(found.length().wrapping_sub(1));
    let Some(element) = last.and_then(|element| element.dyn_into::<web_sys::HtmlElement>().ok()) else {
        return false;
    };
    if element.tag_name() == "INPUT" {
        if let Ok(Some(menu)) = element.closest("details") {
            menu.set_attribute("open", "").ok();
        }
        element.focus().ok();
    } else {
        element.click();
    }
    true
}

/// The first element of this kind.
fn first(selector: &str) -> Option<web_sys::Element> {
    document().query_selector(selector).ok().flatten()
}

/// Closes the menus that are open, but for one that holds this; says whether there was one.
fn close_menus(except: Option<&web_sys::Node>) -> bool {
    let mut closed = false;
    let Ok(open) = document().query_selector_all("details[data-menu][open]") else {
        return false;
    };
    for i in 0..open.length() {
        let menu = open
            .item(i)
            .and_then(|menu| menu.dyn_into::<web_sys::Element>().ok());
        if let Some(menu) = menu.filter(|menu| !menu.contains(except)) {
            menu.remove_attribute("open").ok();
            closed = true;
        }
    }
    closed
}

/// Marks the text of an element, so that it can be copied by hand.
pub fn select(element: &web_sys::Node) {
    if let Ok(Some(selection)) = window().get_selection() {
        selection.select_all_children(element).ok();
    }
}

/// Changes the title of the tab.
pub fn set_title(title: &str) {
    document().set_title(title);
}

/// Puts a value into the input of this id, if it still says what it said.
pub fn prefill(id: &str, untouched: &str, value: &str) {
    let input = document()
        .get_element_by_id(id)
        .and_then(|element| element.dyn_into::<web_sys::HtmlInputElement>().ok());
    if let Some(input) = input.filter(|input| input.value() == untouched) {
        input.set_value(value);
    }
}

/// How copying went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Copied {
    /// It is in the clipboard.
    Done,
    /// The browser does not let us: the text is to be copied by hand.
    Denied,
}
