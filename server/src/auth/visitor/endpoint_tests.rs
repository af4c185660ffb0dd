use super::*;
use crate::{
    clock::{Clock, ManualClock},
    fetch::FetchLimits,
};
use std::{net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    sync::mpsc,
    task::JoinSet,
};

const NOW: Timestamp = Timestamp(1_800_000_000_000);

/// A site's own server: answers every question with `answer`, and tells the test what it was asked.
struct Site {
    at: SocketAddr,
    heard: mpsc::Receiver<String>,
    _tasks: JoinSet<()>,
}

impl Site {
    async fn start(answer: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let (tell, heard) = mpsc::channel(64);
        let answer = answer.to_owned();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut held = Vec::new();
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = Vec::new();
                // The body comes last and ends with its brace.
                while !request.ends_with(b"}") {
                    if stream.read_buf(&mut request).await.unwrap_or_default() == 0 {
                        break;
                    }
                }
                drop(tell.try_send(String::from_utf8_lossy(&request).into_owned()));
                drop(stream.write_all(answer.as_bytes()).await);
                held.push(stream);
            }
        });
        Self {
            at,
            heard,
            _tasks: tasks,
        }
    }

    async fn says(json: &str) -> Self {
        Self::start(&format!(
            "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{json}",
            json.len()
        ))
        .await
    }

    fn asked(&mut self) -> usize {
        std::iter::from_fn(|| self.heard.try_recv().ok()).count()
    }

    fn question(&self, cookies: &str) -> Asked {
        Asked {
            id: SiteId(1),
            site: "example.com".parse().unwrap(),
            endpoint: format!("http://{}/connect", self.at).parse().unwrap(),
            origin: "https://www.example.com".parse().unwrap(),
            cookies: Cookies::new(cookies, None).unwrap(),
        }
    }
}

fn endpoints() -> (Endpoints, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::new(NOW));
    let limits = FetchLimits {
        within: Duration::from_millis(500),
        answer: 4096,
        ..FetchLimits::default()
    };
    let fetcher = Fetcher::new(vec!["127.0.0.1".parse().unwrap()], limits).unwrap();
    (
        Endpoints::new(fetcher, clock.clone(), TokenLimits::default()),
        clock,
    )
}

