//! What stands before every route: who asks, how often, whether he may; and behind it: what was refused is written down.
//!
//! What a route asks for stands in the OpenAPI document and nowhere else: [`Requirements`] reads it there, so that what is documented is what is enforced. A route
//! of which the document says nothing is refused to everybody.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use qenex_core::error::{METHOD_UNKNOWN, ROUTE_UNKNOWN};
use serde_json::Value;

use crate::Interface;
use crate::access::Denied;
use crate::access::grant::Principal;
use crate::access::keys::PREFIX;
use crate::access::limits::{Budget, caller};
use crate::access::scope::Scopes;
use crate::access::sessions::Client;
use crate::audit::{Event, Kind};
use crate::config::Network;
use crate::measure;
use crate::monitoring::count;
use crate::problem::{Noted, Problem};

/// The name of the scheme of tokens and keys in the document.
pub const SCHEME: &str = "token";

/// How much of a text is written down.
const NOTED_CHARS: usize = 256;

/// How the limit stands (draft-ietf-httpapi-ratelimit-headers-10).
const RATELIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATELIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// What each route asks for.
#[derive(Clone, Debug, Default)]
pub struct Requirements(HashMap<(String, String), Scopes>);

impl Requirements {
    /// Reads the document, in which every operation says what it asks for: `security: [{"token": [SCOPE...]}]`, or `[{}]` for nothing.
    ///
    /// # Errors
    /// One does not, or names a scope that there is not.
    pub fn read(document: &Value) -> Result<Self, String> {
        let mut all = HashMap::new();
        let paths = document["paths"].as_object().ok_or("no paths")?;
        for (path, operations) in paths {
            for (method, operation) in operations.as_object().ok_or("no operations")? {
                let wrong = |what: &str| format!("{method} {path}: {what}");
                let security = operation["security"].as_array().ok_or_else(|| wrong("no security"))?;
                let first = security.first().and_then(Value::as_object);
                let asked = first.ok_or_else(|| wrong("security says nothing"))?;
                let scopes = match asked.get(SCHEME) {
                    None if asked.is_empty() => Scopes::default(),
                    None => return Err(wrong("another scheme")),
                    Some(scopes) => {
                        let names = scopes.as_array().into_iter().flatten().filter_map(Value::as_str);
                        let scopes: Scopes =
                            names.collect::<Vec<_>>().join(" ").parse().map_err(
                                |error: crate::access::scope::UnknownScope| wrong(&error.to_string()),
                            )?;
                        if scopes.is_empty() {
                            return Err(wrong("no scope"));
                        }
                        scopes
                    }
                };
                all.insert((method.to_uppercase(), path.clone()), scopes);
            }
        }
        Ok(Self(all))
    }

    /// What a route asks for; nothing if the document does not know it.
    fn of(&self, method: &Method, path: &str) -> Option<Scopes> {
        let method = if method == Method::HEAD { "GET" } else { method.as_str() };
        // The short paths are those of the first version.
        let versioned = match path.strip_prefix("/api/") {
            Some(rest) if !rest.starts_with("v1/") => format!("/api/v1/{rest}"),
            _ => path.to_string(),
        };
        self.0.get(&(method.to_string(), versioned)).copied()
    }
}

/// The certificate of the client, as the connection knows it.
#[derive(Clone, Debug)]
pub struct ClientCertificate(pub String);

/// Who is at the other end. A proxy that is trusted says for whom it asks: the last address of `X-Forwarded-For` that is not a trusted proxy's.
fn client(request: &Request, trusted_proxies: &[Network]) -> Client {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let peer = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |ConnectInfo(peer)| peer.ip().to_canonical());
    let forwarded = request.headers().get_all("x-forwarded-for").iter();
    let forwarded: Vec<_> = forwarded.map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
    let mut address = peer;
    for before in forwarded.iter().flat_map(|value| value.split(',')).collect::<Vec<_>>().into_iter().rev() {
        let Ok(before) = before.trim().parse::<IpAddr>().map(|before| before.to_canonical()) else { break };
        if !trusted_proxies.iter().any(|network| network.has(address)) {
            break;
        }
        address = before;
    }
    let certificate = request.extensions().get::<Option<ClientCertificate>>().and_then(Option::as_ref);
    Client { address, certificate: certificate.map(|ClientCertificate(hash)| hash.clone()) }
}

fn put_budget(headers: &mut HeaderMap, budget: &Budget) {
    let Budget { per_minute, remaining, more_in } = budget;
    let policy = format!("\"default\";q={per_minute};w=60");
    let state = format!("\"default\";r={remaining};t={}", more_in.as_secs() + 1);
    for (name, text) in [(RATELIMIT_POLICY, policy), (RATELIMIT, state)] {
        if let Ok(value) = HeaderValue::from_str(&text) {
            headers.insert(name, value);
        }
    }
}

