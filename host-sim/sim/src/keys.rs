//! Keys and accounts of a run, from its seed.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use commonware_cryptography::Signer as _;
use commonware_cryptography::ed25519::PrivateKey;
use qenex_consensus::{CheckpointSigner as _, KeyCheckpointSigner};
use qenex_core::codec::Lent;
use qenex_core::consensus::finality_key;
use qenex_core::consensus::{Proposal, Round, Vote};
use qenex_core::crypto::ed25519::SecretKey;
use qenex_core::crypto::secret::label_seed;
use qenex_core::crypto::{Hash, Purpose, Scheme};
use qenex_core::id::{AccountId, AssetId, ChainId, NATIVE_ASSET};
use qenex_core::ledger::StakingRules;
use qenex_core::num::Amount;
use qenex_core::tx::{
    AccountKind, AuthorityBuf, KeyRef, KycLevel, Leg, LegsBuf, MAX_SIGNED_LEN, Op, Report, Signature,
    SignedTransaction, SignedVote, Transaction, Transfer, encode_signed,
};
use qenex_node::genesis::{Genesis, GenesisAccount, GenesisStaking, GenesisValidator};
use qenex_signatures::LoadSigner;

const LABEL: &str = "qenex-sim";

/// What every client has at the beginning, in whole units.
pub const CLIENT_BALANCE: u64 = 1_000_000;

/// What every validator has at stake at the beginning, in whole units.
pub const STAKE: u64 = 10_000;

/// The chain of all runs.
pub fn chain_id() -> ChainId {
    id("QENEX-SIM")
}

/// An identifier that is one.
fn id<T: std::str::FromStr>(text: &str) -> T
where
    T::Err: std::fmt::Debug,
{
    text.parse().unwrap_or_else(|error| unreachable!("{text} is an identifier: {error:?}"))
}

/// The account of a validator.
pub fn validator_account(index: usize) -> AccountId {
    id(&format!("VALIDATOR_{index:03}"))
}

/// The account of a client.
pub fn client_account(index: usize) -> AccountId {
    id(&format!("CLIENT_{index:05}"))
}

/// The asset that clients move.
pub fn asset() -> AssetId {
    id("USDC")
}

/// The key of the network of a validator.
pub fn peer_key(index: usize) -> PrivateKey {
    PrivateKey::from_seed(index as u64)
}

/// The key of votes of a validator.
pub fn vote_key(index: usize) -> SecretKey {
    let seed = label_seed(LABEL, &format!("vote-{index}"));
    SecretKey::from_seed(&seed).unwrap_or_else(|_| unreachable!("a hash is not zero"))
}

/// The key that signs a validator's checkpoints, made once for each.
pub fn checkpoint_signer(index: usize) -> Arc<KeyCheckpointSigner> {
    static MADE: Mutex<BTreeMap<usize, Arc<KeyCheckpointSigner>>> = Mutex::new(BTreeMap::new());
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    let make = || {
        let seed = label_seed(LABEL, &format!("checkpoint-{index}"));
        let signer = KeyCheckpointSigner::new(&seed);
        Arc::new(signer.unwrap_or_else(|_| unreachable!("a hash is not zero")))
    };
    Arc::clone(made.entry(index).or_insert_with(make))
}

/// The key of a validator's account.
pub fn validator_key(index: usize) -> SecretKey {
    let seed = label_seed(LABEL, validator_account(index).as_str());
    SecretKey::from_seed(&seed).unwrap_or_else(|_| unreachable!("a hash is not zero"))
}

fn signer(account: AccountId) -> LoadSigner {
    let seed = label_seed(LABEL, account.as_str());
    LoadSigner::from_seed(&seed).unwrap_or_else(|_| unreachable!("a hash is not zero"))
}

fn key_ref(signer: &LoadSigner) -> KeyRef {
    KeyRef { scheme: Scheme::Ed25519, hash: signer.key_hash(Purpose::Transaction) }
}

