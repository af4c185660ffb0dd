//! Asking other people's servers: over https, never at a private address, small answers, in time. No redirect is followed: whoever answers
//! with one has not answered. An address that the owner of this server names is asked over http and wherever it is.

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use std::{
    fmt,
    future::Future,
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    str::FromStr,
    sync::Arc,
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    sync::Semaphore,
};
use tokio_rustls::{
    TlsConnector,
    rustls::{
        self, ClientConfig, RootCertStore,
        pki_types::{CertificateDer, ServerName, pem::PemObject},
    },
};
use url::{Host, Url};

/// Addresses of one name that are tried.
const TRIES: usize = 3;

/// What asking may take.
#[derive(Clone, Copy, Debug)]
pub struct FetchLimits {
    /// From looking up the name to the answer's last byte.
    pub within: Duration,
    /// Bytes of an answer.
    pub answer: usize,
    /// Questions under way at a time; more are refused, not queued.
    pub at_once: usize,
}

impl Default for FetchLimits {
    fn default() -> Self {
        Self {
            within: Duration::from_secs(5),
            answer: 64 << 10,
            at_once: 64,
        }
    }
}

/// A host that may be asked over http and at a private address: `localhost:8080`, `app.internal`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustedHost {
    host: String,
    port: Option<u16>,
}

impl FromStr for TrustedHost {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bad = || format!("`{text}` is not a host: write it like localhost:8080 or app.internal");
        let url = Url::parse(&format!("http://{}", text.trim())).map_err(|_| bad())?;
        let host = url
            .host_str()
            .filter(|_| url.path() == "/" && url.query().is_none() && url.username().is_empty())
            .ok_or_else(bad)?;
        // The port of the scheme is written out nowhere: without one every port is meant.
        let port = text
            .trim()
            .rsplit_once(':')
            .and_then(|(_, port)| port.parse().ok());
        Ok(Self {
            host: host.to_owned(),
            port,
        })
    }
}

impl TrustedHost {
    fn is(&self, url: &Url) -> bool {
        url.host_str() == Some(&self.host)
            && self
                .port
                .is_none_or(|port| url.port_or_known_default() == Some(port))
    }
}

/// Why nobody can be asked.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The encryption cannot be set up.
    #[error(transparent)]
    Tls(#[from] rustls::Error),
    /// No certificates.
    #[error("it holds no certificates of authorities in PEM: {0}")]
    Pem(#[from] rustls::pki_types::pem::Error),
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// Not an address of the web.
    #[error("{0} is not an address that can be asked")]
    Address(String),
    /// Not encrypted.
    #[error(
        "{0} is not asked without encryption: use https, or start pulsecast with --trust-endpoints for a host of your own"
    )]
    Plain(String),
    /// Inside somebody's network.
    #[error(
        "{0} is at a private address: start pulsecast with --trust-endpoints if it is a host of your own"
    )]
    Private(String),
    /// Too much else is under way.
    #[error("too many questions are under way: try again in a moment")]
    Busy,
    /// It took too long.
    #[error("{0} did not answer in time")]
    TooSlow(String),
    /// The answer does not end.
    #[error("the answer of {0} is too long")]
    TooLong(String),
    /// The connection, the encryption or the answer broke.
    #[error("cannot ask {0}: {1}")]
    Broken(String, String),
}

/// A question.
#[derive(Clone, Debug)]
pub struct Question {
    /// GET or POST.
    pub method: Method,
    /// Beside `Host`, `User-Agent` and the length.
    pub headers: HeaderMap,
    /// What is sent.
    pub body: Bytes,
}

/// What came back, whatever its status.
#[derive(Clone, Debug)]
pub struct Fetched {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// All of it.
    pub body: Bytes,
}

/// Asks. A cheap handle.
#[derive(Clone)]
pub struct Fetcher(Arc<Shared>);

struct Shared {
    tls: TlsConnector,
    trusted: Vec<TrustedHost>,
    limits: FetchLimits,
    seats: Semaphore,
}

impl fmt::Debug for Fetcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fetcher")
            .field("trusted", &self.0.trusted)
            .field("limits", &self.0.limits)
            .finish_non_exhaustive()
    }
}

