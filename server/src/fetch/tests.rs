use super::*;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

fn fetcher(trusted: &[&str], limits: FetchLimits) -> Fetcher {
    let trusted = trusted.iter().map(|host| host.parse().unwrap()).collect();
    Fetcher::new(trusted, limits).unwrap()
}

fn get() -> Question {
    Question {
        method: Method::GET,
        headers: HeaderMap::new(),
        body: Bytes::new(),
    }
}

/// A server that answers whoever comes with these bytes, and then holds the line open.
async fn answers(bytes: &'static [u8]) -> (SocketAddr, tokio::task::JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(async move {
        let mut held = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 4096];
            let read = stream.read(&mut request).await.unwrap_or_default();
            if read > 0 {
                drop(stream.write_all(bytes).await);
            }
            held.push(stream);
        }
    });
    (at, tasks)
}

#[test]
fn what_is_inside_a_network_is_not_public() {
    for inside in [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "198.18.0.1",
        "::1",
        "::",
        "fd00::1",
        "fe80::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "2001:db8::1",
        "2001:0:1::1",
    ] {
        assert!(!is_public(inside.parse().unwrap()), "{inside}");
    }
    for open in ["93.184.216.34", "1.1.1.1", "2606:4700::1111", "64:ff9b::101:101"] {
        assert!(is_public(open.parse().unwrap()), "{open}");
    }
}

#[test]
fn strangers_are_asked_over_https_at_public_addresses_only() {
    let fetcher = fetcher(&["localhost:8080", "app.internal"], FetchLimits::default());
    for good in [
        "https://example.com/keys",
        "http://localhost:8080/connect",
        "http://app.internal:9999/connect",
    ] {
        assert!(fetcher.check(good).is_ok(), "{good}");
    }
    for plain in [
        "http://example.com/",
        "http://localhost:8081/",
        "http://127.0.0.1:8080/",
    ] {
        assert!(
            matches!(fetcher.check(plain), Err(FetchError::Plain(_))),
            "{plain}"
        );
    }
    for private in [
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://localhost/",
        "https://169.254.169.254/latest",
    ] {
        assert!(
            matches!(fetcher.check(private), Err(FetchError::Private(_))),
            "{private}"
        );
    }
    for no_address in ["ftp://example.com", "file:///etc/passwd", "nothing"] {
        assert!(
            matches!(fetcher.check(no_address), Err(FetchError::Address(_))),
            "{no_address}"
        );
    }
}

#[tokio::test]
async fn a_name_that_leads_inside_is_not_followed() {
    // Whoever owns a name can point it at this machine: what counts is where it leads.
    let error = fetcher(&[], FetchLimits::default())
        .ask("https://localhost:1/", get())
        .await
        .unwrap_err();
    assert!(matches!(error, FetchError::Private(_)), "{error}");
}

#[tokio::test]
async fn an_answer_comes_back_whole_and_a_redirect_is_only_an_answer() {
    let (at, _server) = answers(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nx-mine: 1\r\n\r\nhello").await;
    let fetcher = fetcher(&["127.0.0.1"], FetchLimits::default());
    let fetched = fetcher.ask(&format!("http://{at}/a?b"), get()).await.unwrap();
    assert_eq!((fetched.status.as_u16(), &fetched.body[..]), (200, &b"hello"[..]));
    assert_eq!(fetched.headers["x-mine"], "1");

    let (at, _server) =
        answers(b"HTTP/1.1 302 Found\r\nlocation: http://169.254.169.254/\r\ncontent-length: 0\r\n\r\n")
            .await;
    let fetched = fetcher.ask(&format!("http://{at}/"), get()).await.unwrap();
    assert_eq!(fetched.status.as_u16(), 302);
}

#[tokio::test]
async fn a_slow_one_a_huge_one_and_a_broken_one_each_fail_by_name() {
    let limits = FetchLimits {
        within: Duration::from_millis(200),
        answer: 10,
        ..FetchLimits::default()
    };
    let fetcher = fetcher(&["127.0.0.1"], limits);
    let ask = async |bytes| {
        let (at, _server) = answers(bytes).await;
        fetcher.ask(&format!("http://{at}/"), get()).await.unwrap_err()
    };
    let slow = ask(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhel").await;
    assert!(matches!(slow, FetchError::TooSlow(_)), "{slow}");
    let huge = ask(b"HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\nhello hello").await;
    assert!(matches!(huge, FetchError::TooLong(_)), "{huge}");
    let broken = ask(b"SSH-2.0-OpenSSH_9.9\r\n").await;
    assert!(matches!(broken, FetchError::Broken(..)), "{broken}");
}

/// A server with a certificate for `localhost` of an authority that only these tests know.
async fn over_https() -> (u16, tokio::task::JoinSet<()>) {
    use rustls::pki_types::PrivateKeyDer;
    let certificate = CertificateDer::from_pem_slice(include_bytes!("test-keys/localhost.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("test-keys/localhost.key.pem")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else {
                continue;
            };
            let mut request = [0; 4096];
            drop(stream.read(&mut request).await);
            drop(
                stream
                    .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nsecret")
                    .await,
            );
        }
    });
    (port, tasks)
}

#[tokio::test]
async fn over_https_only_whose_certificate_is_right_is_believed() {
    let (port, _server) = over_https().await;
    let authority = include_bytes!("test-keys/ca.pem");
    let trusted = || vec!["localhost".parse().unwrap(), "127.0.0.1".parse().unwrap()];
    let limits = FetchLimits::default();
    let knows = Fetcher::with_authorities(trusted(), limits, authority).unwrap();
    let fetched = knows
        .ask(&format!("https://localhost:{port}/"), get())
        .await
        .unwrap();
    assert_eq!(&fetched.body[..], b"secret");

    // The right authority, but another host's certificate; and an authority that nobody knows.
    let other_name = knows
        .ask(&format!("https://127.0.0.1:{port}/"), get())
        .await
        .unwrap_err();
    assert!(matches!(other_name, FetchError::Broken(..)), "{other_name}");
    let unknown = fetcher(&["localhost"], limits);
    let error = unknown
        .ask(&format!("https://localhost:{port}/"), get())
        .await
        .unwrap_err();
    assert!(error.to_string().contains("certificate"), "{error}");
    assert!(Fetcher::with_authorities(trusted(), limits, b"-----BEGIN CERTIFICATE-----\n!").is_err());
}

#[tokio::test]
async fn more_questions_than_allowed_are_refused_and_do_not_wait() {
    let limits = FetchLimits {
        at_once: 0,
        ..FetchLimits::default()
    };
    let error = fetcher(&["127.0.0.1"], limits)
        .ask("http://127.0.0.1:1/", get())
        .await
        .unwrap_err();
    assert!(matches!(error, FetchError::Busy), "{error}");
}
