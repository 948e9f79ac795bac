//! Accounts in custody: the node's device signs for them.
//!
//! Whoever sends an `Idempotency-Key` may ask again what he asked: it leads to the same transaction (draft-ietf-httpapi-idempotency-key-header-07).

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::extract::{FromRequest, Query, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use qenex_core::amm::{Direction, quote_exact_in};
use qenex_core::codec;
use qenex_core::error::{Coded as _, NOT_IN_CUSTODY};
use qenex_core::id::{AccountId, AssetId, PoolId, Reference};
use qenex_core::num::{Amount, Rounding, mul_div};
use qenex_core::tx::{
    AccountKind, AddLiquidity, AuthorityBuf, Burn, CreateAccount, CreatePool, Issue, KeyRef, KycLevel, Leg,
    LegsBuf, Op, RemoveLiquidity, SwapExactIn, Transaction, Transfer,
};
use qenex_node::block::Batch;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::pools::read_pool;
use super::{BodyRefusals, Refusals};
use crate::Interface;
use crate::access::grant::Principal;
use crate::custody::{Asked, CustodyError, Desk};
use crate::extract::Text;
use crate::monitoring::count;
use crate::problem::{ErrorBody, Problem};
use crate::view::{SummaryLine, summary};

/// The header of a key of idempotency.
const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// How long one may be.
const IDEMPOTENCY_KEY_LEN: usize = 255;

/// How far a price may move before a swap, where nothing else is said, in basis points.
const SLIPPAGE_BPS: u16 = 50;

/// The routes.
pub fn router() -> OpenApiRouter<Interface> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(device))
        .routes(routes!(open_account))
        .routes(routes!(transfer))
        .routes(routes!(swap))
        .routes(routes!(create_pool))
        .routes(routes!(add_liquidity))
        .routes(routes!(remove_liquidity))
        .routes(routes!(issue))
        .routes(routes!(burn))
}

/// What is asked of the device, and by whom.
struct Order<T> {
    body: T,
    by: By,
}

/// Who asks, under which key of idempotency, and whether he only wants to see what it would be.
struct By {
    principal: Principal,
    asked: Option<Asked>,
    preview: bool,
}

/// What the head of an order may say.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[allow(dead_code, reason = "the document is made of it")]
struct OrderHeaders {
    /// The same again leads to the same transaction.
    #[param(rename = "Idempotency-Key", min_length = 1, max_length = 255)]
    idempotency_key: Option<String>,
}

/// How an order is to be taken.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct OrderQuery {
    /// Only shows what the device would be shown; nothing is signed.
    #[param(default = false)]
    preview: Option<bool>,
}

/// What is answered to an order.
#[derive(utoipa::IntoResponses)]
#[allow(dead_code, reason = "the document is made of it")]
enum OrderAnswers {
    /// What the device would be shown.
    #[response(status = 200)]
    Preview(Preview),
    /// It is signed, and waits.
    #[response(status = 202)]
    Sent(Sent),
    /// The pool of waiting transactions does not take it.
    #[response(status = 409)]
    Conflict(ErrorBody),
    /// The ledger or the policy of the key does not allow it.
    #[response(status = 422)]
    Refused(ErrorBody),
    /// The device cannot sign now; Retry-After says when to ask again.
    #[response(status = 503)]
    Later(ErrorBody),
}

impl<T: DeserializeOwned> FromRequest<Interface> for Order<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &Interface) -> Result<Self, Problem> {
        let principal = request.extensions().get::<Principal>().cloned();
        let principal = principal.ok_or_else(|| Problem::ended("a request without a caller"))?;
        let key = request.headers().get(IDEMPOTENCY_KEY).map(|value| value.to_str().unwrap_or_default());
        let key = key.map(str::to_string);
        if key.as_ref().is_some_and(|key| key.is_empty() || key.len() > IDEMPOTENCY_KEY_LEN) {
            let detail =
                format_args!("Idempotency-Key: 1 to {IDEMPOTENCY_KEY_LEN} ASCII characters were expected");
            return Err(Problem::form(detail));
        }
        // The short path is the same route.
        let route = request.uri().path().replacen("/api/v1/", "/api/", 1);
        let query = Query::<OrderQuery>::try_from_uri(request.uri());
        let Query(OrderQuery { preview }) =
            query.map_err(|rejection| Problem::form(rejection.body_text()))?;
        let bytes = Bytes::from_request(request, state).await?;
        let body = serde_json::from_slice(&bytes).map_err(Problem::form)?;
        let asked = key.map(|key| Asked::new(&principal.id, &key, &route, &bytes));
        Ok(Self { body, by: By { principal, asked, preview: preview.unwrap_or(false) } })
    }
}