impl Fetcher {
    /// Within these limits; `trusted` hosts may be asked over http and anywhere.
    ///
    /// # Errors
    /// When the encryption cannot be set up.
    pub fn new(trusted: Vec<TrustedHost>, limits: FetchLimits) -> Result<Self, SetupError> {
        Self::with_authorities(trusted, limits, &[])
    }

    /// The same, where the certificates of these authorities (PEM) are believed beside everybody's.
    ///
    /// # Errors
    /// When they cannot be read, or the encryption cannot be set up.
    pub fn with_authorities(
        trusted: Vec<TrustedHost>,
        limits: FetchLimits,
        pem: &[u8],
    ) -> Result<Self, SetupError> {
        let mut roots = RootCertStore {
            roots: webpki_roots::TLS_SERVER_ROOTS.into(),
        };
        for certificate in CertificateDer::pem_slice_iter(pem) {
            roots.add(certificate?)?;
        }
        let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self(Arc::new(Shared {
            tls: TlsConnector::from(Arc::new(config)),
            trusted,
            limits,
            seats: Semaphore::new(limits.at_once),
        })))
    }

    /// What asking may take.
    #[must_use]
    pub fn limits(&self) -> FetchLimits {
        self.0.limits
    }

    /// Whether this address may be asked at all, as far as can be told without asking.
    ///
    /// # Errors
    /// Why not.
    pub fn check(&self, address: &str) -> Result<(), FetchError> {
        let (url, trust) = self.read(address)?;
        let literal = match url.host() {
            Some(Host::Ipv4(ip)) => Some(IpAddr::V4(ip)),
            Some(Host::Ipv6(ip)) => Some(IpAddr::V6(ip)),
            Some(Host::Domain("localhost")) => Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
            _ => None,
        };
        match literal {
            Some(ip) if trust == Trust::Stranger && !is_public(ip) => Err(FetchError::Private(name(&url))),
            _ => Ok(()),
        }
    }

    /// Asks this address.
    ///
    /// # Errors
    /// When there is no answer within the limits.
    pub async fn ask(&self, address: &str, question: Question) -> Result<Fetched, FetchError> {
        let (url, trust) = self.read(address)?;
        let _seat = self.0.seats.try_acquire().map_err(|_| FetchError::Busy)?;
        let name = name(&url);
        tokio::time::timeout(self.0.limits.within, self.exchange(&url, trust, question))
            .await
            .map_err(|_| FetchError::TooSlow(name))?
    }

    fn read(&self, address: &str) -> Result<(Url, Trust), FetchError> {
        let url = Url::parse(address).map_err(|_| FetchError::Address(address.to_owned()))?;
        let trust = if self.0.trusted.iter().any(|host| host.is(&url)) {
            Trust::Owner
        } else {
            Trust::Stranger
        };
        match url.scheme() {
            "https" => Ok((url, trust)),
            "http" if trust == Trust::Owner => Ok((url, trust)),
            "http" => Err(FetchError::Plain(name(&url))),
            _ => Err(FetchError::Address(address.to_owned())),
        }
    }

    async fn exchange(&self, url: &Url, trust: Trust, question: Question) -> Result<Fetched, FetchError> {
        let stream = connect(url, trust).await?;
        if url.scheme() == "http" {
            return self.speak(stream, url, question).await;
        }
        let broken = |reason: String| FetchError::Broken(name(url), reason);
        let host = url.host_str().unwrap_or_default();
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let server = ServerName::try_from(host).map_err(|error| broken(error.to_string()))?;
        let stream = self
            .0
            .tls
            .connect(server, stream)
            .await
            .map_err(|error| broken(error.to_string()))?;
        self.speak(stream, url, question).await
    }

    async fn speak<S>(&self, stream: S, url: &Url, question: Question) -> Result<Fetched, FetchError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send,
    {
        let broken = |error: &dyn fmt::Display| FetchError::Broken(name(url), error.to_string());
        let request = request(url, question).map_err(|error| broken(&error))?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| broken(&error))?;
        let answer = async {
            let response = sender
                .send_request(request)
                .await
                .map_err(|error| broken(&error))?;
            let (parts, mut body) = response.into_parts();
            let mut whole = BytesMut::new();
            while let Some(frame) = body.frame().await {
                let frame = frame.map_err(|error| broken(&error))?;
                let Some(data) = frame.data_ref() else { continue };
                if whole.len() + data.len() > self.0.limits.answer {
                    return Err(FetchError::TooLong(name(url)));
                }
                whole.extend_from_slice(data);
            }
            Ok(Fetched {
                status: parts.status,
                headers: parts.headers,
                body: whole.freeze(),
            })
        };
        driven(answer, connection).await
    }
}

