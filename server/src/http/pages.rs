//! The dashboard's pages and server functions, and who is shown which: signed-out people the sign-in, everybody the setup until there is an
//! account.

use super::{AppState, assets, form::see_other, security, share, status};
use crate::{feed::embed::FRAMES, gate::SignedIn, ssr, store::accounts::AccountsError};
use axum::{
    Router,
    body::to_bytes,
    extract::{Request, State},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header, uri::PathAndQuery};
use leptos::prelude::LeptosOptions;
use leptos_axum::{LeptosRoutes, generate_route_list};
use pulsecast_app::{App, failure::Failure, shell};
use pulsecast_protocol::{ErrorCode, beacon::limit};

/// What server functions are called under; see `#[server(prefix = "/fn")]` in the app.
const FUNCTIONS: &str = "/fn/";
const LOGIN: &str = "/login";
const SETUP: &str = "/setup";
/// For whoever holds the address, signed in or not.
const INVITATIONS: &str = "/invitations/";

/// Every page that the app knows, its server functions, the dashboard's files, and "not found" for the rest.
pub fn routes(state: &AppState, options: LeptosOptions) -> Router<AppState> {
    let context = {
        let state = state.clone();
        move || ssr::provide(&state)
    };
    let page = {
        let options = options.clone();
        move || shell(options.clone())
    };
    let rest = {
        let (state, render) = (
            state.clone(),
            leptos_axum::render_app_to_stream_with_context(context.clone(), page.clone()),
        );
        move |request: Request| {
            let (state, render) = (state.clone(), render.clone());
            async move {
                let (method, uri, headers) = (
                    request.method().clone(),
                    request.uri().clone(),
                    request.headers().clone(),
                );
                if let Some(file) = assets::file(&state.config.site_root, &method, &uri, &headers).await {
                    return file;
                }
                if !wants_page(&method, &headers) {
                    return (StatusCode::NOT_FOUND, "there is nothing here\n").into_response();
                }
                let mut response = render(request).await.into_response();
                if response.status() == StatusCode::OK {
                    *response.status_mut() = StatusCode::NOT_FOUND;
                }
                response
            }
        }
    };
    Router::new()
        .leptos_routes_with_context(&options, generate_route_list(App), context, page)
        .layer(from_fn_with_state(state.clone(), door))
        .fallback(rest)
        .with_state(options)
}

fn wants_page(method: &Method, headers: &HeaderMap) -> bool {
    let accepts = headers
        .get(header::ACCEPT)
        .and_then(|v| v.to_str().ok())
        .unwrap_or_default();
    matches!(*method, Method::GET | Method::HEAD) && accepts.contains("text/html")
}

/// Sends people to the page that is theirs; server functions answer for themselves.
async fn door(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let path = request.uri().path();
    if let Some(slug) = path.strip_prefix(share::PATH) {
        let asked = share::look(&state, slug, request.headers()).await;
        request.extensions_mut().insert(asked.door.clone());
        return asked.framed(next.run(request).await);
    }
    let is_function = path.starts_with(FUNCTIONS);
    if !is_function && !path.starts_with(INVITATIONS) {
        let (uri, headers) = (request.uri().clone(), request.headers().clone());
        let signed_in = request.extensions().get::<SignedIn>().is_some();
        match elsewhere(&state, &uri, signed_in).await {
            Ok(None) => {}
            Ok(Some(response)) => return response,
            Err(error) => return status::refuse(&headers, error),
        }
    }
    let mut response = next.run(request).await;
    if is_function && response.status() == StatusCode::INTERNAL_SERVER_ERROR {
        response = with_its_own_status(response).await;
    }
    // What a page shows is for whoever is signed in now.
    let cache = HeaderValue::from_static("private, no-cache");
    response
        .headers_mut()
        .entry(header::CACHE_CONTROL)
        .or_insert(cache);
    response
}

/// Leptos answers 500 to whatever a server function refuses. Most of that is the asker's doing, and says so here: in the status, and by
/// not being logged as a failure of ours.
async fn with_its_own_status(response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    let Ok(text) = to_bytes(body, limit::BODY).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    parts.status = match serde_json::from_slice(&text) {
        Ok(Failure::Refused(error)) => status::status(error.code),
        Ok(Failure::Fields(refill)) => status::status(refill.code.unwrap_or(ErrorCode::Invalid)),
        Ok(Failure::Lost(_)) => StatusCode::BAD_REQUEST,
        Err(_) => parts.status,
    };
    Response::from_parts(parts, text.into())
}

/// Where whoever asks for this page should be instead.
async fn elsewhere(state: &AppState, uri: &Uri, signed_in: bool) -> Result<Option<Response>, AccountsError> {
    let path = uri.path();
    if path != LOGIN && path != SETUP {
        let asked = uri.path_and_query().map_or("/", PathAndQuery::as_str);
        let next = if asked == "/" { "" } else { asked };
        return Ok((!signed_in).then(|| see_other(LOGIN, &[("next", next)])));
    }
    if signed_in {
        return Ok(Some(see_other("/", &[])));
    }
    let nobody_yet = state.accounts().count_accounts().await? == 0;
    let says_so = uri
        .query()
        .is_some_and(|q| q.split('&').any(|pair| pair == "error=setup"));
    Ok(match path {
        LOGIN if nobody_yet && !says_so => Some(see_other(LOGIN, &[("error", "setup")])),
        LOGIN if !nobody_yet && says_so => Some(see_other(LOGIN, &[])),
        SETUP if !nobody_yet => Some(see_other(LOGIN, &[("error", "exists")])),
        _ => None,
    })
}

/// Lets the page's own inline scripts run, and no others; and what editors of a feed embed where they look at it. Called while the page's context is
/// set up.
pub(crate) fn allow_scripts(
    response: &leptos_axum::ResponseOptions,
    path: &str,
    nonce: &str,
    reload_port: Option<u16>,
) {
    let mut policy = security::page_policy(nonce, reload_port);
    if path.starts_with("/sites/") && path.ends_with("/feed") {
        policy = security::with_embeds(&policy, &FRAMES);
    }
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        response.insert_header(header::CONTENT_SECURITY_POLICY, policy);
    }
}
