//! Whether the node answers, and is ready; its metrics.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Refusals;
use crate::Interface;
use crate::access::now_ms;
use crate::measure::{Gauges, measures};
use crate::problem::Problem;

/// A node whose newest block is older than this is not ready: it catches up, or the chain stands still.
const BEHIND_MS: u64 = 60_000;

/// The routes.
pub fn router() -> OpenApiRouter<Interface> {
    OpenApiRouter::new().routes(routes!(health)).routes(routes!(ready)).routes(routes!(metrics))
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

/// What is measured of the node, for Prometheus.
#[utoipa::path(get, path = "/metrics", tag = "health", security(("token" = ["metrics"])),
    responses((status = 200, description = "Version 0.0.4 of Prometheus' text.", body = String, content_type = "text/plain"), Refusals))]
async fn metrics(State(interface): State<Interface>) -> Result<impl IntoResponse, Problem> {
    let text = interface
        .blocking(|interface| {
            let status = interface.ledger().status();
            let gauges = Gauges {
                height: status.height,
                epoch: status.epoch,
                time_ms: status.time_ms,
                index_height: *interface.index().height().borrow(),
                waiting: status.waiting,
            };
            interface.watch().show();
            Ok(measures().map_err(Problem::ended)?.render(&gauges))
        })
        .await?;
    Ok(([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text))
}
