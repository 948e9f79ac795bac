//! `qenex account`.

use qenex_core::crypto::{Hash, KeyHash, Scheme};
use qenex_core::error::ACCOUNT_UNKNOWN;
use qenex_core::ledger::{Record, RecordId};
use qenex_core::tx::{
    AccountKind, AuthorityBuf, CreateAccount, KeyRef, KycLevel, Op, RotateAuthority, SetFrozen,
};
use serde_json::{Value, json};

use super::show;
use super::submit::submit;
use crate::args::{Account, Data, Kind, Owners, Status};
use crate::keys;
use crate::local::Local;
use crate::output::{Failure, Output};

pub fn run(args: Account, output: &Output) -> Result<(), Failure> {
    match args {
        Account::Show { data, account } => {
            let local = Local::open(&data.data)?;
            let chain = local.node.chain();
            let record = chain.account(account).ok_or_else(|| Failure::refused(ACCOUNT_UNKNOWN, account))?;
            let json = show::account_json(chain, account, &record);
            let (balances, shares) = show::holdings(chain, account);
            output.line(format_args!(
                "{account}: {}, {}, KYC {}, nonce {}",
                record.kind, record.status, record.kyc, record.nonce
            ));
            output.line(format_args!(
                "{} of {} keys",
                record.authority.threshold(),
                record.authority.key_count()
            ));
            for key in record.authority.keys() {
                output.line(format_args!("  {} {}", key.scheme, key.hash));
            }
            for (asset, amount) in balances {
                output.line(format_args!("{amount} {asset}"));
            }
            for (pool, amount) in shares {
                output.line(format_args!("{amount} shares of {pool}"));
            }
            output.result(&json);
            Ok(())
        }
        Account::List { data, most } => list(&data, most, output),
        Account::Create { data, signing, from, account, kind, kyc, owners } => {
            let kind = match kind {
                Kind::Individual => AccountKind::Individual,
                Kind::Institution => AccountKind::Institution,
                Kind::Government => AccountKind::Government,
                Kind::System => AccountKind::System,
            };
            let kyc = KycLevel::from_number(kyc).unwrap_or(KycLevel::None);
            let authority = authority(&owners)?;
            let op = Op::CreateAccount(CreateAccount { account, kind, kyc, authority: authority.get() });
            submit(&data.data, &signing, from, op, output)
        }
        Account::Rotate { data, signing, account, owners } => {
            let authority = authority(&owners)?;
            let op = Op::RotateAuthority(RotateAuthority { authority: authority.get() });
            submit(&data.data, &signing, account, op, output)
        }
        Account::Freeze(args) => set_frozen(&args, true, output),
        Account::Unfreeze(args) => set_frozen(&args, false, output),
        Account::Close { data, signing, account } => {
            submit(&data.data, &signing, account, Op::CloseAccount, output)
        }
    }
}

fn set_frozen(args: &Status, frozen: bool, output: &Output) -> Result<(), Failure> {
    let op = Op::SetFrozen(SetFrozen { account: args.account, frozen });
    submit(&args.data.data, &args.signing, args.from, op, output)
}

fn authority(owners: &Owners) -> Result<AuthorityBuf, Failure> {
    let own = owners.owner_keys.iter().map(|file| Ok(keys::key_ref(&keys::read(file)?)));
    let elsewhere = owners.owner_hashes.iter().map(|text| {
        let hash = Hash::from_hex(text)
            .ok_or_else(|| Failure::argument("--owner-hash", "64 hexadecimal digits were expected"))?;
        Ok(KeyRef { scheme: Scheme::Ed25519, hash: KeyHash(hash) })
    });
    let mut refs = own.chain(elsewhere).collect::<Result<Vec<KeyRef>, Failure>>()?;
    refs.sort();
    AuthorityBuf::new(owners.threshold, &refs)
        .map_err(|error| Failure::argument("--owner-key, --owner-hash, --threshold", error))
}

fn list(data: &Data, most: usize, output: &Output) -> Result<(), Failure> {
    let local = Local::open(&data.data)?;
    let mut accounts: Vec<_> = local
        .node
        .chain()
        .records()
        .decoded()
        .filter_map(|(id, record)| match (id, record) {
            (RecordId::Account(id), Record::Account(account)) => Some((id, account)),
            _ => None,
        })
        .collect();
    accounts.sort_by_key(|(id, _)| *id);
    let total = accounts.len();
    let mut json = Vec::new();
    for (id, account) in accounts.into_iter().take(most) {
        output.line(format_args!(
            "{id:<24} {:<11} {:<6} nonce {:<6} {} holdings",
            account.kind, account.status, account.nonce, account.holdings
        ));
        json.push(json!({
            "account": id.to_string(), "kind": account.kind.as_str(), "status": account.status.as_str(),
            "nonce": account.nonce, "holdings": account.holdings,
        }));
    }
    output.line(format_args!("{} of {total} accounts", json.len()));
    output.result(&json!({ "total": total, "accounts": Value::Array(json) }));
    Ok(())
}
