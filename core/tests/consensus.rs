//! Votes, the guard, certificates and the light client.
#![allow(clippy::unwrap_used)] // a test that meets what it does not expect should stop there

#[allow(dead_code)] // each test uses a part of it
mod num_common;

use std::collections::HashMap;

use qenex_core::codec::{decode, encode};
use qenex_core::consensus::{
    Anchor, CertificateError, Guard, GuardError, Header, LightError, MAX_SIMPLEX_BYTES, Mark, Proposal,
    Recorded, Round, SetHasher, SignerSet, Trusted, ValidatorSetError, Vote, VoteKind, namespace, quorum,
};
use qenex_core::crypto::ed25519::SecretKey;
use qenex_core::crypto::{Domain, Hash, Purpose, Scheme, hash};
use qenex_core::id::{AccountId, ChainId, MAX_ID_LEN};
use rand::{Rng, RngExt};

const PERIOD_MS: u64 = 1_000_000;

fn chain(text: &str) -> ChainId {
    ChainId::new(text).unwrap()
}

/// `size` validators in the order of a set.
fn validators(from: u8, size: u8) -> Vec<SecretKey> {
    let mut keys: Vec<_> =
        (0..size).map(|i| SecretKey::from_seed(&[from.wrapping_add(i).max(1); 32]).unwrap()).collect();
    keys.sort_by_key(SecretKey::public_key);
    keys
}

/// The hash of a validator's key of checkpoints.
fn finality_key(key: &SecretKey) -> [u8; 32] {
    hash(Domain::LabelSeed, &[&key.public_key()]).0
}

fn set_hash(keys: &[SecretKey]) -> Hash {
    let mut hasher = SetHasher::new();
    keys.iter().for_each(|key| hasher.push(Scheme::Ed25519, &key.public_key(), &finality_key(key)).unwrap());
    hasher.finish().unwrap()
}

fn header(height: u64, epoch: u64, set: &[SecretKey], next: &[SecretKey]) -> Header {
    Header {
        protocol: Header::PROTOCOL,
        chain_id: chain("QENEX-TEST"),
        epoch,
        view: 0,
        height,
        parent: Hash([1; 32]),
        time_ms: height * 1_000,
        proposer: AccountId::new("VALIDATOR_1").unwrap(),
        transaction_root: Hash([2; 32]),
        state_root: Hash([3; 32]),
        receipt_root: Hash([4; 32]),
        validators: set_hash(set),
        next_validators: set_hash(next),
        seal: Default::default(),
    }
}

fn proposal(header: &Header) -> Proposal {
    Proposal { round: Round { epoch: header.epoch, view: 7 }, parent_view: 6, header: header.id() }
}

/// Follows `next` with the signatures of these members of `set`.
fn follow(
    trusted: &Trusted,
    next: &Header,
    proposal: &Proposal,
    set: &[SecretKey],
    signers: &[usize],
) -> Result<Trusted, LightError> {
    let vote = Vote::Finalize(*proposal).id(&next.chain_id);
    let mut following = trusted.follow(next, proposal)?;
    for (index, key) in set.iter().enumerate() {
        let signature = signers.contains(&index).then(|| key.sign(Purpose::Vote, &vote).unwrap());
        let signature = signature.as_ref().map(|signature| &signature[..]);
        following.certificate.push(Scheme::Ed25519, &key.public_key(), &finality_key(key), signature)?;
    }
    following.finish(trusted)
}

