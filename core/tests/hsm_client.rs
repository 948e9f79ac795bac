//! The host's side of the protocol against the device: what takes several requests, and answers that are not what they should be.
#![allow(clippy::unwrap_used)] // a test that meets what it does not expect should stop there

#[allow(dead_code)] // each test uses a part of it
mod flash_disk;
#[allow(dead_code)]
mod hsm_bank;
#[allow(dead_code)]
mod hsm_board;
#[allow(dead_code)]
mod merkle_model;
mod policy_lists;

use hsm_bank::{Bench, account, amount, transaction, transfer, usdc_rule};
use hsm_board::{IMAGE, TestBoard, VERSION as IMAGE_VERSION, described, name, power_on, signed};
use policy_lists::sorted;
use qenex_core::codec::{Encoded, encode};
use qenex_core::consensus::{Header, Proposal, Round, SetHasher, SignerSet, Vote};
use qenex_core::crypto::secret::SecretKey;
use qenex_core::crypto::{KeyHash, Purpose, Scheme, ed25519, signing_digest, verify};
use qenex_core::error::{CHANNEL_CLOSED, HOST_UNPAIRED, PIN_WRONG, POLICY_APPROVALS};
use qenex_core::hsm::Refusal;
use qenex_core::hsm::approval_id;
use qenex_core::hsm::channel::{Device, kind};
use qenex_core::hsm::client::{Client, ClientError, LinkError, Member, Transport, Witness};
use qenex_core::hsm::proto::{
    Anchor, Approve, BeginHeader, Command, CreateKey, GiveVote, Initialise, KeyInfo, Login, MAX_FRAME,
    MAX_MESSAGE, Nothing, SetPolicy, Signed, Status, VERSION,
};
use qenex_core::ledger::{Account, AccountStatus, Record, RecordId};
use qenex_core::policy::{Approvals, OpSet, Policy};
use qenex_core::tx::{AccountKind, AuthorityBuf, KeyRef, KycLevel, MAX_RECEIVERS, Transaction};
use zeroize::Zeroizing;

const HOST: [u8; 32] = [7; 32];

/// A device in this process, and what passes between it and the client.
struct Direct<'d> {
    device: &'d mut Device<TestBoard>,
    /// The frames of requests.
    frames: Vec<Vec<u8>>,
    /// The length of the last answer.
    answered: usize,
    /// What is done to one of the answers, counted from zero: it may become longer than a frame.
    forge: Option<(usize, Forge)>,
}

type Forge = Box<dyn FnOnce(Vec<u8>) -> Result<Vec<u8>, &'static str>>;

impl Transport for &mut Direct<'_> {
    type Error = &'static str;

    fn exchange(&mut self, frame: &[u8], answer: &mut [u8; MAX_FRAME]) -> Result<usize, &'static str> {
        self.frames.push(frame.to_vec());
        let len = self.device.answer(&mut frame.to_vec(), answer);
        self.answered = len;
        let turn = self.frames.len() - 1;
        let Some((_, forge)) = self.forge.take_if(|(at, _)| *at == turn) else { return Ok(len) };
        let forged = forge(answer[..len].to_vec())?;
        let fits = forged.len().min(MAX_FRAME);
        answer[..fits].copy_from_slice(&forged[..fits]);
        Ok(forged.len())
    }
}

type Failure = ClientError<&'static str>;

fn direct(device: &mut Device<TestBoard>) -> Direct<'_> {
    Direct { device, frames: Vec::new(), answered: 0, forge: None }
}

fn open<'t, 'd>(
    direct: &'t mut Direct<'d>,
    known: Option<&[u8; 32]>,
) -> Result<Client<&'t mut Direct<'d>>, Failure> {
    Client::open(direct, Zeroizing::new(HOST), Zeroizing::new([8; 32]), known)
}

fn login<T: Transport>(client: &mut Client<T>, user: &str, pin: &[u8]) -> Result<(), ClientError<T::Error>> {
    client.ask(Command::Login, &Login { user: name(user), pin }).map(drop)
}

