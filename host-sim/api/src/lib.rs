//! What a node answers programs: JSON over HTTP, and who may ask what.
//!
//! | module | what it is for |
//! |---|---|
//! | [`routes`] | the routes, by what they are about |
//! | [`document`] | the OpenAPI document, which also says what each route asks for |
//! | [`access`] | keys, sessions, tokens, scopes, limits |
//! | [`guard`] | what stands before every route |
//! | [`audit`] | what was refused, and who changed who may do what |
//! | [`custody`] | accounts for which the node's device signs |
//! | [`feed`] | what becomes final, for whoever listens |
//! | [`measure`] | what is measured, for Prometheus |
//! | `outside` | asks other programs over HTTP |
//! | [`monitoring`] | health and alerts; [`send`]: who is told of these |
//! | [`logging`] | what the process logs |
//! | [`ledger`] | a ledger that programs ask; [`view`]: how its things are shown |
//! | [`problem`] | what is answered when something is not done; [`extract`]: what arrives |
//! | [`server`] | the listener; [`config`], [`store`]: its configuration and its database |
//!
//! # Promises
//! - A route does what its entry in the document says for whoever has the scopes that stand there, and for nobody else.
//! - Every refusal is answered with a row of the one table of codes, and is in the audit log; that somebody asks too often, once a minute.
#![forbid(unsafe_code)]

pub mod access;
pub mod audit;
pub mod config;
pub mod custody;
pub mod document;
pub mod extract;
pub mod feed;
pub mod guard;
pub mod ledger;
pub mod logging;
pub mod measure;
pub mod monitoring;
mod outside;
pub mod problem;
pub mod routes;
pub mod send;
pub mod server;
pub mod store;
pub mod view;

use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Router, middleware};
use monitoring::Watch;
use qenex_core::error::{METHOD_UNKNOWN, ROUTE_UNKNOWN};
use qenex_index::Index;
use qenex_node::block::Batch;
use tokio::sync::{mpsc, watch};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::set_header::SetResponseHeaderLayer;
use utoipa::OpenApi as _;
use utoipa_axum::router::OpenApiRouter;

use access::Access;
use custody::Desk;
use feed::Feed;
use guard::Requirements;
use ledger::Ledger;
use problem::Problem;

/// What answers need. Copies are the same interface.
#[derive(Clone)]
pub struct Interface(Arc<Parts>);

struct Parts {
    ledger: Arc<dyn Ledger>,
    /// Transactions for the other nodes.
    submitted: mpsc::Sender<Batch>,
    access: Access,
    /// The accounts in custody, if there are any.
    desk: Option<Arc<Desk>>,
    index: Arc<Index>,
    feed: Feed,
    watch: Arc<Watch>,
    /// Whether the node is told to stop.
    stopping: watch::Sender<bool>,
    requirements: Requirements,
    /// The OpenAPI document.
    document: String,
}

impl Interface {
    /// The interface of a ledger. What is accepted goes to the other nodes, too.
    ///
    /// # Errors
    /// A route does not say what it asks for, or another recorder of measures is there.
    pub fn new(
        ledger: Arc<dyn Ledger>,
        submitted: mpsc::Sender<Batch>,
        access: Access,
        desk: Option<Arc<Desk>>,
        index: Arc<Index>,
        watch: Arc<Watch>,
    ) -> Result<Self, String> {
        // What is counted from now on is there for whoever asks.
        measure::measures()?;
        let (_, document) = described().split_for_parts();
        let document = document::finish(&document).map_err(|error| error.to_string())?;
        let requirements = Requirements::read(&document)?;
        let document = document.to_string();
        let (feed, stopping) = (Feed::default(), watch::Sender::new(false));
        let parts =
            Parts { ledger, submitted, access, desk, index, feed, watch, stopping, requirements, document };
        Ok(Self(Arc::new(parts)))
    }

    /// The ledger.
    pub fn ledger(&self) -> &dyn Ledger {
        &*self.0.ledger
    }

    /// Who may ask what.
    pub fn access(&self) -> &Access {
        &self.0.access
    }

