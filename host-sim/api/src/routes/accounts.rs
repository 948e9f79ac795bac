//! Accounts, what they have, and proofs of it.

use axum::Json;
use axum::extract::State;
use qenex_core::codec;
use qenex_core::error::{ACCOUNT_UNKNOWN, Coded as _};
use qenex_core::id::{AccountId, AssetId};
use qenex_core::ledger::{Record, RecordId};
use qenex_core::num::Amount;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Refusals, limit};
use crate::Interface;
use crate::extract::{Path, Query, Text};
use crate::ledger::Found;
use crate::problem::Problem;
use crate::view::{Account, Balance, Proof};

/// So many balances and shares are told of, at most.
const MOST: usize = 500;

/// The routes.
pub fn router() -> OpenApiRouter<Interface> {
    OpenApiRouter::new()
        .routes(routes!(account))
        .routes(routes!(balance))
        .routes(routes!(holdings))
        .routes(routes!(accounts))
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

pub(super) fn decoded(record: Option<&[u8]>) -> Result<Option<Record<'_>>, Problem> {
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

/// What an account has.
#[derive(Debug, Serialize, ToSchema)]
struct Holdings {
    /// The account.
    account: String,
    /// Its balances, in the order of the assets, 500 at most.
    balances: Vec<AssetAmount>,
    /// Its shares of pools, in the order of the pools, 500 at most.
    shares: Vec<PoolShares>,
}

/// How much of an asset.
#[derive(Debug, Serialize, ToSchema)]
struct AssetAmount {
    /// The asset.
    asset: String,
    /// How much.
    amount: String,
}

/// How many shares of a pool.
#[derive(Debug, Serialize, ToSchema)]
struct PoolShares {
    /// The pool.
    pool: String,
    /// How many.
    shares: String,
}

/// What an account has: balances, and shares of pools.
#[utoipa::path(get, path = "/holdings/{id}", tag = "ledger", security(("token" = ["read"])),
    params(("id" = String, Path, description = "the account")),
    responses((status = 200, body = Holdings), Refusals))]
async fn holdings(
    State(interface): State<Interface>,
    Path(Text(id)): Path<Text<AccountId>>,
) -> Result<Json<Holdings>, Problem> {
    interface
        .blocking(move |interface| {
            let (mut balances, mut shares) = (Vec::new(), Vec::new());
            for asset in interface.index().balances(id, None, MOST)? {
                let found = interface.ledger().record(&RecordId::Balance(id, asset))?;
                if let Some(Record::Balance(balance)) = decoded(found.record.as_deref())? {
                    let amount = balance.amount.to_string();
                    balances.push(AssetAmount { asset: asset.to_string(), amount });
                }
            }
            for pool in interface.index().shares(id, None, MOST)? {
                let found = interface.ledger().record(&RecordId::Shares(id, pool))?;
                if let Some(Record::Shares(found)) = decoded(found.record.as_deref())? {
                    shares.push(PoolShares { pool: pool.to_string(), shares: found.amount.to_string() });
                }
            }
            Ok(Json(Holdings { account: id.to_string(), balances, shares }))
        })
        .await
}

/// Which accounts are asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct AccountsQuery {
    /// How many, at most.
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<u16>,
    /// Only those behind this one.
    #[param(value_type = Option<String>)]
    after: Option<Text<AccountId>>,
}

/// Some accounts.
#[derive(Debug, Serialize, ToSchema)]
struct Accounts {
    /// In the order of their ids.
    accounts: Vec<Account>,
    /// What `after` is to be to go on; nothing at the end.
    next: Option<String>,
}

/// The accounts of the chain.
#[utoipa::path(get, path = "/accounts", tag = "ledger", security(("token" = ["read"])), params(AccountsQuery),
    responses((status = 200, body = Accounts), Refusals))]
async fn accounts(
    State(interface): State<Interface>,
    Query(AccountsQuery { limit: asked, after }): Query<AccountsQuery>,
) -> Result<Json<Accounts>, Problem> {
    let most = limit(asked)?;
    interface
        .blocking(move |interface| {
            let ids = interface.index().accounts(after.map(|Text(id)| id), most)?;
            let next = (ids.len() == most).then(|| ids.last().map(AccountId::to_string)).flatten();
            let mut accounts = Vec::with_capacity(ids.len());
            for id in ids {
                let Found { record, confirmed } = interface.ledger().record(&RecordId::Account(id))?;
                if let Some(Record::Account(account)) = decoded(record.as_deref())? {
                    accounts.push(Account::new(id, &account, confirmed));
                }
            }
            Ok(Json(Accounts { accounts, next }))
        })
        .await
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
