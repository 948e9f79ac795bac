//! What the ledger holds.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use qenex_core::amm::{Direction, quote_exact_in, quote_exact_out};
use qenex_core::codec;
use qenex_core::error::{ACCOUNT_UNKNOWN, ASSET_UNKNOWN, Coded as _, POOL_UNKNOWN};
use qenex_core::id::{AccountId, AssetId, PoolId};
use qenex_core::ledger::{self, Record, RecordId};
use qenex_core::num::Amount;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Refusals;
use crate::Interface;
use crate::extract::{Path, Query, Text};
use crate::ledger::Found;
use crate::problem::Problem;
use crate::view::{Account, Asset, Balance, Confirmed, HistoryView, Pool, Proof, Quote};

/// The routes.
pub fn router() -> OpenApiRouter<Interface> {
    OpenApiRouter::new()
        .routes(routes!(account))
        .routes(routes!(balance))
        .routes(routes!(history))
        .routes(routes!(asset))
        .routes(routes!(pool))
        .routes(routes!(quote))
        .routes(routes!(proof))
}

/// An account.
#[utoipa::path(get, path = "/account/{id}", tag = "ledger", security(("token" = ["read"])),
    params(("id" = String, Path, description = "its id")),
    responses((status = 200, body = Account), Refusals))]
async fn account(
    State(interface): State<Interface>,
    Path(Text(id)): Path<Text<AccountId>>,
) -> Result<Json<Account>, Problem> {
    let Found { record, confirmed } = interface.ledger().record(&RecordId::Account(id))?;
    match decoded(record.as_deref())? {
        Some(Record::Account(account)) => Ok(Json(Account::new(id, &account, confirmed))),
        _ => Err(Problem::unknown(ACCOUNT_UNKNOWN, id)),
    }
}

fn decoded(record: Option<&[u8]>) -> Result<Option<Record<'_>>, Problem> {
    let decoded = record.map(codec::decode).transpose();
    decoded.map_err(|error| Problem::failed(error.code(), format_args!("a record: {error}")))
}

/// How much of an asset an account has.
#[utoipa::path(get, path = "/account/{id}/{asset}", tag = "ledger", security(("token" = ["read"])),
    params(("id" = String, Path, description = "the account"), ("asset" = String, Path, description = "the asset")),
    responses((status = 200, body = Balance), Refusals))]
async fn balance(
    State(interface): State<Interface>,
    Path((Text(id), Text(asset))): Path<(Text<AccountId>, Text<AssetId>)>,
) -> Result<Json<Balance>, Problem> {
    let Found { record, confirmed } = interface.ledger().record(&RecordId::Balance(id, asset))?;
    let amount = match decoded(record.as_deref())? {
        Some(Record::Balance(balance)) => balance.amount,
        _ => Amount::ZERO,
    };
    let (account, asset, amount) = (id.to_string(), asset.to_string(), amount.to_string());
    Ok(Json(Balance { account, asset, amount, confirmed }))
}

/// What of a history is asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct HistoryQuery {
    /// How many, at most.
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<u16>,
}

/// An account's newest final transactions.
#[derive(Debug, Serialize, ToSchema)]
struct History {
    /// The account.
    account: String,
    /// The newest first.
    entries: Vec<HistoryView>,
}

/// An account's newest final transactions.
#[utoipa::path(get, path = "/history/{id}", tag = "ledger", security(("token" = ["read"])),
    params(("id" = String, Path, description = "the account"), HistoryQuery),
    responses((status = 200, body = History), Refusals))]
async fn history(
    State(interface): State<Interface>,
    Path(Text(id)): Path<Text<AccountId>>,
    Query(HistoryQuery { limit }): Query<HistoryQuery>,
) -> Result<Json<History>, Problem> {
    let most = limit.unwrap_or(50);
    if !(1..=500).contains(&most) {
        return Err(Problem::form("limit: 1 to 500 was expected"));
    }
    let entries = interface.ledger().history(id, most.into())?;
    let entries = entries.iter().filter_map(HistoryView::new).collect();
    Ok(Json(History { account: id.to_string(), entries }))
}

/// An asset.
#[utoipa::path(get, path = "/asset/{id}", tag = "ledger", security(("token" = ["read"])),
    params(("id" = String, Path, description = "its id")),
    responses((status = 200, body = Asset), Refusals))]
