//! What a node answers programs: JSON over HTTP.
//!
//! `POST /api/tx` takes a signed transaction as hexadecimal digits and answers with its id, `POST /api/txs` several as bytes, each with its length (u32,
//! little-endian) before it; `GET /api/status`, `/api/account/ID`, `/api/block/HEIGHT` and, as bytes, `/api/block/HEIGHT/bytes` show what is final,
//! and `/api/checkpoint/EPOCH` how a light client follows the end of an epoch. A refusal names its code of the one table.

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use commonware_utils::channel::mpsc;
use qenex_core::codec::{Encoded as _, encode};
use qenex_core::consensus::Header;
use qenex_core::crypto::Hash;
use qenex_core::error::{
    ACCOUNT_UNKNOWN, ARGUMENT, BLOCK_UNKNOWN, CHECKPOINT_UNKNOWN, Code, Coded, STORE_IO,
};
use qenex_core::id::{AccountId, AssetId};
use qenex_core::ledger::{Record, RecordId};
use qenex_node::block::Batch;
use qenex_node::node::Node;
use qenex_node::sequencer::SubmitError;
use qenex_validator::checkpoint::Member;
use qenex_validator::checkpoints::Checkpoints;
use qenex_validator::epochs::Epochs;
use qenex_validator::gossip::{MAX_MESSAGE_BYTES, unpack};
use qenex_validator::ledger::Shared;
use serde_json::{Value, json};

/// What answers need.
#[derive(Clone)]
pub struct Api {
    /// The ledger.
    pub ledger: Shared,
    /// Transactions for the other nodes.
    pub submitted: mpsc::Sender<Batch>,
    /// Which heights an epoch has.
    pub epochs: Epochs,
    /// The checkpoints.
    pub checkpoints: Checkpoints,
}

/// The routes.
pub fn routes(api: Api) -> Router {
    Router::new()
        .route("/api/tx", post(submit))
        .route("/api/txs", post(submit_several))
        .route("/api/status", get(status))
        .route("/api/account/{id}", get(account))
        .route("/api/account/{id}/{asset}", get(balance))
        .route("/api/block/{height}", get(block))
        .route("/api/checkpoint/{epoch}", get(checkpoint))
        .route("/api/block/{height}/bytes", get(block_bytes))
        .layer(axum::extract::DefaultBodyLimit::max(MAX_MESSAGE_BYTES))
        .with_state(api)
}

fn refused(status: StatusCode, code: Code, detail: impl std::fmt::Display) -> Response {
    let error = json!({ "code": code.number, "name": code.name, "sentence": code.sentence, "detail": detail.to_string() });
    (status, Json(json!({ "error": error }))).into_response()
}

async fn submit(State(api): State<Api>, body: String) -> Response {
    let Ok(signed) = hex::decode(body.trim()) else {
        return refused(
            StatusCode::BAD_REQUEST,
            ARGUMENT,
            "a signed transaction in hexadecimal digits was expected",
        );
    };
    let result = api.ledger.submit(&signed);
    match result {
        Ok(id) => {
            // The other nodes hear of it again while it waits.
            let _ = api.submitted.send([signed].into_iter().collect()).await;
            (StatusCode::ACCEPTED, Json(json!({ "id": id.to_string() }))).into_response()
        }
        Err(SubmitError::Refused(refusal)) => refused(StatusCode::UNPROCESSABLE_ENTITY, refusal.code(), ""),
        Err(SubmitError::Mempool(error)) => refused(StatusCode::CONFLICT, error.code(), error),
    }
}

async fn submit_several(State(api): State<Api>, body: Bytes) -> Response {
    let Some(batch) = unpack(&body) else {
        return refused(
            StatusCode::BAD_REQUEST,
            ARGUMENT,
            "signed transactions, each with its length, were expected",
        );
    };
    let results = api.ledger.submit_all(batch.clone());
    let taken: Batch =
        batch.iter().zip(&results).filter(|(_, result)| result.is_ok()).map(|(signed, _)| signed).collect();
    let accepted = taken.len();
    if accepted > 0 {
        let _ = api.submitted.send(taken).await;
    }
    let refused = results.iter().enumerate().filter_map(|(index, result)| {
        let code = result.as_ref().err()?.code();
        Some(json!({ "index": index, "code": code.number, "name": code.name }))
    });
    let refused: Vec<Value> = refused.collect();
    (StatusCode::ACCEPTED, Json(json!({ "accepted": accepted, "refused": refused }))).into_response()
}

async fn status(State(api): State<Api>) -> Json<Value> {
    let ledger = api.ledger.lock();
    let tip = ledger.tip();
    Json(json!({
        "chain_id": tip.chain_id.as_str(),
        "height": tip.height,
        "epoch": tip.epoch,
        "view": tip.view,
        "time_ms": tip.time_ms,
        "id": tip.id().to_string(),
        "state_root": tip.state_root.to_string(),
        "proposer": tip.proposer.as_str(),
        "waiting": ledger.waiting(),
    }))
}

