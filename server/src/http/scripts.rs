//! `GET /js/*.js`: the scripts that sites embed, compiled into the binary, for every origin and cacheable.

use axum::{
    extract::Path,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use sha2::{Digest, Sha256};
use std::fmt::Write;

const PULSE: &str = include_str!(concat!(env!("OUT_DIR"), "/pulse.js"));
const LIVE: &str = include_str!(concat!(env!("OUT_DIR"), "/live.js"));
const COUNTER: &str = include_str!(concat!(env!("OUT_DIR"), "/counter.js"));

/// A day from the cache; after that, for a week, from the cache while the browser fetches anew.
const CACHE: &str = "public, max-age=86400, stale-while-revalidate=604800";

/// The script of this name; `script.js` is what Plausible's snippet asks for.
pub async fn script(Path(name): Path<String>, headers: HeaderMap) -> Response {
    let source = match name.as_str() {
        "pulse.js" | "script.js" => PULSE,
        "live.js" => LIVE,
        "counter.js" => COUNTER,
        _ => {
            return (
                StatusCode::NOT_FOUND,
                "there is no such script: see /js/pulse.js, /js/live.js and /js/counter.js\n",
            )
                .into_response();
        }
    };
    let tag = etag(source.as_bytes());
    let known = headers
        .get(header::IF_NONE_MATCH)
        .is_some_and(|seen| super::assets::is_named(seen, &tag));
    let mut response = if known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        source.into_response()
    };
    let out = response.headers_mut();
    out.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/javascript; charset=utf-8"),
    );
    out.insert(header::CACHE_CONTROL, HeaderValue::from_static(CACHE));
    out.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    out.insert(
        "cross-origin-resource-policy",
        HeaderValue::from_static("cross-origin"),
    );
    out.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    out.insert(header::ETAG, tag);
    response
}

/// Weak, because the same script travels compressed and not.
fn etag(body: &[u8]) -> HeaderValue {
    let mut tag = String::from("W/\"");
    for byte in &Sha256::digest(body)[..8] {
        // Writing into a String cannot fail.
        write!(tag, "{byte:02x}").unwrap_or_default();
    }
    tag.push('"');
    HeaderValue::from_str(&tag).unwrap_or_else(|_| HeaderValue::from_static("W/\"0\""))
}
