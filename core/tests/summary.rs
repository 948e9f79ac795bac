//! The clear-signing summary: it fits the display, leaves nothing out, and tells any two transactions apart.
#![allow(clippy::unwrap_used)] // a test that meets what it does not expect should stop there

// It makes values of more kinds than are needed here.
#[allow(dead_code)]
mod codec_values;
mod kept;
mod num_common;

use codec_values::{self as values, OPS};
use kept::kept;
use num_common::{cases, rng};
use qenex_core::codec::{Encoded, decode, encode};
use qenex_core::consensus::Round;
use qenex_core::id::Reference;
use qenex_core::num::Amount;
use qenex_core::tx::{
    AddLiquidity, Authority, DISPLAY_COLUMNS, LegsBuf, MAX_SUMMARY_LINES, MAX_VALUE_LEN, Op, RemoveLiquidity,
    SignedVote, Summary, SwapExactIn, SwapExactOut, Transaction,
};
use rand::RngExt;
use rand::rngs::StdRng;

/// All that a person sees: labels, and values in rows.
fn shown(tx: &Transaction<'_>) -> Vec<String> {
    Summary::new(tx)
        .lines()
        .flat_map(|line| {
            let rows: Vec<_> = line.rows().map(str::to_string).collect();
            std::iter::once(format!("{}:", line.label)).chain(rows)
        })
        .collect()
}

fn bytes_of(tx: &Transaction<'_>) -> Vec<u8> {
    let mut buffer = vec![0; Transaction::MAX_LEN];
    encode(tx, &mut buffer).unwrap().to_vec()
}

fn percent(bps: u16) -> String {
    format!("{}.{:02}%", bps / 100, bps % 100)
}