async fn account(State(api): State<Api>, Path(id): Path<String>) -> Response {
    let Ok(id) = id.parse::<AccountId>() else {
        return refused(StatusCode::BAD_REQUEST, ARGUMENT, "no identifier of an account");
    };
    let ledger = api.ledger.lock();
    match ledger.node().chain().account(id) {
        Some(account) => Json(json!({
            "id": id.as_str(), "kind": account.kind.as_str(), "status": account.status.as_str(), "nonce": account.nonce,
        }))
        .into_response(),
        None => refused(StatusCode::NOT_FOUND, ACCOUNT_UNKNOWN, id),
    }
}

async fn balance(State(api): State<Api>, Path((id, asset)): Path<(String, String)>) -> Response {
    let (Ok(id), Ok(asset)) = (id.parse::<AccountId>(), asset.parse::<AssetId>()) else {
        return refused(StatusCode::BAD_REQUEST, ARGUMENT, "no identifiers of an account and an asset");
    };
    let ledger = api.ledger.lock();
    let amount = match ledger.node().chain().record(&RecordId::Balance(id, asset)) {
        Ok(Some(Record::Balance(balance))) => balance.amount.to_string(),
        _ => "0".into(),
    };
    Json(json!({ "account": id.as_str(), "asset": asset.as_str(), "amount": amount })).into_response()
}

async fn block_bytes(State(api): State<Api>, Path(height): Path<u64>) -> Response {
    let bytes = api.ledger.lock().node().block_bytes(height);
    match bytes {
        Ok(bytes) => bytes.into_response(),
        Err(error) => refused(StatusCode::NOT_FOUND, BLOCK_UNKNOWN, error),
    }
}

async fn block(State(api): State<Api>, Path(height): Path<u64>) -> Response {
    let ledger = api.ledger.lock();
    let node: &Node = ledger.node();
    match node.block(height) {
        Ok(block) => {
            let header = &block.header;
            let hex = |hash: Hash| hash.to_string();
            Json(json!({
                "id": hex(header.id()), "height": header.height, "epoch": header.epoch, "view": header.view, "time_ms": header.time_ms,
                "parent": hex(header.parent), "proposer": header.proposer.as_str(), "transactions": block.transactions.len(),
                "transaction_root": hex(header.transaction_root), "state_root": hex(header.state_root),
                "receipt_root": hex(header.receipt_root), "validators": hex(header.validators),
                "next_validators": hex(header.next_validators),
            }))
            .into_response()
        }
        Err(error) => refused(StatusCode::NOT_FOUND, BLOCK_UNKNOWN, error),
    }
}

/// The last header of an epoch in its canonical bytes, all that signed its checkpoint, and its certificate if the node has it.
async fn checkpoint(State(api): State<Api>, Path(epoch): Path<u64>) -> Response {
    let none = || refused(StatusCode::NOT_FOUND, CHECKPOINT_UNKNOWN, format_args!("epoch {epoch}"));
    let (collected, last) = match (api.checkpoints.done(epoch), api.epochs.heights(epoch)) {
        (Ok(Some(collected)), Some((_, last))) => (collected, last),
        (Err(error), _) => return refused(StatusCode::INTERNAL_SERVER_ERROR, STORE_IO, error),
        _ => return none(),
    };
    let header = match api.ledger.lock().node().block(last) {
        Ok(block) => block.header,
        Err(error) => return refused(StatusCode::NOT_FOUND, BLOCK_UNKNOWN, error),
    };
    let mut buffer = [0; Header::MAX_LEN];
    let bytes = encode(&header, &mut buffer).map(hex::encode).unwrap_or_default();
    let member = |member: &Member| {
        let mut out = json!({
            "vote_key": hex::encode(member.vote_key), "finality_key": hex::encode(member.finality_key),
        });
        if let Some(signed) = &member.signed {
            out["public_key"] = hex::encode(signed.public_key.as_slice()).into();
            out["signature"] = hex::encode(signed.signature.as_slice()).into();
        }
        out
    };
    let certificate = collected.certified.as_ref().map(|certified| {
        json!({
            "view": certified.proposal.round.view, "parent_view": certified.proposal.parent_view,
            "signers": hex::encode(certified.certificate.signers().0),
            "signatures": certified.certificate.signatures().iter().map(hex::encode).collect::<Vec<_>>(),
        })
    });
    Json(json!({
        "epoch": epoch, "height": last, "id": header.id().to_string(), "header": bytes,
        "members": collected.members().iter().map(member).collect::<Vec<_>>(), "certificate": certificate,
    }))
    .into_response()
}
