//! Checkpoints, by which the light client follows the ends of epochs without relying on Ed25519 alone.
//!
//! When an epoch has ended, those who decided in it sign its last header once more, each with the key of checkpoints whose hash stands in the set:
//! of QNX_HYBRID, with QNX_PURPOSE_CHECKPOINT. The trusted header is the same as that of certificates, and moves on by either.

use qenex_core::consensus::{Checkpoint, Endorsement, FollowingCheckpoint};
use qenex_core::crypto::scheme::Scheme;

use crate::hash::{qnx_hash_t, to_c};
use crate::key::qnx_scheme_t;
use crate::light::{header, qnx_header_t, qnx_trusted_t, trusted, trusted_to_c};
use crate::memory::{Lent, status};
use crate::state::{real_size, state};
use crate::status::qnx_status_t;

/// A header whose checkpoint is being checked.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct qnx_checkpoint_t {
    /// Only the library reads it.
    pub opaque: [u64; 128],
}
state!(qnx_checkpoint_t, FollowingCheckpoint, 9);

/// What validators sign of the last header of an epoch, for the purpose of checkpoints.
///
/// Codes: ID_SYNTAX.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_checkpoint_id(from: *const qnx_header_t, out: *mut qnx_hash_t) -> qnx_status_t {
    status((|| {
        let mut lent = Lent::new();
        // SAFETY: promised by the caller.
        let header = header(unsafe { lent.value(from)? })?;
        // SAFETY: promised by the caller.
        let out = unsafe { lent.place(out)? };
        out.write(to_c(Checkpoint::of(&header).id()));
        Ok(())
    })())
}

/// Starts the check that a newer header is final by its checkpoint: all members of its set follow.
///
/// Codes: ID_SYNTAX, HEADER_*.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_checkpoint_init(
    state: *mut qnx_checkpoint_t,
    believed: *const qnx_trusted_t,
    newer: *const qnx_header_t,
) -> qnx_status_t {
    status((|| {
        let mut lent = Lent::new();
        // SAFETY: promised by the caller.
        let believed = trusted(unsafe { lent.value(believed)? })?;
        // SAFETY: promised by the caller.
        let newer = header(unsafe { lent.value(newer)? })?;
        let following = believed.follow_checkpoint(&newer)?;
        // SAFETY: promised by the caller.
        unsafe { lent.init(state, following) }
    })())
}

/// Takes the next member of the set, which did not sign: the key of its votes and the hash of its key of checkpoints.
///
/// Codes: SCHEME_UNKNOWN, VALIDATOR_SET, CERTIFICATE_SIGNATURE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_checkpoint_push(
    state: *mut qnx_checkpoint_t,
    scheme: qnx_scheme_t,
    vote_key: *const u8,
    vote_key_len: usize,
    finality_key: *const qnx_hash_t,
) -> qnx_status_t {
    status((|| {
        let mut lent = Lent::new();
        // SAFETY: promised by the caller.
        let following = unsafe { lent.state(state)? };
        // SAFETY: promised by the caller.
        let vote_key = unsafe { lent.values(vote_key, vote_key_len)? };
        // SAFETY: promised by the caller.
        let finality_key = &unsafe { lent.value(finality_key)? }.bytes;
        let scheme = Scheme::from_number(scheme)?;
        Ok(following.endorsements.push(scheme, vote_key, Endorsement::Missing(finality_key))?)
    })())
}

/// Takes the next member of the set, which signed: the key of its votes, its key of checkpoints and its signature.
///
/// Codes: SCHEME_UNKNOWN, VALIDATOR_SET, CERTIFICATE_SIGNATURE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_checkpoint_push_signed(
    state: *mut qnx_checkpoint_t,
    scheme: qnx_scheme_t,
    vote_key: *const u8,
    vote_key_len: usize,
    public_key: *const u8,
    public_key_len: usize,
    signature: *const u8,
    signature_len: usize,
) -> qnx_status_t {
    status((|| {
        let mut lent = Lent::new();
        // SAFETY: promised by the caller.
        let following = unsafe { lent.state(state)? };
        // SAFETY: promised by the caller.
        let vote_key = unsafe { lent.values(vote_key, vote_key_len)? };
        // SAFETY: promised by the caller.
        let public_key = unsafe { lent.values(public_key, public_key_len)? };
        // SAFETY: promised by the caller.
        let signature = unsafe { lent.values(signature, signature_len)? };
        let scheme = Scheme::from_number(scheme)?;
        Ok(following.endorsements.push(scheme, vote_key, Endorsement::Signed { public_key, signature })?)
    })())
}

/// What is believed from now on: replaces `*believed` if all members came and a quorum of them signed.
///
/// Codes: ID_SYNTAX, HEADER_*, VALIDATOR_SET, CERTIFICATE_SIGNERS, CERTIFICATE_SIGNATURE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_checkpoint_finish(
    state: *const qnx_checkpoint_t,
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
pub unsafe extern "C" fn qnx_checkpoint_clear(state: *mut qnx_checkpoint_t) -> qnx_status_t {
    // SAFETY: promised by the caller.
    status(unsafe { Lent::new().clear(state) })
}

/// How many bytes of a `qnx_checkpoint_t` are used.
#[unsafe(no_mangle)]
pub extern "C" fn qnx_checkpoint_size() -> usize {
    real_size::<qnx_checkpoint_t>()
}
