use super::*;
use crate::{
    auth::{MemberGate, OwnOrigin, Tokens},
    clock::{Clock, ManualClock},
    fetch::FetchLimits,
    gate::{Cookies, Gate, Refused, Right},
    sites::VisitorRules,
    store::accounts::{SqliteAccounts, VisitorBook},
};
use pulsecast_protocol::{
    Channel,
    account::{OriginPolicy, SiteSettings},
    visitor::{KeySetAlgorithm, RoomPresence, VisitorSettings},
};
use std::collections::BTreeMap;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    task::JoinSet,
};

const NOW: Timestamp = Timestamp(1_800_000_000_000);

struct World {
    sites: Sites,
    clock: Arc<ManualClock>,
    visitors: Visitors,
    gate: MemberGate,
}

/// Two sites with a secret each: their domain's first letters.
fn world() -> World {
    let (sites, clock) = (Sites::default(), Arc::new(ManualClock::new(NOW)));
    let fetcher = Fetcher::new(
        vec!["127.0.0.1".parse().unwrap()],
        FetchLimits {
            within: Duration::from_secs(2),
            ..FetchLimits::default()
        },
    )
    .unwrap();
    let visitors = Visitors::new(sites.clone(), clock.clone(), fetcher, TokenLimits::default());
    let gate = MemberGate::new(sites.clone(), OwnOrigin::default(), Tokens::new(b"members"))
        .with_visitors(visitors.clone());
    let world = World {
        sites,
        clock,
        visitors,
        gate,
    };
    world.set(|rules| rules.settings.tokens = TokenTrust::Secret);
    world
}

impl World {
    fn set(&self, change: impl Fn(&mut VisitorRules)) {
        self.set_sites(|site| {
            let mut rules = (*site.visitors).clone();
            change(&mut rules);
            site.visitors = rules.into();
        });
    }

    fn set_sites(&self, change: impl Fn(&mut Site)) {
        let site = |id, domain: &str, secret: &str| {
            let domain: Domain = domain.parse().unwrap();
            let mut site = match self.sites.get(&domain) {
                Some(site) => (*site).clone(),
                None => Site::new(SiteId(id), SiteSettings::new(domain)),
            };
            if site.visitors.secret.is_none() {
                let rules = VisitorRules {
                    secret: Some(Secret::new(secret.to_owned())),
                    ..VisitorRules::default()
                };
                site.visitors = rules.into();
            }
            change(&mut site);
            site
        };
        self.sites.replace(vec![
            site(1, "example.com", "exa"),
            site(2, "other.example", "oth"),
        ]);
    }

    fn site(&self) -> Arc<Site> {
        self.sites.get(&"example.com".parse().unwrap()).unwrap()
    }

    fn identify(&self, token: &str) -> Result<Identity, TokenError> {
        self.gate.identify_token(token, self.clock.now())
    }

    fn may(&self, who: &Identity, right: Right, channel: &str) -> Result<(), Refused> {
        self.gate.may(who, right, &channel.parse::<Channel>().unwrap())
    }
}

fn token(site: &str, secret: &str, user: &str, rooms: &[(&str, &[&str])]) -> String {
    let rooms: BTreeMap<_, _> = rooms
        .iter()
        .map(|(room, rights)| {
            (
                (*room).to_owned(),
                rights.iter().map(|&right| right.to_owned()).collect(),
            )
        })
        .collect();
    let site = site.parse().unwrap();
    let draft = Draft {
        sub: user,
        aud: &site,
        iat: NOW.millis() / 1000 - 5,
        exp: NOW.millis() / 1000 + 3600,
        jti: &format!("{user}-1"),
        info: None,
        rooms: &rooms,
    };
    sign(&draft, secret).unwrap()
}

fn anns() -> String {
    token(
        "example.com",
        "exa",
        "ann",
        &[("lobby", &["read", "publish"]), ("team-*", &["read"])],
    )
}

fn page(origin: &str, cookies: &str) -> Identity {
    Identity {
        origin: Some(origin.parse().unwrap()),
        cookies: Cookies::new(cookies, Some("www.example.com")),
        ..Identity::default()
    }
}

#[test]
fn a_token_opens_its_rooms_with_its_rights_and_nothing_else() {
    let world = world();
    let ann = world.identify(&anns()).unwrap();
    assert_eq!((ann.user.as_str(), ann.account), ("ann", None));
    let table = [
        ("room:example.com:lobby", [true, true, false, false]),
        ("room:example.com:team-a", [true, false, false, false]),
        ("room:example.com:team-", [true, false, false, false]),
        ("room:example.com:team", [false; 4]),
        ("room:example.com:boss", [false; 4]),
        ("room:other.example:lobby", [false; 4]),
        ("live:example.com", [false; 4]),
        ("query:example.com", [false; 4]),
    ];
    for (channel, expected) in table {
        let allowed = Right::ALL.map(|right| world.may(&ann, right, channel).is_ok());
        assert_eq!(allowed, expected, "{channel}");
    }
    assert_eq!(
        world.may(&Identity::default(), Right::Read, "room:example.com:lobby"),
        Err(Refused::NotAllowed)
    );
}

