//! Who may ask what: every route of the document with everything that can be shown, and what follows from a grant.

mod world;

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use world::{Answer, World};

/// The operations of the document: method, path with its parameters filled in, the scopes that it asks for.
fn operations(world: &World) -> Vec<(Method, String, Vec<String>)> {
    let document: Value = serde_json::from_str(world.interface.document()).expect("the document is JSON");
    let mut all = Vec::new();
    for (path, operations) in document["paths"].as_object().expect("it has paths") {
        for (method, operation) in operations.as_object().expect("they have operations") {
            let scopes = operation["security"][0]["token"].as_array().into_iter().flatten();
            let scopes = scopes.map(|scope| scope.as_str().expect("a name").to_string()).collect();
            let path = path.replace("{id}", "ALICE").replace("{asset}", "USD");
            let path = path.replace("{height}", "1").replace("{epoch}", "1").replace("{pool}", "P");
            all.push((method.to_uppercase().parse().expect("a method"), path, scopes));
        }
    }
    assert!(all.len() > 20, "{all:?}");
    all
}

/// The parts of a token, of which some are changed.
fn forge(
    token: &str,
    header: Option<Value>,
    claims: impl FnOnce(&mut Value),
    signature: Option<&str>,
) -> String {
    use base64::Engine as _;
    let engine = base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let parts: Vec<&str> = token.split('.').collect();
    let mut body: Value = serde_json::from_slice(&engine.decode(parts[1]).expect("base64")).expect("claims");
    claims(&mut body);
    let header = header.map_or(parts[0].to_string(), |header| engine.encode(header.to_string()));
    format!("{header}.{}.{}", engine.encode(body.to_string()), signature.unwrap_or(parts[2]))
}

