//! The device service without its channel: users, keys, policies, headers, votes, the audit log.
#![allow(clippy::unwrap_used)] // a test that meets what it does not expect should stop there

#[allow(dead_code)] // each test uses a part of it
mod flash_disk;
#[allow(dead_code)]
mod hsm_board;

use hsm_board::{IMAGE, NOTHING, TestBoard, VERSION, ask, get, give, name, power_on, refused, tell};
use qenex_core::codec::{Encoded, decode, encode};
use qenex_core::consensus::{Checkpoint, Header, Proposal, Round, SetHasher, SignerSet, Vote};
use qenex_core::crypto::ed25519::{self, SecretKey};
use qenex_core::crypto::{Hash, KeyHash, Purpose, Scheme, signing_digest, verify};
use qenex_core::error::{
    AEAD_TAG, ANCHOR_MISSING, AUDIT_FULL, AUDIT_HEAD, CERTIFICATE_SIGNERS, COMMAND_SEQUENCE, COMMAND_UNKNOWN,
    DECODE_MALFORMED, DECODE_TRAILING, DECODE_UNKNOWN_TAG, DEVICE_FRESH, DEVICE_INITIALISED,
    EXCHANGE_LOW_ORDER, HEADER_NOT_NEWER, KEY_EPOCH, KEY_EXISTS, KEY_PURPOSE, KEY_SCHEME, KEY_UNKNOWN,
    LOCKED, NOT_CONFIRMED, PIN_BLOCKED, PIN_FORM, PIN_WAIT, PIN_WRONG, POLICY_ENCODING, ROLE, USER_EXISTS,
    USER_LAST_OFFICER, USER_UNKNOWN, VOTE_CONTRADICTS,
};
use qenex_core::hsm::audit::{ENTRY_BYTES, Entry, Head};
use qenex_core::hsm::backup::Backup;
use qenex_core::hsm::image::measure;
use qenex_core::hsm::proto::{
    AddUser, Anchor, Attestation, AuditFrom, BackupKey, BeginHeader, ChangePin, Command, CreateKey, GiveVote,
    Index, Initialise, KeyInfo, Login, Members, NamedUser, Nonce, Permission, Rest, SetPin, SetPolicy,
    Signed, SignedHead, Status, UserInfo,
};
use qenex_core::hsm::{Hsm, MAX_TRIES, Refusal, Role};
use qenex_core::id::AccountId;
use qenex_core::num::Amount;
use qenex_core::policy::{OpKind, OpSet, Policy};

const OFFICER_PIN: &[u8] = b"officer pin";
const OPERATOR_PIN: &[u8] = b"operator pin";
const AUDITOR_PIN: &[u8] = b"auditor pin";

fn start() -> Hsm<TestBoard> {
    power_on(TestBoard::new(11))
}

/// Power off and on.
fn restart(mut hsm: Hsm<TestBoard>) -> Hsm<TestBoard> {
    let mut board = hsm.board().clone();
    board.uptime_ms = 0;
    power_on(board)
}

fn initialise(hsm: &mut Hsm<TestBoard>) {
    let request =
        Initialise { name: name("HSM_1"), officers_needed: 1, officer: name("ALICE"), pin: OFFICER_PIN };
    tell(hsm, Command::Initialise, &request).unwrap();
}

fn login(hsm: &mut Hsm<TestBoard>, user: &str, pin: &[u8]) -> Result<(), Refusal> {
    tell(hsm, Command::Login, &Login { user: name(user), pin })
}

/// A device with an officer, an operator and an auditor, the officer logged in.
fn device() -> Hsm<TestBoard> {
    let mut hsm = start();
    initialise(&mut hsm);
    login(&mut hsm, "ALICE", OFFICER_PIN).unwrap();
    for (user, role, pin) in [("OSCAR", Role::Operator, OPERATOR_PIN), ("AUDREY", Role::Auditor, AUDITOR_PIN)]
    {
        tell(&mut hsm, Command::AddUser, &AddUser { user: name(user), role, pin }).unwrap();
    }
    hsm
}

fn create_key(hsm: &mut Hsm<TestBoard>, slot: u8, purpose: Purpose) -> Result<Vec<u8>, Refusal> {
    create_key_of(hsm, slot, Scheme::Ed25519, purpose)
}

fn create_key_of(
    hsm: &mut Hsm<TestBoard>,
    slot: u8,
    scheme: Scheme,
    purpose: Purpose,
) -> Result<Vec<u8>, Refusal> {
    let request = CreateKey { slot, scheme, purpose, path: u32::from(slot), label: name("KEY") };
    let body = ask(hsm, Command::CreateKey, &request)?;
    let info: KeyInfo<'_> = decode(&body).unwrap();
    assert_eq!(info.hash, KeyHash::of(scheme, purpose, info.public_key));
    assert_eq!((info.scheme, info.public_key.len()), (scheme, scheme.public_key_bytes()));
    Ok(info.public_key.to_vec())
}

fn status(hsm: &mut Hsm<TestBoard>) -> Status {
    get(hsm, Command::Status, &NOTHING).unwrap()
}

