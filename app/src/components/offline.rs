//! Tells that what is on the screen stands still. Waits two seconds before it says so: most losses are shorter.

use super::time::Zone;
use crate::live::{Socket, Status};
use leptos::prelude::*;
use std::time::Duration;

/// How long a loss may last unmentioned.
const PATIENCE: Duration = Duration::from_secs(2);

/// The banner; there only while the connection is not.
#[component]
pub fn OfflineBanner(
    /// The page's connection.
    socket: Socket,
) -> impl IntoView {
    let lasting = RwSignal::new(false);
    let away = Memo::new(move |_| !matches!(socket.status.get(), Status::Live | Status::Connecting));
    Effect::new(move || {
        lasting.set(false);
        if !away.get() {
            return;
        }
        if let Ok(timer) = set_timeout_with_handle(move || lasting.set(true), PATIENCE) {
            on_cleanup(move || timer.clear());
        }
    });
    let zone = Zone::expect();
    let text = move || match (socket.status.get(), socket.heard.get()) {
        (Status::Ended, _) => {
            "The server ended the connection. Reload the page; you may have to sign in again.".to_owned()
        }
        (_, Some(at)) => format!(
            "Connection lost. Showing the state of {}; reconnecting…",
            zone.clock(at)
        ),
        (_, None) => {
            "No live connection yet. Showing the state of when the page was loaded; reconnecting…".to_owned()
        }
    };
    view! {
        <div class="offline" role="status">
            {move || lasting.get().then(|| view! { <p class="offline__text" data-testid="offline">{text}</p> })}
        </div>
    }
}
