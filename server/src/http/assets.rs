//! The dashboard's own files: `/pkg/*` (WebAssembly, script, style; compressed beforehand) and what lay in `public/`.

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use std::path::Path;
use tower::ServiceExt;
use tower_http::services::ServeDir;

/// The file of this path under `root`, or nothing.
pub async fn file(root: &Path, method: &Method, uri: &Uri, asked: &HeaderMap) -> Option<Response> {
    if !matches!(*method, Method::GET | Method::HEAD) || is_hidden(uri.path()) {
        return None;
    }
    let mut request = http::Request::new(Body::empty());
    *request.method_mut() = method.clone();
    *request.uri_mut() = uri.clone();
    *request.headers_mut() = asked.clone();
    let directory = ServeDir::new(root)
        .append_index_html_on_directories(false)
        .precompressed_br()
        .precompressed_gzip();
    let response = directory.oneshot(request).await.ok()?;
    let is_served = response.status().is_success()
        || matches!(
            response.status(),
            StatusCode::NOT_MODIFIED | StatusCode::RANGE_NOT_SATISFIABLE
        );
    is_served.then(|| finish(uri.path(), asked, response.map(Body::new)))
}

/// Dot files, the compressed copies under their own names, and what cargo-leptos leaves lying about.
fn is_hidden(path: &str) -> bool {
    path.split('/').any(|part| part.starts_with('.')) || path.ends_with(".br") || path.ends_with(".gz")
}

fn finish(path: &str, asked: &HeaderMap, mut response: Response) -> Response {
    let tag = etag(response.headers());
    let known = tag
        .as_ref()
        .zip(asked.get(header::IF_NONE_MATCH))
        .is_some_and(|(tag, seen)| is_named(seen, tag));
    if known && response.status() == StatusCode::OK {
        let kept = response.headers().clone();
        response = StatusCode::NOT_MODIFIED.into_response();
        for name in [header::LAST_MODIFIED, header::VARY] {
            if let Some(value) = kept.get(&name) {
                response.headers_mut().insert(name, value.clone());
            }
        }
    }
    let headers = response.headers_mut();
    let cache = if is_hashed(path) {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    headers
        .entry(header::VARY)
        .or_insert(HeaderValue::from_static("accept-encoding"));
    if let Some(tag) = tag {
        headers.insert(header::ETAG, tag);
    }
    response
}

/// From size and date of the very file that is sent.
fn etag(headers: &HeaderMap) -> Option<HeaderValue> {
    let text = |name| headers.get(name).and_then(|v: &HeaderValue| v.to_str().ok());
    let date: String = text(header::LAST_MODIFIED)?
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .collect();
    HeaderValue::from_str(&format!("W/\"{}-{date}\"", text(header::CONTENT_LENGTH)?)).ok()
}

/// Whether `If-None-Match` names this tag.
pub(super) fn is_named(seen: &HeaderValue, tag: &HeaderValue) -> bool {
    let weak = |t: &str| t.trim().trim_start_matches("W/").to_owned();
    match (seen.to_str(), tag.to_str()) {
        (Ok(seen), Ok(tag)) => seen.trim() == "*" || seen.split(',').any(|s| weak(s) == weak(tag)),
        _ => false,
    }
}

/// cargo-leptos puts a hash into names when it is told to: `pulsecast.Yb3mQ0vC1xk….wasm`. Such a file never changes under its name.
fn is_hashed(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    let mut parts = name.split('.').rev();
    parts.next();
    let hash = parts.next().unwrap_or_default();
    parts.next().is_some()
        && hash.len() >= 16
        && hash
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_with_a_hash_never_change() {
        assert!(is_hashed("/pkg/pulsecast.0Ab9xYz1_-3kLmNoPqRs.wasm"));
        assert!(
            !is_hashed("/pkg/pulsecast.wasm")
                && !is_hashed("/pkg/pulsecast.css")
                && !is_hashed("/favicon.svg")
        );
    }

    #[test]
    fn hidden_files_stay_hidden() {
        assert!(
            is_hidden("/.env") && is_hidden("/pkg/../.git/config") && is_hidden("/pkg/pulsecast.wasm.br")
        );
        assert!(!is_hidden("/pkg/pulsecast.wasm"));
    }
}
