//! The client of a device through the C ABI, against the core's service in this process.
#![allow(clippy::unwrap_used)] // a test that meets what it does not expect should stop there

#[allow(dead_code)] // each test uses a part of it
mod c_client;
#[allow(dead_code)]
#[path = "../../core/tests/flash_disk/mod.rs"]
mod flash_disk;
#[allow(dead_code)]
#[path = "../../core/tests/hsm_bank/mod.rs"]
mod hsm_bank;
#[allow(dead_code)]
#[path = "../../core/tests/hsm_board/mod.rs"]
mod hsm_board;
#[allow(dead_code)]
#[path = "../../core/tests/merkle_model/mod.rs"]
mod merkle_model;
#[path = "../../core/tests/policy_lists/mod.rs"]
mod policy_lists;

use std::ffi::{CStr, c_char};
use std::ptr::{null, null_mut};

use c_client::{Context, bytes, code, context, exchange, id, open, text, zeroed};
use hsm_bank::{Bench, policy, transaction, transfer};
use hsm_board::{TestBoard, power_on};
use qenex_core::codec::Encoded;
use qenex_core::consensus::{Checkpoint, Header, Proposal, Round, SetHasher, Vote};
use qenex_core::crypto::{Purpose, Scheme, ed25519, signing_digest, verify};
use qenex_core::error::{
    BUFFER_TOO_SMALL, CERTIFICATE_SIGNERS, DEVICE_LINE, DEVICE_STRANGER, FRAME_LENGTH, HOST_UNPAIRED,
    ID_SYNTAX, LENGTH_TOO_LARGE, NULL_POINTER, NUMBER_UNKNOWN, PENDING_UNKNOWN, PIN_WRONG,
    POINTER_MISALIGNED, POINTER_OVERLAP, POLICY_AMOUNT, PURPOSE_UNKNOWN, SCHEME_UNKNOWN, STATE_UNINITIALISED,
    WITNESS_RECORD,
};
use qenex_core::hsm::channel::{Device, kind};
use qenex_core::hsm::proto::{MAX_FRAME, VERSION};
use qenex_core::policy::Policy;
use qenex_core::tx::Transaction;
use qenex_ffi::client::*;
use qenex_ffi::client_chain::*;
use qenex_ffi::client_keys::*;
use qenex_ffi::client_sign::*;
use qenex_ffi::cobs::*;
use qenex_ffi::hash::qnx_hash_t;
use qenex_ffi::key::*;
use qenex_ffi::light::{qnx_header_decode, qnx_header_t, qnx_proposal_t};
use qenex_ffi::status::QNX_OK;
use qenex_ffi::text::{QNX_ID_SIZE, qnx_id_t};

/// A bank's device and its user's channel.
fn enter(context: &mut Context) -> Box<qnx_client_t> {
    let mut client = open(context, None).unwrap();
    let at = &raw mut *client;
    // SAFETY: valid arguments.
    unsafe {
        assert_eq!(qnx_client_pair(at), QNX_OK);
        for (user, pin) in [("ALICE", "officer pin"), ("OSCAR", "operator pin")] {
            assert_eq!(qnx_client_login(at, &id(user), pin.as_ptr(), pin.len()), QNX_OK);
        }
    }
    client
}

