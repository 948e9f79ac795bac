//! Power cuts at every write and sync of the simulated disk, compared with a model.

mod model;

use std::sync::Arc;

use model::{Told, compare, env, open, seed, work};
use qenex_store::disk::Loss;
use qenex_store::{Disk, SimDisk};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

/// One life of the store on a disk whose power may be cut.
fn live(disk: &Arc<SimDisk>, seed: u64, work_seed: u64, end: u64, told: &mut Told) -> bool {
    let store = match open(Arc::clone(disk) as Arc<dyn Disk>) {
        Ok(store) => store,
        Err(error) => {
            assert!(!disk.is_powered(), "{error}");
            return false;
        }
    };
    if disk.is_powered() {
        compare(&store, seed, told);
    }
    match work(&store, seed, &mut ChaCha8Rng::seed_from_u64(work_seed), end, told) {
        Ok(()) => true,
        Err(error) => {
            assert!(!disk.is_powered(), "{error}");
            false
        }
    }
}

/// The same workload, cut at each of its operations in turn, then opened, compared and continued to the end.
#[test]
fn cut_at_every_operation() {
    let seed = seed();
    let mut told = Told::default();
    let disk = SimDisk::new(seed);
    assert!(live(&disk, seed, seed, 24, &mut told));
    let operations = disk.operations();
    println!("{operations} operations");
    for cut in 0..operations {
        let loss = [Loss::Random, Loss::Random, Loss::All, Loss::Nothing][(cut % 4) as usize];
        let mut told = Told::default();
        let disk = SimDisk::new(seed ^ cut);
        disk.cut_at(cut);
        live(&disk, seed, seed, 24, &mut told);
        let disk = disk.restart(loss);
        println!("cut {cut} {loss:?} {told:?}");
        assert!(live(&disk, seed, cut, 30, &mut told), "cut {cut}");
        let disk = disk.restart(Loss::All);
        let store = open(disk as Arc<dyn Disk>).unwrap();
        assert_eq!(store.cut, None);
        compare(&store, seed, &mut told);
        assert_eq!(told.committed, Some(30));
    }
}

/// Long lives with a cut every so often, also in the middle of recoveries.
#[test]
fn cut_again_and_again() {
    let seed = seed();
    let lives = env("QENEX_CASES").map_or(60, |cases| cases / 100);
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut told = Told::default();
    let mut disk = SimDisk::new(seed);
    let mut end = 0;
    for life in 0..lives {
        // A young chain again now and then, so that comparing stays cheap.
        if told.committed > Some(120) {
            disk = SimDisk::new(seed ^ life);
            (told, end) = (Told::default(), 0);
        }
        disk.cut_at(disk.operations() + rng.random_range(0..200));
        end += 10;
        live(&disk, seed, rng.random(), end, &mut told);
        disk = disk.restart([Loss::Random, Loss::All, Loss::Nothing][rng.random_range(0..3)]);
    }
    let store = open(disk as Arc<dyn Disk>).unwrap();
    compare(&store, seed, &mut told);
}
