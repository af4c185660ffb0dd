//! Headers that tell browsers what our own pages may do. A response that sets one of them itself keeps its own.

use axum::{extract::Request, middleware::Next, response::Response};
use http::{HeaderName, HeaderValue, header};

/// For everything that is no Leptos page: no inline scripts at all.
const POLICY: &str = "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; \
     object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

const ALWAYS: [(HeaderName, &str); 6] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    // Our addresses name sites and, at setup, a token: no other origin gets to see them.
    (header::REFERRER_POLICY, "same-origin"),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    ),
];

/// The policy of a page that Leptos renders: its inline scripts carry the nonce; WebAssembly needs a permission of its own. Styles may be
/// inline because bars and heat are drawn with `style="--share: …"`, and nobody else's text gets into one.
#[must_use]
pub fn page_policy(nonce: &str, reload_port: Option<u16>) -> String {
    let policy = POLICY.replace(
        "script-src 'self'",
        &format!("script-src 'self' 'wasm-unsafe-eval' 'nonce-{nonce}'"),
    );
    match reload_port {
        // Another port is another origin: in development only, and on this machine only.
        Some(port) => policy.replace(
            "connect-src 'self'",
            &format!("connect-src 'self' ws://127.0.0.1:{port} ws://localhost:{port}"),
        ),
        None => policy,
    }
}

/// The policy of the page on which editors look at what they are about to publish: pictures of others, and frames of these providers.
#[must_use]
pub fn with_embeds(policy: &str, frames: &[&str]) -> String {
    let pictures = policy.replace("img-src 'self' data:", "img-src 'self' data: https:");
    format!("{pictures}; frame-src {}", frames.join(" "))
}

/// On a response that other pages may show in a frame.
#[derive(Clone, Copy, Debug)]
struct Framed;

/// Lets other pages show this response in a frame.
pub(super) fn allow_frames(response: &mut Response) {
    response.extensions_mut().insert(Framed);
    let policy = response.headers().get(header::CONTENT_SECURITY_POLICY);
    let policy = policy.and_then(|value| value.to_str().ok()).unwrap_or(POLICY);
    let policy = policy.replace("frame-ancestors 'none'", "frame-ancestors *");
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        response
            .headers_mut()
            .insert(header::CONTENT_SECURITY_POLICY, policy);
    }
}

/// Adds what the response has not set itself.
pub async fn headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let is_framed = response.extensions().get::<Framed>().is_some();
    let headers = response.headers_mut();
    for (name, value) in ALWAYS {
        if is_framed && name == header::X_FRAME_OPTIONS {
            continue;
        }
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_in_development_may_a_page_talk_to_another_port() {
        assert!(page_policy("n", None).contains("connect-src 'self';"));
        assert!(
            page_policy("n", Some(3001))
                .contains("connect-src 'self' ws://127.0.0.1:3001 ws://localhost:3001;")
        );
    }
}