/// Records one by one, as hosts have them.
fn apart(mut packed: &[u8]) -> Vec<Vec<u8>> {
    let mut records = Vec::new();
    while let Some((len, rest)) = packed.split_first_chunk() {
        let (record, rest) = rest.split_at(u16::from_le_bytes(*len).into());
        records.push(record.to_vec());
        packed = rest;
    }
    records
}

fn bytes(transaction: &Transaction<'_>) -> Vec<u8> {
    let mut buffer = [0; <Transaction<'_> as Encoded>::MAX_LEN];
    encode(transaction, &mut buffer).unwrap().to_vec()
}

/// A bank's device behind its channel, and the witness of transactions for it.
struct Bank {
    device: Device<TestBoard>,
    records: Vec<Vec<u8>>,
    proof: Vec<u8>,
    public_key: Vec<u8>,
}

impl Bank {
    fn new(mut bench: Bench, transactions: &[&Transaction<'_>]) -> Self {
        bench.advance(1, 0);
        let (records, proof) = bench.ledger.witness(transactions);
        let (device, public_key) = (Device::new(bench.hsm), bench.public_key);
        Self { device, records: apart(&records), proof, public_key }
    }
}

/// Pairs and logs both users of a bank's device in.
fn enter<T: Transport<Error = &'static str>>(client: &mut Client<T>) {
    client.tell(Command::Pair).unwrap();
    login(client, "ALICE", b"officer pin").unwrap();
    login(client, "OSCAR", b"operator pin").unwrap();
}

#[test]
fn a_fresh_device_is_paired_and_set_up() {
    let mut device = Device::new(power_on(TestBoard::new(1)));
    let mut first = direct(&mut device);
    let mut client = open(&mut first, None).unwrap();
    assert!(!client.is_paired());
    let code = client.pairing_code();
    let known = *client.device_key();
    assert_eq!(client.tell(Command::Logout), Err(Refusal(HOST_UNPAIRED.number).into()));
    client.tell(Command::Pair).unwrap();
    assert!(device.board().shown.iter().any(|line| line.contains(code.as_str())), "the panel shows the same");

    let mut second = direct(&mut device);
    let mut client = open(&mut second, Some(&known)).unwrap();
    assert!(client.is_paired());
    let pin = b"officer pin";
    let initialise = Initialise { name: name("HSM"), officers_needed: 1, officer: name("ALICE"), pin };
    assert!(client.ask(Command::Initialise, &initialise).unwrap().is_empty());
    assert_eq!(login(&mut client, "ALICE", b"another pin"), Err(Refusal(PIN_WRONG.number).into()));
    let status: Status = client.get(Command::Status, &Nothing {}).unwrap();
    assert_eq!((status.name, status.unlocked), (Some(name("HSM")), false));
    // No frame shows a PIN, and none is longer than a frame may be.
    drop(client);
    for frame in &second.frames {
        assert!(frame.len() <= MAX_FRAME && !frame.windows(pin.len()).any(|window| window == pin));
    }
}

#[test]
fn transactions_are_signed_in_every_scheme() {
    for scheme in Scheme::ALL {
        let [first, next] =
            [7, 8].map(|nonce| transaction(nonce, transfer(&[("BANK_002", "100"), ("SHOP", "50")])));
        let mut bank = Bank::new(Bench::with(scheme), &[&first, &next]);
        let mut direct = direct(&mut bank.device);
        let mut client = open(&mut direct, None).unwrap();
        enter(&mut client);
        let witness = Witness { records: bank.records.as_slice(), proof: &bank.proof };
        for (transaction, pending) in [(&first, vec![]), (&next, vec![bytes(&first)])] {
            client.bring(0, &bytes(transaction), &pending, Some(&witness)).unwrap();
            assert_eq!(client.judge().unwrap(), None);
            let signature = client.sign().unwrap();
            let digest = signing_digest(scheme, Purpose::Transaction, &transaction.id());
            verify(scheme, &bank.public_key, &digest, &signature).unwrap();
        }
        // Without a witness, and with one that shows another record.
        let last = transaction(9, transfer(&[("SHOP", "1")]));
        client.bring(0, &bytes(&last), &[[]; 0], None::<&Witness<'_, &[u8]>>).unwrap();
        assert_eq!(client.judge().unwrap(), None);
        let mut wrong = bank.records.clone();
        let record = wrong.iter_mut().find(|record| !record.is_empty()).unwrap();
        *record.last_mut().unwrap() ^= 1;
        let wrong = Witness { records: wrong.as_slice(), proof: &bank.proof };
        client.bring(0, &bytes(&last), &[bytes(&first), bytes(&next)], Some(&wrong)).unwrap();
        assert!(client.judge().unwrap().is_some());
        assert!(matches!(client.sign(), Err(ClientError::Refused(_))));
    }
}

/// The most receivers, each with the longest authority: more records than a request can bring.
#[test]
fn records_come_in_as_many_requests_as_they_take() {
    let mut bench = Bench::new();
    let mut keys: Vec<KeyRef> = (1..=8).map(|fill| KeyRef::of(Scheme::Ed25519, &[fill; 32])).collect();
    keys.sort_unstable();
    let authority = AuthorityBuf::new(2, &keys).unwrap();
    let names: Vec<String> = (0..MAX_RECEIVERS).map(|index| format!("RECEIVER_{index:02}")).collect();
    for name in &names {
        let record = Account {
            kind: AccountKind::Institution,
            status: AccountStatus::Active,
            kyc: KycLevel::Verified,
            nonce: 0,
            holdings: 0,
            authority: authority.get(),
        };
        bench.ledger.put(RecordId::Account(account(name)), &Record::Account(record));
    }
    let to: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "1")).collect();
    let paid = transaction(7, transfer(&to));
    let mut bank = Bank::new(bench, &[&paid]);
    assert!(bank.records.concat().len() > MAX_MESSAGE, "{}", bank.records.concat().len());
    let mut direct = direct(&mut bank.device);
    let mut client = open(&mut direct, None).unwrap();
    enter(&mut client);
    let witness = Witness { records: bank.records.as_slice(), proof: &bank.proof };
    client.bring(0, &bytes(&paid), &[[]; 0], Some(&witness)).unwrap();
    let signature = client.sign().unwrap();
    let digest = signing_digest(Scheme::Ed25519, Purpose::Transaction, &paid.id());
    verify(Scheme::Ed25519, &bank.public_key, &digest, &signature).unwrap();
    // A record that no request can bring is not cut.
    let long = vec![vec![0; MAX_MESSAGE]];
    assert_eq!(client.records(&long), Err(LinkError::Frame.into()));
}

