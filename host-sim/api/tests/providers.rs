//! Tokens of OpenID providers: those that count, and everything that is wrong with the others. The provider is made up; `tests/openid` logs in at a real one.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod world;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::http::{Method, StatusCode};
use axum::routing::get;
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use qenex_api::access::now_ms;
use qenex_api::config::{InterfaceConfig, ProviderConfig};
use serde_json::{Value, json};
use world::{Answer, World};

/// A key of a provider.
struct Key {
    name: &'static str,
    algorithm: Algorithm,
    secret: EncodingKey,
    pem: String,
    jwk: Jwk,
}

impl Key {
    fn new(name: &'static str, algorithm: Algorithm) -> Self {
        let (secret, pem) = match algorithm {
            // PKCS #8 (RFC 8410, section 7), which has no public key beside it.
            Algorithm::EdDSA => {
                let der = [&hex::decode("302e020100300506032b657004220420").unwrap()[..], &[7; 32]].concat();
                (EncodingKey::from_ed_der(&der), String::new())
            }
            Algorithm::ES256 => {
                let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
                (EncodingKey::from_ec_pem(pair.serialize_pem().as_bytes()).unwrap(), pair.public_key_pem())
            }
            _ => {
                let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap();
                (EncodingKey::from_rsa_pem(pair.serialize_pem().as_bytes()).unwrap(), pair.public_key_pem())
            }
        };
        let mut jwk = Jwk::from_encoding_key(&secret, algorithm).unwrap();
        jwk.common.key_id = Some(name.into());
        Self { name, algorithm, secret, pem, jwk }
    }

    fn header(&self) -> Header {
        Header { kid: Some(self.name.into()), ..Header::new(self.algorithm) }
    }

    fn sign(&self, claims: &Value) -> String {
        encode(&self.header(), claims, &self.secret).unwrap()
    }
}

/// A provider that says what it is told to say.
struct Provider {
    issuer: String,
    /// The keys that it shows.
    shown: Arc<Mutex<Vec<Jwk>>>,
}

impl Provider {
    async fn start(keys: &[&Key]) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let shown = Arc::new(Mutex::new(keys.iter().map(|key| key.jwk.clone()).collect::<Vec<_>>()));
        let metadata = json!({
            "issuer": issuer,
            "authorization_endpoint": format!("{issuer}/authorize"),
            "token_endpoint": format!("{issuer}/token"),
            "jwks_uri": format!("{issuer}/keys"),
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        });
        let keys = Arc::clone(&shown);
        let answer = move || async move { Json(json!({ "keys": *keys.lock().unwrap() })) };
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(move || async move { Json(metadata) }))
            .route("/keys", get(answer));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { issuer, shown }
    }

    fn config(&self) -> ProviderConfig {
        serde_json::from_value(json!({
            "name": "bank", "issuer": self.issuer, "audience": "qenex", "roles_claim": "/realm/roles",
            "roles": [
                { "value": "treasury", "role": "bank", "accounts": ["BANK_001"] },
                { "value": "audit", "scopes": ["read", "audit"], "accounts": "*" },
            ],
            "requests_per_minute": 77,
        }))
        .unwrap()
    }

    fn world(&self) -> World {
        World::configured(InterfaceConfig { providers: vec![self.config()], ..InterfaceConfig::default() })
    }

    /// What a token that counts says.
    fn claims(&self) -> Value {
        let now = now_ms() / 1_000;
        json!({
            "iss": self.issuer, "aud": ["other", "qenex"], "sub": "alice", "iat": now, "exp": now + 300,
            "realm": { "roles": ["people", "audit", "treasury"] },
        })
    }

    fn claims_with(&self, name: &str, value: Value) -> Value {
        let mut claims = self.claims();
        claims[name] = value;
        claims
    }
}

async fn me(world: &World, token: &str) -> Answer {
    world.ask(Method::GET, "/api/v1/me", Some(token.into()), None).await
}

