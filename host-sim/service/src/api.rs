//! What a node answers programs: JSON over HTTP.
//!
//! `POST /api/tx` takes a signed transaction as hexadecimal digits and answers with its id, `POST /api/txs` several as bytes, each with its length (u32,
//! little-endian) before it; `GET /api/status`, `/api/account/ID`, `/api/account/ID/ASSET`, `/api/block/HEIGHT` and, as bytes, `/api/block/HEIGHT/bytes` show what
//! is final, and `/api/checkpoint/EPOCH` how a light client follows the end of an epoch. Where work decides, they show the heaviest chain, and with each answer its
//! `confirmations`: by how many blocks it is confirmed, at least, and whether it is `final`. A refusal names its code of the one table.

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use commonware_utils::channel::mpsc;
use qenex_core::consensus::Header;
use qenex_core::crypto::Hash;
use qenex_core::error::{ACCOUNT_UNKNOWN, ARGUMENT, BLOCK_UNKNOWN, CHECKPOINT_UNKNOWN, Code, Coded};
use qenex_core::id::{AccountId, AssetId};
use qenex_core::ledger::{Record, RecordId};
use qenex_node::block::{Batch, Block};
use qenex_node::error::NodeError;
use qenex_node::sequencer::SubmitError;
use qenex_validator::gossip::{MAX_MESSAGE_BYTES, unpack};
use serde_json::{Value, json};

