//! Policies: what a device may sign for a key; and what a device would say of a transaction.
//!
//! A policy allows what it names and nothing else. Sets of operations are bits: `1u << QNX_OP_TRANSFER`. Lists are in strictly ascending order.
//!
//! A host that asks here first is told which rule would refuse before a person is disturbed. What the device says counts: it knows what
//! has left within the policy's windows, which are not judged here.

use qenex_core::crypto::Hash;
use qenex_core::ledger::{
    Effects, Env, Fetched, MAX_ACCESS, Record, RecordId, Signers, ViewError, access, transition_into,
};
use qenex_core::policy::{Case, Executed, Policy, Windows, judge};
use qenex_core::tx::Transaction;

use crate::amount::qnx_amount_t;
use crate::hash::{qnx_hash_t, to_c};
use crate::memory::{ArgumentError, Fallible, Lent, Plain, plain, status};
use crate::record::{
    QNX_RECORD_ACCOUNT, QNX_RECORD_ASSET, QNX_RECORD_BALANCE, QNX_RECORD_CANDIDATE, QNX_RECORD_DELEGATION,
    QNX_RECORD_KEY, QNX_RECORD_POOL, QNX_RECORD_SEAT, QNX_RECORD_SHARES, QNX_RECORD_STAKING,
    QNX_RECORD_UNBONDING, QNX_RECORD_VALIDATOR, qnx_record_kind_t,
};
use crate::status::qnx_status_t;
use crate::text::{Text, qnx_id_t};

/// Records that one transaction may touch, at most.
pub const QNX_ACCESS_MAX: usize = 35;
/// Bytes of the longest policy.
pub const QNX_POLICY_MAX: usize = 2430;

/// Assets that a policy has rules for, at most.
pub const QNX_POLICY_ASSETS_MAX: usize = 8;
/// Receivers that a policy names, at most.
pub const QNX_POLICY_RECEIVERS_MAX: usize = 32;
/// Pools that a policy names, at most.
pub const QNX_POLICY_POOLS_MAX: usize = 8;
/// Persons who approve, at most.
pub const QNX_POLICY_APPROVERS_MAX: usize = 8;

/// What may happen with one asset. Assets without a rule do not leave the account.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct qnx_asset_rule_t {
    /// The most that one transaction may take out, in the worst case, its fee included.
    pub max_per_transaction: qnx_amount_t,
    /// The most within a span of block time.
    pub window_max: qnx_amount_t,
    /// What must remain of it after the transaction.
    pub min_after: qnx_amount_t,
    /// Above this, persons must approve.
    pub approve_above: qnx_amount_t,
    /// Above this, the policy's delay must pass between the request and the signature.
    pub delay_above: qnx_amount_t,
    /// The span, in milliseconds, at least 8.
    pub window_span_ms: u64,
    /// 1 if there is a span of time, else 0.
    pub has_window: u8,
    /// 1 if there is an amount above which persons must approve, else 0.
    pub has_approve_above: u8,
    /// 1 if there is an amount above which the delay must pass, else 0.
    pub has_delay_above: u8,
    /// The asset.
    pub asset: qnx_id_t,
}

