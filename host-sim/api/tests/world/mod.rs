//! An interface over a ledger that holds nothing, and somebody who asks it.
#![allow(dead_code, reason = "each test uses some of it")]

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use base64::Engine as _;
use qenex_api::Interface;
use qenex_api::access::grant::{Accounts, Grant};
use qenex_api::access::providers::Providers;
use qenex_api::access::scope::Scopes;
use qenex_api::access::{Access, keys, now_ms};
use qenex_api::config::InterfaceConfig;
use qenex_api::guard::ClientCertificate;
use qenex_api::ledger::{Found, Ledger};
use qenex_api::monitoring::Watch;
use qenex_api::store::Store;
use qenex_api::view::{Confirmed, Proof, Status};
use qenex_core::codec::DecodeError;
use qenex_core::crypto::Hash;
use qenex_core::ledger::RecordId;
use qenex_index::Index;
use qenex_node::block::{Batch, Block};
use qenex_node::error::{NodeError, Refusal};
use qenex_node::node::{Node, Source};
use qenex_node::sequencer::SubmitError;
use serde_json::Value;
use tower::ServiceExt as _;

/// A ledger that holds nothing.
struct Empty;

impl Source for Empty {
    fn look(&self, _: &mut dyn FnMut(&Node)) {}
}

impl Ledger for Empty {
    fn submit(&self, _: &[u8]) -> Result<Hash, SubmitError> {
        Err(SubmitError::Refused(Refusal::Decode(DecodeError::Malformed)))
    }

    fn submit_all(&self, signed: &Batch) -> Vec<Result<Hash, SubmitError>> {
        signed.iter().map(|signed| self.submit(signed)).collect()
    }

    fn status(&self) -> Status {
        Status {
            chain_id: "TEST".into(),
            height: 0,
            epoch: 0,
            view: 0,
            time_ms: now_ms(),
            id: String::new(),
            state_root: String::new(),
            proposer: String::new(),
            waiting: 0,
            room: 1,
            first_height: None,
            mining: None,
        }
    }

    fn record(&self, _: &RecordId) -> Result<Found, NodeError> {
        Ok(Found { record: None, confirmed: Confirmed::default() })
    }

    fn block(&self, _: u64) -> Result<(Block, Confirmed), NodeError> {
        Err(NodeError::UnknownBlock(Hash([0; 32])))
    }

    fn prove(&self, _: &[RecordId]) -> Result<Proof, NodeError> {
        Ok(Proof { height: 0, state_root: String::new(), statements: Vec::new(), proof: String::new() })
    }
}

/// What was answered.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Answer {
    /// A header; empty if there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// An interface, and who asks it.
pub struct World {
    folder: tempfile::TempDir,
    pub interface: Interface,
    router: Router,
    pub address: IpAddr,
    pub certificate: Option<String>,
}

fn interface(folder: &std::path::Path, config: InterfaceConfig) -> Interface {
    let store = Store::open(&folder.join("interface.redb")).expect("it opens");
    let providers = Providers::new(&config).expect("they are right");
    let access = Access::open(store, config, providers, "qenex:TEST:1").expect("it opens");
    let (submitted, _) = tokio::sync::mpsc::channel(16);
    let index = Arc::new(Index::open(&folder.join("index.redb")).expect("it opens"));
    let alerts = &access.config.alerts;
    let watch = Watch::open(Arc::clone(&access.store), folder.into(), alerts).expect("it opens");
    Interface::new(Arc::new(Empty), submitted, access, None, index, Arc::new(watch))
        .expect("every route says what it asks for")
}

impl World {
    /// One without limits.
    pub fn new() -> Self {
        Self::limited(0)
    }

    /// One that answers everybody so often in a minute.
    pub fn limited(requests_per_minute: u32) -> Self {
        Self::configured(InterfaceConfig { requests_per_minute, ..InterfaceConfig::default() })
    }