/// Every scheme has keys of its own for transactions, approvals and plain use, the same after a restart; votes are Ed25519's alone.
#[test]
fn keys_of_every_scheme() {
    let mut hsm = device();
    let mut keys = Vec::new();
    for (slot, scheme) in (0..).zip(Scheme::ALL) {
        keys.push(create_key_of(&mut hsm, slot, scheme, Purpose::Transaction).unwrap());
        if scheme != Scheme::Ed25519 {
            let refusal = create_key_of(&mut hsm, 15, scheme, Purpose::Vote);
            assert_eq!(refusal, refused(KEY_SCHEME), "{scheme}");
        }
        keys.push(create_key_of(&mut hsm, 4 + slot, scheme, Purpose::Approval).unwrap());
        if scheme != Scheme::Hybrid {
            keys.push(create_key_of(&mut hsm, 8 + slot, scheme, Purpose::Plain).unwrap());
        }
    }
    for (index, key) in keys.iter().enumerate() {
        assert!(keys[..index].iter().all(|other| other != key));
    }
    let mut hsm = restart(hsm);
    login(&mut hsm, "OSCAR", OPERATOR_PIN).unwrap();
    // The hybrid, the third, has no key of plain use.
    let slots = (0..4).flat_map(|slot| [slot, slot + 4, slot + 8]).filter(|slot| *slot != 10);
    for (slot, key) in slots.zip(&keys) {
        let body = ask(&mut hsm, Command::DescribeKey, &Index { index: slot }).unwrap();
        assert_eq!(decode::<KeyInfo<'_>>(&body).unwrap().public_key, key);
    }
}

#[test]
fn a_fresh_device_does_nothing_but_be_initialised() {
    let mut hsm = start();
    assert_eq!(status(&mut hsm).name, None);
    for command in Command::ALL {
        if matches!(command.permission(), Permission::Roles(_)) {
            assert_eq!(give(&mut hsm, *command as u8, &[]), refused(DEVICE_FRESH), "{command:?}");
        }
    }
    let mut request =
        Initialise { name: name("HSM_1"), officers_needed: 1, officer: name("ALICE"), pin: b"short" };
    assert_eq!(tell(&mut hsm, Command::Initialise, &request), refused(PIN_FORM));
    request.pin = OFFICER_PIN;
    tell(&mut hsm, Command::Initialise, &request).unwrap();
    assert_eq!(tell(&mut hsm, Command::Initialise, &request), refused(DEVICE_INITIALISED));
    let mut hsm = restart(hsm);
    assert_eq!(status(&mut hsm).name, Some(name("HSM_1")));
    login(&mut hsm, "ALICE", OFFICER_PIN).unwrap();
    assert!(status(&mut hsm).unlocked);
}

/// Every command by every role: only those that the table names get past it.
#[test]
fn every_command_is_refused_to_every_other_role() {
    for (role, user, pin) in [
        (None, "", &b""[..]),
        (Some(Role::Officer), "ALICE", OFFICER_PIN),
        (Some(Role::Operator), "OSCAR", OPERATOR_PIN),
        (Some(Role::Auditor), "AUDREY", AUDITOR_PIN),
    ] {
        for command in Command::ALL {
            let mut hsm = restart(device());
            if role.is_some() {
                login(&mut hsm, user, pin).unwrap();
            }
            let allowed = match command.permission() {
                Permission::Anyone => true,
                Permission::Fresh => false,
                Permission::Roles(roles) => role.is_some_and(|role| roles >> role as u8 & 1 == 1),
            };
            // A body that no command takes.
            let result = give(&mut hsm, *command as u8, &[0xff; 3]);
            let refusal = match command.permission() {
                Permission::Fresh => DEVICE_INITIALISED,
                _ => ROLE,
            };
            assert_eq!(result == refused(refusal), !allowed, "{command:?} by {role:?}: {result:?}");
        }
    }
    let known: Vec<u8> = Command::ALL.iter().map(|command| *command as u8).collect();
    let mut hsm = device();
    for number in (0..=u8::MAX).filter(|number| !known.contains(number)) {
        assert_eq!(give(&mut hsm, number, &[]), refused(COMMAND_UNKNOWN));
    }
    assert_eq!(hsm.handle(&[], &mut [0; 64]), 2);
    assert_eq!(hsm.handle(&[1], &mut [0; 1]), 0);
}

#[test]
fn what_officers_do_needs_as_many_as_the_device_asks_for() {
    let mut hsm = start();
    let request =
        Initialise { name: name("HSM_1"), officers_needed: 2, officer: name("ALICE"), pin: OFFICER_PIN };
    tell(&mut hsm, Command::Initialise, &request).unwrap();
    login(&mut hsm, "ALICE", OFFICER_PIN).unwrap();
    // While there is one officer, one is enough.
    let bob = AddUser { user: name("BOB"), role: Role::Officer, pin: b"bob's pin" };
    tell(&mut hsm, Command::AddUser, &bob).unwrap();
    assert_eq!(create_key(&mut hsm, 0, Purpose::Transaction), refused(ROLE));
    login(&mut hsm, "BOB", b"bob's pin").unwrap();
    create_key(&mut hsm, 0, Purpose::Transaction).unwrap();
    tell(&mut hsm, Command::Logout, &NOTHING).unwrap();
    login(&mut hsm, "BOB", b"bob's pin").unwrap();
    assert_eq!(create_key(&mut hsm, 1, Purpose::Transaction), refused(ROLE));
}

#[test]
fn users_are_added_removed_and_described() {
    let mut hsm = device();
    let bob = AddUser { user: name("BOB"), role: Role::Operator, pin: b"bob's pin" };
    tell(&mut hsm, Command::AddUser, &bob).unwrap();
    assert_eq!(tell(&mut hsm, Command::AddUser, &bob), refused(USER_EXISTS));
    let info: UserInfo = get(&mut hsm, Command::DescribeUser, &Index { index: 3 }).unwrap();
    assert_eq!(info, UserInfo { user: Some(name("BOB")), role: Some(Role::Operator), tries: MAX_TRIES });
    tell(&mut hsm, Command::RemoveUser, &NamedUser { user: name("BOB") }).unwrap();
    let gone = refused(USER_UNKNOWN);
    assert_eq!(tell(&mut hsm, Command::RemoveUser, &NamedUser { user: name("BOB") }), gone);
    assert_eq!(login(&mut hsm, "BOB", b"bob's pin"), gone);
    let last = tell(&mut hsm, Command::RemoveUser, &NamedUser { user: name("ALICE") });
    assert_eq!(last, refused(USER_LAST_OFFICER));
    for index in 0..5 {
        let user = AddUser { user: name(&format!("USER_{index}")), ..bob.clone() };
        tell(&mut hsm, Command::AddUser, &user).unwrap();
    }
    let ninth = AddUser { user: name("NINTH"), ..bob };
    assert_eq!(tell(&mut hsm, Command::AddUser, &ninth), refused(USER_EXISTS));
    // An operator opens secrets, an auditor does not.
    for (user, pin, unlocked) in [("OSCAR", OPERATOR_PIN, true), ("AUDREY", AUDITOR_PIN, false)] {
        tell(&mut hsm, Command::Logout, &NOTHING).unwrap();
        login(&mut hsm, user, pin).unwrap();
        assert_eq!(status(&mut hsm).unlocked, unlocked);
    }
    let change = ChangePin { user: name("AUDREY"), pin: AUDITOR_PIN, new_pin: b"a new auditor pin" };
    tell(&mut hsm, Command::ChangePin, &change).unwrap();
    assert_eq!(login(&mut hsm, "AUDREY", AUDITOR_PIN), refused(PIN_WRONG));
    login(&mut hsm, "AUDREY", b"a new auditor pin").unwrap();
}

#[test]
fn wrong_pins_cost_tries_and_time_and_in_the_end_everything() {
    let mut hsm = device();
    create_key(&mut hsm, 0, Purpose::Transaction).unwrap();
    tell(&mut hsm, Command::Logout, &NOTHING).unwrap();
    let mut now_ms = 0;
    let tries = |hsm: &mut Hsm<TestBoard>, index| {
        let mut copy = power_on(hsm.board().clone());
        login(&mut copy, "AUDREY", AUDITOR_PIN).unwrap();
        get::<_, UserInfo>(&mut copy, Command::DescribeUser, &Index { index }).unwrap().tries
    };
    for failure in 1..MAX_TRIES {
        assert_eq!(login(&mut hsm, "OSCAR", b"a wrong pin"), refused(PIN_WRONG));
        assert_eq!(tries(&mut hsm, 1), MAX_TRIES - failure);
        let wait_ms = if failure < 2 { 0 } else { 1_000 << (failure - 2) };
        if wait_ms > 0 {
            // The time is not won by cutting the power, and waiting one millisecond less is not enough.
            hsm.board().uptime_ms = now_ms + wait_ms - 1;
            assert_eq!(login(&mut hsm, "OSCAR", OPERATOR_PIN), refused(PIN_WAIT));
            hsm = restart(hsm);
            now_ms = 0;
            assert_eq!(login(&mut hsm, "OSCAR", OPERATOR_PIN), refused(PIN_WAIT));
        }
        now_ms += wait_ms;
        hsm.board().uptime_ms = now_ms;
    }
    assert_eq!(login(&mut hsm, "OSCAR", b"a wrong pin"), refused(PIN_WRONG));
    now_ms += 1 << 30;
    hsm.board().uptime_ms = now_ms;
    assert_eq!(login(&mut hsm, "OSCAR", OPERATOR_PIN), refused(PIN_BLOCKED));

    // An officer sets a new PIN.
    login(&mut hsm, "ALICE", OFFICER_PIN).unwrap();
    tell(&mut hsm, Command::SetPin, &SetPin { user: name("OSCAR"), pin: b"another pin" }).unwrap();
    login(&mut hsm, "OSCAR", b"another pin").unwrap();
    // A right PIN gives all tries back.
    assert_eq!(login(&mut hsm, "ALICE", b"a wrong pin"), refused(PIN_WRONG));
    login(&mut hsm, "ALICE", OFFICER_PIN).unwrap();
    assert_eq!(tries(&mut hsm, 0), MAX_TRIES);

    // An officer's last try erases the device; the audit log remains.
    let entries = status(&mut hsm).audit_count;
    for _ in 0..MAX_TRIES {
        now_ms += 1 << 30;
        hsm.board().uptime_ms = now_ms;
        assert_eq!(login(&mut hsm, "ALICE", b"a wrong pin"), refused(PIN_WRONG));
    }
    for mut hsm in [power_on(hsm.board().clone()), hsm] {
        assert_eq!(status(&mut hsm).name, None);
        assert_eq!(status(&mut hsm).audit_count, entries + u64::from(MAX_TRIES));
        assert_eq!(create_key(&mut hsm, 0, Purpose::Transaction), refused(DEVICE_FRESH));
    }
}

#[test]
fn keys_are_derived_and_have_one_purpose() {
    let mut hsm = device();
    let first = create_key(&mut hsm, 0, Purpose::Transaction).unwrap();
    assert_eq!(create_key(&mut hsm, 0, Purpose::Transaction), refused(KEY_EXISTS));
    assert_eq!(create_key(&mut hsm, 16, Purpose::Transaction), refused(KEY_EXISTS));
    for purpose in [Purpose::Attestation, Purpose::Backup, Purpose::Firmware] {
        assert_eq!(create_key(&mut hsm, 1, purpose), refused(KEY_PURPOSE));
    }
    let vote = create_key(&mut hsm, 2, Purpose::Vote).unwrap();
    assert_eq!(create_key(&mut hsm, 3, Purpose::Vote), refused(KEY_EXISTS));
    assert_ne!(first, vote);
    // The same path gives the same key again; after a wipe it does not.
    tell(&mut hsm, Command::DeleteKey, &Index { index: 0 }).unwrap();
    assert_eq!(ask(&mut hsm, Command::DescribeKey, &Index { index: 0 }), refused(KEY_UNKNOWN));
    assert_eq!(create_key(&mut hsm, 0, Purpose::Transaction).unwrap(), first);
    hsm.board().confirms = false;
    assert_eq!(tell(&mut hsm, Command::Wipe, &NOTHING), refused(NOT_CONFIRMED));
    hsm.board().confirms = true;
    let entries = status(&mut hsm).audit_count;
    tell(&mut hsm, Command::Wipe, &NOTHING).unwrap();
    assert_eq!((status(&mut hsm).name, status(&mut hsm).audit_count), (None, entries + 1));
    initialise(&mut hsm);
    login(&mut hsm, "ALICE", OFFICER_PIN).unwrap();
    assert_ne!(create_key(&mut hsm, 0, Purpose::Transaction).unwrap(), first);
}

fn policy() -> Policy<'static> {
    Policy {
        operations: OpSet::of(&[OpKind::Transfer]),
        without_witness: OpSet::default(),
        max_fee: Amount::ZERO,
        max_validity_blocks: 100,
        assets: Default::default(),
        ..Policy::nothing(AccountId::new("BANK_001").unwrap())
    }
}