async fn asset(
    State(interface): State<Interface>,
    Path(Text(id)): Path<Text<AssetId>>,
) -> Result<Json<Asset>, Problem> {
    let (asset, confirmed) = read_asset(&interface, id)?;
    Ok(Json(Asset::new(id, &asset, confirmed)))
}

pub(super) fn read_asset(interface: &Interface, id: AssetId) -> Result<(ledger::Asset, Confirmed), Problem> {
    let Found { record, confirmed } = interface.ledger().record(&RecordId::Asset(id))?;
    match decoded(record.as_deref())? {
        Some(Record::Asset(asset)) => Ok((asset, confirmed)),
        _ => Err(Problem::unknown(ASSET_UNKNOWN, id)),
    }
}

pub(super) fn read_pool(interface: &Interface, id: PoolId) -> Result<(ledger::Pool, Confirmed), Problem> {
    let Found { record, confirmed } = interface.ledger().record(&RecordId::Pool(id))?;
    match decoded(record.as_deref())? {
        Some(Record::Pool(pool)) => Ok((pool, confirmed)),
        _ => Err(Problem::unknown(POOL_UNKNOWN, id)),
    }
}

/// A pool.
#[utoipa::path(get, path = "/pool/{id}", tag = "ledger", security(("token" = ["read"])),
    params(("id" = String, Path, description = "its id")),
    responses((status = 200, body = Pool), Refusals))]
async fn pool(
    State(interface): State<Interface>,
    Path(Text(id)): Path<Text<PoolId>>,
) -> Result<Json<Pool>, Problem> {
    let (pool, confirmed) = read_pool(&interface, id)?;
    Ok(Json(Pool::new(id, &pool, confirmed)))
}

/// The swap that is asked about: one of the amounts.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct QuoteQuery {
    /// The asset that is given.
    #[param(value_type = String)]
    asset_in: Text<AssetId>,
    /// How much of it.
    #[param(value_type = Option<String>)]
    amount_in: Option<Text<Amount>>,
    /// How much of the other asset is to be received.
    #[param(value_type = Option<String>)]
    amount_out: Option<Text<Amount>>,
}

/// What a swap would yield.
#[utoipa::path(get, path = "/pool/{id}/quote", tag = "ledger", security(("token" = ["read"])),
    params(("id" = String, Path, description = "the pool"), QuoteQuery),
    responses((status = 200, body = Quote), Refusals,
        (status = 422, description = "The pool does not make this swap.", body = crate::problem::ErrorBody)))]
async fn quote(
    State(interface): State<Interface>,
    Path(Text(id)): Path<Text<PoolId>>,
    Query(QuoteQuery { asset_in: Text(asset_in), amount_in, amount_out }): Query<QuoteQuery>,
) -> Result<Json<Quote>, Problem> {
    let (pool, _) = read_pool(&interface, id)?;
    let direction = match asset_in {
        asset if asset == pool.asset_a => Direction::AToB,
        asset if asset == pool.asset_b => Direction::BToA,
        _ => {
            let detail = format_args!("asset_in: {} or {} was expected", pool.asset_a, pool.asset_b);
            return Err(Problem::form(detail));
        }
    };
    let quote = match (amount_in, amount_out) {
        (Some(Text(amount)), None) => quote_exact_in(&pool.reserves, direction, amount),
        (None, Some(Text(amount))) => quote_exact_out(&pool.reserves, direction, amount),
        _ => return Err(Problem::form("either amount_in or amount_out was expected")),
    };
    let quote = quote.map_err(|error| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, error.code(), error))?;
    Ok(Json(Quote::new(&quote)))
}

/// What is to be proven beside the account.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ProofQuery {
    /// An asset: its balance, too.
    #[param(value_type = Option<String>)]
    asset: Option<Text<AssetId>>,
}

/// A proof of an account, and of a balance, against the newest final state.
#[utoipa::path(get, path = "/proof/{id}", tag = "ledger", security(("token" = ["read"])),
    params(("id" = String, Path, description = "the account"), ProofQuery),
    responses((status = 200, body = Proof), Refusals))]
async fn proof(
    State(interface): State<Interface>,
    Path(Text(id)): Path<Text<AccountId>>,
    Query(ProofQuery { asset }): Query<ProofQuery>,
) -> Result<Json<Proof>, Problem> {
    let mut ids = vec![RecordId::Account(id)];
    ids.extend(asset.map(|Text(asset)| RecordId::Balance(id, asset)));
    Ok(Json(interface.ledger().prove(&ids)?))
}