/// The bytes are those of the description: a length, the namespace with its suffix, base-128 integers, the payload.
#[test]
fn a_vote_is_the_hash_of_what_simplex_signs() {
    let chain = chain("QENEX-TEST");
    let proposal = Proposal { round: Round { epoch: 300, view: 5 }, parent_view: 4, header: Hash([9; 32]) };
    let message: Vec<u8> = [&[0xac, 0x02, 5, 4][..], &[9; 32]].concat();
    for (vote, suffix, message) in [
        (Vote::Notarize(proposal), &b"_NOTARIZE"[..], &message[..]),
        (Vote::Nullify(proposal.round), b"_NULLIFY", &[0xac, 0x02, 5]),
        (Vote::Finalize(proposal), b"_FINALIZE", &message),
    ] {
        let namespace = [b"QENEX:QENEX-TEST", suffix].concat();
        let bytes = [&[namespace.len() as u8][..], &namespace, message].concat();
        assert_eq!(vote.simplex_bytes(&chain)[..], bytes);
        assert_eq!(vote.id(&chain), hash(Domain::Vote, &[&bytes]));
        assert_eq!(VoteKind::from_number(vote.kind() as u8), Some(vote.kind()));
        let mut buffer = [0; 128];
        let encoded = encode(&vote, &mut buffer).unwrap();
        assert_eq!(decode::<Vote>(encoded), Ok(vote));
    }
    assert_eq!(&namespace(&chain)[..], b"QENEX:QENEX-TEST");
    // The longest of all.
    let longest = self::chain(&"C".repeat(MAX_ID_LEN));
    let round = Round { epoch: u64::MAX, view: u64::MAX };
    let vote = Vote::Notarize(Proposal { round, parent_view: u64::MAX, header: Hash([0; 32]) });
    assert_eq!(vote.simplex_bytes(&longest).len(), MAX_SIMPLEX_BYTES);
}

#[test]
fn a_quorum_is_more_than_two_thirds() {
    for members in 1..=u8::MAX {
        let quorum = u32::from(quorum(members));
        let members = u32::from(members);
        assert!(3 * quorum > 2 * members && 3 * (quorum - 1) <= 2 * members, "{members}");
    }
}

#[test]
fn a_set_is_strictly_ascending() {
    let keys = validators(1, 3);
    let key = |i: usize| keys[i].public_key();
    let mut hasher = SetHasher::new();
    assert_eq!(hasher.clone().finish(), Err(ValidatorSetError::Set));
    hasher.push(Scheme::Ed25519, &key(1), &finality_key(&keys[1])).unwrap();
    for wrong in [&key(0)[..], &key(1)[..], &key(2)[..31], &[]] {
        assert_eq!(hasher.clone().push(Scheme::Ed25519, wrong, &[0; 32]), Err(ValidatorSetError::Set));
    }
    hasher.push(Scheme::Ed25519, &key(2), &finality_key(&keys[2])).unwrap();
    assert_eq!(hasher.finish().unwrap(), set_hash(&keys[1..]));
    assert_ne!(set_hash(&keys[1..]), set_hash(&keys));
    // 255 members are the most.
    let mut hasher = SetHasher::new();
    for i in 0..255u8 {
        hasher.push(Scheme::Ed25519, &[i; 32], &[0; 32]).unwrap();
    }
    assert_eq!(hasher.push(Scheme::Ed25519, &[255; 32], &[0; 32]), Err(ValidatorSetError::Set));
}

#[test]
fn signers_are_bits() {
    let mut signers = SignerSet::default();
    for index in [0, 7, 8, 100, 254] {
        assert!(!signers.contains(index));
        signers.insert(index);
    }
    let set: Vec<u8> = (0..=255).filter(|&i| signers.contains(i)).collect();
    assert_eq!(set, [0, 7, 8, 100, 254]);
}

#[test]
fn the_light_client_follows_a_quorum_and_the_change_of_the_set() {
    let (first, second) = (validators(1, 4), validators(50, 7));
    let anchor = Anchor { header: header(10, 1, &first, &first), trusting_period_ms: PERIOD_MS };
    let trusted = Trusted::new(&anchor).unwrap();
    assert_eq!((trusted.height, trusted.header), (10, anchor.header.id()));

    // The last block of the epoch names the next set; blocks between are left out.
    let last = header(20, 1, &first, &second);
    let trusted = follow(&trusted, &last, &proposal(&last), &first, &[0, 2, 3]).unwrap();
    assert_eq!((trusted.height, trusted.time_ms, trusted.state_root), (20, 20_000, Hash([3; 32])));
    let next = header(25, 2, &second, &second);
    let proposed = proposal(&next);
    let mut late = trusted.follow(&next, &proposed).unwrap();
    let trusted = follow(&trusted, &next, &proposed, &second, &[0, 1, 2, 3, 4]).unwrap();
    assert_eq!((trusted.height, trusted.epoch), (25, 2));
    // A check that ends after belief has moved on does not take it back.
    let vote = Vote::Finalize(proposed).id(&next.chain_id);
    for key in &second {
        let signature = key.sign(Purpose::Vote, &vote).unwrap();
        late.certificate
            .push(Scheme::Ed25519, &key.public_key(), &finality_key(key), Some(&signature))
            .unwrap();
    }
    assert_eq!(late.finish(&trusted), Err(LightError::NotNewer));
    let mut buffer = [0; 256];
    assert_eq!(decode::<Trusted>(encode(&trusted, &mut buffer).unwrap()), Ok(trusted));
}

