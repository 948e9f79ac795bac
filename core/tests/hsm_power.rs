//! The power is cut at every word and page that every command writes or erases. Afterwards the device is as before the command or
//! as after it; nothing that must not go back goes back.
#![allow(clippy::unwrap_used)] // a test that meets what it does not expect should stop there

#[allow(dead_code)] // each test uses a part of it
mod flash_disk;
#[allow(dead_code)]
mod hsm_board;
mod hsm_custodians;
mod policy_lists;

use std::sync::OnceLock;

use hsm_board::{NOTHING, TestBoard, VAULT_PAGES, ask, get, header, name, power_on, tell, update};
use hsm_custodians::{backup_key, cut, each, pass, restore, together};
use policy_lists::sorted;
use qenex_core::codec::{Encoded, decode, encode};
use qenex_core::consensus::{Proposal, Round, Vote};
use qenex_core::crypto::{Hash, Purpose, Scheme};
use qenex_core::error::{NONCE_SIGNED, PIN_WAIT, PIN_WRONG, POLICY_WINDOW, VOTE_CONTRADICTS};
use qenex_core::hsm::backup::Backup;
use qenex_core::hsm::proto::{
    AddUser, Anchor, BackupKey, BeginSign, ChangePin, Command, CreateKey, GiveVote, Index, Initialise,
    KeyInfo, Login, NamedUser, Nonce, PieceAt, SetPin, SetPolicy, Signed, SignedHead, Status, UserInfo,
};
use qenex_core::hsm::{Hsm, MAX_KEYS, MAX_TRIES, MAX_USERS, Refusal, Role};
use qenex_core::id::{AccountId, AssetId, ChainId, NATIVE_ASSET, Reference};
use qenex_core::num::Amount;
use qenex_core::policy::{AssetRule, OpKind, OpSet, Policy, Window};
use qenex_core::tx::{Leg, LegsBuf, Op, Transaction, Transfer};

type Device = Hsm<TestBoard>;

fn login(hsm: &mut Device, user: &str, pin: &[u8]) -> Result<(), Refusal> {
    tell(hsm, Command::Login, &Login { user: name(user), pin })
}

fn policy(max: u64) -> Policy<'static> {
    let rule = |asset| AssetRule {
        asset,
        max_per_transaction: Amount::from_whole(max),
        window: Some(Window { span_ms: 1_000_000, max: Amount::from_whole(max) }),
        min_after: Amount::ZERO,
        approve_above: None,
        delay_above: None,
    };
    Policy {
        operations: OpSet::of(&[OpKind::Transfer]),
        without_witness: OpSet::of(&[OpKind::Transfer]),
        max_fee: Amount::from_whole(1),
        max_validity_blocks: 100,
        assets: sorted([rule(NATIVE_ASSET), rule(AssetId::new("USDC").unwrap())]),
        ..Policy::nothing(AccountId::new("BANK_001").unwrap())
    }
}