/// What a transaction would be.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Preview {
    /// The account.
    sender: String,
    /// What the device would be shown.
    summary: Vec<SummaryLine>,
}

/// A transaction that the device signed and that waits.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Sent {
    /// Its id.
    id: String,
    /// The account.
    sender: String,
    /// Its nonce.
    nonce: u64,
    /// The last height at which it may be executed.
    last_valid_height: u64,
    /// What the device was shown.
    summary: Vec<SummaryLine>,
}

fn desk(interface: &Interface) -> Result<Arc<Desk>, Problem> {
    interface.desk().ok_or_else(|| Problem::unknown(NOT_IN_CUSTODY, "this node has no custody"))
}

/// Lets the device sign an operation of an account that the caller may act for, or shows what it would be.
async fn send(
    interface: Interface,
    By { principal, asked, preview }: By,
    account: AccountId,
    op: impl for<'a> FnOnce(&'a mut Room) -> Result<Op<'a>, Problem> + Send + 'static,
) -> Result<Response, Problem> {
    if !principal.grant.accounts.has(account) {
        return Err(Problem::account_not_granted(account));
    }
    if preview {
        let desk = desk(&interface)?;
        let shown = interface.blocking(move |_| {
            let mut room = Room::default();
            let bytes = desk.preview(account, &op(&mut room)?)?;
            Ok(Json(Preview { sender: account.to_string(), summary: summary(&decoded(&bytes)?) }))
        });
        return Ok(shown.await?.into_response());
    }
    let desk = desk(&interface)?;
    // Who has gone by then is not served: he may have asked again.
    let deadline = Instant::now() + Duration::from_millis(interface.access().config.request_timeout_ms / 2);
    let permit = desk.enter().ok_or(CustodyError::Waits)?;
    let signing = tokio::task::spawn_blocking(move || {
        let _permit = permit;
        let mut room = Room::default();
        let op = op(&mut room)?;
        let sent = desk.send(account, asked.as_ref(), deadline, &op);
        if let Err(CustodyError::Refused(_) | CustodyError::Device(_)) = &sent {
            count(&interface.watch().counts.custody_refused);
        }
        Ok::<_, Problem>((sent?, interface))
    });
    let (accepted, interface) = signing.await.map_err(Problem::ended)??;
    let transaction = decoded(&accepted.transaction)?;
    let sent = Sent {
        id: transaction.id().to_string(),
        sender: account.to_string(),
        nonce: transaction.nonce,
        last_valid_height: transaction.last_valid_height,
        summary: summary(&transaction),
    };
    if let Some(signed) = accepted.signed {
        let batch: Batch = [signed].into_iter().collect();
        interface.share(batch).await;
    }
    Ok((StatusCode::ACCEPTED, Json(sent)).into_response())
}

fn decoded(transaction: &[u8]) -> Result<Transaction<'_>, Problem> {
    codec::decode(transaction).map_err(|error| Problem::failed(error.code(), error))
}

/// Where the parts of an operation lie that it borrows.
#[derive(Default)]
struct Room {
    legs: Option<LegsBuf>,
    authority: Option<AuthorityBuf>,
}

/// The accounts in custody that the caller may act for.
#[derive(Debug, Serialize, ToSchema)]
struct Custody {
    /// Their ids.
    accounts: Vec<String>,
    /// The account that opens others.
    registrar: Option<String>,
}

/// The accounts in custody that the caller may act for.
#[utoipa::path(get, path = "/custody", tag = "custody", security(("token" = ["read"])),
    responses((status = 200, body = Custody), Refusals))]