/// Every route, with nothing, with a key or a token of another scope, and with tokens that are none: each time it is refused as it must be. With all scopes it is not.
#[tokio::test]
async fn every_route_is_for_whom_it_is_for() {
    let world = World::new();
    let all = world.key("everything", &["*"]).await;
    let token = world.token(&all).await;
    let engine = |text: &str| {
        use base64::Engine as _;
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text)
    };
    let kid = |token: &str| {
        use base64::Engine as _;
        let header = token.split('.').next().expect("a header");
        let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(header).expect("base64");
        serde_json::from_slice::<Value>(&bytes).expect("a header")["kid"].clone()
    };
    let revoked = world.key("revoked", &["*"]).await;
    let of_revoked = world.token(&revoked).await;
    world.revoke_key(&revoked).await;
    let ended = world.token(&all).await;
    world.end_session(&ended).await;
    let elsewhere = World::new();
    let of_another = elsewhere.token(&elsewhere.key("elsewhere", &["*"]).await).await;
    let claims = |change: fn(&mut Value)| forge(&token, None, change, None);
    let header = |header: Value, signature| forge(&token, Some(header), |_| (), signature);
    let wrong: Vec<(&str, String)> = vec![
        ("no key", "qnx_000000000000_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA".into()),
        ("another secret", format!("{}x", &all[..all.len() - 1])),
        ("a key that was revoked", revoked.clone()),
        ("a key cut off", all[..20].into()),
        ("no token", "nonsense".into()),
        ("a token of a revoked key", of_revoked),
        ("a token of an ended session", ended),
        ("a token of another node", of_another),
        ("alg none", header(json!({ "alg": "none", "typ": "JWT", "kid": kid(&token) }), Some(""))),
        ("alg none with a signature", header(json!({ "alg": "none", "kid": kid(&token) }), None)),
        (
            "HS256 under the public key",
            header(json!({ "alg": "HS256", "kid": kid(&token) }), Some(&engine("x"))),
        ),
        ("no name of a key", header(json!({ "alg": "EdDSA" }), None)),
        ("another name of a key", header(json!({ "alg": "EdDSA", "kid": "x" }), None)),
        ("expired", claims(|claims| claims["exp"] = json!(1))),
        ("more scopes", claims(|claims| claims["scope"] = json!("admin read"))),
        ("another session", claims(|claims| claims["sid"] = json!("00"))),
        ("another audience", claims(|claims| claims["aud"] = json!("x"))),
        (
            "without a signature",
            token.rsplit_once('.').map(|(front, _)| format!("{front}.")).expect("three parts"),
        ),
    ];
    for (method, path, scopes) in operations(&world) {
        let at = format!("{method} {path}");
        let ask = |shown: Option<String>| world.ask(method.clone(), &path, shown, None);
        for (what, shown) in &wrong {
            // Whatever does not count is refused even where nothing is asked for.
            let Answer { status, body, .. } = ask(Some(shown.clone())).await;
            assert_eq!(status, StatusCode::UNAUTHORIZED, "{at}, {what}: {body}");
            assert_eq!(body["error"]["name"], "UNAUTHENTICATED", "{at}, {what}");
        }
        let may = |status: StatusCode| status != StatusCode::UNAUTHORIZED && status != StatusCode::FORBIDDEN;
        let nothing = ask(None).await;
        if scopes.is_empty() {
            assert!(may(nothing.status) || path.ends_with("/token"), "{at}, nothing: {}", nothing.body);
            continue;
        }
        assert_eq!(nothing.status, StatusCode::UNAUTHORIZED, "{at}, nothing");
        assert!(nothing.header("www-authenticate").starts_with("Bearer"));
        let others: Vec<&str> = ["read", "submit", "audit", "metrics", "admin"]
            .into_iter()
            .filter(|scope| !scopes.iter().any(|asked| asked == scope))
            .collect();
        let other = world.key("others", &others).await;
        for shown in [other.clone(), world.token(&other).await] {
            let Answer { status, body, .. } = ask(Some(shown)).await;
            assert_eq!(status, StatusCode::FORBIDDEN, "{at}, other scopes");
            assert_eq!(body["error"]["name"], "SCOPE_MISSING", "{at}");
        }
        let names: Vec<&str> = scopes.iter().map(String::as_str).collect();
        let own = world.key("own", &names).await;
        let everything = world.key("to be used up", &["*"]).await;
        // Each token is made when it is used: a route may replace the key that signed it.
        for of in [None, Some(&own), Some(&everything)] {
            let shown = match of {
                None => own.clone(),
                Some(key) => world.token(key).await,
            };
            let Answer { status, body, .. } = ask(Some(shown)).await;
            assert!(may(status), "{at}, with {scopes:?}: {status} {body}");
        }
    }
}

/// The first key makes one other key, and nothing else.
#[tokio::test]
async fn the_first_key_is_used_once() {
    let world = World::new();
    let first = world.access().first_key().expect("the store works").expect("there is no other");
    let again = world.access().first_key().expect("the store works").expect("the first was not used");
    let request = json!({ "name": "root", "role": "admin", "accounts": "*" });
    let make = |key: String| world.ask(Method::POST, "/api/v1/keys", Some(key), Some(request.clone()));
    assert_eq!(
        make(first.to_string()).await.status,
        StatusCode::UNAUTHORIZED,
        "it gave way to the second one"
    );
    for (method, path) in
        [(Method::GET, "/api/v1/keys"), (Method::GET, "/api/v1/status"), (Method::GET, "/api/v1/audit")]
    {
        assert_eq!(
            world.ask(method, path, Some(again.to_string()), None).await.status,
            StatusCode::FORBIDDEN
        );
    }
    let unused =
        world.ask(Method::POST, "/api/v1/keys", Some(again.to_string()), Some(json!({ "name": "x" }))).await;
    assert_eq!(unused.status, StatusCode::BAD_REQUEST, "a refusal does not use it up");
    let made = make(again.to_string()).await;
    assert_eq!(made.status, StatusCode::CREATED);
    assert_eq!(make(again.to_string()).await.status, StatusCode::UNAUTHORIZED);
    assert!(world.access().first_key().expect("the store works").is_none());
    let key = made.body["key"].as_str().expect("a key").to_string();
    assert_eq!(world.ask(Method::GET, "/api/v1/keys", Some(key), None).await.status, StatusCode::OK);
}

