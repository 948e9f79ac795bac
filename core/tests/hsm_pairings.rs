//! Every pairing of key, purpose, scheme, role and command: the table is generated, and all that is not right is refused with its code.
#![allow(clippy::unwrap_used)] // a test that meets what it does not expect should stop there

#[allow(dead_code)] // each test uses a part of it
mod flash_disk;
#[allow(dead_code)]
mod hsm_board;
#[allow(dead_code)]
mod hsm_custodians;

use hsm_board::{NOTHING, TestBoard, ask, give, header, name, power_on, refused, tell};
use qenex_core::codec::{Encoded, decode, encode};
use qenex_core::consensus::{Checkpoint, Proposal, Round, Vote};
use qenex_core::crypto::scheme::{MAX_PUBLIC_KEY_BYTES, MAX_SIGNATURE_BYTES};
use qenex_core::crypto::secret::SecretKey;
use qenex_core::crypto::{Hash, KeyHash, Purpose, Scheme, signing_digest, verify};
use qenex_core::error::{
    APPROVER_UNKNOWN, KEY_POLICY, KEY_PURPOSE, KEY_SCHEME, KEY_UNKNOWN, ROLE, SHARE_DEVICE, SHARE_FOREIGN,
    SIGNATURE_MISMATCH,
};
use qenex_core::hsm::proto::{
    AddUser, Anchor, Approve, BeginSign, Command, CreateKey, GiveVote, Index, Initialise, KeyInfo, Login,
    Piece, PieceAt, Rest, SIGNATURE_PIECE, SetPolicy, Signed,
};
use qenex_core::hsm::shares::Manifest;
use qenex_core::hsm::{Hsm, Refusal, Role, approval_id};
use qenex_core::id::{AccountId, ChainId, NATIVE_ASSET, Reference};
use qenex_core::num::Amount;
use qenex_core::policy::{Approvals, AssetRule, OpKind, OpSet, Policy, Sorted};
use qenex_core::tx::{KycLevel, Leg, LegsBuf, Op, Transaction, Transfer};

const PIN: &[u8] = b"everybody's pin";
const USERS: [(&str, Role); 3] =
    [("ALICE", Role::Officer), ("OSCAR", Role::Operator), ("AUDREY", Role::Auditor)];
const PURPOSES: [Purpose; 8] = [
    Purpose::Transaction,
    Purpose::Vote,
    Purpose::Attestation,
    Purpose::Approval,
    Purpose::Backup,
    Purpose::Firmware,
    Purpose::Plain,
    Purpose::Checkpoint,
];
/// A slot without a key.
const EMPTY: u8 = 15;

fn chain() -> ChainId {
    ChainId::new("QENEX-TEST").unwrap()
}

/// An anchored device with an officer, an operator and an auditor, all logged in.
fn device() -> Hsm<TestBoard> {
    let mut hsm = power_on(TestBoard::new(12));
    let [(officer, _), others @ ..] = USERS;
    let initialise = Initialise { name: name("HSM"), officers_needed: 1, officer: name(officer), pin: PIN };
    tell(&mut hsm, Command::Initialise, &initialise).unwrap();
    login(&mut hsm, officer);
    for (user, role) in others {
        tell(&mut hsm, Command::AddUser, &AddUser { user: name(user), role, pin: PIN }).unwrap();
        login(&mut hsm, user);
    }
    tell(&mut hsm, Command::Anchor, &Anchor { trusting_period_ms: 1_000_000, header: header(10) }).unwrap();
    hsm
}

fn login(hsm: &mut Hsm<TestBoard>, user: &str) {
    tell(hsm, Command::Login, &Login { user: name(user), pin: PIN }).unwrap();
}