/// The texts of all fields of an operation, as somebody writes them who does not care for a display. Deadlines are tested
/// by themselves.
fn fields(op: &Op<'_>) -> Vec<String> {
    let authority = |authority: &Authority<'_>| {
        let keys = authority.keys().map(|key| format!("{} {}", key.scheme, key.hash));
        keys.chain([format!("{} of {}", authority.threshold(), authority.key_count())]).collect::<Vec<_>>()
    };
    let impact = |limit: Option<u16>| limit.map_or("no limit".into(), percent);
    let with = |amount: Amount, asset| format!("{amount} {asset}");
    match op {
        Op::CreateAccount(op) => {
            let texts = [op.account.to_string(), op.kind.to_string(), op.kyc.to_string()];
            texts.into_iter().chain(authority(&op.authority)).collect()
        }
        Op::RotateAuthority(op) => authority(&op.authority),
        Op::SetFrozen(op) => vec![op.account.to_string()],
        Op::CloseAccount => vec![],
        Op::CreateAsset(op) => vec![op.asset.to_string(), op.max_supply.to_string()],
        Op::Issue(op) => vec![with(op.amount, op.asset), op.to.to_string()],
        Op::Burn(op) => vec![with(op.amount, op.asset)],
        Op::Transfer(op) => op
            .legs
            .iter()
            .flat_map(|leg| [with(leg.amount, op.asset), leg.to.to_string(), leg.reference.to_string()])
            .filter(|text| !text.is_empty())
            .collect(),
        Op::CreatePool(op) => {
            vec![op.pool.to_string(), op.asset_a.to_string(), op.asset_b.to_string(), percent(op.fee_bps)]
        }
        Op::AddLiquidity(op) => vec![
            op.pool.to_string(),
            with(op.max_a, op.asset_a),
            with(op.max_b, op.asset_b),
            op.min_shares.to_string(),
        ],
        Op::RemoveLiquidity(op) => vec![
            op.pool.to_string(),
            with(op.min_a, op.asset_a),
            with(op.min_b, op.asset_b),
            op.shares.to_string(),
        ],
        Op::SwapExactIn(op) => vec![
            op.pool.to_string(),
            with(op.amount_in, op.asset_in),
            with(op.min_out, op.asset_out),
            impact(op.max_price_impact_bps),
        ],
        Op::SwapExactOut(op) => vec![
            op.pool.to_string(),
            with(op.amount_out, op.asset_out),
            with(op.max_in, op.asset_in),
            impact(op.max_price_impact_bps),
        ],
        Op::Stand(op) => vec![
            op.slot.to_string(),
            hex(op.vote_key.0),
            hex(op.peer_key.0),
            hex(op.finality_key.0),
            percent(op.commission_bps),
            format!("{} QNX", op.amount),
        ],
        Op::Leave(op) => vec![op.slot.to_string()],
        Op::Delegate(op) => vec![op.validator.to_string(), format!("{} QNX", op.amount)],
        Op::Unbond(op) => vec![op.validator.to_string(), op.shares.to_string()],
        Op::Withdraw(op) => vec![op.validator.to_string()],
        Op::Report(op) => {
            let mut texts = vec![op.validator.to_string(), hex(op.vote_key.0)];
            for SignedVote { vote, signature } in [&op.first, &op.second] {
                let Round { epoch, view } = vote.round();
                let kind = format!("{:?}", vote.kind()).to_lowercase();
                texts.push(format!("{kind} epoch {epoch} view {view}"));
                texts.extend([hex(&signature.0[..32]), hex(&signature.0[32..])]);
                if let Some(proposal) = vote.proposal() {
                    texts.extend([proposal.header.to_string(), proposal.parent_view.to_string()]);
                }
            }
            texts
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn lines_fit_the_display_and_leave_nothing_out() {
    let mut rng = rng();
    let mut most = 0;
    for number in 0..cases() / 10 {
        let tx = values::transaction(&mut rng, number as usize % OPS);
        let lines: Vec<_> = Summary::new(&tx).lines().collect();
        assert_eq!(lines.len(), Summary::new(&tx).len(), "{tx:?}");
        assert!(lines.len() <= MAX_SUMMARY_LINES, "{} lines: {tx:?}", lines.len());
        assert_eq!(Summary::new(&tx).line(lines.len()), None);
        assert!(!Summary::new(&tx).is_empty());
        most = most.max(lines.len());
        for (index, line) in lines.iter().enumerate() {
            assert_eq!(Summary::new(&tx).line(index).as_ref(), Some(line));
            assert!((1..=DISPLAY_COLUMNS).contains(&line.label.len()), "{line}");
            assert!((1..=MAX_VALUE_LEN).contains(&line.value.len()), "{line}");
            assert!(line.value.bytes().all(|c| (b' '..=b'~').contains(&c)), "{line}");
            assert!(line.rows().all(|row| (1..=DISPLAY_COLUMNS).contains(&row.len())), "{line}");
            assert_eq!(line.rows().collect::<String>(), line.value.as_str());
        }
        let front = [tx.chain_id.to_string(), tx.sender.to_string(), format!("{} QNX", tx.fee)];
        let counters = [tx.nonce.to_string(), tx.last_valid_height.to_string()];
        for text in front.into_iter().chain(counters).chain(fields(&tx.op)) {
            assert!(lines.iter().any(|line| line.value == *text), "{text:?} is in no line of {tx:?}");
        }
    }
    assert!(most > 50, "no long transfer was tried");
}

/// The same transaction with one thing changed that changing a byte of the encoding does not reach.
fn edits(tx: &Transaction<'static>, rng: &mut StdRng) -> Vec<Transaction<'static>> {
    let deadlines = |of: Option<u64>| [None, Some(0), Some(1), of.map(|ms| ms ^ 1), Some(u64::MAX)];
    let impacts = |of: Option<u16>| [None, Some(0), Some(1), of.map(|bps| bps ^ 1), Some(u16::MAX)];
    let ops: Vec<Op<'_>> = match tx.op.clone() {
        Op::Transfer(transfer) => {
            let legs: Vec<_> = transfer.legs.iter().collect();
            let i = rng.random_range(0..legs.len());
            let mut lists = vec![legs[..i].to_vec(), legs[i..].to_vec()];
            let mut other = legs.clone();
            other.rotate_left(1);
            lists.push(other);
            let mut other = legs.clone();
            other[i].reference = Reference::new("").unwrap();
            lists.push(other.clone());
            other[i].reference = Reference::new(legs[i].to.as_str()).unwrap();
            lists.push(other);
            let lists = lists.iter().filter_map(|legs| Some(kept(LegsBuf::new(legs).ok()?).get()));
            lists.map(|legs| Op::Transfer(qenex_core::tx::Transfer { legs, ..transfer.clone() })).collect()
        }
        Op::AddLiquidity(op) => {
            let times = deadlines(op.deadline_ms);
            let other = RemoveLiquidity {
                pool: op.pool,
                asset_a: op.asset_a,
                asset_b: op.asset_b,
                shares: op.min_shares,
                min_a: op.max_a,
                min_b: op.max_b,
                deadline_ms: op.deadline_ms,
            };
            let swapped = AddLiquidity {
                asset_a: op.asset_b,
                asset_b: op.asset_a,
                max_a: op.max_b,
                max_b: op.max_a,
                ..op.clone()
            };
            let timed = times.map(|deadline_ms| Op::AddLiquidity(AddLiquidity { deadline_ms, ..op.clone() }));
            timed.into_iter().chain([Op::RemoveLiquidity(other), Op::AddLiquidity(swapped)]).collect()
        }
        Op::RemoveLiquidity(op) => deadlines(op.deadline_ms)
            .map(|deadline_ms| Op::RemoveLiquidity(RemoveLiquidity { deadline_ms, ..op.clone() }))
            .to_vec(),
        Op::SwapExactIn(op) => {
            let other = SwapExactOut {
                pool: op.pool,
                asset_in: op.asset_in,
                asset_out: op.asset_out,
                amount_out: op.min_out,
                max_in: op.amount_in,
                max_price_impact_bps: op.max_price_impact_bps,
                deadline_ms: op.deadline_ms,
            };
            let timed = deadlines(op.deadline_ms)
                .map(|deadline_ms| Op::SwapExactIn(SwapExactIn { deadline_ms, ..op.clone() }));
            let limited = impacts(op.max_price_impact_bps).map(|max_price_impact_bps| {
                Op::SwapExactIn(SwapExactIn { max_price_impact_bps, ..op.clone() })
            });
            timed.into_iter().chain(limited).chain([Op::SwapExactOut(other)]).collect()
        }
        Op::SwapExactOut(op) => {
            let timed = deadlines(op.deadline_ms)
                .map(|deadline_ms| Op::SwapExactOut(SwapExactOut { deadline_ms, ..op.clone() }));
            let limited = impacts(op.max_price_impact_bps).map(|max_price_impact_bps| {
                Op::SwapExactOut(SwapExactOut { max_price_impact_bps, ..op.clone() })
            });
            timed.into_iter().chain(limited).collect()
        }
        _ => vec![],
    };
    let number = rng.random_range(0..OPS);
    let any_op = values::op(rng, number);
    let mut list: Vec<_> =
        ops.into_iter().chain([any_op]).map(|op| Transaction { op, ..tx.clone() }).collect();
    list.push(Transaction { chain_id: values::chain(rng), ..tx.clone() });
    list.push(Transaction { sender: values::account(rng), ..tx.clone() });
    list.push(Transaction { nonce: values::integer(rng), ..tx.clone() });
    list.push(Transaction { last_valid_height: values::integer(rng), ..tx.clone() });
    list.push(Transaction { fee: values::amount(rng), ..tx.clone() });
    list
}

#[test]
fn transactions_that_differ_have_different_summaries() {
    let mut rng = rng();
    let mut compared = 0u64;
    for number in 0..(cases() / 100).max(OPS as u64) {
        let tx = values::transaction(&mut rng, number as usize % OPS);
        let (bytes, text) = (bytes_of(&tx), shown(&tx));
        let mut others = edits(&tx, &mut rng);
        // Every byte in turn: whatever still is a transaction differs in that place only.
        for i in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[i] ^= rng.random_range(1..=255u8) >> rng.random_range(0..8);
            others.extend(decode::<Transaction<'_>>(kept(changed)));
        }
        for other in others {
            assert_eq!(shown(&other) == text, other == tx, "{tx:?}\n{other:?}");
            compared += u64::from(other != tx);
        }
    }
    assert!(compared > 1_000, "only {compared} pairs");
}