/// The first state, with validators of these keys of votes.
pub fn genesis(vote_keys: &[[u8; 32]], clients: usize, epoch_blocks: u64) -> Genesis {
    let validators = vote_keys.len();
    let account = |id: AccountId, kind, balances| GenesisAccount {
        id,
        kind,
        kyc: KycLevel::Verified,
        authority: AuthorityBuf::single(key_ref(&signer(id))),
        balances,
    };
    let system: AccountId = id("SYSTEM");
    let mut accounts = vec![account(system, AccountKind::System, vec![])];
    accounts.extend((0..validators).map(|index| {
        account(
            validator_account(index),
            AccountKind::Institution,
            vec![(NATIVE_ASSET, Amount::from_whole(STAKE + 1_000))],
        )
    }));
    accounts.extend((0..clients).map(|index| {
        let balance = Amount::from_whole(CLIENT_BALANCE);
        account(
            client_account(index),
            AccountKind::Individual,
            vec![(NATIVE_ASSET, balance), (asset(), balance)],
        )
    }));
    let standing = vote_keys.iter().enumerate().map(|(index, vote_key)| GenesisValidator {
        account: validator_account(index),
        vote_key: *vote_key,
        peer_key: *peer_key(index).public_key().as_ref().first_chunk().unwrap_or(&[0; 32]),
        finality_key: finality_key(checkpoint_signer(index).public_key()).0.0,
        commission_bps: 1_000,
        stake: Amount::from_whole(STAKE),
    });
    let rules = StakingRules {
        epoch_blocks,
        seats_max: u8::MAX,
        min_stake: Amount::from_whole(STAKE / 10),
        unbonding_epochs: 3,
        jail_epochs: 2,
        // A validator that crashes is not jailed: the faults of a run are meant to be outlived.
        missed_limit: u32::MAX,
        slash_bps: 500,
        block_reward: Amount::ONE,
    };
    Genesis {
        chain_id: chain_id(),
        time_ms: 0,
        assets: vec![(NATIVE_ASSET, system), (asset(), system)],
        accounts,
        staking: Some(GenesisStaking { rules, validators: standing.collect() }),
        work: None,
    }
}

/// A signed transfer of the asset from one client to another, without a fee.
pub fn transfer(from: usize, to: usize, amount: Amount, nonce: u64, last_valid_height: u64) -> Vec<u8> {
    let sender = client_account(from);
    let leg = Leg { to: client_account(to), amount, reference: id("") };
    let legs = LegsBuf::new(&[leg]).unwrap_or_else(|_| unreachable!("one receiver"));
    let transaction = Transaction {
        chain_id: chain_id(),
        sender,
        nonce,
        last_valid_height,
        fee: Amount::ZERO,
        op: Op::Transfer(Transfer { asset: asset(), legs: legs.get() }),
    };
    let key = signer(sender);
    let (public_key, signature) = (key.public_key(), key.sign(Purpose::Transaction, &transaction.id()));
    signed(
        &transaction,
        &[Signature { scheme: Scheme::Ed25519, public_key: &public_key, signature: &signature }],
    )
}

/// The next transaction of the same sender, with the same signatures: they are of another one.
pub fn forged(known: &[u8]) -> Option<Vec<u8>> {
    let SignedTransaction { transaction, signatures, .. } = SignedTransaction::decode(known).ok()?;
    Some(signed(&Transaction { nonce: transaction.nonce + 1, ..transaction }, &signatures))
}

/// A validator reports another one, whose votes it made up.
pub fn accusation(reporter: usize, validator: usize) -> Vec<u8> {
    let round = Round { epoch: 0, view: 1 };
    let vote_key = vote_key(validator).public_key();
    let votes =
        [Vote::Nullify(round), Vote::Finalize(Proposal { round, parent_view: 0, header: Hash([1; 32]) })];
    let [first, second] = votes.map(|vote| SignedVote { vote, signature: Lent(&[7; 64]) });
    let transaction = Transaction {
        chain_id: chain_id(),
        sender: validator_account(reporter),
        // Its first: no lie of it is taken.
        nonce: 0,
        last_valid_height: u64::MAX,
        fee: Amount::ZERO,
        op: Op::Report(Report {
            validator: validator_account(validator),
            vote_key: Lent(&vote_key),
            first,
            second,
        }),
    };
    let key = signer(validator_account(reporter));
    let (public_key, signature) = (key.public_key(), key.sign(Purpose::Transaction, &transaction.id()));
    signed(
        &transaction,
        &[Signature { scheme: Scheme::Ed25519, public_key: &public_key, signature: &signature }],
    )
}

fn signed(transaction: &Transaction<'_>, signatures: &[Signature<'_>]) -> Vec<u8> {
    let mut buffer = vec![0; MAX_SIGNED_LEN];
    encode_signed(transaction, signatures, &mut buffer).map(<[u8]>::to_vec).unwrap_or_default()
}
