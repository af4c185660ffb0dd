//! The folder over HTTP: its files, never cached; its pages with the reload script; and the stream of changes as server-sent events.

use super::{
    CHANNEL, Folder,
    folder::Meant,
    inject::{SCRIPT, inject},
};
use crate::hub::{Hub, Outbox, Taken};
use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    middleware::{Next, from_fn_with_state},
    response::{
        Html, IntoResponse, Redirect, Response, Sse,
        sse::{Event, KeepAlive},
    },
    routing::get,
};
use bytes::Bytes;
use futures::{Stream, stream};
use http::{HeaderValue, StatusCode, header};
use std::{convert::Infallible, net::IpAddr, path::Path, sync::Arc};
use tower::ServiceExt;
use tower_http::services::ServeFile;

/// Bytes of changes that may wait for one page.
const OUTBOX: usize = 16 << 10;
/// Bytes of changes that are written at once.
const PACK: usize = 4 << 10;
/// Pages above this size are served as they are: putting a script in needs them in memory.
const LARGEST_PAGE: u64 = 16 << 20;

#[derive(Clone)]
struct Dev {
    folder: Folder,
    hub: Hub,
    /// Names this run of the server.
    epoch: Arc<str>,
}

/// The folder and its changes. `ours` is the address that is listened on: from this machine only, unless it is open to others.
pub fn router(folder: Folder, hub: Hub, ours: IpAddr) -> Router {
    let epoch = hub.open(CHANNEL).epoch.into();
    Router::new()
        .route("/.pulsecast/changes", get(changes))
        .route(SCRIPT, get(script))
        .fallback(file)
        .layer(from_fn_with_state(ours, from_here))
        .with_state(Dev { folder, hub, epoch })
}

/// A foreign page whose name was made to point at this machine must not read the folder: only this machine's own names are answered.
async fn from_here(State(ours): State<IpAddr>, request: Request, next: Next) -> Response {
    let host = request
        .headers()
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    if ours.is_loopback() && !host.is_some_and(is_this_machine) {
        let advice = "open this page by the address that `pulsecast dev` printed";
        return (StatusCode::FORBIDDEN, advice).into_response();
    }
    next.run(request).await
}

fn is_this_machine(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    name == "localhost" || name.ends_with(".localhost") || name.parse::<IpAddr>().is_ok()
}

async fn script() -> impl IntoResponse {
    (
        [
            (header::CONTENT_TYPE, "text/javascript; charset=utf-8"),
            (header::CACHE_CONTROL, "no-store"),
        ],
        include_str!("reload.js"),
    )
}

async fn changes(State(dev): State<Dev>) -> Response {
    let outbox = Outbox::new(OUTBOX);
    let hello = Bytes::from(format!("{{\"epoch\":\"{}\"}}", dev.epoch));
    match dev
        .hub
        .attach(CHANNEL, None, &outbox, &"".into(), |_| hello.clone())
    {
        Ok(held) => Sse::new(told(outbox, held))
            .keep_alive(KeepAlive::default())
            .into_response(),
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, error.to_string()).into_response(),
    }
}

/// What is told to one page, until it goes. The subscription lives as long as the stream.
fn told(outbox: Outbox, held: crate::hub::Subscription) -> impl Stream<Item = Result<Event, Infallible>> {
    let frames = stream::unfold((outbox, held), |(outbox, held)| async move {
        match outbox.take(PACK).await {
            Taken::Frames(frames) => Some((stream::iter(frames), (outbox, held))),
            Taken::Cut(_) => None,
        }
    });
    let events = |frame: Bytes| Ok(Event::default().data(String::from_utf8_lossy(&frame)));
    futures::StreamExt::map(futures::StreamExt::flatten(frames), events)
}

async fn file(State(dev): State<Dev>, request: Request) -> Response {
    let mut response = match dev.folder.find(request.uri().path()) {
        Meant::File(path) => serve(&path, request).await,
        Meant::Slash => Redirect::temporary(&slashed(request.uri())).into_response(),
        Meant::Nothing => not_found(&dev.folder, request).await,
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // Without these the browser has nothing to ask by whether a copy is still good.
    headers.remove(header::LAST_MODIFIED);
    headers.remove(header::ETAG);
    response
}

fn slashed(uri: &http::Uri) -> String {
    // From the root, by one slash: `//host` would lead elsewhere.
    let path = uri.path().trim_start_matches('/');
    match uri.query() {
        Some(query) => format!("/{path}/?{query}"),
        None => format!("/{path}/"),
    }
}

async fn serve(path: &Path, mut request: Request) -> Response {
    if is_page(path)
        && tokio::fs::metadata(path)
            .await
            .is_ok_and(|file| file.len() <= LARGEST_PAGE)
    {
        return match tokio::fs::read(path).await {
            Ok(page) => Html(inject(page)).into_response(),
            Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
        };
    }
    request.headers_mut().remove(header::IF_MODIFIED_SINCE);
    match ServeFile::new(path).oneshot(request).await {
        Ok(response) => response.map(Body::new),
        Err(never) => match never {},
    }
}

fn is_page(path: &Path) -> bool {
    path.extension()
        .is_some_and(|ending| ending.eq_ignore_ascii_case("html") || ending.eq_ignore_ascii_case("htm"))
}

/// Pages that are not there carry the script too: they are, as soon as somebody saves them.
async fn not_found(folder: &Folder, request: Request) -> Response {
    let mut response = match folder.not_found() {
        Some(path) => serve(&path, request).await,
        None => {
            let page = "<!DOCTYPE html><html lang=\"en\"><meta charset=\"utf-8\"><title>Not found</title>\
                        <style>:root{color-scheme:light dark}body{font:1rem/1.6 system-ui,sans-serif;max-width:34rem;margin:18vh auto}</style>\
                        <body><h1>There is no such file</h1><p>This page reloads as soon as there is one. A folder is shown by its index.html.</p></body></html>";
            Html(inject(page.as_bytes().to_vec())).into_response()
        }
    };
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machines_names_are_answered() {
        for host in [
            "localhost:8000",
            "127.0.0.1",
            "[::1]:8000",
            "shop.localhost:8000",
            "192.168.1.2:80",
        ] {
            assert!(is_this_machine(host), "{host}");
        }
        for host in ["evil.example:8000", "localhost.evil.example", ""] {
            assert!(!is_this_machine(host), "{host}");
        }
    }

    #[test]
    fn a_redirect_stays_here() {
        assert_eq!(
            slashed(&"//evil.example".parse().unwrap_or_default()),
            "/evil.example/"
        );
        assert_eq!(slashed(&"/blog?a=1".parse().unwrap()), "/blog/?a=1");
    }
}