/// The answer, while the connection is driven beside it; one that ends first has handed over all there was.
async fn driven<T, E>(
    answer: impl Future<Output = Result<T, FetchError>>,
    connection: impl Future<Output = Result<(), E>>,
) -> Result<T, FetchError> {
    let (mut answer, mut connection) = (std::pin::pin!(answer), std::pin::pin!(connection));
    tokio::select! {
        biased;
        answer = &mut answer => return answer,
        // What broke shows in the answer.
        _ended = &mut connection => {}
    }
    answer.await
}

fn request(url: &Url, question: Question) -> Result<Request<Full<Bytes>>, http::Error> {
    let mut target = url.path().to_owned();
    if let Some(query) = url.query() {
        target.push('?');
        target.push_str(query);
    }
    let host = match (url.host_str().unwrap_or_default(), url.port()) {
        (host, Some(port)) => format!("{host}:{port}"),
        (host, None) => host.to_owned(),
    };
    let mut request = Request::builder()
        .method(question.method)
        .uri(Uri::try_from(target)?)
        .body(Full::new(question.body))?;
    let headers = request.headers_mut();
    *headers = question.headers;
    headers.insert(header::HOST, HeaderValue::try_from(host)?);
    headers.insert(
        header::USER_AGENT,
        HeaderValue::from_static(concat!("pulsecast/", env!("CARGO_PKG_VERSION"))),
    );
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    Ok(request)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trust {
    Owner,
    Stranger,
}

/// Host and port, as messages name it: what follows may be secret.
fn name(url: &Url) -> String {
    match (url.host_str(), url.port()) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        (Some(host), None) => host.to_owned(),
        (None, _) => url.scheme().to_owned(),
    }
}

/// To the address that was looked at, not to what the name means a moment later.
async fn connect(url: &Url, trust: Trust) -> Result<TcpStream, FetchError> {
    let broken = |error: io::Error| FetchError::Broken(name(url), error.to_string());
    let port = url
        .port_or_known_default()
        .ok_or_else(|| FetchError::Address(name(url)))?;
    let addresses: Vec<SocketAddr> = match url.host() {
        Some(Host::Ipv4(ip)) => vec![(ip, port).into()],
        Some(Host::Ipv6(ip)) => vec![(ip, port).into()],
        Some(Host::Domain(host)) => tokio::net::lookup_host((host, port))
            .await
            .map_err(broken)?
            .collect(),
        None => return Err(FetchError::Address(name(url))),
    };
    let allowed = addresses
        .iter()
        .filter(|address| trust == Trust::Owner || is_public(address.ip()));
    let mut last = None;
    for address in allowed.take(TRIES) {
        match TcpStream::connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(error) => last = Some(error),
        }
    }
    Err(match last {
        Some(error) => broken(error),
        None if addresses.is_empty() => FetchError::Broken(name(url), "the name has no address".to_owned()),
        None => FetchError::Private(name(url)),
    })
}

/// Whether an address is one of the open internet.
fn is_public(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let shared = a == 100 && (64..128).contains(&b);
    let special = (a == 192 && b == 0 && c == 0) || (a == 198 && (b == 18 || b == 19));
    !(ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_documentation()
        || shared
        || special
        || a == 0
        || a >= 224)
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    let [a, b, .., g, h] = ip.segments();
    // Addresses that hold one of the other family: the one inside counts.
    let inside = || Ipv4Addr::from((u32::from(g) << 16) | u32::from(h));
    match a {
        0x0064 if b == 0xff9b => is_public_v4(inside()),
        0x2002 => {
            let [_, b, c, ..] = ip.segments();
            is_public_v4(Ipv4Addr::from((u32::from(b) << 16) | u32::from(c)))
        }
        // Teredo and documentation.
        0x2001 => b != 0 && b != 0x0db8,
        // Global unicast is 2000::/3; loopback, unique local, link local and multicast are all outside of it.
        _ => (0x2000..0x4000).contains(&a),
    }
}

#[cfg(test)]
mod tests;