#[test]
fn policies_are_set_on_keys_for_transactions_and_read_back() {
    let mut hsm = device();
    create_key(&mut hsm, 0, Purpose::Transaction).unwrap();
    create_key(&mut hsm, 1, Purpose::Vote).unwrap();
    let mut buffer = [0; 2048];
    let bytes = encode(&policy(), &mut buffer).unwrap();
    let set = |slot, policy| SetPolicy { slot, policy };
    assert_eq!(tell(&mut hsm, Command::SetPolicy, &set(1, bytes)), refused(KEY_PURPOSE));
    assert_eq!(tell(&mut hsm, Command::SetPolicy, &set(2, bytes)), refused(KEY_UNKNOWN));
    assert_eq!(tell(&mut hsm, Command::SetPolicy, &set(0, &bytes[1..])), refused(POLICY_ENCODING));
    hsm.board().confirms = false;
    assert_eq!(tell(&mut hsm, Command::SetPolicy, &set(0, bytes)), refused(NOT_CONFIRMED));
    hsm.board().confirms = true;
    tell(&mut hsm, Command::SetPolicy, &set(0, bytes)).unwrap();
    assert_eq!(hsm.board().shown.last().unwrap(), "Account: BANK_001");
    let mut hsm = restart(hsm);
    login(&mut hsm, "AUDREY", AUDITOR_PIN).unwrap();
    assert_eq!(ask(&mut hsm, Command::GetPolicy, &Index { index: 0 }).unwrap(), bytes);
}

