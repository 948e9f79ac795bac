//! Headers of blocks, and the light client that follows final ones.
//!
//! Belief starts at a header that somebody vouches for. A newer header is believed once a quorum of the set of validators that is trusted for
//! its epoch has finalized it; one final header covers all its ancestors. Times are in milliseconds since the Unix epoch.

use qenex_core::codec;
use qenex_core::consensus::{
    Anchor, Following, Header, MAX_SEAL_LEN, Proposal, Round, SetHasher, Trusted, Vote,
};
use qenex_core::crypto::scheme::Scheme;

use crate::hash::{of_core, qnx_hash_t, to_c};
use crate::key::qnx_scheme_t;
use crate::memory::{ArgumentError, Fallible, Lent, Plain, plain, status};
use crate::state::{real_size, state};
use crate::status::qnx_status_t;
use crate::text::{Text, qnx_id_t};

/// Bytes of the longest header.
pub const QNX_HEADER_MAX: usize = 352;
/// Bytes of the longest seal.
pub const QNX_SEAL_MAX: usize = 64;

/// What a block commits to.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct qnx_header_t {
    /// The epoch, during which the validators stay the same.
    pub epoch: u64,
    /// The attempt of the epoch in which it was first proposed; zero on a chain without validators.
    pub view: u64,
    /// How many blocks came before it.
    pub height: u64,
    /// When it was proposed, in milliseconds since the Unix epoch.
    pub time_ms: u64,
    /// The version of the rules.
    pub protocol: u16,
    /// Bytes of the seal.
    pub seal_len: u8,
    /// The chain.
    pub chain_id: qnx_id_t,
    /// The account that the block's fees go to.
    pub proposer: qnx_id_t,
    /// The id of the block before.
    pub parent: qnx_hash_t,
    /// Root of the transaction tree.
    pub transaction_root: qnx_hash_t,
    /// Root of the state tree after the block.
    pub state_root: qnx_hash_t,
    /// Root of the receipt tree.
    pub receipt_root: qnx_hash_t,
    /// Hash of the set of validators that decides on this block.
    pub validators: qnx_hash_t,
    /// Hash of the set that decides on the next block.
    pub next_validators: qnx_hash_t,
    /// What a chain without validators puts its proof into, then zeros.
    pub seal: [u8; QNX_SEAL_MAX],
}

/// What was finalized: this header in this round, after the one of the parent's view.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct qnx_proposal_t {
    /// The epoch.
    pub epoch: u64,
    /// The attempt.
    pub view: u64,
    /// The view of its parent, zero for the start of the epoch.
    pub parent_view: u64,
    /// The id of the header.
    pub header: qnx_hash_t,
}

/// The newest header that is believed.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct qnx_trusted_t {
    /// Its height.
    pub height: u64,
    /// Its epoch.
    pub epoch: u64,
    /// Its time.
    pub time_ms: u64,
    /// The longest time between two headers that follow each other.
    pub trusting_period_ms: u64,
    /// The chain.
    pub chain_id: qnx_id_t,
    /// Its id.
    pub header: qnx_hash_t,
    /// The root of the records after it.
    pub state_root: qnx_hash_t,
    /// The set that decided on it.
    pub validators: qnx_hash_t,
    /// The set that decides on the block after it.
    pub next_validators: qnx_hash_t,
}
plain!(qnx_header_t, qnx_proposal_t, qnx_trusted_t);

/// The hash of a set of validators, from its members one after the other.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct qnx_validators_t {
    /// Only the library reads it.
    pub opaque: [u64; 64],
}
state!(qnx_validators_t, SetHasher, 5);

/// A header whose certificate is being checked.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct qnx_following_t {
    /// Only the library reads it.
    pub opaque: [u64; 128],
}
state!(qnx_following_t, Following, 6);

