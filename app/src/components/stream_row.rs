//! One event of the stream.

use super::time::Clock;
use crate::{format, platform};
use leptos::prelude::*;
use pulsecast_protocol::{beacon::PAGEVIEW, live::StreamRow};

/// The row.
#[component]
pub fn StreamRowView(
    /// What happened.
    row: StreamRow,
    /// Whether it came after the page: then it makes an entrance.
    is_new: bool,
) -> impl IntoView {
    let badge = (row.name != PAGEVIEW).then(|| view! { <span class="badge">{row.name.clone()}</span> });
    let address = format!("{}{}", row.hostname, row.path);
    let tool = tool(&row);
    platform::erased(view! {
        <li class="stream__row" class:stream__row--new=is_new data-testid="stream-row" data-seq=row.seq.to_string()>
            <span class="stream__time"><Clock at=row.at /></span>
            <span class="stream__page" title=address>
                {badge}
                <span class="stream__path">{row.path.clone()}</span>
            </span>
            <Place row=row.clone() />
            <span class="stream__tool" title=tool.clone()>{tool.clone()}</span>
            <span class="stream__source" class:stream__source--direct=row.source.is_none()>
                {row.source.clone().unwrap_or_else(|| "Direct".to_owned())}
            </span>
        </li>
    })
}

#[component]
fn Place(row: StreamRow) -> impl IntoView {
    let flag = row.country.as_deref().and_then(format::flag);
    let name = row
        .country_name
        .or(row.country)
        .unwrap_or_else(|| "Unknown".to_owned());
    view! {
        <span class="stream__place">
            <span class="stream__country" title=name.clone()>
                {flag.map(|flag| view! { <span class="flag" aria-hidden="true">{flag}</span> })}
                {name.clone()}
            </span>
            {row.ip.map(|ip| view! { <span class="stream__ip">{ip}</span> })}
        </span>
    }
}

/// `Chrome, Windows`, and the device where it is not a desk's.
fn tool(row: &StreamRow) -> String {
    let device = row.device.as_deref().filter(|device| *device != "Desktop");
    let parts: Vec<&str> = [row.browser.as_deref(), row.os.as_deref(), device]
        .into_iter()
        .flatten()
        .collect();
    if parts.is_empty() {
        "Unknown".to_owned()
    } else {
        parts.join(", ")
    }
}