/// What is written down of a text: its beginning, and nothing from a key on that somebody put into the wrong place.
fn short(text: &str) -> String {
    let before = text.split_once(PREFIX).map_or(text, |(before, _)| before);
    before.chars().take(NOTED_CHARS).collect()
}

/// A method as it is counted: whoever invents one makes no new row.
fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

/// Lets a request through, or not.
pub async fn guard(State(interface): State<Interface>, mut request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let method = known(request.method());
    let route = request.extensions().get::<MatchedPath>().cloned();
    let client = client(&request, &interface.access().config.trusted_proxies);
    let line = short(&format!("{} {}", request.method(), request.uri().path()));
    let mut shown = interface.access().principal(request.headers(), &client);
    if let Err(Denied::Key(provider)) = &shown {
        let provider = *provider;
        // Whatever comes of it: the token is looked at again.
        let asked = interface.blocking(move |interface| {
            let _ = interface.access().providers.discover(provider);
            Ok(())
        });
        let most = Duration::from_millis(interface.access().config.request_timeout_ms);
        let _ = tokio::time::timeout(most, asked).await;
    }
    if let Err(Denied::Key(_)) = &shown {
        shown = interface.access().principal(request.headers(), &client);
    }
    let (principal, budget, admitted) = admit(&interface, &request, &client, shown);
    let mut response = match admitted {
        Err(problem) => problem.into_response(),
        Ok(()) => {
            let timeout = Duration::from_millis(interface.access().config.request_timeout_ms);
            request.extensions_mut().insert(client.clone());
            request.extensions_mut().insert(principal.clone());
            let answer = tokio::time::timeout(timeout, next.run(request)).await;
            answer.unwrap_or_else(|_| Problem::timeout().into_response())
        }
    };
    if let Some(budget) = &budget {
        put_budget(response.headers_mut(), budget);
    }
    let status = response.status();
    let route = route.as_ref().map_or("unknown", MatchedPath::as_str);
    let counts = &interface.watch().counts;
    measure::answered(method, route, status.as_u16(), begun.elapsed());
    count(&counts.answers);
    counts.micros.fetch_add(u64::try_from(begun.elapsed().as_micros()).unwrap_or(0), Ordering::Relaxed);
    match status {
        StatusCode::UNAUTHORIZED => count(&counts.logins_refused),
        StatusCode::NOT_FOUND if route == "unknown" => count(&counts.routes_unknown),
        StatusCode::INTERNAL_SERVER_ERROR => count(&counts.server_errors),
        _ => {}
    }
    if let Some(noted) = response.extensions().get::<Noted>() {
        metrics::counter!("qenex_refusals_total", "name" => noted.code.name).increment(1);
    }
    // That somebody asks too often is written down once a minute.
    let again = status == StatusCode::TOO_MANY_REQUESTS
        && interface.access().limits.take(&format!("noted {}", principal.id), 1).is_err();
    if again {
        return response;
    }
    if status.is_client_error() || status.is_server_error() {
        let noted = response.extensions().get::<Noted>();
        let event = Event {
            request: line,
            status: status.as_u16(),
            code: noted.map(|noted| noted.code.number),
            ..interface.access().event(
                Kind::Refused,
                &principal.id,
                &client,
                noted.map(|noted| short(&noted.detail)).unwrap_or_default(),
            )
        };
        interface.access().audit.record(event).await;
    }
    response
}

/// What remains to whoever showed this, and whether he may.
fn admit(
    interface: &Interface,
    request: &Request,
    client: &Client,
    shown: Result<Principal, Denied>,
) -> (Principal, Option<Budget>, Result<(), Problem>) {
    let access = interface.access();
    let (principal, denied) = match shown {
        Ok(principal) => (principal, None),
        // It counts against the address: who guesses is slowed down like everybody.
        Err(denied) => {
            if matches!(denied, Denied::Misused(_)) {
                count(&interface.watch().counts.tokens_misused);
            }
            (access.public(client), Some(denied))
        }
    };
    let per_minute = principal.requests_per_minute.unwrap_or(access.config.requests_per_minute);
    let budget = match access.limits.take(&principal.id, per_minute) {
        Ok(budget) => budget,
        Err(budget) => return (principal, Some(budget), Err(Problem::rate_limited(budget.more_in))),
    };
    let admitted = denied.map_or(Ok(()), |denied: Denied| Err(denied.into()));
    let admitted = admitted.and_then(|()| may(interface, request, &principal, client));
    (principal, budget, admitted)
}