#[test]
fn a_token_is_worth_nothing_on_another_sites_pages() {
    let world = world();
    let on = |origin: &str| Identity {
        origin: Some(origin.parse().unwrap()),
        ..world.identify(&anns()).unwrap()
    };
    assert!(
        world
            .may(
                &on("https://www.example.com"),
                Right::Read,
                "room:example.com:lobby"
            )
            .is_ok()
    );
    assert!(
        world
            .may(
                &on("https://other.example"),
                Right::Read,
                "room:example.com:lobby"
            )
            .is_err()
    );
}

#[test]
fn one_sites_secret_signs_nothing_for_another() {
    let world = world();
    let forged = token("example.com", "oth", "ann", &[("lobby", &["read"])]);
    assert_eq!(world.identify(&forged), Err(TokenError::Invalid));
    let foreign = world
        .identify(&token("other.example", "oth", "ann", &[("lobby", &["read"])]))
        .unwrap();
    assert!(
        world
            .may(&foreign, Right::Read, "room:example.com:lobby")
            .is_err()
    );
    let unknown = token("nowhere.example", "exa", "ann", &[]);
    assert_eq!(world.identify(&unknown), Err(TokenError::Invalid));
}

#[test]
fn a_site_that_trusts_nobody_lets_nobody_in_and_members_tokens_go_on() {
    let world = world();
    world.set(|rules| rules.settings.tokens = TokenTrust::Nobody);
    assert_eq!(world.identify(&anns()), Err(TokenError::Invalid));
    let (members, _) = Tokens::new(b"members")
        .issue(crate::sites::AccountId(7), NOW)
        .unwrap();
    assert_eq!(
        world.identify(&members).unwrap().account,
        Some(crate::sites::AccountId(7))
    );
}

#[test]
fn the_old_secret_is_good_until_its_time_has_come() {
    let world = world();
    let (token, until) = (anns(), NOW.plus(60_000));
    world.set(|rules| {
        rules.secret = Some(Secret::new("new".to_owned()));
        rules.old = Some((Secret::new("exa".to_owned()), until));
    });
    assert!(world.identify(&token).is_ok());
    world.clock.advance(60_000);
    assert_eq!(world.identify(&token), Err(TokenError::Invalid));
}

#[test]
fn who_is_there_is_told_only_where_the_site_shows_it() {
    let world = world();
    let ann = world
        .identify(&token(
            "example.com",
            "exa",
            "ann",
            &[("lobby", &["read", "presence"])],
        ))
        .unwrap();
    assert!(world.may(&ann, Right::Presence, "room:example.com:lobby").is_ok());
    world.set(|rules| rules.settings.presence = RoomPresence::Hidden);
    assert!(
        world
            .may(&ann, Right::Presence, "room:example.com:lobby")
            .is_err()
    );
    assert!(world.may(&ann, Right::Read, "room:example.com:lobby").is_ok());
}

#[tokio::test]
async fn whoever_is_turned_away_loses_their_rights_at_once_and_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let accounts = SqliteAccounts::open(folder.path()).await.unwrap();
    let world = world();
    for domain in ["example.com", "other.example"] {
        let settings = SiteSettings::new(domain.parse().unwrap());
        accounts.add_site(&settings, &[], NOW).await.unwrap();
    }
    let (ann, bob) = (
        anns(),
        token("example.com", "exa", "bob", &[("lobby", &["read"])]),
    );
    let (is_ann, is_bob) = (world.identify(&ann).unwrap(), world.identify(&bob).unwrap());
    let namesake = world
        .identify(&token("other.example", "oth", "ann", &[("lobby", &["read"])]))
        .unwrap();
    let site = world.site();
    world
        .visitors
        .revoke(&accounts, &site, RevokedKind::User, "ann")
        .await
        .unwrap();
    world
        .visitors
        .revoke(&accounts, &site, RevokedKind::Token, "bob-1")
        .await
        .unwrap();
    for (who, token) in [(&is_ann, &ann), (&is_bob, &bob)] {
        assert!(world.may(who, Right::Read, "room:example.com:lobby").is_err());
        assert_eq!(world.identify(token), Err(TokenError::Invalid));
    }
    assert!(
        world
            .may(&namesake, Right::Read, "room:other.example:lobby")
            .is_ok()
    );

    // What their site issues afterwards is good.
    world.clock.advance(6_000);
    let site_name = "example.com".parse().unwrap();
    let rooms = [("lobby".to_owned(), vec!["read".to_owned()])].into();
    let later = Draft {
        sub: "ann",
        aud: &site_name,
        iat: world.clock.now().millis() / 1000,
        exp: world.clock.now().millis() / 1000 + 60,
        jti: "ann-2",
        info: None,
        rooms: &rooms,
    };
    assert!(world.identify(&sign(&later, "exa").unwrap()).is_ok());

    let fetcher = world.visitors.fetcher().clone();
    let limits = TokenLimits::default();
    let again = Visitors::load(
        &accounts,
        world.sites.clone(),
        world.clock.clone(),
        fetcher,
        limits,
    )
    .await
    .unwrap();
    assert_eq!(again.identify(&ann, NOW), Some(Err(TokenError::Invalid)));
    assert_eq!(again.revocations(site.id).len(), 2);
    accounts
        .forget_revocations(NOW.plus(limits.lifetime + 3 * SKEW))
        .await
        .unwrap();
    assert!(accounts.revocations().await.unwrap().is_empty());
}

