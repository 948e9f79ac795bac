//! A new device becomes a node's: an officer who vouches for the genesis, an operator who lets it vote or sign, a key of votes or of accounts.

use std::io::{Read, Write};

use qenex_core::codec::{self, Encoded};
use qenex_core::consensus::Header;
use qenex_core::crypto::{Purpose, Scheme};
use qenex_core::hsm::proto::{AddUser, Anchor, Command, CreateKey, Initialise, KeyInfo, Login, SetPolicy};
use qenex_core::hsm::{Role, UserName};
use qenex_core::policy::Policy;

use crate::client::Client;
use crate::error::DeviceError;

/// The slot of the key of votes.
pub const VOTES: u8 = 0;
/// The slot of the key of checkpoints.
pub const CHECKPOINTS: u8 = 1;
/// The officer.
pub const OFFICER: &str = "ALICE";
/// The operator.
pub const OPERATOR: &str = "OSCAR";

fn name(text: &str) -> Result<UserName, DeviceError> {
    UserName::new(text).map_err(|_| DeviceError::Message)
}

/// Initialises a paired device, and logs its officer in. Returns its public key of votes.
///
/// # Errors
/// The device refuses, or is not a new one.
pub fn commission<S: Read + Write>(
    client: &mut Client<S>,
    officer_pin: &[u8],
    operator_pin: &[u8],
) -> Result<[u8; 32], DeviceError> {
    set_up(client, "VALIDATOR", officer_pin, operator_pin)?;
    let key = create_key(client, VOTES, Scheme::Ed25519, Purpose::Vote, "VOTES")?;
    key.try_into().map_err(|_| DeviceError::Message)
}

/// Initialises a paired device under a name, logs its officer in, and adds its operator.
///
/// # Errors
/// The device refuses, or is not a new one.
pub fn set_up<S: Read + Write>(
    client: &mut Client<S>,
    label: &str,
    officer_pin: &[u8],
    operator_pin: &[u8],
) -> Result<(), DeviceError> {
    let officer = name(OFFICER)?;
    let initialise = Initialise { name: name(label)?, officers_needed: 1, officer, pin: officer_pin };
    client.ask(Command::Initialise, &initialise)?;
    client.ask(Command::Login, &Login { user: officer, pin: officer_pin })?;
    let operator = AddUser { user: name(OPERATOR)?, role: Role::Operator, pin: operator_pin };
    client.ask(Command::AddUser, &operator).map(drop)
}

/// Makes a key for the transactions of an account, and lets it sign what the policy says. Returns its public key.
///
/// # Errors
/// The device refuses.
pub fn create_account_key<S: Read + Write>(
    client: &mut Client<S>,
    slot: u8,
    policy: &Policy<'_>,
) -> Result<Vec<u8>, DeviceError> {
    let public_key =
        create_key(client, slot, Scheme::Ed25519, Purpose::Transaction, policy.account.as_str())?;
    let mut buffer = [0; <Policy<'_> as Encoded>::MAX_LEN];
    let policy = codec::encode(policy, &mut buffer).map_err(|_| DeviceError::Message)?;
    client.ask(Command::SetPolicy, &SetPolicy { slot, policy })?;
    Ok(public_key)
}

/// Makes a key of checkpoints. Returns its public key.
///
/// # Errors
/// The device refuses.
pub fn create_checkpoint_key<S: Read + Write>(client: &mut Client<S>) -> Result<Vec<u8>, DeviceError> {
    create_key(client, CHECKPOINTS, Scheme::Hybrid, Purpose::Checkpoint, "CHECKPOINTS")
}

fn create_key<S: Read + Write>(
    client: &mut Client<S>,
    slot: u8,
    scheme: Scheme,
    purpose: Purpose,
    label: &str,
) -> Result<Vec<u8>, DeviceError> {
    let body =
        client.ask(Command::CreateKey, &CreateKey { slot, scheme, purpose, path: 0, label: name(label)? })?;
    let info: KeyInfo<'_> = codec::decode(&body).map_err(|_| DeviceError::Message)?;
    Ok(info.public_key.to_vec())
}

/// The officer vouches for the genesis, and leaves.
///
/// # Errors
/// The device refuses.
pub fn anchor<S: Read + Write>(
    client: &mut Client<S>,
    genesis: &Header,
    trusting_period_ms: u64,
) -> Result<(), DeviceError> {
    client.ask(Command::Anchor, &Anchor { trusting_period_ms, header: genesis.clone() })?;
    client.tell(Command::Logout)
}

/// Somebody logs in.
///
/// # Errors
/// The device refuses.
pub fn log_in<S: Read + Write>(client: &mut Client<S>, user: &str, pin: &[u8]) -> Result<(), DeviceError> {
    let user = name(user)?;
    client.ask(Command::Login, &Login { user, pin }).map(|_| ())
}