    /// The accounts in custody, if there are any.
    pub fn desk(&self) -> Option<Arc<Desk>> {
        self.0.desk.clone()
    }

    /// What final blocks did.
    pub fn index(&self) -> &Index {
        &self.0.index
    }

    /// What becomes final, for whoever listens.
    pub fn feed(&self) -> &Feed {
        &self.0.feed
    }

    /// What watches the node.
    pub fn watch(&self) -> &Watch {
        &self.0.watch
    }

    /// Ends what would go on for ever.
    pub fn stop(&self) {
        self.0.stopping.send_replace(true);
    }

    /// Whether the node is told to stop, whenever it is asked for.
    pub fn stopping(&self) -> watch::Receiver<bool> {
        self.0.stopping.subscribe()
    }

    /// Does something that reads disks, beside the threads that answer.
    ///
    /// # Errors
    /// It fails, or panicked.
    pub async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let interface = self.clone();
        tokio::task::spawn_blocking(move || work(&interface)).await.map_err(Problem::ended)?
    }

    /// What each route asks for.
    pub fn requirements(&self) -> &Requirements {
        &self.0.requirements
    }

    /// The OpenAPI document.
    pub fn document(&self) -> &str {
        &self.0.document
    }

    /// Tells the other nodes of transactions; they hear of them again while they wait.
    pub async fn share(&self, taken: Batch) {
        let _ = self.0.submitted.send(taken).await;
    }

    /// All routes, with what stands before them.
    pub fn router(&self) -> Router {
        let (router, _) = described().split_for_parts();
        let config = &self.access().config;
        let mut headers = vec![
            (X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (X_FRAME_OPTIONS, "DENY"),
            (REFERRER_POLICY, "no-referrer"),
            (CACHE_CONTROL, "no-store"),
            (CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
        ];
        if config.tls.is_some() {
            headers.push((STRICT_TRANSPORT_SECURITY, "max-age=31536000"));
        }
        let router = router
            .nest("/api", api().split_for_parts().0)
            .fallback(unknown)
            .method_not_allowed_fallback(not_allowed)
            .layer(DefaultBodyLimit::max(config.max_body_bytes))
            .layer(middleware::from_fn_with_state(self.clone(), guard::guard))
            .layer(CatchPanicLayer::custom(|_| Problem::ended("a request panicked").into_response()));
        let router = headers.into_iter().fold(router, |router, (name, value)| {
            router.layer(SetResponseHeaderLayer::overriding(name, HeaderValue::from_static(value)))
        });
        router.merge(qenex_console::router()).with_state(self.clone())
    }
}

/// The routes of the first version, without their prefix.
fn api() -> OpenApiRouter<Interface> {
    OpenApiRouter::new()
        .merge(routes::chain::router())
        .merge(routes::validators::router())
        .merge(routes::accounts::router())
        .merge(routes::assets::router())
        .merge(routes::pools::router())
        .merge(routes::history::router())
        .merge(routes::events::router())
        .merge(routes::transactions::router())
        .merge(routes::custody::router())
        .merge(routes::alerts::router())
        .merge(routes::login::router())
        .merge(routes::people::router())
        .merge(document_router())
}

/// All routes that the document names.
fn described() -> OpenApiRouter<Interface> {
    OpenApiRouter::with_openapi(document::Document::openapi())
        .merge(routes::health::router())
        .nest("/api/v1", api())
}

fn document_router() -> OpenApiRouter<Interface> {
    OpenApiRouter::new().routes(utoipa_axum::routes!(openapi))
}

/// This document.
#[utoipa::path(get, path = "/openapi.json", tag = "health", security(()),
    responses((status = 200, description = "OpenAPI 3.1", body = serde_json::Value), routes::Refusals))]
async fn openapi(State(interface): State<Interface>) -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], interface.document().to_string())
}

async fn unknown(request: Request) -> Response {
    Problem::unknown(ROUTE_UNKNOWN, request.uri().path()).into_response()
}

async fn not_allowed(request: Request) -> Response {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, METHOD_UNKNOWN, request.method()).into_response()
}
