//! Transactions: made from a struct, read back into one, summarised, identified; and their signed form.
//!
//! A transaction names its chain and its sender, carries the sender's next nonce, the last block height at which it is
//! valid, a fee in the native asset QNX, and one operation. Its bytes are canonical: one transaction has one encoding.

use core::ffi::c_char;

use qenex_core::codec;
use qenex_core::crypto::scheme::{Purpose, Scheme, signing_digest, verify};
use qenex_core::ledger::Rule;
use qenex_core::tx::{
    KeyRef, Line, MAX_KEYS, Signature, SignedTransaction, Summary, Transaction, encode_signed, signed_len,
};

use crate::amount::qnx_amount_t;
use crate::hash::{qnx_hash_t, to_c as hash_to_c};
use crate::key::qnx_scheme_t;
use crate::memory::{ArgumentError, Fallible, Lent, Plain, plain, status};
use crate::record::qnx_authority_t;
use crate::status::qnx_status_t;
use crate::text::{qnx_id_t, qnx_reference_t};

mod from_c;
mod to_c;

/// Receivers of one transfer, at most.
pub const QNX_RECEIVERS_MAX: usize = 16;
/// Bytes of the longest transaction.
pub const QNX_TRANSACTION_MAX: usize = 1399;
/// Signatures of one transaction, at most.
pub const QNX_SIGNATURES_MAX: usize = 8;
/// Lines of the longest summary.
pub const QNX_SUMMARY_LINES_MAX: usize = 54;

/// The operations.
pub type qnx_op_t = u8;
/// Opens an account.
pub const QNX_OP_CREATE_ACCOUNT: qnx_op_t = 0;
/// Replaces the sender's keys.
pub const QNX_OP_ROTATE_AUTHORITY: qnx_op_t = 1;
/// Freezes an account or lifts the freeze.
pub const QNX_OP_SET_FROZEN: qnx_op_t = 2;
/// Closes the sender's account for ever.
pub const QNX_OP_CLOSE_ACCOUNT: qnx_op_t = 3;
/// Creates an asset.
pub const QNX_OP_CREATE_ASSET: qnx_op_t = 4;
/// Issues units of an asset.
pub const QNX_OP_ISSUE: qnx_op_t = 5;
/// Burns units of an asset.
pub const QNX_OP_BURN: qnx_op_t = 6;
/// Moves an asset to one or many receivers, all or nothing.
pub const QNX_OP_TRANSFER: qnx_op_t = 7;
/// Creates an empty constant-product pool.
pub const QNX_OP_CREATE_POOL: qnx_op_t = 8;
/// Puts liquidity into a pool.
pub const QNX_OP_ADD_LIQUIDITY: qnx_op_t = 9;
/// Takes liquidity out of a pool.
pub const QNX_OP_REMOVE_LIQUIDITY: qnx_op_t = 10;
/// Swaps an exact input.
pub const QNX_OP_SWAP_EXACT_IN: qnx_op_t = 11;
/// Swaps for an exact output.
pub const QNX_OP_SWAP_EXACT_OUT: qnx_op_t = 12;

/// QNX_OP_CREATE_ACCOUNT.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct qnx_create_account_t {
    /// Its id, not yet in use.
    pub account: qnx_id_t,
    /// What it is.
    pub kind: u8,
    /// How well its holder is known.
    pub kyc: u8,
    /// Who may act for it.
    pub authority: qnx_authority_t,
}

/// QNX_OP_ROTATE_AUTHORITY.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct qnx_rotate_authority_t {
    /// The new keys.
    pub authority: qnx_authority_t,
}

/// QNX_OP_SET_FROZEN.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct qnx_set_frozen_t {
    /// The account.
    pub account: qnx_id_t,
    /// 1 to freeze, 0 to lift.
    pub frozen: u8,
}

/// QNX_OP_CREATE_ASSET.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct qnx_create_asset_t {
    /// The most that may ever be in circulation.
    pub max_supply: qnx_amount_t,
    /// Its id, not yet in use.
    pub asset: qnx_id_t,
}

/// QNX_OP_ISSUE.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct qnx_issue_t {
    /// How many units.
    pub amount: qnx_amount_t,
    /// The asset.
    pub asset: qnx_id_t,
    /// Who receives them.
    pub to: qnx_id_t,
}