async fn list(
    State(interface): State<Interface>,
    Extension(principal): Extension<Principal>,
) -> Result<Json<Custody>, Problem> {
    let Some(desk) = interface.desk() else {
        return Ok(Json(Custody { accounts: Vec::new(), registrar: None }));
    };
    let granted = desk.accounts().filter(|account| principal.grant.accounts.has(*account));
    let accounts = granted.map(|account| account.to_string()).collect();
    Ok(Json(Custody { accounts, registrar: desk.registrar.map(|account| account.to_string()) }))
}

/// An account that is to be opened.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AccountRequest {
    /// Its id: one of those that the node's configuration puts into custody.
    #[schema(value_type = String)]
    account_id: Text<AccountId>,
    /// The asset that it is meant for. Accounts of the ledger hold every asset; it must exist.
    #[schema(value_type = Option<String>)]
    currency: Option<Text<AssetId>>,
    /// Names or hashes of documents about its holder: with any, the holder counts as known by name.
    #[serde(default)]
    documents: Vec<String>,
}

/// Opens an account in custody, sent by the registrar.
#[utoipa::path(post, path = "/account", tag = "custody", security(("token" = ["account"])), request_body = AccountRequest,
    params(OrderHeaders, OrderQuery), responses(Refusals, BodyRefusals, OrderAnswers))]
async fn open_account(
    State(interface): State<Interface>,
    Order { body, by }: Order<AccountRequest>,
) -> Result<Response, Problem> {
    let AccountRequest { account_id: Text(account), currency, documents } = body;
    let desk = desk(&interface)?;
    if !by.principal.grant.accounts.has(account) {
        return Err(Problem::account_not_granted(account));
    }
    if let Some(Text(asset)) = currency {
        super::assets::read_asset(&interface, asset)?;
    }
    let (scheme, hash) = desk.key_of(account).ok_or_else(|| Problem::unknown(NOT_IN_CUSTODY, account))?;
    let registrar = desk.registrar;
    let registrar =
        registrar.ok_or_else(|| Problem::unknown(NOT_IN_CUSTODY, "this node has no registrar"))?;
    let kyc = if documents.is_empty() { KycLevel::None } else { KycLevel::Basic };
    send(interface, by, registrar, move |room| {
        let authority = room.authority.insert(AuthorityBuf::single(KeyRef { scheme, hash }));
        let authority = authority.get();
        Ok(Op::CreateAccount(CreateAccount { account, kind: AccountKind::Individual, kyc, authority }))
    })
    .await
}

/// A transfer.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TransferRequest {
    /// Who pays: an account in custody.
    #[schema(value_type = String)]
    sender: Text<AccountId>,
    /// Who receives.
    #[schema(value_type = String)]
    receiver: Text<AccountId>,
    /// How much: a decimal text.
    #[schema(value_type = String)]
    amount: Text<Amount>,
    /// Of which asset.
    #[schema(value_type = String)]
    currency: Text<AssetId>,
    /// What for: up to 35 printable ASCII characters.
    #[serde(default)]
    reference: String,
}

/// Transfers from an account in custody.
#[utoipa::path(post, path = "/transaction", tag = "custody", security(("token" = ["transfer"])), request_body = TransferRequest,
    params(OrderHeaders, OrderQuery), responses(Refusals, BodyRefusals, OrderAnswers))]
async fn transfer(
    State(interface): State<Interface>,
    Order { body, by }: Order<TransferRequest>,
) -> Result<Response, Problem> {
    let TransferRequest {
        sender: Text(sender),
        receiver: Text(to),
        amount: Text(amount),
        currency,
        reference,
    } = body;
    let reference =
        Reference::new(&reference).map_err(|error| Problem::form(format_args!("reference: {error}")))?;
    let Text(asset) = currency;
    send(interface, by, sender, move |room| {
        let legs = LegsBuf::new(&[Leg { to, amount, reference }]).map_err(Problem::form)?;
        Ok(Op::Transfer(Transfer { asset, legs: room.legs.insert(legs).get() }))
    })
    .await
}

