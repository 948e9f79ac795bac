//! The states that a node offers, on a disk whose power is cut and whose bits rot.
#![allow(clippy::unwrap_used)] // a test that meets what it does not expect should stop there

use std::sync::Arc;

use qenex_core::crypto::{Hash, KeyHash, Scheme};
use qenex_core::id::{AccountId, AssetId, ChainId};
use qenex_core::num::Amount;
use qenex_core::tx::{AccountKind, AuthorityBuf, KeyRef, KycLevel};
use qenex_node::chain::Chain;
use qenex_node::genesis::{Genesis, GenesisAccount};
use qenex_node::snapshot::Frozen;
use qenex_store::Disk;
use qenex_store::disk::{Loss, SimDisk};
use qenex_validator::snapshots::Snapshots;

fn frozen() -> Frozen {
    let system = AccountId::new("SYSTEM").unwrap();
    let asset = AssetId::new("USDC").unwrap();
    let account = |id: AccountId, kind, balances| GenesisAccount {
        id,
        kind,
        kyc: KycLevel::Verified,
        authority: AuthorityBuf::single(KeyRef { scheme: Scheme::Ed25519, hash: KeyHash(Hash([7; 32])) }),
        balances,
    };
    let mut accounts = vec![account(system, AccountKind::System, Vec::new())];
    accounts.extend((0..2_000).map(|index| {
        let id = AccountId::new(&format!("ACC{index:06}")).unwrap();
        account(id, AccountKind::Individual, vec![(asset, Amount::from_whole(index + 1))])
    }));
    let genesis = Genesis {
        chain_id: ChainId::new("QENEX-TEST").unwrap(),
        time_ms: 1,
        assets: vec![(asset, system)],
        accounts,
        staking: None,
        work: None,
    };
    Chain::new(&genesis, usize::MAX).unwrap().freeze()
}

/// Whether the state of an epoch is there as it was written, and nothing else.
fn is_whole(snapshots: &Snapshots, epoch: u64, frozen: &Frozen, block: &[u8]) -> bool {
    let section = |index| snapshots.section(epoch, index).unwrap();
    section(0) == Some(frozen.list())
        && section(1).as_deref() == Some(block)
        && (0..frozen.parts()).all(|part| section(part + 2) == Some(frozen.part(part)))
        && section(frozen.parts() + 2).is_none()
}

#[test]
fn the_newest_two_are_kept() {
    let frozen = frozen();
    assert!(frozen.parts() > 2);
    let disk = SimDisk::new(1);
    let snapshots = Snapshots::load(disk.clone()).unwrap();
    assert!(snapshots.epochs().is_empty() && snapshots.section(1, 0).unwrap().is_none());
    for epoch in 1..=4 {
        snapshots.write(epoch, &frozen, &[epoch as u8; 100]).unwrap();
    }
    let mut snapshots = snapshots;
    for _ in 0..2 {
        assert_eq!(snapshots.epochs(), [3, 4]);
        assert!(is_whole(&snapshots, 3, &frozen, &[3; 100]) && is_whole(&snapshots, 4, &frozen, &[4; 100]));
        assert!(snapshots.section(2, 0).unwrap().is_none());
        snapshots = Snapshots::load(disk.restart(Loss::All)).unwrap();
    }
}

/// Whatever the power does, what is offered is whole, and what was written is offered.
#[test]
fn power_cuts_leave_whole_states() {
    let frozen = frozen();
    let (mut without, mut with) = (0, 0);
    for cut in 1.. {
        let disk = SimDisk::new(cut);
        let snapshots = Snapshots::load(disk.clone()).unwrap();
        snapshots.write(7, &frozen, b"seven").unwrap();
        disk.cut_at(disk.operations() + cut);
        let written = snapshots.write(8, &frozen, b"eight").is_ok();
        let powered = disk.is_powered();
        let loss = [Loss::All, Loss::Random, Loss::Nothing][cut as usize % 3];
        let disk = disk.restart(loss);
        let snapshots = Snapshots::load(disk.clone()).unwrap();
        assert!(is_whole(&snapshots, 7, &frozen, b"seven"));
        let there = snapshots.epochs().contains(&8);
        assert!(there || !written);
        assert!(!there || is_whole(&snapshots, 8, &frozen, b"eight"));
        assert!(disk.list().unwrap().iter().all(|name| name.starts_with("state-")));
        (without, with) = if there { (without, with + 1) } else { (without + 1, with) };
        if powered {
            break;
        }
    }
    assert!(without > 5 && with > 1, "{without} without, {with} with");
}

#[test]
fn what_rots_is_not_sent() {
    let frozen = frozen();
    let disk: Arc<SimDisk> = SimDisk::new(1);
    let snapshots = Snapshots::load(disk.clone()).unwrap();
    snapshots.write(5, &frozen, b"five").unwrap();
    let name = disk.list().unwrap().pop().unwrap();
    let bytes = disk.bytes(&name).unwrap();
    // A section: it alone is not there.
    let mut wrong = bytes.clone();
    wrong[frozen.list().len() + 1] ^= 1;
    disk.replace(&name, wrong);
    let snapshots = Snapshots::load(disk.clone()).unwrap();
    assert_eq!(snapshots.section(5, 0).unwrap(), Some(frozen.list()));
    assert_eq!(snapshots.section(5, 1).unwrap(), None);
    // What says where sections are: the file goes.
    for at in [1, 20, 40, 60, 100] {
        let mut wrong = bytes.clone();
        let place = wrong.len() - at;
        wrong[place] ^= 0x10;
        disk.replace(&name, wrong);
        assert!(Snapshots::load(disk.clone()).unwrap().epochs().is_empty(), "{at}");
        assert!(disk.list().unwrap().is_empty());
    }
    disk.replace(&name, bytes[..20].to_vec());
    assert!(Snapshots::load(disk).unwrap().epochs().is_empty());
}
