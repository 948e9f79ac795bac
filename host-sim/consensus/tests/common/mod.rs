//! What the tests share: seeds, keys, sets, headers.
#![allow(dead_code)] // each test uses a part of it

use std::sync::Arc;

use commonware_consensus::simplex::types as simplex;
use commonware_consensus::types::{Epoch, Round, View};
use commonware_cryptography::Signer as _;
use commonware_cryptography::ed25519::PrivateKey;
use qenex_consensus::{HeaderId, KeySigner, Scheme, Validator, Validators};
use qenex_core::consensus::Header;
use qenex_core::crypto::ed25519::SecretKey;
use qenex_core::crypto::{Domain, Hash, hash};
use qenex_core::id::{AccountId, ChainId};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// The seed of a test, from QENEX_SEED or a new one; it is printed, and replays the run.
pub fn seed() -> u64 {
    let given = std::env::var("QENEX_SEED").ok().and_then(|text| text.parse().ok());
    let seed = given.unwrap_or_else(|| rand::rng().random());
    println!("QENEX_SEED={seed}");
    seed
}

pub fn rng() -> StdRng {
    StdRng::seed_from_u64(seed())
}

/// Cases to try: QENEX_CASES, or a number that suits a debug run.
pub fn cases() -> usize {
    std::env::var("QENEX_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(500)
}

pub fn chain() -> ChainId {
    ChainId::new("QENEX-TEST").unwrap()
}

/// The keys of one validator: of the network, and of votes.
pub struct Keys {
    pub peer: PrivateKey,
    pub vote_seed: [u8; 32],
}

impl Keys {
    pub fn random(rng: &mut StdRng) -> Self {
        Self { peer: PrivateKey::from_seed(rng.random()), vote_seed: rng.random() }
    }

    pub fn vote(&self) -> SecretKey {
        SecretKey::from_seed(&self.vote_seed).unwrap()
    }

    pub fn signer(&self) -> Arc<KeySigner> {
        Arc::new(KeySigner(self.vote()))
    }

    pub fn validator(&self) -> Validator {
        let vote_key = self.vote().public_key();
        // Any hash, and each another.
        let finality_key = hash(Domain::LabelSeed, &[&vote_key]).0;
        Validator { peer: self.peer.public_key(), vote_key, finality_key }
    }
}

/// A set of so many validators, and the scheme of each.
pub fn committee(rng: &mut StdRng, size: usize) -> (Validators, Vec<Scheme>) {
    let keys: Vec<Keys> = (0..size).map(|_| Keys::random(rng)).collect();
    let validators = Validators::new(keys.iter().map(Keys::validator)).unwrap();
    let scheme = |keys: &Keys| Scheme::signer(chain(), validators.clone(), keys.signer()).unwrap();
    let schemes = keys.iter().map(scheme).collect();
    (validators, schemes)
}

/// A number of any length.
pub fn number(rng: &mut StdRng) -> u64 {
    rng.random::<u64>() >> rng.random_range(0..64)
}

pub fn random_proposal(rng: &mut StdRng) -> simplex::Proposal<HeaderId> {
    let round = Round::new(Epoch::new(number(rng)), View::new(number(rng)));
    simplex::Proposal::new(round, View::new(number(rng)), HeaderId(Hash(rng.random())))
}

/// The three things that a validator may be asked to sign about a proposal.
pub fn subjects(proposal: &simplex::Proposal<HeaderId>) -> [simplex::Subject<'_, HeaderId>; 3] {
    [
        simplex::Subject::Notarize { proposal },
        simplex::Subject::Nullify { round: proposal.round },
        simplex::Subject::Finalize { proposal },
    ]
}

/// A header that follows another, or starts a chain.
pub fn header(parent: Option<&Header>, epoch: u64, validators: Hash, next_validators: Hash) -> Header {
    let height = parent.map_or(0, |parent| parent.height + 1);
    Header {
        protocol: Header::PROTOCOL,
        chain_id: chain(),
        epoch,
        view: 0,
        height,
        parent: parent.map(Header::id).unwrap_or_default(),
        time_ms: height * 1_000,
        proposer: AccountId::new("VALIDATOR_1").unwrap(),
        transaction_root: Hash([2; 32]),
        state_root: Hash([3; 32]),
        receipt_root: Hash([4; 32]),
        validators,
        next_validators,
        seal: Default::default(),
    }
}
