//! The vault and the ring, with the power cut at every word and page that they write or erase.
#![allow(clippy::unwrap_used)] // a test that meets what it does not expect should stop there

#[allow(dead_code)] // each test uses a part of it
mod flash_disk;
#[allow(dead_code)]
mod num_common;

use std::collections::BTreeMap;

use flash_disk::{Disk, PAGE};
use qenex_core::hsm::flash::ring::Ring;
use qenex_core::hsm::flash::vault::{MAX_CONTENT, MAX_RECORDS, Name, Vault};
use qenex_core::hsm::flash::{FlashError, Region};
use rand::{RngExt, rngs::StdRng};

const VAULT: Region = Region { start: PAGE as u32, pages: 6 };
const RING: Region = Region { start: PAGE as u32, pages: 4 };
type Entries = Ring<32>;

fn disk(rng: &mut StdRng) -> Disk {
    Disk::new(8, rng.random())
}

#[derive(Clone, Debug)]
enum Change {
    Put(Name, Vec<u8>),
    Remove(Name),
    Compact,
    Wipe,
}

type Model = BTreeMap<Name, Vec<u8>>;

fn change(rng: &mut StdRng) -> Change {
    let name = Name { kind: rng.random_range(1..4), index: rng.random_range(0..3) };
    match rng.random_range(0..40) {
        0 => Change::Compact,
        1 => Change::Wipe,
        2..8 => Change::Remove(name),
        _ => Change::Put(name, (0..rng.random_range(1..150)).map(|_| rng.random()).collect()),
    }
}

fn apply(vault: &mut Vault, disk: &mut Disk, change: &Change) -> Result<(), FlashError> {
    match change {
        Change::Put(name, content) => vault.put(disk, *name, content),
        Change::Remove(name) => vault.remove(disk, *name),
        Change::Compact => vault.compact(disk),
        Change::Wipe => vault.wipe(disk, &[2]),
    }
}

fn apply_to_model(model: &mut Model, change: &Change) {
    match change {
        Change::Put(name, content) => drop(model.insert(*name, content.clone())),
        Change::Remove(name) => drop(model.remove(name)),
        Change::Compact => {}
        Change::Wipe => model.retain(|name, _| name.kind == 2),
    }
}

fn contents(vault: &Vault, disk: &mut Disk) -> Model {
    let mut buffer = [0; MAX_CONTENT];
    let mut all = Model::new();
    for kind in 0..=255 {
        for index in vault.indices(kind) {
            let name = Name { kind, index };
            all.insert(name, vault.get(disk, name, &mut buffer).unwrap().unwrap().to_vec());
        }
    }
    all
}

/// Every change, cut at every step: afterwards the vault holds what it held before it or after it, and goes on.
#[test]
fn a_vault_survives_a_cut_at_every_word() {
    let mut rng = num_common::rng();
    let mut cuts = 0;
    for _ in 0..(num_common::cases() / 10_000).max(1) {
        let mut disk = disk(&mut rng);
        let mut model = Model::new();
        let mut vault = Vault::open(&mut disk, VAULT).unwrap();
        for _ in 0..150 {
            let change = change(&mut rng);
            let mut after = model.clone();
            apply_to_model(&mut after, &change);
            for fuse in 1.. {
                let (mut disk, mut vault) = (disk.clone(), vault.clone());
                disk.fuse = Some(fuse);
                if apply(&mut vault, &mut disk, &change).is_ok() && disk.fuse != Some(0) {
                    break;
                }
                cuts += 1;
                // The power may fail again while the vault recovers.
                for again in [Some(rng.random_range(1..30)), None] {
                    disk.restart();
                    disk.fuse = again;
                    if Vault::open(&mut disk, VAULT).is_ok() {
                        break;
                    }
                }
                disk.restart();
                let mut vault = Vault::open(&mut disk, VAULT).unwrap();
                let found = contents(&vault, &mut disk);
                assert!(
                    found == model || found == after,
                    "{change:?} at step {fuse}: {found:?} from {model:?}"
                );
                let name = Name { kind: 9, index: 9 };
                vault.put(&mut disk, name, b"goes on").unwrap();
                assert_eq!(contents(&Vault::open(&mut disk, VAULT).unwrap(), &mut disk)[&name], b"goes on");
                assert!(!disk.overwritten);
            }
            apply(&mut vault, &mut disk, &change).unwrap();
            model = after;
            assert_eq!(contents(&vault, &mut disk), model);
        }
        assert!(!disk.overwritten);
    }
    assert!(cuts > 1_000, "{cuts}");
    println!("{cuts} cuts");
}