fn validators() -> Vec<SecretKey> {
    let mut keys: Vec<_> = (1..5).map(|i| SecretKey::from_seed(&[i; 32]).unwrap()).collect();
    keys.sort_by_key(SecretKey::public_key);
    keys
}

/// The hash of every validator's key of checkpoints.
const FINALITY_KEY: [u8; 32] = [7; 32];

/// A header that these validators decide on.
fn header(height: u64) -> Header {
    let mut set = SetHasher::new();
    validators().iter().for_each(|key| set.push(Scheme::Ed25519, &key.public_key(), &FINALITY_KEY).unwrap());
    let set = set.finish().unwrap();
    Header { validators: set, next_validators: set, ..hsm_board::header(height) }
}

fn anchored() -> Hsm<TestBoard> {
    let mut hsm = device();
    let anchor = Anchor { trusting_period_ms: 1_000_000, header: header(10) };
    tell(&mut hsm, Command::Anchor, &anchor).unwrap();
    hsm
}

/// Follows a header with the signatures of these validators, a few members in each request.
fn follow(hsm: &mut Hsm<TestBoard>, header: &Header, signers: &[u8]) -> Result<(), Refusal> {
    let proposal =
        Proposal { round: Round { epoch: 4, view: header.height }, parent_view: 1, header: header.id() };
    let mut set = SignerSet::default();
    signers.iter().for_each(|index| set.insert(*index));
    tell(hsm, Command::BeginHeader, &BeginHeader { header: header.clone(), proposal, signers: set.0 })?;
    let vote = Vote::Finalize(proposal).id(&header.chain_id);
    for (index, key) in validators().iter().enumerate() {
        let mut members = vec![Scheme::Ed25519.number()];
        members.extend(key.public_key());
        members.extend(FINALITY_KEY);
        if signers.contains(&(index as u8)) {
            members.extend(key.sign(Purpose::Vote, &vote).unwrap());
        }
        tell(hsm, Command::Members, &Members { members: &members })?;
    }
    tell(hsm, Command::FinishHeader, &NOTHING)
}