#[test]
fn a_device_is_paired_and_set_up() {
    let mut context = context(Device::new(power_on(TestBoard::new(1))));
    let mut client = open(&mut context, None).unwrap();
    let at = &raw mut *client;
    // SAFETY: valid arguments.
    unsafe {
        let mut paired = 9;
        assert_eq!(qnx_client_is_paired(at, &raw mut paired), QNX_OK);
        assert_eq!(paired, 0);
        assert_eq!(qnx_client_logout(at), code(HOST_UNPAIRED));
        let (mut pairing, mut len) = ([0 as c_char; QNX_PAIRING_CODE_SIZE], 3);
        assert_eq!(qnx_client_pairing_code(at, pairing.as_mut_ptr(), &raw mut len), code(BUFFER_TOO_SMALL));
        assert_eq!(len, QNX_PAIRING_CODE_SIZE);
        assert_eq!(qnx_client_pairing_code(at, pairing.as_mut_ptr(), &raw mut len), QNX_OK);
        assert_eq!(qnx_client_pair(at), QNX_OK);
        let shown = context.device.board().shown.join("\n");
        assert!(shown.contains(CStr::from_ptr(pairing.as_ptr()).to_str().unwrap()));
        let mut key = [0; 32];
        assert_eq!(qnx_client_device_key(at, key.as_mut_ptr()), QNX_OK);
        assert_eq!(qnx_client_clear(at), QNX_OK);
        assert_eq!(client.opaque, [0; 1152], "keys and frames are overwritten");
        assert_eq!(qnx_client_logout(at), code(STATE_UNINITIALISED));
        assert_eq!(open(&mut context, Some(&[1; 32])).map(drop), Err(code(DEVICE_STRANGER)));

        let mut client = open(&mut context, Some(&key)).unwrap();
        let at = &raw mut *client;
        assert_eq!(qnx_client_is_paired(at, &raw mut paired), QNX_OK);
        assert_eq!(paired, 1);
        let pin = b"officer pin";
        let wrong = b"another pin";
        let made = qnx_client_initialise(at, &id("HSM_1"), 1, &id("ALICE"), pin.as_ptr(), pin.len());
        assert_eq!(made, QNX_OK);
        assert_eq!(qnx_client_login(at, &id("ALICE"), wrong.as_ptr(), wrong.len()), code(PIN_WRONG));
        assert_eq!(qnx_client_login(at, &id("ALICE"), pin.as_ptr(), pin.len()), QNX_OK);
        assert_eq!(qnx_client_add_user(at, &id("OSCAR"), 4, pin.as_ptr(), pin.len()), code(NUMBER_UNKNOWN));
        assert_eq!(qnx_client_add_user(at, &id("OSCAR"), QNX_ROLE_OPERATOR, pin.as_ptr(), pin.len()), QNX_OK);
        let mut status = zeroed::<qnx_client_status_t>();
        assert_eq!(qnx_client_status(at, &raw mut status), QNX_OK);
        assert_eq!((text(&status.name), status.officers_needed, status.unlocked), ("HSM_1", 1, 1));
        assert_eq!((status.trusted.present, status.logged_in), (0, 1));
        assert!(status.audit_count >= 3);

        let mut info = zeroed::<qnx_key_info_t>();
        for (slot, scheme) in [(0, QNX_ED25519), (1, QNX_HYBRID), (2, QNX_P256)] {
            let label = id("KEY");
            let made =
                qnx_client_create_key(at, slot, scheme, QNX_PURPOSE_TRANSACTION, 5, &label, &raw mut info);
            assert_eq!(made, QNX_OK);
            assert_eq!((text(&info.label), info.scheme, info.path, info.has_policy), ("KEY", scheme, 5, 0));
            assert_eq!(usize::from(info.public_key_len), qnx_public_key_size(scheme));
            let mut hash = zeroed::<qnx_hash_t>();
            let len = info.public_key_len.into();
            let key = info.public_key.as_ptr();
            assert_eq!(qnx_key_hash(scheme, QNX_PURPOSE_TRANSACTION, key, len, &raw mut hash), QNX_OK);
            assert_eq!(hash.bytes, info.hash.bytes);
            let mut again = zeroed::<qnx_key_info_t>();
            assert_eq!(qnx_client_describe_key(at, slot, &raw mut again), QNX_OK);
            assert_eq!(again.public_key, info.public_key);
        }
        let rules = bytes(&policy());
        assert_eq!(qnx_client_set_policy(at, 0, rules.as_ptr(), rules.len()), QNX_OK);
        let (mut read, mut len) = ([0; <Policy<'_> as Encoded>::MAX_LEN], 1);
        assert_eq!(qnx_client_get_policy(at, 0, read.as_mut_ptr(), &raw mut len), code(BUFFER_TOO_SMALL));
        assert_eq!(len, rules.len());
        assert_eq!(qnx_client_get_policy(at, 0, read.as_mut_ptr(), &raw mut len), QNX_OK);
        assert_eq!(read[..len], rules);

        let (mut attestation, mut head) = (zeroed::<qnx_attestation_t>(), zeroed::<qnx_audit_head_t>());
        assert_eq!(qnx_client_attest(at, [3; 32].as_ptr(), &raw mut attestation), QNX_OK);
        assert_eq!(qnx_client_audit_head(at, [4; 32].as_ptr(), &raw mut head), QNX_OK);
        assert_eq!((text(&attestation.name), attestation.version), ("HSM_1", hsm_board::VERSION));
        assert_eq!(attestation.audit_hash.bytes, head.hash.bytes);
        assert_eq!((attestation.public_key, attestation.audit_count), (head.public_key, head.count));
    }
}

#[test]
fn transactions_are_judged_and_signed() {
    for scheme in [Scheme::Ed25519, Scheme::MlDsa87] {
        let mut bench = Bench::with(scheme);
        let transactions: Vec<Transaction<'_>> = (7..9)
            .map(|nonce| transaction(nonce, transfer(&[("BANK_002", "100"), ("SHOP", "50")])))
            .collect();
        bench.advance(1, 0);
        let (packed, proof) = bench.ledger.witness(&transactions.iter().collect::<Vec<_>>());
        let mut context = context(Device::new(bench.hsm));
        let mut client = enter(&mut context);
        let at = &raw mut *client;
        // SAFETY: valid arguments.
        let bring = |tx: &Transaction<'_>, pending: &[&Transaction<'_>], flip: u8| unsafe {
            let tx = bytes(tx);
            assert_eq!(qnx_client_begin_sign(at, 0, 1, tx.as_ptr(), tx.len()), QNX_OK);
            for tx in pending {
                let tx = bytes(*tx);
                assert_eq!(qnx_client_push_pending(at, tx.as_ptr(), tx.len()), QNX_OK);
            }
            let mut rest = &packed[..];
            while let Some((len, after)) = rest.split_first_chunk() {
                let (record, after) = after.split_at(u16::from_le_bytes(*len).into());
                let mut record = record.to_vec();
                record.last_mut().into_iter().for_each(|byte| *byte ^= flip);
                assert_eq!(qnx_client_push_record(at, record.as_ptr(), record.len()), QNX_OK);
                rest = after;
            }
            let (first, last) = proof.split_at(proof.len() / 2);
            assert_eq!(qnx_client_push_proof(at, first.as_ptr(), first.len()), QNX_OK);
            assert_eq!(qnx_client_push_proof(at, last.as_ptr(), last.len()), QNX_OK);
        };
        let mut verdict = -1;
        let mut len;
        let mut signature = [0; QNX_MAX_SIGNATURE_SIZE];
        // SAFETY: valid arguments.
        unsafe {
            bring(&transactions[0], &[], 1);
            assert_eq!(qnx_client_judge(at, &raw mut verdict), QNX_OK);
            assert_eq!(verdict, code(WITNESS_RECORD));
            for (index, tx) in transactions.iter().enumerate() {
                bring(tx, &transactions[..index].iter().collect::<Vec<_>>(), 0);
                assert_eq!(qnx_client_judge(at, &raw mut verdict), QNX_OK);
                assert_eq!(verdict, QNX_OK);
                len = 64;
                assert_eq!(qnx_client_sign(at, signature.as_mut_ptr(), &raw mut len), code(BUFFER_TOO_SMALL));
                assert_eq!(len, QNX_MAX_SIGNATURE_SIZE, "nothing was signed yet");
                assert_eq!(qnx_client_sign(at, signature.as_mut_ptr(), &raw mut len), QNX_OK);
                let digest = signing_digest(scheme, Purpose::Transaction, &tx.id());
                verify(scheme, &bench.public_key, &digest, &signature[..len]).unwrap();
            }
            // Too much for the policy, and a replay of what was never signed.
            len = signature.len();
            let large = bytes(&transaction(9, transfer(&[("SHOP", "1001")])));
            assert_eq!(qnx_client_begin_sign(at, 0, 0, large.as_ptr(), large.len()), QNX_OK);
            assert_eq!(qnx_client_judge(at, &raw mut verdict), QNX_OK);
            assert_eq!(verdict, code(POLICY_AMOUNT));
            assert_eq!(qnx_client_sign(at, signature.as_mut_ptr(), &raw mut len), code(POLICY_AMOUNT));
            assert_eq!(qnx_client_begin_sign(at, 0, 1, large.as_ptr(), large.len()), QNX_OK);
            assert_eq!(qnx_client_push_pending(at, large.as_ptr(), large.len()), code(PENDING_UNKNOWN));
            assert_eq!(qnx_client_begin_sign(at, 0, 2, large.as_ptr(), large.len()), code(NUMBER_UNKNOWN));
        }
    }
}

fn header_of_c(header: &Header) -> qnx_header_t {
    let (bytes, mut out) = (bytes(header), zeroed());
    // SAFETY: valid arguments.
    assert_eq!(unsafe { qnx_header_decode(bytes.as_ptr(), bytes.len(), &raw mut out) }, QNX_OK);
    out
}

/// The hash of every validator's key of checkpoints.
const FINALITY_KEY: [u8; 32] = [7; 32];

#[test]
fn a_header_is_followed_and_votes_are_signed() {
    let mut keys: Vec<_> = (1..=4).map(|seed| ed25519::SecretKey::from_seed(&[seed; 32]).unwrap()).collect();
    keys.sort_by_key(ed25519::SecretKey::public_key);
    let mut set = SetHasher::new();
    keys.iter().for_each(|key| set.push(Scheme::Ed25519, &key.public_key(), &FINALITY_KEY).unwrap());
    let set = set.finish().unwrap();
    let header = |height| Header { validators: set, next_validators: set, ..hsm_board::header(height) };
    let final_ = header(11);
    let proposal = Proposal { round: Round { epoch: 4, view: 11 }, parent_view: 10, header: final_.id() };
    let c_proposal =
        qnx_proposal_t { epoch: 4, view: 11, parent_view: 10, header: qnx_hash_t { bytes: final_.id().0 } };
    let finalize = Vote::Finalize(proposal).id(&final_.chain_id);

    let mut context = context(Device::new(Bench::new().hsm));
    let mut client = enter(&mut context);
    let at = &raw mut *client;
    let other = qnx_hash_t { bytes: FINALITY_KEY };
    // SAFETY: valid arguments.
    unsafe {
        assert_eq!(qnx_client_anchor(at, &header_of_c(&header(10)), 1_000_000), QNX_OK);
        for (signers, expected) in [(2, code(CERTIFICATE_SIGNERS)), (3, QNX_OK)] {
            let mut set = [0u8; QNX_SIGNERS_SIZE];
            set[0] = (1 << signers) - 1;
            let begun = qnx_client_begin_header(at, &header_of_c(&final_), &c_proposal, set.as_ptr());
            assert_eq!(begun, QNX_OK);
            for (index, key) in keys.iter().enumerate() {
                let (public_key, signature) = (key.public_key(), key.sign(Purpose::Vote, &finalize).unwrap());
                let signature = if index < signers { signature.as_ptr() } else { null() };
                let pushed =
                    qnx_client_push_member(at, QNX_ED25519, public_key.as_ptr(), 32, &other, signature, 64);
                assert_eq!(pushed, QNX_OK);
            }
            assert_eq!(qnx_client_finish_header(at), expected);
        }
        let mut status = zeroed::<qnx_client_status_t>();
        assert_eq!(qnx_client_status(at, &raw mut status), QNX_OK);
        assert_eq!((status.trusted.present, status.trusted.height), (1, 11));
        assert_eq!(status.trusted.header.bytes, final_.id().0);

        let mut info = zeroed::<qnx_key_info_t>();
        let label = id("CHECKPOINTS");
        assert_eq!(
            qnx_client_create_key(at, 4, QNX_HYBRID, QNX_PURPOSE_CHECKPOINT, 0, &label, &raw mut info),
            QNX_OK
        );
        let (mut signature, mut len) = ([0; QNX_MAX_SIGNATURE_SIZE], QNX_MAX_SIGNATURE_SIZE);
        assert_eq!(qnx_client_checkpoint(at, 4, signature.as_mut_ptr(), &raw mut len), QNX_OK);
        let digest = Checkpoint::of(&final_).digest();
        assert_eq!(verify(Scheme::Hybrid, &info.public_key[..2_624], &digest, &signature[..len]), Ok(()));

        let label = id("VOTES");
        assert_eq!(
            qnx_client_create_key(at, 3, QNX_ED25519, QNX_PURPOSE_VOTE, 0, &label, &raw mut info),
            QNX_OK
        );
        for (kind, vote) in [
            (QNX_VOTE_NOTARIZE, Vote::Notarize(Proposal { round: Round { epoch: 4, view: 12 }, ..proposal })),
            (QNX_VOTE_FINALIZE, Vote::Finalize(Proposal { round: Round { epoch: 4, view: 12 }, ..proposal })),
            (QNX_VOTE_NULLIFY, Vote::Nullify(Round { epoch: 4, view: 13 })),
        ] {
            let on = qnx_proposal_t { view: vote.round().view, ..c_proposal };
            let mut signature = [0; QNX_VOTE_SIGNATURE_SIZE];
            assert_eq!(qnx_client_vote(at, 3, kind, &on, signature.as_mut_ptr()), QNX_OK);
            let digest = signing_digest(Scheme::Ed25519, Purpose::Vote, &vote.id(&final_.chain_id));
            verify(Scheme::Ed25519, &info.public_key[..32], &digest, &signature).unwrap();
        }
        let mut signature = [0; QNX_VOTE_SIGNATURE_SIZE];
        assert_eq!(qnx_client_vote(at, 3, 4, &c_proposal, signature.as_mut_ptr()), code(NUMBER_UNKNOWN));
    }
}

#[test]
fn what_the_callback_says_is_what_the_call_returns() {
    let mut context = context(Device::new(power_on(TestBoard::new(1))));
    for (returns, expected) in
        [(1, 1), (65_535, 65_535), (65_536, code(DEVICE_LINE)), (-1, code(DEVICE_LINE))]
    {
        context.returns = returns;
        assert_eq!(open(&mut context, None).map(drop), Err(expected));
        context.returns = QNX_OK;
        let mut client = open(&mut context, None).unwrap();
        context.returns = returns;
        // SAFETY: a client.
        assert_eq!(unsafe { qnx_client_pair(&raw mut *client) }, expected);
        context.returns = QNX_OK;
    }
    // Nobody can say in the clear that it was done.
    let mut client = open(&mut context, None).unwrap();
    context.forged = Some(vec![VERSION, kind::REFUSED, 0, 0]);
    // SAFETY: a client.
    assert_eq!(unsafe { qnx_client_pair(&raw mut *client) }, code(FRAME_LENGTH));
    context.forged = None;

    let mut state = zeroed::<qnx_client_t>();
    let key = [1; 32];
    // SAFETY: pointers that are null, or good.
    unsafe {
        let at = &raw mut state;
        assert_eq!(
            qnx_client_open(at, None, null_mut(), key.as_ptr(), key.as_ptr(), null()),
            code(NULL_POINTER)
        );
        let open =
            |at, secret, random| qnx_client_open(at, Some(exchange), null_mut(), secret, random, null());
        assert_eq!(open(null_mut(), key.as_ptr(), key.as_ptr()), code(NULL_POINTER));
        assert_eq!(open(at, null(), key.as_ptr()), code(NULL_POINTER));
        assert_eq!(open(at, key.as_ptr(), null()), code(NULL_POINTER));
        assert_eq!(qnx_client_login(at, &id("ALICE"), null(), 0), code(STATE_UNINITIALISED));
    }
    assert!(qnx_client_size() <= size_of::<qnx_client_t>());
}

#[test]
fn frames_are_encoded_and_decoded() {
    // The examples of Wikipedia's article, and longer frames.
    let to_254: Vec<u8> = (1..=254).collect();
    let cases = [
        (vec![0], Some(vec![1, 1, 0])),
        (vec![0, 0x11, 0], Some(vec![1, 2, 0x11, 1, 0])),
        (vec![0x11, 0x22, 0, 0x33], Some(vec![3, 0x11, 0x22, 2, 0x33, 0])),
        (to_254.clone(), Some([&[255], &to_254[..], &[0]].concat())),
        ([&[0], &to_254[..]].concat(), Some([&[1, 255], &to_254[..], &[0]].concat())),
        ([&to_254[1..], &[255, 0]].concat(), Some([&[255], &to_254[1..], &[255, 1, 1, 0]].concat())),
        (vec![], Some(vec![1, 0])),
        (vec![0; MAX_FRAME], None),
        (vec![7; MAX_FRAME], None),
        ((0..=255).cycle().take(4_000).collect(), None),
    ];
    for (frame, expected) in cases {
        let (mut line, mut len) = (vec![0xaa; QNX_COBS_MAX], QNX_COBS_MAX);
        // SAFETY: valid arguments.
        unsafe {
            assert_eq!(qnx_cobs_encode(frame.as_ptr(), frame.len(), line.as_mut_ptr(), &raw mut len), QNX_OK);
            assert_eq!(line[..len], expected.unwrap_or(line[..len].to_vec()));
            len -= 1;
            assert!(line[..len].iter().all(|byte| *byte != 0) && line[len] == 0);
            assert_eq!(qnx_cobs_decode(line.as_mut_ptr(), &raw mut len), QNX_OK);
        }
        assert_eq!(line[..len], frame);
    }
    // SAFETY: valid arguments.
    unsafe {
        let (mut line, mut len) = ([0xaa; 4], 4);
        assert_eq!(
            qnx_cobs_encode([1; 4].as_ptr(), 4, line.as_mut_ptr(), &raw mut len),
            code(BUFFER_TOO_SMALL)
        );
        assert_eq!((line, len), ([0xaa; 4], 6));
        // No frame: nothing, one that ends early, one with a zero in it.
        for wrong in [vec![], vec![5, 1, 2], vec![2, 1, 0, 2, 1], vec![0]] {
            let (mut line, mut len) = (wrong.clone(), wrong.len());
            assert_eq!(qnx_cobs_decode(line.as_mut_ptr(), &raw mut len), code(FRAME_LENGTH));
            assert_eq!((line, len), (wrong.clone(), wrong.len()));
        }
    }
}

/// Every argument that cannot be right, with a channel that is open: a code, nothing is sent, and the channel goes on.
#[test]
fn wrong_arguments_reach_no_device() {
    let mut context = context(Device::new(Bench::new().hsm));
    let mut client = enter(&mut context);
    context.frames = 0;
    let at = &raw mut *client;
    let name = id("ALICE");
    let wrong = qnx_id_t { text: [b' ' as c_char; QNX_ID_SIZE] };
    let pin = b"officer pin";
    let mut byte = [0u8; 64];
    let mut len = 8;
    let mut info = zeroed::<qnx_key_info_t>();
    let (mut status, mut verdict) = (zeroed::<qnx_client_status_t>(), 0);
    let header = header_of_c(&hsm_board::header(1));
    let proposal = zeroed::<qnx_proposal_t>();
    let inside = at.cast::<u8>().wrapping_add(100);
    let misaligned = (&raw mut status).cast::<u8>().wrapping_add(1).cast::<qnx_client_status_t>();
    let (b, n, huge) = (byte.as_mut_ptr(), null(), usize::MAX);
    let key = QNX_PURPOSE_TRANSACTION;
    // SAFETY: pointers that are good, null, misaligned or overlap, which is what is checked.
    unsafe {
        let cases = [
            (qnx_client_login(at, null(), pin.as_ptr(), 8), NULL_POINTER),
            (qnx_client_login(at, &name, null(), 8), NULL_POINTER),
            (qnx_client_login(at, &name, pin.as_ptr(), huge), LENGTH_TOO_LARGE),
            (qnx_client_login(at, &name, inside, 8), POINTER_OVERLAP),
            (qnx_client_login(at, &wrong, pin.as_ptr(), 8), ID_SYNTAX),
            (qnx_client_initialise(at, null(), 1, &name, pin.as_ptr(), 8), NULL_POINTER),
            (qnx_client_add_user(at, &name, 0, pin.as_ptr(), 8), NUMBER_UNKNOWN),
            (qnx_client_status(at, null_mut()), NULL_POINTER),
            (qnx_client_status(at, at.cast()), POINTER_OVERLAP),
            (qnx_client_status(at, misaligned), POINTER_MISALIGNED),
            (qnx_client_create_key(at, 0, 9, key, 0, &name, &raw mut info), SCHEME_UNKNOWN),
            (qnx_client_create_key(at, 0, QNX_ED25519, 99, 0, &name, &raw mut info), PURPOSE_UNKNOWN),
            (qnx_client_create_key(at, 0, QNX_ED25519, key, 0, &name, null_mut()), NULL_POINTER),
            (qnx_client_describe_key(at, 0, null_mut()), NULL_POINTER),
            (qnx_client_set_policy(at, 0, n, 4), NULL_POINTER),
            (qnx_client_get_policy(at, 0, b, null_mut()), NULL_POINTER),
            (qnx_client_anchor(at, null(), 1), NULL_POINTER),
            (qnx_client_begin_header(at, &header, &proposal, null()), NULL_POINTER),
            (qnx_client_push_member(at, 9, b, 32, b.cast(), n, 0), SCHEME_UNKNOWN),
            (qnx_client_push_member(at, QNX_ED25519, n, 32, b.cast(), n, 0), NULL_POINTER),
            (qnx_client_push_member(at, QNX_ED25519, b, 32, null(), n, 0), NULL_POINTER),
            (qnx_client_vote(at, 0, QNX_VOTE_NOTARIZE, &proposal, null_mut()), NULL_POINTER),
            (qnx_client_vote(at, 0, 0, &proposal, b), NUMBER_UNKNOWN),
            (qnx_client_attest(at, null(), null_mut()), NULL_POINTER),
            (qnx_client_audit_head(at, b, null_mut()), NULL_POINTER),
            (qnx_client_begin_sign(at, 0, 0, n, 4), NULL_POINTER),
            (qnx_client_begin_sign(at, 0, 0, b, huge), LENGTH_TOO_LARGE),
            (qnx_client_push_pending(at, n, 1), NULL_POINTER),
            (qnx_client_push_record(at, inside, 1), POINTER_OVERLAP),
            (qnx_client_push_proof(at, n, 1), NULL_POINTER),
            (qnx_client_approve(at, 9, b, 1, b, 1), SCHEME_UNKNOWN),
            (qnx_client_judge(at, null_mut()), NULL_POINTER),
            (
                qnx_client_judge(at, (&raw mut verdict).cast::<u8>().wrapping_add(1).cast()),
                POINTER_MISALIGNED,
            ),
            (qnx_client_sign(at, b, &raw mut len), BUFFER_TOO_SMALL),
            (qnx_client_sign_data(at, 0, n, 4, b, &raw mut len), NULL_POINTER),
            (qnx_client_checkpoint(at, 0, b, null_mut()), NULL_POINTER),
            (qnx_client_random(at, b, 0), NUMBER_UNKNOWN),
            (qnx_client_random(at, b, huge), LENGTH_TOO_LARGE),
            // More than a request can bring.
            (qnx_client_push_record(at, [0; MAX_FRAME].as_ptr(), MAX_FRAME), FRAME_LENGTH),
            (qnx_client_begin_sign(at, 0, 0, [0; MAX_FRAME].as_ptr(), MAX_FRAME), FRAME_LENGTH),
        ];
        for (index, (status, expected)) in cases.into_iter().enumerate() {
            assert_eq!(status, code(expected), "case {index}");
        }
        assert_eq!(context.frames, 0);
        assert_eq!(qnx_client_status(at, &raw mut status), QNX_OK);
    }
}

#[test]
fn keys_of_plain_use_sign_data() {
    let mut context = context(Device::new(Bench::new().hsm));
    let mut client = enter(&mut context);
    let at = &raw mut *client;
    let mut info = zeroed::<qnx_key_info_t>();
    let (mut signature, mut len) = ([0; QNX_MAX_SIGNATURE_SIZE], QNX_MAX_SIGNATURE_SIZE);
    let data = [5; 6_000];
    let (mut first, mut second) = ([0; QNX_RANDOM_MAX], [0; 9]);
    // SAFETY: valid arguments.
    unsafe {
        let label = id("PLAIN");
        let (at, key) = (at, &raw mut info);
        assert_eq!(qnx_client_create_key(at, 4, QNX_ED25519, QNX_PURPOSE_PLAIN, 0, &label, key), QNX_OK);
        let out = signature.as_mut_ptr();
        assert_eq!(qnx_client_sign_data(at, 4, data.as_ptr(), data.len(), out, &raw mut len), QNX_OK);
        assert_eq!(qnx_client_random(at, first.as_mut_ptr(), first.len()), QNX_OK);
        assert_eq!(qnx_client_random(at, second.as_mut_ptr(), second.len()), QNX_OK);
    }
    assert_ne!(first[..9], second);
    assert!(first.iter().any(|byte| *byte != 0));
    // Another implementation of Ed25519 takes it.
    let key = ed25519_compact::PublicKey::from_slice(&info.public_key[..32]).unwrap();
    key.verify(data, &ed25519_compact::Signature::from_slice(&signature[..len]).unwrap()).unwrap();
}
