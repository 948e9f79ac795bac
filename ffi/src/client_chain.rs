//! The client of a device: the chain that it follows, votes, and what it proves about itself.

use qenex_core::consensus::{Vote, VoteKind};
use qenex_core::crypto::{Scheme, ed25519};
use qenex_core::error::CHANNEL_MESSAGE;
use qenex_core::hsm::Refusal;
use qenex_core::hsm::client::{Client, Member};
use qenex_core::hsm::proto::{
    Anchor, Attestation, BeginHeader, Command, GiveVote, Nonce, Signed, SignedHead,
};

use crate::client::{Callback, qnx_client_t, qnx_trust_t, trust_to_c, with};
use crate::hash::{qnx_hash_t, to_c};
use crate::key::qnx_scheme_t;
use crate::light::{header, proposal, qnx_header_t, qnx_proposal_t};
use crate::memory::{Lent, Plain, plain, unknown_number};
use crate::status::qnx_status_t;
use crate::text::{Text, qnx_id_t};

/// Bytes of the set of those who signed a header: a bit for each place, the lowest bit of the first byte for place 0.
pub const QNX_SIGNERS_SIZE: usize = 32;
/// Bytes of a nonce.
pub const QNX_NONCE_SIZE: usize = 32;
/// Bytes of a vote's or an attestation's signature: Ed25519.
pub const QNX_VOTE_SIGNATURE_SIZE: usize = 64;

/// The kinds of votes.
pub type qnx_vote_kind_t = u8;
/// The proposal may become final.
pub const QNX_VOTE_NOTARIZE: qnx_vote_kind_t = 1;
/// The view shall end without a block.
pub const QNX_VOTE_NULLIFY: qnx_vote_kind_t = 2;
/// The proposal is final.
pub const QNX_VOTE_FINALIZE: qnx_vote_kind_t = 3;

/// The newest place of a device's audit log.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct qnx_audit_head_t {
    /// How many entries there have ever been.
    pub count: u64,
    /// The hash over them; zeros before the first.
    pub hash: qnx_hash_t,
    /// The attestation key that has signed it.
    pub public_key: [u8; 32],
    /// Its signature of count, hash and nonce.
    pub signature: [u8; QNX_VOTE_SIGNATURE_SIZE],
}

/// What a device says of itself, signed.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct qnx_attestation_t {
    /// How many entries its audit log has ever had.
    pub audit_count: u64,
    /// The newest header that it trusts.
    pub trusted: qnx_trust_t,
    /// Its firmware's version.
    pub version: u32,
    /// The hash of its firmware's image, as its loader has measured it.
    pub measurement: qnx_hash_t,
    /// The hash over its audit log.
    pub audit_hash: qnx_hash_t,
    /// Its name; an empty text before it was initialised.
    pub name: qnx_id_t,
    /// The attestation key that has signed it.
    pub public_key: [u8; 32],
    /// Its signature of all this and the nonce.
    pub signature: [u8; QNX_VOTE_SIGNATURE_SIZE],
}
plain!(qnx_audit_head_t, qnx_attestation_t);

/// An Ed25519 signature that a device gave.
fn signature(bytes: &[u8]) -> Result<[u8; ed25519::SIGNATURE_BYTES], Refusal> {
    bytes.try_into().map_err(|_| Refusal(CHANNEL_MESSAGE.number))
}

/// Lets officers say where belief starts: a header, and the longest block time between two headers that follow each other. A person
/// confirms it on the panel.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_client_anchor(
    state: *mut qnx_client_t,
    from: *const qnx_header_t,
    trusting_period_ms: u64,
) -> qnx_status_t {
    let act = |lent: &mut Lent, client: &mut Client<Callback>| {
        // SAFETY: promised by the caller.
        let header = header(unsafe { lent.value(from)? })?;
        client.ask(Command::Anchor, &Anchor { trusting_period_ms, header })?;
        Ok(())
    };
    // SAFETY: promised by the caller.
    unsafe { with(state, act) }
}

/// Brings a newer header, what was finalized, and who signed it, QNX_SIGNERS_SIZE bytes. All members of the set follow.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_client_begin_header(
    state: *mut qnx_client_t,
    newer: *const qnx_header_t,
    finalized: *const qnx_proposal_t,
    signers: *const u8,
) -> qnx_status_t {
    let act = |lent: &mut Lent, client: &mut Client<Callback>| {
        // SAFETY: promised by the caller.
        let header = header(unsafe { lent.value(newer)? })?;
        // SAFETY: promised by the caller.
        let proposal = proposal(unsafe { lent.value(finalized)? });
        // SAFETY: promised by the caller.
        let signers = *unsafe { lent.value(signers.cast::<[u8; QNX_SIGNERS_SIZE]>())? };
        client.ask(Command::BeginHeader, &BeginHeader { header, proposal, signers })?;
        Ok(())
    };
    // SAFETY: promised by the caller.
    unsafe { with(state, act) }
}