/// Nobody hands on more than he has.
#[tokio::test]
async fn grants_are_handed_on_and_not_enlarged() {
    let world = World::new();
    let request = json!({ "name": "some", "scopes": ["admin", "read"], "accounts": ["ALICE", "BOB"] });
    let some = world.make_key(&request).await;
    let make = |request: Value| world.ask(Method::POST, "/api/v1/keys", Some(some.clone()), Some(request));
    for (scopes, accounts, expected) in [
        (json!(["read"]), json!(["ALICE"]), StatusCode::CREATED),
        (json!(["read", "admin"]), json!([]), StatusCode::CREATED),
        (json!(["read", "swap"]), json!(["ALICE"]), StatusCode::FORBIDDEN),
        (json!(["read"]), json!(["ALICE", "CAROL"]), StatusCode::FORBIDDEN),
        (json!(["read"]), json!("*"), StatusCode::FORBIDDEN),
        (json!(["nothing"]), json!([]), StatusCode::BAD_REQUEST),
        (json!([]), json!([]), StatusCode::BAD_REQUEST),
        (json!(["read"]), json!("ALICE"), StatusCode::BAD_REQUEST),
        (json!(["read"]), json!(["alice!"]), StatusCode::BAD_REQUEST),
    ] {
        let request = json!({ "name": "n", "scopes": scopes, "accounts": accounts });
        let answer = make(request.clone()).await;
        assert_eq!(answer.status, expected, "{request}: {}", answer.body);
    }
    for role in ["participant", "bank", "fund", "central-bank", "regulator", "operator", "admin"] {
        let key = world.make_key(&json!({ "name": role, "role": role, "accounts": "*" })).await;
        let me = world.ask(Method::GET, "/api/me", Some(key), None).await;
        assert!(me.body["scopes"].as_array().is_some_and(|scopes| scopes.contains(&json!("read"))));
    }
}

/// A session counts for the client that began it, until it ends, and for no more than it was asked for.
#[tokio::test]
async fn sessions_are_bound_and_narrowed() {
    let mut world = World::new();
    let key = world.key("k", &["read", "audit"]).await;
    let narrow = world.token_of(&key, Some("read")).await;
    let status = |world: &World, path: &str, shown: &str| {
        let asked = world.ask(Method::GET, path, Some(shown.into()), None);
        async move { asked.await.status }
    };
    assert_eq!(status(&world, "/api/status", &narrow).await, StatusCode::OK);
    assert_eq!(status(&world, "/api/audit", &narrow).await, StatusCode::FORBIDDEN);
    for scope in ["admin", "read admin", "nothing", ""] {
        assert_eq!(world.ask_token(&key, Some(scope)).await.body["error"], "invalid_scope", "{scope:?}");
    }
    world.address = "192.0.2.7".parse().expect("an address");
    assert_eq!(status(&world, "/api/status", &narrow).await, StatusCode::UNAUTHORIZED, "another client");
    world.certificate = Some("thumbprint".into());
    let bound = world.token(&key).await;
    world.address = "192.0.2.8".parse().expect("an address");
    assert_eq!(status(&world, "/api/status", &bound).await, StatusCode::OK, "the certificate is the same");
    world.certificate = Some("another".into());
    assert_eq!(status(&world, "/api/status", &bound).await, StatusCode::UNAUTHORIZED);
    world.certificate = None;
    assert_eq!(status(&world, "/api/status", &bound).await, StatusCode::UNAUTHORIZED);
    let short = world
        .make_key(&json!({ "name": "short", "scopes": ["read"], "accounts": [], "expires_in": 1 }))
        .await;
    assert_eq!(status(&world, "/api/status", &short).await, StatusCode::OK);
    tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    assert_eq!(status(&world, "/api/status", &short).await, StatusCode::UNAUTHORIZED, "it has ended");
}

