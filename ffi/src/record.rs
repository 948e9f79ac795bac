//! Records of the ledger: where they lie in the state tree, and what they say.
//!
//! A record is what the state tree commits to: an account, an asset, a balance, a pool, shares of a pool. Balances and shares exist only
//! while they are not zero.

use qenex_core::codec;
use qenex_core::id::{AccountId, AssetId, PoolId};
use qenex_core::ledger::{AccountStatus, Record, RecordId};
use qenex_core::tx::{AccountKind, Authority, KycLevel};

use crate::amm::{pool_to_c, qnx_pool_t};
use crate::amount::{qnx_amount_t, to_c};
use crate::hash::{qnx_hash_t, to_c as hash_to_c};
use crate::memory::{Fallible, Lent, Plain, plain, status, unknown_number};
use crate::status::qnx_status_t;
use crate::text::{Text, qnx_id_t};

/// Keys of one authority, at most.
pub const QNX_AUTHORITY_KEYS_MAX: usize = 8;

/// Kinds of records.
pub type qnx_record_kind_t = u8;
/// An account, by its id.
pub const QNX_RECORD_ACCOUNT: qnx_record_kind_t = 1;
/// An asset, by its id.
pub const QNX_RECORD_ASSET: qnx_record_kind_t = 2;
/// How much an account has of an asset, by both ids.
pub const QNX_RECORD_BALANCE: qnx_record_kind_t = 3;
/// A pool, by its id.
pub const QNX_RECORD_POOL: qnx_record_kind_t = 4;
/// How many shares of a pool an account has, by both ids.
pub const QNX_RECORD_SHARES: qnx_record_kind_t = 5;
/// The chain's staking.
pub const QNX_RECORD_STAKING: qnx_record_kind_t = 6;
/// A validator, by its account.
pub const QNX_RECORD_VALIDATOR: qnx_record_kind_t = 7;
/// How many shares an account has of a validator's bonded stake, by both accounts.
pub const QNX_RECORD_DELEGATION: qnx_record_kind_t = 8;
/// What an account has unbonded from a validator, by both accounts.
pub const QNX_RECORD_UNBONDING: qnx_record_kind_t = 9;
/// Who stands in a slot of candidates.
pub const QNX_RECORD_CANDIDATE: qnx_record_kind_t = 10;
/// Whose key of votes or of the network it is.
pub const QNX_RECORD_KEY: qnx_record_kind_t = 11;
/// A seat.
pub const QNX_RECORD_SEAT: qnx_record_kind_t = 12;

/// What an account is.
pub type qnx_account_kind_t = u8;
/// A person.
pub const QNX_ACCOUNT_INDIVIDUAL: qnx_account_kind_t = 1;
/// A bank, a company, an exchange.
pub const QNX_ACCOUNT_INSTITUTION: qnx_account_kind_t = 2;
/// A public authority; may freeze accounts.
pub const QNX_ACCOUNT_GOVERNMENT: qnx_account_kind_t = 3;
/// The chain's own accounts.
pub const QNX_ACCOUNT_SYSTEM: qnx_account_kind_t = 4;

/// Whether an account may act.
pub type qnx_account_status_t = u8;
/// It may.
pub const QNX_ACCOUNT_ACTIVE: qnx_account_status_t = 1;
/// It neither sends nor receives until the freeze is lifted.
pub const QNX_ACCOUNT_FROZEN: qnx_account_status_t = 2;
/// It never will again.
pub const QNX_ACCOUNT_CLOSED: qnx_account_status_t = 3;

/// How well an account's holder is known.
pub type qnx_kyc_t = u8;
/// Unknown.
pub const QNX_KYC_NONE: qnx_kyc_t = 0;
/// Name and address stated.
pub const QNX_KYC_BASIC: qnx_kyc_t = 1;
/// Documents checked.
pub const QNX_KYC_VERIFIED: qnx_kyc_t = 2;
/// Source of funds checked.
pub const QNX_KYC_ENHANCED: qnx_kyc_t = 3;