/// QNX_OP_BURN.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct qnx_burn_t {
    /// How many units.
    pub amount: qnx_amount_t,
    /// The asset.
    pub asset: qnx_id_t,
}

/// One receiver of a transfer.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct qnx_leg_t {
    /// How much.
    pub amount: qnx_amount_t,
    /// Who receives.
    pub to: qnx_id_t,
    /// What for; may be empty.
    pub reference: qnx_reference_t,
}

/// QNX_OP_TRANSFER.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct qnx_transfer_t {
    /// Who receives how much; different receivers.
    pub legs: [qnx_leg_t; QNX_RECEIVERS_MAX],
    /// How many of them, 1 to QNX_RECEIVERS_MAX.
    pub leg_count: u8,
    /// The asset.
    pub asset: qnx_id_t,
}

/// QNX_OP_CREATE_POOL.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct qnx_create_pool_t {
    /// Its id, not yet in use.
    pub pool: qnx_id_t,
    /// The asset whose id comes first.
    pub asset_a: qnx_id_t,
    /// The asset whose id comes second.
    pub asset_b: qnx_id_t,
    /// What the pool keeps of each swap's input, in basis points.
    pub fee_bps: u16,
}

/// QNX_OP_ADD_LIQUIDITY.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct qnx_add_liquidity_t {
    /// The most of the first asset to put in.
    pub max_a: qnx_amount_t,
    /// The most of the second asset to put in.
    pub max_b: qnx_amount_t,
    /// The fewest shares to accept.
    pub min_shares: qnx_amount_t,
    /// The latest block time, in milliseconds since the Unix epoch.
    pub deadline_ms: u64,
    /// 1 if there is a latest time, else 0.
    pub has_deadline: u8,
    /// The pool.
    pub pool: qnx_id_t,
    /// Its first asset.
    pub asset_a: qnx_id_t,
    /// Its second asset.
    pub asset_b: qnx_id_t,
}

/// QNX_OP_REMOVE_LIQUIDITY.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct qnx_remove_liquidity_t {
    /// How many shares to give back.
    pub shares: qnx_amount_t,
    /// The least of the first asset to accept.
    pub min_a: qnx_amount_t,
    /// The least of the second asset to accept.
    pub min_b: qnx_amount_t,
    /// The latest block time, in milliseconds since the Unix epoch.
    pub deadline_ms: u64,
    /// 1 if there is a latest time, else 0.
    pub has_deadline: u8,
    /// The pool.
    pub pool: qnx_id_t,
    /// Its first asset.
    pub asset_a: qnx_id_t,
    /// Its second asset.
    pub asset_b: qnx_id_t,
}

/// QNX_OP_SWAP_EXACT_IN and QNX_OP_SWAP_EXACT_OUT.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct qnx_swap_t {
    /// How much is given exactly; or how much is received exactly.
    pub exact: qnx_amount_t,
    /// The least that is received; or the most that is given.
    pub limit: qnx_amount_t,
    /// The latest block time, in milliseconds since the Unix epoch.
    pub deadline_ms: u64,
    /// The largest price impact, in basis points.
    pub max_price_impact_bps: u16,
    /// 1 if there is a largest price impact, else 0.
    pub has_max_price_impact: u8,
    /// 1 if there is a latest time, else 0.
    pub has_deadline: u8,
    /// The pool.
    pub pool: qnx_id_t,
    /// The asset to give.
    pub asset_in: qnx_id_t,
    /// The asset to receive.
    pub asset_out: qnx_id_t,
}

