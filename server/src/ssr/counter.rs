//! The counter as our demo pages have it, rendered by the component that Leptos apps use.

use crate::sites::DEMO;
use leptos::prelude::*;
use pulsecast_app::components::online_count::{Counted, OnlineCount};
use pulsecast_protocol::Domain;

/// How many visitors the demo has, or the same page of it, with this label.
#[must_use]
pub fn demo_counter(of: Counted, label: &str) -> String {
    let Ok(site) = DEMO.parse::<Domain>() else {
        return String::new();
    };
    let label = label.to_owned();
    Owner::new().with(|| view! { <OnlineCount site of label>"–"</OnlineCount> }.to_html())
}