fn policy_bytes(max: u64) -> Vec<u8> {
    let mut buffer = [0; <Policy<'_> as Encoded>::MAX_LEN];
    encode(&policy(max), &mut buffer).unwrap().to_vec()
}

fn create_key(hsm: &mut Device, slot: u8, purpose: Purpose) -> Result<(), Refusal> {
    let label = name("KEY");
    let create = CreateKey { slot, scheme: Scheme::Ed25519, purpose, path: 9, label };
    ask(hsm, Command::CreateKey, &create).map(drop)
}

/// A device with all kinds of records, everybody logged in.
fn device() -> Device {
    let mut hsm = power_on(TestBoard::new(21));
    let initialise =
        Initialise { name: name("HSM"), officers_needed: 1, officer: name("ALICE"), pin: b"officer pin" };
    tell(&mut hsm, Command::Initialise, &initialise).unwrap();
    login(&mut hsm, "ALICE", b"officer pin").unwrap();
    for (user, role) in [("OSCAR", Role::Operator), ("AUDREY", Role::Auditor)] {
        tell(&mut hsm, Command::AddUser, &AddUser { user: name(user), role, pin: b"first pin" }).unwrap();
        login(&mut hsm, user, b"first pin").unwrap();
    }
    create_key(&mut hsm, 0, Purpose::Transaction).unwrap();
    create_key(&mut hsm, 1, Purpose::Vote).unwrap();
    let bytes = policy_bytes(1_000);
    tell(&mut hsm, Command::SetPolicy, &SetPolicy { slot: 0, policy: &bytes }).unwrap();
    tell(&mut hsm, Command::Anchor, &Anchor { trusting_period_ms: 1, header: header(10) }).unwrap();
    hsm
}

/// The power comes back.
fn restart(hsm: &mut Device) -> Device {
    let mut board = hsm.board().clone();
    board.disk.restart();
    board.uptime_ms = 1 << 40;
    power_on(board)
}

/// All that can be seen of a device, without its audit log.
fn observe(hsm: &mut Device) -> String {
    let mut hsm = restart(hsm);
    let mut text = format!("{:?}\n", hsm.board().firmware);
    let status: Status = get(&mut hsm, Command::Status, &NOTHING).unwrap();
    text += &format!("{:?} {} {:?}\n", status.name, status.officers_needed, status.trusted);
    // Whoever can log in describes the rest.
    let pins: [(&str, &[u8]); 6] = [
        ("ALICE", b"officer pin"),
        ("ALICE", b"changed pin"),
        ("OSCAR", b"first pin"),
        ("OSCAR", b"second pin"),
        ("BOB", b"bob's pin"),
        ("AUDREY", b"first pin"),
    ];
    let mut tries = Vec::new();
    if login(&mut hsm, "AUDREY", b"first pin").is_ok() {
        for index in 0..MAX_USERS {
            let info: UserInfo = get(&mut hsm, Command::DescribeUser, &Index { index }).unwrap();
            tries.extend(info.user.map(|user| (user, info.role, info.tries)));
        }
        for index in 0..MAX_KEYS {
            if let Ok(body) = ask(&mut hsm, Command::DescribeKey, &Index { index }) {
                let info: KeyInfo<'_> = decode(&body).unwrap();
                text += &format!("key {index} {:?} {:?}\n", info.hash, info.policy);
            }
        }
    }
    tries.iter().for_each(|user| text += &format!("{user:?}\n"));
    for (user, pin) in pins {
        let entered = login(&mut hsm, user, pin).is_ok();
        text += &format!("{user} {entered:?}\n");
        // Officers see what the secrets give.
        let public_key = |index| {
            let body = ask(&mut hsm, Command::DescribeKey, &Index { index }).ok()?;
            Some(decode::<KeyInfo<'_>>(&body).unwrap().public_key.to_vec())
        };
        if entered && user == "ALICE" {
            text += &format!("{:?}\n", (0..2).map(public_key).collect::<Vec<_>>());
        }
    }
    text
}

/// The newest place of the audit log, computed from its entries as an auditor would.
fn audit_count(hsm: &mut Device) -> u64 {
    let mut hsm = restart(hsm);
    let status: Status = get(&mut hsm, Command::Status, &NOTHING).unwrap();
    status.audit_count
}

/// Shares of another device's root that are sealed to this one: one at first, the other by way of the other device.
fn shares() -> &'static [Vec<u8>; 2] {
    static SHARES: OnceLock<[Vec<u8>; 2]> = OnceLock::new();
    SHARES.get_or_init(|| {
        let (own, mut other) = (backup_key(&mut device()), hsm_custodians::device(22));
        let to = [own, backup_key(&mut other)];
        let [first, second] = each(&cut(&mut other, 2, &to).unwrap()).try_into().unwrap();
        [first, pass(&mut other, &second, own).unwrap()]
    })
}

/// Every command that changes the flash, and what must be logged of it.
type Act = fn(&mut Device) -> Result<(), Refusal>;

const ACTS: [(&str, Act); 19] = [
    ("wrong pin", |hsm| match login(hsm, "OSCAR", b"wrong pin") {
        Err(Refusal(number)) if number == PIN_WRONG.number => Ok(()),
        result => result,
    }),
    ("right pin", |hsm| login(hsm, "OSCAR", b"first pin")),
    ("add user", |hsm| {
        let bob = AddUser { user: name("BOB"), role: Role::Officer, pin: b"bob's pin" };
        tell(hsm, Command::AddUser, &bob)
    }),
    ("remove user", |hsm| tell(hsm, Command::RemoveUser, &NamedUser { user: name("OSCAR") })),
    ("set pin", |hsm| tell(hsm, Command::SetPin, &SetPin { user: name("OSCAR"), pin: b"second pin" })),
    ("change pin", |hsm| {
        let change = ChangePin { user: name("ALICE"), pin: b"officer pin", new_pin: b"changed pin" };
        tell(hsm, Command::ChangePin, &change)
    }),
    ("create key", |hsm| create_key(hsm, 5, Purpose::Transaction)),
    ("delete key", |hsm| tell(hsm, Command::DeleteKey, &Index { index: 0 })),
    ("set policy", |hsm| tell(hsm, Command::SetPolicy, &SetPolicy { slot: 0, policy: &policy_bytes(7) })),
    ("anchor", |hsm| tell(hsm, Command::Anchor, &Anchor { trusting_period_ms: 2, header: header(12) })),
    ("take the log", |hsm| {
        let body = ask(hsm, Command::AuditHead, &Nonce { nonce: [0; 32] })?;
        let head = decode::<SignedHead<'_>>(&body).unwrap().head;
        tell(hsm, Command::AuditTake, &head)
    }),
    ("rotate the storage key", |hsm| {
        let alice = Login { user: name("ALICE"), pin: b"officer pin" };
        tell(hsm, Command::RotateStorageKey, &alice)
    }),
    ("restore", |hsm| {
        // To itself: the root is another only where its seal is.
        let to: BackupKey = get(hsm, Command::BackupKey, &NOTHING)?;
        let backup: Backup = get(hsm, Command::Backup, &to)?;
        tell(hsm, Command::DeleteKey, &Index { index: 0 })?;
        tell(hsm, Command::Restore, &backup)
    }),
    ("pass a share", |hsm| pass(hsm, &shares()[0], [9; 32]).map(drop)),
    ("restore shares", |hsm| {
        tell(hsm, Command::DeleteKey, &Index { index: 0 })?;
        restore(hsm, &together(&[&shares()[0], &shares()[1]]))
    }),
    ("sign data", |hsm| {
        create_key(hsm, 5, Purpose::Plain)?;
        tell(hsm, Command::Data, &PieceAt { offset: 0, bytes: b"data" })?;
        ask(hsm, Command::SignData, &Index { index: 5 }).map(drop)
    }),
    ("update", |hsm| update(hsm, 4, &[4; 1_100])),
    ("wipe", |hsm| tell(hsm, Command::Wipe, &NOTHING)),
    ("initialise", |hsm| {
        tell(hsm, Command::Wipe, &NOTHING)?;
        let initialise =
            Initialise { name: name("NEW"), officers_needed: 1, officer: name("BOB"), pin: b"bob's pin" };
        tell(hsm, Command::Initialise, &initialise)
    }),
];

/// A device with the same flash, in the same session.
fn copy(hsm: &mut Device) -> Device {
    let mut again = restart(hsm);
    for (user, pin) in [("ALICE", &b"officer pin"[..]), ("OSCAR", b"first pin"), ("AUDREY", b"first pin")] {
        login(&mut again, user, pin).unwrap();
    }
    again
}

#[test]
fn every_command_happens_or_does_not() {
    let mut cuts = 0u32;
    // Once with a vault that has room, once with one that is about to be compacted.
    for full in [false, true] {
        let mut start = device();
        if full {
            // Until the next login would compact it: then whatever comes first does.
            let erased = |hsm: &mut Device| hsm.board().disk.erasures[..VAULT_PAGES.into()].to_vec();
            loop {
                let mut next = copy(&mut start);
                let before = erased(&mut next);
                ACTS[10].1(&mut next).unwrap();
                let mut after = copy(&mut next);
                if erased(&mut after) != before {
                    break;
                }
                start = next;
            }
        }
        for (what, act) in ACTS {
            let mut base = copy(&mut start);
            let before = observe(&mut base);
            let count = audit_count(&mut base);
            let mut done = copy(&mut start);
            act(&mut done).unwrap();
            let after = observe(&mut done);
            for fuse in 1.. {
                let mut hsm = copy(&mut start);
                hsm.board().disk.fuse = Some(fuse);
                let result = act(&mut hsm);
                if hsm.board().disk.fuse != Some(0) {
                    result.unwrap();
                    break;
                }
                cuts += 1;
                let found = observe(&mut hsm);
                // A try may be lost, never won; and between a wipe and what follows it a device is fresh.
                let tries_lost = ["wrong pin", "right pin", "change pin", "rotate the storage key"]
                    .contains(&what)
                    && is_less(&found, &before);
                let fresh = what == "initialise" && found.contains("\nNone ");
                let known = found == before || found == after || tries_lost || fresh;
                assert!(known, "{what}, cut {fuse}:\n{found}before:\n{before}after:\n{after}");
                assert!(audit_count(&mut hsm) >= count, "{what}: the log went back");
                assert!(!hsm.board().disk.overwritten);
            }
        }
    }
    assert!(cuts > 500, "{cuts}");
    println!("{cuts} cuts");
}

/// Whether what is seen differs only in one try that one user has lost.
fn is_less(found: &str, before: &str) -> bool {
    let lost = format!(", {})", MAX_TRIES - 1);
    found.matches(&lost).count() == 1 && found.replace(&lost, &format!(", {MAX_TRIES})")) == before
}

/// No cut wins a try: whatever happens, at most so many wrong PINs are looked at.
#[test]
fn no_cut_wins_a_try() {
    for fuse in 1..12 {
        let mut hsm = device();
        let mut looked_at = 0;
        for _ in 0..200 {
            hsm.board().uptime_ms += 1 << 40;
            hsm.board().disk.fuse = Some(fuse);
            let result = login(&mut hsm, "OSCAR", b"wrong pin");
            if result == Err(Refusal(PIN_WRONG.number)) {
                looked_at += 1;
            }
            assert_ne!(result, Err(Refusal(PIN_WAIT.number)));
            hsm = restart(&mut hsm);
        }
        assert!(looked_at <= MAX_TRIES, "{looked_at} with a fuse of {fuse}");
        assert!(!hsm.board().disk.overwritten);
    }
}

#[test]
fn no_cut_lets_a_vote_be_contradicted() {
    let proposal =
        |view, fill| Proposal { round: Round { epoch: 4, view }, parent_view: 0, header: Hash([fill; 32]) };
    let mut start = device();
    let vote = |hsm: &mut Device, vote| {
        let body = ask(hsm, Command::Vote, &GiveVote { slot: 1, vote })?;
        Ok(decode::<Signed<'_>>(&body).unwrap().signature.to_vec())
    };
    let contradicts = Err(Refusal(VOTE_CONTRADICTS.number));
    // Beyond the end of a page, where a new one is begun.
    for view in 1..70 {
        for (first, second) in [
            (Vote::Notarize(proposal(view, 1)), Vote::Notarize(proposal(view, 2))),
            (Vote::Nullify(Round { epoch: 4, view }), Vote::Finalize(proposal(view, 1))),
        ] {
            for fuse in 1.. {
                let mut hsm = copy(&mut start);
                hsm.board().disk.fuse = Some(fuse);
                let released = vote(&mut hsm, first);
                if hsm.board().disk.fuse != Some(0) {
                    released.unwrap();
                    break;
                }
                let mut hsm = copy(&mut hsm);
                // Whichever comes first is the only one.
                match (released, vote(&mut hsm, second)) {
                    (Ok(_), result) => assert_eq!(result, contradicts, "view {view}, cut {fuse}"),
                    (Err(_), Ok(_)) => assert_eq!(vote(&mut hsm, first), contradicts),
                    (Err(_), result) => {
                        assert_eq!(result, contradicts);
                        vote(&mut hsm, first).unwrap();
                    }
                }
            }
        }
        vote(&mut start, Vote::Notarize(proposal(view, 1))).unwrap();
    }
}

#[test]
fn no_cut_lets_more_leave_than_the_window_allows() {
    let transfer = |nonce, sum: u64| {
        let leg = Leg {
            to: AccountId::new("SHOP").unwrap(),
            amount: Amount::from_whole(sum),
            reference: Reference::new("").unwrap(),
        };
        let legs: &'static LegsBuf = Box::leak(Box::new(LegsBuf::new(&[leg]).unwrap()));
        Transaction {
            chain_id: ChainId::new("QENEX-TEST").unwrap(),
            sender: AccountId::new("BANK_001").unwrap(),
            nonce,
            last_valid_height: 50,
            fee: Amount::ZERO,
            op: Op::Transfer(Transfer { asset: AssetId::new("USDC").unwrap(), legs: legs.get() }),
        }
    };
    let sign = |hsm: &mut Device, tx: &Transaction<'_>| {
        let mut buffer = [0; <Transaction<'_> as Encoded>::MAX_LEN];
        let begin = BeginSign { slot: 0, witnessed: false, transaction: encode(tx, &mut buffer).unwrap() };
        tell(hsm, Command::BeginSign, &begin)?;
        ask(hsm, Command::Sign, &NOTHING)
    };
    let mut start = device();
    for fuse in 1.. {
        let mut hsm = copy(&mut start);
        hsm.board().disk.fuse = Some(fuse);
        let first = sign(&mut hsm, &transfer(0, 600));
        if hsm.board().disk.fuse != Some(0) {
            first.unwrap();
            break;
        }
        let mut hsm = copy(&mut hsm);
        let same_nonce = sign(&mut hsm, &transfer(0, 601));
        let next = sign(&mut hsm, &transfer(1, 600));
        let nonce_signed = Err(Refusal(NONCE_SIGNED.number));
        let window = Err(Refusal(POLICY_WINDOW.number));
        if first.is_ok() {
            assert_eq!(
                (same_nonce.clone(), next.clone()),
                (nonce_signed.clone(), window.clone()),
                "cut {fuse}"
            );
        }
        assert!(same_nonce.is_ok() || same_nonce == nonce_signed);
        assert_eq!(next, window, "one of the first two was counted");
    }
}