#[test]
fn a_first_start_survives_a_cut() {
    let mut rng = num_common::rng();
    for fuse in 1..10 {
        let mut disk = disk(&mut rng);
        disk.fuse = Some(fuse);
        let opened = Vault::open(&mut disk, VAULT).is_ok();
        disk.restart();
        assert!(contents(&Vault::open(&mut disk, VAULT).unwrap(), &mut disk).is_empty());
        assert!(opened || fuse < 10);
    }
}

#[test]
fn superseded_and_removed_values_are_gone_after_compaction() {
    let mut disk = Disk::new(8, 1);
    let mut vault = Vault::open(&mut disk, VAULT).unwrap();
    let name = Name { kind: 1, index: 0 };
    let has = |disk: &Disk, secret: &[u8]| disk.bytes.windows(secret.len()).any(|window| window == secret);
    vault.put(&mut disk, name, b"first secret").unwrap();
    vault.put(&mut disk, name, b"second secret").unwrap();
    assert!(has(&disk, b"first secret"));
    vault.compact(&mut disk).unwrap();
    assert!(!has(&disk, b"first secret") && has(&disk, b"second secret"));
    vault.remove(&mut disk, name).unwrap();
    vault.wipe(&mut disk, &[9]).unwrap();
    assert!(!has(&disk, b"second secret"));
}

#[test]
fn a_vault_says_what_does_not_fit_and_loses_nothing() {
    let mut disk = Disk::new(8, 1);
    let mut vault = Vault::open(&mut disk, VAULT).unwrap();
    let name = Name { kind: 1, index: 0 };
    assert_eq!(vault.put(&mut disk, name, &[]), Err(FlashError::Geometry));
    assert_eq!(vault.put(&mut disk, name, &[0; MAX_CONTENT + 1]), Err(FlashError::Geometry));
    assert_eq!(vault.put(&mut disk, Name { kind: 255, index: 0 }, &[1]), Err(FlashError::Geometry));
    // Three pages of a kilobyte hold one record of 2,000 bytes, not two.
    vault.put(&mut disk, name, &[7; 2_000]).unwrap();
    vault.put(&mut disk, name, &[8; 2_000]).unwrap();
    assert_eq!(vault.put(&mut disk, Name { kind: 2, index: 0 }, &[9; 2_000]), Err(FlashError::Full));
    vault.put(&mut disk, Name { kind: 2, index: 0 }, &[9; 500]).unwrap();
    assert_eq!(contents(&vault, &mut disk)[&name], [8; 2_000]);
    assert_eq!(contents(&Vault::open(&mut disk, VAULT).unwrap(), &mut disk).len(), 2);

    let mut vault = Vault::open(&mut disk, VAULT).unwrap();
    vault.wipe(&mut disk, &[9]).unwrap();
    for index in 0..MAX_RECORDS as u8 {
        vault.put(&mut disk, Name { kind: 3, index }, &[index]).unwrap();
    }
    let one_more = Name { kind: 4, index: 0 };
    assert_eq!(vault.put(&mut disk, one_more, &[1]), Err(FlashError::Full));
    vault.put(&mut disk, Name { kind: 3, index: 7 }, &[70]).unwrap();

    for region in [
        Region { start: 1, pages: 2 },
        Region { start: 0, pages: 0 },
        Region { start: 0, pages: 3 },
        Region { start: 0, pages: 10 },
        Region { start: u32::MAX - 1023, pages: 2 },
    ] {
        assert_eq!(Vault::open(&mut disk, region).err(), Some(FlashError::Geometry));
    }
}