/// A person whose key and signature are longer than a request.
#[test]
fn long_approvals_come_in_parts() {
    let mut bench = Bench::new();
    let person = SecretKey::from_seed(Scheme::Hybrid, &[60; 32]).unwrap();
    let approvers = sorted([person.key_hash(Purpose::Approval).unwrap()]);
    let approvals = Approvals { threshold: 1, approvers, always: OpSet::default() };
    let rules = usdc_rule(|rule| rule.approve_above = Some(amount("100")));
    bench.set(&Policy { approvals: Some(approvals), ..rules });
    let large = transaction(7, transfer(&[("SHOP", "101")]));
    let mut bank = Bank::new(bench, &[&large]);
    let key = KeyHash::of(Scheme::Ed25519, Purpose::Transaction, &bank.public_key);
    let mut direct = direct(&mut bank.device);
    let mut client = open(&mut direct, None).unwrap();
    enter(&mut client);
    client.begin_sign(0, true, &bytes(&large)).unwrap();
    let (mut public_key, mut signature) = ([0; 2_624], [0; 4_691]);
    let approval = Approve {
        scheme: Scheme::Hybrid,
        public_key: person.public_key(&mut public_key).unwrap(),
        signature: person.sign(Purpose::Approval, &approval_id(&key, &large.id()), &mut signature).unwrap(),
    };
    client.approve(&approval).unwrap();
    client.records(&bank.records).unwrap();
    client.proof(&bank.proof).unwrap();
    client.sign().unwrap();
    // And without it.
    let witness = Witness { records: bank.records.as_slice(), proof: &bank.proof };
    let other = transaction(8, transfer(&[("SHOP", "102")]));
    client.bring(0, &bytes(&other), &[bytes(&large)], Some(&witness)).unwrap();
    assert_eq!(client.judge().unwrap(), Some(Refusal(POLICY_APPROVALS.number)));
}