/// A swap.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SwapRequest {
    /// The account in custody; where the caller may act for one only, that.
    #[schema(value_type = Option<String>)]
    account: Option<Text<AccountId>>,
    /// The asset that is given.
    #[schema(value_type = String)]
    token_in: Text<AssetId>,
    /// The asset that is received.
    #[schema(value_type = String)]
    token_out: Text<AssetId>,
    /// How much is given: a decimal text.
    #[schema(value_type = String)]
    amount_in: Text<Amount>,
    /// The pool; where nothing is said, the one whose id is both assets with a dash between them.
    #[schema(value_type = Option<String>)]
    pool: Option<Text<PoolId>>,
    /// The least to receive: a decimal text.
    #[schema(value_type = Option<String>)]
    min_amount_out: Option<Text<Amount>>,
    /// Where that is not said: how much less than the quote, in basis points; 50 where nothing is said.
    #[schema(maximum = 10_000)]
    max_slippage_bps: Option<u16>,
}

/// The account that is meant where none is named.
fn only_account(desk: &Desk, principal: &Principal) -> Result<AccountId, Problem> {
    let mut granted = desk.accounts().filter(|account| principal.grant.accounts.has(*account));
    match (granted.next(), granted.next()) {
        (Some(account), None) => Ok(account),
        _ => Err(Problem::form("account: which of those in custody was expected")),
    }
}

/// Swaps for an account in custody: an exact amount is given.
#[utoipa::path(post, path = "/swap", tag = "custody", security(("token" = ["swap"])), request_body = SwapRequest,
    params(OrderHeaders, OrderQuery), responses(Refusals, BodyRefusals, OrderAnswers))]
async fn swap(
    State(interface): State<Interface>,
    Order { body, by }: Order<SwapRequest>,
) -> Result<Response, Problem> {
    let SwapRequest {
        token_in: Text(asset_in), token_out: Text(asset_out), amount_in: Text(amount_in), ..
    } = body;
    let account = match body.account {
        Some(Text(account)) => account,
        None => only_account(&*desk(&interface)?, &by.principal)?,
    };
    let named = |a: AssetId, b: AssetId| format!("{a}-{b}").parse::<PoolId>().ok();
    let candidates = match body.pool {
        Some(Text(pool)) => vec![pool],
        None => [named(asset_in, asset_out), named(asset_out, asset_in)].into_iter().flatten().collect(),
    };
    let found = candidates.iter().find_map(|id| Some((*id, read_pool(&interface, *id).ok()?.0)));
    let unknown = || Problem::unknown(qenex_core::error::POOL_UNKNOWN, "pool: name it");
    let (pool, record) = found.ok_or_else(unknown)?;
    let direction = match (asset_in, asset_out) {
        pair if pair == (record.asset_a, record.asset_b) => Direction::AToB,
        pair if pair == (record.asset_b, record.asset_a) => Direction::BToA,
        _ => {
            let (a, b) = (record.asset_a, record.asset_b);
            return Err(Problem::form(format_args!("{pool} swaps {a} and {b}")));
        }
    };
    let slippage_bps = body.max_slippage_bps.unwrap_or(SLIPPAGE_BPS);
    if slippage_bps > 10_000 {
        return Err(Problem::form("max_slippage_bps: at most 10000 was expected"));
    }
    let min_out = match body.min_amount_out {
        Some(Text(amount)) => amount,
        None => {
            let refused = |code| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, code, "");
            let quote = quote_exact_in(&record.reserves, direction, amount_in)
                .map_err(|error| refused(error.code()))?;
            let kept = u128::from(10_000 - slippage_bps);
            // Rounded in favour of whoever swaps: he accepts no less.
            let least = mul_div(quote.amount_out.units(), kept, 10_000, Rounding::Up);
            let least = least.map_err(|error| refused(error.code()))?;
            Amount::from_units(least).map_err(|error| refused(error.code()))?
        }
    };
    send(interface, by, account, move |_| {
        Ok(Op::SwapExactIn(SwapExactIn {
            pool,
            asset_in,
            asset_out,
            amount_in,
            min_out,
            max_price_impact_bps: None,
            deadline_ms: None,
        }))
    })
    .await
}