/// A bit that changes in what was acknowledged is found: an error, or a value that is not given out.
#[test]
fn a_changed_bit_is_found() {
    let mut rng = num_common::rng();
    let mut disk = disk(&mut rng);
    let mut vault = Vault::open(&mut disk, VAULT).unwrap();
    let names: Vec<_> = (0..5).map(|index| Name { kind: 1, index }).collect();
    for name in &names {
        vault.put(&mut disk, *name, &[name.index; 38]).unwrap();
    }
    let before = contents(&vault, &mut disk);
    // All but the last record: that one cannot be told from one that was never written to its end.
    for byte in PAGE + 16..PAGE + 16 + 4 * 48 {
        for bit in 0..8 {
            let mut disk = disk.clone();
            disk.bytes[byte] ^= 1 << bit;
            assert_eq!(Vault::open(&mut disk, VAULT).err(), Some(FlashError::Damaged), "{byte}");
        }
    }
    assert_eq!(contents(&vault, &mut disk), before);
}

/// Every append and every new page, cut at every step.
#[test]
fn a_ring_survives_a_cut_at_every_word() {
    let mut rng = num_common::rng();
    let mut disk = disk(&mut rng);
    let mut ring = Entries::open(&mut disk, RING).unwrap();
    let mut model: Vec<(u64, u8)> = Vec::new();
    let read = |ring: &Entries, disk: &mut Disk| {
        let mut all = Vec::new();
        ring.for_each(disk, u16::MAX, |page, _, entry| all.push((page.base, entry[0]))).unwrap();
        all
    };
    let capacity = usize::from(Entries::capacity::<Disk>());
    let mut cuts = 0;
    for step in 0..6 * capacity as u64 {
        let append = |ring: &mut Entries, disk: &mut Disk| {
            if !ring.has_room::<Disk>() {
                ring.start_page(disk, 1_000 + step)?;
            }
            ring.append(disk, &[step as u8 % 100 + 1; 30])
        };
        let new_base = if ring.has_room::<Disk>() { ring.newest().unwrap().base } else { 1_000 + step };
        let after: Vec<_> = model.iter().copied().chain([(new_base, step as u8 % 100 + 1)]).collect();
        // Entries of the page that is erased for a new one need not be there any more, whole or in part.
        let newest = |all: &[(u64, u8)]| all[all.len().saturating_sub(2 * capacity)..].to_vec();
        for fuse in 1.. {
            let (mut disk, mut ring) = (disk.clone(), ring);
            disk.fuse = Some(fuse);
            if append(&mut ring, &mut disk).is_ok() && disk.fuse != Some(0) {
                break;
            }
            cuts += 1;
            disk.restart();
            disk.fuse = Some(rng.random_range(1..4));
            let _ = Entries::open(&mut disk, RING);
            disk.restart();
            let mut ring = Entries::open(&mut disk, RING).unwrap();
            let found = newest(&read(&ring, &mut disk));
            assert!(
                found.ends_with(&newest(&model)[model.len().min(capacity) / 2..]) || found == newest(&after),
                "step {step}, cut {fuse}: {found:?}"
            );
            // It goes on, and opens again.
            if !ring.has_room::<Disk>() {
                ring.start_page(&mut disk, 5).unwrap();
            }
            ring.append(&mut disk, &[200; 30]).unwrap();
            let ring = Entries::open(&mut disk, RING).unwrap();
            assert_eq!(read(&ring, &mut disk).last().unwrap().1, 200);
            assert!(!disk.overwritten);
        }
        append(&mut ring, &mut disk).unwrap();
        model = after;
        let all = read(&ring, &mut disk);
        assert!(model.ends_with(&all) && all.len() >= model.len().min(3 * capacity - capacity));
        assert_eq!(Entries::open(&mut disk, RING).unwrap(), ring);
    }
    assert!(cuts > 100, "{cuts}");
}

#[test]
fn a_damaged_entry_is_not_taken_for_a_torn_one() {
    let mut disk = Disk::new(8, 3);
    let mut ring = Entries::open(&mut disk, RING).unwrap();
    ring.start_page(&mut disk, 0).unwrap();
    for entry in 1..6 {
        ring.append(&mut disk, &[entry; 30]).unwrap();
    }
    for byte in PAGE + 16..PAGE + 16 + 4 * 32 {
        let mut disk = disk.clone();
        disk.bytes[byte] ^= 1;
        assert_eq!(Entries::open(&mut disk, RING).err(), Some(FlashError::Damaged), "{byte}");
    }
    for pages in [0, 2, 8] {
        assert_eq!(
            Entries::open(&mut disk, Region { start: PAGE as u32, pages }).err(),
            Some(FlashError::Geometry)
        );
    }
}