/// The hash of every validator's key of checkpoints.
const FINALITY_KEY: [u8; 32] = [7; 32];

#[test]
fn a_header_is_followed_with_many_members_and_votes_are_signed() {
    let mut keys: Vec<_> =
        (1..=100).map(|seed| ed25519::SecretKey::from_seed(&[seed; 32]).unwrap()).collect();
    keys.sort_by_key(ed25519::SecretKey::public_key);
    let mut set = SetHasher::new();
    keys.iter().for_each(|key| set.push(Scheme::Ed25519, &key.public_key(), &FINALITY_KEY).unwrap());
    let set = set.finish().unwrap();
    let header = |height| Header { validators: set, next_validators: set, ..hsm_board::header(height) };

    let mut bank = Bank::new(Bench::new(), &[]);
    let mut direct = direct(&mut bank.device);
    let mut client = open(&mut direct, None).unwrap();
    enter(&mut client);
    client.ask(Command::Anchor, &Anchor { trusting_period_ms: 1_000_000, header: header(10) }).unwrap();

    let final_ = header(11);
    let proposal = Proposal { round: Round { epoch: 4, view: 11 }, parent_view: 10, header: final_.id() };
    let vote = Vote::Finalize(proposal).id(&final_.chain_id);
    let follow = |client: &mut Client<_>, signers: u8| {
        let signatures: Vec<_> = keys.iter().map(|key| key.sign(Purpose::Vote, &vote).unwrap()).collect();
        let public_keys: Vec<_> = keys.iter().map(ed25519::SecretKey::public_key).collect();
        let mut set = SignerSet::default();
        (0..signers).for_each(|index| set.insert(index));
        let members: Vec<Member<'_>> = (0..)
            .zip(&public_keys)
            .zip(&signatures)
            .map(|((index, public_key), signature)| Member {
                scheme: Scheme::Ed25519,
                public_key,
                finality_key: &FINALITY_KEY,
                signature: set.contains(index).then_some(signature),
            })
            .collect();
        client.follow(&BeginHeader { header: final_.clone(), proposal, signers: set.0 }, &members)
    };
    assert!(matches!(follow(&mut client, 66), Err(ClientError::Refused(_))));
    follow(&mut client, 67).unwrap();
    let status: Status = client.get(Command::Status, &Nothing {}).unwrap();
    assert_eq!(status.trusted.unwrap().header, final_.id());

    let (scheme, purpose, label) = (Scheme::Ed25519, Purpose::Vote, name("VOTES"));
    let create = CreateKey { slot: 3, scheme, purpose, path: 0, label };
    let info: KeyInfo<'_> = client.get(Command::CreateKey, &create).unwrap();
    let public_key = info.public_key.to_vec();
    let vote = Vote::Nullify(Round { epoch: 4, view: 12 });
    let signed: Signed<'_> = client.get(Command::Vote, &GiveVote { slot: 3, vote }).unwrap();
    let digest = signing_digest(Scheme::Ed25519, Purpose::Vote, &vote.id(&final_.chain_id));
    verify(Scheme::Ed25519, &public_key, &digest, signed.signature).unwrap();
}

#[test]
fn an_image_is_brought() {
    let mut bank = Bank::new(Bench::new(), &[]);
    let image = vec![4; 2_000];
    {
        let mut direct = direct(&mut bank.device);
        let mut client = open(&mut direct, None).unwrap();
        enter(&mut client);
        client.update(&signed(described(IMAGE_VERSION + 1, &image)), &image).unwrap();
        let refused = client.update(&signed(described(IMAGE_VERSION - 1, IMAGE)), IMAGE);
        assert!(matches!(refused, Err(ClientError::Refused(_))));
        let long = vec![0; MAX_MESSAGE];
        assert_eq!(client.update(&long, &image), Err(LinkError::Frame.into()));
    }
    let mut board = bank.device.board().clone();
    board.disk.restart();
    assert_eq!(board.boot().unwrap().version, IMAGE_VERSION + 1);
}