#[test]
fn a_header_that_does_not_follow_is_refused() {
    let (set, other) = (validators(1, 4), validators(50, 4));
    let anchor = Anchor { header: header(10, 1, &set, &set), trusting_period_ms: PERIOD_MS };
    let trusted = Trusted::new(&anchor).unwrap();
    let good = header(11, 1, &set, &set);
    let all = [0, 1, 2, 3];
    follow(&trusted, &good, &proposal(&good), &set, &all).unwrap();

    let refused = |change: &dyn Fn(&mut Header), expected| {
        let mut wrong = good.clone();
        change(&mut wrong);
        assert_eq!(follow(&trusted, &wrong, &proposal(&wrong), &set, &all), Err(expected));
    };
    refused(&|h| h.protocol = 2, LightError::Protocol);
    refused(&|h| h.chain_id = chain("OTHER"), LightError::Chain);
    refused(&|h| h.height = 10, LightError::NotNewer);
    refused(&|h| h.time_ms = 9_999, LightError::Time);
    refused(&|h| h.time_ms = 10_001 + PERIOD_MS, LightError::TrustingPeriod);
    refused(&|h| h.epoch = 0, LightError::Epoch);
    refused(&|h| h.epoch = 3, LightError::Epoch);
    refused(&|h| h.validators = set_hash(&other), LightError::Epoch);
    assert_eq!(
        Trusted::new(&Anchor { header: Header { protocol: 9, ..good.clone() }, ..anchor }),
        Err(LightError::Protocol)
    );

    // The right keys of votes with another key of checkpoints.
    let right = proposal(&good);
    let vote = Vote::Finalize(right).id(&good.chain_id);
    for wrong in 0..=set.len() {
        let mut following = trusted.follow(&good, &right).unwrap();
        for (index, key) in set.iter().enumerate() {
            let signature = key.sign(Purpose::Vote, &vote).unwrap();
            let mut other = finality_key(key);
            other[31] ^= u8::from(index == wrong);
            following.certificate.push(Scheme::Ed25519, &key.public_key(), &other, Some(&signature)).unwrap();
        }
        let expected = if wrong < set.len() { Err(LightError::Set) } else { Ok(11) };
        assert_eq!(following.finish(&trusted).map(|trusted| trusted.height), expected);
    }
    // A proposal for another header, or of another epoch.
    for wrong in [
        Proposal { header: Hash([0; 32]), ..right },
        Proposal { round: Round { epoch: 2, view: 7 }, ..right },
    ] {
        assert_eq!(follow(&trusted, &good, &wrong, &set, &all), Err(LightError::Proposal));
    }
    // Too few signatures, a set that is a part, another, or has one more; a key that is not a validator's purpose.
    assert_eq!(follow(&trusted, &good, &right, &set, &[0, 1]), Err(LightError::Signers));
    assert_eq!(follow(&trusted, &good, &right, &set[1..], &[0, 1, 2]), Err(LightError::Set));
    assert_eq!(follow(&trusted, &good, &right, &other, &all), Err(LightError::Set));
    let mut following = trusted.follow(&good, &right).unwrap();
    let vote = Vote::Finalize(right).id(&good.chain_id);
    for (key, id, purpose) in [
        (&set[0], vote, Purpose::Transaction),
        (&set[1], vote, Purpose::Vote),
        (&set[0], Vote::Notarize(right).id(&good.chain_id), Purpose::Vote),
        (&set[0], Vote::Finalize(right).id(&chain("OTHER")), Purpose::Vote),
    ] {
        let signature = key.sign(purpose, &id).unwrap();
        let mut certificate = following.certificate.clone();
        let result =
            certificate.push(Scheme::Ed25519, &set[0].public_key(), &finality_key(&set[0]), Some(&signature));
        assert_eq!(result, Err(CertificateError::Signature));
        // What failed once is never accepted.
        assert_eq!(
            certificate.push(Scheme::Ed25519, &set[1].public_key(), &finality_key(&set[1]), None),
            Err(CertificateError::Signature)
        );
        assert_eq!(certificate.finish(&good.validators), Err(CertificateError::Signature));
    }
    following.certificate.push(Scheme::Ed25519, &set[0].public_key(), &finality_key(&set[0]), None).unwrap();
    let again =
        following.certificate.push(Scheme::Ed25519, &set[0].public_key(), &finality_key(&set[0]), None);
    assert_eq!(again, Err(CertificateError::Set));
}