/// A key as records hold it.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct qnx_key_ref_t {
    /// Of the public key, for the purpose of transactions: `qnx_key_hash`.
    pub hash: qnx_hash_t,
    /// How the key signs.
    pub scheme: u8,
}

/// Who may act for an account: `threshold` of its keys, which are in strictly ascending order of scheme, then hash.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct qnx_authority_t {
    /// The keys, then zeros.
    pub keys: [qnx_key_ref_t; QNX_AUTHORITY_KEYS_MAX],
    /// How many keys there are, at least 1.
    pub key_count: u8,
    /// How many of them must sign, at least 1.
    pub threshold: u8,
}

/// An account.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct qnx_account_t {
    /// How many transactions it has sent: the nonce of its next one.
    pub nonce: u64,
    /// How many balances and shares it has.
    pub holdings: u32,
    /// What it is.
    pub kind: qnx_account_kind_t,
    /// Whether it may act.
    pub status: qnx_account_status_t,
    /// How well its holder is known.
    pub kyc: qnx_kyc_t,
    /// Who may act for it.
    pub authority: qnx_authority_t,
}

/// An asset.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct qnx_asset_t {
    /// How much is in circulation.
    pub supply: qnx_amount_t,
    /// The most that may ever be.
    pub max_supply: qnx_amount_t,
    /// Who may issue and burn it.
    pub issuer: qnx_id_t,
}

/// A pool of two assets.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct qnx_pool_record_t {
    /// What it holds, the shares in it, and its fee.
    pub pool: qnx_pool_t,
    /// The asset whose id comes first.
    pub asset_a: qnx_id_t,
    /// The asset whose id comes second.
    pub asset_b: qnx_id_t,
}

/// What a record says, by its kind.
#[repr(C)]
#[derive(Clone, Copy)]
pub union qnx_record_body_t {
    /// QNX_RECORD_ACCOUNT.
    pub account: qnx_account_t,
    /// QNX_RECORD_ASSET.
    pub asset: qnx_asset_t,
    /// QNX_RECORD_BALANCE.
    pub balance: qnx_amount_t,
    /// QNX_RECORD_POOL.
    pub pool: qnx_pool_record_t,
    /// QNX_RECORD_SHARES.
    pub shares: qnx_amount_t,
}

/// A record.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct qnx_record_t {
    /// What it says.
    pub body: qnx_record_body_t,
    /// Its kind.
    pub kind: qnx_record_kind_t,
}

plain!(
    qnx_key_ref_t,
    qnx_authority_t,
    qnx_account_t,
    qnx_asset_t,
    qnx_pool_record_t,
    qnx_record_body_t,
    qnx_record_t,
);

pub(crate) fn authority_to_c(authority: &Authority<'_>) -> qnx_authority_t {
    let mut out = qnx_authority_t::zeroed();
    out.threshold = authority.threshold();
    out.key_count = authority.key_count() as u8;
    for (slot, key) in out.keys.iter_mut().zip(authority.keys()) {
        *slot = qnx_key_ref_t { hash: hash_to_c(key.hash.0), scheme: key.scheme.number() };
    }
    out
}

/// The key of a record in the state tree. `second` is used by balances (the asset) and shares (the pool), and may be null for others.
///
/// Codes: ID_SYNTAX.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_record_key(
    kind: qnx_record_kind_t,
    first: *const qnx_id_t,
    second: *const qnx_id_t,
    out: *mut qnx_hash_t,
) -> qnx_status_t {
    status((|| {
        let mut lent = Lent::new();
        // SAFETY: promised by the caller.
        let first = unsafe { lent.value(first)? };
        // SAFETY: promised by the caller.
        let mut second = || unsafe { lent.value(second) };
        let id = match kind {
            QNX_RECORD_ACCOUNT => RecordId::Account(AccountId::read(first)?),
            QNX_RECORD_ASSET => RecordId::Asset(AssetId::read(first)?),
            QNX_RECORD_BALANCE => RecordId::Balance(AccountId::read(first)?, AssetId::read(second()?)?),
            QNX_RECORD_POOL => RecordId::Pool(PoolId::read(first)?),
            QNX_RECORD_SHARES => RecordId::Shares(AccountId::read(first)?, PoolId::read(second()?)?),
            _ => return Err(unknown_number().into()),
        };
        // SAFETY: promised by the caller.
        let out = unsafe { lent.place(out)? };
        out.write(hash_to_c(id.key()));
        Ok(())
    })())
}

