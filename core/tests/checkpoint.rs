//! Checkpoints, and the light client that follows them.
#![allow(clippy::unwrap_used)] // a test that meets what it does not expect should stop there

#[allow(dead_code)] // each test uses a part of it
mod num_common;

use std::sync::OnceLock;

use qenex_core::codec::{decode, encode};
use qenex_core::consensus::{
    Anchor, CertificateError, Checkpoint, Endorsement, Endorsements, Header, LightError, Proposal, Round,
    SetHasher, Trusted, Vote, finality_key, quorum,
};
use qenex_core::crypto::secret::SecretKey;
use qenex_core::crypto::{Domain, Hash, KeyHash, Purpose, Scheme, ed25519, hash, ml_dsa};
use qenex_core::id::{AccountId, ChainId};
use rand::RngExt;
use rand::seq::IndexedRandom;

const PERIOD_MS: u64 = 1_000_000;

/// How many bytes of a hybrid's key and signature are ML-DSA's.
const LONG_KEY: usize = 2_592;
const LONG_SIGNATURE: usize = 4_627;

struct Validator {
    vote: ed25519::SecretKey,
    hybrid: SecretKey,
    public_key: Vec<u8>,
}

impl Validator {
    fn new(number: u8) -> Self {
        let hybrid = SecretKey::from_seed(Scheme::Hybrid, &[number; 32]).unwrap();
        let public_key = hybrid.public_key(&mut [0; 2_624]).unwrap().to_vec();
        Self { vote: ed25519::SecretKey::from_seed(&[number; 32]).unwrap(), hybrid, public_key }
    }

    fn vote_key(&self) -> [u8; 32] {
        self.vote.public_key()
    }

    fn finality_key(&self) -> [u8; 32] {
        finality_key(&self.public_key).0.0
    }

    fn sign(&self, id: &Hash, purpose: Purpose) -> Vec<u8> {
        self.hybrid.sign(purpose, id, &mut [0; 4_691]).unwrap().to_vec()
    }
}

/// Ten validators, made once: ML-DSA takes its time.
fn validators(range: std::ops::Range<usize>) -> Vec<&'static Validator> {
    static ALL: OnceLock<Vec<Validator>> = OnceLock::new();
    let mut some: Vec<_> = ALL.get_or_init(|| (1..=10).map(Validator::new).collect())[range].iter().collect();
    some.sort_by_key(|validator| validator.vote_key());
    some
}

fn set_hash(set: &[&Validator]) -> Hash {
    let mut hasher = SetHasher::new();
    for validator in set {
        hasher.push(Scheme::Ed25519, &validator.vote_key(), &validator.finality_key()).unwrap();
    }
    hasher.finish().unwrap()
}

fn chain(text: &str) -> ChainId {
    ChainId::new(text).unwrap()
}

fn header(height: u64, epoch: u64, set: Hash, next: Hash) -> Header {
    Header {
        protocol: Header::PROTOCOL,
        chain_id: chain("QENEX-TEST"),
        epoch,
        view: 7,
        height,
        parent: Hash([1; 32]),
        time_ms: height * 1_000,
        proposer: AccountId::new("VALIDATOR_1").unwrap(),
        transaction_root: Hash([2; 32]),
        state_root: Hash([3; 32]),
        receipt_root: Hash([4; 32]),
        validators: set,
        next_validators: next,
        seal: Default::default(),
    }
}

/// What comes of a check of these members, each with its signature if it signed.
fn check(
    checkpoint: &Checkpoint,
    members: &[(&Validator, Option<&[u8]>)],
    set: &Hash,
) -> Result<(), CertificateError> {
    let mut endorsements = Endorsements::new(checkpoint);
    let mut failed = None;
    for (validator, signature) in members {
        let key = validator.finality_key();
        let endorsement = match signature {
            None => Endorsement::Missing(&key),
            Some(signature) => Endorsement::Signed { public_key: &validator.public_key, signature },
        };
        let result = endorsements.push(Scheme::Ed25519, &validator.vote_key(), endorsement);
        // What failed once is never accepted.
        assert!(failed.is_none_or(|failed| result == Err(failed)));
        failed = result.err();
    }
    let result = endorsements.finish(set);
    assert!(failed.is_none_or(|failed| result == Err(failed)));
    result
}