    /// One of this configuration.
    pub fn configured(config: InterfaceConfig) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let interface = interface(folder.path(), config);
        let router = interface.router();
        let address = "192.0.2.1".parse().expect("an address");
        Self { folder, interface, router, address, certificate: None }
    }

    /// The same after a restart.
    pub async fn restart(self) -> Self {
        let Self { folder, interface: old, router, address, certificate } = self;
        let path = folder.path().join("interface.redb");
        let config = old.access().config.clone();
        drop((old, router));
        // The thread of the audit log ends behind it.
        for _ in 0..100 {
            if Store::open(&path).is_ok() {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        let interface = interface(folder.path(), config);
        let router = interface.router();
        Self { folder, interface, router, address, certificate }
    }

    pub fn access(&self) -> &Access {
        self.interface.access()
    }

    /// Sends a request. A text goes as it is, any other body as JSON.
    pub fn ask(
        &self,
        method: Method,
        path: &str,
        shown: Option<String>,
        body: Option<Value>,
    ) -> impl Future<Output = Answer> + use<> {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(shown) = shown {
            request = request.header("authorization", format!("Bearer {shown}"));
        }
        let body = match body {
            None => Body::empty(),
            Some(Value::String(text)) => Body::from(text),
            Some(body) => {
                request = request.header("content-type", "application/json");
                Body::from(body.to_string())
            }
        };
        self.send(request.body(body).expect("a request"))
    }

    fn send(&self, mut request: Request<Body>) -> impl Future<Output = Answer> + use<> {
        request.extensions_mut().insert(ConnectInfo(SocketAddr::new(self.address, 1)));
        request.extensions_mut().insert(self.certificate.clone().map(ClientCertificate));
        let router = self.router.clone();
        async move {
            let response = router.oneshot(request).await.expect("it cannot fail");
            let (parts, body) = response.into_parts();
            // Events go on until the client has had enough.
            let events = parts.headers.get("content-type").is_some_and(|kind| kind == "text/event-stream");
            if events {
                return Answer { status: parts.status, headers: parts.headers, body: Value::Null };
            }
            let bytes = axum::body::to_bytes(body, 1 << 20).await.expect("a body");
            let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
            Answer { status: parts.status, headers: parts.headers, body }
        }
    }

    /// A key with these scopes for all accounts; a star for all scopes.
    pub async fn key(&self, name: &str, scopes: &[&str]) -> String {
        let scopes = match scopes {
            ["*"] => Scopes::all(),
            scopes => scopes.join(" ").parse().expect("scopes"),
        };
        self.make_key(&serde_json::json!({ "name": name, "scopes": scopes, "accounts": "*" })).await
    }

    /// A key of this description.
    pub async fn make_key(&self, request: &Value) -> String {
        let made = self.ask(Method::POST, "/api/v1/keys", Some(self.admin()), Some(request.clone())).await;
        made.body["key"].as_str().unwrap_or_else(|| panic!("{made:?}")).to_string()
    }

    /// An administrator's key, made beside the interface.
    fn admin(&self) -> String {
        let new = keys::NewKey {
            name: "admin".into(),
            grant: Grant { scopes: Scopes::all(), accounts: Accounts::All },
            requests_per_minute: None,
            expires_ms: None,
            once: false,
        };
        keys::create(&self.access().store, new, now_ms()).expect("the store works").1.to_string()
    }

    /// What is answered to the credentials of a key.
    pub async fn ask_token(&self, key: &str, scope: Option<&str>) -> Answer {
        let (id, secret) = key["qnx_".len()..].split_once('_').expect("a key");
        let credentials = base64::engine::general_purpose::STANDARD.encode(format!("{id}:{secret}"));
        let scope = scope.map(|scope| format!("&scope={}", scope.replace(' ', "+"))).unwrap_or_default();
        let request = Request::post("/api/v1/token")
            .header("authorization", format!("Basic {credentials}"))
            .header("content-type", "application/x-www-form-urlencoded");
        let body = format!("grant_type=client_credentials{scope}");
        self.send(request.body(Body::from(body)).expect("a request")).await
    }

    /// A token for a key, with fewer scopes if that is said.
    pub async fn token_of(&self, key: &str, scope: Option<&str>) -> String {
        let answer = self.ask_token(key, scope).await;
        answer.body["access_token"].as_str().unwrap_or_else(|| panic!("{answer:?}")).to_string()
    }

    /// A token for a key.
    pub async fn token(&self, key: &str) -> String {
        self.token_of(key, None).await
    }

    pub async fn revoke_key(&self, key: &str) {
        let (id, _) = key["qnx_".len()..].split_once('_').expect("a key");
        let path = format!("/api/v1/keys/{id}");
        assert_eq!(self.ask(Method::DELETE, &path, Some(self.admin()), None).await.status, StatusCode::OK);
    }

    pub async fn end_session(&self, token: &str) {
        let ended = self.ask(Method::DELETE, "/api/v1/me/session", Some(token.into()), None).await;
        assert_eq!(ended.status, StatusCode::OK, "{ended:?}");
    }
}
