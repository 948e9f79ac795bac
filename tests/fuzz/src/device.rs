//! A device with state: commands of all kinds in any order, bodies that are right and bodies that are not, the power cut in between, and
//! what must hold whatever happens.

use std::collections::HashMap;
use std::sync::OnceLock;

use libfuzzer_sys::arbitrary::{Result, Unstructured};
use qenex_core::codec::{Encoded, decode, encode};
use qenex_core::consensus::{Header, Proposal, Round, Vote, VoteKind};
use qenex_core::crypto::{Hash, Purpose, Scheme};
use qenex_core::hsm::audit::Head;
use qenex_core::hsm::proto::{
    AddUser, Anchor, AuditFrom, BackupKey, BeginHeader, BeginSign, ChangePin, Command, CreateKey, Custodians,
    GiveVote, Index, Initialise, Login, Members, NamedUser, Nonce, Nothing, PassShare, Piece, PieceAt,
    Records, SetPin, SetPolicy, Signed, Status,
};
use qenex_core::hsm::{Hsm, Role};
use qenex_core::id::{AccountId, AssetId, NATIVE_ASSET, Reference};
use qenex_core::num::Amount;
use qenex_core::policy::{AssetRule, OpKind, OpSet, Policy, Sorted, Window};
use qenex_core::tx::{Leg, LegsBuf, Op, Transaction, Transfer};

use crate::hsm_board::{self, NOTHING, TestBoard, ask, described, get, give, name, power_on, signed, tell};
use crate::hsm_custodians::{backup_key, cut, each, pass, together};

type Device = Hsm<TestBoard>;

const USERS: [(&str, Role, &[u8]); 3] = [
    ("ALICE", Role::Officer, b"officer pin"),
    ("OSCAR", Role::Operator, b"operator pin"),
    ("AUDREY", Role::Auditor, b"auditor pin"),
];

/// Images that updates bring.
const IMAGES: [&[u8]; 2] = [&[4; 1_100], b"another image"];

fn header(height: u64) -> Header {
    Header { epoch: height / 8, ..hsm_board::header(height) }
}

/// The encoding of a policy.
fn policy(max: u64) -> Vec<u8> {
    let rule = |asset| AssetRule {
        asset,
        max_per_transaction: Amount::from_whole(max),
        window: Some(Window { span_ms: 10_000, max: Amount::from_whole(max * 2) }),
        min_after: Amount::ZERO,
        approve_above: None,
        delay_above: None,
    };
    let usdc = AssetId::new("USDC").expect("an asset");
    let mut room = [0; 512];
    bytes(&Policy {
        operations: OpSet::of(&[OpKind::Transfer]),
        without_witness: OpSet::of(&[OpKind::Transfer]),
        max_fee: Amount::from_whole(1),
        max_validity_blocks: 100,
        assets: Sorted::new([rule(NATIVE_ASSET), rule(usdc)], &mut room).expect("in order"),
        ..Policy::nothing(AccountId::new("BANK_001").expect("an account"))
    })
}

fn bytes<T: Encoded>(value: &T) -> Vec<u8> {
    let mut buffer = vec![0; 4_096];
    encode(value, &mut buffer).expect("it fits").to_vec()
}

fn login_all(hsm: &mut Device) {
    for (user, _, pin) in USERS {
        // A user may be gone, or have another PIN, or no try left.
        let _ = tell(hsm, Command::Login, &Login { user: name(user), pin });
    }
}

/// A device with users, three keys, a policy and an anchor.
fn prepared() -> &'static TestBoard {
    static BOARD: OnceLock<TestBoard> = OnceLock::new();
    BOARD.get_or_init(|| {
        let mut hsm = power_on(TestBoard::new(1));
        let initialise =
            Initialise { name: name("HSM"), officers_needed: 1, officer: name("ALICE"), pin: USERS[0].2 };
        tell(&mut hsm, Command::Initialise, &initialise).expect("a fresh device");
        login_all(&mut hsm);
        for (user, role, pin) in &USERS[1..] {
            tell(&mut hsm, Command::AddUser, &AddUser { user: name(user), role: *role, pin }).expect("room");
        }
        login_all(&mut hsm);
        for (slot, purpose) in [(0, Purpose::Transaction), (1, Purpose::Vote), (2, Purpose::Plain)] {
            let label = name("KEY");
            let create = CreateKey { slot, scheme: Scheme::Ed25519, purpose, path: 0, label };
            ask(&mut hsm, Command::CreateKey, &create).expect("an empty slot");
        }
        let policy = policy(100);
        tell(&mut hsm, Command::SetPolicy, &SetPolicy { slot: 0, policy: &policy }).expect("a policy");
        tell(&mut hsm, Command::Anchor, &Anchor { trusting_period_ms: 1_000, header: header(8) })
            .expect("a header");
        hsm.board().clone()
    })
}