/// The bytes are those of the description: the domain, the tag, a text with its length, base-128 integers, the id.
#[test]
fn what_is_signed_names_chain_epoch_height_and_header() {
    let header = header(300, 5, Hash([8; 32]), Hash([9; 32]));
    let checkpoint = Checkpoint::of(&header);
    let bytes = [&[0x01, 0x70, 10][..], b"QENEX-TEST", &[5, 0xac, 0x02], &header.id().0].concat();
    assert_eq!(encode(&checkpoint, &mut [0; 128]).unwrap(), bytes);
    assert_eq!(decode::<Checkpoint>(&bytes), Ok(checkpoint));
    assert_eq!(checkpoint.id(), hash(Domain::Checkpoint, &[&bytes]));
    assert_eq!(checkpoint.digest(), hash(Domain::Signing, &[&[3, 8], &checkpoint.id().0]));
    assert_eq!(Domain::Checkpoint as u8, 0x35);
    let trusted = Trusted::new(&Anchor { header: header.clone(), trusting_period_ms: 1 }).unwrap();
    assert_eq!(trusted.checkpoint(), checkpoint);
    let mut ids = vec![checkpoint.id()];
    for wrong in [
        Checkpoint { chain_id: chain("QENEX-TEST2"), ..checkpoint },
        Checkpoint { epoch: 6, ..checkpoint },
        Checkpoint { height: 301, ..checkpoint },
        Checkpoint { header: Hash([0; 32]), ..checkpoint },
    ] {
        ids.push(wrong.id());
    }
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 5);
}

/// The two halves by themselves, which are tested against other implementations, and nothing of the hybrid.
#[test]
fn both_halves_sign_the_same_digest() {
    let validator = validators(0..1)[0];
    let checkpoint = Checkpoint::of(&header(20, 1, Hash([8; 32]), Hash([9; 32])));
    let signature = validator.sign(&checkpoint.id(), Purpose::Checkpoint);
    let digest = checkpoint.digest();
    ml_dsa::verify(&validator.public_key[..LONG_KEY], &digest.0, &[], &signature[..LONG_SIGNATURE]).unwrap();
    ed25519::verify(&validator.public_key[LONG_KEY..], &digest.0, &signature[LONG_SIGNATURE..]).unwrap();
    let hashed = hash(Domain::PublicKey, &[&[3, 8], &validator.public_key]);
    assert_eq!(finality_key(&validator.public_key), KeyHash(hashed));
}

#[test]
fn a_quorum_that_signed_both_halves_counts_and_nothing_else() {
    let set = validators(0..4);
    let hash = set_hash(&set);
    let checkpoint = Checkpoint::of(&header(20, 1, hash, hash));
    let good: Vec<Vec<u8>> =
        set.iter().map(|validator| validator.sign(&checkpoint.id(), Purpose::Checkpoint)).collect();
    let members = |signers: &[usize]| -> Vec<(&Validator, Option<&[u8]>)> {
        let signature = |index: usize| signers.contains(&index).then(|| &good[index][..]);
        set.iter().enumerate().map(|(index, validator)| (*validator, signature(index))).collect()
    };
    for signers in [&[0, 1, 2][..], &[0, 2, 3], &[0, 1, 2, 3]] {
        assert_eq!(check(&checkpoint, &members(signers), &hash), Ok(()));
    }
    assert_eq!(check(&checkpoint, &members(&[]), &hash), Err(CertificateError::Signers));
    assert_eq!(check(&checkpoint, &members(&[1, 3]), &hash), Err(CertificateError::Signers));

    // Nobody, a part of the set, one more, another order, one twice, somebody else.
    let all = members(&[0, 1, 2, 3]);
    let refused = |members: &[_]| assert_eq!(check(&checkpoint, members, &hash), Err(CertificateError::Set));
    refused(&[]);
    refused(&all[..3]);
    let stranger = validators(9..10)[0];
    let theirs = stranger.sign(&checkpoint.id(), Purpose::Checkpoint);
    for place in 0..=4 {
        for signature in [None, Some(&theirs[..])] {
            let mut more = all.clone();
            more.insert(place, (stranger, signature));
            refused(&more);
        }
    }
    refused(&[all[1], all[0], all[2], all[3]]);
    refused(&[all[0], all[0], all[1], all[2], all[3]]);
    let mut other = all.clone();
    other[3] = (stranger, Some(&theirs));
    refused(&other);
    assert_eq!(check(&checkpoint, &all, &Hash([0; 32])), Err(CertificateError::Set));

    // A key of checkpoints that the set does not commit to: a member that brings another one, or says another hash.
    let vote_keys: Vec<_> = set.iter().map(|validator| validator.vote_key()).collect();
    for signs in [true, false] {
        let mut endorsements = Endorsements::new(&checkpoint);
        for (index, validator) in set.iter().enumerate() {
            let (public_key, signature) = (&validator.public_key[..], &good[index][..]);
            let endorsement = match index {
                2 if signs => Endorsement::Signed { public_key: &stranger.public_key, signature: &theirs },
                2 => Endorsement::Missing(&[0; 32]),
                _ => Endorsement::Signed { public_key, signature },
            };
            endorsements.push(Scheme::Ed25519, &vote_keys[index], endorsement).unwrap();
        }
        assert_eq!(endorsements.finish(&hash), Err(CertificateError::Set));
    }

    // Signatures that do not count, each in the place of the last one that is needed.
    let id = checkpoint.id();
    let vote = |checkpoint: &Checkpoint| set[3].sign(&checkpoint.id(), Purpose::Checkpoint);
    let changed = |at: usize| {
        let mut signature = good[3].clone();
        signature[at] ^= 1;
        signature
    };
    let swapped = |index: usize, long: bool| {
        let (from, to) = if long { (0, LONG_SIGNATURE) } else { (LONG_SIGNATURE, 4_691) };
        let mut signature = good[3].clone();
        signature[from..to].copy_from_slice(&good[index][from..to]);
        signature
    };
    let zeroed = |from: usize, to: usize| {
        let mut signature = good[3].clone();
        signature[from..to].fill(0);
        signature
    };
    for (what, wrong) in [
        ("only ML-DSA's half", good[3][..LONG_SIGNATURE].to_vec()),
        ("only Ed25519's half", good[3][LONG_SIGNATURE..].to_vec()),
        ("nothing", Vec::new()),
        ("one byte less", good[3][..4_690].to_vec()),
        ("one byte more", [&good[3][..], &[0]].concat()),
        ("ML-DSA's half empty", zeroed(0, LONG_SIGNATURE)),
        ("Ed25519's half empty", zeroed(LONG_SIGNATURE, 4_691)),
        ("ML-DSA's half changed", changed(1_000)),
        ("Ed25519's half changed", changed(LONG_SIGNATURE + 40)),
        ("ML-DSA's half of another", swapped(1, true)),
        ("Ed25519's half of another", swapped(1, false)),
        ("another's", good[1].clone()),
        ("for another purpose", set[3].sign(&id, Purpose::Vote)),
        ("of the header's id", set[3].sign(&checkpoint.header, Purpose::Checkpoint)),
        ("of another chain", vote(&Checkpoint { chain_id: chain("OTHER"), ..checkpoint })),
        ("of another epoch", vote(&Checkpoint { epoch: 2, ..checkpoint })),
        ("of another height", vote(&Checkpoint { height: 21, ..checkpoint })),
        ("of another header", vote(&Checkpoint { header: Hash([7; 32]), ..checkpoint })),
    ] {
        let mut members = members(&[0, 1, 3]);
        members[3].1 = Some(&wrong);
        assert_eq!(check(&checkpoint, &members, &hash), Err(CertificateError::Signature), "{what}");
    }
}