#[test]
fn headers_are_followed_from_an_anchor() {
    let mut hsm = device();
    assert_eq!(follow(&mut hsm, &header(11), &[0, 1, 2]), refused(ANCHOR_MISSING));
    let mut hsm = anchored();
    assert_eq!(status(&mut hsm).trusted.unwrap().height, 10);
    assert_eq!(tell(&mut hsm, Command::FinishHeader, &NOTHING), refused(COMMAND_SEQUENCE));
    let alone = Members { members: &[] };
    assert_eq!(tell(&mut hsm, Command::Members, &alone), refused(COMMAND_SEQUENCE));
    assert_eq!(follow(&mut hsm, &header(11), &[0, 1]), refused(CERTIFICATE_SIGNERS));
    follow(&mut hsm, &header(11), &[0, 1, 3]).unwrap();
    assert_eq!(follow(&mut hsm, &header(11), &[0, 1, 3]), refused(HEADER_NOT_NEWER));
    let mut hsm = restart(hsm);
    assert_eq!(status(&mut hsm).trusted.unwrap().header, header(11).id());
    login(&mut hsm, "OSCAR", OPERATOR_PIN).unwrap();
    follow(&mut hsm, &header(500), &[0, 1, 2, 3]).unwrap();
}

#[test]
fn votes_are_signed_behind_the_guard() {
    let mut hsm = anchored();
    let key = create_key(&mut hsm, 2, Purpose::Vote).unwrap();
    create_key(&mut hsm, 3, Purpose::Transaction).unwrap();
    tell(&mut hsm, Command::Logout, &NOTHING).unwrap();
    login(&mut hsm, "OSCAR", OPERATOR_PIN).unwrap();
    let proposal = |view, fill| Proposal {
        round: Round { epoch: 4, view },
        parent_view: view - 1,
        header: Hash([fill; 32]),
    };
    let give = |hsm: &mut Hsm<TestBoard>, slot, vote| {
        let body = ask(hsm, Command::Vote, &GiveVote { slot, vote })?;
        Ok(decode::<Signed<'_>>(&body).unwrap().signature.to_vec())
    };
    let first = Vote::Notarize(proposal(7, 1));
    let signature = give(&mut hsm, 2, first).unwrap();
    let id = first.id(&header(1).chain_id);
    let digest = signing_digest(Scheme::Ed25519, Purpose::Vote, &id);
    verify(Scheme::Ed25519, &key, &digest, &signature).unwrap();

    let contradicts = refused(VOTE_CONTRADICTS);
    assert_eq!(give(&mut hsm, 2, Vote::Notarize(proposal(7, 2))), contradicts);
    let mut hsm = restart(hsm);
    assert_eq!(give(&mut hsm, 2, first), refused(ROLE));
    login(&mut hsm, "OSCAR", OPERATOR_PIN).unwrap();
    assert_eq!(give(&mut hsm, 2, Vote::Notarize(proposal(7, 2))), contradicts);
    assert_eq!(give(&mut hsm, 2, first).unwrap(), signature);
    give(&mut hsm, 2, Vote::Finalize(proposal(7, 1))).unwrap();
    assert_eq!(give(&mut hsm, 2, Vote::Nullify(Round { epoch: 4, view: 7 })), contradicts);
    assert_eq!(give(&mut hsm, 3, Vote::Notarize(proposal(8, 1))), refused(KEY_PURPOSE));
    assert_eq!(give(&mut hsm, 4, Vote::Notarize(proposal(8, 1))), refused(KEY_UNKNOWN));
    for epoch in [3, 6] {
        let vote = Vote::Nullify(Round { epoch, view: 1 });
        assert_eq!(give(&mut hsm, 2, vote), refused(KEY_EPOCH));
    }
    // Many more votes than a page has room for; the guard does not forget the newest.
    for view in 8..300 {
        give(&mut hsm, 2, Vote::Notarize(proposal(view, 1))).unwrap();
        if view % 50 == 0 {
            hsm = restart(hsm);
            login(&mut hsm, "OSCAR", OPERATOR_PIN).unwrap();
        }
        assert_eq!(give(&mut hsm, 2, Vote::Finalize(proposal(view, 2))), contradicts);
    }
    give(&mut hsm, 2, Vote::Nullify(Round { epoch: 5, view: 1 })).unwrap();
}

/// What is signed follows from what is trusted: nothing of it can be asked for.
#[test]
fn the_checkpoint_of_the_trusted_header_is_signed() {
    let mut hsm = device();
    let key = create_key_of(&mut hsm, 2, Scheme::Hybrid, Purpose::Checkpoint).unwrap();
    create_key_of(&mut hsm, 3, Scheme::Hybrid, Purpose::Transaction).unwrap();
    let give = |hsm: &mut Hsm<TestBoard>, index| {
        let body = ask(hsm, Command::Checkpoint, &Index { index })?;
        let mut signature = decode::<Signed<'_>>(&body).unwrap().signature.to_vec();
        let from = signature.len() as u16;
        let rest = ask(hsm, Command::SignatureRest, &Rest { from })?;
        signature.extend(decode::<Signed<'_>>(&rest).unwrap().signature);
        Ok(signature)
    };
    login(&mut hsm, "OSCAR", OPERATOR_PIN).unwrap();
    assert_eq!(give(&mut hsm, 2), refused(ANCHOR_MISSING));
    let anchor = Anchor { trusting_period_ms: 1_000_000, header: header(10) };
    tell(&mut hsm, Command::Anchor, &anchor).unwrap();
    for (slot, refusal) in [(3, KEY_PURPOSE), (4, KEY_UNKNOWN)] {
        assert_eq!(give(&mut hsm, slot), refused(refusal));
    }
    for height in [10, 11, 30] {
        if height > 10 {
            follow(&mut hsm, &header(height), &[0, 1, 3]).unwrap();
        }
        let checkpoint = Checkpoint::of(&header(height));
        let signature = give(&mut hsm, 2).unwrap();
        verify(Scheme::Hybrid, &key, &checkpoint.digest(), &signature).unwrap();
        assert!(verify(Scheme::Hybrid, &key, &Checkpoint::of(&header(9)).digest(), &signature).is_err());
        // A header on the way is not trusted yet.
        let next = header(height + 1);
        let round = Round { epoch: 4, view: 99 };
        let proposal = Proposal { round, parent_view: 1, header: next.id() };
        let begin = BeginHeader { header: next, proposal, signers: SignerSet::default().0 };
        tell(&mut hsm, Command::BeginHeader, &begin).unwrap();
        verify(Scheme::Hybrid, &key, &checkpoint.digest(), &give(&mut hsm, 2).unwrap()).unwrap();
        assert_eq!(tell(&mut hsm, Command::FinishHeader, &NOTHING), refused(COMMAND_SEQUENCE));
        hsm = restart(hsm);
        assert_eq!(give(&mut hsm, 2), refused(ROLE));
        login(&mut hsm, "OSCAR", OPERATOR_PIN).unwrap();
    }
}

#[test]
fn a_full_audit_log_stops_what_must_be_logged_until_it_is_taken() {
    let mut hsm = device();
    let mut created = 0u32;
    let stopped = loop {
        tell(&mut hsm, Command::DeleteKey, &Index { index: 0 }).unwrap_or_default();
        match create_key(&mut hsm, 0, Purpose::Transaction) {
            Ok(_) => created += 1,
            refused => break refused,
        }
    };
    assert_eq!(stopped, refused(AUDIT_FULL));
    assert!(created > 20);
    // Nothing is done that is not in the log, logging in neither; and no try is lost by that.
    let mut hsm = restart(hsm);
    for pin in [OFFICER_PIN, b"a wrong pin"] {
        assert_eq!(login(&mut hsm, "ALICE", pin), refused(AUDIT_FULL));
    }
    // The auditor makes room.
    assert_eq!(login(&mut hsm, "AUDREY", b"a wrong pin"), refused(PIN_WRONG));
    login(&mut hsm, "AUDREY", AUDITOR_PIN).unwrap();
    let mut head = Head::default();
    loop {
        let bytes = ask(&mut hsm, Command::AuditRead, &AuditFrom { count: head.count }).unwrap();
        if bytes.is_empty() {
            break;
        }
        bytes.as_chunks::<ENTRY_BYTES>().0.iter().for_each(|entry| head = head.after(entry));
    }
    assert_eq!(head.count, status(&mut hsm).audit_count);
    tell(&mut hsm, Command::AuditTake, &head).unwrap();
    login(&mut hsm, "ALICE", OFFICER_PIN).unwrap();
    create_key(&mut hsm, 1, Purpose::Transaction).unwrap();
    let info: UserInfo = get(&mut hsm, Command::DescribeUser, &Index { index: 0 }).unwrap();
    assert_eq!(info.tries, MAX_TRIES);
}

#[test]
fn the_audit_log_is_a_chain_whose_head_is_signed() {
    let mut hsm = device();
    create_key(&mut hsm, 5, Purpose::Transaction).unwrap();
    assert_eq!(login(&mut hsm, "OSCAR", b"a wrong pin"), refused(PIN_WRONG));
    login(&mut hsm, "AUDREY", AUDITOR_PIN).unwrap();
    let body = ask(&mut hsm, Command::AuditHead, &Nonce { nonce: [9; 32] }).unwrap();
    let signed: SignedHead<'_> = decode(&body).unwrap();
    let digest = signing_digest(Scheme::Ed25519, Purpose::Attestation, &signed.head.id(&[9; 32]));
    ed25519::verify(&signed.public_key, digest.as_bytes(), signed.signature).unwrap();

    let mut head = Head::default();
    let mut entries = Vec::new();
    while head.count < signed.head.count {
        let bytes = ask(&mut hsm, Command::AuditRead, &AuditFrom { count: head.count }).unwrap();
        for entry in bytes.as_chunks::<ENTRY_BYTES>().0 {
            head = head.after(entry);
            entries.push((head, Entry::from_bytes(entry).unwrap()));
        }
    }
    assert_eq!(head, signed.head);
    let commands: Vec<_> = entries.iter().map(|(_, entry)| entry.command).collect();
    let expected = [
        Command::Initialise,
        Command::Login,
        Command::AddUser,
        Command::AddUser,
        Command::CreateKey,
        Command::Login,
        Command::Login,
    ];
    assert_eq!(commands, expected.map(|command| command as u8));
    assert_eq!((entries[4].1.key, entries[4].1.user), (5, 0));
    assert_eq!(entries[5].1.refusal, PIN_WRONG.number);

    let wrong = Head { count: 3, hash: Hash([1; 32]) };
    assert_eq!(tell(&mut hsm, Command::AuditTake, &wrong), refused(AUDIT_HEAD));
    tell(&mut hsm, Command::AuditTake, &entries[4].0).unwrap();
    let older = AuditFrom { count: 2 };
    assert_eq!(ask(&mut hsm, Command::AuditRead, &older), refused(AUDIT_HEAD));
    let mut hsm = restart(hsm);
    assert_eq!((status(&mut hsm).audit_count, status(&mut hsm).audit_taken), (7, 5));
}

/// The log goes round many times, and the place up to which it was taken survives.
#[test]
fn a_log_that_is_taken_never_fills() {
    let mut hsm = device();
    login(&mut hsm, "AUDREY", AUDITOR_PIN).unwrap();
    let mut head = Head::default();
    for round in 0..300u64 {
        login(&mut hsm, "OSCAR", OPERATOR_PIN).unwrap();
        if round % 40 == 0 {
            let bytes = ask(&mut hsm, Command::AuditRead, &AuditFrom { count: head.count }).unwrap();
            for entry in bytes.as_chunks::<ENTRY_BYTES>().0 {
                head = head.after(entry);
            }
            tell(&mut hsm, Command::AuditTake, &head).unwrap();
        }
        if round % 70 == 0 {
            hsm = restart(hsm);
            login(&mut hsm, "AUDREY", AUDITOR_PIN).unwrap();
        }
    }
    let status = status(&mut hsm);
    assert!(status.audit_count > 300 && status.audit_taken == head.count);
}

#[test]
fn a_device_attests_what_it_is() {
    let mut hsm = anchored();
    let body = ask(&mut hsm, Command::Attest, &Nonce { nonce: [3; 32] }).unwrap();
    let attestation: Attestation<'_> = decode(&body).unwrap();
    let report = &attestation.report;
    assert_eq!((report.nonce, report.version, report.measurement), ([3; 32], VERSION, measure(IMAGE)));
    assert_eq!((report.name, report.trusted.unwrap().height), (Some(name("HSM_1")), 10));
    let digest = signing_digest(Scheme::Ed25519, Purpose::Attestation, &report.id());
    ed25519::verify(&attestation.public_key, digest.as_bytes(), attestation.signature).unwrap();
    // Another device has another key.
    let mut board = TestBoard::new(1);
    board.unique_secret = [8; 32];
    let mut other = power_on(board);
    let body = ask(&mut other, Command::Attest, &Nonce { nonce: [3; 32] }).unwrap();
    assert_ne!(decode::<Attestation<'_>>(&body).unwrap().public_key, attestation.public_key);
}

#[test]
fn a_body_that_is_not_the_one_of_its_command_is_refused() {
    let mut hsm = device();
    assert_eq!(give(&mut hsm, Command::Status as u8, &[0]), refused(DECODE_TRAILING));
    assert_eq!(give(&mut hsm, Command::DeleteKey as u8, &[]), refused(DECODE_MALFORMED));
    tell(&mut hsm, Command::Logout, &NOTHING).unwrap();
    login(&mut hsm, "AUDREY", AUDITOR_PIN).unwrap();
    tell(&mut hsm, Command::Logout, &NOTHING).unwrap();
    // An officer whose session has no storage key cannot exist: it comes with the PIN.
    assert_eq!(create_key(&mut hsm, 0, Purpose::Transaction), refused(ROLE));
}

#[test]
fn a_new_storage_key_leaves_nothing_of_the_old_one() {
    let mut hsm = device();
    let public_key = create_key(&mut hsm, 0, Purpose::Transaction).unwrap();
    let describe = |hsm: &mut Hsm<TestBoard>| {
        let body = ask(hsm, Command::DescribeKey, &Index { index: 0 }).unwrap();
        decode::<KeyInfo<'_>>(&body).unwrap().public_key.to_vec()
    };
    let before = hsm.board().disk.bytes.clone();
    let rotate = |user: &str, pin| Login { user: name(user), pin };
    assert_eq!(tell(&mut hsm, Command::RotateStorageKey, &rotate("ALICE", OPERATOR_PIN)), refused(PIN_WRONG));
    assert_eq!(tell(&mut hsm, Command::RotateStorageKey, &rotate("OSCAR", OPERATOR_PIN)), refused(ROLE));
    tell(&mut hsm, Command::RotateStorageKey, &rotate("ALICE", OFFICER_PIN)).unwrap();
    assert_eq!(describe(&mut hsm), public_key);
    // The sealed secrets of before: 60 bytes behind their tag. None of them is in the flash any more.
    let tag = [0x07, 0x0c];
    let sealed = |bytes: &[u8]| {
        bytes.windows(62).filter(|window| window.starts_with(&tag)).map(<[u8]>::to_vec).collect::<Vec<_>>()
    };
    let after = hsm.board().disk.bytes.clone();
    assert_eq!(sealed(&before).len(), 2);
    assert!(sealed(&before).iter().all(|old| !after.windows(62).any(|window| window == old)));

    // The operator is let in, and opens nothing until there is a new PIN.
    let mut hsm = restart(hsm);
    login(&mut hsm, "OSCAR", OPERATOR_PIN).unwrap();
    assert!(!status(&mut hsm).unlocked);
    let change = ChangePin { user: name("OSCAR"), pin: OPERATOR_PIN, new_pin: b"changed pin" };
    assert_eq!(tell(&mut hsm, Command::ChangePin, &change), refused(LOCKED));
    login(&mut hsm, "ALICE", OFFICER_PIN).unwrap();
    assert_eq!(describe(&mut hsm), public_key);
    tell(&mut hsm, Command::SetPin, &SetPin { user: name("OSCAR"), pin: b"second pin" }).unwrap();
    tell(&mut hsm, Command::Logout, &NOTHING).unwrap();
    login(&mut hsm, "OSCAR", b"second pin").unwrap();
    assert_eq!(describe(&mut hsm), public_key);
}

#[test]
fn a_backup_is_sealed_to_one_device() {
    let mut source = device();
    let key = create_key(&mut source, 0, Purpose::Transaction).unwrap();
    let vote = create_key(&mut source, 1, Purpose::Vote).unwrap();
    let mut board = TestBoard::new(99);
    board.unique_secret = [9; 32];
    let mut target = hsm_board::power_on(board);
    initialise(&mut target);
    login(&mut target, "ALICE", OFFICER_PIN).unwrap();
    let to: BackupKey = get(&mut target, Command::BackupKey, &NOTHING).unwrap();
    source.board().confirms = false;
    assert_eq!(ask(&mut source, Command::Backup, &to), refused(NOT_CONFIRMED));
    source.board().confirms = true;
    let backup: Backup = get(&mut source, Command::Backup, &to).unwrap();

    // Both panels show the same codes, of the key and of the root.
    let last = |hsm: &mut Hsm<TestBoard>, label: &str| {
        hsm.board().shown.iter().rev().find(|line| line.starts_with(label)).unwrap().clone()
    };
    assert_eq!(last(&mut source, "Backup key"), last(&mut target, "Backup key"));
    let at_source = last(&mut source, "Root");

    // Nobody else opens it, and not a bit of it may differ.
    assert_eq!(tell(&mut source, Command::Restore, &backup), refused(KEY_EXISTS));
    tell(&mut source, Command::DeleteKey, &Index { index: 0 }).unwrap();
    assert_eq!(tell(&mut source, Command::Restore, &backup), refused(AEAD_TAG));
    for byte in 0..32 {
        let mut wrong = [backup.clone(), backup.clone(), backup.clone()];
        wrong[0].ephemeral[byte] ^= 1;
        wrong[1].bytes[byte] ^= 1;
        wrong[2].tag[byte % 16] ^= 1;
        for wrong in wrong {
            assert_eq!(tell(&mut target, Command::Restore, &wrong), refused(AEAD_TAG));
        }
    }
    let mut buffer = [0; Backup::MAX_LEN];
    let whole = encode(&backup, &mut buffer).unwrap();
    for wrong in [&whole[..whole.len() - 1], &[whole, &[0]].concat(), &whole[..2], &whole[..1], &[]] {
        let expected = if wrong.len() < 2 { DECODE_UNKNOWN_TAG } else { DECODE_MALFORMED };
        assert_eq!(give(&mut target, Command::Restore as u8, wrong), refused(expected));
    }
    target.board().confirms = false;
    assert_eq!(tell(&mut target, Command::Restore, &backup), refused(NOT_CONFIRMED));
    target.board().confirms = true;
    tell(&mut target, Command::Restore, &backup).unwrap();
    assert_eq!(last(&mut target, "Root"), at_source);
    // The same keys, but not the same vote key.
    assert_eq!(create_key(&mut target, 0, Purpose::Transaction).unwrap(), key);
    assert_ne!(create_key(&mut target, 1, Purpose::Vote).unwrap(), vote);
    assert_eq!(tell(&mut target, Command::Restore, &backup), refused(KEY_EXISTS));
    // A key of low order gives everybody the sealing key.
    let low = BackupKey { public_key: [0; 32] };
    assert_eq!(ask(&mut source, Command::Backup, &low), refused(EXCHANGE_LOW_ORDER));
}