/// A pool.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PoolRequest {
    /// The account in custody that creates it.
    #[schema(value_type = String)]
    account: Text<AccountId>,
    /// The pool's id.
    #[schema(value_type = String)]
    pool: Text<PoolId>,
    /// The asset whose id comes first.
    #[schema(value_type = String)]
    asset_a: Text<AssetId>,
    /// The other asset.
    #[schema(value_type = String)]
    asset_b: Text<AssetId>,
    /// What it keeps of each swap's input, in basis points.
    fee_bps: u16,
}

/// Creates an empty pool.
#[utoipa::path(post, path = "/pool", tag = "custody", security(("token" = ["liquidity"])), request_body = PoolRequest,
    params(OrderHeaders, OrderQuery), responses(Refusals, BodyRefusals, OrderAnswers))]
async fn create_pool(
    State(interface): State<Interface>,
    Order { body, by }: Order<PoolRequest>,
) -> Result<Response, Problem> {
    let PoolRequest { account: Text(account), pool: Text(pool), asset_a, asset_b, fee_bps } = body;
    send(interface, by, account, move |_| {
        Ok(Op::CreatePool(CreatePool { pool, asset_a: asset_a.0, asset_b: asset_b.0, fee_bps }))
    })
    .await
}

/// Liquidity that is to be added.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AddRequest {
    /// The account in custody.
    #[schema(value_type = String)]
    account: Text<AccountId>,
    /// The pool.
    #[schema(value_type = String)]
    pool: Text<PoolId>,
    /// The most of the asset whose id comes first.
    #[schema(value_type = String)]
    max_a: Text<Amount>,
    /// The most of the other asset.
    #[schema(value_type = String)]
    max_b: Text<Amount>,
    /// The fewest shares to accept.
    #[schema(value_type = String)]
    min_shares: Text<Amount>,
}

/// Adds liquidity for an account in custody.
#[utoipa::path(post, path = "/liquidity", tag = "custody", security(("token" = ["liquidity"])), request_body = AddRequest,
    params(OrderHeaders, OrderQuery), responses(Refusals, BodyRefusals, OrderAnswers))]
async fn add_liquidity(
    State(interface): State<Interface>,
    Order { body, by }: Order<AddRequest>,
) -> Result<Response, Problem> {
    let AddRequest { account: Text(account), pool: Text(pool), max_a, max_b, min_shares } = body;
    let (record, _) = read_pool(&interface, pool)?;
    send(interface, by, account, move |_| {
        Ok(Op::AddLiquidity(AddLiquidity {
            pool,
            asset_a: record.asset_a,
            asset_b: record.asset_b,
            max_a: max_a.0,
            max_b: max_b.0,
            min_shares: min_shares.0,
            deadline_ms: None,
        }))
    })
    .await
}

/// Liquidity that is to be removed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RemoveRequest {
    /// The account in custody.
    #[schema(value_type = String)]
    account: Text<AccountId>,
    /// The pool.
    #[schema(value_type = String)]
    pool: Text<PoolId>,
    /// How many shares.
    #[schema(value_type = String)]
    shares: Text<Amount>,
    /// The least of the asset whose id comes first.
    #[schema(value_type = String)]
    min_a: Text<Amount>,
    /// The least of the other asset.
    #[schema(value_type = String)]
    min_b: Text<Amount>,
}

/// Removes liquidity for an account in custody.
#[utoipa::path(post, path = "/liquidity/remove", tag = "custody", security(("token" = ["liquidity"])), request_body = RemoveRequest,
    params(OrderHeaders, OrderQuery), responses(Refusals, BodyRefusals, OrderAnswers))]
async fn remove_liquidity(
    State(interface): State<Interface>,
    Order { body, by }: Order<RemoveRequest>,
) -> Result<Response, Problem> {
    let RemoveRequest { account: Text(account), pool: Text(pool), shares, min_a, min_b } = body;
    let (record, _) = read_pool(&interface, pool)?;
    send(interface, by, account, move |_| {
        Ok(Op::RemoveLiquidity(RemoveLiquidity {
            pool,
            asset_a: record.asset_a,
            asset_b: record.asset_b,
            shares: shares.0,
            min_a: min_a.0,
            min_b: min_b.0,
            deadline_ms: None,
        }))
    })
    .await
}

