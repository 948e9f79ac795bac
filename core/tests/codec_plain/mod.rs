//! The encoding as its description reads: a tag of two bytes, then fields one after the other. Integers are
//! little-endian in groups of seven bits, texts and lists have their length before them, options and booleans are one byte.
//! Written by hand, without serde or postcard, so that it shows what those must do.

use qenex_core::consensus::{Header, Proposal, Round, Vote};
use qenex_core::ledger::{Outcome, Receipt, Record, RecordId, Staking};
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

    /// Bytes that are lent, with their number.
    fn lent(self, bytes: &[u8]) -> Self {
        self.integer(bytes.len() as u64).raw(bytes)
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
        Op::Stand(op) => Plain::tag(0x02a0)
            .integer(op.slot)
            .lent(op.vote_key.0)
            .lent(op.peer_key.0)
            .lent(op.finality_key.0)
            .integer(op.commission_bps)
            .amount(op.amount),
        Op::Leave(op) => Plain::tag(0x02a8).integer(op.slot),
        Op::Delegate(op) => Plain::tag(0x02b0).text(op.validator).amount(op.amount),
        Op::Unbond(op) => Plain::tag(0x02b8).text(op.validator).amount(op.shares),
        Op::Withdraw(op) => Plain::tag(0x02c0).text(op.validator),
        Op::Report(op) => Plain::tag(0x02c8)
            .text(op.validator)
            .lent(op.vote_key.0)
            .append(vote(&op.first.vote))
            .lent(op.first.signature.0)
            .append(vote(&op.second.vote))
            .lent(op.second.signature.0),
    }
}

fn vote(vote: &Vote) -> Plain {
    let round = |out: Plain, round: Round| out.integer(round.epoch).integer(round.view);
    let proposal = |out: Plain, proposal: &Proposal| {
        round(out, proposal.round).integer(proposal.parent_view).raw(&proposal.header.0)
    };
    match vote {
        Vote::Notarize(about) => proposal(Plain::tag(0x0150), about),
        Vote::Nullify(about) => round(Plain::tag(0x0158), *about),
        Vote::Finalize(about) => proposal(Plain::tag(0x0160), about),
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
        Outcome::Delegated(shares) => Plain::tag(0x0580).amount(shares),
        Outcome::Unbonded(amount, epoch) => Plain::tag(0x0588).amount(amount).integer(epoch),
        Outcome::Released(amount) => Plain::tag(0x0590).amount(amount),
        Outcome::Slashed(amount) => Plain::tag(0x0598).amount(amount),
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
        Record::Staking(Staking { rules, epoch, seats, seed }) => Plain::tag(0x0380)
            .integer(rules.epoch_blocks)
            .raw(&[rules.seats_max])
            .amount(rules.min_stake)
            .integer(rules.unbonding_epochs)
            .integer(rules.jail_epochs)
            .integer(rules.missed_limit)
            .integer(rules.slash_bps)
            .amount(rules.block_reward)
            .integer(*epoch)
            .raw(&[*seats])
            .raw(&seed.0),
        Record::Validator(record) => [record.bonded, record.unbonding].iter().fold(
            Plain::tag(0x0388)
                .lent(record.vote_key.0)
                .lent(record.peer_key.0)
                .lent(record.finality_key.0)
                .lent(record.former_key.0)
                .integer(record.former_until)
                .option(record.slot)
                .integer(record.commission_bps)
                .integer(record.barred_until),
            |out, pool| out.amount(pool.tokens).amount(pool.shares),
        ),
        Record::Unbonding(record) => Plain::tag(0x0390).amount(record.shares).integer(record.release_epoch),
        Record::Holder(record) => Plain::tag(0x0398).text(record.account),
        Record::Seat(record) => Plain::tag(0x03a0)
            .text(record.account)
            .lent(record.vote_key.0)
            .lent(record.peer_key.0)
            .lent(record.finality_key.0)
            .amount(record.weight)
            .integer(record.commission_bps)
            .integer(record.made)
            .integer(record.missed),
    }
}

pub fn record_id(id: &RecordId) -> Plain {
    match id {
        RecordId::Account(account) => Plain::tag(0x0400).text(account),
        RecordId::Asset(asset) => Plain::tag(0x0410).text(asset),
        RecordId::Balance(account, asset) => Plain::tag(0x0420).text(account).text(asset),
        RecordId::Pool(pool) => Plain::tag(0x0430).text(pool),
        RecordId::Shares(account, pool) => Plain::tag(0x0440).text(account).text(pool),
        RecordId::Staking => Plain::tag(0x0480),
        RecordId::Validator(account) => Plain::tag(0x0488).text(account),
        RecordId::Delegation(account, validator) => Plain::tag(0x0490).text(account).text(validator),
        RecordId::Unbonding(account, validator) => Plain::tag(0x0498).text(account).text(validator),
        RecordId::Candidate(slot) => Plain::tag(0x04a0).integer(*slot),
        RecordId::Key(key) => Plain::tag(0x04a8).raw(&key.0),
        RecordId::Seat(place) => Plain::tag(0x04b0).raw(&[*place]),
    }
}
