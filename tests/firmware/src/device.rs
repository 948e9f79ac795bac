//! A host of the device, and a chain for it to vote in.

use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use qenex_core::codec::{Encoded, decode, encode};
use qenex_core::consensus::{Proposal, Round, Vote};
use qenex_core::crypto::ed25519::SecretKey;
use qenex_core::crypto::{Hash, KeyHash, Purpose, Scheme, signing_digest, verify};
use qenex_core::error::PIN_WAIT;
use qenex_core::hsm::image::BoardName;
use qenex_core::hsm::proto::{
    AddUser, Attestation, Command, CreateKey, GiveVote, Initialise, KeyInfo, Login, Nonce, Nothing, SetPin,
    SetPolicy, Signed, Status,
};
use qenex_core::hsm::{Refusal, Role, UserName};
use qenex_core::id::{NATIVE_ASSET, Reference};
use qenex_core::num::Amount;
use qenex_core::policy::{AssetRule, OpKind, OpSet, Policy, Sorted, Window};
use qenex_core::tx::{Leg, LegsBuf, Op, Transaction, Transfer};
use qenex_device::image::{demonstration_seed, sign};
use qenex_device::{Client, DeviceError};
use zeroize::Zeroizing;

use crate::bench::machine;
use crate::chain::{Chain, EPOCH, chain_id};
use crate::emulator::{Emulator, Line};
use crate::ledger::{sender, shop, usdc};

/// A channel to an emulated device.
pub type Session<'e> = Client<Line<'e>>;

/// The slot of the vote key, and of the one that signs transactions.
pub const VOTES: u8 = 0;
/// See above.
pub const TRANSACTIONS: u8 = 1;

/// The host's key. It protects nothing.
pub const HOST: [u8; 32] = [9; 32];
const OFFICER_PIN: &[u8] = b"officer pin";
const OPERATOR_PIN: &[u8] = b"operator pin";

/// No body.
pub const NOTHING: Nothing = Nothing {};

/// A name.
pub fn name(text: &str) -> Result<UserName> {
    UserName::new(text).ok().context("no name")
}

/// Opens a channel.
pub fn connect(emulator: &Emulator) -> Result<Session<'_>> {
    Ok(Client::open(emulator.line()?, &Zeroizing::new(HOST), None)?)
}

/// Pairs, initialises, logs in, makes an operator, an auditor and two keys, anchors.
pub fn set_up(session: &mut Session<'_>) -> Result<()> {
    initialise(session)?;
    add_user(session, "OSCAR", Role::Operator, OPERATOR_PIN)?;
    add_user(session, "AUDREY", Role::Auditor, OPERATOR_PIN)?;
    create_key(session, VOTES, Purpose::Vote)?;
    create_key(session, TRANSACTIONS, Purpose::Transaction)?;
    chain()?.anchor(session, 10)?;
    Ok(login(session, "OSCAR")?)
}

/// Pairs, initialises, logs the officer in.
pub fn initialise(session: &mut Session<'_>) -> Result<()> {
    session.tell(Command::Pair)?;
    let initialise =
        Initialise { name: name("HSM_1")?, officers_needed: 1, officer: name("ALICE")?, pin: OFFICER_PIN };
    session.ask(Command::Initialise, &initialise)?;
    Ok(login(session, "ALICE")?)
}

/// Makes a user.
pub fn add_user(session: &mut Session<'_>, user: &str, role: Role, pin: &[u8]) -> Result<()> {
    session.ask(Command::AddUser, &AddUser { user: name(user)?, role, pin })?;
    Ok(())
}

/// Gives a user another PIN.
pub fn set_pin(session: &mut Session<'_>, user: &str, pin: &[u8]) -> Result<()> {
    session.ask(Command::SetPin, &SetPin { user: name(user)?, pin })?;
    Ok(())
}

/// Opens a channel after a start, and logs everybody in. A try that a power cut has cost makes the device wait.
pub fn log_in(emulator: &Emulator) -> Result<Session<'_>> {
    let mut session = connect(emulator)?;
    for user in ["ALICE", "OSCAR", "AUDREY"] {
        loop {
            match login(&mut session, user) {
                refused if is_refusal(&refused, PIN_WAIT.number) => thread::sleep(Duration::from_millis(50)),
                result => break result?,
            }
        }
    }
    Ok(session)
}