/// Units that are to be issued.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct IssueRequest {
    /// The issuer: an account in custody.
    #[schema(value_type = String)]
    account: Text<AccountId>,
    /// The asset.
    #[schema(value_type = String)]
    asset: Text<AssetId>,
    /// Who receives them.
    #[schema(value_type = String)]
    receiver: Text<AccountId>,
    /// How many.
    #[schema(value_type = String)]
    amount: Text<Amount>,
}

/// Brings new units of an asset into circulation.
#[utoipa::path(post, path = "/issue", tag = "custody", security(("token" = ["issue"])), request_body = IssueRequest,
    params(OrderHeaders, OrderQuery), responses(Refusals, BodyRefusals, OrderAnswers))]
async fn issue(
    State(interface): State<Interface>,
    Order { body, by }: Order<IssueRequest>,
) -> Result<Response, Problem> {
    let IssueRequest { account: Text(account), asset: Text(asset), receiver: Text(to), amount: Text(amount) } =
        body;
    send(interface, by, account, move |_| Ok(Op::Issue(Issue { asset, to, amount }))).await
}

/// Units that are to be burned.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct BurnRequest {
    /// The issuer: an account in custody.
    #[schema(value_type = String)]
    account: Text<AccountId>,
    /// The asset.
    #[schema(value_type = String)]
    asset: Text<AssetId>,
    /// How many.
    #[schema(value_type = String)]
    amount: Text<Amount>,
}

/// Takes units of an asset out of circulation, from the issuer's own balance.
#[utoipa::path(post, path = "/burn", tag = "custody", security(("token" = ["issue"])), request_body = BurnRequest,
    params(OrderHeaders, OrderQuery), responses(Refusals, BodyRefusals, OrderAnswers))]
async fn burn(
    State(interface): State<Interface>,
    Order { body, by }: Order<BurnRequest>,
) -> Result<Response, Problem> {
    let BurnRequest { account: Text(account), asset: Text(asset), amount: Text(amount) } = body;
    send(interface, by, account, move |_| Ok(Op::Burn(Burn { asset, amount }))).await
}

/// The device that signs for accounts in custody.
#[derive(Debug, Serialize, ToSchema)]
struct DeviceView {
    /// Its name.
    name: Option<String>,
    /// The version of its firmware.
    firmware_version: u32,
    /// Whether it can open its secrets: otherwise it signs nothing.
    locked: bool,
    /// The height of the newest block that it trusts.
    trusted_height: Option<u64>,
    /// Entries of its audit log.
    audit_entries: u64,
    /// Up to which of these the audit log was taken.
    audit_taken: u64,
    /// Its keys of accounts.
    keys: Vec<DeviceKey>,
}

/// A key of an account in custody.
#[derive(Debug, Serialize, ToSchema)]
struct DeviceKey {
    /// Its slot in the device.
    slot: u8,
    /// The account.
    account: String,
    /// How it signs.
    scheme: String,
    /// The hash of the key, as the ledger names it.
    key_hash: String,
    /// How many transactions of the account are not final.
    waiting: usize,
}

/// The device that signs for accounts in custody, and its keys.
#[utoipa::path(get, path = "/device", tag = "custody", security(("token" = ["read"])),
    responses((status = 200, body = DeviceView), (status = 503, description = "The device does not answer.", body = ErrorBody), Refusals))]
async fn device(State(interface): State<Interface>) -> Result<Json<DeviceView>, Problem> {
    let desk = desk(&interface)?;
    let permit = desk.enter().ok_or(CustodyError::Waits)?;
    interface
        .blocking(move |_| {
            let _permit = permit;
            let status = desk.status()?;
            let mut keys = Vec::new();
            for (account, slot, scheme, hash, waiting) in desk.keys()? {
                keys.push(DeviceKey {
                    slot,
                    account: account.to_string(),
                    scheme: scheme.to_string(),
                    key_hash: hash.0.to_string(),
                    waiting,
                });
            }
            keys.sort_by_key(|key| key.slot);
            Ok(Json(DeviceView {
                name: status.name.map(|name| name.to_string()),
                firmware_version: status.version,
                locked: !status.unlocked,
                trusted_height: status.trusted.map(|trusted| trusted.height),
                audit_entries: status.audit_count,
                audit_taken: status.audit_taken,
                keys,
            }))
        })
        .await
}