fn somebody(told: Told) -> Arc<Vouched> {
    match told {
        Told::Somebody(vouched) => vouched,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_sites_own_server_says_who_it_is_and_is_asked_again_when_its_answer_has_run_out() {
    let mut site =
        Site::says(r#"{"user":"ann","info":{"name":"Ann"},"rooms":["lobby"],"expires_in":60}"#).await;
    let (endpoints, clock) = endpoints();
    let question = site.question("sid=1; pulsecast_session=ours; theme=dark");
    let ann = somebody(endpoints.who(&question).await);
    assert_eq!(
        (ann.user.as_str(), ann.rooms.len(), ann.until),
        ("ann", 1, NOW.plus(60_000))
    );

    let heard = site.heard.recv().await.unwrap();
    assert!(heard.starts_with("POST /connect HTTP/1.1\r\n"), "{heard}");
    assert!(
        heard.contains("cookie: sid=1; theme=dark\r\n"),
        "our own cookie stays here: {heard}"
    );
    assert!(
        heard.ends_with(r#"{"origin":"https://www.example.com","site":"example.com"}"#),
        "{heard}"
    );

    clock.advance(59_999);
    somebody(endpoints.who(&question).await);
    assert_eq!(site.asked(), 0);
    clock.advance(1);
    somebody(endpoints.who(&question).await);
    assert_eq!(site.asked(), 1);
    somebody(endpoints.who(&site.question("sid=2")).await);
    assert_eq!(site.asked(), 1, "another cookie is another visitor");
}

#[tokio::test]
async fn whoever_has_no_cookie_of_the_sites_is_nobody_and_nobody_is_asked() {
    let mut site = Site::says(r#"{"user":"ann"}"#).await;
    let (endpoints, _) = endpoints();
    for cookies in ["pulsecast_session=ours", ";;", "; pulsecast_share=x;"] {
        assert!(matches!(
            endpoints.who(&site.question(cookies)).await,
            Told::Nobody
        ));
    }
    assert_eq!(site.asked(), 0);
}

#[tokio::test]
async fn many_tabs_at_once_are_one_question() {
    let mut site = Site::says(r#"{"user":"ann"}"#).await;
    let (endpoints, _) = endpoints();
    let question = site.question("sid=1");
    let all = futures::future::join_all((0..20).map(|_| endpoints.who(&question))).await;
    assert!(all.into_iter().all(|told| matches!(told, Told::Somebody(_))));
    assert_eq!(site.asked(), 1);
}

#[tokio::test]
async fn somebody_who_is_signed_out_is_nobody() {
    for answer in [
        "HTTP/1.1 204 No Content\r\n\r\n",
        "HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 13\r\n\r\n{\"user\":null}",
        "HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\n{\"user\":\"\"}",
    ] {
        let site = Site::start(answer).await;
        let told = endpoints().0.who(&site.question("sid=1")).await;
        assert!(matches!(told, Told::Nobody), "{answer}: {told:?}");
    }
}

#[tokio::test]
async fn a_slow_a_broken_or_a_huge_answer_is_no_answer_and_the_server_is_left_alone_for_a_while() {
    let huge = format!(
        "HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\n{}",
        "x".repeat(5000)
    );
    for answer in [
        "",
        "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{",
        "HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 302 Found\r\nlocation: http://169.254.169.254/\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nnope",
        "HTTP/1.1 200 OK\r\ncontent-length: 32\r\n\r\n{\"user\":\"ann\",\"rooms\":{\"a\":\"x\"}}",
        "garbage",
        &huge,
    ] {
        let mut site = Site::start(answer).await;
        let (endpoints, clock) = endpoints();
        let question = site.question("sid=1");
        let told = endpoints.who(&question).await;
        assert!(matches!(told, Told::Away), "{answer:.60}: {told:?}");
        assert!(matches!(endpoints.who(&question).await, Told::Away));
        assert_eq!(site.asked(), 1, "{answer:.60}");
        clock.advance(PAUSE);
        endpoints.who(&question).await;
        assert_eq!(site.asked(), 1, "{answer:.60}");
    }
}

#[tokio::test]
async fn a_site_whose_server_does_not_answer_does_not_take_the_others_places() {
    let (silent, other) = (Site::start("").await, Site::says(r#"{"user":"ann"}"#).await);
    let endpoints = endpoints().0;
    let waiting: Vec<_> = (0..100).map(|i| silent.question(&format!("sid={i}"))).collect();
    let stuck = futures::future::join_all(waiting.iter().map(|question| endpoints.who(question)));
    let elsewhere = Asked {
        id: SiteId(2),
        ..other.question("sid=1")
    };
    let (told, theirs) = tokio::join!(stuck, endpoints.who(&elsewhere));
    assert!(told.iter().all(|told| matches!(told, Told::Away)));
    somebody(theirs);
    assert!(endpoints.0.under_way.lock().is_empty());
}

#[tokio::test]
async fn whoever_is_turned_away_is_asked_about_again() {
    let mut site = Site::says(r#"{"user":"ann","expires_in":3600}"#).await;
    let (endpoints, clock) = endpoints();
    let question = site.question("sid=1");
    somebody(endpoints.who(&question).await);
    endpoints.forget(SiteId(2), "ann");
    endpoints.forget(SiteId(1), "bob");
    somebody(endpoints.who(&question).await);
    assert_eq!(site.asked(), 1);
    clock.advance(5);
    endpoints.forget(SiteId(1), "ann");
    assert_eq!(somebody(endpoints.who(&question).await).asked, clock.now());
}

#[test]
fn an_answer_is_good_for_seconds_at_least_and_a_day_at_most() {
    let lasts = |json: &str| {
        let vouched = read(json.as_bytes(), &TokenLimits::default(), NOW)
            .unwrap()
            .unwrap();
        vouched.until.since(NOW)
    };
    assert_eq!(lasts(r#"{"user":"a"}"#), USUAL);
    assert_eq!(lasts(r#"{"user":"a","expires_in":0}"#), SHORTEST);
    assert_eq!(lasts(r#"{"user":"a","expires_in":1e99}"#), LONGEST);
    assert_eq!(lasts(r#"{"user":"a","expires_in":-5}"#), SHORTEST);
}