/// Reads the canonical bytes of a record.
///
/// Codes: DECODE_*, NUMBER_UNKNOWN for records of stake.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_record_decode(
    bytes: *const u8,
    len: usize,
    out: *mut qnx_record_t,
) -> qnx_status_t {
    status((|| {
        let mut lent = Lent::new();
        // SAFETY: promised by the caller.
        let bytes = unsafe { lent.values(bytes, len)? };
        // SAFETY: promised by the caller.
        let out = unsafe { lent.place(out)? };
        out.write(record_to_c(&codec::decode(bytes)?)?);
        Ok(())
    })())
}

fn record_to_c(record: &Record<'_>) -> Fallible<qnx_record_t> {
    let mut out = qnx_record_t::zeroed();
    match record {
        Record::Account(record) => {
            let mut account = qnx_account_t::zeroed();
            account.nonce = record.nonce;
            account.holdings = record.holdings;
            account.kind = record.kind as u8;
            account.status = record.status as u8;
            account.kyc = record.kyc as u8;
            account.authority = authority_to_c(&record.authority);
            out.body.account = account;
            out.kind = QNX_RECORD_ACCOUNT;
        }
        Record::Asset(record) => {
            let mut asset = qnx_asset_t::zeroed();
            asset.supply = to_c(record.supply);
            asset.max_supply = to_c(record.max_supply);
            asset.issuer = record.issuer.write();
            out.body.asset = asset;
            out.kind = QNX_RECORD_ASSET;
        }
        Record::Balance(record) => {
            out.body.balance = to_c(record.amount);
            out.kind = QNX_RECORD_BALANCE;
        }
        Record::Pool(record) => {
            let mut pool = qnx_pool_record_t::zeroed();
            pool.pool = pool_to_c(&record.reserves);
            pool.asset_a = record.asset_a.write();
            pool.asset_b = record.asset_b.write();
            out.body.pool = pool;
            out.kind = QNX_RECORD_POOL;
        }
        Record::Shares(record) => {
            out.body.shares = to_c(record.amount);
            out.kind = QNX_RECORD_SHARES;
        }
        Record::Staking(_)
        | Record::Validator(_)
        | Record::Unbonding(_)
        | Record::Holder(_)
        | Record::Seat(_) => return Err(unknown_number().into()),
    }
    Ok(out)
}

const _: () = assert!(
    QNX_AUTHORITY_KEYS_MAX == qenex_core::tx::MAX_KEYS
        && QNX_ACCOUNT_INDIVIDUAL == AccountKind::Individual as u8
        && QNX_ACCOUNT_INSTITUTION == AccountKind::Institution as u8
        && QNX_ACCOUNT_GOVERNMENT == AccountKind::Government as u8
        && QNX_ACCOUNT_SYSTEM == AccountKind::System as u8
        && QNX_KYC_NONE == KycLevel::None as u8
        && QNX_KYC_BASIC == KycLevel::Basic as u8
        && QNX_KYC_VERIFIED == KycLevel::Verified as u8
        && QNX_KYC_ENHANCED == KycLevel::Enhanced as u8
        && QNX_ACCOUNT_ACTIVE == AccountStatus::Active as u8
        && QNX_ACCOUNT_FROZEN == AccountStatus::Frozen as u8
        && QNX_ACCOUNT_CLOSED == AccountStatus::Closed as u8
);