/// What a device may sign for a key.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct qnx_policy_t {
    /// How far a transaction's last valid height may lie above the trusted height.
    pub max_validity_blocks: u64,
    /// How long after its request a large transaction may be signed, in milliseconds of block time.
    pub delay_ms: u64,
    /// The highest fee.
    pub max_fee: qnx_amount_t,
    /// The operations that may be signed with a witness.
    pub operations: u32,
    /// Those of them that may be signed without one.
    pub without_witness: u32,
    /// The operations that always need approvals.
    pub approve_always: u32,
    /// The largest price impact that a swap may accept.
    pub max_price_impact_bps: u16,
    /// How far the worst case of a swap, deposit or withdrawal may lie below its execution.
    pub max_slippage_bps: u16,
    /// The highest risk score, from 0 to 10,000.
    pub max_risk: u16,
    /// The first minute of the UTC day in which signatures are given, 0 to 1439.
    pub from_minute: u16,
    /// The minute after the last one, 0 to 1439.
    pub until_minute: u16,
    /// 1 if there is a largest price impact, else 0.
    pub has_max_price_impact: u8,
    /// 1 if there is a largest slippage, else 0.
    pub has_max_slippage: u8,
    /// 1 if there is a highest risk score, else 0.
    pub has_max_risk: u8,
    /// 1 if signatures are given in a part of the day only, else 0.
    pub has_hours: u8,
    /// 1 if only the receivers of the list may receive, else 0.
    pub has_receivers: u8,
    /// 1 if only the pools of the list may be used, else 0.
    pub has_pools: u8,
    /// 1 if persons approve, else 0.
    pub has_approvals: u8,
    /// How many of them must.
    pub approvals_threshold: u8,
    /// How well receivers must be known: QNX_KYC_*.
    pub min_receiver_kyc: u8,
    /// 1 if a person must press the device's button, else 0.
    pub confirm: u8,
    /// How many rules for assets there are.
    pub asset_count: u8,
    /// How many receivers the list has.
    pub receiver_count: u8,
    /// How many pools the list has.
    pub pool_count: u8,
    /// How many persons there are.
    pub approver_count: u8,
    /// The account that the key acts for.
    pub account: qnx_id_t,
    /// The rules, by their assets.
    pub assets: [qnx_asset_rule_t; QNX_POLICY_ASSETS_MAX],
    /// The receivers.
    pub receivers: [qnx_id_t; QNX_POLICY_RECEIVERS_MAX],
    /// The pools.
    pub pools: [qnx_id_t; QNX_POLICY_POOLS_MAX],
    /// The persons, by the hashes of their keys for QNX_PURPOSE_APPROVAL.
    pub approvers: [qnx_hash_t; QNX_POLICY_APPROVERS_MAX],
}

/// A record that a transaction may touch.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct qnx_record_id_t {
    /// Its key in the state tree.
    pub key: qnx_hash_t,
    /// The first identifier.
    pub first: qnx_id_t,
    /// The second one, of balances (the asset) and shares (the pool); else empty.
    pub second: qnx_id_t,
    /// Its kind.
    pub kind: qnx_record_kind_t,
}

/// Bytes that belong to whoever made them.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct qnx_bytes_t {
    /// The first of them; may be null if there are none.
    pub bytes: *const u8,
    /// How many.
    pub len: usize,
}

/// What is known of a request to sign.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct qnx_policy_case_t {
    /// The height of the newest final header.
    pub height: u64,
    /// Its time, in milliseconds since the Unix epoch.
    pub time_ms: u64,
    /// The time of the header that was the newest one when the transaction was first brought to the device.
    pub requested_ms: u64,
    /// The records that the transaction may touch, in the order of `qnx_transaction_records`; a record that does not exist has no bytes. Null if the
    /// transaction is to be signed without a witness.
    pub records: *const qnx_bytes_t,
    /// How many records.
    pub record_count: usize,
    /// The chain.
    pub chain_id: qnx_id_t,
    /// How many of the policy's persons approved.
    pub approvals: u8,
}

plain!(qnx_asset_rule_t, qnx_policy_t, qnx_record_id_t, qnx_bytes_t, qnx_policy_case_t);

mod form;

type Ids = heapless::Vec<(Hash, RecordId), MAX_ACCESS>;

/// What a transaction may touch, in ascending order of the keys.
fn sorted(transaction: &Transaction<'_>) -> Ids {
    let mut list = Ids::new();
    for id in &access(transaction) {
        // As many as there are ids.
        let _ = list.push((id.key(), *id));
    }
    // Down to its place: the sorts of the standard library can panic.
    for len in 1..=list.len() {
        let mut rest = list.get_mut(..len).unwrap_or_default();
        while let [front @ .., newest] = rest
            && let Some(before) = front.last_mut()
            && before.0 > newest.0
        {
            core::mem::swap(before, newest);
            rest = front;
        }
    }
    list
}