/// Signing keys follow each other: tokens of the one before count, those of earlier ones do not, and all that count are published.
#[tokio::test]
async fn signing_keys_rotate() {
    let world = World::new();
    let key = world.key("k", &["admin"]).await;
    let rotate = || world.ask(Method::POST, "/api/v1/signing-key", Some(key.clone()), None);
    let first = world.token(&key).await;
    assert_eq!(rotate().await.body["keys"].as_array().map(Vec::len), Some(2));
    let second = world.token(&key).await;
    let counts = |token: &str| {
        let asked = world.ask(Method::GET, "/api/keys", Some(token.into()), None);
        async move { asked.await.status == StatusCode::OK }
    };
    assert!(counts(&first).await && counts(&second).await);
    rotate().await;
    assert!(!counts(&first).await && counts(&second).await);
    let published = world.ask(Method::GET, "/api/v1/jwks.json", None, None).await;
    let keys = published.body["keys"].as_array().expect("a set").clone();
    assert_eq!(keys.len(), 2);
    assert!(
        keys.iter().all(|key| key["kty"] == "OKP" && key["crv"] == "Ed25519" && key.get("d").is_none()),
        "{keys:?}"
    );
}

/// Who asks too often waits, and is told how long. What others do costs him nothing; what is guessed costs the address.
#[tokio::test]
async fn callers_are_limited() {
    const PER_MINUTE: u32 = 7;
    let mut world = World::limited(PER_MINUTE);
    let key = world
        .make_key(&json!({ "name": "k", "scopes": ["read"], "accounts": [], "requests_per_minute": 5 }))
        .await;
    let ask = |world: &World, shown: Option<&str>| {
        world.ask(Method::GET, "/api/status", shown.map(str::to_string), None)
    };
    for left in (0..5).rev() {
        let answer = ask(&world, Some(&key)).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.header("ratelimit-policy"), "\"default\";q=5;w=60");
        assert!(answer.header("ratelimit").starts_with(&format!("\"default\";r={left};t=")), "{answer:?}");
    }
    let answer = ask(&world, Some(&key)).await;
    assert_eq!(
        (answer.status, &answer.body["error"]["name"]),
        (StatusCode::TOO_MANY_REQUESTS, &json!("RATE_LIMITED"))
    );
    let seconds: u64 = answer.header("retry-after").parse().expect("seconds");
    assert!((1..=13).contains(&seconds), "{seconds}");
    world.address = "192.0.2.9".parse().expect("an address");
    let guess = |world: &World| ask(world, Some("qnx_000000000000_guess"));
    let mut refused = 0;
    for _ in 0..PER_MINUTE {
        refused += u32::from(guess(&world).await.status == StatusCode::UNAUTHORIZED);
    }
    assert_eq!(refused, PER_MINUTE);
    assert_eq!(guess(&world).await.status, StatusCode::TOO_MANY_REQUESTS);
    world.address = "192.0.2.10".parse().expect("an address");
    assert_eq!(guess(&world).await.status, StatusCode::UNAUTHORIZED);
}

