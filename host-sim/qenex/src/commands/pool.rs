//! `qenex pool`.

use std::path::Path;

use qenex_api::view;
use qenex_core::amm::Direction;
use qenex_core::error::POOL_UNKNOWN;
use qenex_core::id::PoolId;
use qenex_core::ledger::{Pool as PoolRecord, Record, RecordId};
use qenex_core::tx::{AddLiquidity, CreatePool, Op, RemoveLiquidity};
use serde_json::json;

use super::submit::submit;
use crate::args::Pool;
use crate::local::Local;
use crate::output::{Failure, Output};

/// The pool's record.
pub fn find(data: &Path, pool: PoolId) -> Result<PoolRecord, Failure> {
    match Local::open(data)?.node.chain().record(&RecordId::Pool(pool)) {
        Ok(Some(Record::Pool(record))) => Ok(record),
        _ => Err(Failure::refused(POOL_UNKNOWN, pool)),
    }
}

pub fn run(args: Pool, output: &Output) -> Result<(), Failure> {
    match args {
        Pool::Show { data, pool } => {
            let record = find(&data.data, pool)?;
            let reserves = &record.reserves;
            output.line(format_args!(
                "{pool}: {} {} and {} {}",
                reserves.a(),
                record.asset_a,
                reserves.b(),
                record.asset_b
            ));
            output.line(format_args!(
                "{} shares, fee {} basis points",
                reserves.shares(),
                reserves.fee_bps()
            ));
            if let Ok(price) = reserves.spot_price(Direction::AToB) {
                output.line(format_args!("one {} is {price} {}", record.asset_a, record.asset_b));
            }
            output.result(&json!(view::Pool::new(pool, &record, view::Confirmed::default())));
            Ok(())
        }
        Pool::Create { data, signing, from, pool, mut assets, fee_bps } => {
            assets.sort();
            let [asset_a, asset_b] = assets[..] else {
                return Err(Failure::argument("--assets", "two assets were expected"));
            };
            let op = Op::CreatePool(CreatePool { pool, asset_a, asset_b, fee_bps });
            submit(&data.data, &signing, from, op, output)
        }
        Pool::Add { data, signing, from, pool, max_a, max_b, min_shares } => {
            let PoolRecord { asset_a, asset_b, .. } = find(&data.data, pool)?;
            let op = Op::AddLiquidity(AddLiquidity {
                pool,
                asset_a,
                asset_b,
                max_a,
                max_b,
                min_shares,
                deadline_ms: None,
            });
            submit(&data.data, &signing, from, op, output)
        }
        Pool::Remove { data, signing, from, pool, shares, min_a, min_b } => {
            let PoolRecord { asset_a, asset_b, .. } = find(&data.data, pool)?;
            let op = Op::RemoveLiquidity(RemoveLiquidity {
                pool,
                asset_a,
                asset_b,
                shares,
                min_a,
                min_b,
                deadline_ms: None,
            });
            submit(&data.data, &signing, from, op, output)
        }
    }
}
