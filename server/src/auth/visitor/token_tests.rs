use super::*;
use crate::gate::Right;
use jsonwebtoken::jwk::Jwk;
use serde_json::{Value, json};

const NOW: Timestamp = Timestamp(1_800_000_000_000);
const SECRET: &str = "a secret that the site and this server know";
const RSA: &str = include_str!("test-keys/rsa.pem");
const RSA_PUBLIC: &str = include_str!("test-keys/rsa.pub.pem");
const EC: &str = include_str!("test-keys/ec.pem");
const EC_PUBLIC: &str = include_str!("test-keys/ec.pub.pem");

fn site() -> Domain {
    "example.com".parse().unwrap()
}

fn now() -> i64 {
    NOW.millis() / 1000
}

/// What a usual token says, and what this one says differently.
fn claims(different: Value) -> Value {
    let mut claims = json!({
        "sub": "ann", "aud": "example.com", "iat": now() - 10, "exp": now() + 600, "jti": "t1",
        "info": {"name": "Ann"}, "rooms": {"lobby": ["read", "publish"], "team-*": ["read"]},
    });
    for (name, value) in different.as_object().unwrap() {
        match value {
            Value::Null => claims.as_object_mut().unwrap().remove(name),
            value => claims
                .as_object_mut()
                .unwrap()
                .insert(name.clone(), value.clone()),
        };
    }
    claims
}

fn signed(algorithm: Algorithm, key: &EncodingKey, claims: &Value) -> String {
    encode(&Header::new(algorithm), claims, key).unwrap()
}

fn by_secret(different: Value) -> String {
    signed(
        Algorithm::HS256,
        &EncodingKey::from_secret(SECRET.as_bytes()),
        &claims(different),
    )
}

/// What a site that trusts its secret believes.
fn believe(token: &str) -> Result<Believed, TokenError> {
    let key = DecodingKey::from_secret(SECRET.as_bytes());
    read(
        token,
        (&key, Algorithm::HS256),
        &site(),
        &TokenLimits::default(),
        NOW,
    )
}

fn error(result: Result<Believed, TokenError>) -> TokenError {
    result.expect_err("this token should not be believed")
}

fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