/// Every refusal is in the audit log, and every change of who may do what; the log can be filtered, and each entry covers the one before it.
#[tokio::test]
async fn the_audit_log_has_it() {
    use sha2::{Digest as _, Sha256};
    let world = World::new();
    let reader = world.key("reader", &["read"]).await;
    world.ask(Method::GET, "/api/v1/keys", Some(reader.clone()), None).await;
    world.ask(Method::GET, "/api/v1/nothing?secret=x", None, None).await;
    world.ask(Method::PATCH, "/api/v1/status", None, None).await;
    world.ask(Method::POST, "/api/v1/tx", Some(world.key("s", &["submit"]).await), Some(json!("zz"))).await;
    let session = world.token(&reader).await;
    world.end_session(&session).await;
    world.revoke_key(&reader).await;
    let auditor = world.key("auditor", &["audit"]).await;
    let read = |query: &str| {
        let asked = world.ask(Method::GET, &format!("/api/v1/audit{query}"), Some(auditor.clone()), None);
        async move { asked.await.body }
    };
    let all = read("?limit=500").await;
    let entries = all["entries"].as_array().expect("entries").clone();
    let of = |kind: &str| entries.iter().filter(|entry| entry["kind"] == kind).cloned().collect::<Vec<_>>();
    let refused: Vec<(Value, Value)> =
        of("refused").iter().map(|entry| (entry["request"].clone(), entry["status"].clone())).collect();
    for expected in [
        ("GET /api/v1/keys", 403),
        ("GET /api/v1/nothing", 404),
        ("PATCH /api/v1/status", 405),
        ("POST /api/v1/tx", 400),
    ] {
        assert!(refused.contains(&(json!(expected.0), json!(expected.1))), "{expected:?}: {refused:?}");
    }
    assert!(!all.to_string().contains("secret"), "queries may hold secrets");
    assert_eq!(
        (
            of("key_created").len(),
            of("key_revoked").len(),
            of("session_begun").len(),
            of("session_revoked").len()
        ),
        (3, 1, 1, 1)
    );
    let stored = world.access().audit.before(u64::MAX, 500, &Default::default()).expect("the store works").0;
    for pair in stored.windows(2) {
        let ((_, newer), (_, older)) = (&pair[0], &pair[1]);
        let event = serde_json::to_vec(&newer.event).expect("JSON");
        let hash = Sha256::new().chain_update(&older.hash).chain_update(event).finalize();
        assert_eq!(hex::encode(hash), newer.hash);
    }
    let page = read("?kind=refused&limit=2").await;
    assert_eq!(page["entries"].as_array().map(Vec::len), Some(2));
    let next = page["next"].as_u64().expect("there are more");
    let more = read(&format!("?kind=refused&limit=2&cursor={next}")).await;
    assert!(more["entries"][0]["number"].as_u64() < page["entries"][1]["number"].as_u64());
    let none = read("?until_ms=1").await;
    assert_eq!(none["entries"], json!([]));
    for wrong in ["?limit=0", "?limit=501", "?kind=x", "?cursor=x", "?unknown=1"] {
        assert_eq!(read(wrong).await["error"]["name"], "BODY_FORM", "{wrong}");
    }
}

/// What is open after a restart is what was there before.
#[tokio::test]
async fn everything_is_kept() {
    let world = World::new();
    let key = world.key("k", &["read"]).await;
    let revoked = world.key("r", &["read"]).await;
    world.revoke_key(&revoked).await;
    let token = world.token(&key).await;
    let before = world.access().audit.before(u64::MAX, 500, &Default::default()).expect("the store works").0;
    let world = world.restart().await;
    for (shown, expected) in
        [(key, StatusCode::OK), (token, StatusCode::OK), (revoked, StatusCode::UNAUTHORIZED)]
    {
        assert_eq!(world.ask(Method::GET, "/api/status", Some(shown), None).await.status, expected);
    }
    let now = world.access().audit.before(u64::MAX, 500, &Default::default()).expect("the store works").0;
    assert!(now.len() >= before.len() && before.len() >= 4);
    assert!(now.iter().rev().zip(before.iter().rev()).all(|((_, now), (_, before))| now.hash == before.hash));
}

/// What is too long or too slow is cut off, and what is nowhere is said to be.
#[tokio::test]
async fn limits_and_unknown_routes() {
    let world = World::new();
    let key = world.key("s", &["submit"]).await;
    let long = "a".repeat(world.access().config.max_body_bytes + 1);
    let answer = world.ask(Method::POST, "/api/tx", Some(key), Some(json!(long))).await;
    assert_eq!(
        (answer.status, &answer.body["error"]["name"]),
        (StatusCode::PAYLOAD_TOO_LARGE, &json!("BODY_TOO_LONG"))
    );
    for path in ["/x", "/api", "/api/", "/api/v1", "/api/v2/status", "/apix", "/api/v1/status/", "/health/x"]
    {
        let answer = world.ask(Method::GET, path, None, None).await;
        assert_eq!(
            (answer.status, &answer.body["error"]["name"]),
            (StatusCode::NOT_FOUND, &json!("ROUTE_UNKNOWN")),
            "{path}"
        );
    }
    let answer = world.ask(Method::GET, "/health", None, None).await;
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("cache-control", "no-store"),
        ("referrer-policy", "no-referrer"),
    ] {
        assert_eq!(answer.header(name), value);
    }
    assert!(answer.header("content-security-policy").contains("default-src 'none'"));
}