#[test]
fn another_device_learns_nothing_of_the_host() {
    let mut device = Device::new(power_on(TestBoard::new(1)));
    let mut direct = direct(&mut device);
    assert_eq!(open(&mut direct, Some(&[1; 32])).map(drop), Err(LinkError::Stranger.into()));
    assert_eq!(direct.frames.len(), 1, "the host's key is in the third message");
}

#[test]
fn what_is_too_long_is_not_sent() {
    let mut bank = Bank::new(Bench::new(), &[]);
    let mut direct = direct(&mut bank.device);
    let mut client = open(&mut direct, None).unwrap();
    enter(&mut client);
    let policy = vec![0; MAX_MESSAGE];
    let request = SetPolicy { slot: 0, policy: &policy };
    assert_eq!(client.ask(Command::SetPolicy, &request).map(drop), Err(LinkError::Frame.into()));
    // Nothing was sent, so both sides still count alike.
    client.tell(Command::Logout).unwrap();
    drop(client);
    assert_eq!(direct.frames.len(), 2 + 3 + 1);
}

#[test]
fn forged_answers_are_not_believed() {
    let mut bank = Bank::new(Bench::new(), &[]);
    let refused = |number: u16| [&[VERSION, kind::REFUSED], &number.to_le_bytes()[..]].concat();
    let code = CHANNEL_CLOSED.number;
    let cases: Vec<(Forge, Failure)> = vec![
        (Box::new(|_| Err("the line is broken")), ClientError::Transport("the line is broken")),
        (Box::new(move |_| Ok(refused(code))), Refusal(code).into()),
        // In the clear nobody can say that something was done.
        (Box::new(move |_| Ok(refused(0))), LinkError::Frame.into()),
        (Box::new(|_| Ok(Vec::new())), LinkError::Frame.into()),
        (Box::new(|_| Ok(vec![VERSION, kind::SEALED])), LinkError::Message.into()),
        (Box::new(|_| Ok(vec![VERSION, kind::CLOSE, 1])), LinkError::Frame.into()),
        (Box::new(|_| Ok(vec![VERSION, kind::REFUSED, 1])), LinkError::Frame.into()),
        (Box::new(|answer| Ok([&[VERSION + 1], &answer[1..]].concat())), LinkError::Frame.into()),
        (Box::new(|answer| Ok(answer[..answer.len() - 1].to_vec())), LinkError::Message.into()),
        (Box::new(|answer| Ok([&answer[..], &[0]].concat())), LinkError::Message.into()),
        (Box::new(|_| Ok(vec![VERSION; MAX_FRAME + 1])), LinkError::Frame.into()),
    ];
    for (forge, expected) in cases {
        let mut direct = Direct { forge: Some((2, forge)), ..direct(&mut bank.device) };
        let mut client = open(&mut direct, None).unwrap();
        assert_eq!(client.ask(Command::Status, &Nothing {}).map(drop), Err(expected));
    }
    // One bit that is another one, wherever it is.
    let mut sealed = direct(&mut bank.device);
    open(&mut sealed, None).unwrap().ask(Command::Status, &Nothing {}).unwrap();
    let len = sealed.answered;
    for at in 0..len {
        let flip = move |mut answer: Vec<u8>| {
            answer[at] ^= 1 << (at % 8);
            Ok(answer)
        };
        let mut direct = Direct { forge: Some((2, Box::new(flip))), ..direct(&mut bank.device) };
        let mut client = open(&mut direct, None).unwrap();
        assert!(matches!(client.ask(Command::Status, &Nothing {}), Err(ClientError::Link(_))), "byte {at}");
    }
    // A handshake that somebody else answers.
    for (turn, forged, error) in [
        (0, vec![VERSION, kind::OPEN], LinkError::Handshake),
        (0, [&[VERSION, kind::OPEN][..], &[1; 96]].concat(), LinkError::Handshake),
        (1, vec![VERSION, kind::CLOSE], LinkError::Frame),
        (1, vec![VERSION, kind::CLOSE, 2], LinkError::Frame),
    ] {
        let forge: Forge = Box::new(|_| Ok(forged));
        let mut direct = Direct { forge: Some((turn, forge)), ..direct(&mut bank.device) };
        assert_eq!(open(&mut direct, None).map(drop), Err(error.into()));
    }
}