/// Random votes, repeats and restarts. The model keeps every vote for ever; the guard may refuse more, but only what is
/// old, and it never lets two votes through that contradict each other.
#[test]
fn no_two_votes_contradict_each_other() {
    let mut rng = num_common::rng();
    let (mut given, mut refused, mut repeated) = (0u64, 0u64, 0u64);
    for _ in 0..num_common::cases() / 200 {
        let mut model: HashMap<(Round, VoteKind), Mark> = HashMap::new();
        let mut journal = Vec::new();
        let mut guard = Guard::new(0);
        let (mut epoch, mut base) = (0, 0);
        for _ in 0..200 {
            match rng.random_range(0..40) {
                0 => epoch += rng.random_range(0..2),
                1 => base += rng.random_range(0..100),
                2 => {
                    // A restart: the guard comes back from what was written.
                    guard = Guard::new(0);
                    for (round, kind, mark) in &journal {
                        guard.recall(*round, *kind, mark);
                    }
                }
                _ => base += rng.random_range(0..2),
            }
            let round = Round {
                epoch: epoch - u64::from(rng.random_range(0..20) == 0 && epoch > 0),
                view: base + rng.random_range(0..20),
            };
            let mark: Mark = [rng.random_range(0..2); 11];
            let proposal = Proposal { round, parent_view: 0, header: Hash([mark[0]; 32]) };
            let vote = match rng.next_u32() % 3 {
                0 => Vote::Notarize(proposal),
                1 => Vote::Nullify(round),
                _ => Vote::Finalize(proposal),
            };
            let newest = guard.newest();
            let old = round.epoch < newest.epoch
                || round.epoch == newest.epoch && newest.view.saturating_sub(round.view) >= 16;
            let before = |kind| model.get(&(round, kind));
            let agrees = |kind| before(kind).is_none_or(|other| *other == mark);
            let expected = if old {
                Err(GuardError::TooOld)
            } else if before(vote.kind())
                .is_some_and(|other| vote.kind() == VoteKind::Nullify || *other == mark)
            {
                Ok(Recorded::Before)
            } else if match vote.kind() {
                VoteKind::Nullify => before(VoteKind::Finalize).is_none(),
                VoteKind::Notarize => agrees(VoteKind::Notarize) && agrees(VoteKind::Finalize),
                VoteKind::Finalize => {
                    agrees(VoteKind::Finalize)
                        && agrees(VoteKind::Notarize)
                        && before(VoteKind::Nullify).is_none()
                }
            } {
                Ok(Recorded::New)
            } else {
                Err(GuardError::Contradicts)
            };
            assert_eq!(guard.judge(&vote, &mark), expected, "{vote:?} after {model:?}");
            match expected {
                Ok(Recorded::New) => {
                    journal.push((round, vote.kind(), mark));
                    // A cut right here loses the vote, not the mark.
                    guard.recall(vote.round(), vote.kind(), &mark);
                    model.insert((round, vote.kind()), mark);
                    given += 1;
                }
                Ok(Recorded::Before) => repeated += 1,
                Err(error) => {
                    if error == GuardError::Contradicts {
                        // Even one that a fault has brought into the flash is not found again.
                        journal.push((round, vote.kind(), mark));
                        guard.recall(vote.round(), vote.kind(), &mark);
                    }
                    refused += 1;
                }
            }
        }
    }
    assert!(
        given > 0 && refused > 0 && repeated > 0,
        "{given} given, {refused} refused, {repeated} repeated"
    );
}
