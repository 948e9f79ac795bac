//! Whole transactions with all that a policy can ask for: what is pending, approvals of persons, records and their proof. Over a device with a ledger.
#![allow(clippy::unwrap_used)] // a test that meets what it does not expect should stop there

mod calls;
#[allow(dead_code)] // the test uses a part of it
#[path = "../../../core/tests/flash_disk/mod.rs"]
mod flash_disk;
#[allow(dead_code)]
#[path = "../../../core/tests/hsm_bank/mod.rs"]
mod hsm_bank;
#[allow(dead_code)]
#[path = "../../../core/tests/hsm_board/mod.rs"]
mod hsm_board;
#[allow(dead_code)]
#[path = "../../../core/tests/merkle_model/mod.rs"]
mod merkle_model;
#[path = "../../../core/tests/policy_lists/mod.rs"]
mod policy_lists;

use std::path::Path;

use calls::{numbered, object, refusal, section, whole_transactions};
use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::RvError;
use cryptoki::object::ObjectClass;
use cryptoki::session::UserType;
use cryptoki::types::AuthPin;
use hsm_bank::{Bench, Ledger, amount, persons, transaction, transfer, usdc_rule};
use policy_lists::sorted;
use qenex_core::codec::{Encoded, encode};
use qenex_core::crypto::ed25519::SecretKey;
use qenex_core::crypto::{Hash, KeyHash, Purpose, Scheme, signing_digest, verify};
use qenex_core::error::{
    APPROVER_UNKNOWN, NONCE_AHEAD, PENDING_UNKNOWN, POLICY_APPROVALS, POLICY_REMAINDER, POLICY_UNPROVEN,
    PROOF_ROOT, SIGNATURE_MISMATCH, WITNESS_MISSING, WITNESS_RECORD,
};
use qenex_core::hsm::approval_id;
use qenex_core::hsm::channel::Device;
use qenex_core::hsm::proto::{Approve, Command};
use qenex_core::policy::{Approvals, OpSet, Policy};
use qenex_core::tx::Transaction;
use qenex_device::client::Client;
use qenex_device::serve::{Settle, listen, serve};
use qenex_device::{DeviceError, Host};

/// Puts a device on a socket, pairs a host with it, and lets the module find both.
impl Settle for hsm_board::TestBoard {
    /// It writes to memory.
    fn settle(&mut self) -> Result<(), DeviceError> {
        Ok(())
    }
}

fn start(mut device: Device<hsm_board::TestBoard>, folder: &Path) {
    let at = folder.join("socket");
    let listener = listen(&at).unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            // A host that hangs up in the middle of a frame is no failure of the device.
            let _ = serve(&mut device, stream.unwrap());
        }
    });
    let host = Host::new(&folder.join("host"));
    let mut client = Client::connect(&at, &host.static_key().unwrap(), None).unwrap();
    client.tell(Command::Pair).unwrap();
    host.remember(client.device_key()).unwrap();
    client.hang_up();
    let configuration = folder.join("configuration");
    std::fs::write(&configuration, r#"{"slots": [{"at": "socket", "host": "host", "users": ["OSCAR"]}]}"#)
        .unwrap();
    // SAFETY: the only other thread is the device's, which reads no variables.
    unsafe { std::env::set_var("QENEX_PKCS11", configuration) };
}

fn bytes<T: Encoded>(value: &T) -> Vec<u8> {
    let mut buffer = [0; 4_096];
    encode(value, &mut buffer).unwrap().to_vec()
}

/// A person's approval that a key signs a transaction.
fn approval(person: &SecretKey, key: &KeyHash, transaction: &Hash) -> Vec<u8> {
    let signature = person.sign(Purpose::Approval, &approval_id(key, transaction)).unwrap();
    let public_key = person.public_key();
    bytes(&Approve { scheme: Scheme::Ed25519, public_key: &public_key, signature: &signature })
}

/// What goes into the module's data.
#[derive(Clone, Default)]
struct Envelope {
    transaction: Vec<u8>,
    pending: Vec<Vec<u8>>,
    approvals: Vec<Vec<u8>>,
    records: Vec<Vec<u8>>,
    proof: Vec<u8>,
}

impl Envelope {
    /// A transaction behind others, with the witness of all of them.
    fn new(ledger: &Ledger, transaction: &Transaction<'_>, pending: &[&Transaction<'_>]) -> Self {
        let (packed, proof) = ledger.witness(&[&[transaction], pending].concat());
        let (mut records, mut rest) = (Vec::new(), &packed[..]);
        while let Some((len, after)) = rest.split_first_chunk() {
            let (record, after) = after.split_at(u16::from_le_bytes(*len).into());
            records.push(record.to_vec());
            rest = after;
        }
        let pending = pending.iter().map(|transaction| bytes(*transaction)).collect();
        Self { transaction: bytes(transaction), pending, records, proof, ..Self::default() }
    }

    /// The same with something changed.
    fn with(&self, change: impl FnOnce(&mut Self)) -> Self {
        let mut other = self.clone();
        change(&mut other);
        other
    }

    fn data(&self) -> Vec<u8> {
        let lists = [(2, &self.pending), (3, &self.approvals), (4, &self.records)];
        let sections = lists.iter().flat_map(|(kind, list)| list.iter().map(|bytes| section(*kind, bytes)));
        let proof = (!self.proof.is_empty()).then(|| section(5, &self.proof));
        [section(1, &self.transaction)].into_iter().chain(sections).chain(proof).collect::<Vec<_>>().concat()
    }
}

