//! Checkpoints as a node collects and keeps them.
#![allow(clippy::unwrap_used)] // a test that meets what it does not expect should stop there

use std::sync::Arc;

use commonware_cryptography::Signer as _;
use commonware_cryptography::ed25519::PrivateKey;
use qenex_consensus::{Certificate, CheckpointSigner as _, KeyCheckpointSigner, Validator, Validators};
use qenex_core::codec::{self, Encoded as _};
use qenex_core::consensus::{Anchor, Checkpoint, Header, Proposal, Round, SignerSet, Trusted, finality_key};
use qenex_core::crypto::Hash;
use qenex_core::crypto::ed25519::SecretKey;
use qenex_core::id::{AccountId, ChainId};
use qenex_store::disk::{Loss, SimDisk};
use qenex_validator::checkpoint::{Certified, Collected, Signed, Unwanted};
use qenex_validator::checkpoints::Checkpoints;

struct World {
    validators: Validators,
    /// In the order of the core.
    signers: Vec<KeyCheckpointSigner>,
}

impl World {
    fn new(size: u8) -> Self {
        let mut all: Vec<_> = (1..=size)
            .map(|number| {
                let signer = KeyCheckpointSigner::new(&[number; 32]).unwrap();
                let validator = Validator {
                    peer: PrivateKey::from_seed(number.into()).public_key(),
                    vote_key: SecretKey::from_seed(&[number; 32]).unwrap().public_key(),
                    finality_key: finality_key(signer.public_key()).0.0,
                };
                (validator, signer)
            })
            .collect();
        all.sort_by_key(|(validator, _)| validator.vote_key);
        let (validators, signers): (Vec<_>, _) = all.into_iter().unzip();
        Self { validators: Validators::new(validators).unwrap(), signers }
    }

    fn header(&self, epoch: u64) -> Header {
        Header {
            protocol: Header::PROTOCOL,
            chain_id: ChainId::new("QENEX-TEST").unwrap(),
            epoch,
            view: 9,
            height: 10 * epoch,
            parent: Hash([1; 32]),
            time_ms: 5,
            proposer: AccountId::new("VALIDATOR_1").unwrap(),
            transaction_root: Hash([2; 32]),
            state_root: Hash([3; 32]),
            receipt_root: Hash([4; 32]),
            validators: self.validators.hash(),
            next_validators: self.validators.hash(),
            seal: Default::default(),
        }
    }

    fn checkpoint(&self, epoch: u64) -> Checkpoint {
        Checkpoint::of(&self.header(epoch))
    }

    fn signed(&self, place: u8, checkpoint: &Checkpoint) -> Signed {
        let signer = &self.signers[usize::from(place)];
        let bytes = [signer.public_key(), &signer.sign(checkpoint).unwrap()].concat();
        Signed::split(&bytes).unwrap().0
    }

    fn certified(&self, epoch: u64) -> Certified {
        let round = Round { epoch, view: 9 };
        let proposal = Proposal { round, parent_view: 8, header: self.header(epoch).id() };
        let mut signers = SignerSet::default();
        [0, 2].into_iter().for_each(|place| signers.insert(place));
        Certified { proposal, certificate: Certificate::new(signers, vec![[7; 64], [8; 64]]).unwrap() }
    }

    /// Whether a light client moves on by what was collected, from the end of the epoch before.
    fn holds(&self, collected: &Collected, epoch: u64) -> bool {
        let anchor = Anchor { header: self.header(epoch - 1), trusting_period_ms: 10 };
        let followed = collected.follow(&Trusted::new(&anchor).unwrap());
        followed.is_ok_and(|trusted| trusted.header == self.header(epoch).id())
    }
}