#[test]
fn a_token_says_who_and_which_rooms_until_it_expires() {
    let believed = believe(&by_secret(json!({}))).unwrap();
    assert_eq!(
        (believed.user.as_str(), believed.id.as_deref()),
        ("ann", Some("t1"))
    );
    assert_eq!(believed.info.unwrap().get(), r#"{"name":"Ann"}"#);
    assert_eq!(believed.rooms[0].rights, [Right::Read, Right::Publish]);
    assert_eq!(believed.expires, NOW.plus(600_000));
    assert_eq!(believed.issued, NOW.plus(-10_000));
}

#[test]
fn a_token_without_a_signature_is_nothing() {
    for alg in ["none", "None", "NONE", "nOnE", ""] {
        let unsigned = format!(
            "{}.{}.",
            part(&json!({"alg": alg, "typ": "JWT"})),
            part(&claims(json!({})))
        );
        assert_eq!(error(believe(&unsigned)), TokenError::Invalid, "{alg}");
    }
    let token = by_secret(json!({}));
    let (unsigned, _) = token.rsplit_once('.').unwrap();
    for cut in [
        format!("{unsigned}."),
        unsigned.to_owned(),
        String::new(),
        "..".to_owned(),
    ] {
        assert_eq!(error(believe(&cut)), TokenError::Invalid, "{cut}");
    }
}

#[test]
fn the_sites_setting_fixes_the_algorithm_whatever_the_token_says() {
    // The classic: the public key, which everybody knows, taken for a secret.
    let public = EncodingKey::from_secret(RSA_PUBLIC.as_bytes());
    let confused = signed(Algorithm::HS256, &public, &claims(json!({})));
    let rsa = DecodingKey::from_rsa_pem(RSA_PUBLIC.as_bytes()).unwrap();
    let limits = TokenLimits::default();
    let refused = read(&confused, (&rsa, Algorithm::RS256), &site(), &limits, NOW);
    assert_eq!(error(refused), TokenError::Invalid);

    // A token of the right key by another algorithm of the same family.
    let private = EncodingKey::from_rsa_pem(RSA.as_bytes()).unwrap();
    for algorithm in [Algorithm::RS384, Algorithm::RS512, Algorithm::PS256] {
        let token = signed(algorithm, &private, &claims(json!({})));
        let refused = read(&token, (&rsa, Algorithm::RS256), &site(), &limits, NOW);
        assert_eq!(error(refused), TokenError::Invalid, "{algorithm:?}");
    }
    let secret = EncodingKey::from_secret(SECRET.as_bytes());
    for algorithm in [Algorithm::HS384, Algorithm::HS512] {
        assert_eq!(
            error(believe(&signed(algorithm, &secret, &claims(json!({}))))),
            TokenError::Invalid,
            "{algorithm:?}"
        );
    }
    // And a header that lies about what follows.
    let honest = signed(Algorithm::RS256, &private, &claims(json!({})));
    let (_, rest) = honest.split_once('.').unwrap();
    let lying = format!("{}.{rest}", part(&json!({"alg": "HS256", "typ": "JWT"})));
    assert_eq!(
        error(read(&lying, (&rsa, Algorithm::RS256), &site(), &limits, NOW)),
        TokenError::Invalid
    );
}

#[test]
fn each_algorithm_believes_its_own_key_and_no_other() {
    let limits = TokenLimits::default();
    let pairs = [
        (
            Algorithm::RS256,
            EncodingKey::from_rsa_pem(RSA.as_bytes()).unwrap(),
            DecodingKey::from_rsa_pem(RSA_PUBLIC.as_bytes()).unwrap(),
        ),
        (
            Algorithm::ES256,
            EncodingKey::from_ec_pem(EC.as_bytes()).unwrap(),
            DecodingKey::from_ec_pem(EC_PUBLIC.as_bytes()).unwrap(),
        ),
        (
            Algorithm::HS256,
            EncodingKey::from_secret(SECRET.as_bytes()),
            DecodingKey::from_secret(SECRET.as_bytes()),
        ),
    ];
    for (signs, private, _) in &pairs {
        let token = signed(*signs, private, &claims(json!({})));
        for (checks, _, public) in &pairs {
            let read = read(&token, (public, *checks), &site(), &limits, NOW);
            assert_eq!(read.is_ok(), signs == checks, "{signs:?} by {checks:?}");
        }
    }
    let wrong = signed(
        Algorithm::HS256,
        &EncodingKey::from_secret(b"another"),
        &claims(json!({})),
    );
    assert_eq!(error(believe(&wrong)), TokenError::Invalid);
}

#[test]
fn a_key_that_carries_itself_is_not_taken_from_the_token() {
    let jwk: Jwk =
        serde_json::from_value(json!({"kty": "oct", "k": URL_SAFE_NO_PAD.encode("mine")})).unwrap();
    let mut header = Header::new(Algorithm::HS256);
    header.jwk = Some(jwk);
    header.jku = Some("https://evil.example/keys".to_owned());
    header.kid = Some("../../dev/null".to_owned());
    let token = encode(&header, &claims(json!({})), &EncodingKey::from_secret(b"mine")).unwrap();
    assert_eq!(error(believe(&token)), TokenError::Invalid);
}

#[test]
fn a_token_for_another_site_is_not_for_this_one() {
    for aud in [
        json!("example.org"),
        json!("example.com.evil.example"),
        json!("https://example.com"),
        json!("EXAMPLE.com"),
        json!([]),
        json!(["example.org"]),
        json!("pulsecast:connection"),
        json!(7),
        Value::Null,
    ] {
        let token = by_secret(json!({"aud": aud}));
        assert_eq!(error(believe(&token)), TokenError::Invalid, "{aud}");
    }
    assert!(believe(&by_secret(json!({"aud": ["example.org", "example.com"]}))).is_ok());
    let named = audiences(&by_secret(json!({"aud": ["example.org", "x:y", "example.com"]})));
    assert_eq!(named, ["example.org".parse().unwrap(), site()]);
    assert!(audiences("no.token.at.all").is_empty());
}

#[test]
fn clocks_may_be_a_minute_apart_and_no_more() {
    let at = |exp: i64| believe(&by_secret(json!({"exp": now() + exp})));
    assert!(at(1).is_ok() && at(-59).is_ok());
    assert_eq!(error(at(-60)), TokenError::Expired);
    for name in ["iat", "nbf"] {
        let from = |seconds: i64| believe(&by_secret(json!({name: now() + seconds})));
        assert!(from(60).is_ok(), "{name}");
        assert_eq!(error(from(61)), TokenError::Invalid, "{name}");
    }
}

#[test]
fn an_expired_token_that_was_never_good_is_not_called_expired() {
    let old = claims(json!({"exp": now() - 3600}));
    let forged = signed(Algorithm::HS256, &EncodingKey::from_secret(b"another"), &old);
    assert_eq!(error(believe(&forged)), TokenError::Invalid);
}

#[test]
fn what_a_token_must_say_it_must_say_in_reason() {
    for bad in [
        json!({"sub": null}),
        json!({"sub": ""}),
        json!({"sub": "a\nb"}),
        json!({"sub": "x".repeat(201)}),
        json!({"sub": 7}),
        json!({"exp": null}),
        json!({"exp": "soon"}),
        json!({"exp": 1e300}),
        json!({"exp": now() + 32 * 86_400}),
        json!({"jti": "x".repeat(201)}),
        json!({"info": "x".repeat(1025)}),
        json!({"rooms": "lobby"}),
        json!({"rooms": {"lobby": ["everything"]}}),
        json!({"rooms": vec!["r"; 101]}),
    ] {
        assert_eq!(
            error(believe(&by_secret(bad.clone()))),
            TokenError::Invalid,
            "{bad}"
        );
    }
    assert!(
        believe(&by_secret(
            json!({"exp": 1_800_000_600.5, "iat": null, "jti": null, "rooms": null})
        ))
        .is_ok()
    );
    let huge = by_secret(json!({"extra": "x".repeat(20_000)}));
    assert_eq!(error(believe(&huge)), TokenError::Invalid);
}

#[test]
fn a_draft_that_is_signed_here_is_believed_here() {
    let rooms = [("lobby".to_owned(), vec!["read".to_owned()])].into();
    let site = site();
    let draft = Draft {
        sub: "bob",
        aud: &site,
        iat: now(),
        exp: now() + 60,
        jti: "try",
        info: None,
        rooms: &rooms,
    };
    let believed = believe(&sign(&draft, SECRET).unwrap()).unwrap();
    assert_eq!((believed.user.as_str(), believed.rooms.len()), ("bob", 1));
}