#[test]
fn what_a_policy_asks_for_comes_with_the_transaction() {
    let persons = persons();
    let mut bank = Bench::new();
    let approvers = sorted(persons.iter().map(|person| person.key_hash(Purpose::Approval)));
    let approvals = Approvals { threshold: 2, approvers, always: OpSet::default() };
    // Above 100 two persons approve, and 4,760 of 5,000 must remain, which only a witness shows.
    let rules = usdc_rule(|rule| {
        rule.approve_above = Some(amount("100"));
        rule.min_after = amount("4760");
    });
    bank.set(&Policy { approvals: Some(approvals), ..rules });
    let Bench { hsm, ledger, public_key, .. } = bank;
    let key_hash = KeyHash::of(Scheme::Ed25519, Purpose::Transaction, &public_key);
    let folder = tempfile::TempDir::new().unwrap();
    start(Device::new(hsm), folder.path());

    let built = std::env::current_exe().unwrap().with_file_name("libqenex_pkcs11.so");
    let module = Pkcs11::new(built).unwrap();
    module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)).unwrap();
    let session = module.open_rw_session(module.get_all_slots().unwrap()[0]).unwrap();
    session.login(UserType::User, Some(&AuthPin::new("operator pin".into()))).unwrap();
    let key = object(&session, ObjectClass::PRIVATE_KEY, 0);
    let sign = |envelope: &Envelope| session.sign(&whole_transactions(), key, &envelope.data());
    let verified = |transaction: &Transaction<'_>, signature: &[u8]| {
        let digest = signing_digest(Scheme::Ed25519, Purpose::Transaction, &transaction.id());
        verify(Scheme::Ed25519, &public_key, &digest, signature).unwrap();
    };

    let large = transaction(7, transfer(&[("BANK_002", "100"), ("SHOP", "50")]));
    let approve = |person: &SecretKey| approval(person, &key_hash, &large.id());
    let right = Envelope {
        approvals: vec![approve(&persons[0]), approve(&persons[2])],
        ..Envelope::new(&ledger, &large, &[])
    };
    let stranger = SecretKey::from_seed(&[9; 32]).unwrap();
    for (wrong, expected) in [
        (right.with(|wrong| (wrong.records, wrong.proof) = Default::default()), POLICY_UNPROVEN),
        (right.with(|wrong| wrong.approvals.clear()), POLICY_APPROVALS),
        (right.with(|wrong| wrong.approvals.truncate(1)), POLICY_APPROVALS),
        (right.with(|wrong| wrong.approvals[1] = approve(&persons[0])), APPROVER_UNKNOWN),
        (right.with(|wrong| wrong.approvals[1] = approve(&stranger)), APPROVER_UNKNOWN),
        (
            right.with(|wrong| wrong.approvals[1] = approval(&persons[2], &key_hash, &Hash([0; 32]))),
            SIGNATURE_MISMATCH,
        ),
        (right.with(|wrong| wrong.records[0][5] ^= 1), WITNESS_RECORD),
        (right.with(|wrong| wrong.records.swap(0, 1)), WITNESS_RECORD),
        (right.with(|wrong| wrong.proof[40] ^= 1), PROOF_ROOT),
        (right.with(|wrong| drop(wrong.records.pop())), WITNESS_MISSING),
        (right.with(|wrong| wrong.pending.push(wrong.transaction.clone())), PENDING_UNKNOWN),
    ] {
        assert_eq!(refusal(sign(&wrong)), numbered(expected), "{expected}");
    }
    for wrong in [right.with(|wrong| wrong.approvals[0].push(0)), right.with(|wrong| wrong.proof.clear())] {
        assert_eq!(refusal(sign(&wrong)), RvError::DataInvalid);
    }
    let signature = sign(&right).unwrap();
    verified(&large, &signature);
    assert_eq!(sign(&right).unwrap(), signature, "it counts once");

    // Behind the one that is not final yet: 4,850 are left, which the witness alone does not say.
    let behind = |sum| transaction(8, transfer(&[("SHOP", sum)]));
    let alone = Envelope::new(&ledger, &behind("60"), &[]);
    assert_eq!(refusal(sign(&alone)), numbered(NONCE_AHEAD));
    let too_much = Envelope::new(&ledger, &behind("95"), &[&large]);
    assert_eq!(refusal(sign(&too_much)), numbered(POLICY_REMAINDER));
    verified(&behind("60"), &sign(&Envelope::new(&ledger, &behind("60"), &[&large])).unwrap());
    drop(session);
    module.finalize().unwrap();
}
