//! Assets, and the figures of an economy that uses them.

use axum::Json;
use axum::extract::State;
use qenex_core::error::ASSET_UNKNOWN;
use qenex_core::id::AssetId;
use qenex_core::ledger::{self, Record, RecordId};
use qenex_index::candles::{Candle, Step};
use qenex_index::flows::Flow;
use qenex_index::read::spread;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::accounts::decoded;
use super::pools::read_pool;
use super::{Refusals, limit};
use crate::Interface;
use crate::access::now_ms;
use crate::extract::{Path, Query, Text};
use crate::ledger::Found;
use crate::problem::Problem;
use crate::view::{Asset, Confirmed, decimal};

/// Of so many pools of an asset the stability is told, at most.
const MOST_POOLS: usize = 20;

/// So many pools are looked through for them.
const POOLS_LOOKED_AT: usize = 500;

/// The routes.
pub fn router() -> OpenApiRouter<Interface> {
    OpenApiRouter::new().routes(routes!(asset)).routes(routes!(assets)).routes(routes!(economy))
}

pub(super) fn read_asset(interface: &Interface, id: AssetId) -> Result<(ledger::Asset, Confirmed), Problem> {
    let Found { record, confirmed } = interface.ledger().record(&RecordId::Asset(id))?;
    match decoded(record.as_deref())? {
        Some(Record::Asset(asset)) => Ok((asset, confirmed)),
        _ => Err(Problem::unknown(ASSET_UNKNOWN, id)),
    }
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

/// Which assets are asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct AssetsQuery {
    /// How many, at most.
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<u16>,
    /// Only those behind this one.
    #[param(value_type = Option<String>)]
    after: Option<Text<AssetId>>,
}

/// Some assets.
#[derive(Debug, Serialize, ToSchema)]
struct Assets {
    /// In the order of their ids.
    assets: Vec<Asset>,
    /// What `after` is to be to go on; nothing at the end.
    next: Option<String>,
}

/// The assets of the chain.
#[utoipa::path(get, path = "/assets", tag = "ledger", security(("token" = ["read"])), params(AssetsQuery),
    responses((status = 200, body = Assets), Refusals))]
async fn assets(
    State(interface): State<Interface>,
    Query(AssetsQuery { limit: asked, after }): Query<AssetsQuery>,
) -> Result<Json<Assets>, Problem> {
    let most = limit(asked)?;
    interface
        .blocking(move |interface| {
            let ids = interface.index().assets(after.map(|Text(id)| id), most)?;
            let next = (ids.len() == most).then(|| ids.last().map(AssetId::to_string)).flatten();
            let mut assets = Vec::with_capacity(ids.len());
            for id in ids {
                match read_asset(interface, id) {
                    Ok((asset, confirmed)) => assets.push(Asset::new(id, &asset, confirmed)),
                    // Where work decides, another branch may not have it.
                    Err(problem) if problem.is_unknown() => {}
                    Err(problem) => return Err(problem),
                }
            }
            Ok(Json(Assets { assets, next }))
        })
        .await
}

/// Over which time figures are asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct EconomyQuery {
    /// How many days up to now.
    #[param(minimum = 1, maximum = 3_660, default = 30)]
    days: Option<u16>,
}

/// The figures of an asset as money. Ratios are rounded to six digits.
#[derive(Debug, Serialize, ToSchema)]
struct Economy {
    /// The asset.
    asset: String,
    /// The block after which supply and concentration are as they stand here.
    height: u64,
    /// How much is in circulation.
    supply: String,
    /// How much may ever be.
    max_supply: String,
    /// How it is spread over accounts.
    concentration: Concentration,
    /// How many days the flows cover.
    days: u16,
    /// What was transferred in these days.
    volume: String,
    /// What was issued by its issuer in these days.
    issued: String,
    /// What was burned in these days.
    burned: String,
    /// How often a unit changed hands in these days: the volume divided by the supply of today.
    velocity: f64,
    /// The days on which something happened, the oldest first.
    flows: Vec<Day>,
    /// How stable its price is in the pools that have it.
    stability: Vec<Stability>,
}

/// How an asset is spread over accounts; what pools and stake hold is not counted.
#[derive(Debug, Serialize, ToSchema)]
struct Concentration {
    /// How many accounts have some.
    holders: u64,
    /// What they have together.
    held: String,
    /// What share of that the ten have that have the most.
    ten_largest: f64,
    /// The sum of the squares of all shares (Herfindahl-Hirschman index): 1 if one account has everything.
    herfindahl: f64,
    /// How unequal the shares are (Gini coefficient): 0 if all have the same.
    gini: f64,
}

/// What happened to an asset on a day (UTC).
#[derive(Debug, Serialize, ToSchema)]
struct Day {
    /// When it begins.
    time_ms: u64,
    /// How many transfers, one for each receiver.
    transfers: u64,
    /// What they moved.
    volume: String,
    /// What was issued.
    issued: String,
    /// What was burned.
    burned: String,
}

