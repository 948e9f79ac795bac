//! Transactions that their owners signed.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use qenex_core::error::Coded as _;
use qenex_node::block::Batch;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{BodyRefusals, Refusals};
use crate::Interface;
use crate::extract::Bytes;
use crate::problem::{ErrorBody, Problem};
use crate::view::{RefusedOne, Submitted, SubmittedAll};

/// The routes.
pub fn router() -> OpenApiRouter<Interface> {
    OpenApiRouter::new().routes(routes!(submit)).routes(routes!(submit_several))
}

/// Hands in a signed transaction: its canonical bytes in hexadecimal digits. Handing it in again moves nothing twice: its nonce is used once.
#[utoipa::path(post, path = "/tx", tag = "transactions", security(("token" = ["submit"])),
    request_body(content = String, content_type = "text/plain"),
    responses((status = 202, description = "It waits.", body = Submitted), Refusals, BodyRefusals,
        (status = 409, description = "The pool does not take it.", body = ErrorBody),
        (status = 422, description = "It can be in no block.", body = ErrorBody)))]
async fn submit(
    State(interface): State<Interface>,
    Bytes(body): Bytes,
) -> Result<(StatusCode, Json<Submitted>), Problem> {
    let signed = hex::decode(body.trim_ascii());
    let signed =
        signed.map_err(|_| Problem::form("a signed transaction in hexadecimal digits was expected"))?;
    let id = interface.ledger().submit(&signed)?;
    interface.share([signed].into_iter().collect()).await;
    Ok((StatusCode::ACCEPTED, Json(id.into())))
}

/// Hands in several: their canonical bytes, each with its length (32 bits, little-endian) before it.
#[utoipa::path(post, path = "/txs", tag = "transactions", security(("token" = ["submit"])),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 202, description = "Those that were accepted wait.", body = SubmittedAll), Refusals, BodyRefusals))]
async fn submit_several(
    State(interface): State<Interface>,
    Bytes(body): Bytes,
) -> Result<(StatusCode, Json<SubmittedAll>), Problem> {
    let batch = Batch::unpack(&body).filter(|batch| !batch.is_empty());
    let batch =
        batch.ok_or_else(|| Problem::form("signed transactions, each with its length, were expected"))?;
    let results = interface.ledger().submit_all(&batch);
    let taken: Batch =
        batch.iter().zip(&results).filter(|(_, result)| result.is_ok()).map(|(signed, _)| signed).collect();
    let accepted = taken.len();
    if accepted > 0 {
        interface.share(taken).await;
    }
    let refused = results.iter().enumerate().filter_map(|(index, result)| {
        let code = result.as_ref().err()?.code();
        Some(RefusedOne { index, code: code.number, name: code.name })
    });
    let refused = refused.collect();
    Ok((StatusCode::ACCEPTED, Json(SubmittedAll { accepted, refused })))
}