/// Brings the next member of the set, with its signature, or with a null one if it did not sign.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_client_push_member(
    state: *mut qnx_client_t,
    scheme: qnx_scheme_t,
    public_key: *const u8,
    public_key_len: usize,
    finality_key: *const qnx_hash_t,
    signature: *const u8,
    signature_len: usize,
) -> qnx_status_t {
    let act = |lent: &mut Lent, client: &mut Client<Callback>| {
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
        Ok(client.members(&[Member { scheme, public_key, finality_key, signature }])?)
    };
    // SAFETY: promised by the caller.
    unsafe { with(state, act) }
}

/// Lets the device trust the header, if all members came and a quorum of them signed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_client_finish_header(state: *mut qnx_client_t) -> qnx_status_t {
    // SAFETY: promised by the caller.
    unsafe { with(state, |_, client| Ok(client.tell(Command::FinishHeader)?)) }
}

/// Lets the vote key in a slot sign a vote: QNX_VOTE_SIGNATURE_SIZE bytes to `out`. To nullify, only epoch and view of the proposal count.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_client_vote(
    state: *mut qnx_client_t,
    slot: u8,
    kind: qnx_vote_kind_t,
    on: *const qnx_proposal_t,
    out: *mut u8,
) -> qnx_status_t {
    let act = |lent: &mut Lent, client: &mut Client<Callback>| {
        // SAFETY: promised by the caller.
        let proposal = proposal(unsafe { lent.value(on)? });
        // SAFETY: promised by the caller.
        let out = unsafe { lent.place(out.cast::<[u8; QNX_VOTE_SIGNATURE_SIZE]>())? };
        let vote = match VoteKind::from_number(kind).ok_or(unknown_number())? {
            VoteKind::Notarize => Vote::Notarize(proposal),
            VoteKind::Nullify => Vote::Nullify(proposal.round),
            VoteKind::Finalize => Vote::Finalize(proposal),
        };
        let signed: Signed<'_> = client.get(Command::Vote, &GiveVote { slot, vote })?;
        out.write(signature(signed.signature)?);
        Ok(())
    };
    // SAFETY: promised by the caller.
    unsafe { with(state, act) }
}

/// The newest place of the audit log, signed for a nonce of 32 random bytes. The signature is right; whether the public key is the device's
/// is for the caller to know. QNX_ERR_SIGNATURE_MISMATCH: it is not.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_client_audit_head(
    state: *mut qnx_client_t,
    nonce: *const u8,
    out: *mut qnx_audit_head_t,
) -> qnx_status_t {
    let act = |lent: &mut Lent, client: &mut Client<Callback>| {
        // SAFETY: promised by the caller.
        let nonce = *unsafe { lent.value(nonce.cast::<[u8; QNX_NONCE_SIZE]>())? };
        // SAFETY: promised by the caller.
        let out = unsafe { lent.place(out)? };
        let signed: SignedHead<'_> = client.get(Command::AuditHead, &Nonce { nonce })?;
        signed.verify(&nonce)?;
        let mut head = qnx_audit_head_t::zeroed();
        head.count = signed.head.count;
        head.hash = to_c(signed.head.hash);
        head.public_key = signed.public_key;
        head.signature = signature(signed.signature)?;
        out.write(head);
        Ok(())
    };
    // SAFETY: promised by the caller.
    unsafe { with(state, act) }
}

/// What the device says of itself, signed for a nonce of 32 random bytes. The signature is right; whether the public key is the device's
/// is for the caller to know. QNX_ERR_SIGNATURE_MISMATCH: it is not, or the answer is one to another nonce.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_client_attest(
    state: *mut qnx_client_t,
    nonce: *const u8,
    out: *mut qnx_attestation_t,
) -> qnx_status_t {
    let act = |lent: &mut Lent, client: &mut Client<Callback>| {
        // SAFETY: promised by the caller.
        let nonce = *unsafe { lent.value(nonce.cast::<[u8; QNX_NONCE_SIZE]>())? };
        // SAFETY: promised by the caller.
        let out = unsafe { lent.place(out)? };
        let attestation: Attestation<'_> = client.get(Command::Attest, &Nonce { nonce })?;
        attestation.verify(&nonce)?;
        let report = &attestation.report;
        let mut said = qnx_attestation_t::zeroed();
        said.audit_count = report.audit.count;
        said.trusted = trust_to_c(&report.trusted);
        said.version = report.version;
        said.measurement = to_c(report.measurement);
        said.audit_hash = to_c(report.audit.hash);
        if let Some(name) = &report.name {
            said.name = name.write();
        }
        said.public_key = attestation.public_key;
        said.signature = signature(attestation.signature)?;
        out.write(said);
        Ok(())
    };
    // SAFETY: promised by the caller.
    unsafe { with(state, act) }
}

const _: () = assert!(
    QNX_VOTE_SIGNATURE_SIZE == ed25519::SIGNATURE_BYTES
        && QNX_VOTE_NOTARIZE == VoteKind::Notarize as u8
        && QNX_VOTE_NULLIFY == VoteKind::Nullify as u8
        && QNX_VOTE_FINALIZE == VoteKind::Finalize as u8
);