/// What another device has sealed to the prepared one.
struct Sealed {
    backup: Vec<u8>,
    shares: [Vec<u8>; 2],
}

fn sealed() -> &'static Sealed {
    static SEALED: OnceLock<Sealed> = OnceLock::new();
    SEALED.get_or_init(|| {
        let mut hsm = power_on(prepared().clone());
        login_all(&mut hsm);
        let (own, mut other) = (backup_key(&mut hsm), crate::hsm_custodians::device(22));
        let backup = ask(&mut other, Command::Backup, &BackupKey { public_key: own }).expect("an officer");
        let to = [own, backup_key(&mut other)];
        let shares = each(&cut(&mut other, 2, &to).expect("an officer"));
        let passed = pass(&mut other, &shares[1], own).expect("its share");
        Sealed { backup, shares: [shares[0].clone(), passed] }
    })
}

fn transaction(input: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    let leg = Leg {
        to: AccountId::new("SHOP").expect("an account"),
        amount: Amount::from_whole(input.int_in_range(0..=120)?),
        reference: Reference::new("").expect("a text"),
    };
    let legs = LegsBuf::new(&[leg]).expect("one receiver");
    Ok(bytes(&Transaction {
        chain_id: header(1).chain_id,
        sender: AccountId::new("BANK_001").expect("an account"),
        nonce: input.int_in_range(0..=6)?,
        last_valid_height: input.int_in_range(7..=40)?,
        fee: Amount::from_whole(input.int_in_range(0..=2)?),
        op: Op::Transfer(Transfer { asset: AssetId::new("USDC").expect("an asset"), legs: legs.get() }),
    }))
}

fn vote(input: &mut Unstructured<'_>) -> Result<Vote> {
    let round = Round { epoch: input.int_in_range(0..=3)?, view: input.int_in_range(0..=40)? };
    let proposal = Proposal { round, parent_view: 0, header: Hash([input.int_in_range(0..=1)?; 32]) };
    Ok(match input.int_in_range(0..=2)? {
        0 => Vote::Notarize(proposal),
        1 => Vote::Nullify(round),
        _ => Vote::Finalize(proposal),
    })
}

/// A body that the command takes.
fn body(command: Command, input: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    let (user, role, pin) = USERS[input.choose_index(USERS.len())?];
    let pin = if input.ratio(1, 4)? { b"another pin" } else { pin };
    let user = name(user);
    let index = input.int_in_range(0..=3)?;
    let height = input.int_in_range(1..=30)?;
    let piece: &[u8] = input.arbitrary::<&[u8]>()?;
    Ok(match command {
        Command::Initialise => bytes(&Initialise { name: user, officers_needed: index, officer: user, pin }),
        Command::Login | Command::RotateStorageKey => bytes(&Login { user, pin }),
        Command::AddUser => bytes(&AddUser { user: name("BOB"), role, pin }),
        Command::RemoveUser => bytes(&NamedUser { user: name(if index == 0 { "ALICE" } else { "BOB" }) }),
        Command::SetPin => bytes(&SetPin { user, pin }),
        Command::ChangePin => bytes(&ChangePin { user, pin, new_pin: b"another pin" }),
        Command::DescribeUser
        | Command::DescribeKey
        | Command::DeleteKey
        | Command::GetPolicy
        | Command::SignData
        | Command::Checkpoint
        | Command::Unpair => bytes(&Index { index }),
        Command::CreateKey => {
            let purpose = match index {
                1 => Purpose::Vote,
                2 => Purpose::Plain,
                _ => Purpose::Transaction,
            };
            bytes(&CreateKey { slot: index, scheme: Scheme::Ed25519, purpose, path: 0, label: user })
        }
        Command::SetPolicy => bytes(&SetPolicy { slot: index, policy: &policy(height) }),
        Command::Anchor => bytes(&Anchor { trusting_period_ms: 1_000, header: header(height) }),
        Command::BeginHeader => {
            let header = header(height);
            let round = Round { epoch: header.epoch, view: 1 };
            let proposal = Proposal { round, parent_view: 0, header: header.id() };
            bytes(&BeginHeader { header, proposal, signers: [index; 32] })
        }
        Command::Members => bytes(&Members { members: piece }),
        Command::Vote => bytes(&GiveVote { slot: index, vote: vote(input)? }),
        Command::Data => {
            let offset = if input.ratio(1, 4)? { height as u32 } else { 0 };
            bytes(&PieceAt { offset, bytes: piece })
        }
        Command::Random => vec![index],
        Command::BeginSign => {
            let transaction = transaction(input)?;
            bytes(&BeginSign { slot: index % 2, witnessed: input.ratio(1, 4)?, transaction: &transaction })
        }
        Command::Pending => bytes(&Piece { bytes: &transaction(input)? }),
        Command::Records => bytes(&Records { records: piece }),
        Command::Proof => bytes(&Piece { bytes: piece }),
        Command::BeginUpdate => signed(described(height as u32 % 6, IMAGES[usize::from(index) % 2])),
        Command::UpdatePiece => {
            let image = IMAGES[usize::from(index) % 2];
            let offset = if input.ratio(1, 4)? { height as u32 } else { 0 };
            bytes(&PieceAt { offset, bytes: image.get(offset as usize..).unwrap_or_default() })
        }
        Command::Backup => bytes(&BackupKey { public_key: [index + 1; 32] }),
        Command::Restore => sealed().backup.clone(),
        Command::BackupShares => {
            let keys: Vec<_> = (0..height as u8).map(|fill| [fill + 1; 32]).collect();
            bytes(&Custodians { threshold: index, public_keys: keys.as_flattened() })
        }
        Command::PassShare => {
            bytes(&PassShare { to: [index + 1; 32], share: &sealed().shares[usize::from(index) % 2] })
        }
        Command::RestoreShares => {
            let shares = &sealed().shares;
            let [first, second] = [input.ratio(1, 8)?, !input.ratio(1, 8)?].map(usize::from);
            together(&[&shares[first], &shares[second]])
        }
        Command::AuditHead | Command::Attest => bytes(&Nonce { nonce: [index; 32] }),
        Command::AuditRead => bytes(&AuditFrom { count: height }),
        Command::AuditTake => bytes(&Head { count: height, hash: Hash([index; 32]) }),
        _ => bytes(&Nothing {}),
    })
}

