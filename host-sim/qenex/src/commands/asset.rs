//! `qenex asset`.

use qenex_core::error::ASSET_UNKNOWN;
use qenex_core::ledger::{Record, RecordId};
use qenex_core::num::Amount;
use qenex_core::tx::{Burn, CreateAsset, Issue, Op};
use serde_json::json;

use super::submit::submit;
use crate::args::Asset;
use crate::local::Local;
use crate::output::{Failure, Output};

pub fn run(args: Asset, output: &Output) -> Result<(), Failure> {
    match args {
        Asset::Show { data, asset } => {
            let local = Local::open(&data.data)?;
            let Ok(Some(Record::Asset(record))) = local.node.chain().record(&RecordId::Asset(asset)) else {
                return Err(Failure::refused(ASSET_UNKNOWN, asset));
            };
            output.line(format_args!("{asset}: issued by {}", record.issuer));
            output.line(format_args!("supply {} of at most {}", record.supply, record.max_supply));
            output.result(&json!({
                "asset": asset.to_string(), "issuer": record.issuer.to_string(),
                "supply": record.supply.to_string(), "max_supply": record.max_supply.to_string(),
            }));
            Ok(())
        }
        Asset::Create { data, signing, from, asset, max_supply } => {
            let op = Op::CreateAsset(CreateAsset { asset, max_supply: max_supply.unwrap_or(Amount::MAX) });
            submit(&data.data, &signing, from, op, output)
        }
        Asset::Issue { data, signing, from, to, amount, asset } => {
            submit(&data.data, &signing, from, Op::Issue(Issue { asset, to, amount }), output)
        }
        Asset::Burn { data, signing, from, amount, asset } => {
            submit(&data.data, &signing, from, Op::Burn(Burn { asset, amount }), output)
        }
    }
}
