//! Whether the node answers, and is ready.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Refusals;
use crate::Interface;
use crate::access::now_ms;

/// A node whose newest block is older than this is not ready: it catches up, or the chain stands still.
const BEHIND_MS: u64 = 60_000;

/// The routes.
pub fn router() -> OpenApiRouter<Interface> {
    OpenApiRouter::new().routes(routes!(health)).routes(routes!(ready))
}

/// How a node is.
#[derive(Debug, Serialize, ToSchema)]
struct Health {
    /// Whether it can be used.
    ok: bool,
    /// The height of its newest block.
    height: u64,
    /// How old that is.
    age_ms: u64,
}

fn look(interface: &Interface) -> Health {
    let status = interface.ledger().status();
    let age_ms = now_ms().saturating_sub(status.time_ms);
    Health { ok: age_ms < BEHIND_MS, height: status.height, age_ms }
}

/// Whether the node answers: it always says so, else it does not answer.
#[utoipa::path(get, path = "/health", tag = "health", security(()), responses((status = 200, body = Health), Refusals))]
async fn health(State(interface): State<Interface>) -> Json<Health> {
    Json(Health { ok: true, ..look(&interface) })
}

/// Whether the node should be sent requests: its newest block is not old.
#[utoipa::path(get, path = "/ready", tag = "health", security(()),
    responses((status = 200, body = Health), (status = 503, description = "It catches up, or the chain stands still.", body = Health), Refusals))]
async fn ready(State(interface): State<Interface>) -> (StatusCode, Json<Health>) {
    let health = look(&interface);
    (if health.ok { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, Json(health))
}