#[tokio::test]
async fn tokens_of_a_provider_count() {
    let keys = [Algorithm::RS256, Algorithm::PS256, Algorithm::ES256, Algorithm::EdDSA];
    let keys = ["one", "two", "three", "four"].into_iter().zip(keys).map(|(name, of)| Key::new(name, of));
    let keys: Vec<Key> = keys.collect();
    let provider = Provider::start(&keys.iter().collect::<Vec<_>>()).await;
    let world = provider.world();
    for key in &keys {
        let answer = me(&world, &key.sign(&provider.claims())).await;
        assert_eq!(answer.status, StatusCode::OK, "{}: {answer:?}", key.name);
        assert_eq!(answer.body["principal"], format!("provider:{}:alice", provider.issuer));
        // The first role of the configuration, and nothing of the second.
        assert_eq!(answer.body["accounts"], json!(["BANK_001"]));
        let scopes: Vec<&str> =
            answer.body["scopes"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        assert!(scopes.contains(&"transfer") && !scopes.contains(&"audit"), "{scopes:?}");
        assert!(answer.header("ratelimit-policy").contains("q=77"), "{answer:?}");
    }
    let nobody = keys[0].sign(&provider.claims_with("realm", json!({ "roles": ["people"] })));
    assert_eq!(me(&world, &nobody).await.body["scopes"], json!([]));
    let answer = world.ask(Method::GET, "/api/v1/status", Some(nobody), None).await;
    assert_eq!(
        (answer.status, &answer.body["error"]["name"]),
        (StatusCode::FORBIDDEN, &json!("SCOPE_MISSING"))
    );
    let audit = keys[0].sign(&provider.claims_with("realm", json!({ "roles": "people audit" })));
    assert_eq!(me(&world, &audit).await.body["accounts"], "*");
}

#[tokio::test]
async fn everything_else_is_refused() {
    let (rsa, other) = (Key::new("rsa", Algorithm::RS256), Key::new("rsa", Algorithm::RS256));
    let (ec, unknown) = (Key::new("ec", Algorithm::ES256), Key::new("unknown", Algorithm::RS256));
    let provider = Provider::start(&[&rsa, &ec]).await;
    let world = provider.world();
    let right = rsa.sign(&provider.claims());
    assert_eq!(me(&world, &right).await.status, StatusCode::OK);
    let now = now_ms() / 1_000;
    let without = |name: &str| {
        let mut claims = provider.claims();
        claims.as_object_mut().unwrap().remove(name);
        rsa.sign(&claims)
    };
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let [header, body, signature] = right.split('.').collect::<Vec<_>>()[..] else { panic!("a token") };
    let confused = encode(
        &Header { kid: Some("rsa".into()), ..Header::new(Algorithm::HS256) },
        &provider.claims(),
        &EncodingKey::from_secret(rsa.pem.as_bytes()),
    )
    .unwrap();
    let named = |kid: Option<&str>| Header { kid: kid.map(Into::into), ..Header::new(Algorithm::RS256) };
    let bound = json!({ "x5t#S256": "A4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v0" });
    let cases = [
        ("expired", rsa.sign(&provider.claims_with("exp", json!(now - 10)))),
        ("not yet", rsa.sign(&provider.claims_with("nbf", json!(now + 60)))),
        ("another audience", rsa.sign(&provider.claims_with("aud", json!("qenex-console")))),
        ("another issuer", rsa.sign(&provider.claims_with("iss", json!("https://login.example")))),
        (
            "an issuer with more behind it",
            rsa.sign(&provider.claims_with("iss", json!(format!("{}/", provider.issuer)))),
        ),
        ("no end", without("exp")),
        ("no audience", without("aud")),
        ("no subject", without("sub")),
        ("no issuer", without("iss")),
        ("another key under the same name", other.sign(&provider.claims())),
        ("a key that is not shown", unknown.sign(&provider.claims())),
        (
            "no name of a key, and there are several",
            encode(&named(None), &provider.claims(), &rsa.secret).unwrap(),
        ),
        (
            "the name of a key of another kind",
            encode(&named(Some("ec")), &provider.claims(), &rsa.secret).unwrap(),
        ),
        ("the public key as a secret", confused),
        ("alg=none", format!("{}.{body}.", part(&json!({ "alg": "none", "kid": "rsa" })))),
        (
            "alg=none with the signature",
            format!("{}.{body}.{signature}", part(&json!({ "alg": "none", "kid": "rsa" }))),
        ),
        ("no signature", format!("{header}.{body}.")),
        (
            "other claims",
            format!("{header}.{}.{signature}", part(&provider.claims_with("sub", json!("root")))),
        ),
        ("a bit of the signature", {
            let mut wrong = signature.to_string().into_bytes();
            wrong[10] = if wrong[10] == b'A' { b'B' } else { b'A' };
            format!("{header}.{body}.{}", String::from_utf8(wrong).unwrap())
        }),
        ("bound to a certificate", rsa.sign(&provider.claims_with("cnf", bound.clone()))),
    ];
    for (what, token) in cases {
        let answer = me(&world, &token).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{what}: {answer:?}");
        assert_eq!(answer.body["error"]["name"], "UNAUTHENTICATED", "{what}");
    }
    // For the client with this certificate it counts.
    let mut world = world;
    world.certificate = bound["x5t#S256"].as_str().map(Into::into);
    assert_eq!(me(&world, &rsa.sign(&provider.claims_with("cnf", bound))).await.status, StatusCode::OK);
}

/// A provider that has a new key is asked again, and one that withdrew a key is believed; one that is gone is not needed.
#[tokio::test]
async fn keys_follow_each_other() {
    let (old, new) = (Key::new("old", Algorithm::RS256), Key::new("new", Algorithm::EdDSA));
    let provider = Provider::start(&[&old]).await;
    let world = provider.world();
    assert_eq!(me(&world, &old.sign(&provider.claims())).await.status, StatusCode::OK);
    *provider.shown.lock().unwrap() = vec![new.jwk.clone()];
    let start = Instant::now();
    while me(&world, &new.sign(&provider.claims())).await.status != StatusCode::OK {
        assert!(start.elapsed() < Duration::from_secs(60), "the new key is found");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert_eq!(me(&world, &old.sign(&provider.claims())).await.status, StatusCode::UNAUTHORIZED);
    *provider.shown.lock().unwrap() = Vec::new();
    assert_eq!(me(&world, &new.sign(&provider.claims())).await.status, StatusCode::OK);
}

/// One that cannot be asked refuses its tokens and nothing else.
#[tokio::test]
async fn a_provider_may_be_away() {
    let key = Key::new("key", Algorithm::RS256);
    let provider = Provider { issuer: "http://127.0.0.1:1".into(), shown: Arc::default() };
    let world = provider.world();
    assert_eq!(me(&world, &key.sign(&provider.claims())).await.status, StatusCode::UNAUTHORIZED);
    let own = world.key("k", &["read"]).await;
    assert_eq!(me(&world, &own).await.status, StatusCode::OK);
    let answer = world.ask(Method::GET, "/api/v1/login/bank", None, None).await;
    // Nobody logs in where the configuration has no name of the node's.
    assert_eq!(answer.status, StatusCode::NOT_FOUND, "{answer:?}");
}