/// Logs a user in.
pub fn login(session: &mut Session<'_>, user: &str) -> Result<(), DeviceError> {
    login_with(session, user, if user == "ALICE" { OFFICER_PIN } else { OPERATOR_PIN })
}

/// Logs a user in with any PIN.
pub fn login_with(session: &mut Session<'_>, user: &str, pin: &[u8]) -> Result<(), DeviceError> {
    let user = UserName::new(user).map_err(|_| DeviceError::Frame)?;
    session.ask(Command::Login, &Login { user, pin }).map(drop)
}

/// The status.
pub fn status(session: &mut Session<'_>) -> Result<Status, DeviceError> {
    session.get(Command::Status, &NOTHING)
}

/// Makes an Ed25519 key: its hash and its public key.
pub fn create_key(
    session: &mut Session<'_>,
    slot: u8,
    purpose: Purpose,
) -> Result<(KeyHash, Vec<u8>), DeviceError> {
    create_key_of(session, slot, purpose, Scheme::Ed25519)
}

/// Makes a key of any scheme.
pub fn create_key_of(
    session: &mut Session<'_>,
    slot: u8,
    purpose: Purpose,
    scheme: Scheme,
) -> Result<(KeyHash, Vec<u8>), DeviceError> {
    let label = UserName::new("KEY").map_err(|_| DeviceError::Frame)?;
    let create = CreateKey { slot, scheme, purpose, path: slot.into(), label };
    key_info(&session.ask(Command::CreateKey, &create)?)
}

/// Hash and public key of what describes a key.
pub fn key_info(body: &[u8]) -> Result<(KeyHash, Vec<u8>), DeviceError> {
    let info: KeyInfo<'_> = decode(body).map_err(|_| DeviceError::Message)?;
    Ok((info.hash, info.public_key.to_vec()))
}

/// A vote for one of several headers.
pub fn notarize(view: u64, fill: u8) -> Vote {
    let round = Round { epoch: EPOCH, view };
    Vote::Notarize(Proposal { round, parent_view: view.saturating_sub(1), header: Hash([fill; 32]) })
}

/// The signature of a vote.
pub fn vote(session: &mut Session<'_>, vote: Vote) -> Result<Vec<u8>, DeviceError> {
    vote_with(session, VOTES, vote)
}

