//! Settings of the edge, and the address that the server is reached at.

use super::client_ip;
use crate::auth::{OwnOrigin, session::Secure};
use axum::extract::ConnectInfo;
use http::{HeaderMap, header, request::Parts};
use ipnet::IpNet;
use pulsecast_protocol::{Origin, id::InvalidName};
use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    str::FromStr,
    time::Duration,
};

/// The address that browsers reach the server at, `https://stats.example.com`: scheme, host and port, nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl(Origin);

impl PublicUrl {
    /// It, as an origin.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.0
    }

    /// It, without a slash at the end.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Its host, without port.
    #[must_use]
    pub fn host(&self) -> Option<&str> {
        self.0.host()
    }
}

impl FromStr for PublicUrl {
    type Err = InvalidName;

    /// Default ports are left out, as browsers do in `Origin`.
    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let bad = || {
            InvalidName(format!(
                "`{text}` is not a public URL: write scheme and host, such as https://stats.example.com, without a path"
            ))
        };
        let url = url::Url::parse(text.trim()).map_err(|_| bad())?;
        let bare = url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty();
        if !bare || !matches!(url.scheme(), "http" | "https") {
            return Err(bad());
        }
        url.origin()
            .ascii_serialization()
            .parse()
            .map(Self)
            .map_err(|_| bad())
    }
}

/// Settings of the edge.
#[derive(Clone, Debug)]
pub struct EdgeConfig {
    /// `--public-url`.
    pub public_url: Option<PublicUrl>,
    /// `--trusted-proxies`.
    pub trusted_proxies: Vec<IpNet>,
    /// Where the dashboard's files are: `pkg/` and what lay in `public/`.
    pub site_root: PathBuf,
    /// Who may read `/metrics`.
    pub metrics: MetricsFor,
    /// Whether `/demo` is served.
    pub demo: Demo,
    /// Port on which pages may listen for "reload": in development.
    pub reload_port: Option<u16>,
    /// How long a request may take until its answer begins.
    pub request_timeout: Duration,
    /// Bytes that one import takes in.
    pub import_limit: u64,
    /// Most goals, funnels, segments, links, or members of a site, each.
    pub max_items: usize,
    /// Bytes of one request to publish, a batch included.
    pub publish_body: usize,
}

/// Who may read `/metrics`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricsFor {
    /// Programs on this machine.
    Loopback,
    /// Everybody.
    Everybody,
}

/// Whether the demo site's pages are served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Demo {
    /// They are.
    On,
    /// `--no-demo`.
    Off,
}

impl EdgeConfig {
    /// Defaults, with the dashboard's files here.
    #[must_use]
    pub fn new(site_root: PathBuf) -> Self {
        Self {
            public_url: None,
            trusted_proxies: Vec::new(),
            site_root,
            metrics: MetricsFor::Loopback,
            demo: Demo::On,
            reload_port: None,
            request_timeout: Duration::from_secs(30),
            import_limit: 1 << 30,
            max_items: 200,
            publish_body: 1 << 20,
        }
    }

    /// Which origin is ours.
    #[must_use]
    pub fn own_origin(&self) -> OwnOrigin {
        OwnOrigin::new(self.public_url.as_ref().map(|url| url.origin().clone()))
    }

    /// Whether the session cookie is for https only.
    #[must_use]
    pub fn secure(&self) -> Secure {
        match &self.public_url {
            Some(url) if url.as_str().starts_with("https://") => Secure::Https,
            _ => Secure::Any,
        }
    }

    /// The client's address of a request.
    #[must_use]
    pub fn client_ip(&self, peer: SocketAddr, headers: &HeaderMap) -> IpAddr {
        client_ip::client_ip(peer.ip(), headers, &self.trusted_proxies)
    }

    /// The address this server is reached at, for whoever sent this request: the public URL, else what they asked for.
    #[must_use]
    pub fn base_url(&self, request: &Parts) -> String {
        if let Some(url) = &self.public_url {
            return url.as_str().to_owned();
        }
        let header = |name: header::HeaderName| request.headers.get(name).and_then(|v| v.to_str().ok());
        let peer = request.extensions.get::<ConnectInfo<SocketAddr>>();
        let behind_tls = peer.is_some_and(|ConnectInfo(p)| {
            client_ip::is_trusted(p.ip().to_canonical(), &self.trusted_proxies)
        }) && header(header::HeaderName::from_static("x-forwarded-proto")) == Some("https");
        let scheme = if behind_tls { "https" } else { "http" };
        format!("{scheme}://{}", header(header::HOST).unwrap_or("localhost"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_url_is_an_origin_and_nothing_else() {
        let read = |text: &str| text.parse::<PublicUrl>().map(|u| u.as_str().to_owned());
        assert_eq!(
            read("https://Stats.Example.com/").unwrap(),
            "https://stats.example.com"
        );
        assert_eq!(
            read("https://stats.example.com:443").unwrap(),
            "https://stats.example.com"
        );
        assert_eq!(read("http://localhost:3000").unwrap(), "http://localhost:3000");
        for bad in [
            "stats.example.com",
            "https://example.com/stats",
            "ftp://example.com",
            "https://u@example.com",
            "",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
