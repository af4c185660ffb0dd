//! Times of day: rendered as UTC, shown in the viewer's zone as soon as the browser has taken over.

use crate::{format, platform};
use leptos::prelude::*;
use pulsecast_protocol::Timestamp;

/// How far the viewer's clock is from UTC; unknown while the page is as the server rendered it.
#[derive(Clone, Copy, Debug)]
pub struct Zone(RwSignal<Option<i32>>);

impl Zone {
    /// Puts it into the context, and finds it out after hydration.
    pub fn provide() {
        let zone = Self(RwSignal::new(None));
        provide_context(zone);
        Effect::new(move || zone.0.set(Some(platform::utc_offset())));
    }

    /// The one of the page.
    #[must_use]
    pub fn expect() -> Self {
        expect_context()
    }

    /// `13:04:05`.
    #[must_use]
    pub fn clock(self, at: Timestamp) -> String {
        format::clock(at, self.0.get().unwrap_or_default())
    }

    /// `13:04`.
    #[must_use]
    pub fn clock_short(self, at: Timestamp) -> String {
        format::clock_short(at, self.0.get().unwrap_or_default())
    }

    /// Whether times are still those of UTC.
    #[must_use]
    pub fn is_utc(self) -> bool {
        self.0.get().is_none()
    }
}

/// One moment.
#[component]
pub fn Clock(
    /// When.
    at: Timestamp,
) -> impl IntoView {
    let zone = Zone::expect();
    view! { <time datetime=format::iso(at)>{move || zone.clock(at)}</time> }
}
