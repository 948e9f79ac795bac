//! The encoding as its description reads: a tag of two bytes, then fields one after the other. Integers are
//! little-endian in groups of seven bits, texts and lists have their length before them, options and booleans are one byte.
//! Written by hand, without serde or postcard, so that it shows what those must do.

use qenex_core::consensus::Header;
use qenex_core::ledger::{Outcome, Receipt, Record, RecordId};
use qenex_core::num::Amount;
use qenex_core::tx::{Authority, Op, Transaction};

/// Bytes that are put together field by field.
#[derive(Clone, Default)]
pub struct Plain(pub Vec<u8>);

impl Plain {
    pub fn tag(tag: u16) -> Self {
        Self(tag.to_be_bytes().to_vec())
    }

    pub fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend(bytes);
        self
    }

    pub fn integer(mut self, value: impl Into<u128>) -> Self {
        let mut value = value.into();
        while value >= 128 {
            self.0.push((value % 128) as u8 + 128);
            value /= 128;
        }
        self.0.push(value as u8);
        self
    }

    pub fn text(self, text: impl ToString) -> Self {
        let text = text.to_string();
        self.integer(text.len() as u64).raw(text.as_bytes())
    }

    pub fn amount(self, amount: Amount) -> Self {
        self.integer(amount.units())
    }

    fn option(self, value: Option<impl Into<u128>>) -> Self {
        match value {
            None => self.raw(&[0]),
            Some(value) => self.raw(&[1]).integer(value),
        }
    }

    pub fn authority(self, authority: &Authority<'_>) -> Self {
        let start = self.raw(&[authority.threshold()]).integer(33 * authority.key_count() as u64);
        authority.keys().fold(start, |out, key| out.raw(&[key.scheme.number()]).raw(key.hash.0.as_bytes()))
    }

    fn append(self, other: Self) -> Self {
        self.raw(&other.0)
    }
}

pub fn op(op: &Op<'_>) -> Plain {
    match op {
        Op::CreateAccount(op) => {
            Plain::tag(0x0200).text(op.account).raw(&[op.kind as u8, op.kyc as u8]).authority(&op.authority)
        }
        Op::RotateAuthority(op) => Plain::tag(0x0208).authority(&op.authority),
        Op::SetFrozen(op) => Plain::tag(0x0210).text(op.account).raw(&[u8::from(op.frozen)]),
        Op::CloseAccount => Plain::tag(0x0218),
        Op::CreateAsset(op) => Plain::tag(0x0220).text(op.asset).amount(op.max_supply),
        Op::Issue(op) => Plain::tag(0x0228).text(op.asset).text(op.to).amount(op.amount),
        Op::Burn(op) => Plain::tag(0x0230).text(op.asset).amount(op.amount),
        Op::Transfer(op) => {
            let start = Plain::tag(0x0240).text(op.asset).integer(op.legs.count() as u64);
            op.legs.iter().fold(start, |out, leg| out.text(leg.to).amount(leg.amount).text(leg.reference))
        }
        Op::CreatePool(op) => {
            Plain::tag(0x0260).text(op.pool).text(op.asset_a).text(op.asset_b).integer(op.fee_bps)
        }
        Op::AddLiquidity(op) => Plain::tag(0x0268)
            .text(op.pool)
            .text(op.asset_a)
            .text(op.asset_b)
            .amount(op.max_a)
            .amount(op.max_b)
            .amount(op.min_shares)
            .option(op.deadline_ms),
        Op::RemoveLiquidity(op) => Plain::tag(0x0270)
            .text(op.pool)
            .text(op.asset_a)
            .text(op.asset_b)
            .amount(op.shares)
            .amount(op.min_a)
            .amount(op.min_b)
            .option(op.deadline_ms),
        Op::SwapExactIn(op) => Plain::tag(0x0278)
            .text(op.pool)
            .text(op.asset_in)
            .text(op.asset_out)
            .amount(op.amount_in)
            .amount(op.min_out)
            .option(op.max_price_impact_bps)
            .option(op.deadline_ms),
        Op::SwapExactOut(op) => Plain::tag(0x0280)
            .text(op.pool)
            .text(op.asset_in)
            .text(op.asset_out)
            .amount(op.amount_out)
            .amount(op.max_in)
            .option(op.max_price_impact_bps)
            .option(op.deadline_ms),
    }
}