pub(crate) fn header(from: &qnx_header_t) -> Fallible<Header> {
    let seal = from.seal.get(..usize::from(from.seal_len)).ok_or(ArgumentError::Number)?;
    Ok(Header {
        protocol: from.protocol,
        chain_id: Text::read(&from.chain_id)?,
        epoch: from.epoch,
        view: from.view,
        height: from.height,
        parent: of_core(&from.parent),
        time_ms: from.time_ms,
        proposer: Text::read(&from.proposer)?,
        transaction_root: of_core(&from.transaction_root),
        state_root: of_core(&from.state_root),
        receipt_root: of_core(&from.receipt_root),
        validators: of_core(&from.validators),
        next_validators: of_core(&from.next_validators),
        seal: heapless::Vec::from_slice(seal).map_err(|_| ArgumentError::Number)?,
    })
}

fn header_to_c(header: &Header) -> qnx_header_t {
    let mut out = qnx_header_t::zeroed();
    out.protocol = header.protocol;
    out.chain_id = header.chain_id.write();
    out.epoch = header.epoch;
    out.view = header.view;
    out.height = header.height;
    out.parent = to_c(header.parent);
    out.time_ms = header.time_ms;
    out.proposer = header.proposer.write();
    out.transaction_root = to_c(header.transaction_root);
    out.state_root = to_c(header.state_root);
    out.receipt_root = to_c(header.receipt_root);
    out.validators = to_c(header.validators);
    out.next_validators = to_c(header.next_validators);
    out.seal_len = header.seal.len() as u8;
    out.seal.iter_mut().zip(&header.seal).for_each(|(slot, byte)| *slot = *byte);
    out
}

pub(crate) const fn proposal(from: &qnx_proposal_t) -> Proposal {
    Proposal {
        round: Round { epoch: from.epoch, view: from.view },
        parent_view: from.parent_view,
        header: of_core(&from.header),
    }
}

pub(crate) fn trusted(from: &qnx_trusted_t) -> Fallible<Trusted> {
    Ok(Trusted {
        chain_id: Text::read(&from.chain_id)?,
        height: from.height,
        epoch: from.epoch,
        time_ms: from.time_ms,
        header: of_core(&from.header),
        state_root: of_core(&from.state_root),
        validators: of_core(&from.validators),
        next_validators: of_core(&from.next_validators),
        trusting_period_ms: from.trusting_period_ms,
    })
}

pub(crate) fn trusted_to_c(trusted: &Trusted) -> qnx_trusted_t {
    let mut out = qnx_trusted_t::zeroed();
    out.chain_id = trusted.chain_id.write();
    out.height = trusted.height;
    out.epoch = trusted.epoch;
    out.time_ms = trusted.time_ms;
    out.header = to_c(trusted.header);
    out.state_root = to_c(trusted.state_root);
    out.validators = to_c(trusted.validators);
    out.next_validators = to_c(trusted.next_validators);
    out.trusting_period_ms = trusted.trusting_period_ms;
    out
}

/// Writes the canonical bytes of a header. `*len` is the room of `out` before and the length after; QNX_HEADER_MAX is always enough.
///
/// Codes: ID_SYNTAX, BUFFER_TOO_SMALL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_header_encode(
    from: *const qnx_header_t,
    out: *mut u8,
    len: *mut usize,
) -> qnx_status_t {
    status((|| {
        let mut lent = Lent::new();
        // SAFETY: promised by the caller.
        let header = header(unsafe { lent.value(from)? })?;
        // SAFETY: promised by the caller.
        let out = unsafe { lent.buffer(out, len)? };
        out.fill(codec::encoded_len(&header), |buffer| Ok(codec::encode(&header, buffer)?.len()))
    })())
}

/// Reads the canonical bytes of a header.
///
/// Codes: DECODE_*.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_header_decode(
    bytes: *const u8,
    len: usize,
    out: *mut qnx_header_t,
) -> qnx_status_t {
    status((|| {
        let mut lent = Lent::new();
        // SAFETY: promised by the caller.
        let header: Header = codec::decode(unsafe { lent.values(bytes, len)? })?;
        // SAFETY: promised by the caller.
        let out = unsafe { lent.place(out)? };
        out.write(header_to_c(&header));
        Ok(())
    })())
}