fn id_to_c((key, id): &(Hash, RecordId)) -> qnx_record_id_t {
    let mut out = qnx_record_id_t::zeroed();
    out.key = to_c(*key);
    let none = qnx_id_t::zeroed();
    (out.kind, out.first) = match id {
        RecordId::Account(account) => (QNX_RECORD_ACCOUNT, account.write()),
        RecordId::Asset(asset) => (QNX_RECORD_ASSET, asset.write()),
        RecordId::Balance(account, _) => (QNX_RECORD_BALANCE, account.write()),
        RecordId::Pool(pool) => (QNX_RECORD_POOL, pool.write()),
        RecordId::Shares(account, _) => (QNX_RECORD_SHARES, account.write()),
        RecordId::Staking => (QNX_RECORD_STAKING, none),
        RecordId::Validator(account) => (QNX_RECORD_VALIDATOR, account.write()),
        RecordId::Delegation(account, _) => (QNX_RECORD_DELEGATION, account.write()),
        RecordId::Unbonding(account, _) => (QNX_RECORD_UNBONDING, account.write()),
        RecordId::Candidate(_) => (QNX_RECORD_CANDIDATE, none),
        RecordId::Key(_) => (QNX_RECORD_KEY, none),
        RecordId::Seat(_) => (QNX_RECORD_SEAT, none),
    };
    match id {
        RecordId::Balance(_, asset) => out.second = asset.write(),
        RecordId::Shares(_, pool) => out.second = pool.write(),
        RecordId::Delegation(_, validator) | RecordId::Unbonding(_, validator) => {
            out.second = validator.write();
        }
        _ => {}
    }
    out
}

/// The records that a transaction may touch, in ascending order of their keys: what a witness for it must prove. `*count` is the room
/// of `out` before and their number after; QNX_ACCESS_MAX is always enough.
///
/// Codes: DECODE_*, BUFFER_TOO_SMALL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_transaction_records(
    transaction: *const u8,
    len: usize,
    out: *mut qnx_record_id_t,
    count: *mut usize,
) -> qnx_status_t {
    status((|| {
        let mut lent = Lent::new();
        // SAFETY: promised by the caller.
        let transaction: Transaction<'_> =
            qenex_core::codec::decode(unsafe { lent.values(transaction, len)? })?;
        // SAFETY: promised by the caller.
        let out = unsafe { lent.buffer(out, count)? };
        let list = sorted(&transaction);
        out.put_each(list.len(), list.iter().map(id_to_c))
    })())
}

/// Writes the canonical bytes of a policy. `*len` is the room of `out` before and the length after; QNX_POLICY_MAX is always enough.
///
/// Codes: ID_SYNTAX, NUM_OVERFLOW, POLICY_ORDER, POLICY_TOO_MANY, POLICY_RANGE, BUFFER_TOO_SMALL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_policy_encode(
    policy: *const qnx_policy_t,
    out: *mut u8,
    len: *mut usize,
) -> qnx_status_t {
    status((|| {
        let mut lent = Lent::new();
        // SAFETY: promised by the caller.
        let policy = unsafe { lent.value(policy)? };
        // SAFETY: promised by the caller.
        let out = unsafe { lent.buffer(out, len)? };
        let mut lists = form::Lists::default();
        let policy = form::read(policy, &mut lists)?;
        policy.check()?;
        let needed = qenex_core::codec::encoded_len(&policy);
        out.fill(needed, |buffer| Ok(qenex_core::codec::encode(&policy, buffer)?.len()))
    })())
}

/// Reads the canonical bytes of a policy. What it does not say is zero.
///
/// Codes: POLICY_ENCODING, POLICY_RANGE, POLICY_ORDER.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_policy_decode(
    bytes: *const u8,
    len: usize,
    out: *mut qnx_policy_t,
) -> qnx_status_t {
    status((|| {
        let mut lent = Lent::new();
        // SAFETY: promised by the caller.
        let policy = Policy::decode(unsafe { lent.values(bytes, len)? })?;
        // SAFETY: promised by the caller.
        let out = unsafe { lent.place(out)? };
        out.write(form::write(&policy));
        Ok(())
    })())
}