/// One to ten members, any of whom signed, and now and then one thing is wrong: the model counts and compares.
#[test]
fn random_checkpoints_are_judged_as_a_model_does() {
    let mut rng = num_common::rng();
    let (mut accepted, mut refused) = (0, 0);
    for _ in 0..40 {
        let size = rng.random_range(1..=10);
        let set = validators(0..size);
        let hash = set_hash(&set);
        let checkpoint = Checkpoint::of(&header(rng.random_range(1..9), 1, hash, hash));
        let mut members: Vec<(&Validator, Option<Vec<u8>>)> = set
            .iter()
            .map(|validator| {
                let signs = rng.random_range(0..8) > 0;
                (*validator, signs.then(|| validator.sign(&checkpoint.id(), Purpose::Checkpoint)))
            })
            .collect();
        let signed = members.iter().filter(|(_, signature)| signature.is_some()).count();
        let mut expected = if 3 * signed > 2 * size { Ok(()) } else { Err(CertificateError::Signers) };
        assert_eq!(3 * signed > 2 * size, signed >= usize::from(quorum(size as u8)));
        match rng.random_range(0..6) {
            0 => {
                members.remove(rng.random_range(0..size));
                expected = Err(CertificateError::Set);
            }
            1 if size > 1 => {
                let at = rng.random_range(0..size - 1);
                members.swap(at, at + 1);
                expected = Err(CertificateError::Set);
            }
            2 => {
                let signers: Vec<usize> = (0..size).filter(|index| members[*index].1.is_some()).collect();
                if let Some(index) = signers.choose(&mut rng) {
                    let signature = members[*index].1.as_mut().unwrap();
                    let at = rng.random_range(0..signature.len());
                    signature[at] ^= 1 << rng.random_range(0..8);
                    expected = Err(CertificateError::Signature);
                }
            }
            _ => {}
        }
        let members: Vec<_> =
            members.iter().map(|(validator, signature)| (*validator, signature.as_deref())).collect();
        assert_eq!(check(&checkpoint, &members, &hash), expected);
        accepted += u32::from(expected.is_ok());
        refused += u32::from(expected.is_err());
    }
    assert!(accepted > 0 && refused > 0);
}