/// How stable the price in a pool is, by the last price of each day on which somebody swapped.
#[derive(Debug, Serialize, ToSchema)]
struct Stability {
    /// The pool.
    pool: String,
    /// The asset whose price it is.
    asset_a: String,
    /// The asset in which the price is.
    asset_b: String,
    /// How many days have a price.
    days: usize,
    /// The last price divided by the first, less one.
    change: Option<f64>,
    /// The standard deviation of the daily changes (of the logarithms of the prices).
    volatility: Option<f64>,
    /// How far the price fell from a day's to a later day's, at most, as a part of the former.
    drawdown: Option<f64>,
}

fn six_digits(ratio: f64) -> f64 {
    (ratio * 1e6).round() / 1e6
}

impl Stability {
    /// Of a pool with these candles of days.
    fn new(pool: String, asset_a: AssetId, asset_b: AssetId, days: &[Candle]) -> Self {
        let prices: Vec<f64> = days.iter().map(|day| day.close as f64).filter(|price| *price > 0.0).collect();
        let changes: Vec<f64> = prices.array_windows().map(|[one, next]| (next / one).ln()).collect();
        let count = changes.len() as f64;
        let mean = changes.iter().sum::<f64>() / count;
        let variance = changes.iter().map(|change| (change - mean).powi(2)).sum::<f64>() / (count - 1.0);
        let (mut highest, mut drawdown) = (0.0f64, 0.0f64);
        for price in &prices {
            highest = highest.max(*price);
            drawdown = drawdown.max(1.0 - price / highest);
        }
        let ends = prices.first().zip(prices.last());
        Self {
            pool,
            asset_a: asset_a.to_string(),
            asset_b: asset_b.to_string(),
            days: prices.len(),
            change: ends.map(|(first, last)| six_digits(last / first - 1.0)),
            volatility: (changes.len() > 1).then(|| six_digits(variance.sqrt())),
            drawdown: (!prices.is_empty()).then(|| six_digits(drawdown)),
        }
    }
}

/// The figures of an asset as money: supply, concentration, velocity, stability. All accounts are looked at.
#[utoipa::path(get, path = "/economy/{asset}", tag = "ledger", security(("token" = ["metrics"])),
    params(("asset" = String, Path, description = "the asset"), EconomyQuery),
    responses((status = 200, body = Economy), Refusals))]
async fn economy(
    State(interface): State<Interface>,
    Path(Text(id)): Path<Text<AssetId>>,
    Query(EconomyQuery { days }): Query<EconomyQuery>,
) -> Result<Json<Economy>, Problem> {
    let days = days.unwrap_or(30);
    if !(1..=3_660).contains(&days) {
        return Err(Problem::form("days: 1 to 3660 was expected"));
    }
    interface.blocking(move |interface| figures(interface, id, days).map(Json)).await
}

fn figures(interface: &Interface, id: AssetId, days: u16) -> Result<Economy, Problem> {
    let (asset, _) = read_asset(interface, id)?;
    let now_ms = now_ms();
    let from_ms = now_ms.saturating_sub(u64::from(days).saturating_mul(Step::Day.ms()));
    let until_ms = now_ms.saturating_add(Step::Day.ms());
    let spread = spread(interface.ledger(), id);
    let flows = interface.index().flows(id, from_ms, until_ms)?;
    let sum = |of: fn(&Flow) -> u128| flows.iter().fold(0u128, |sum, flow| sum.saturating_add(of(flow)));
    let (volume, supply) = (sum(|flow| flow.volume), asset.supply.units());
    let part = |of: u128, all: u128| if all == 0 { 0.0 } else { six_digits(of as f64 / all as f64) };
    let day = |flow: &Flow| Day {
        time_ms: flow.time_ms,
        transfers: flow.transfers,
        volume: decimal(flow.volume),
        issued: decimal(flow.issued),
        burned: decimal(flow.burned),
    };
    let mut stability = Vec::new();
    for pool in interface.index().pools(None, POOLS_LOOKED_AT)? {
        let Ok((found, _)) = read_pool(interface, pool) else { continue };
        if [found.asset_a, found.asset_b].contains(&id) && stability.len() < MOST_POOLS {
            let candles = interface.index().candles(pool, Step::Day, from_ms, until_ms, days.into())?;
            stability.push(Stability::new(pool.to_string(), found.asset_a, found.asset_b, &candles));
        }
    }
    Ok(Economy {
        asset: id.to_string(),
        height: spread.height,
        supply: asset.supply.to_string(),
        max_supply: asset.max_supply.to_string(),
        concentration: Concentration {
            holders: spread.holders,
            held: decimal(spread.held),
            ten_largest: part(spread.ten_largest, spread.held),
            herfindahl: six_digits(spread.herfindahl),
            gini: six_digits(spread.gini),
        },
        days,
        volume: decimal(volume),
        issued: decimal(sum(|flow| flow.issued)),
        burned: decimal(sum(|flow| flow.burned)),
        velocity: part(volume, supply),
        flows: flows.iter().map(day).collect(),
        stability,
    })
}