/// The id of a header, which is that of its block.
///
/// Codes: ID_SYNTAX.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_header_id(from: *const qnx_header_t, out: *mut qnx_hash_t) -> qnx_status_t {
    status((|| {
        let mut lent = Lent::new();
        // SAFETY: promised by the caller.
        let header = header(unsafe { lent.value(from)? })?;
        // SAFETY: promised by the caller.
        let out = unsafe { lent.place(out)? };
        out.write(to_c(header.id()));
        Ok(())
    })())
}

/// What validators sign to finalize a proposal of a chain, for the purpose of votes.
///
/// Codes: ID_SYNTAX.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_finalize_id(
    chain_id: *const qnx_id_t,
    finalized: *const qnx_proposal_t,
    out: *mut qnx_hash_t,
) -> qnx_status_t {
    status((|| {
        let mut lent = Lent::new();
        // SAFETY: promised by the caller.
        let chain_id = Text::read(unsafe { lent.value(chain_id)? })?;
        // SAFETY: promised by the caller.
        let proposal = proposal(unsafe { lent.value(finalized)? });
        // SAFETY: promised by the caller.
        let out = unsafe { lent.place(out)? };
        out.write(to_c(Vote::Finalize(proposal).id(&chain_id)));
        Ok(())
    })())
}

/// Starts the hash of a set of validators.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_validators_init(state: *mut qnx_validators_t) -> qnx_status_t {
    // SAFETY: promised by the caller.
    status(unsafe { Lent::new().init(state, SetHasher::new()) })
}

/// Adds a member: the key of its votes, and the hash of its key of checkpoints; members come in ascending order of scheme and key.
///
/// Codes: SCHEME_UNKNOWN, VALIDATOR_SET.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_validators_push(
    state: *mut qnx_validators_t,
    scheme: qnx_scheme_t,
    public_key: *const u8,
    public_key_len: usize,
    finality_key: *const qnx_hash_t,
) -> qnx_status_t {
    status((|| {
        let mut lent = Lent::new();
        // SAFETY: promised by the caller.
        let set = unsafe { lent.state(state)? };
        // SAFETY: promised by the caller.
        let public_key = unsafe { lent.values(public_key, public_key_len)? };
        // SAFETY: promised by the caller.
        let finality_key = unsafe { lent.value(finality_key)? };
        Ok(set.push(Scheme::from_number(scheme)?, public_key, &finality_key.bytes)?)
    })())
}

/// The hash of the set.
///
/// Codes: VALIDATOR_SET.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_validators_hash(
    state: *const qnx_validators_t,
    out: *mut qnx_hash_t,
) -> qnx_status_t {
    status((|| {
        let mut lent = Lent::new();
        // SAFETY: promised by the caller.
        let set = unsafe { lent.state_ref(state)? };
        // SAFETY: promised by the caller.
        let out = unsafe { lent.place(out)? };
        out.write(to_c(set.clone().finish()?));
        Ok(())
    })())
}

/// Forgets a set.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_validators_clear(state: *mut qnx_validators_t) -> qnx_status_t {
    // SAFETY: promised by the caller.
    status(unsafe { Lent::new().clear(state) })
}

/// How many bytes of a `qnx_validators_t` are used.
#[unsafe(no_mangle)]
pub extern "C" fn qnx_validators_size() -> usize {
    real_size::<qnx_validators_t>()
}

