//! A process that appends and checkpoints on the file system is killed again and again.

mod model;

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use model::{Told, checkpoint, compare, env, open, seed};
use qenex_core::error::Coded;
use qenex_store::RealDisk;
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

const DIRECTORY: &str = "QENEX_SIGKILL_DIRECTORY";
const SEED: &str = "QENEX_SIGKILL_SEED";

/// The child: it says what is committed after each sync. Does nothing when run as a test.
#[test]
fn child() {
    let (Ok(directory), Some(seed)) = (std::env::var(DIRECTORY), env(SEED)) else { return };
    let store = open(RealDisk::open(&PathBuf::from(directory)).unwrap()).unwrap();
    let mut height = store.log.last_height().unwrap_or(0);
    loop {
        for _ in 0..1 + height % 3 {
            height += 1;
            store.log.append(height, &model::block(seed, height)).unwrap();
        }
        store.log.sync().unwrap();
        println!("committed {height}");
        if height % 16 < 2 {
            store.log.prepare().unwrap();
            checkpoint(&store, seed, height).unwrap();
            println!("checkpoint {height}");
        }
    }
}

#[test]
fn killed_again_and_again() {
    let seed = seed();
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let directory = std::env::temp_dir().join(format!("qenex-store-{}-{seed}", std::process::id()));
    let rounds = env("QENEX_CASES").map_or(12, |cases| cases / 10_000);
    let mut last = 0;
    for round in 0..rounds {
        // The state of the model is recomputed from the first block, so a chain is given up when it is long.
        if last > 400 {
            std::fs::remove_dir_all(&directory).unwrap();
            last = 0;
        }
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child", "--nocapture"])
            .env(DIRECTORY, &directory)
            .env(SEED, seed.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut told = Told::default();
        let hear = |line: String, told: &mut Told| {
            let number = line.rsplit(' ').next().and_then(|number| number.parse().ok());
            if line.starts_with("committed") {
                told.committed = number;
            } else if line.starts_with("checkpoint") {
                told.checkpoint = number;
            }
        };
        let first = lines.by_ref().map_while(Result::ok).find(|line| line.starts_with("committed")).unwrap();
        hear(first, &mut told);
        if round == 0 {
            let error = RealDisk::open(&directory).unwrap_err();
            assert_eq!(error.code().number, 1002, "{error}");
        }
        std::thread::sleep(Duration::from_micros(rng.random_range(0..40_000)));
        child.kill().unwrap();
        child.wait().unwrap();
        lines.map_while(Result::ok).for_each(|line| hear(line, &mut told));
        let store = open(RealDisk::open(&directory).unwrap()).unwrap();
        // The newest checkpoint is the last that was told, one of an earlier life, or one that was in flight.
        let newest = store.checkpoints.latest().unwrap().map(|meta| meta.height);
        assert!(newest >= told.checkpoint);
        told.checkpoint = newest;
        compare(&store, seed, &mut told);
        println!("round {round}: {told:?}, cut {:?}", store.cut);
        assert!(told.committed > Some(last));
        last = told.committed.unwrap();
    }
    std::fs::remove_dir_all(&directory).unwrap();
}