fn may(
    interface: &Interface,
    request: &Request,
    principal: &Principal,
    client: &Client,
) -> Result<(), Problem> {
    let path = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
    let Some(path) = path else {
        return Err(Problem::unknown(ROUTE_UNKNOWN, request.uri().path()));
    };
    let Some(asked) = interface.requirements().of(request.method(), path) else {
        return Err(Problem::new(StatusCode::METHOD_NOT_ALLOWED, METHOD_UNKNOWN, request.method()));
    };
    let is_public = principal.id == caller(client.address);
    let missing =
        Scopes::all().iter().filter(|scope| asked.has(*scope) && !principal.grant.scopes.has(*scope));
    let missing: Scopes = missing.collect();
    if principal.once.is_some() && !(path.ends_with("/keys") && request.method() == Method::POST) {
        return Err(Problem::new(
            StatusCode::FORBIDDEN,
            qenex_core::error::SCOPE_MISSING,
            "this key makes one other key, at POST /api/v1/keys",
        ));
    }
    match (missing.is_empty(), is_public) {
        (true, _) => Ok(()),
        (false, true) => {
            Err(Problem::unauthenticated(format_args!("{missing}: a key or a token was expected")))
        }
        (false, false) => Err(Problem::scope_missing(missing)),
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use serde_json::json;

    use super::*;

    #[test]
    fn every_operation_must_say_what_it_asks_for() {
        let read = |security: Value| {
            let operation = json!({ "security": security });
            Requirements::read(&json!({ "paths": { "/api/v1/a": { "get": operation } } }))
        };
        let of = |requirements: &Requirements, method, path| requirements.of(&method, path);
        let requirements = read(json!([{ "token": ["read", "swap"] }])).expect("it says");
        for path in ["/api/v1/a", "/api/a"] {
            for method in [Method::GET, Method::HEAD] {
                assert_eq!(of(&requirements, method, path), "swap read".parse().ok());
            }
            assert_eq!(of(&requirements, Method::POST, path), None);
        }
        assert_eq!(of(&requirements, Method::GET, "/a"), None);
        let open = read(json!([{}])).expect("it says");
        assert_eq!(of(&open, Method::GET, "/api/v1/a"), Some(Scopes::default()));
        for wrong in [
            json!(null),
            json!([]),
            json!([{ "token": [] }]),
            json!([{ "token": ["x"] }]),
            json!([{ "key": [] }]),
        ] {
            assert!(read(wrong.clone()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        let of = |peer: &str, forwarded: &[&str], trusted: &[&str]| {
            let mut request = Request::new(Body::empty());
            let peer = SocketAddr::new(peer.parse().expect("an address"), 1);
            request.extensions_mut().insert(ConnectInfo(peer));
            for value in forwarded {
                request.headers_mut().append("x-forwarded-for", value.parse().expect("a value"));
            }
            let trusted: Vec<Network> = trusted.iter().map(|text| text.parse().expect("a network")).collect();
            client(&request, &trusted).address.to_string()
        };
        assert_eq!(of("10.0.0.1", &[], &["10.0.0.1"]), "10.0.0.1");
        assert_eq!(of("10.0.0.1", &["192.0.2.1"], &["10.0.0.1"]), "192.0.2.1");
        assert_eq!(of("10.0.0.2", &["192.0.2.1"], &["10.0.0.1"]), "10.0.0.2");
        // What the client itself wrote stands in front.
        assert_eq!(of("10.0.0.1", &["198.51.100.1, 192.0.2.1"], &["10.0.0.1"]), "192.0.2.1");
        assert_eq!(
            of("10.0.0.1", &["198.51.100.1", "192.0.2.1, 10.0.0.3"], &["10.0.0.1", "10.0.0.3"]),
            "192.0.2.1"
        );
        assert_eq!(of("10.0.0.1", &["nonsense"], &["10.0.0.1"]), "10.0.0.1");
        assert_eq!(of("10.0.0.1", &["\u{e9}, 192.0.2.1"], &["10.0.0.1"]), "192.0.2.1");
        assert_eq!(of("::ffff:10.0.0.1", &["::ffff:192.0.2.1"], &["10.0.0.1"]), "192.0.2.1");
        assert_eq!(of("10.0.0.9", &["192.0.2.1, 10.0.0.3"], &["10.0.0.0/28"]), "192.0.2.1");
        assert_eq!(of("10.0.0.16", &["192.0.2.1"], &["10.0.0.0/28"]), "10.0.0.16");
        assert_eq!(of("fd00::1", &["192.0.2.1"], &["fd00::/8"]), "192.0.2.1");
        for wrong in ["10.0.0.0/33", "10.0.0", "", "proxy"] {
            assert!(wrong.parse::<Network>().is_err(), "{wrong}");
        }
    }
}