fn create(hsm: &mut Hsm<TestBoard>, slot: u8, scheme: Scheme, purpose: Purpose) -> Result<Vec<u8>, Refusal> {
    let create = CreateKey { slot, scheme, purpose, path: slot.into(), label: name("KEY") };
    let body = ask(hsm, Command::CreateKey, &create)?;
    Ok(decode::<KeyInfo<'_>>(&body).unwrap().public_key.to_vec())
}

/// A key of each scheme for each purpose that a slot may have: the slot, the scheme, the purpose and the public key. All others are refused.
fn keys(hsm: &mut Hsm<TestBoard>) -> Vec<(u8, Scheme, Purpose, Vec<u8>)> {
    let mut keys = Vec::new();
    for scheme in Scheme::ALL {
        for purpose in PURPOSES {
            let slot = keys.len() as u8;
            let result = create(hsm, slot, scheme, purpose);
            match purpose {
                Purpose::Transaction | Purpose::Approval => {}
                Purpose::Plain if scheme == Scheme::Hybrid => assert_eq!(result, refused(KEY_SCHEME)),
                Purpose::Plain => {}
                Purpose::Checkpoint if scheme == Scheme::Hybrid => {}
                Purpose::Checkpoint => assert_eq!(result, refused(KEY_SCHEME), "{scheme}"),
                Purpose::Vote if scheme == Scheme::Ed25519 => {}
                Purpose::Vote => assert_eq!(result, refused(KEY_SCHEME), "{scheme}"),
                Purpose::Attestation | Purpose::Backup | Purpose::Firmware => {
                    assert_eq!(result, refused(KEY_PURPOSE), "{scheme}")
                }
            }
            if let Ok(public_key) = result {
                keys.push((slot, scheme, purpose, public_key));
            }
        }
    }
    assert_eq!(keys.len(), 13);
    keys
}

/// Sets the policy of a key: transfers of the native asset without a witness, above two units only with the approval of one of these.
fn set_policy(hsm: &mut Hsm<TestBoard>, slot: u8, approvers: &[KeyHash]) -> Result<(), Refusal> {
    let (mut assets, mut list) = ([0; 256], [0; 512]);
    let rule = AssetRule {
        asset: NATIVE_ASSET,
        max_per_transaction: Amount::from_whole(100),
        window: None,
        min_after: Amount::ZERO,
        approve_above: (!approvers.is_empty()).then_some(Amount::from_whole(2)),
        delay_above: None,
    };
    let mut approvers = approvers.to_vec();
    approvers.sort();
    let approvers = Sorted::new(approvers, &mut list).unwrap();
    let policy = Policy {
        account: AccountId::new("BANK_001").unwrap(),
        operations: OpSet::of(&[OpKind::Transfer]),
        without_witness: OpSet::of(&[OpKind::Transfer]),
        max_fee: Amount::from_whole(1),
        max_validity_blocks: 100,
        assets: Sorted::new([rule], &mut assets).unwrap(),
        receivers: None,
        min_receiver_kyc: KycLevel::None,
        pools: None,
        max_price_impact_bps: None,
        max_slippage_bps: None,
        hours: None,
        approvals: (approvers.count() > 0).then_some(Approvals {
            threshold: 1,
            approvers,
            always: OpSet::default(),
        }),
        delay_ms: 0,
        max_risk: None,
        confirm: false,
    };
    let mut buffer = [0; <Policy<'_> as Encoded>::MAX_LEN];
    tell(hsm, Command::SetPolicy, &SetPolicy { slot, policy: encode(&policy, &mut buffer).unwrap() })
}

/// A transfer of so many units: its encoding and its id.
fn transfer(nonce: u64, units: u64) -> (Vec<u8>, Hash) {
    let to = AccountId::new("SHOP").unwrap();
    let leg = Leg { to, amount: Amount::from_whole(units), reference: Reference::new("A 1").unwrap() };
    let legs = LegsBuf::new(&[leg]).unwrap();
    let transaction = Transaction {
        chain_id: chain(),
        sender: AccountId::new("BANK_001").unwrap(),
        nonce,
        last_valid_height: 50,
        fee: Amount::ZERO,
        op: Op::Transfer(Transfer { asset: NATIVE_ASSET, legs: legs.get() }),
    };
    let mut buffer = [0; <Transaction<'_> as Encoded>::MAX_LEN];
    (encode(&transaction, &mut buffer).unwrap().to_vec(), transaction.id())
}

fn begin(hsm: &mut Hsm<TestBoard>, slot: u8, transaction: &[u8]) -> Result<(), Refusal> {
    tell(hsm, Command::BeginSign, &BeginSign { slot, witnessed: false, transaction })
}

/// The signature of what was begun, in as many pieces as it takes.
fn finish(hsm: &mut Hsm<TestBoard>) -> Result<Vec<u8>, Refusal> {
    let first = ask(hsm, Command::Sign, &NOTHING)?;
    read_on(hsm, first)
}

/// Raw data for every scheme.
const DATA: [u8; 32] = [6; 32];

/// The signature of raw data.
fn sign_data(hsm: &mut Hsm<TestBoard>, slot: u8) -> Result<Vec<u8>, Refusal> {
    tell(hsm, Command::Data, &PieceAt { offset: 0, bytes: &DATA })?;
    let first = ask(hsm, Command::SignData, &Index { index: slot })?;
    read_on(hsm, first)
}

/// The signature of the checkpoint of the header that the device trusts.
fn checkpoint(hsm: &mut Hsm<TestBoard>, slot: u8) -> Result<Vec<u8>, Refusal> {
    let first = ask(hsm, Command::Checkpoint, &Index { index: slot })?;
    read_on(hsm, first)
}

/// A signature from its first response on.
fn read_on(hsm: &mut Hsm<TestBoard>, first: Vec<u8>) -> Result<Vec<u8>, Refusal> {
    let mut whole = Vec::new();
    let mut body = first;
    loop {
        let piece = decode::<Signed<'_>>(&body).unwrap().signature.to_vec();
        whole.extend(&piece);
        if piece.len() < SIGNATURE_PIECE {
            return Ok(whole);
        }
        body = ask(hsm, Command::SignatureRest, &Rest { from: whole.len() as u16 })?;
    }
}

/// A vote of a view of its own.
fn vote(view: u64) -> Vote {
    let round = Round { epoch: 4, view };
    Vote::Notarize(Proposal { round, parent_view: view - 1, header: Hash([7; 32]) })
}

/// Every slot with every command that takes one, by everybody.
#[test]
fn commands_are_given_to_keys_of_their_purpose_by_users_of_their_role() {
    let mut hsm = device();
    let keys = keys(&mut hsm);
    let mut pairs = 0;
    for user in [None, Some(0), Some(1), Some(2)] {
        let mut hsm = power_on(TestBoard { uptime_ms: 0, ..hsm.board().clone() });
        let role = user.map(|user: usize| USERS[user].1);
        if let Some(user) = user {
            login(&mut hsm, USERS[user].0);
        }
        let slots = keys.iter().map(|(slot, _, purpose, _)| (*slot, Some(*purpose))).chain([(EMPTY, None)]);
        for (slot, purpose) in slots {
            let outcome = |allowed: &[Role], needed: Option<Purpose>| match (role, purpose) {
                (None, _) => refused(ROLE),
                (Some(role), _) if !allowed.contains(&role) => refused(ROLE),
                (_, None) => refused(KEY_UNKNOWN),
                (_, Some(purpose)) if needed.is_some_and(|needed| needed != purpose) => refused(KEY_PURPOSE),
                _ => Ok(()),
            };
            let all = [Role::Officer, Role::Operator, Role::Auditor];
            let what = format!("slot {slot}, {purpose:?}, by {role:?}");
            let described = ask(&mut hsm, Command::DescribeKey, &Index { index: slot }).map(drop);
            assert_eq!(described, outcome(&all, None), "describe-key: {what}");
            let given = ask(&mut hsm, Command::Vote, &GiveVote { slot, vote: vote(5) }).map(drop);
            assert_eq!(given, outcome(&[Role::Operator], Some(Purpose::Vote)), "vote: {what}");
            let begun = begin(&mut hsm, slot, &transfer(1, 1).0);
            assert_eq!(begun, outcome(&[Role::Operator], Some(Purpose::Transaction)), "begin-sign: {what}");
            if begun.is_ok() {
                assert_eq!(finish(&mut hsm), refused(KEY_POLICY), "sign: {what}");
            }
            let signed = sign_data(&mut hsm, slot).map(drop);
            assert_eq!(signed, outcome(&[Role::Operator], Some(Purpose::Plain)), "sign-data: {what}");
            let signed = checkpoint(&mut hsm, slot).map(drop);
            assert_eq!(signed, outcome(&[Role::Operator], Some(Purpose::Checkpoint)), "checkpoint: {what}");
            let set = set_policy(&mut hsm, slot, &[]);
            assert_eq!(set, outcome(&[Role::Officer], Some(Purpose::Transaction)), "set-policy: {what}");
            // What was set is taken back: the next user meets the same device.
            let read = give(&mut hsm, Command::GetPolicy as u8, &[slot]).map(drop);
            let expected = match (role, set) {
                (None, _) => refused(ROLE),
                (_, Ok(())) => Ok(()),
                _ => refused(KEY_POLICY),
            };
            assert_eq!(read, expected, "get-policy: {what}");
            let deleted = tell(&mut hsm, Command::DeleteKey, &Index { index: slot });
            assert_eq!(deleted, outcome(&[Role::Officer], None), "delete-key: {what}");
            pairs += 8;
        }
    }
    assert_eq!(pairs, 4 * 14 * 8);
}

/// A signature of a device counts for its scheme, its purpose, its id and its key, and for nothing else.
#[test]
fn a_signature_counts_for_one_pairing() {
    let mut hsm = device();
    let keys = keys(&mut hsm);
    let mut signatures = Vec::new();
    for (index, (slot, scheme, purpose, public_key)) in keys.iter().enumerate() {
        let (id, signature) = match purpose {
            Purpose::Transaction => {
                set_policy(&mut hsm, *slot, &[]).unwrap();
                let (bytes, id) = transfer(index as u64, 1);
                begin(&mut hsm, *slot, &bytes).unwrap();
                (id, finish(&mut hsm).unwrap())
            }
            Purpose::Vote => {
                let body = ask(&mut hsm, Command::Vote, &GiveVote { slot: *slot, vote: vote(9) }).unwrap();
                (vote(9).id(&chain()), decode::<Signed<'_>>(&body).unwrap().signature.to_vec())
            }
            Purpose::Checkpoint => (Checkpoint::of(&header(10)).id(), checkpoint(&mut hsm, *slot).unwrap()),
            // Under no digest that names a purpose, and so under no id.
            Purpose::Plain => {
                let signature = sign_data(&mut hsm, *slot).unwrap();
                assert_eq!(verify(*scheme, public_key, &Hash(DATA), &signature), Ok(()));
                let of_all = PURPOSES.map(|purpose| signing_digest(*scheme, purpose, &Hash(DATA)));
                for digest in of_all {
                    assert!(verify(*scheme, public_key, &digest, &signature).is_err());
                }
                continue;
            }
            // What approves lies with persons: a device has no command that signs with such a key.
            _ => continue,
        };
        assert_eq!(signature.len(), scheme.signature_bytes());
        signatures.push((*scheme, *purpose, id, public_key, signature));
    }
    assert_eq!(signatures.len(), 6);
    for (number, (_, _, _, _, signature)) in signatures.iter().enumerate() {
        let mut accepted = Vec::new();
        for (other, (_, _, id, public_key, _)) in signatures.iter().enumerate() {
            for scheme in Scheme::ALL {
                for purpose in PURPOSES {
                    let digest = signing_digest(scheme, purpose, id);
                    if verify(scheme, public_key, &digest, signature).is_ok() {
                        accepted.push((other, scheme, purpose));
                    }
                }
            }
        }
        assert_eq!(accepted, [(number, signatures[number].0, signatures[number].1)]);
    }
}

/// Brings an approval, in parts where it is longer than a request.
fn bring(hsm: &mut Hsm<TestBoard>, approve: &Approve<'_>) -> Result<(), Refusal> {
    let mut buffer = [0; Approve::MAX_LEN];
    let mut rest = encode(approve, &mut buffer).unwrap();
    while let Some((bytes, after)) = rest.split_at_checked(3_000) {
        tell(hsm, Command::ApprovalPart, &Piece { bytes })?;
        rest = after;
    }
    give(hsm, Command::Approve as u8, rest).map(drop)
}

/// Approvals by keys of every scheme, made for every purpose, claimed under every scheme.
#[test]
fn approvals_are_made_for_approvals() {
    let mut hsm = device();
    let key = create(&mut hsm, 0, Scheme::Ed25519, Purpose::Transaction).unwrap();
    let key = KeyHash::of(Scheme::Ed25519, Purpose::Transaction, &key);
    let persons: Vec<_> = Scheme::ALL.map(|scheme| SecretKey::from_seed(scheme, &[5; 32]).unwrap()).into();
    let hashes: Vec<_> = persons.iter().map(|person| person.key_hash(Purpose::Approval).unwrap()).collect();
    set_policy(&mut hsm, 0, &hashes).unwrap();
    for (nonce, (scheme, person)) in Scheme::ALL.iter().zip(&persons).enumerate() {
        let mut buffer = [0; MAX_PUBLIC_KEY_BYTES];
        let public_key = person.public_key(&mut buffer).unwrap();
        let (bytes, id) = transfer(nonce as u64, 3);
        let id = approval_id(&key, &id);
        for purpose in PURPOSES {
            for claimed in Scheme::ALL {
                begin(&mut hsm, 0, &bytes).unwrap();
                let mut buffer = [0; MAX_SIGNATURE_BYTES];
                let signature = person.sign(purpose, &id, &mut buffer).unwrap();
                let approve = Approve { scheme: claimed, public_key, signature };
                let result = bring(&mut hsm, &approve);
                if claimed != *scheme {
                    assert_eq!(result, refused(APPROVER_UNKNOWN), "{scheme} claimed as {claimed}");
                } else if purpose != Purpose::Approval {
                    assert_eq!(result, refused(SIGNATURE_MISMATCH), "{scheme} for {purpose:?}");
                } else {
                    assert_eq!(result, Ok(()), "{scheme}");
                    finish(&mut hsm).unwrap();
                }
            }
        }
    }
}

/// Every share with every manifest, number and device: it opens in one pairing.
#[test]
fn a_share_counts_for_one_manifest_number_and_device() {
    let mut devices = [31, 32, 33].map(hsm_custodians::device);
    let keys = devices.each_mut().map(hsm_custodians::backup_key);
    let mut source = device();
    // Two roots, the first of them cut twice.
    let first = hsm_custodians::cut(&mut source, 2, &keys).unwrap();
    let again = hsm_custodians::cut(&mut source, 2, &keys).unwrap();
    let other = hsm_custodians::cut(&mut hsm_custodians::device(34), 2, &keys).unwrap();
    let made = [&first, &again, &other].map(|shares| Manifest::read(shares).unwrap());
    let mut opened = 0;
    for (of, (_, shares)) in made.iter().enumerate() {
        for (index, share) in shares.iter().enumerate() {
            for (under, (manifest, _)) in made.iter().enumerate() {
                for number in 1..=4 {
                    let mut share = *share;
                    share[0] = number;
                    for (at, hsm) in devices.iter_mut().enumerate() {
                        let bytes = [manifest.bytes, &share].concat();
                        let result = hsm_custodians::pass(hsm, &bytes, keys[0]).map(drop);
                        let right = of == under && usize::from(number) == index + 1;
                        let expected = match (at == index, right) {
                            (false, _) => refused(SHARE_DEVICE),
                            (true, false) => refused(SHARE_FOREIGN),
                            (true, true) => Ok(()),
                        };
                        assert_eq!(
                            result, expected,
                            "share {index} of {of} under {under} as {number} at {at}"
                        );
                        opened += u32::from(result.is_ok());
                    }
                }
            }
        }
    }
    assert_eq!(opened, 9);
}
