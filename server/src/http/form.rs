//! What the plain HTML forms share: they answer with a redirect, so that going back or reloading posts nothing twice.

use axum::response::{IntoResponse, Redirect, Response};
use http::{HeaderValue, header};
use url::form_urlencoded::Serializer;

/// 303 to `path` with these query parameters; empty ones are left out.
#[must_use]
pub fn see_other(path: &str, query: &[(&str, &str)]) -> Response {
    let filled: Vec<_> = query.iter().filter(|(_, value)| !value.is_empty()).collect();
    let to = if filled.is_empty() {
        path.to_owned()
    } else {
        let mut text = Serializer::new(String::new());
        for (name, value) in filled {
            text.append_pair(name, value);
        }
        format!("{path}?{}", text.finish())
    };
    let mut response = Redirect::to(&to).into_response();
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Where to go after signing in: the path that was asked for, if it is one of ours; else the start page.
#[must_use]
pub fn local_path(next: &str) -> &str {
    let is_path = next.starts_with('/') && !next.starts_with("//") && next.len() <= 2000;
    // Browsers read a backslash as a slash, and drop tabs and line breaks before they look.
    let is_plain = next.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
    if is_path && is_plain { next } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_signing_in_nobody_is_led_elsewhere() {
        assert_eq!(local_path("/sites/example.com?x=1"), "/sites/example.com?x=1");
        for bad in [
            "https://evil.example",
            "//evil.example",
            "/\\evil.example",
            "/\t/evil.example",
            "",
            "javascript:x",
        ] {
            assert_eq!(local_path(bad), "/", "{bad}");
        }
    }

    #[test]
    fn what_was_typed_travels_escaped() {
        let to = see_other(
            "/login",
            &[("error", "credentials"), ("next", ""), ("email", "a b&c@d")],
        );
        assert_eq!(
            to.headers()["location"],
            "/login?error=credentials&email=a+b%26c%40d"
        );
    }
}
