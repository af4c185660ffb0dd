//! Where a request came from: the peer, or what a trusted proxy says about it. Never what anybody else says.

use http::{HeaderMap, HeaderName, header::FORWARDED};
use ipnet::IpNet;
use std::net::{IpAddr, SocketAddr};

static X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The client's address. Headers count only when the peer is in `trusted`; then it is the rightmost address of the chain that is not a
/// trusted proxy itself: everything left of it, the client could have made up. Where `X-Forwarded-For` and `Forwarded` are both there and
/// disagree, one of them came through from the client, nobody can tell which, and neither counts.
#[must_use]
pub fn client_ip(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let peer = peer.to_canonical();
    if !is_trusted(peer, trusted) {
        return peer;
    }
    let by_x = rightmost_untrusted(
        peer,
        elements(headers, &X_FORWARDED_FOR).filter_map(address),
        trusted,
    );
    let by_rfc = rightmost_untrusted(
        peer,
        elements(headers, &FORWARDED).filter_map(forwarded_for),
        trusted,
    );
    match (by_x, by_rfc) {
        (Some(x), Some(rfc)) if x != rfc => peer,
        (Some(client), _) | (None, Some(client)) => client,
        (None, None) => peer,
    }
}

/// Whether this address is one of the configured proxies.
#[must_use]
pub fn is_trusted(ip: IpAddr, trusted: &[IpNet]) -> bool {
    trusted.iter().any(|net| net.contains(&ip))
}

/// The header's list elements from the right; several headers of the name are one list.
fn elements<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    let lines: Vec<&str> = headers
        .get_all(name)
        .iter()
        .map(|v| v.to_str().unwrap_or("?"))
        .collect();
    lines
        .into_iter()
        .rev()
        .flat_map(|line| line.rsplit(','))
        .map(str::trim)
        .filter(|e| !e.is_empty())
}

/// `Some(None)`: an element that names nobody, such as `unknown` or a hidden `_name`; what is left of it cannot be trusted.
type Hop = Option<IpAddr>;

fn rightmost_untrusted(peer: IpAddr, hops: impl Iterator<Item = Hop>, trusted: &[IpNet]) -> Option<IpAddr> {
    let mut nearest = None;
    for hop in hops {
        let Some(ip) = hop else {
            return Some(nearest.unwrap_or(peer));
        };
        nearest = Some(ip);
        if !is_trusted(ip, trusted) {
            break;
        }
    }
    nearest
}

#[allow(clippy::unnecessary_wraps, reason = "has the shape of forwarded_for")]
fn address(text: &str) -> Option<Hop> {
    Some(parse(text))
}

/// The `for` of one element (RFC 7239); elements without one say nothing about clients.
fn forwarded_for(element: &str) -> Option<Hop> {
    element.split(';').find_map(|pair| {
        let (name, value) = pair.trim().split_once('=')?;
        name.trim()
            .eq_ignore_ascii_case("for")
            .then(|| parse(value.trim().trim_matches('"')))
    })
}

/// `203.0.113.7`, `203.0.113.7:4711`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:4711`.
fn parse(text: &str) -> Hop {
    let text = text.trim();
    text.parse::<IpAddr>()
        .ok()
        .or_else(|| text.parse::<SocketAddr>().ok().map(|s| s.ip()))
        .or_else(|| text.strip_prefix('[')?.strip_suffix(']')?.parse().ok())
        .map(|ip| ip.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(peer: &str, headers: &[(&'static str, &str)]) -> String {
        let trusted: Vec<IpNet> = ["10.0.0.0/8", "fd00::/8"]
            .iter()
            .map(|n| n.parse().unwrap())
            .collect();
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        client_ip(peer.parse().unwrap(), &map, &trusted).to_string()
    }

    #[test]
    fn a_stranger_cannot_say_who_it_is() {
        assert_eq!(
            from("203.0.113.9", &[("x-forwarded-for", "1.2.3.4")]),
            "203.0.113.9"
        );
        assert_eq!(
            from("203.0.113.9", &[("forwarded", "for=1.2.3.4")]),
            "203.0.113.9"
        );
    }

    #[test]
    fn a_trusted_proxy_is_believed_up_to_itself() {
        assert_eq!(
            from("10.0.0.1", &[("x-forwarded-for", "203.0.113.9")]),
            "203.0.113.9"
        );
        assert_eq!(
            from(
                "10.0.0.1",
                &[("x-forwarded-for", "6.6.6.6, 203.0.113.9, 10.2.3.4")]
            ),
            "203.0.113.9"
        );
        assert_eq!(
            from(
                "10.0.0.1",
                &[("x-forwarded-for", "6.6.6.6"), ("x-forwarded-for", "203.0.113.9")]
            ),
            "203.0.113.9"
        );
        assert_eq!(
            from("::ffff:10.0.0.1", &[("x-forwarded-for", "203.0.113.9:55")]),
            "203.0.113.9"
        );
    }

    #[test]
    fn the_standard_header_reads_as_its_rfc_writes_it() {
        assert_eq!(
            from(
                "fd00::1",
                &[(
                    "forwarded",
                    r#"for=6.6.6.6, For="[2001:db8::17]:4711";proto=https;by=10.0.0.1"#
                )]
            ),
            "2001:db8::17"
        );
        assert_eq!(from("10.0.0.1", &[("forwarded", "proto=https")]), "10.0.0.1");
    }

    #[test]
    fn what_is_left_of_an_unreadable_hop_does_not_count() {
        assert_eq!(
            from("10.0.0.1", &[("x-forwarded-for", "6.6.6.6, unknown")]),
            "10.0.0.1"
        );
        assert_eq!(
            from("10.0.0.1", &[("x-forwarded-for", "6.6.6.6, garbage, 10.9.9.9")]),
            "10.9.9.9"
        );
        assert_eq!(
            from("10.0.0.1", &[("forwarded", "for=6.6.6.6, for=_hidden")]),
            "10.0.0.1"
        );
    }

    #[test]
    fn headers_that_disagree_count_for_nothing() {
        assert_eq!(
            from(
                "10.0.0.1",
                &[("x-forwarded-for", "203.0.113.9"), ("forwarded", "for=6.6.6.6")]
            ),
            "10.0.0.1"
        );
        assert_eq!(
            from(
                "10.0.0.1",
                &[
                    ("x-forwarded-for", "203.0.113.9"),
                    ("forwarded", "for=203.0.113.9")
                ]
            ),
            "203.0.113.9"
        );
    }

    #[test]
    fn a_chain_of_proxies_alone_ends_at_its_first() {
        assert_eq!(
            from("10.0.0.1", &[("x-forwarded-for", "10.0.0.3, 10.0.0.2")]),
            "10.0.0.3"
        );
        assert_eq!(from("10.0.0.1", &[]), "10.0.0.1");
    }
}