/// Judges a transaction as a device with this policy would, but for the windows: zero, or the code of the first rule of the ledger or
/// of the policy that refuses it.
///
/// Codes: DECODE_*, ID_SYNTAX, POLICY_*, VIEW_*, and the numbers 501 to 799 of the market maker and of the ledger.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_policy_check(
    policy: *const u8,
    policy_len: usize,
    transaction: *const u8,
    transaction_len: usize,
    case: *const qnx_policy_case_t,
) -> qnx_status_t {
    status((|| {
        let mut lent = Lent::new();
        // SAFETY: promised by the caller.
        let policy = Policy::decode(unsafe { lent.values(policy, policy_len)? })?;
        // SAFETY: promised by the caller.
        let bytes = unsafe { lent.values(transaction, transaction_len)? };
        let transaction: Transaction<'_> = qenex_core::codec::decode(bytes)?;
        // SAFETY: promised by the caller.
        let case = unsafe { lent.value(case)? };
        if case.records.is_null() {
            return judged(&policy, &transaction, case, None);
        }
        // SAFETY: promised by the caller.
        let given = unsafe { lent.values(case.records, case.record_count)? };
        let list = sorted(&transaction);
        if given.len() != list.len() {
            return Err(ViewError::Unproven.into());
        }
        let mut ids = heapless::Vec::<RecordId, MAX_ACCESS>::new();
        let mut records = heapless::Vec::<Option<Record<'_>>, MAX_ACCESS>::new();
        for ((_, id), record) in list.iter().zip(given) {
            // SAFETY: promised by the caller.
            let bytes = unsafe { Lent::new().values(record.bytes, record.len)? };
            let record = match bytes {
                [] => None,
                _ => Some(qenex_core::codec::decode(bytes)?),
            };
            let full = |_| ArgumentError::Length;
            ids.push(*id).map_err(|id| full(Some(id)))?;
            records.push(record).map_err(|_| full(None))?;
        }
        judged(&policy, &transaction, case, Some(&Fetched { ids: &ids, records: &records }))
    })())
}

fn judged<'a>(
    policy: &Policy<'_>,
    transaction: &Transaction<'a>,
    case: &qnx_policy_case_t,
    view: Option<&Fetched<'_, 'a>>,
) -> Fallible<()> {
    let mut effects = Effects::default();
    if let Some(view) = view {
        let chain_id = Text::read(&case.chain_id)?;
        // The block that the transaction may be in is the next one at the earliest.
        let env = Env { chain_id, height: case.height.saturating_add(1), time_ms: case.time_ms };
        transition_into(&env, transaction, Signers::Assumed, view, &mut effects)?;
    }
    let case = Case {
        transaction,
        height: case.height,
        time_ms: case.time_ms,
        windows: &Windows::default(),
        executed: view.map(|before| Executed { before, outcome: &effects.receipt.outcome }),
        approvals: case.approvals,
        requested_ms: case.requested_ms,
        risk: None,
    };
    judge(policy, &case)?;
    Ok(())
}

const _: () = assert!(
    QNX_POLICY_ASSETS_MAX == qenex_core::policy::MAX_ASSETS
        && QNX_POLICY_RECEIVERS_MAX == qenex_core::policy::MAX_RECEIVER_LIST
        && QNX_POLICY_POOLS_MAX == qenex_core::policy::MAX_POOLS
        && QNX_POLICY_APPROVERS_MAX == qenex_core::policy::MAX_APPROVERS
);
const _: () = assert!(
    QNX_ACCESS_MAX == MAX_ACCESS && QNX_POLICY_MAX == <Policy<'_> as qenex_core::codec::Encoded>::MAX_LEN
);