/// The signature of a vote with any key.
pub fn vote_with(session: &mut Session<'_>, slot: u8, vote: Vote) -> Result<Vec<u8>, DeviceError> {
    let body = session.ask(Command::Vote, &GiveVote { slot, vote })?;
    Ok(decode::<Signed<'_>>(&body).map_err(|_| DeviceError::Message)?.signature.to_vec())
}

/// Whether a signature of a vote is right.
pub fn verify_vote(public_key: &[u8], vote: &Vote, signature: &[u8]) -> Result<()> {
    let digest = signing_digest(Scheme::Ed25519, Purpose::Vote, &vote.id(&chain_id()?));
    Ok(verify(Scheme::Ed25519, public_key, &digest, signature)?)
}

/// Whether this is a refusal with this number.
pub fn is_refusal<T>(result: &Result<T, DeviceError>, number: u16) -> bool {
    matches!(result, Err(DeviceError::Refused(Refusal(refused))) if *refused == number)
}

/// The chain that devices are anchored in: four validators.
pub fn chain() -> Result<Chain> {
    Chain::new(4, Hash([3; 32]))
}

/// Sets a policy that allows small transfers without a witness.
pub fn set_policy(session: &mut Session<'_>) -> Result<()> {
    set_policy_of(session, TRANSACTIONS)
}

/// Sets the same policy for any key.
pub fn set_policy_of(session: &mut Session<'_>, slot: u8) -> Result<()> {
    set_policy_with(session, slot, 1_000)
}

/// Sets a policy that allows so many whole units in its window.
pub fn set_policy_with(session: &mut Session<'_>, slot: u8, window: u64) -> Result<()> {
    let rule = |asset| AssetRule {
        asset,
        max_per_transaction: Amount::from_whole(100),
        window: Some(Window { span_ms: 1_000_000, max: Amount::from_whole(window) }),
        min_after: Amount::ZERO,
        approve_above: None,
        delay_above: None,
    };
    let mut room = [0; 256];
    let policy = Policy {
        operations: OpSet::of(&[OpKind::Transfer]),
        without_witness: OpSet::of(&[OpKind::Transfer]),
        max_fee: Amount::from_whole(1),
        max_validity_blocks: 100,
        assets: Sorted::new([rule(NATIVE_ASSET), rule(usdc()?)], &mut room)?,
        ..Policy::nothing(sender()?)
    };
    let mut buffer = [0; <Policy<'_> as Encoded>::MAX_LEN];
    let policy = encode(&policy, &mut buffer)?;
    session.ask(Command::SetPolicy, &SetPolicy { slot, policy })?;
    Ok(())
}

/// Signs a transfer without a witness.
pub fn sign_transfer(session: &mut Session<'_>, nonce: u64) -> Result<()> {
    sign_transfer_with(session, TRANSACTIONS, nonce).map(drop)
}

/// Signs a transfer without a witness with any key: what was signed, and the signature.
pub fn sign_transfer_with(session: &mut Session<'_>, slot: u8, nonce: u64) -> Result<(Vec<u8>, Vec<u8>)> {
    let transaction = transfer(nonce, 5)?;
    session.bring(slot, &transaction, &[], None)?;
    let signature = session.sign()?;
    Ok((transaction, signature))
}

/// Brings a transfer of so many whole units, without a witness.
pub fn begin_transfer(session: &mut Session<'_>, nonce: u64, amount: u64) -> Result<()> {
    Ok(session.bring(TRANSACTIONS, &transfer(nonce, amount)?, &[], None)?)
}

/// A transfer of so many whole units.
pub fn transfer(nonce: u64, amount: u64) -> Result<Vec<u8>> {
    let amount = Amount::from_whole(amount);
    let legs = LegsBuf::new(&[Leg { to: shop()?, amount, reference: Reference::new("A 1")? }])?;
    let transaction = Transaction {
        chain_id: chain_id()?,
        sender: sender()?,
        nonce,
        last_valid_height: 50,
        fee: Amount::from_whole(1),
        op: Op::Transfer(Transfer { asset: usdc()?, legs: legs.get() }),
    };
    let mut buffer = [0; <Transaction<'_> as Encoded>::MAX_LEN];
    Ok(encode(&transaction, &mut buffer)?.to_vec())
}

/// Whether a signature of a transaction is right.
pub fn verify_transaction(
    scheme: Scheme,
    public_key: &[u8],
    transaction: &[u8],
    signature: &[u8],
) -> Result<()> {
    let id = decode::<Transaction<'_>>(transaction).context("no transaction")?.id();
    let digest = signing_digest(scheme, Purpose::Transaction, &id);
    Ok(verify(scheme, public_key, &digest, signature)?)
}

/// The vendor's manifest of an image.
pub fn sign_image(version: u32, image: &[u8]) -> Result<Vec<u8>> {
    let key = SecretKey::from_seed(&demonstration_seed())?;
    Ok(sign(&key, BoardName::new(machine().board)?, version, image)?)
}

/// Gives the device a new image.
pub fn update(session: &mut Session<'_>, version: u32, image: &[u8]) -> Result<(), DeviceError> {
    let manifest = sign_image(version, image).map_err(|_| DeviceError::Message)?;
    session.update(&manifest, image)
}

/// The version and the measurement that the device attests.
pub fn attested(session: &mut Session<'_>) -> Result<(u32, Hash), DeviceError> {
    let body = session.ask(Command::Attest, &Nonce { nonce: [3; 32] })?;
    let Attestation { report, .. } = decode(&body).map_err(|_| DeviceError::Message)?;
    Ok((report.version, report.measurement))
}