/// Starts belief at a header that the caller vouches for. The trusting period is the longest block time between two headers that
/// follow each other; it is shorter than the chain's unbonding delay.
///
/// Codes: ID_SYNTAX, HEADER_PROTOCOL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_trust_anchor(
    from: *const qnx_header_t,
    trusting_period_ms: u64,
    out: *mut qnx_trusted_t,
) -> qnx_status_t {
    status((|| {
        let mut lent = Lent::new();
        // SAFETY: promised by the caller.
        let header = header(unsafe { lent.value(from)? })?;
        // SAFETY: promised by the caller.
        let out = unsafe { lent.place(out)? };
        out.write(trusted_to_c(&Trusted::new(&Anchor { header, trusting_period_ms })?));
        Ok(())
    })())
}

/// Starts the check that a newer header is final: its proposal, then all members of its set.
///
/// Codes: ID_SYNTAX, HEADER_*, CERTIFICATE_PROPOSAL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_following_init(
    state: *mut qnx_following_t,
    believed: *const qnx_trusted_t,
    newer: *const qnx_header_t,
    finalized: *const qnx_proposal_t,
) -> qnx_status_t {
    status((|| {
        let mut lent = Lent::new();
        // SAFETY: promised by the caller.
        let believed = trusted(unsafe { lent.value(believed)? })?;
        // SAFETY: promised by the caller.
        let newer = header(unsafe { lent.value(newer)? })?;
        // SAFETY: promised by the caller.
        let proposal = proposal(unsafe { lent.value(finalized)? });
        let following = believed.follow(&newer, &proposal)?;
        // SAFETY: promised by the caller.
        unsafe { lent.init(state, following) }
    })())
}

/// Takes the next member of the set, with its signature, or with a null one if it did not sign.
///
/// Codes: SCHEME_UNKNOWN, VALIDATOR_SET, CERTIFICATE_SIGNATURE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_following_push(
    state: *mut qnx_following_t,
    scheme: qnx_scheme_t,
    public_key: *const u8,
    public_key_len: usize,
    finality_key: *const qnx_hash_t,
    signature: *const u8,
    signature_len: usize,
) -> qnx_status_t {
    status((|| {
        let mut lent = Lent::new();
        // SAFETY: promised by the caller.
        let following = unsafe { lent.state(state)? };
        // SAFETY: promised by the caller.
        let public_key = unsafe { lent.values(public_key, public_key_len)? };
        // SAFETY: promised by the caller.
        let finality_key = &unsafe { lent.value(finality_key)? }.bytes;
        let signature = match signature.is_null() {
            true => None,
            // SAFETY: promised by the caller.
            false => Some(unsafe { lent.values(signature, signature_len)? }),
        };
        let scheme = Scheme::from_number(scheme)?;
        Ok(following.certificate.push(scheme, public_key, finality_key, signature)?)
    })())
}

/// What is believed from now on: replaces `*believed` if all members came and a quorum of them signed.
///
/// Codes: ID_SYNTAX, HEADER_*, VALIDATOR_SET, CERTIFICATE_SIGNERS, CERTIFICATE_SIGNATURE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_following_finish(
    state: *const qnx_following_t,
    believed: *mut qnx_trusted_t,
) -> qnx_status_t {
    status((|| {
        let mut lent = Lent::new();
        // SAFETY: promised by the caller.
        let following = unsafe { lent.state_ref(state)? };
        // SAFETY: promised by the caller.
        let believed = unsafe { lent.value_mut(believed)? };
        *believed = trusted_to_c(&following.finish(&trusted(believed)?)?);
        Ok(())
    })())
}

/// Forgets a check.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_following_clear(state: *mut qnx_following_t) -> qnx_status_t {
    // SAFETY: promised by the caller.
    status(unsafe { Lent::new().clear(state) })
}

/// How many bytes of a `qnx_following_t` are used.
#[unsafe(no_mangle)]
pub extern "C" fn qnx_following_size() -> usize {
    real_size::<qnx_following_t>()
}

const _: () = assert!(QNX_HEADER_MAX == <Header as codec::Encoded>::MAX_LEN && QNX_SEAL_MAX == MAX_SEAL_LEN);