fn by_checkpoint(trusted: &Trusted, next: &Header, set: &[&Validator]) -> Result<Trusted, LightError> {
    let id = Checkpoint::of(next).id();
    let mut following = trusted.follow_checkpoint(next)?;
    for (index, validator) in set.iter().enumerate() {
        let (key, signature) = (validator.finality_key(), validator.sign(&id, Purpose::Checkpoint));
        let endorsement = if index < usize::from(quorum(set.len() as u8)) {
            Endorsement::Signed { public_key: &validator.public_key, signature: &signature }
        } else {
            Endorsement::Missing(&key)
        };
        following.endorsements.push(Scheme::Ed25519, &validator.vote_key(), endorsement)?;
    }
    following.finish(trusted)
}

fn by_certificate(trusted: &Trusted, next: &Header, set: &[&Validator]) -> Result<Trusted, LightError> {
    let round = Round { epoch: next.epoch, view: next.view };
    let proposal = Proposal { round, parent_view: 0, header: next.id() };
    let id = Vote::Finalize(proposal).id(&next.chain_id);
    let mut following = trusted.follow(next, &proposal)?;
    for validator in set {
        let signature = validator.vote.sign(Purpose::Vote, &id).unwrap();
        let (vote_key, key) = (validator.vote_key(), validator.finality_key());
        following.certificate.push(Scheme::Ed25519, &vote_key, &key, Some(&signature))?;
    }
    following.finish(trusted)
}

/// Six epochs, whose sets change: by either, and by both in turn, the same is believed.
#[test]
fn the_light_client_follows_either() {
    let sets = [0..4, 0..4, 2..7, 3..9, 9..10, 5..8, 0..4].map(validators);
    let hashes = sets.each_ref().map(|set| set_hash(set));
    let end = |epoch: usize| header(10 * epoch as u64, epoch as u64, hashes[epoch], hashes[(epoch + 1) % 7]);
    let genesis = Header { validators: Hash([0; 32]), ..end(0) };
    let anchor = Anchor { header: genesis, trusting_period_ms: PERIOD_MS };
    let start = Trusted::new(&anchor).unwrap();
    let mut clients = [start; 4];
    for epoch in 1..7 {
        let (next, set) = (end(epoch), &sets[epoch]);
        for (number, trusted) in clients.iter_mut().enumerate() {
            let checkpoint = [true, false, epoch % 2 == 0, epoch % 3 == 0][number];
            let follow = if checkpoint { by_checkpoint } else { by_certificate };
            // No end of an epoch can be left out, no other set decides, nothing is believed twice.
            if epoch < 6 && hashes[epoch] != hashes[epoch + 1] {
                let (later, their) = (end(epoch + 1), &sets[epoch + 1]);
                assert_eq!(follow(trusted, &later, their), Err(LightError::Epoch));
                assert_eq!(follow(trusted, &next, their), Err(LightError::Set));
            }
            *trusted = follow(trusted, &next, set).unwrap();
            assert_eq!(follow(trusted, &next, set), Err(LightError::NotNewer));
        }
        assert!(clients.iter().all(|trusted| *trusted == clients[0]));
        assert_eq!((clients[0].header, clients[0].next_validators), (next.id(), next.next_validators));
    }
}

#[test]
fn a_header_that_cannot_follow_is_refused_whoever_signed() {
    let set = validators(0..4);
    let hash = set_hash(&set);
    let anchor = Anchor { header: header(10, 1, hash, hash), trusting_period_ms: PERIOD_MS };
    let trusted = Trusted::new(&anchor).unwrap();
    let good = header(20, 1, hash, hash);
    let refused = |change: &dyn Fn(&mut Header), expected| {
        let mut wrong = good.clone();
        change(&mut wrong);
        assert_eq!(trusted.follow_checkpoint(&wrong).map(|_| ()), Err(expected));
    };
    refused(&|h| h.protocol = 2, LightError::Protocol);
    refused(&|h| h.chain_id = chain("OTHER"), LightError::Chain);
    refused(&|h| h.height = 10, LightError::NotNewer);
    refused(&|h| h.time_ms = 9_999, LightError::Time);
    refused(&|h| h.time_ms = 10_001 + PERIOD_MS, LightError::TrustingPeriod);
    refused(&|h| h.epoch = 0, LightError::Epoch);
    refused(&|h| h.epoch = 3, LightError::Epoch);
    refused(&|h| h.validators = Hash([5; 32]), LightError::Epoch);
    // What is believed has moved on meanwhile.
    let late = trusted.follow_checkpoint(&good).unwrap();
    let newer = by_checkpoint(&trusted, &header(21, 1, hash, hash), &set).unwrap();
    assert_eq!(late.finish(&newer), Err(LightError::NotNewer));
    assert_eq!(late.finish(&trusted), Err(LightError::Set));
}
