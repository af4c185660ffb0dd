//! How the socket is doing, in one word.

use super::time::Zone;
use crate::live::{Socket, Status};
use leptos::prelude::*;

/// `Live`, or what keeps it from being so, with the time of the last message.
#[component]
pub fn StatusPill(
    /// The page's connection.
    socket: Socket,
) -> impl IntoView {
    let zone = Zone::expect();
    let last = move || {
        socket
            .heard
            .get()
            .map(|at| format!("last message {}", zone.clock(at)))
    };
    view! {
        <div class="status" data-status=move || socket.status.get().name()>
            <span class="status__dot" aria-hidden="true"></span>
            <span class="status__label" role="status" data-testid="status">{move || socket.status.get().label()}</span>
            <span class="status__last" class:status__last--stale=move || socket.status.get() != Status::Live>
                {move || last().unwrap_or_default()}
            </span>
        </div>
    }
}