/// What an operation says.
#[repr(C)]
#[derive(Clone, Copy)]
pub union qnx_op_body_t {
    /// QNX_OP_CREATE_ACCOUNT.
    pub create_account: qnx_create_account_t,
    /// QNX_OP_ROTATE_AUTHORITY.
    pub rotate_authority: qnx_rotate_authority_t,
    /// QNX_OP_SET_FROZEN.
    pub set_frozen: qnx_set_frozen_t,
    /// QNX_OP_CREATE_ASSET.
    pub create_asset: qnx_create_asset_t,
    /// QNX_OP_ISSUE.
    pub issue: qnx_issue_t,
    /// QNX_OP_BURN.
    pub burn: qnx_burn_t,
    /// QNX_OP_TRANSFER.
    pub transfer: qnx_transfer_t,
    /// QNX_OP_CREATE_POOL.
    pub create_pool: qnx_create_pool_t,
    /// QNX_OP_ADD_LIQUIDITY.
    pub add_liquidity: qnx_add_liquidity_t,
    /// QNX_OP_REMOVE_LIQUIDITY.
    pub remove_liquidity: qnx_remove_liquidity_t,
    /// QNX_OP_SWAP_EXACT_IN, QNX_OP_SWAP_EXACT_OUT.
    pub swap: qnx_swap_t,
}

/// A transaction.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct qnx_transaction_t {
    /// How many transactions of the sender came before it.
    pub nonce: u64,
    /// The last block height at which it may be executed.
    pub last_valid_height: u64,
    /// What the sender pays to the block's proposer, in the native asset.
    pub fee: qnx_amount_t,
    /// The chain that it is for.
    pub chain_id: qnx_id_t,
    /// The account that asks and pays.
    pub sender: qnx_id_t,
    /// Which operation the body is; QNX_OP_CLOSE_ACCOUNT has none.
    pub op: qnx_op_t,
    /// What the operation says.
    pub body: qnx_op_body_t,
}

/// One line of a summary.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct qnx_line_t {
    /// What it is about: at most 21 characters, and a zero byte.
    pub label: [c_char; 22],
    /// What it says: at most 80 characters of printable ASCII, and a zero byte.
    pub value: [c_char; 81],
}

/// One key's signature of a transaction. The bytes belong to whoever made them.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct qnx_signature_t {
    /// The key.
    pub public_key: *const u8,
    /// Bytes of the key.
    pub public_key_len: usize,
    /// The signature.
    pub signature: *const u8,
    /// Bytes of the signature.
    pub signature_len: usize,
    /// How the key signs.
    pub scheme: qnx_scheme_t,
}

/// A signed transaction, in parts that lie in the bytes that it was read from: it is valid as long as those are.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct qnx_signed_t {
    /// The canonical bytes of the transaction.
    pub transaction: *const u8,
    /// Bytes of the transaction.
    pub transaction_len: usize,
    /// The signatures, then zeros.
    pub signatures: [qnx_signature_t; QNX_SIGNATURES_MAX],
    /// How many there are.
    pub signature_count: usize,
    /// The transaction's id.
    pub id: qnx_hash_t,
}

plain!(
    qnx_create_account_t,
    qnx_rotate_authority_t,
    qnx_set_frozen_t,
    qnx_create_asset_t,
    qnx_issue_t,
    qnx_burn_t,
    qnx_leg_t,
    qnx_transfer_t,
    qnx_create_pool_t,
    qnx_add_liquidity_t,
    qnx_remove_liquidity_t,
    qnx_swap_t,
    qnx_op_body_t,
    qnx_transaction_t,
    qnx_line_t,
    qnx_signature_t,
    qnx_signed_t,
);

/// Writes the canonical bytes of a transaction. `*len` is the room of `out` before and the length after; QNX_TRANSACTION_MAX is always enough.
///
/// Codes: ID_SYNTAX, TEXT_SYNTAX, NUM_OVERFLOW, SCHEME_UNKNOWN, AUTHORITY_*, TRANSFER_*, BUFFER_TOO_SMALL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_transaction_encode(
    transaction: *const qnx_transaction_t,
    out: *mut u8,
    len: *mut usize,
) -> qnx_status_t {
    status((|| {
        let mut lent = Lent::new();
        // SAFETY: promised by the caller.
        let transaction = unsafe { lent.value(transaction)? };
        // SAFETY: promised by the caller.
        let out = unsafe { lent.buffer(out, len)? };
        let mut borrowed = from_c::Borrowed::default();
        let transaction = from_c::read(transaction, &mut borrowed)?;
        out.fill(codec::encoded_len(&transaction), |buffer| Ok(codec::encode(&transaction, buffer)?.len()))
    })())
}