/// The fields before the operation.
pub fn transaction_front(tx: &Transaction<'_>) -> Plain {
    Plain::tag(0x0100)
        .text(tx.chain_id)
        .text(tx.sender)
        .integer(tx.nonce)
        .integer(tx.last_valid_height)
        .amount(tx.fee)
}

pub fn transaction(tx: &Transaction<'_>) -> Plain {
    transaction_front(tx).append(op(&tx.op))
}

pub fn signed(tx: &Transaction<'_>, signatures: &[(Vec<u8>, Vec<u8>)]) -> Plain {
    let start = Plain::tag(0x0110).append(transaction(tx)).integer(signatures.len() as u64);
    signatures.iter().fold(start, |out, (key, signature)| {
        out.raw(&[1]).integer(key.len() as u64).raw(key).integer(signature.len() as u64).raw(signature)
    })
}

pub fn header(header: &Header) -> Plain {
    Plain::tag(0x0120)
        .integer(header.protocol)
        .text(header.chain_id)
        .integer(header.epoch)
        .integer(header.view)
        .integer(header.height)
        .raw(&header.parent.0)
        .integer(header.time_ms)
        .text(header.proposer)
        .raw(&header.transaction_root.0)
        .raw(&header.state_root.0)
        .raw(&header.receipt_root.0)
        .raw(&header.validators.0)
        .raw(&header.next_validators.0)
        .integer(header.seal.len() as u64)
        .raw(&header.seal)
}

pub fn receipt(receipt: &Receipt) -> Plain {
    let start = Plain::tag(0x0130).amount(receipt.fee);
    start.append(match receipt.outcome {
        Outcome::Done => Plain::tag(0x0500),
        Outcome::Swapped(a, b) => Plain::tag(0x0510).amount(a).amount(b),
        Outcome::Deposited(a, b, c) => Plain::tag(0x0520).amount(a).amount(b).amount(c),
        Outcome::Withdrawn(a, b) => Plain::tag(0x0530).amount(a).amount(b),
    })
}

pub fn record(record: &Record<'_>) -> Plain {
    match record {
        Record::Account(account) => Plain::tag(0x0300)
            .raw(&[account.kind as u8, account.status as u8, account.kyc as u8])
            .integer(account.nonce)
            .integer(account.holdings)
            .authority(&account.authority),
        Record::Asset(asset) => {
            Plain::tag(0x0310).text(asset.issuer).amount(asset.supply).amount(asset.max_supply)
        }
        Record::Balance(balance) => Plain::tag(0x0320).amount(balance.amount),
        Record::Pool(pool) => Plain::tag(0x0330)
            .text(pool.asset_a)
            .text(pool.asset_b)
            .amount(pool.reserves.a())
            .amount(pool.reserves.b())
            .amount(pool.reserves.shares())
            .integer(pool.reserves.fee_bps()),
        Record::Shares(shares) => Plain::tag(0x0340).amount(shares.amount),
    }
}

pub fn record_id(id: &RecordId) -> Plain {
    match id {
        RecordId::Account(account) => Plain::tag(0x0400).text(account),
        RecordId::Asset(asset) => Plain::tag(0x0410).text(asset),
        RecordId::Balance(account, asset) => Plain::tag(0x0420).text(account).text(asset),
        RecordId::Pool(pool) => Plain::tag(0x0430).text(pool),
        RecordId::Shares(account, pool) => Plain::tag(0x0440).text(account).text(pool),
    }
}