#[test]
fn signatures_are_collected_until_they_are_enough() {
    let world = World::new(4);
    let (checkpoint, other) = (world.checkpoint(3), world.checkpoint(4));
    let mut collected = Collected::new(&world.validators);
    assert!(collected.is_possible());
    let add = |collected: &mut Collected, place, signed| collected.add(&world.header(3), place, signed);
    for (place, signed) in
        [(1, world.signed(1, &other)), (1, world.signed(2, &checkpoint)), (4, world.signed(1, &checkpoint))]
    {
        assert_eq!(add(&mut collected, place, signed), Err(Unwanted::Wrong));
    }
    for (count, place) in [2, 0, 3].into_iter().enumerate() {
        assert!(!collected.is_complete() && !world.holds(&collected, 3), "{count}");
        assert_eq!(collected.missing(world.signers[usize::from(place)].public_key()), Some(place));
        assert_eq!(add(&mut collected, place, world.signed(place, &checkpoint)), Ok(()));
        assert_eq!(add(&mut collected, place, world.signed(place, &other)), Err(Unwanted::Known));
        assert_eq!(collected.missing(world.signers[usize::from(place)].public_key()), None);
        assert!(collected.signers().contains(place));
    }
    assert!(collected.is_complete() && world.holds(&collected, 3));
    assert_eq!(add(&mut collected, 1, world.signed(1, &checkpoint)), Err(Unwanted::Known));

    // Through bytes nothing changes, and nothing else is one.
    for certified in [false, true] {
        assert!(!certified || collected.certify(&world.header(3), world.certified(3)));
        assert!(!collected.certify(&world.header(3), world.certified(4)));
        let bytes = collected.encode();
        assert!(Collected::decode(&bytes).unwrap() == collected);
        let header = codec::encode(&world.header(3), &mut [0; Header::MAX_LEN]).unwrap().len();
        let whole = 1 + 4 * 65 + 3 * Signed::BYTES + 2 + header;
        assert_eq!(bytes.len(), whole + if certified { 56 + 32 + 2 * 64 } else { 0 });
        for len in (0..bytes.len()).step_by(97).chain([bytes.len() - 1]).filter(|len| *len != whole) {
            assert!(Collected::decode(&bytes[..len]).is_none(), "{len}");
        }
        assert!(Collected::decode(&[&bytes[..], &[0]].concat()).is_none());
    }
}

#[test]
fn a_set_without_keys_of_checkpoints_has_none() {
    let world = World::new(4);
    let with = |keys: usize| {
        let members = world.validators.vote_keys().iter().zip(world.validators.finality_keys());
        let validators =
            members.zip(world.validators.peers().iter()).enumerate().map(|(index, ((vote, key), peer))| {
                Validator {
                    peer: peer.clone(),
                    vote_key: *vote,
                    finality_key: if index < keys { *key } else { [0; 32] },
                }
            });
        Validators::new(validators).unwrap()
    };
    let checkpoints = Checkpoints::load(SimDisk::new(1)).unwrap();
    for keys in 0..=4 {
        checkpoints.begin(keys as u64, &with(keys)).unwrap();
    }
    assert_eq!(checkpoints.open(), [3, 4]);
}

/// Whatever the power does, an own signature and a complete checkpoint are there again once they were said to be, and the set before.
#[test]
fn what_is_kept_outlives_the_power() {
    let world = World::new(4);
    let signed: Vec<Vec<Signed>> = (1..4)
        .map(|epoch| (0..4).map(|place| world.signed(place, &world.checkpoint(epoch))).collect())
        .collect();
    let mut cut = 0;
    for seed in 0..40 {
        // Without a cut, to know how many operations there are; then with one.
        let mut operations = 0;
        for at in [None, Some(())] {
            let disk = SimDisk::new(seed);
            let begun = disk.operations();
            if at.is_some() {
                cut += 1;
                disk.cut_at(begun + seed * 7 % operations);
            }
            let mut kept = Vec::new();
            let result = (|| {
                let checkpoints = Checkpoints::load(disk.clone())?;
                for epoch in 1..4 {
                    checkpoints.begin(epoch, &world.validators)?;
                    kept.push((epoch, 0));
                    for place in 0..3 {
                        let signature = signed[epoch as usize - 1][usize::from(place)].clone();
                        checkpoints.add(&world.header(epoch), place, signature, true)?.unwrap();
                        kept.push((epoch, place + 1));
                    }
                    checkpoints.certify(&world.header(epoch), world.certified(epoch))?;
                    kept.push((epoch, 4));
                }
                std::io::Result::Ok(())
            })();
            operations = disk.operations() - begun;
            assert_eq!(result.is_ok(), at.is_none());
            let loss = [Loss::All, Loss::Random, Loss::Nothing][seed as usize % 3];
            let again = Checkpoints::load(disk.restart(loss)).unwrap();
            for (epoch, count) in kept {
                let collected = again.get(epoch).unwrap().unwrap();
                assert!(
                    (0..count.min(3)).all(|place| collected.signers().contains(place)),
                    "{epoch}, {count}"
                );
                if count >= 3 {
                    let done = again.done(epoch).unwrap().unwrap();
                    assert!(world.holds(&done, epoch));
                    assert!(count == 3 || done.certified.unwrap() == world.certified(epoch));
                    assert!(!again.open().contains(&epoch));
                }
            }
        }
    }
    assert_eq!(cut, 40);
}

#[test]
fn damage_is_told() {
    let world = World::new(1);
    let disk: Arc<SimDisk> = SimDisk::new(1);
    let checkpoints = Checkpoints::load(disk.clone()).unwrap();
    checkpoints.begin(5, &world.validators).unwrap();
    let file = qenex_store::Disk::open(&*disk, "open-00000000000000000005").unwrap().unwrap();
    file.set_len(40).unwrap();
    assert!(Checkpoints::load(disk).is_err());
}