/// Reads the canonical bytes of a transaction. What it does not say is zero.
///
/// Codes: DECODE_*, NUMBER_UNKNOWN for operations on stake.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_transaction_decode(
    bytes: *const u8,
    len: usize,
    out: *mut qnx_transaction_t,
) -> qnx_status_t {
    status((|| {
        let mut lent = Lent::new();
        // SAFETY: promised by the caller.
        let transaction = decode(unsafe { lent.values(bytes, len)? })?;
        // SAFETY: promised by the caller.
        let out = unsafe { lent.place(out)? };
        out.write(to_c::write(&transaction)?);
        Ok(())
    })())
}

/// The id of a transaction, from its canonical bytes: what its signers sign.
///
/// Codes: DECODE_*.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_transaction_id(
    bytes: *const u8,
    len: usize,
    out: *mut qnx_hash_t,
) -> qnx_status_t {
    status((|| {
        let mut lent = Lent::new();
        // SAFETY: promised by the caller.
        let transaction = decode(unsafe { lent.values(bytes, len)? })?;
        // SAFETY: promised by the caller.
        let out = unsafe { lent.place(out)? };
        out.write(hash_to_c(transaction.id()));
        Ok(())
    })())
}

/// How many lines the clear-signing summary of a transaction has.
///
/// Codes: DECODE_*.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_summary_count(bytes: *const u8, len: usize, count: *mut usize) -> qnx_status_t {
    status((|| {
        let mut lent = Lent::new();
        // SAFETY: promised by the caller.
        let transaction = decode(unsafe { lent.values(bytes, len)? })?;
        // SAFETY: promised by the caller.
        let count = unsafe { lent.place(count)? };
        count.write(Summary::new(&transaction).len());
        Ok(())
    })())
}

/// Line `index` of the summary, which says everything that the transaction will do.
///
/// Codes: DECODE_*, NUMBER_UNKNOWN past the last line.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_summary_line(
    bytes: *const u8,
    len: usize,
    index: usize,
    out: *mut qnx_line_t,
) -> qnx_status_t {
    status((|| {
        let mut lent = Lent::new();
        // SAFETY: promised by the caller.
        let transaction = decode(unsafe { lent.values(bytes, len)? })?;
        // SAFETY: promised by the caller.
        let out = unsafe { lent.place(out)? };
        let line = Summary::new(&transaction).line(index).ok_or(ArgumentError::Number)?;
        out.write(line_to_c(&line));
        Ok(())
    })())
}

pub(crate) fn line_to_c(line: &Line) -> qnx_line_t {
    let mut text = qnx_line_t::zeroed();
    // The last byte stays zero.
    let (label, value) = (text.label.iter_mut().take(21), text.value.iter_mut().take(80));
    label.zip(line.label.bytes()).for_each(|(slot, byte)| *slot = byte as c_char);
    value.zip(line.value.bytes()).for_each(|(slot, byte)| *slot = byte as c_char);
    text
}

/// Writes the signed form: a transaction's canonical bytes and the signatures of its sender's keys, in ascending order of scheme and key hash.
/// `*len` is the room of `out` before and the length after.
///
/// Codes: DECODE_*, SCHEME_UNKNOWN, BUFFER_TOO_SMALL; NUMBER_UNKNOWN for more than QNX_SIGNATURES_MAX signatures.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_signed_encode(
    transaction: *const u8,
    transaction_len: usize,
    signatures: *const qnx_signature_t,
    signature_count: usize,
    out: *mut u8,
    len: *mut usize,
) -> qnx_status_t {
    status((|| {
        let mut lent = Lent::new();
        // SAFETY: promised by the caller.
        let transaction = decode(unsafe { lent.values(transaction, transaction_len)? })?;
        // SAFETY: promised by the caller.
        let given = unsafe { lent.values(signatures, signature_count)? };
        let mut signatures = heapless::Vec::<Signature<'_>, MAX_KEYS>::new();
        for signature in given {
            let read = Signature {
                scheme: Scheme::from_number(signature.scheme)?,
                // SAFETY: promised by the caller.
                public_key: unsafe { lent.values(signature.public_key, signature.public_key_len)? },
                // SAFETY: promised by the caller.
                signature: unsafe { lent.values(signature.signature, signature.signature_len)? },
            };
            signatures.push(read).map_err(|_| ArgumentError::Number)?;
        }
        // SAFETY: promised by the caller.
        let out = unsafe { lent.buffer(out, len)? };
        let needed = signed_len(&transaction, &signatures).ok_or(ArgumentError::Number)?;
        out.fill(needed, |buffer| Ok(encode_signed(&transaction, &signatures, buffer)?.len()))
    })())
}

