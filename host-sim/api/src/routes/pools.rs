//! Pools, what a swap in one would yield, and how prices went.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use qenex_core::amm::{Direction, quote_exact_in, quote_exact_out};
use qenex_core::error::{Coded as _, POOL_UNKNOWN};
use qenex_core::id::{AssetId, PoolId};
use qenex_core::ledger::{self, Record, RecordId};
use qenex_core::num::Amount;
use qenex_index::candles::{Candle, Step};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::accounts::decoded;
use super::{Refusals, limit};
use crate::Interface;
use crate::access::now_ms;
use crate::extract::{Path, Query, Text};
use crate::ledger::Found;
use crate::problem::{ErrorBody, Problem};
use crate::view::{Confirmed, Pool, Quote, decimal};

/// So many candles are in an answer, at most.
const MOST_CANDLES: usize = 1_000;

/// The routes.
pub fn router() -> OpenApiRouter<Interface> {
    OpenApiRouter::new()
        .routes(routes!(pool))
        .routes(routes!(pools))
        .routes(routes!(quote))
        .routes(routes!(candles))
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

/// Which pools are asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct PoolsQuery {
    /// How many, at most.
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<u16>,
    /// Only those behind this one.
    #[param(value_type = Option<String>)]
    after: Option<Text<PoolId>>,
}

/// Some pools.
#[derive(Debug, Serialize, ToSchema)]
struct Pools {
    /// In the order of their ids.
    pools: Vec<Pool>,
    /// What `after` is to be to go on; nothing at the end.
    next: Option<String>,
}

/// The pools of the chain.
#[utoipa::path(get, path = "/pools", tag = "ledger", security(("token" = ["read"])), params(PoolsQuery),
    responses((status = 200, body = Pools), Refusals))]
async fn pools(
    State(interface): State<Interface>,
    Query(PoolsQuery { limit: asked, after }): Query<PoolsQuery>,
) -> Result<Json<Pools>, Problem> {
    let most = limit(asked)?;
    interface
        .blocking(move |interface| {
            let ids = interface.index().pools(after.map(|Text(id)| id), most)?;
            let next = (ids.len() == most).then(|| ids.last().map(PoolId::to_string)).flatten();
            let mut pools = Vec::with_capacity(ids.len());
            for id in ids {
                match read_pool(interface, id) {
                    Ok((pool, confirmed)) => pools.push(Pool::new(id, &pool, confirmed)),
                    Err(problem) if problem.is_unknown() => {}
                    Err(problem) => return Err(problem),
                }
            }
            Ok(Json(Pools { pools, next }))
        })
        .await
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
        (status = 422, description = "The pool does not make this swap.", body = ErrorBody)))]
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

/// How long a candle's time is.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum StepName {
    /// A minute.
    Minute,
    /// An hour.
    #[default]
    Hour,
    /// A day.
    Day,
}

/// Which candles are asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct CandlesQuery {
    /// How long each one's time is: an hour where nothing is said.
    #[param(inline)]
    step: Option<StepName>,
    /// Only those that begin at this time or later.
    from_ms: Option<u64>,
    /// Only those that begin before this time.
    until_ms: Option<u64>,
}

/// How the price of a pool went.
#[derive(Debug, Serialize, ToSchema)]
struct Candles {
    /// The pool.
    pool: String,
    /// The asset whose price it is.
    asset_a: String,
    /// The asset in which the price is.
    asset_b: String,
    /// How long each one's time is.
    step_ms: u64,
    /// The oldest first, 1,000 at most: the newest of those that are asked for. A time without a swap has none.
    candles: Vec<CandleView>,
}

/// Prices and volumes of some time: what was paid of the second asset for one of the first, with the fee in it.
#[derive(Debug, Serialize, ToSchema)]
struct CandleView {
    /// When it begins.
    time_ms: u64,
    /// The price of the first swap.
    open: String,
    /// The highest price.
    high: String,
    /// The lowest price.
    low: String,
    /// The price of the last swap.
    close: String,
    /// How much of the first asset changed hands.
    volume_a: String,
    /// How much of the second asset changed hands.
    volume_b: String,
    /// How many swaps.
    swaps: u64,
}

impl From<Candle> for CandleView {
    fn from(candle: Candle) -> Self {
        let Candle { time_ms, open, high, low, close, volume_a, volume_b, swaps } = candle;
        Self {
            time_ms,
            open: decimal(open),
            high: decimal(high),
            low: decimal(low),
            close: decimal(close),
            volume_a: decimal(volume_a),
            volume_b: decimal(volume_b),
            swaps,
        }
    }
}

/// How the price of a pool went, by its final swaps.
#[utoipa::path(get, path = "/pool/{id}/candles", tag = "ledger", security(("token" = ["read"])),
    params(("id" = String, Path, description = "the pool"), CandlesQuery),
    responses((status = 200, body = Candles), Refusals))]
async fn candles(
    State(interface): State<Interface>,
    Path(Text(id)): Path<Text<PoolId>>,
    Query(CandlesQuery { step, from_ms, until_ms }): Query<CandlesQuery>,
) -> Result<Json<Candles>, Problem> {
    let (pool, _) = read_pool(&interface, id)?;
    let step = match step.unwrap_or_default() {
        StepName::Minute => Step::Minute,
        StepName::Hour => Step::Hour,
        StepName::Day => Step::Day,
    };
    let until_ms = until_ms.unwrap_or_else(|| now_ms().saturating_add(Step::Day.ms()));
    let found = interface
        .blocking(move |interface| {
            Ok(interface.index().candles(id, step, from_ms.unwrap_or(0), until_ms, MOST_CANDLES)?)
        })
        .await?;
    Ok(Json(Candles {
        pool: id.to_string(),
        asset_a: pool.asset_a.to_string(),
        asset_b: pool.asset_b.to_string(),
        step_ms: step.ms(),
        candles: found.into_iter().map(CandleView::from).collect(),
    }))
}
