//! Where the chain is.

use axum::Json;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use qenex_core::error::{BLOCK_UNKNOWN, CHECKPOINT_UNKNOWN, Coded as _};
use qenex_node::block::Block;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Refusals;
use crate::Interface;
use crate::extract::Path;
use crate::problem::Problem;
use crate::view::{BlockView, Checkpoint, Confirmed, Status};

/// The routes.
pub fn router() -> OpenApiRouter<Interface> {
    OpenApiRouter::new()
        .routes(routes!(status))
        .routes(routes!(block))
        .routes(routes!(block_bytes))
        .routes(routes!(checkpoint))
}

/// Where the chain is.
#[utoipa::path(get, path = "/status", tag = "chain", security(("token" = ["read"])),
    responses((status = 200, body = Status), Refusals))]
async fn status(State(interface): State<Interface>) -> Json<Status> {
    Json(interface.ledger().status())
}

fn read(interface: &Interface, height: u64) -> Result<(Block, Confirmed), Problem> {
    let block = interface.ledger().block(height);
    block.map_err(|error| match error.code() {
        qenex_core::error::STORE_NOT_FOUND | BLOCK_UNKNOWN => Problem::unknown(BLOCK_UNKNOWN, height),
        _ => error.into(),
    })
}

/// A block.
#[utoipa::path(get, path = "/block/{height}", tag = "chain", security(("token" = ["read"])),
    params(("height" = u64, Path, description = "its height")),
    responses((status = 200, body = BlockView), Refusals))]
async fn block(
    State(interface): State<Interface>,
    Path(height): Path<u64>,
) -> Result<Json<BlockView>, Problem> {
    let (block, confirmed) = read(&interface, height)?;
    Ok(Json(BlockView::new(&block, confirmed)))
}

/// A block in canonical bytes.
#[utoipa::path(get, path = "/block/{height}/bytes", tag = "chain", security(("token" = ["read"])),
    params(("height" = u64, Path, description = "its height")),
    responses((status = 200, body = Vec<u8>, content_type = "application/octet-stream"), Refusals))]
async fn block_bytes(
    State(interface): State<Interface>,
    Path(height): Path<u64>,
) -> Result<impl IntoResponse, Problem> {
    let (block, _) = read(&interface, height)?;
    Ok(([(CONTENT_TYPE, "application/octet-stream")], block.encode()))
}

/// How a light client follows the end of an epoch.
#[utoipa::path(get, path = "/checkpoint/{epoch}", tag = "chain", security(("token" = ["read"])),
    params(("epoch" = u64, Path, description = "the epoch")),
    responses((status = 200, body = Checkpoint), Refusals))]
async fn checkpoint(
    State(interface): State<Interface>,
    Path(epoch): Path<u64>,
) -> Result<Json<Checkpoint>, Problem> {
    let checkpoint = interface.ledger().checkpoint(epoch)?;
    checkpoint.map(Json).ok_or_else(|| Problem::unknown(CHECKPOINT_UNKNOWN, format_args!("epoch {epoch}")))
}