/// Reads a signed transaction, whose parts are lent from `bytes`. No signature is verified by it.
///
/// Codes: DECODE_*.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_signed_decode(
    bytes: *const u8,
    len: usize,
    out: *mut qnx_signed_t,
) -> qnx_status_t {
    status((|| {
        let mut lent = Lent::new();
        // SAFETY: promised by the caller.
        let signed = SignedTransaction::decode(unsafe { lent.values(bytes, len)? })?;
        // SAFETY: promised by the caller.
        let out = unsafe { lent.place(out)? };
        let mut parts = qnx_signed_t::zeroed();
        parts.transaction = signed.transaction_bytes.as_ptr();
        parts.transaction_len = signed.transaction_bytes.len();
        parts.signature_count = signed.signatures.len();
        parts.id = hash_to_c(signed.id());
        for (slot, signature) in parts.signatures.iter_mut().zip(&signed.signatures) {
            slot.scheme = signature.scheme.number();
            slot.public_key = signature.public_key.as_ptr();
            slot.public_key_len = signature.public_key.len();
            slot.signature = signature.signature.as_ptr();
            slot.signature_len = signature.signature.len();
        }
        out.write(parts);
        Ok(())
    })())
}

/// Accepts a signed transaction whose signatures are all by these keys, of this transaction, and exactly those that the authority
/// of its sender asks for.
///
/// Codes: DECODE_*, SCHEME_UNKNOWN, AUTHORITY_*, PUBLIC_KEY_*, SIGNATURE_*.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_signed_verify(
    bytes: *const u8,
    len: usize,
    authority: *const qnx_authority_t,
) -> qnx_status_t {
    status((|| {
        let mut lent = Lent::new();
        // SAFETY: promised by the caller.
        let signed = SignedTransaction::decode(unsafe { lent.values(bytes, len)? })?;
        // SAFETY: promised by the caller.
        let authority = from_c::read_authority(unsafe { lent.value(authority)? })?;
        let id = signed.id();
        let mut signers = heapless::Vec::<KeyRef, MAX_KEYS>::new();
        for Signature { scheme, public_key, signature } in &signed.signatures {
            let digest = signing_digest(*scheme, Purpose::Transaction, &id);
            verify(*scheme, public_key, &digest, signature)?;
            signers.push(KeyRef::of(*scheme, public_key)).map_err(|_| ArgumentError::Number)?;
        }
        if authority.get().is_met_by(&signers) { Ok(()) } else { Err(Rule::AuthorityNotMet.into()) }
    })())
}

/// The leaf entry of a signed transaction in its block's transaction tree, for `qnx_log_leaf`: 64 bytes to `out`.
///
/// Codes: DECODE_*.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_signed_log_entry(bytes: *const u8, len: usize, out: *mut u8) -> qnx_status_t {
    status((|| {
        let mut lent = Lent::new();
        // SAFETY: promised by the caller.
        let signed = SignedTransaction::decode(unsafe { lent.values(bytes, len)? })?;
        // SAFETY: promised by the caller.
        let out = unsafe { lent.place(out.cast::<[u8; 64]>())? };
        out.write(signed.log_entry());
        Ok(())
    })())
}

fn decode(bytes: &[u8]) -> Fallible<Transaction<'_>> {
    Ok(codec::decode(bytes)?)
}

const _: () = assert!(
    QNX_TRANSACTION_MAX == <Transaction<'_> as codec::Encoded>::MAX_LEN
        && QNX_RECEIVERS_MAX == qenex_core::tx::MAX_RECEIVERS
        && QNX_SIGNATURES_MAX == MAX_KEYS
        && QNX_SUMMARY_LINES_MAX == qenex_core::tx::MAX_SUMMARY_LINES
);
