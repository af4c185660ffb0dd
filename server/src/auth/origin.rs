//! Which origin is ours, and which requests may change something.
//!
//! The rule for every method that changes state (all but GET, HEAD, OPTIONS), outside the public ingest:
//! - with `Origin`: it must be our own, exactly. Browsers send it with every such request, plain form posts included.
//! - without `Origin`: only a program does that. It may, if it carries no session cookie and no `Sec-Fetch-Site` that says it came from
//!   somewhere else. With a session cookie it is refused: a browser old enough to leave `Origin` out cannot prove where the form was.

use http::{HeaderMap, Method, header};
use pulsecast_protocol::Origin;

/// The server's own origin: its public URL's where one is set, else whatever host the browser asked for.
#[derive(Clone, Debug, Default)]
pub struct OwnOrigin {
    public: Option<Origin>,
}

/// Why a request that would change something is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Foreign {
    /// It says where it came from, and that is not here.
    #[error(
        "this request came from a page of {0}: open the page on this server's own address and try again (behind a proxy, start pulsecast with --public-url)"
    )]
    Origin(String),
    /// It does not say where it came from.
    #[error("this request does not say which page it came from: send it with an Origin header")]
    Unknown,
}

impl OwnOrigin {
    /// The origin of this public URL, or of whatever the `Host` header names.
    #[must_use]
    pub fn new(public: Option<Origin>) -> Self {
        Self { public }
    }

    /// Whether `origin` is ours, on a request whose `Host` header is `host`. Without a public URL the scheme is not compared: behind a
    /// proxy that speaks TLS the server does not know it.
    #[must_use]
    pub fn is_own(&self, origin: &Origin, host: Option<&str>) -> bool {
        match (&self.public, origin.authority(), host) {
            (Some(public), _, _) => origin == public,
            (None, Some(authority), Some(host)) => authority.eq_ignore_ascii_case(host),
            _ => false,
        }
    }

    /// Whether a request with these headers may change something.
    ///
    /// # Errors
    /// Says where it came from when that is not here.
    pub fn may_change(
        &self,
        method: &Method,
        headers: &HeaderMap,
        has_session: HasSession,
    ) -> Result<(), Foreign> {
        if matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) {
            return Ok(());
        }
        let host = headers.get(header::HOST).and_then(|h| h.to_str().ok());
        match origin_of(headers) {
            Some(Ok(origin)) if self.is_own(&origin, host) => Ok(()),
            Some(Ok(origin)) => Err(Foreign::Origin(origin.to_string())),
            Some(Err(())) => Err(Foreign::Origin("an unreadable origin".to_owned())),
            None => {
                let site = headers.get("sec-fetch-site").map(http::HeaderValue::as_bytes);
                let from_here = matches!(site, None | Some(b"same-origin" | b"none"));
                if from_here && has_session == HasSession::No {
                    Ok(())
                } else {
                    Err(Foreign::Unknown)
                }
            }
        }
    }
}

/// Whether the request carries the session cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HasSession {
    /// It does.
    Yes,
    /// It does not.
    No,
}

/// The request's `Origin`: absent, readable, or something else.
#[must_use]
pub fn origin_of(headers: &HeaderMap) -> Option<Result<Origin, ()>> {
    let mut all = headers.get_all(header::ORIGIN).iter();
    let first = all.next()?;
    if all.next().is_some() {
        return Some(Err(()));
    }
    Some(
        first
            .to_str()
            .map_err(drop)
            .and_then(|text| text.parse().map_err(drop)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(k, v)| (k.parse::<header::HeaderName>().unwrap(), v.parse().unwrap()))
            .collect()
    }

    fn post(own: &OwnOrigin, headers: &[(&'static str, &str)], session: HasSession) -> Result<(), Foreign> {
        own.may_change(&Method::POST, &request(headers), session)
    }

    #[test]
    fn a_form_on_a_foreign_page_changes_nothing() {
        let own = OwnOrigin::default();
        for origin in [
            "http://evil.example",
            "null",
            "http://localhost:3001",
            "http://localhost:3000.evil.example",
            "garbage",
        ] {
            let headers = [("host", "localhost:3000"), ("origin", origin)];
            assert!(post(&own, &headers, HasSession::No).is_err(), "{origin}");
        }
        let headers = [("host", "localhost:3000"), ("origin", "http://localhost:3000")];
        assert_eq!(post(&own, &headers, HasSession::Yes), Ok(()));
    }

    #[test]
    fn with_a_public_url_the_host_header_does_not_count() {
        let own = OwnOrigin::new(Some("https://stats.example.com".parse().unwrap()));
        let headers = |origin| [("host", "evil.example"), ("origin", origin)];
        assert!(post(&own, &headers("http://evil.example"), HasSession::No).is_err());
        assert!(post(&own, &headers("http://stats.example.com"), HasSession::No).is_err());
        assert_eq!(
            post(&own, &headers("https://stats.example.com"), HasSession::Yes),
            Ok(())
        );
    }

    #[test]
    fn without_origin_only_a_program_without_session_may() {
        let own = OwnOrigin::default();
        assert_eq!(post(&own, &[("host", "localhost")], HasSession::No), Ok(()));
        assert!(post(&own, &[("host", "localhost")], HasSession::Yes).is_err());
        assert!(
            post(
                &own,
                &[("host", "localhost"), ("sec-fetch-site", "cross-site")],
                HasSession::No
            )
            .is_err()
        );
        assert!(
            post(
                &own,
                &[("host", "localhost"), ("sec-fetch-site", "same-site")],
                HasSession::No
            )
            .is_err()
        );
    }

    #[test]
    fn two_origins_are_none_of_ours() {
        let mut headers = request(&[("host", "localhost"), ("origin", "http://localhost")]);
        headers.append(header::ORIGIN, "http://evil.example".parse().unwrap());
        assert!(
            OwnOrigin::default()
                .may_change(&Method::POST, &headers, HasSession::No)
                .is_err()
        );
    }

    #[test]
    fn reading_is_nobodys_business() {
        let headers = request(&[("host", "localhost"), ("origin", "http://evil.example")]);
        assert_eq!(
            OwnOrigin::default().may_change(&Method::GET, &headers, HasSession::Yes),
            Ok(())
        );
    }
}
