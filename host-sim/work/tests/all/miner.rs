//! Threads that mine.

use std::time::Duration;

use futures::future::{Either, select};
use qenex_core::consensus::work::{Seal, Target};
use qenex_core::crypto::{Domain, Hash, hash};
use qenex_work::ledger::Puzzle;
use qenex_work::miner::{Miner, Threads};

#[test]
fn threads_find_what_proves() {
    for count in [Some(1), Some(3), None] {
        let mut miner = Threads::new(count);
        for byte in 0..10 {
            let puzzle = Puzzle { unsealed: Hash([byte; 32]), target: Target::of_hashes(20_000) };
            let nonce = futures::executor::block_on(miner.mine(puzzle));
            let seal = Seal { target: puzzle.target, nonce }.bytes();
            assert!(hash(Domain::Work, &[&puzzle.unsealed.0, &seal]).0 <= puzzle.target.to_bytes());
        }
        assert!(miner.hashes() > 0);
    }
}

/// Nobody waits for what cannot be found: the threads end.
#[test]
fn threads_end_when_nobody_waits() {
    let mut miner = Threads::new(None);
    let counter = miner.clone();
    let mining = Box::pin(miner.mine(Puzzle { unsealed: Hash::default(), target: Target::HARDEST }));
    let (told, begun) = futures::channel::oneshot::channel();
    let watch = counter.clone();
    std::thread::spawn(move || {
        while watch.hashes() < 10_000 {
            std::thread::sleep(Duration::from_millis(1));
        }
        let _ = told.send(());
    });
    match futures::executor::block_on(select(mining, begun)) {
        Either::Left((nonce, _)) => panic!("{nonce} cannot be a proof"),
        // With the future that is dropped here the search ends.
        Either::Right(_) => {}
    }
    // However long a machine takes for it.
    let ended = (0..1_000).any(|_| {
        let before = counter.hashes();
        std::thread::sleep(Duration::from_millis(60));
        counter.hashes() == before
    });
    assert!(ended);
}