/// What must never go back or contradict itself.
#[derive(Default)]
struct Watch {
    audit_count: u64,
    /// The highest version that somebody logged in to.
    confirmed: u32,
    votes: HashMap<(Round, VoteKind), Hash>,
}

impl Watch {
    fn device(&mut self, hsm: &mut Device) {
        assert!(!hsm.board().disk.overwritten, "a word was written twice");
        let status: Status = get(hsm, Command::Status, &NOTHING).expect("everybody may ask");
        assert!(status.audit_count >= self.audit_count, "the log went back");
        assert!(status.audit_taken <= status.audit_count);
        self.audit_count = status.audit_count;
        assert!(status.version >= self.confirmed, "the firmware went back");
        if status.logged_in != 0 {
            self.confirmed = status.version;
        }
    }

    fn vote(&mut self, request: &[u8], response: &[u8]) {
        let (Ok(GiveVote { vote, .. }), Ok(Signed { .. })) = (decode(request), decode(response)) else {
            return;
        };
        let digest = vote.proposal().map_or(Hash::default(), |proposal| proposal.header);
        let round = vote.round();
        let before = self.votes.insert((round, vote.kind()), digest);
        assert!(before.is_none_or(|before| before == digest), "two votes of one kind");
        let given = |kind| self.votes.get(&(round, kind));
        assert!(given(VoteKind::Nullify).is_none() || given(VoteKind::Finalize).is_none());
        if let (Some(notarized), Some(finalized)) = (given(VoteKind::Notarize), given(VoteKind::Finalize)) {
            assert_eq!(notarized, finalized);
        }
    }
}

/// Gives commands until the input ends.
///
/// # Errors
/// The input has ended.
pub fn sequence(input: &mut Unstructured<'_>) -> Result<()> {
    let mut hsm = power_on(prepared().clone());
    login_all(&mut hsm);
    let mut watch = Watch::default();
    while !input.is_empty() {
        watch.device(&mut hsm);
        let command = Command::ALL[input.choose_index(Command::ALL.len())?];
        let mut request = body(command, input)?;
        match input.int_in_range(0..=15)? {
            // A byte that is another, more or fewer bytes, a cut of the power, time that passes.
            0 if !request.is_empty() => {
                let index = input.choose_index(request.len())?;
                request[index] ^= input.arbitrary::<u8>()?;
            }
            1 => request.extend(input.arbitrary::<&[u8]>()?),
            2 => request.truncate(input.choose_index(request.len() + 1)?),
            3 | 4 => hsm.board().disk.fuse = Some(input.int_in_range(1..=40)?),
            5 => hsm.board().uptime_ms += 1 << 40,
            _ => {}
        }
        request.truncate(4_000);
        if let Ok(response) = give(&mut hsm, command as u8, &request)
            && command == Command::Vote
        {
            watch.vote(&request, &response);
        }
        if hsm.board().disk.fuse.take() == Some(0) || input.ratio(1, 32)? {
            let mut board = hsm.board().clone();
            board.disk.restart();
            hsm = power_on(board);
            login_all(&mut hsm);
        }
    }
    watch.device(&mut hsm);
    power_on(hsm.board().clone());
    Ok(())
}