/// A ledger that programs ask.
pub trait Ledger: Clone + Send + Sync + 'static {
    /// Checks a signed transaction and lets it wait. Returns its id.
    ///
    /// # Errors
    /// It can be in no block, or the pool does not take it.
    fn submit(&self, signed: &[u8]) -> Result<Hash, SubmitError>;

    /// The same for several, which are verified together; a result for each.
    fn submit_all(&self, signed: &Batch) -> Vec<Result<Hash, SubmitError>>;

    /// Where the chain is.
    fn status(&self) -> Value;

    /// What a record holds, as `show` says, and how far that is confirmed.
    fn show(&self, id: &RecordId, show: impl FnOnce(Option<&Record<'_>>) -> Option<Value>) -> Option<Value>;

    /// A block, and how far it is confirmed.
    ///
    /// # Errors
    /// There is none of this height, or the store fails.
    fn block(&self, height: u64) -> Result<(Block, Value), NodeError>;

    /// How a light client follows the end of an epoch; nothing if that is not known, as where work decides.
    ///
    /// # Errors
    /// The store fails.
    fn checkpoint(&self, _epoch: u64) -> Result<Option<Value>, NodeError> {
        Ok(None)
    }
}

/// What the newest header says.
pub fn status_of(tip: &Header, waiting: usize) -> Value {
    json!({
        "chain_id": tip.chain_id.as_str(),
        "height": tip.height,
        "epoch": tip.epoch,
        "view": tip.view,
        "time_ms": tip.time_ms,
        "id": tip.id().to_string(),
        "state_root": tip.state_root.to_string(),
        "proposer": tip.proposer.as_str(),
        "waiting": waiting,
    })
}

/// The fields of one object, and those of another one.
pub fn with(mut object: Value, more: Value) -> Value {
    if let (Value::Object(object), Value::Object(more)) = (&mut object, more) {
        object.extend(more);
    }
    object
}

/// What answers need.
#[derive(Clone)]
pub struct Api<L> {
    /// The ledger.
    pub ledger: L,
    /// Transactions for the other nodes.
    pub submitted: mpsc::Sender<Batch>,
}

/// The routes.
pub fn routes<L: Ledger>(api: Api<L>) -> Router {
    Router::new()
        .route("/api/tx", post(submit::<L>))
        .route("/api/txs", post(submit_several::<L>))
        .route("/api/status", get(status::<L>))
        .route("/api/account/{id}", get(account::<L>))
        .route("/api/account/{id}/{asset}", get(balance::<L>))
        .route("/api/block/{height}", get(block::<L>))
        .route("/api/block/{height}/bytes", get(block_bytes::<L>))
        .route("/api/checkpoint/{epoch}", get(checkpoint::<L>))
        .layer(axum::extract::DefaultBodyLimit::max(MAX_MESSAGE_BYTES))
        .with_state(api)
}

fn refused(status: StatusCode, code: Code, detail: impl std::fmt::Display) -> Response {
    let error = json!({ "code": code.number, "name": code.name, "sentence": code.sentence, "detail": detail.to_string() });
    (status, Json(json!({ "error": error }))).into_response()
}

async fn submit<L: Ledger>(State(api): State<Api<L>>, body: String) -> Response {
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

async fn submit_several<L: Ledger>(State(api): State<Api<L>>, body: Bytes) -> Response {
    let Some(batch) = unpack(&body) else {
        return refused(
            StatusCode::BAD_REQUEST,
            ARGUMENT,
            "signed transactions, each with its length, were expected",
        );
    };
    let results = api.ledger.submit_all(&batch);
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

async fn status<L: Ledger>(State(api): State<Api<L>>) -> Json<Value> {
    Json(api.ledger.status())
}

async fn account<L: Ledger>(State(api): State<Api<L>>, Path(id): Path<String>) -> Response {
    let Ok(id) = id.parse::<AccountId>() else {
        return refused(StatusCode::BAD_REQUEST, ARGUMENT, "no identifier of an account");
    };
    let shown = api.ledger.show(&RecordId::Account(id), |record| match record {
        Some(Record::Account(account)) => Some(json!({
            "id": id.as_str(), "kind": account.kind.as_str(), "status": account.status.as_str(), "nonce": account.nonce,
        })),
        _ => None,
    });
    match shown {
        Some(account) => Json(account).into_response(),
        None => refused(StatusCode::NOT_FOUND, ACCOUNT_UNKNOWN, id),
    }
}

async fn balance<L: Ledger>(
    State(api): State<Api<L>>,
    Path((id, asset)): Path<(String, String)>,
) -> Response {
    let (Ok(id), Ok(asset)) = (id.parse::<AccountId>(), asset.parse::<AssetId>()) else {
        return refused(StatusCode::BAD_REQUEST, ARGUMENT, "no identifiers of an account and an asset");
    };
    let shown = api.ledger.show(&RecordId::Balance(id, asset), |record| {
        let amount = match record {
            Some(Record::Balance(balance)) => balance.amount.to_string(),
            _ => "0".into(),
        };
        Some(json!({ "account": id.as_str(), "asset": asset.as_str(), "amount": amount }))
    });
    Json(shown).into_response()
}

async fn block_bytes<L: Ledger>(State(api): State<Api<L>>, Path(height): Path<u64>) -> Response {
    match api.ledger.block(height) {
        Ok((block, _)) => block.encode().into_response(),
        Err(error) => refused(StatusCode::NOT_FOUND, BLOCK_UNKNOWN, error),
    }
}

async fn checkpoint<L: Ledger>(State(api): State<Api<L>>, Path(epoch): Path<u64>) -> Response {
    match api.ledger.checkpoint(epoch) {
        Ok(Some(checkpoint)) => Json(checkpoint).into_response(),
        Ok(None) => refused(StatusCode::NOT_FOUND, CHECKPOINT_UNKNOWN, format_args!("epoch {epoch}")),
        Err(error) => refused(StatusCode::INTERNAL_SERVER_ERROR, error.code(), error),
    }
}

async fn block<L: Ledger>(State(api): State<Api<L>>, Path(height): Path<u64>) -> Response {
    match api.ledger.block(height) {
        Ok((Block { header, transactions }, confirmed)) => {
            let hex = |hash: Hash| hash.to_string();
            let block = json!({
                "id": hex(header.id()), "height": header.height, "epoch": header.epoch, "view": header.view, "time_ms": header.time_ms,
                "parent": hex(header.parent), "proposer": header.proposer.as_str(), "transactions": transactions.len(),
                "transaction_root": hex(header.transaction_root), "state_root": hex(header.state_root),
                "receipt_root": hex(header.receipt_root), "validators": hex(header.validators),
                "next_validators": hex(header.next_validators),
            });
            Json(with(block, confirmed)).into_response()
        }
        Err(error) => refused(StatusCode::NOT_FOUND, BLOCK_UNKNOWN, error),
    }
}