/// A server that answers everything with this body.
async fn serves(body: String) -> (String, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 4096];
            drop(stream.read(&mut request).await);
            let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
            drop(stream.write_all(answer.as_bytes()).await);
        }
    });
    (format!("http://{at}/"), tasks)
}

#[tokio::test]
async fn published_keys_are_fetched_when_a_token_needs_them() {
    let key: serde_json::Value = serde_json::from_str(include_str!("test-keys/ec.jwk.json")).unwrap();
    let (url, _server) = serves(serde_json::json!({"keys": [key]}).to_string()).await;
    let world = world();
    world.set(|rules| {
        rules.settings.tokens = TokenTrust::KeySet {
            url: url.parse().unwrap(),
            algorithm: KeySetAlgorithm::Es256,
        };
    });
    let claims = serde_json::json!({
        "sub": "ann", "aud": "example.com", "exp": NOW.millis() / 1000 + 60, "rooms": ["lobby"],
    });
    let private = jsonwebtoken::EncodingKey::from_ec_pem(include_bytes!("test-keys/ec.pem")).unwrap();
    let signed = |id: &str| {
        let mut header = jsonwebtoken::Header::new(Algorithm::ES256);
        header.kid = Some(id.to_owned());
        jsonwebtoken::encode(&header, &claims, &private).unwrap()
    };
    let good = signed("one");
    assert_eq!(
        world.identify(&good),
        Err(TokenError::Away),
        "not before its keys are there"
    );
    world.gate.prepare(&good).expect("keys to fetch").await;
    assert_eq!(world.identify(&good).unwrap().user, "ann");
    assert!(world.gate.prepare(&good).is_none());

    // A key that is not there is asked for now and then, not with each token that makes one up.
    let unknown = signed("two");
    assert!(world.gate.prepare(&unknown).is_none());
    assert_eq!(world.identify(&unknown), Err(TokenError::Away));
    world.clock.advance(10_000);
    assert!(world.gate.prepare(&unknown).is_some());

    // The public key's text is nobody's secret.
    let confused = token("example.com", include_str!("test-keys/ec.pub.pem"), "eve", &[]);
    assert_ne!(
        world.identify(&confused).map(|who| who.user),
        Ok("eve".to_owned())
    );
}

#[tokio::test]
async fn a_visitor_with_a_cookie_is_asked_about_on_pages_that_the_site_names_only() {
    let (url, _server) = serves(r#"{"user":"ann","rooms":["lobby"],"expires_in":60}"#.to_owned()).await;
    let world = world();
    world.set(|rules| {
        rules.settings = VisitorSettings {
            endpoint: Some(url.parse().unwrap()),
            ..VisitorSettings::default()
        };
    });
    // "Any origin" is for trying things out; it does not lend a visitor's cookies to any page.
    world.set_sites(|site| site.settings.origin_policy = OriginPolicy::Any);
    let site: Domain = "example.com".parse().unwrap();
    let asks = |who: &Identity| world.gate.introduce(who, &site, NOW);
    assert!(asks(&page("https://evil.example", "sid=1")).is_none());
    assert!(asks(&page("https://www.example.com", "")).is_none());
    assert!(asks(&Identity::default()).is_none());
    // A program sends no origin, and neither does an `EventSource` to where its page comes from: the edge tells the two apart.
    let without_origin = Identity {
        origin: None,
        ..page("https://www.example.com", "sid=1")
    };
    assert!(asks(&without_origin).is_none());
    let from_there = Identity {
        own_origin: true,
        ..without_origin
    };
    assert!(asks(&from_there).is_some());
    // Where there is nobody to ask about them, nobody holds on to a browser's cookies.
    assert!(world.gate.may_introduce(&from_there));
    assert!(!world.gate.may_introduce(&page("https://evil.example", "sid=1")));
    let with_token = Identity {
        origin: Some("https://example.com".parse().unwrap()),
        cookies: Cookies::new("sid=1", None),
        ..world.identify(&anns()).unwrap_or_default()
    };
    assert!(with_token.visitor.is_none(), "tokens are off");

    let ann = asks(&page("https://www.example.com", "sid=1"))
        .expect("a question")
        .await
        .unwrap();
    assert_eq!((ann.user.as_str(), ann.expires), ("ann", None));
    assert!(world.may(&ann, Right::Publish, "room:example.com:lobby").is_ok());
    assert!(
        world.gate.introduce(&ann, &site, NOW).is_none(),
        "the answer is good for a while"
    );
    assert!(world.gate.introduce(&ann, &site, NOW.plus(31_000)).is_some());
    world.clock.advance(60_000 + GRACE);
    assert!(world.may(&ann, Right::Read, "room:example.com:lobby").is_err());
}
